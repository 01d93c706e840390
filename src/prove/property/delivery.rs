//! Who gets a frame, apart from network functions.

use super::{Case, Property, Verdict};
use crate::learning::Location;
use crate::prove::rule::Way;

/// How far a frame comes along the functions on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passage {
    /// How many it comes to, whether they are up or not.
    pub(super) reached: usize,
    /// The last of these is down and stops it.
    pub(super) is_stopped: bool,
    /// One of them is down and lets it pass.
    pub(super) is_bypassing: bool,
}

/// Exactly those who are to get it do, each once.
pub(super) fn check(case: &Case<'_>, way: &Way, passage: Passage, verdict: &mut Verdict) {
    let property = match way.is_known_unicast {
        true => Property::Unicast,
        false => Property::Flood,
    };
    verdict.concerns(property);
    verdict.concerns(Property::Once);
    if passage.is_stopped {
        verdict.concerns(Property::FailClose);
    }
    if passage.is_bypassing {
        verdict.concerns(Property::FailOpen);
    }
    // The chain is between the guests and all else, and a guest's frame passes it first.
    let guests: &[Location] = match passage.is_stopped {
        true => &[],
        false => &way.guests,
    };
    let outside: &[Location] = match passage.is_stopped && way.is_from_guest {
        true => &[],
        false => &way.outside,
    };
    // What goes to a port that is down is lost.
    let may_be_up = |at: &&Location| case.class.port(**at) != Some(false);
    let mut got: Vec<Location> = case.received().map(|sent| sent.at).collect();
    got.sort_unstable();
    if let Some(pair) = got.windows(2).find(|pair| pair[0] == pair[1]) {
        let what = format!("{} gets it twice", case.name(pair[0]));
        verdict.violated(Property::Once, what);
    }
    got.dedup();
    let is_wanted =
        |at: &Location| guests.binary_search(at).is_ok() || outside.binary_search(at).is_ok();
    for at in got.iter().filter(|at| !is_wanted(at)) {
        let name = case.name(*at);
        if case.is_sender(way, *at) {
            verdict.violated(Property::Once, format!("{name} gets its own frame back"));
        } else if passage.is_stopped && (way.guests.contains(at) || way.outside.contains(at)) {
            let what = format!("{name} gets it past a function that is down");
            verdict.violated(Property::FailClose, what);
        } else {
            let what = match way.is_known_unicast {
                true => format!("{name} gets it, though it is for somebody else"),
                false => format!("{name} gets it, and is no member of its network"),
            };
            verdict.violated(property, what);
        }
    }
    let missing = guests
        .iter()
        .chain(outside)
        .filter(may_be_up)
        .filter(|at| got.binary_search(at).is_err());
    for at in missing {
        let what = format!("{} does not get it", case.name(*at));
        let property = match passage.is_bypassing {
            true => Property::FailOpen,
            false => property,
        };
        verdict.violated(property, what);
    }
}
