//! How the interfaces of vNICs are told from others changes nothing of who sees which frame: what is
//! compiled is the same, whether they are named or found, but for the notes of where they are.

use std::collections::BTreeMap;

use bridgechain::compile;
use bridgechain::cookie::Class;
use bridgechain::health::Failed;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::topology::{Controller, Host, InterfaceMatch, Role};
use proptest::prelude::*;

use crate::compiled;
use crate::scenario::{self, Scenario};

/// The host with its vNICs found by what they were named, and the names of the interfaces.
fn found(host: &Host) -> (Host, BTreeMap<String, String>) {
    let (mut host, mut names) = (host.clone(), BTreeMap::new());
    for vnic in &mut host.vnics {
        let wanted = InterfaceMatch {
            iface_id: Some(vnic.port.clone()),
            ..InterfaceMatch::default()
        };
        names.insert(vnic.port.clone(), wanted.to_string());
        vnic.port = wanted.to_string();
        vnic.found_by = Some(wanted);
    }
    (host, names)
}

/// What a bridge holds, without notes.
fn without_notes(mut program: Program) -> Program {
    let is_note = |cookie| Class::of(cookie) == Some(Class::Bound);
    program.flows.retain(|_, flow| !is_note(flow.cookie));
    program
}

fn compiled_with(host: &Host, role: Role, ports: &Ports, failed: &Failed) -> Program {
    compile::bridge(host, &Controller::default(), role, ports, failed)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn vnics_that_are_found_are_served_as_if_they_were_named(scenario in scenario::scenarios()) {
        let Scenario { mut world, .. } = scenario;
        // The id of a meter comes from the name of its port.
        for vnic in &mut world.host.vnics {
            vnic.security.storm_limit = None;
        }
        let (host, names) = found(&world.host);
        let failed = compiled::failed(&world);
        for role in compiled::roles(&world) {
            let ports = compiled::ports(&world, role);
            let named = compiled_with(&world.host, role, &ports, &failed);
            let mut called = ports.clone();
            called.call(names.clone());
            let found = compiled_with(&host, role, &called, &failed);
            // And they are found where they are.
            let noted = compile::recover_bound(&host, role, &ports, &found.flows);
            let there = host.vnics_at(role).filter(|vnic| called.get(&vnic.port).is_some());
            prop_assert_eq!(noted.keys().collect::<Vec<_>>(), {
                let mut there: Vec<&String> = there.map(|vnic| &vnic.port).collect();
                there.sort_unstable();
                there
            });
            for (name, interface) in &noted {
                prop_assert_eq!(names.get(interface), Some(name));
            }
            prop_assert_eq!(without_notes(found), without_notes(named), "{:?}", role);
        }
    }
}
