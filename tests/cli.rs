//! The command line: exit status, and what goes to stdout and stderr.

use std::process::{Command, Output};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // No ovs-vsctl, so that no Open vSwitch of this machine is asked.
        .env("PATH", "")
        .args(arguments);
    command
}

fn bridgechain(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command can be run")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[test]
fn check_says_that_a_file_is_good() {
    let output = bridgechain(&["check", "configs/complete.yaml"]);
    assert_eq!(
        stdout(&output),
        "configs/complete.yaml: 3 networks, 1 host, 2 VMs, 1 service chain: good\n"
    );
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn check_shows_mistakes_on_stderr_and_fails() {
    let output = bridgechain(&["check", "configs/invalid/undefined-network.yaml"]);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).starts_with("configs/invalid/undefined-network.yaml:12:58: "));
    assert!(stderr(&output).ends_with("\n1 mistake\n"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn check_prints_json_for_programs() {
    let output = bridgechain(&["check", "--json", "configs/invalid/undefined-network.yaml"]);
    insta::assert_snapshot!(stdout(&output));
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(1));
    let output = bridgechain(&["check", "--json", "configs/complete.yaml"]);
    insta::assert_snapshot!(stdout(&output));
    assert_eq!(output.status.code(), Some(0));
}

/// As behind `| head`: that is no mistake of anybody, and no success of what has a verdict.
#[test]
fn where_nobody_reads_any_more_a_command_ends_in_silence() {
    let config = "configs/complete.yaml";
    let setup = ["setup", config, "--host=node1", "--dry-run"];
    for arguments in [
        &["check", config][..],
        &["check", "--json", config],
        &["flows", config],
        &["prove", config],
        &setup,
        &["openapi"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["net", "list", "--config", config],
        &["nic", "list", "--json", "--config", config],
        &["acli", "--config", config, "vm.get", "VM-A"],
        &["acli", "help"],
        &["decode"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (input, mut message) = std::io::pipe().expect("a pipe");
        std::io::Write::write_all(&mut message, b"0400000800000001\n").expect("written");
        drop(message);
        let output = command(arguments)
            .stdin(input)
            .stdout(writer)
            .output()
            .expect("the command can be run");
        // `setup` has another thing to say: there is no ovs-vsctl here.
        let mut said = stderr(&output).lines();
        let other = said.find(|line| !line.contains("cannot run ovs-vsctl"));
        assert_eq!(other, None, "{arguments:?}");
        let expected = match arguments {
            ["--help"] => 0,
            _ => 128 + 13,
        };
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}");
    }
}

/// Neither is it a matter of stderr what is found out.
#[test]
fn where_nobody_listens_to_stderr_a_command_does_its_work() {
    for (arguments, status) in [
        (&["check", "configs/invalid/syntax.yaml"][..], 1),
        (
            &[
                "setup",
                "configs/complete.yaml",
                "--host=node1",
                "--dry-run",
            ],
            0,
        ),
        (
            &["net", "get", "no-net", "--config", "configs/complete.yaml"],
            1,
        ),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(arguments)
            .stderr(writer)
            .output()
            .expect("the command can be run");
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn vnics_are_listed_by_vm_and_by_network() {
    let ports = |filter: &[&str]| -> Vec<String> {
        let list = ["nic", "list", "--json", "--config", "configs/complete.yaml"];
        let output = bridgechain(&[&list[..], filter].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let nics: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        let ports = nics.iter().filter_map(|nic| nic["port"].as_str());
        ports.map(str::to_owned).collect()
    };
    assert_eq!(ports(&[]), ["vm104", "vma0"]);
    assert_eq!(ports(&["--vm", "VM-A"]), ["vma0"]);
    assert_eq!(ports(&["--network", "demo3000"]), ["vm104", "vma0"]);
    assert_eq!(ports(&["--network", "4000"]), ["vm104"]);
    assert_eq!(ports(&["--vm", "VM-A", "--network", "demo4000"]), [""; 0]);
}

#[test]
fn wrong_arguments_are_a_matter_of_usage() {
    for arguments in [
        &["check"][..],
        &["chekc", "x.yaml"],
        &["check", "--jsn", "x.yaml"],
        &[],
    ] {
        let output = bridgechain(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains("Usage: "));
    }
}

#[test]
fn setup_dry_run_prints_the_command_without_an_open_vswitch() {
    let output = bridgechain(&[
        "setup",
        "configs/complete.yaml",
        "--host",
        "node1",
        "--dry-run",
    ]);
    insta::assert_snapshot!(stdout(&output));
    assert_eq!(output.status.code(), Some(0));
    let options = [
        "--dry-run",
        "--datapath-type=netdev",
        "--db=unix:/run/it's here.sock",
        "--controller=tcp:192.0.2.1:6653",
    ];
    let mut arguments = vec!["setup", "configs/learning.yaml", "--host", "node1"];
    arguments.extend(options);
    let output = bridgechain(&arguments);
    insta::assert_snapshot!(stdout(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn setup_fails_with_a_reason() {
    for (file, host, reason) in [
        (
            "complete",
            "node2",
            "there is no host \"node2\"; did you mean \"node1\"?",
        ),
        (
            "learning-any",
            "any",
            "each bridge, run ovs-vsctl set-controller BRIDGE tcp:127.0.0.1:6653",
        ),
        ("invalid/undefined-network", "node1", "1 mistake"),
    ] {
        let file = format!("configs/{file}.yaml");
        let output = bridgechain(&["setup", &file, "--host", host, "--dry-run"]);
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(1));
    }
    let output = bridgechain(&["setup", "configs/complete.yaml", "--host", "node1"]);
    assert!(
        stderr(&output).contains("is Open vSwitch installed?"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn flows_prints_every_bridge_under_its_name() {
    let output = bridgechain(&["flows", "configs/no-service.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    let titles: Vec<&str> = stdout(&output)
        .lines()
        .filter(|line| line.starts_with("# host"))
        .collect();
    assert_eq!(
        titles,
        ["# host node1, bridge br0.local", "# host node1, bridge br0"]
    );
    let any = bridgechain(&["flows", "configs/learning-any.yaml"]);
    assert!(stdout(&any).contains(", bridge *\n"), "{}", stdout(&any));
}

#[test]
fn flows_prints_json_for_programs() {
    let output = bridgechain(&[
        "flows",
        "--json",
        "--bridge",
        "br.nf",
        "configs/inline.yaml",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let bridges: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(bridges[0]["host"], "node1");
    assert_eq!(bridges[0]["role"], "service");
    assert_eq!(bridges[0]["flows"][0]["priority"], 600);
    assert_eq!(bridges[0]["groups"].as_array().map(Vec::len), Some(4));
}

/// By name they can not be loaded; with a number they can.
#[test]
fn flows_of_vnics_that_are_found_need_a_number() {
    let arguments = [
        "flows",
        "configs/found-guests.yaml",
        "--bridge",
        "br0.local",
    ];
    let label = "external_ids:attached-mac=52:54:00:00:00:0a";
    let named = bridgechain(&arguments);
    let note = format!("# without {label}, which has no port before it is found");
    assert!(stdout(&named).contains(&note), "{}", stdout(&named));
    let mut flows = stdout(&named).lines().filter(|line| !line.starts_with('#'));
    assert!(flows.clone().count() > 10);
    assert!(flows.all(|line| !line.contains("external_ids")));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("ports.yaml");
    std::fs::write(&file, format!("{{ {label:?}: 4, local-nf: 1 }}")).expect("a file");
    let file = file.display().to_string();
    let numbered = bridgechain(&[&arguments[..], &["--ports", &file]].concat());
    let text = stdout(&numbered);
    assert!(
        text.contains("in_port=4,dl_src=52:54:00:00:00:0a"),
        "{text}"
    );
}

#[test]
fn flows_says_what_would_be_right() {
    for (arguments, message) in [
        (
            &["--bridge", "br0.locl"][..],
            "there is no bridge \"br0.locl\"; did you mean \"br0.local\"?",
        ),
        (
            &["--host", "node"],
            "there is no host \"node\"; did you mean \"node1\"?",
        ),
        (
            &["--ports", "no-such-file"],
            "cannot read no-such-file: No such file",
        ),
        (&["--ports", "configs/taps.yaml"], "configs/taps.yaml: "),
    ] {
        let output = bridgechain(&[&["flows", "configs/taps.yaml"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

/// `check` is for the machine that runs the controller, `flows` for any.
#[test]
fn check_looks_at_files_that_are_named_and_flows_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("x.yaml");
    let text = "networks: { native: { vlan: 0 } }
hosts:
  h:
    bridges: { local: l, uplink: u }
    ovsdb: ssl:127.0.0.1:6640
    ovsdb_tls: { ca: /nowhere/ca.pem }
";
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("a path");
    let output = bridgechain(&["check", config]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "x.yaml:6:22: hosts.h.ovsdb_tls.ca: cannot read /nowhere/ca.pem: No such file";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    let output = bridgechain(&["flows", config]);
    assert!(output.status.success(), "{}", stderr(&output));
}
