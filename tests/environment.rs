//! Where commands look for Open vSwitch and the controller: an argument, the configuration, the
//! environment, and where these usually are, in this order.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

const HOST: &str = "networks: { lan: { vlan: 5 } }
hosts: { node1: { bridges: { local: br0.local, uplink: br0 } } }
vms: { VM-A: { host: node1, nics: [{ port: vma0, network: lan }] } }
";

/// A directory with `lab.yaml`, and an `ovs-vsctl` that tells its arguments as what went wrong.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("lab.yaml"), HOST).unwrap();
        let vsctl = directory.path().join("ovs-vsctl");
        fs::write(&vsctl, "#!/bin/sh\necho \"$@\" >&2\nexit 1\n").unwrap();
        fs::set_permissions(&vsctl, fs::Permissions::from_mode(0o755)).unwrap();
        Self(directory)
    }

    /// What a command that has to fail says, with these variables and no others of ours.
    fn complaint(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
            .args(line.split(' '))
            .current_dir(self.0.path())
            .env("PATH", format!("{}:{path}", self.0.path().display()))
            .env_remove("OVS_RUNDIR")
            .env_remove("BRIDGECHAIN_API")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in {text}");
}

#[test]
fn open_vswitch_is_where_an_argument_says_or_the_environment_or_where_it_usually_is() {
    let place = Place::new();
    let here = [("OVS_RUNDIR", "/nowhere/lab")];
    for command in [
        "trace lab.yaml --from VM-A --to broadcast --live",
        "prove lab.yaml --live",
    ] {
        let argument = format!("{command} --ovs-rundir /nowhere/said");
        for (line, variables, expected) in [
            (command, &[][..], "unix:/var/run/openvswitch/br0.local.mgmt"),
            (command, &here, "unix:/nowhere/lab/br0.local.mgmt"),
            (&argument, &here, "unix:/nowhere/said/br0.local.mgmt"),
            (
                command,
                &[("OVS_RUNDIR", "")],
                "unix:/var/run/openvswitch/br0.local.mgmt",
            ),
        ] {
            assert_has(&place.complaint(line, variables), expected);
        }
    }
}

#[test]
fn the_database_is_in_the_directory_of_open_vswitch() {
    let place = Place::new();
    let here = [("OVS_RUNDIR", "/nowhere/lab")];
    let without = place.complaint("doctor lab.yaml", &[]);
    assert!(!without.contains("--db"), "{without}");
    let doctor = |options: &str| place.complaint(&format!("doctor lab.yaml{options}"), &here);
    assert_has(&doctor(""), "--db=unix:/nowhere/lab/db.sock ");
    assert_has(
        &doctor(" --ovs-rundir /nowhere/said"),
        "--db=unix:/nowhere/said/db.sock ",
    );
    assert_has(
        &doctor(" --ovs-rundir /nowhere/said --db tcp:127.0.0.1:1"),
        "--db=tcp:127.0.0.1:1 ",
    );
}

#[test]
fn the_controller_is_where_an_argument_says_or_the_configuration_or_the_environment() {
    let place = Place::new();
    let with_api = format!("controller: {{ api: 'unix:/nowhere/configured' }}\n{HOST}");
    fs::write(place.0.path().join("with-api.yaml"), with_api).unwrap();
    let here = [("BRIDGECHAIN_API", "unix:/nowhere/lab")];
    for (line, variables, expected) in [
        ("status", &here[..], "unix:/nowhere/lab"),
        ("status lab.yaml", &here, "unix:/nowhere/lab"),
        ("status with-api.yaml", &here, "unix:/nowhere/configured"),
        ("status with-api.yaml", &[], "unix:/nowhere/configured"),
        (
            "status --api unix:/nowhere/said",
            &here,
            "unix:/nowhere/said",
        ),
        ("events", &here, "unix:/nowhere/lab"),
        ("mac list", &here, "unix:/nowhere/lab"),
        ("net list", &here, "unix:/nowhere/lab"),
        ("acli net.list", &here, "unix:/nowhere/lab"),
        ("diff", &here, "unix:/nowhere/lab"),
        ("apply lab.yaml", &here, "unix:/nowhere/lab"),
        ("apply with-api.yaml", &here, "unix:/nowhere/configured"),
    ] {
        let expected = format!("no controller answers at {expected}:");
        assert_has(&place.complaint(line, variables), &expected);
    }
    assert_has(
        &place.complaint("status", &[("BRIDGECHAIN_API", "tcp:127.0.0.1:1")]),
        "BRIDGECHAIN_API is \"tcp:127.0.0.1:1\", which is not unix:PATH",
    );
}
