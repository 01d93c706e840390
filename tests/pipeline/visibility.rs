//! Who sees which frame, compared in two ways: by walking the compiled flows, and by the rule as
//! the design states it (`rule.rs`), which knows nothing of flows.

use proptest::prelude::*;

use bridgechain::simulate::Frame;

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
        for (from, frame) in probes {
            if is_lost_track_of(&world, &from, &frame) {
                continue;
            }
            let expected = rule::outcome(&world, &from, &frame);
            let found = compiled::outcome(&world, &network, &from, &frame);
            prop_assert_eq!(found, expected, "from {:?}: {}", from, frame);
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

/// Whether it is a guest's frame that only its source address, and not a pinned one, could lead
/// back to its port: an inline function takes the frame out of Open vSwitch.
fn is_lost_track_of(world: &World, from: &Station, frame: &Frame) -> bool {
    world.host.has_inline()
        && matches!(from, Station::Vnic(_))
        && world.host.pinned(frame.src).is_none()
}
