//! Faults are planted in the flows of all examples: the prover has to find each that makes a
//! difference.

use bridgechain::health::Failed;
use bridgechain::ports::Ports;
use bridgechain::prove::{self, Explored, Judgement, Known, Subject};
use bridgechain::topology::{Controller, Host, Role};

use crate::mutate;
use crate::ofctl::examples;

/// How it went with the mutants of a host.
#[derive(Default)]
struct Tally {
    killed: usize,
    equivalent: usize,
    survivors: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.killed += other.killed;
        self.equivalent += other.equivalent;
        self.survivors.extend(other.survivors);
    }
}

/// Plants every fault in the flows of a host, and tries to find it.
fn hunt(name: &str, host: &Host, settings: &Controller, ports: Vec<(Role, Ports)>) -> Tally {
    let failed = Failed::default();
    let scenario = prove::compiled(host, settings, ports, &failed, Known::OneEverywhere);
    let subject = Subject {
        host,
        bridges: &scenario.bridges,
        failed: &failed,
        learned: &scenario.learned,
    };
    let explored = Explored::new(&subject, usize::MAX).expect("there is no limit");
    let vlans: Vec<u16> = host.networks.iter().map(|vlan| vlan.id()).collect();
    let mut tally = Tally::default();
    for (role, ports, program) in &scenario.bridges {
        for mutant in mutate::mutants(program, ports, &vlans) {
            match explored.judge(*role, &mutant.program) {
                Judgement::Same => tally.equivalent += 1,
                Judgement::Refuted(_) => tally.killed += 1,
                Judgement::Unnoticed(witness) => tally.survivors.push(format!(
                    "{name}, {role} bridge, {}: {} from {}",
                    mutant.what, witness.frame, witness.from.port
                )),
            }
        }
    }
    tally
}

/// Examples without a hunt so far (issue 4): the flows of some are too many for a build without
/// optimisation, and four faults in copies for a function in shadow were not found.
const LEFT_OUT: [&str; 6] = [
    "sharing.yaml",
    "uplinks.yaml",
    "shadow.yaml",
    "copying.yaml",
    "port-security.yaml",
    "remote-sinks.yaml",
];

#[test]
fn every_fault_in_the_examples_is_found() {
    let mut all = Tally::default();
    for (path, topology) in examples() {
        if LEFT_OUT.iter().any(|name| path.ends_with(name)) {
            println!("{}: left out", path.display());
            continue;
        }
        for host in topology.hosts.values() {
            let name = format!("{}, {}", path.display(), host.name);
            let tally = hunt(
                &name,
                host,
                &topology.controller,
                prove::assumed_ports(host),
            );
            println!(
                "{name}: {} found, {} change nothing, {} survive",
                tally.killed,
                tally.equivalent,
                tally.survivors.len()
            );
            all.add(tally);
        }
    }
    println!("{} found, {} change nothing", all.killed, all.equivalent);
    assert!(
        all.survivors.is_empty(),
        "{} survive:\n{}",
        all.survivors.len(),
        all.survivors.join("\n")
    );
}
