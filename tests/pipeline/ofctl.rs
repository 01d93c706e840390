//! What is printed for `ovs-ofctl` is taken by `ovs-ofctl`, and means what was compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::ovs::{Ovs, all_ports, bridge_name};
use bridgechain::health::Failed;
use bridgechain::ofctl::Dialect;
use bridgechain::program::Program;
use bridgechain::topology::Topology;
use bridgechain::{compile, config};

/// The topologies of all examples.
pub(crate) fn examples() -> Vec<(PathBuf, Topology)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
    let paths = fs::read_dir(directory)
        .expect("the examples")
        .map(|entry| entry.expect("a file").path());
    let mut examples: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let (topology, _) = config::load(&path).expect("a good example");
            (path, topology)
        })
        .collect();
    examples.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!examples.is_empty());
    examples
}

/// Loads a bridge with `ovs-ofctl`, reads it back by OpenFlow, and empties it.
fn load_and_read_back(ovs: &Ovs, bridge: &str, dialect: Dialect<'_>, program: &Program) -> Program {
    ovs.load(bridge, dialect, program);
    let found = ovs.read_back(bridge);
    for command in ["del-flows", "del-groups", "del-meters"] {
        ovs.ofctl(command, bridge, &[]);
    }
    found
}

/// Fails with the entries that differ, rather than with two whole programs.
fn assert_same(found: &Program, compiled: &Program, place: &str) {
    fn differences<K: Ord + Debug, V: PartialEq + Debug>(
        found: &BTreeMap<K, V>,
        compiled: &BTreeMap<K, V>,
    ) -> Vec<String> {
        let keys: BTreeSet<&K> = found.keys().chain(compiled.keys()).collect();
        let pairs = keys
            .into_iter()
            .map(|key| (key, found.get(key), compiled.get(key)));
        pairs
            .filter(|(_, found, compiled)| found != compiled)
            .map(|(key, found, compiled)| {
                format!("{key:?}\n     found {found:?}\n  compiled {compiled:?}")
            })
            .collect()
    }
    let differences = [
        differences(&found.flows, &compiled.flows),
        differences(&found.groups, &compiled.groups),
        differences(&found.meters, &compiled.meters),
    ]
    .concat();
    assert!(
        differences.is_empty(),
        "{place}:\n{}",
        differences.join("\n")
    );
}

#[test]
fn a_loaded_bridge_holds_what_was_compiled() {
    let Some(ovs) = Ovs::start() else { return };
    for (path, topology) in examples() {
        for host in topology.hosts.values() {
            let bridges = all_ports(host);
            ovs.add_host(host, &bridges);
            for (role, ports) in &bridges {
                let bridge = bridge_name(host, *role);
                let program =
                    compile::bridge(host, &topology.controller, *role, ports, &Failed::default());
                // What a port is found by is no name of it.
                let are_named = host.found_ports().next().is_none();
                let names = are_named.then_some(Dialect::Names(ports));
                for dialect in [Dialect::Numbers].into_iter().chain(names) {
                    let found = load_and_read_back(&ovs, bridge, dialect, &program);
                    let place = format!("{}: {bridge}, {dialect:?}", path.display());
                    assert_same(&found, &program, &place);
                }
            }
            ovs.remove_host(host, &bridges);
        }
    }
}

/// What `bridgechain flows` prints.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("flows")
        .args(arguments)
        .output()
        .expect("the command can be run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_output_of_the_command_can_be_loaded_as_it_is() {
    let Some(ovs) = Ovs::start() else { return };
    let mut meters = 0;
    for config in ["configs/taps.yaml", "configs/port-security.yaml"] {
        let (topology, _) = config::load(config.as_ref()).expect("a good example");
        for host in topology.hosts.values() {
            let bridges = all_ports(host);
            ovs.add_host(host, &bridges);
            for (role, ports) in &bridges {
                let bridge = bridge_name(host, *role);
                let of_bridge = [config, "--bridge", bridge];
                let lines = printed(&[&of_bridge[..], &["--meters"]].concat());
                for meter in lines.lines().filter(|line| !line.starts_with('#')) {
                    assert!(!meter.contains(' '), "more than one argument: {meter}");
                    ovs.ofctl("add-meter", bridge, &[meter]);
                }
                let groups = printed(&[&of_bridge[..], &["--groups"]].concat());
                ovs.ofctl_file("add-groups", bridge, &groups);
                ovs.ofctl_file("add-flows", bridge, &printed(&of_bridge));
                let found = ovs.read_back(bridge);
                let program =
                    compile::bridge(host, &topology.controller, *role, ports, &Failed::default());
                assert_same(&found, &program, bridge);
                meters += program.meters.len();
            }
            ovs.remove_host(host, &bridges);
        }
    }
    assert!(meters > 4, "{meters} meters");
}

#[test]
fn numbers_are_those_of_the_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ports = directory.path().join("ports.yaml");
    fs::write(&ports, "node1: { vma0: 41, vmb0: 42, local-nf: 43 }").expect("a file");
    let file = ports.display().to_string();
    let text = printed(&[
        "configs/taps.yaml",
        "--bridge",
        "br0.local",
        "--ports",
        &file,
    ]);
    assert!(
        text.contains("in_port=41,dl_src=52:54:00:00:00:0a actions="),
        "{text}"
    );
    assert!(
        text.contains("dl_vlan=3000 actions=pop_vlan,output:41,output:42"),
        "{text}"
    );
    assert!(
        !text.contains("vma0") && !text.contains("52:54:00:00:00:0c,dl_vlan"),
        "{text}"
    );
}
