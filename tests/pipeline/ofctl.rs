//! What is printed for `ovs-ofctl` is taken by `ovs-ofctl`, and means what was compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use crate::ovs::{Ovs, all_ports, bridge_name};
use bridgechain::ofctl::Dialect;
use bridgechain::program::Program;
use bridgechain::topology::Topology;
use bridgechain::{compile, config};

/// The topologies of all examples.
fn examples() -> Vec<(PathBuf, Topology)> {
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
                let program = compile::bridge(host, &topology.controller, *role, ports);
                for dialect in [Dialect::Numbers, Dialect::Names(ports)] {
                    let found = load_and_read_back(&ovs, bridge, dialect, &program);
                    let place = format!("{}: {bridge}, {dialect:?}", path.display());
                    assert_same(&found, &program, &place);
                }
            }
            ovs.remove_host(host, &bridges);
        }
    }
}
