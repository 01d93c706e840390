//! The `lab` command, as a person uses it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result};
use integration::command::{output, run};
use integration::inbox::Inbox;
use integration::lab::DIR;
use integration::{run_dir, wait};

/// The config of the other live tests; its controller is not started here.
fn config() -> String {
    include_str!("common/world.yaml").replace(DIR, "/run")
}

/// A lab of the command line's, taken down at the end of the test.
struct Named {
    name: String,
    config: PathBuf,
}

impl Named {
    fn new() -> Result<Self> {
        let name = run_dir::unique_name();
        let config = std::env::temp_dir().join(format!("{name}.yaml"));
        fs::write(&config, self::config())?;
        Ok(Self { name, config })
    }

    fn lab(&self, args: &[&str]) -> Command {
        let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
        lab.args(["--name", &self.name]).args(args);
        lab
    }

    fn up(&self, options: &[&str]) -> Command {
        let mut up = self.lab(&["up"]);
        up.arg(&self.config).args(options);
        up
    }

    /// Whether anything of it is left.
    fn is_gone(&self) -> Result<bool> {
        let namespaces = run(Command::new("ip").args(["netns", "list"]))?;
        let prefix = run_dir::namespace(&self.name, "");
        Ok(!run_dir::path(&self.name).exists() && !namespaces.contains(&prefix))
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.config);
        if run_dir::path(&self.name).exists() {
            let _ = run_dir::take_down(&self.name);
        }
    }
}

fn failed(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn up_exec_watch_status_down() -> Result<()> {
    let lab = Named::new()?;
    let shown = run(&mut lab.up(&[]))?;
    assert!(shown.contains("VM-104"), "{shown}");
    assert!(failed(&output(&mut lab.up(&[]))?).contains("exists"));

    let listed = run(&mut lab.lab(&["status"]))?;
    assert!(
        listed.contains(&format!(
            "{} is up: bridges br0.local, br.nf, br0",
            lab.name
        )),
        "{listed}"
    );

    // By the name of the VM, by that of the port; the exit status is the command's.
    for station in ["VM-A", "vma0"] {
        let device =
            run(&mut lab.lab(&["exec", station, "--", "ip", "-o", "link", "show", "eth0"]))?;
        assert!(device.contains("52:54:00:00:00:0a"), "{device}");
    }
    let status = output(&mut lab.lab(&["exec", "VM-A", "--", "sh", "-c", "exit 7"]))?.status;
    assert_eq!(status.code(), Some(7));
    let bridges = run(&mut lab.lab(&["exec", "host", "--", "ovs-vsctl", "list-br"]))?;
    assert_eq!(bridges, "br.nf\nbr0\nbr0.local\n");
    assert!(failed(&output(&mut lab.lab(&["exec", "VM-X", "--", "true"]))?).contains("no VM-X"));

    let normal = [
        "exec",
        "host",
        "--",
        "ovs-ofctl",
        "-O",
        "OpenFlow13",
        "add-flow",
        "br0.local",
        "actions=normal",
    ];
    run(&mut lab.lab(&normal))?;
    let mut watch = lab.lab(&["watch", "VM-B", "-c", "1"]);
    let mut watch = watch
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut notes = BufReader::new(watch.stderr.take().context("no stderr")?).lines();
    notes
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("listening")))
        .context("no start")??;
    // Nobody answers, but VM-B sees who asks.
    output(&mut lab.lab(&[
        "exec",
        "VM-A",
        "--",
        "arping",
        "-c",
        "1",
        "-w",
        "1",
        "-I",
        "eth0",
        "10.11.184.200",
    ]))?;
    let frames = String::from_utf8(watch.wait_with_output()?.stdout)?;
    assert!(
        frames.contains("52:54:00:00:00:0a > ff:ff:ff:ff:ff:ff"),
        "{frames}"
    );

    run(&mut lab.lab(&["down"]))?;
    assert!(lab.is_gone()?);
    assert!(failed(&output(&mut lab.lab(&["down"]))?).contains("no lab named"));
    Ok(())
}

#[test]
fn a_refused_config_leaves_nothing_behind() -> Result<()> {
    let lab = Named::new()?;
    fs::write(
        &lab.config,
        config().replace("network: native", "network: natvie"),
    )?;
    assert!(failed(&output(&mut lab.up(&[]))?).contains("natvie"));
    assert!(lab.is_gone()?);

    fs::write(&lab.config, config())?;
    assert!(failed(&output(&mut lab.up(&["--host", "node9"]))?).contains("no host node9"));
    assert!(lab.is_gone()?);
    Ok(())
}

#[test]
fn a_lab_is_taken_down_when_its_owner_is_killed() -> Result<()> {
    for signal in ["INT", "TERM", "KILL"] {
        let lab = Named::new()?;
        let mut owner = foreground(&lab)?;
        run(&mut lab.lab(&["exec", "VM-A", "--", "true"]))?;
        run(Command::new("kill").args([format!("-{signal}"), owner.id().to_string()]))?;
        owner.wait()?;
        wait::until("the lab to be taken down", || {
            Ok(lab.is_gone()?.then_some(()))
        })?;
    }
    Ok(())
}

/// Starts a lab that lives as long as its process, and waits until it is up.
fn foreground(lab: &Named) -> Result<Child> {
    let mut owner = lab.up(&["--foreground"]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(owner.stdout.take().context("no stdout")?).lines();
    let up = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("Ctrl-C")));
    up.context("the lab did not come up")??;
    Ok(owner)
}

/// The controllers of a lab's hosts, each ended with the test.
struct Controllers(Vec<Child>);

impl Drop for Controllers {
    fn drop(&mut self) {
        for controller in &mut self.0 {
            let _ = controller.kill();
            let _ = controller.wait();
        }
    }
}

/// Starts the controller of a host as a person does.
fn run_controller(lab: &Named, host: &str) -> Result<Child> {
    let program = integration::controller::program()?.to_string_lossy();
    let config = lab.config.to_string_lossy();
    let mut controller = lab.lab(&["exec", host, "--", &program, "run", &config]);
    Ok(controller.stderr(Stdio::null()).spawn()?)
}

/// Two labs are up, and perhaps a controller of the machine. In each of them, the commands find what
/// is theirs, whether the config says where the API is or not, and no guest's name is told.
#[test]
fn two_labs_at_once_each_have_a_controller_and_an_open_vswitch_of_their_own() -> Result<()> {
    let named = |api: &str, network: &str| -> Result<Named> {
        let lab = Named::new()?;
        let text = format!(
            "{api}networks: {{ {network}: {{ vlan: 7 }} }}
hosts: {{ node1: {{ bridges: {{ local: br0.local, uplink: br0 }} }} }}
vms: {{ VM-A: {{ host: node1, nics: [{{ mac: \"52:54:00:00:00:0a\", network: {network} }}] }} }}
"
        );
        fs::write(&lab.config, text)?;
        Ok(lab)
    };
    let usual = "controller: { api: 'unix:/run/bridgechain/api.sock' }\n";
    let labs = [(named("", "one")?, "one"), (named(usual, "two")?, "two")];
    let program = integration::controller::program()?.to_string_lossy();
    let mut controllers = Controllers(Vec::new());
    let mut shells = Vec::new();
    for (lab, _) in &labs {
        let shown = run(&mut lab.up(&[]))?;
        let export = shown
            .lines()
            .find(|line| line.contains("export OVS_RUNDIR="));
        shells.push(
            export
                .with_context(|| format!("no export in {shown}"))?
                .to_owned(),
        );
        controllers.0.push(run_controller(lab, "host")?);
    }
    for ((lab, network), export) in labs.iter().zip(shells) {
        let inside = |words: &str| {
            let words = format!("{program} {words}");
            output(&mut lab.lab(&["exec", "host", "--", "sh", "-c", &words]))
        };
        let outside = |words: &str| {
            let line = format!("{export}; {program} {words}");
            output(Command::new("sh").args(["-c", &line]))
        };
        let config = lab.config.display();
        wait::until(&format!("the guest of lab {network} to be found"), || {
            let status = inside("status --json")?;
            let told: serde_json::Value = match serde_json::from_slice(&status.stdout) {
                Ok(told) => told,
                Err(_) => return Ok(None),
            };
            let guest = &told["hosts"][0]["guests"][0];
            Ok((guest["present"] == true).then_some(()))
        })?;
        for told in [
            inside("net list")?,
            inside(&format!("net list --config {config}"))?,
            outside("net list")?,
        ] {
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(told.contains(&format!("\n{network} ")), "{network}: {told}");
        }
        wait::until("the doctor to find nothing wrong", || {
            let told = inside(&format!("doctor {config}"))?;
            Ok(told.status.success().then_some(()))
        })?;
        for words in [
            format!("trace {config} --from VM-A --to broadcast --live"),
            format!("prove {config} --live"),
        ] {
            for told in [inside(&words)?, outside(&words)?] {
                assert!(told.status.success(), "{words}: {told:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn all_hosts_of_a_config_come_up_and_reach_each_other() -> Result<()> {
    const HOSTS: [&str; 3] = ["node1", "node2", "node3"];
    let lab = Named::new()?;
    fs::write(&lab.config, include_str!("../../configs/roaming.yaml"))?;
    let shown = run(&mut lab.up(&[]))?;
    assert!(
        shown.contains(&format!("{} is up: hosts node1, node2, node3", lab.name)),
        "{shown}"
    );
    assert_eq!(run(&mut lab.lab(&["status"]))?.matches(":vma0 ").count(), 3);

    // The same file on each: what one controller has in /run/bridgechain is no other's.
    let program = integration::controller::program()?.to_string_lossy();
    let mut controllers = Controllers(Vec::new());
    for host in HOSTS {
        controllers.0.push(run_controller(&lab, host)?);
    }
    for host in HOSTS {
        wait::until(&format!("the bridges of {host} to be in sync"), || {
            let status = output(&mut lab.lab(&["exec", host, "--", &program, "status", "--json"]))?;
            let Ok(status) = serde_json::from_slice::<serde_json::Value>(&status.stdout) else {
                return Ok(None);
            };
            // The controller that is asked on a host is the one of that host.
            let hosts = status["hosts"].as_array().into_iter().flatten();
            let own = hosts.filter(|it| it["name"] == host);
            let bridges = own.flat_map(|it| it["bridges"].as_array().into_iter().flatten());
            let in_sync = bridges.filter(|bridge| bridge["in_sync"] == true);
            Ok((in_sync.count() == 3).then_some(()))
        })?;
    }

    // VM-A may run on any of them: its guest is there three times.
    let several = failed(&output(&mut lab.lab(&["exec", "VM-A", "--", "true"]))?);
    for host in HOSTS {
        assert!(several.contains(&format!("{host}:vma0")), "{several}");
    }
    assert!(
        failed(&output(&mut lab.lab(&[
            "exec",
            "node9:vma0",
            "--",
            "true"
        ]))?)
        .contains("no node9:vma0")
    );
    let namespaces = run(Command::new("ip").args(["netns", "list"]))?;
    assert!(namespaces.contains(&run_dir::namespace(&lab.name, "node2:vma0")));

    let address = |port: &str| -> Result<String> {
        let shown = run(&mut lab.lab(&["status"]))?;
        let line = shown
            .lines()
            .find(|line| line.contains(&format!(" {port} ")));
        let address = line.and_then(|line| line.split("untagged, ").nth(1));
        let address = address.and_then(|address| address.split('/').next());
        Ok(address
            .with_context(|| format!("no {port} in {shown}"))?
            .to_owned())
    };
    // Each IDS sees its side of what goes from one host to another, and that of a third nothing.
    let watches = HOSTS.map(|host| Watch::start(&lab, &format!("{host}:ids0")));
    let to = address("node1:vmb0")?;
    let ping = ["ping", "-c", "3", "-i", "0.2", "-W", "2", &to];
    run(&mut lab.lab(&[&["exec", "node2:vma0", "--"], &ping[..]].concat()))?;
    // All that was sent before this question has arrived where it is seen.
    const NOBODY: &str = "10.11.184.250";
    let ask = ["arping", "-c", "1", "-w", "1", "-I", "eth0", NOBODY];
    output(&mut lab.lab(&[&["exec", "node2:vma0", "--"], &ask[..]].concat()))?;
    let request = format!("> {to}: ICMP echo request");
    for (host, watch) in HOSTS.iter().zip(watches) {
        let seen = watch?.until(&format!("who-has {NOBODY}"))?;
        let requests = seen.matches(&request).count();
        let expected = if *host == "node3" { 0 } else { 3 };
        assert_eq!(requests, expected, "{host}: {seen}");
    }

    // The host itself and what is outside are on the untagged network.
    let outside = address("outside")?;
    let ping = ["ping", "-c", "1", "-W", "2", &outside];
    run(&mut lab.lab(&[&["exec", "node3:host", "--"], &ping[..]].concat()))?;

    run(&mut lab.lab(&["down"]))?;
    assert!(lab.is_gone()?);
    Ok(())
}

/// A `lab watch` that goes on until it is dropped.
struct Watch {
    child: Child,
    frames: Inbox<String>,
}

impl Watch {
    fn start(lab: &Named, station: &str) -> Result<Self> {
        let mut watch = lab.lab(&["watch", station]);
        watch.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = watch.spawn()?;
        let notes = child.stderr.take().map(Inbox::lines).unwrap_or_default();
        let frames = child.stdout.take().map(Inbox::lines).unwrap_or_default();
        let watch = Self { child, frames };
        let listens = |lines: &[String]| {
            lines
                .iter()
                .any(|it| it.contains("listening"))
                .then_some(())
        };
        notes.wait(listens).context("no start")?;
        Ok(watch)
    }

    /// What has arrived, up to a frame that is shown with that text.
    fn until(self, text: &str) -> Result<String> {
        let there = |lines: &[String]| lines.iter().any(|it| it.contains(text)).then_some(());
        let seen = self.frames.wait(there);
        seen.with_context(|| format!("no {text} in {}", self.frames.text()))?;
        Ok(self.frames.text())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
