//! How the interfaces of vNICs and functions are told from others changes nothing of who sees which frame: what is
//! compiled is the same, whether they are named or found, but for the notes of where they are.

use std::collections::BTreeMap;

use bridgechain::compile;
use bridgechain::cookie::Class;
use bridgechain::health::Failed;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::topology::{Controller, FunctionKind, Host, InterfaceMatch, Role};
use openflow::{GroupId, MeterId};
use proptest::prelude::*;

use crate::compiled;
use crate::scenario::{self, Scenario};

/// The host with its vNICs and functions found by what they were named, and the names of the interfaces.
fn found(host: &Host) -> (Host, BTreeMap<String, String>) {
    let (mut host, mut names) = (host.clone(), BTreeMap::new());
    let mut find = |port: &mut String| {
        let wanted = InterfaceMatch {
            iface_id: Some(port.clone()),
            ..InterfaceMatch::default()
        };
        names.insert(port.clone(), wanted.to_string());
        *port = wanted.to_string();
        wanted
    };
    for vnic in &mut host.vnics {
        vnic.found_by = Some(find(&mut vnic.port));
    }
    let functions = host.chains.iter_mut().flat_map(|it| &mut it.functions);
    let mut ports: Vec<&mut String> = Vec::new();
    for function in functions {
        match &mut function.kind {
            // Tunnels are made under a name.
            FunctionKind::Tap { instances, .. } => {
                let local = instances.iter_mut().filter(|it| it.remote.is_none());
                ports.extend(local.map(|instance| &mut instance.port));
            }
            FunctionKind::Inline { instances, .. } => {
                let legs = instances.iter_mut();
                ports.extend(legs.flat_map(|legs| [&mut legs.ingress, &mut legs.egress]));
            }
        }
    }
    for port in ports {
        let wanted = find(port);
        host.found_functions.insert(port.clone(), wanted);
    }
    (host, names)
}

/// What a bridge holds, without notes. The ids of groups and meters come from the names of ports: here
/// they are numbered as they are met.
fn without_notes(mut program: Program) -> String {
    let is_note = |cookie| Class::of(cookie) == Some(Class::Bound);
    program.flows.retain(|_, flow| !is_note(flow.cookie));
    let text = format!("{:#?}", program.flows);
    let text = numbered(text, "GroupId(", |id| {
        let group = program.groups.remove(&GroupId(id));
        group.map(|group| format!("{group:#?}"))
    });
    let text = numbered(text, "MeterId(", |id| {
        let meter = program.meters.remove(&MeterId(id));
        meter.map(|meter| format!("{meter:#?}"))
    });
    // What nothing leads to.
    format!("{text}{:?}{:?}", program.groups, program.meters)
}

/// The text with each id in it numbered, and what it stands for at the end.
fn numbered(
    mut text: String,
    before: &str,
    mut stands_for: impl FnMut(u32) -> Option<String>,
) -> String {
    let mut ids: Vec<u32> = Vec::new();
    let mut done = 0;
    while let Some(place) = text[done..].find(before) {
        let start = done + place + before.len();
        let end = text[start..]
            .find(')')
            .map_or(text.len(), |len| start + len);
        // Pretty-printed, with blanks and a comma; `any` is no number.
        let id = text[start..end].trim().trim_end_matches(',').parse().ok();
        done = start;
        let Some(id) = id else { continue };
        let number = ids.iter().position(|known| *known == id);
        let number = number.unwrap_or_else(|| {
            ids.push(id);
            text.extend(stands_for(id));
            ids.len() - 1
        });
        text.replace_range(start..end, &format!("#{number}"));
    }
    text
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
    fn ports_that_are_found_are_served_as_if_they_were_named(scenario in scenario::scenarios()) {
        let Scenario { world, .. } = scenario;
        let (host, names) = found(&world.host);
        let failed = compiled::failed(&world);
        let mut failed_legs = Failed::default();
        for leg in failed.iter() {
            failed_legs.set(names.get(leg).map_or(leg, String::as_str), true);
        }
        for role in compiled::roles(&world) {
            let ports = compiled::ports(&world, role);
            let named = compiled_with(&world.host, role, &ports, &failed);
            let mut called = ports.clone();
            called.call(names.clone());
            let found = compiled_with(&host, role, &called, &failed_legs);
            // And they are found where they are.
            let noted = compile::recover_bound(&host, role, &ports, &found.flows);
            let there = host.found_ports().filter(|port| port.role == role);
            let there = there.filter(|port| called.get(port.name).is_some());
            prop_assert_eq!(noted.keys().map(String::as_str).collect::<Vec<_>>(), {
                let mut there: Vec<&str> = there.map(|port| port.name).collect();
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
