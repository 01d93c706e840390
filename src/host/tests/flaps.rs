//! Addresses that move too often.

use std::time::Duration;

use super::lab::{Lab, Sent, entry, packet_in};
use super::log::lines;
use super::topologies::{NETWORK, running_lab};
use crate::learning::moves::{HOLD, MOVES, WINDOW};
use crate::session::Event;
use crate::status::HeldAddress;
use crate::topology::Role;

const MAC: u64 = 0x10;

/// The address is seen at guest1 (1), guest2 (2) or behind the uplink (0).
fn seen(lab: &mut Lab, place: u32) {
    match place {
        0 => lab.frame(Role::Uplink, 2, NETWORK, MAC),
        port => lab.frame(Role::Local, port, NETWORK, MAC),
    }
    lab.settle();
    lab.assert_in_sync();
}

fn is_at(lab: &Lab, place: u32) -> bool {
    let expected = match place {
        0 => entry(Role::Uplink, 2, NETWORK, MAC),
        port => entry(Role::Local, port, NETWORK, MAC),
    };
    lab.state.macs().location(expected.vlan, expected.mac) == Some(expected.at)
}

/// Lets it move as often as it may.
fn flap(lab: &mut Lab) {
    seen(lab, 1);
    for count in 1..=MOVES {
        let place = [1, 2][count % 2];
        seen(lab, place);
        assert!(is_at(lab, place));
        lab.wait(Duration::from_millis(100));
    }
    assert!(is_at(lab, 2));
}

#[test]
fn one_move_is_followed_at_once_however_often_there_is_one() {
    let mut lab = running_lab();
    for count in 0..50 {
        seen(&mut lab, count % 3);
        assert!(is_at(&lab, count % 3));
        lab.wait(WINDOW / MOVES as u32 + Duration::from_millis(1));
    }
    assert_eq!(lab.state.counters().damped, 0);
}

#[test]
fn an_address_that_flaps_is_held_where_it_was_and_sends_nothing_until_it_may_move_again() {
    let mut lab = running_lab();
    flap(&mut lab);
    lab.take_sent();
    let before = lab.now;
    for place in [1, 0, 1, 1] {
        seen(&mut lab, place);
        assert!(is_at(&lab, 2));
    }
    assert!(lab.take_sent().values().all(Sent::no_change));
    assert_eq!(lab.state.counters().damped, 4);
    // Nobody else is held.
    lab.frame(Role::Local, 1, NETWORK, 0x20);
    lab.frame(Role::Local, 2, NETWORK, 0x20);
    lab.settle();
    let other = entry(Role::Local, 2, NETWORK, 0x20);
    let there = lab.state.macs().location(other.vlan, other.mac);
    assert_eq!(there, Some(other.at));

    lab.wait(HOLD - Duration::from_millis(1));
    seen(&mut lab, 1);
    assert!(is_at(&lab, 2));
    lab.wait(Duration::from_millis(1));
    assert_eq!(lab.now, before + HOLD);
    seen(&mut lab, 1);
    assert!(is_at(&lab, 1));
    lab.wait(WINDOW);
    assert_eq!(lab.state.poll_timeout(), None);
}

#[test]
fn an_address_that_is_held_and_ages_out_is_learned_wherever_it_is_seen_next() {
    let mut lab = running_lab();
    flap(&mut lab);
    seen(&mut lab, 1);
    let held = entry(Role::Local, 2, NETWORK, MAC);
    lab.wires.get(Role::Local).idle_out(Role::Local, &held);
    lab.settle();
    seen(&mut lab, 1);
    assert!(is_at(&lab, 1));
}

#[test]
fn frames_of_addresses_that_stay_where_they_are_allocate_nothing() {
    let mut lab = running_lab();
    flap(&mut lab);
    seen(&mut lab, 1);
    // One that is at home, and one that is held elsewhere.
    for port in [2, 1] {
        let frame = Event::PacketIn(packet_in(port, NETWORK, MAC));
        let count = allocation_counter::measure(|| {
            let Lab {
                state, wires, now, ..
            } = &mut lab;
            state.handle_event(*now, Role::Local, frame, wires);
        });
        assert_eq!(count.count_total, 0, "at port {port}");
    }
    assert_eq!(lab.state.counters().damped, 2);
}

#[test]
fn a_flap_is_reported_once_and_summed_up_at_its_end() {
    let lines = lines(|| {
        let mut lab = running_lab();
        flap(&mut lab);
        for place in [1, 0, 1] {
            seen(&mut lab, place);
        }
        lab.wait(HOLD);
    });
    let lines: Vec<&String> = lines.iter().filter(|line| line.contains("flap")).collect();
    let [report, summary] = lines[..] else {
        panic!("{lines:#?}");
    };
    let parts = [
        "WARN",
        "host=\"node1\"",
        "mac=00:00:00:00:00:10",
        "network=\"demo3000\"",
        "ports=\"guest1, guest2\"",
        "moves=5",
        "within=400ms",
        "held_at=\"guest2\"",
        "hold=30s",
    ];
    for part in parts {
        assert!(report.contains(part), "{part}: {report}");
    }
    for part in [
        "INFO",
        "mac=00:00:00:00:00:10",
        "network=\"demo3000\"",
        "ports=\"guest1, guest2, eth1\"",
        "ignored=3",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
}

#[test]
fn an_address_that_is_held_is_shown_for_as_long_as_it_is() {
    let mut lab = running_lab();
    flap(&mut lab);
    assert_eq!(lab.state.status(lab.now).held_addresses, []);
    lab.state.take_happenings();
    for place in [1, 0] {
        seen(&mut lab, place);
    }
    lab.wait(HOLD / 3);
    let held = HeldAddress {
        mac: "00:00:00:00:00:10".to_owned(),
        network: "demo3000".to_owned(),
        held_at: "guest2".to_owned(),
        seen_at: "guest1, guest2, eth1".to_owned(),
        ignored: 2,
        seconds_left: 20.0,
    };
    assert_eq!(lab.state.status(lab.now).held_addresses, [held]);
    lab.wait(HOLD);
    assert_eq!(lab.state.status(lab.now).held_addresses, []);
}
