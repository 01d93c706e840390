//! Which limits a frame, and each copy of it, counts for.

use super::{Case, Property, Verdict};
use crate::prove::rule::{Fate, Occupant, Wanted};

/// A frame passes a meter if it is limited where it comes in, and a copy if its tap is limited.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let metered = &case.outcome.metered;
    let (mut at_least, mut at_most) = (0, 0);
    if let Fate::Admitted(way) = &case.expected.fate {
        for visit in &way.visits {
            if matches!(visit.wanted, Wanted::Copy(look) if look.is_limited) {
                let is_for_it = |at| case.site.occupant(at) == Occupant::Tap(visit.function);
                let is_copied = case.outcome.sent.iter().any(|sent| is_for_it(sent.at));
                at_least += usize::from(is_copied);
                at_most += 1;
            }
        }
    }
    if metered.is_empty() && !case.expected.is_limited && at_most == 0 {
        return;
    }
    verdict.concerns(Property::Limits);
    let of_frame: Vec<_> = metered.iter().filter(|metered| !metered.is_copy).collect();
    match (case.expected.is_limited, of_frame.as_slice()) {
        (false, []) => {}
        (true, [metered]) if metered.role == case.from.role => {}
        (true, []) => verdict.violated(Property::Limits, "it does not count for its limit"),
        (true, _) => verdict.violated(Property::Limits, "it counts for more than its limit"),
        (false, _) => verdict.violated(Property::Limits, "a limit that is not its own may stop it"),
    }
    let of_copies = metered.len() - of_frame.len();
    if of_copies < at_least {
        verdict.violated(Property::Limits, "a copy does not count for its limit");
    } else if of_copies > at_most {
        verdict.violated(
            Property::Limits,
            "a copy counts for a limit that is not its own",
        );
    }
}
