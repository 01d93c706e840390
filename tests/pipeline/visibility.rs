//! Who sees which frame, compared in two ways: by walking the compiled flows, and by the rule as
//! the design states it (`rule.rs`), which knows nothing of flows.

use std::collections::BTreeMap;

use bridgechain::simulate::{Frame, Headers};
use proptest::prelude::*;

use crate::scenario::{self, Scenario};
use crate::world::{Station, World};
use crate::{compiled, rule};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn compiled_flows_deliver_what_the_rule_says(scenario in scenario::scenarios()) {
        let Scenario { world, probes } = scenario;
        let network = compiled::network(&world);
        let mut sampled = BTreeMap::new();
        for (from, frame) in probes
            .iter()
            .flat_map(|(from, frame)| both_ways(&world, from, frame))
        {
            let found = compiled::outcome(&world, &network, &from, &frame);
            let expected = rule::outcome(&world, &from, &frame, &|tap| found.is_seen_by(tap));
            prop_assert_eq!(&found, &expected, "from {:?}: {}", from, frame);
            // What a tap gets of a conversation, it gets of all of it.
            let all = rule::outcome(&world, &from, &frame, &|_| true);
            let taps = world.sampled_taps().into_iter();
            for tap in taps.filter(|tap| all.is_seen_by(tap)) {
                let is_seen = found.is_seen_by(&tap);
                let before = sampled.entry((tap.clone(), conversation(&frame))).or_insert(is_seen);
                prop_assert_eq!(*before, is_seen, "from {:?}: {}", from, frame);
            }
        }
    }

    #[test]
    fn what_may_be_learned_is_what_the_rule_admits(scenario in scenario::scenarios()) {
        let Scenario { world, .. } = scenario;
        for learned in &world.heard {
            prop_assert_eq!(
                compiled::admits(&world, learned),
                rule::may_be_learned(&world, learned),
                "{:?}", learned
            );
        }
    }
}

/// A frame, and what the one that it is for may answer.
fn both_ways(world: &World, from: &Station, frame: &Frame) -> Vec<(Station, Frame)> {
    let mut frames = vec![(from.clone(), frame.clone())];
    let heard = world.heard.iter().find(|heard| heard.mac == frame.dst);
    let pinned = world.host.pinned(frame.dst);
    let at = pinned
        .map(|vnic| Station::Vnic(vnic.port.clone()))
        .or(heard.map(|heard| heard.at.clone()));
    let at = at.filter(|at| world.senders().contains(at));
    if let (Some(at), Some(headers)) = (at, frame.headers) {
        let answer = Frame {
            dst: frame.src,
            src: frame.dst,
            ..frame.clone()
        };
        let answer = answer.carrying(headers.reversed());
        let untagged = Frame {
            tags: Vec::new(),
            ..answer.clone()
        };
        frames.extend([answer, untagged].map(|answer| (at.clone(), answer)));
    }
    frames
}

/// What the frames of a conversation have in common: protocol and ends, in no order. Otherwise what
/// is hashed.
fn conversation(frame: &Frame) -> String {
    match frame.headers {
        Some(Headers::Ip {
            src,
            dst,
            protocol,
            ports: [from, to],
        }) => {
            let has_ports = [Headers::TCP, Headers::UDP, Headers::SCTP].contains(&protocol);
            let mut ends = if has_ports {
                [(src, from), (dst, to)]
            } else {
                [(src, 0), (dst, 0)]
            };
            ends.sort_unstable();
            format!("{protocol} {ends:?}")
        }
        _ => format!("{}", frame.flow_hash),
    }
}
