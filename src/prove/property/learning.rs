//! What the controller is told.

use super::{Case, Property, Verdict};
use crate::learning::Location;
use crate::prove::rule::Way;

/// The controller is told once of a source that it does not know, with the port that it is at.
pub(super) fn check(case: &Case<'_>, way: &Way, verdict: &mut Verdict) {
    verdict.concerns(Property::Learning);
    match case.outcome.told.as_slice() {
        [] if !way.is_told => {}
        [] => verdict.violated(
            Property::Learning,
            "the controller is not told of its source",
        ),
        _ if !way.is_told => verdict.violated(
            Property::Learning,
            "the controller is told of a source that it knows",
        ),
        _ => check_port(case, case.site.place(case.from), verdict),
    }
}

/// The controller gets every probe that comes out of a function, once, with the leg.
pub(super) fn check_probe(case: &Case<'_>, verdict: &mut Verdict) {
    verdict.concerns(Property::Learning);
    check_port(case, case.from, verdict);
}

/// The controller is told once, and that it was this port.
fn check_port(case: &Case<'_>, at: Location, verdict: &mut Verdict) {
    match case.outcome.told.as_slice() {
        [(role, _, port)] => {
            let number = u128::from(at.port.0);
            if *role != at.role || case.class.resolve(*port).as_number() != Some(number) {
                let what = "the controller is told another port than its own";
                verdict.violated(Property::Learning, what);
            }
        }
        told => {
            let what = format!("the controller is told {} times", told.len());
            verdict.violated(Property::Learning, what);
        }
    }
}
