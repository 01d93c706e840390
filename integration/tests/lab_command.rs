//! The `lab` command, as a person uses it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result};
use integration::command::{output, run};
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
