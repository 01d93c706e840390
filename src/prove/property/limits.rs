//! Which limits a frame, and each copy of it, counts for.

use super::{Case, Property, Verdict};
use crate::prove::engine::{Metered, Rate, Sent};
use crate::prove::rule::{Fate, Occupant, Wanted};
use crate::topology::RateLimit;

/// The least that a limit in kilobits lets pass at once: a frame of any length.
const LONGEST_FRAME: u32 = 128;

/// A frame passes a meter if it is limited where it comes in, and a copy if its tap is limited.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let metered = &case.outcome.metered;
    let limited = limited_taps(case);
    if metered.is_empty() && case.expected.limit.is_none() && limited == 0 {
        return;
    }
    verdict.concerns(Property::Limits);
    let of_frame: Vec<_> = metered.iter().filter(|metered| !metered.is_copy).collect();
    match (case.expected.limit, of_frame.as_slice()) {
        (None, []) => {}
        (Some(limit), [metered]) if metered.role == case.from.role => {
            if metered.rate != Some(frames(limit)) {
                verdict.violated(Property::Limits, "its limit is another one");
            }
        }
        (Some(_), []) => verdict.violated(Property::Limits, "it does not count for its limit"),
        (Some(_), _) => verdict.violated(Property::Limits, "it counts for more than its limit"),
        (None, _) => verdict.violated(Property::Limits, "a limit that is not its own may stop it"),
    }
    if metered.len() - of_frame.len() > limited {
        let what = "a copy counts for a limit that is not its own";
        verdict.violated(Property::Limits, what);
    }
    for sent in &case.outcome.sent {
        check_copy(case, sent, verdict);
    }
}

/// How many taps on the way of the frame have a limit.
fn limited_taps(case: &Case<'_>) -> usize {
    let Fate::Admitted(way) = &case.expected.fate else {
        return 0;
    };
    let is_limited = |wanted| matches!(wanted, Wanted::Copy(look) if look.limit.is_some());
    let visits = way.visits.iter();
    visits.filter(|visit| is_limited(visit.wanted)).count()
}

/// What leaves counts for the limit of the tap that gets it, and for no other.
fn check_copy(case: &Case<'_>, sent: &Sent, verdict: &mut Verdict) {
    let limit = match (&case.expected.fate, case.site.occupant(sent.at)) {
        (Fate::Admitted(way), Occupant::Tap(function)) => {
            let mut visits = way.visits.iter();
            let visit = visits.find(|visit| visit.function == function);
            visit.and_then(|visit| match visit.wanted {
                Wanted::Copy(look) => look.limit,
                Wanted::Frame(_) => None,
            })
        }
        _ => None,
    };
    let what = match (limit, sent.metered.as_slice()) {
        (None, []) => return,
        (Some(limit), [metered]) if lets_copies_pass(limit, metered) => return,
        (Some(_), [_]) => "the limit of a copy is another one",
        (Some(_), []) => "a copy does not count for its limit",
        (Some(_), _) => "a copy counts for more than its limit",
        (None, _) => "a copy counts for a limit that is not its own",
    };
    verdict.violated(Property::Limits, what);
}

/// Whether a meter lets pass what a limit for copies says.
fn lets_copies_pass(limit: RateLimit, metered: &Metered) -> bool {
    let wanted = match limit {
        RateLimit::Pps(rate) => frames(rate),
        RateLimit::Kbps(rate) => Rate {
            is_in_kilobits: true,
            rate,
            burst: rate.max(LONGEST_FRAME),
        },
    };
    metered.rate == Some(wanted)
}

/// So many frames in a second, and as many at once.
fn frames(rate: u32) -> Rate {
    Rate {
        is_in_kilobits: false,
        rate,
        burst: rate,
    }
}
