//! What guests can cause does not fill the log.

use std::time::Duration;

use openflow::{PortNo, PortReason, PortState, PortStatus};

use super::lab::{Lab, port};
use super::log::lines;
use super::topologies::{NETWORK, chain, changed, running, running_lab, vnic, with_inline};
use crate::learning::moves::{HOLD, MOVES};
use crate::session::Event;
use crate::status::{Happening, Kind};
use crate::topology::Role;

/// So many lines about one thing at one port may follow each other.
const LINES: usize = 5;
/// So many addresses move.
const ADDRESSES: usize = 50;

/// So many addresses move between two vNICs, as often as they may and once more.
fn flap(lab: &mut Lab, addresses: u64) {
    for address in 0..addresses {
        for count in 0..=MOVES + 1 {
            let port = [1, 2][count % 2];
            lab.frame(Role::Local, port, NETWORK, 0x1000 + address * 2);
            lab.settle();
        }
    }
}

fn of(happenings: &[Happening], kind: Kind) -> usize {
    happenings.iter().filter(|it| it.kind == kind).count()
}

/// The service bridge tells how it is with one of its ports.
fn tell_state(lab: &mut Lab, name: &str, number: u32, state: PortState) {
    let mut desc = port(name, PortNo(number));
    desc.state = state;
    let reason = PortReason::Modify;
    let status = Event::PortStatus(PortStatus { reason, desc });
    lab.wires.get(Role::Service).push_event(status);
    lab.settle();
}

/// The link of a port of the service bridge comes and goes.
fn flap_link(lab: &mut Lab, name: &str, number: u32, times: usize) {
    for state in [PortState::LINK_DOWN, PortState::LIVE].repeat(times) {
        tell_state(lab, name, number, state);
    }
}

#[test]
fn a_move_is_said_with_where_from_and_where_to() {
    let lines = lines(|| {
        let mut lab = running_lab();
        for (role, port) in [(Role::Local, 1), (Role::Local, 2), (Role::Uplink, 2)] {
            lab.frame(role, port, NETWORK, 0x10);
            lab.settle();
        }
    });
    let moved: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("has moved"))
        .collect();
    let places = [("guest1", "guest2"), ("guest2", "eth1")];
    assert_eq!(moved.len(), places.len(), "{moved:#?}");
    for (line, (from, to)) in moved.iter().zip(places) {
        for part in [
            "INFO",
            "host=\"node1\"",
            "mac=00:00:00:00:00:10",
            "network=\"demo3000\"",
            &format!("from=\"{from}\" to=\"{to}\""),
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn guests_that_move_many_addresses_get_few_lines_and_a_sum() {
    let mut happenings = Vec::new();
    let lines = lines(|| {
        let mut lab = running_lab();
        flap(&mut lab, ADDRESSES as u64);
        happenings.extend(lab.state.take_happenings());
        // The rest comes after a while, whether anything happens then or not.
        lab.run_for(Duration::from_secs(10));
        // All of them may move again at once.
        lab.run_for(HOLD + Duration::from_secs(10));
        happenings.extend(lab.state.take_happenings());
    });
    let about = |text: &str| {
        let lines = lines.iter().filter(|line| line.contains(text));
        lines.cloned().collect::<Vec<String>>()
    };
    let (moves, flaps) = (about("has moved"), about("flaps: it moves"));
    // Either port has its own.
    assert_eq!(moves.len(), 2 * LINES, "{moves:#?}");
    assert_eq!(flaps.len(), LINES, "{flaps:#?}");
    assert_eq!(of(&happenings, Kind::MacFlaps), LINES);
    let sums = about("more happens to addresses and links than is said one by one");
    assert_eq!(sums.len(), 2, "{sums:#?}");
    let left_out = [ADDRESSES * (MOVES + 1) - 3 * LINES, ADDRESSES - LINES];
    for (sum, left_out) in sums.iter().zip(left_out) {
        assert!(sum.contains(&format!("lines={left_out}")), "{sum}");
        let told = format!("{left_out} more within 10 s are not told one by one");
        let is_told = |it: &&Happening| it.kind == Kind::LeftOut && it.message.starts_with(&told);
        assert_eq!(happenings.iter().filter(is_told).count(), 1, "{told}");
    }
    assert_eq!(about("may move again").len(), LINES);
}

#[test]
fn a_noisy_guest_hides_nothing_of_others() {
    let mut lab = running_lab();
    flap(&mut lab, 2 * ADDRESSES as u64);
    lab.state.take_happenings();
    // An address flaps between two others.
    for count in 0..=MOVES + 1 {
        let port = [3, 4][count % 2];
        lab.frame(Role::Local, port, NETWORK, 0x77);
        lab.settle();
    }
    let happenings = lab.state.take_happenings();
    assert_eq!(of(&happenings, Kind::MacFlaps), 1, "{happenings:?}");
}

#[test]
fn lines_are_few_however_many_ports_are_noisy() {
    let many = 200;
    let topology = changed(&chain(), |host| {
        host.vnics
            .extend((0..many).map(|index| vnic(&format!("many{index}"), NETWORK)));
    });
    let mut lab = running(topology);
    for index in 0..many {
        let wire = lab.wires.get(Role::Local);
        wire.add_port(&format!("many{index}"), 100 + index);
    }
    lab.settle();
    let lines = lines(|| {
        for round in 0..10 {
            for index in 0..many {
                // Each takes the addresses of the one before.
                let mac = 0x1000 + u64::from((index + round) % many) * 2;
                lab.frame(Role::Local, 100 + index, NETWORK, mac);
                lab.settle();
            }
        }
    });
    let moved = lines
        .iter()
        .filter(|line| line.contains("has moved"))
        .count();
    // Each has one in any case.
    assert!(
        (many as usize..=many as usize + 50).contains(&moved),
        "{moved}"
    );
}

#[test]
fn a_link_that_flaps_is_told_a_few_times_and_hides_no_other() {
    let mut lab = running(with_inline(false));
    flap_link(&mut lab, "ips-in", 5, 100);
    flap_link(&mut lab, "ids0", 3, 1);
    let happenings = lab.state.take_happenings();
    let links = |name: &str| {
        let links = happenings
            .iter()
            .filter(|it| matches!(it.kind, Kind::LinkUp | Kind::LinkDown));
        links.filter(|it| it.subject == name).count()
    };
    assert_eq!(links("ips-in"), LINES);
    assert_eq!(links("ids0"), 2);
    lab.run_for(Duration::from_secs(10));
    let happenings = lab.state.take_happenings();
    let told = happenings
        .iter()
        .find(|it| it.kind == Kind::LeftOut)
        .expect("the rest");
    assert_eq!(
        told.message,
        "195 more within 10 s are not told one by one, 195 of them about port ips-in"
    );
    // Then it may be told again.
    flap_link(&mut lab, "ips-in", 5, 1);
    let happenings = lab.state.take_happenings();
    assert_eq!(of(&happenings, Kind::LinkUp), 1);
}

#[test]
fn the_first_port_that_is_live_says_that_others_are_not() {
    let mut lab = running(with_inline(false));
    tell_state(&mut lab, "ids0", 3, PortState::empty());
    let happenings = lab.state.take_happenings();
    assert_eq!(
        of(&happenings, Kind::LinkDown),
        0,
        "the bridge does not tell"
    );
    tell_state(&mut lab, "ids1", 4, PortState::LIVE);
    let happenings = lab.state.take_happenings();
    let down: Vec<&str> = happenings.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(of(&happenings, Kind::LinkDown), 1, "{happenings:?}");
    assert_eq!(down, ["ids0"]);
}
