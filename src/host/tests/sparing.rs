//! What guests can cause does not fill the log.

use std::time::Duration;

use super::lab::Lab;
use super::log::lines;
use super::topologies::{NETWORK, running_lab};
use crate::learning::moves::{HOLD, MOVES};
use crate::status::Kind;
use crate::topology::Role;

/// So many lines may follow each other.
const LINES: usize = 20;
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
    let mut happened = 0;
    let lines = lines(|| {
        let mut lab = running_lab();
        flap(&mut lab, ADDRESSES as u64);
        let happenings = lab.state.take_happenings();
        happened = happenings
            .iter()
            .filter(|it| it.kind == Kind::MacFlaps)
            .count();
        // The rest comes after a while, whether anything happens then or not.
        lab.run_for(Duration::from_secs(10));
        // All of them may move again at once.
        lab.run_for(HOLD + Duration::from_secs(10));
    });
    let about = |text: &str| {
        let lines = lines.iter().filter(|line| line.contains(text));
        lines.cloned().collect::<Vec<String>>()
    };
    let (moves, flaps) = (about("has moved"), about("flaps: it moves"));
    assert_eq!(moves.len() + flaps.len(), LINES, "{moves:#?} {flaps:#?}");
    assert!((1..=LINES).contains(&happened), "{happened} events");
    let sums = about("more happens to addresses of guests than is said one by one");
    let left_out = ADDRESSES * (MOVES + 1) - LINES;
    assert_eq!(sums.len(), 2, "{sums:#?}");
    assert!(
        sums[0].contains(&format!("lines={left_out}")),
        "{}",
        sums[0]
    );
    assert!(
        sums[1].contains(&format!("lines={}", ADDRESSES - LINES)),
        "{}",
        sums[1]
    );
    assert_eq!(about("may move again").len(), LINES);
}
