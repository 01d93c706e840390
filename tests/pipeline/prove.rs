//! The prover on compiled flows: it proves what is right, and finds what is not.

use bridgechain::health::Failed;
use bridgechain::learning::Location;
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::prove::{self, Counterexample, Explored, Known, Replay, Subject};
use bridgechain::simulate::Walk;
use bridgechain::topology::{Controller, Host, Role};
use proptest::prelude::*;

use crate::compiled;
use crate::ofctl::examples;
use crate::scenario::{self, Scenario};
use crate::world::World;

/// Hosts with more classes of frames are left to the command: several taps with filters divide
/// frames into millions. Others are made up in their place.
const MOST_CLASSES: usize = 50_000;

/// A counterexample in names, with the flows on its way.
fn told(bridges: &[(Role, Ports, Program)], found: &Counterexample) -> String {
    let ports = |role: Role| bridges.iter().find(|(own, ..)| *own == role);
    let name = |at: &Location| {
        let name = ports(at.role).and_then(|(_, ports, _)| ports.name(at.port));
        name.map_or_else(|| format!("{} {}", at.role, at.port), str::to_owned)
    };
    let names = |all: &[Location]| all.iter().map(name).collect::<Vec<_>>().join(" ");
    let witness = &found.witness;
    let mut text = format!(
        "{}: {}\n{} from {}, mark {:#x}, down: {}\nseen by {}, for {}\n",
        found.property,
        found.what,
        witness.frame,
        name(&witness.from),
        witness.pkt_mark,
        names(&witness.down),
        names(&found.seen),
        names(&found.wanted),
    );
    for (role, key, flow) in &found.flows {
        let dialect = ports(*role).map_or(Dialect::Numbers, |(_, ports, _)| Dialect::Names(ports));
        text.push_str(&format!("  {role} {}\n", dialect.flow(key, flow)));
    }
    text
}

/// What is proved of the host of a scenario.
pub(crate) fn compiled_scenario(world: &World, knows: bool) -> (prove::Scenario, Failed) {
    let roles = compiled::roles(world).into_iter();
    let ports = roles.map(|role| (role, compiled::ports(world, role)));
    let failed = compiled::failed(world);
    let settings = Controller::default();
    let known = match knows {
        true => Known::OneEverywhere,
        false => Known::Nothing,
    };
    let scenario = prove::compiled(&world.host, &settings, ports.collect(), &failed, known);
    (scenario, failed)
}

pub(crate) fn subject<'a>(
    host: &'a Host,
    scenario: &'a prove::Scenario,
    failed: &'a Failed,
) -> Subject<'a> {
    Subject {
        host,
        bridges: &scenario.bridges,
        failed,
        learned: &scenario.learned,
    }
}

#[test]
fn a_proof_that_was_given_up_is_none() {
    for (_, topology) in examples().into_iter().take(4) {
        for host in topology.hosts.values() {
            let failed = Failed::default();
            let ports = prove::assumed_ports(host);
            let settings = &topology.controller;
            let scenario = prove::compiled(host, settings, ports, &failed, Known::OneEverywhere);
            let subject = subject(host, &scenario, &failed);
            let whole = prove::prove(&subject, usize::MAX);
            assert!(whole.holds() && whole.classes > 1);
            assert_eq!(prove::prove(&subject, whole.classes), whole);
            assert!(Explored::new(&subject, whole.classes).is_some());
            let limit = whole.classes - 1;
            let part = prove::prove(&subject, limit);
            assert!(!part.is_complete && !part.holds());
            assert_eq!(part.classes, limit);
            assert!(Explored::new(&subject, limit).is_none());
        }
    }
}

/// Copies by port, with VLAN ids and the mark; sorted.
fn copies(walk: &Walk<'_>) -> Vec<(Location, Vec<u16>, u32)> {
    let copies = walk.deliveries.iter().map(|copy| {
        let at = Location {
            role: copy.role,
            port: copy.port,
        };
        let vids = copy.frame.tags.iter().map(|tag| tag.vid);
        (at, vids.collect(), copy.pkt_mark)
    });
    let mut copies: Vec<_> = copies.collect();
    copies.sort();
    copies
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        max_shrink_iters: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_compiled_is_proved(scenario in scenario::scenarios(), knows in any::<bool>()) {
        let Scenario { world, .. } = scenario;
        let (scenario, failed) = compiled_scenario(&world, knows);
        let proof = prove::prove(&subject(&world.host, &scenario, &failed), MOST_CLASSES);
        // A counterexample that was found before is one all the same.
        prop_assume!(proof.is_complete || !proof.counterexamples.is_empty());
        let found = proof.counterexamples.iter();
        let found: Vec<String> = found.map(|found| told(&scenario.bridges, found)).collect();
        prop_assert!(proof.holds(), "PROOF\n{}\nEND\n", found.join("\n"));
    }

    /// The prover and the simulator carry out flows by themselves: for one frame of each class they
    /// come to the same, where no hash is asked; and where one is, for frames that have it.
    #[test]
    fn the_simulator_agrees(
        scenario in scenario::scenarios(),
        knows in any::<bool>(),
        first in 0..32_usize,
    ) {
        let Scenario { world, .. } = scenario;
        let (scenario, failed) = compiled_scenario(&world, knows);
        let explored = Explored::new(&subject(&world.host, &scenario, &failed), MOST_CLASSES);
        prop_assume!(explored.is_some());
        let explored = explored.expect("it is there");
        for (witness, sent) in explored.witnesses().skip(first).step_by(32) {
            let seen: Vec<Location> = sent.iter().map(|copy| copy.at).collect();
            let replay = Replay::new(&world.host, &scenario.bridges, &witness);
            let walk = match replay.walk(&seen) {
                Ok(walk) => walk,
                // What hashes come to is free in the prover, each by itself: that some frame has
                // them all is not said.
                Err(_) if witness.depends_on_hash => continue,
                Err(walk) => panic!(
                    "{witness:?}\n in the prover {seen:?}\n in the simulator {:?}",
                    copies(&walk)
                ),
            };
            let mut expected: Vec<_> = sent
                .iter()
                .map(|copy| {
                    let tags = &witness.frame.tags;
                    let payload = tags.iter().skip(usize::from(copy.uncovered));
                    let vids = copy.vids.iter().enumerate().map(|(place, vid)| {
                        // What is not known has not been asked for: it is as it came.
                        vid.unwrap_or_else(|| tags[place].vid)
                    });
                    let vids = vids.chain(payload.map(|tag| tag.vid)).collect();
                    (copy.at, vids, copy.pkt_mark.unwrap_or_default())
                })
                .collect();
            expected.sort();
            prop_assert_eq!(copies(&walk), expected, "{:?}", witness);
        }
    }
}
