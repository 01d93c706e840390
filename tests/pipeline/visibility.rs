//! Who sees which frame, compared in two ways: by walking the compiled flows, and by the rule as
//! the design states it (`rule.rs`), which knows nothing of flows.

use proptest::prelude::*;

use crate::scenario::{self, Scenario};
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
