//! Health checks: what they change on the bridges, and what they do not.

use std::time::Duration;

use openflow::{Instruction, OxmField, PortNo};

use super::lab::{Lab, packet_in};
use super::topologies::{CHAIN, NETWORK, chain, changed, probed, running};
use crate::compile;
use crate::cookie::Class;
use crate::health::Verdict;
use crate::session::Event;
use crate::topology::{FunctionKind, Role};

/// Long enough for a verdict.
const WHILE: Duration = Duration::from_secs(20);

/// A probed function whose first verdict is that it is up.
fn lab() -> Lab {
    let mut lab = running(probed());
    lab.run_for(WHILE);
    assert_eq!(verdict(&lab), Some(Verdict::Up));
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    lab
}

/// The same, dead.
fn lab_with_a_dead_function() -> Lab {
    let mut lab = lab();
    lab.wires.get(Role::Service).dead = true;
    lab.run_for(WHILE);
    assert_eq!(verdict(&lab), Some(Verdict::Down));
    lab.assert_in_sync();
    lab.take_sent();
    lab
}

fn verdict(lab: &Lab) -> Option<Verdict> {
    Some(lab.state.monitor.record("ips-in")?.verdict)
}

fn losses(lab: &Lab) -> u64 {
    lab.state.monitor.record("ips-in").unwrap().losses
}

/// The ports that the service bridge has notes of failure for.
fn notes(lab: &Lab) -> Vec<PortNo> {
    let held = lab.held_by(Role::Service);
    let notes = held.flows.iter();
    notes
        .filter_map(|(key, flow)| compile::recover_failed(key, flow))
        .collect()
}

/// Whether frames are sent into the function.
fn is_in_the_way(lab: &Lab) -> bool {
    !lab.held_by(Role::Service).groups.is_empty()
}

#[test]
fn a_dead_function_gets_no_frames_until_it_is_well_again() {
    let mut lab = lab();
    assert!(is_in_the_way(&lab));
    lab.wires.get(Role::Service).dead = true;
    lab.run_for(WHILE);
    lab.assert_in_sync();
    assert!(!is_in_the_way(&lab));
    assert_eq!(notes(&lab), [PortNo(5)]);
    let sent = lab.take_sent();
    assert_eq!(sent[&Role::Service].commits.len(), 1);
    assert!(sent[&Role::Local].no_change() && sent[&Role::Uplink].no_change());

    lab.wires.get(Role::Service).dead = false;
    lab.run_for(WHILE);
    lab.assert_in_sync();
    assert!(is_in_the_way(&lab));
    assert_eq!(notes(&lab), []);
    assert_eq!(lab.take_sent()[&Role::Service].commits.len(), 1);
}

#[test]
fn a_new_controller_gives_a_dead_function_no_frames() {
    let mut lab = lab_with_a_dead_function();
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
        lab.settle();
    }
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    assert!(!is_in_the_way(&lab));
    lab.run_for(WHILE);
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    assert_eq!(verdict(&lab), Some(Verdict::Down));
    lab.wires.get(Role::Service).dead = false;
    lab.run_for(WHILE);
    assert!(is_in_the_way(&lab));
    assert_eq!(notes(&lab), []);
}

#[test]
fn a_note_of_what_is_not_probed_any_more_is_removed() {
    let not_probed = changed(&probed(), |host| {
        if let FunctionKind::Inline { health_check, .. } = &mut host.chains[0].functions[1].kind {
            *health_check = None;
        }
    });
    // By a reload.
    let mut lab = lab_with_a_dead_function();
    lab.reload(not_probed.clone());
    lab.settle();
    lab.assert_in_sync();
    assert!(is_in_the_way(&lab));
    assert_eq!((notes(&lab), verdict(&lab)), (vec![], None));
    // By a new controller.
    let mut lab = lab_with_a_dead_function();
    lab.topology = not_probed.into();
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(is_in_the_way(&lab));
    assert_eq!(notes(&lab), []);
    // Probed again, it counts as up until it was probed.
    lab.reload(probed());
    lab.settle();
    assert_eq!(verdict(&lab), Some(Verdict::Unknown));
    assert!(is_in_the_way(&lab));
}

#[test]
fn a_verdict_outlives_a_connection_and_a_switch() {
    let mut lab = lab_with_a_dead_function();
    lab.disconnect(Role::Service);
    lab.run_for(WHILE);
    lab.connect(Role::Service);
    lab.settle();
    assert!(lab.take_sent()[&Role::Service].no_change());
    assert_eq!(verdict(&lab), Some(Verdict::Down));
    // Open vSwitch starts anew, without flows.
    lab.disconnect(Role::Service);
    lab.wires.get(Role::Service).switch = Default::default();
    lab.connect(Role::Service);
    lab.settle();
    assert!(!is_in_the_way(&lab));
    assert_eq!(notes(&lab), [PortNo(5)]);
}

#[test]
fn what_was_found_since_counts_more_than_a_note_that_is_still_there() {
    let mut lab = lab_with_a_dead_function();
    // It is well again; the bridge refuses to be told, and connects again.
    let wire = lab.wires.get(Role::Service);
    wire.dead = false;
    for _ in 0..60 {
        if verdict(&lab) == Some(Verdict::Down) {
            lab.wires.get(Role::Service).refuse_next = Some("no".to_owned());
            lab.run_for(Duration::from_secs(1));
        }
    }
    assert_eq!(verdict(&lab), Some(Verdict::Up));
    assert_eq!(notes(&lab), [PortNo(5)]);
    lab.disconnect(Role::Service);
    lab.connect(Role::Service);
    lab.settle();
    lab.assert_in_sync();
    assert!(is_in_the_way(&lab));
    assert_eq!(notes(&lab), []);
}

#[test]
fn a_leg_that_comes_back_under_another_number_is_noted_there() {
    let mut lab = lab_with_a_dead_function();
    let wire = lab.wires.get(Role::Service);
    wire.del_port(PortNo(5));
    lab.settle();
    assert_eq!(notes(&lab), []);
    lab.wires.get(Role::Service).add_port("ips-in", 7);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(notes(&lab), [PortNo(7)]);
    lab.wires.get(Role::Service).dead = false;
    lab.run_for(WHILE);
    assert!(is_in_the_way(&lab));
}

#[test]
fn a_bridge_that_is_slow_is_not_held_against_a_function() {
    let mut lab = lab();
    lab.wires.get(Role::Service).dead = true;
    // A round begins, and before its time is over the bridge gets something else to do.
    let before = &lab.take_sent()[&Role::Service].frames;
    assert_eq!(before, &[]);
    while lab.take_sent()[&Role::Service].frames.is_empty() {
        lab.wait(Duration::from_millis(100));
    }
    lab.reload(changed(&probed(), |host| {
        host.chains[0].functions.remove(0);
    }));
    assert_eq!(lab.take_sent()[&Role::Service].commits.len(), 1);
    for _ in 0..100 {
        lab.now += Duration::from_secs(1);
        lab.state.handle_timeout(lab.now, &mut lab.wires);
    }
    assert_eq!(lab.take_sent()[&Role::Service].frames, []);
    lab.settle();
    lab.wait(Duration::ZERO);
    assert_eq!(losses(&lab), 0);
    lab.run_for(WHILE);
    assert_eq!(verdict(&lab), Some(Verdict::Down));
}

#[test]
fn probes_that_a_dead_connection_swallows_are_not_held_against_a_function() {
    let mut lab = lab();
    lab.take_sent();
    // Nothing passes the wires.
    for _ in 0..100 {
        lab.now += Duration::from_secs(1);
        lab.state.handle_timeout(lab.now, &mut lab.wires);
    }
    assert!(lab.take_sent()[&Role::Service].frames.len() > 30);
    assert_eq!(losses(&lab), 0);
    assert_eq!(verdict(&lab), Some(Verdict::Up));
}

#[test]
fn probes_teach_nothing_and_do_not_come_from_other_bridges() {
    let mut lab = lab_with_a_dead_function();
    for role in [Role::Local, Role::Service] {
        let mut claimed = packet_in(5, NETWORK, 0x70);
        claimed.cookie = Class::Probe.cookie();
        lab.wires.get(role).push_event(Event::PacketIn(claimed));
    }
    lab.settle();
    assert!(lab.state.macs().is_empty());
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
}

#[test]
fn what_one_leg_brings_is_bounded_by_itself() {
    let lab = lab();
    let held = lab.held_by(Role::Service);
    let probes = held.flows.iter();
    let mut bounds: Vec<_> = probes
        .filter(|(_, flow)| flow.cookie == Class::Probe.cookie())
        .map(|(key, flow)| {
            let from = key.match_.get(OxmField::InPort).unwrap().0;
            let bound = flow.instructions.iter().find_map(|it| match it {
                Instruction::Meter(meter) => Some(*meter),
                _ => None,
            });
            (PortNo(from as u32), bound)
        })
        .collect();
    // What the controller sends past the functions must not wait behind what these send.
    assert_eq!(bounds.pop(), Some((PortNo::CONTROLLER, None)));
    let (legs, bounds): (Vec<_>, Vec<_>) = bounds.into_iter().unzip();
    assert_eq!(legs, [5, 6].map(PortNo));
    assert_ne!(bounds[0], bounds[1]);
    for bound in bounds {
        assert!(held.meters.contains_key(&bound.unwrap()));
    }
}

#[test]
fn a_function_is_probed_while_it_is_drained_or_in_shadow() {
    let mut lab = lab_with_a_dead_function();
    for change in [
        changed(&probed(), |host| {
            host.chains[0].functions[1].enabled = false
        }),
        changed(&probed(), |host| {
            if let FunctionKind::Inline { instances, .. } = &mut host.chains[0].functions[1].kind {
                instances[0].enabled = false;
            }
        }),
        changed(&probed(), |host| {
            if let FunctionKind::Inline { shadow, .. } = &mut host.chains[0].functions[1].kind {
                *shadow = true;
            }
        }),
    ] {
        lab.reload(change);
        lab.settle();
        for (dead, expected) in [(false, Verdict::Up), (true, Verdict::Down)] {
            lab.wires.get(Role::Service).dead = dead;
            lab.run_for(WHILE);
            assert_eq!(verdict(&lab), Some(expected));
            lab.assert_in_sync();
        }
    }
    lab.reload(chain());
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.poll_timeout(), None);
}
