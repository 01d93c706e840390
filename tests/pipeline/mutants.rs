//! Faults are planted in the flows of all examples, and of random hosts: the prover has to find each
//! that makes a difference.

use bridgechain::health::Failed;
use bridgechain::ports::Ports;
use bridgechain::prove::{self, Explored, Judgement, Known, Subject};
use bridgechain::topology::{Controller, Host, Role};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::mutate::{self, Mutant};
use crate::ofctl::examples;
use crate::prove::{compiled_scenario, subject};
use crate::scenario::{self, Scenario};

/// Examples with more mutants than a build without optimisation can judge in the time of a test:
/// there it is one in so many. An optimised build judges all of them:
///
/// ```console
/// $ cargo test --release --test pipeline mutants
/// ```
const IN_PART: [(&str, usize); 5] = [
    ("copying.yaml", 10),
    ("port-security.yaml", 2),
    ("remote-sinks.yaml", 2),
    ("sharing.yaml", 50),
    ("uplinks.yaml", 20),
];

/// Of a random host with more classes no mutants are judged.
const MOST_CLASSES: usize = 4_000;

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

/// Plants one fault in so many in the flows of a host, and tries to find it.
fn hunt(
    name: &str,
    host: &Host,
    settings: &Controller,
    ports: Vec<(Role, Ports)>,
    one_in: usize,
) -> Tally {
    let failed = Failed::default();
    let scenario = prove::compiled(host, settings, ports, &failed, Known::OneEverywhere);
    let subject = Subject {
        host,
        bridges: &scenario.bridges,
        failed: &failed,
        learned: &scenario.learned,
    };
    let explored = Explored::new(&subject, usize::MAX).expect("there is no limit");
    let vlans = vlans(host);
    let mut tally = Tally::default();
    for (role, ports, program) in &scenario.bridges {
        let mutants = mutate::mutants(program, ports, &vlans);
        for mutant in mutants.into_iter().step_by(one_in) {
            let Some(changed) = mutant.planted_in(program) else {
                continue;
            };
            match explored.judge(*role, &changed) {
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

fn vlans(host: &Host) -> Vec<u16> {
    host.networks.iter().map(|vlan| vlan.id()).collect()
}

#[test]
fn every_fault_in_the_examples_is_found() {
    let mut all = Tally::default();
    for (path, topology) in examples() {
        let mut in_part = IN_PART.iter().filter(|(name, _)| path.ends_with(name));
        let one_in = match in_part.next() {
            Some((_, one_in)) if cfg!(debug_assertions) => *one_in,
            _ => 1,
        };
        for host in topology.hosts.values() {
            let name = format!("{}, {}", path.display(), host.name);
            let ports = prove::assumed_ports(host);
            let tally = hunt(&name, host, &topology.controller, ports, one_in);
            println!(
                "{name}: one mutant in {one_in}, {} found, {} change nothing, {} survive",
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        max_shrink_iters: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn faults_in_random_hosts_are_found(
        scenario in scenario::scenarios(),
        knows in any::<bool>(),
        picks in proptest::collection::vec(any::<Index>(), 8),
    ) {
        let Scenario { world, .. } = scenario;
        let (scenario, failed) = compiled_scenario(&world, knows);
        let explored = Explored::new(&subject(&world.host, &scenario, &failed), MOST_CLASSES);
        prop_assume!(explored.is_some());
        let explored = explored.expect("it is there");
        let vlans = vlans(&world.host);
        let bridges = scenario.bridges.iter();
        let mutants: Vec<(&(Role, Ports, _), Mutant<'_>)> = bridges
            .flat_map(|bridge| {
                let (_, ports, program) = bridge;
                let mutants = mutate::mutants(program, ports, &vlans).into_iter();
                mutants.map(move |mutant| (bridge, mutant))
            })
            .collect();
        for pick in picks {
            let ((role, _, program), mutant) = pick.get(&mutants);
            let Some(changed) = mutant.planted_in(program) else {
                continue;
            };
            if let Judgement::Unnoticed(witness) = explored.judge(*role, &changed) {
                prop_assert!(false, "{} bridge, {}: {:?}", role, mutant.what, witness);
            }
        }
    }
}
