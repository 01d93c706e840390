//! Which network functions a frame passes, how often, and in which order.

use super::delivery::Passage;
use super::{Case, Property, Verdict};
use crate::learning::Location;
use crate::prove::rule::{FunctionId, Occupant, Side, Visit, Wanted, Way};
use crate::topology::FailurePolicy;

/// A frame at a function.
struct Sighting {
    function: FunctionId,
    at: Location,
    /// How many inline functions it had passed.
    passed: usize,
}

/// Holds the functions that a frame came to against those that it is to come to. Says whether it
/// goes on behind them.
pub(super) fn check(case: &Case<'_>, way: &Way, verdict: &mut Verdict) -> Passage {
    let mut passage = Passage::default();
    if !case.site.has_service_bridge() {
        return passage;
    }
    for (_, function) in case.site.functions() {
        verdict_concerns(verdict, property_of(&function.kind));
    }
    let mut sightings = sightings(case);
    let mut passed = 0;
    for visit in &way.visits {
        let (of_this, others): (Vec<_>, Vec<_>) = sightings
            .into_iter()
            .partition(|sighting| sighting.function == visit.function);
        sightings = others;
        if passage.is_stopped {
            sightings.extend(of_this);
            continue;
        }
        passage.reached += 1;
        match visit.wanted {
            Wanted::Copy(look) => {
                let is_sampled = look.sampling.is_some();
                check_copy(case, visit, is_sampled, passed, &of_this, verdict);
            }
            Wanted::Frame(policy) => {
                let usable = usable(case, visit);
                if usable.is_empty() {
                    match policy {
                        FailurePolicy::FailClose => passage.is_stopped = true,
                        FailurePolicy::FailOpen => passage.is_bypassing = true,
                    }
                    sightings.extend(of_this);
                    continue;
                }
                check_passage(case, visit, passed, &usable, &of_this, verdict);
                passed += 1;
            }
        }
    }
    for Sighting { function, at, .. } in sightings {
        let property = property_of(&case.site.function(function).kind);
        let name = case.name(at);
        let what = match way.visits.iter().any(|visit| visit.function == function) {
            false => format!("{name} gets it, and it is none of its frames"),
            true if passage.is_stopped => {
                format!("{name} gets it behind a function that is down")
            }
            true => format!("{name} gets it, and is out of service"),
        };
        let property = match passage.is_stopped {
            true => Property::FailClose,
            false => property,
        };
        verdict.violated(property, what);
    }
    passage
}

fn verdict_concerns(verdict: &mut Verdict, property: Property) {
    if !verdict.concerned.contains(&property) {
        verdict.concerns(property);
    }
}

fn property_of(kind: &crate::topology::FunctionKind) -> Property {
    use crate::topology::FunctionKind::{Inline, Tap};
    match kind {
        Tap { .. } | Inline { shadow: true, .. } => Property::Taps,
        Inline { .. } => Property::Inline,
    }
}

/// The functions that a frame came to, in order.
fn sightings(case: &Case<'_>) -> Vec<Sighting> {
    let mut passed = 0;
    let mut sightings = Vec::new();
    for sent in &case.outcome.sent {
        let (function, is_inline) = match case.site.occupant(sent.at) {
            Occupant::Tap(function) => (function, false),
            Occupant::Leg(function, _) => {
                let kind = &case.site.function(function).kind;
                (function, property_of(kind) == Property::Inline)
            }
            _ => continue,
        };
        sightings.push(Sighting {
            function,
            at: sent.at,
            passed,
        });
        passed += usize::from(is_inline);
    }
    sightings
}

/// Whether a port is up, for all that matters.
fn may_be_up(case: &Case<'_>, port: Location) -> bool {
    case.class.port(port) != Some(false)
}

/// The instances of an inline function that the frame may pass: both legs are up.
fn usable(case: &Case<'_>, visit: &Visit) -> Vec<Location> {
    let up = visit.instances.iter().filter(|instance| {
        may_be_up(case, instance.entry) && instance.exit.is_none_or(|exit| may_be_up(case, exit))
    });
    let mut ports: Vec<Location> = up.map(|instance| instance.entry).collect();
    if visit.in_order {
        ports.truncate(1);
    }
    ports
}

/// A copy goes to one instance, as long as one is up.
fn check_copy(
    case: &Case<'_>,
    visit: &Visit,
    is_sampled: bool,
    passed: usize,
    sightings: &[Sighting],
    verdict: &mut Verdict,
) {
    let usable = usable(case, visit);
    let name = &case.site.function(visit.function).name;
    match sightings {
        [] if usable.is_empty() || is_sampled => {}
        [] => verdict.violated(Property::Taps, format!("{name} gets no copy")),
        [one] => {
            if !usable.contains(&one.at) {
                let what = format!("{} gets the copy for {name}", case.name(one.at));
                verdict.violated(Property::Taps, what);
            } else if one.passed != passed {
                let what = format!("{name} gets its copy out of turn");
                verdict.violated(Property::Taps, what);
            }
        }
        several => {
            let what = format!("{name} gets {} copies", several.len());
            verdict.violated(Property::Taps, what);
        }
    }
}

/// The frame passes one instance.
fn check_passage(
    case: &Case<'_>,
    visit: &Visit,
    passed: usize,
    usable: &[Location],
    sightings: &[Sighting],
    verdict: &mut Verdict,
) {
    let name = &case.site.function(visit.function).name;
    match sightings {
        [] => verdict.violated(Property::Inline, format!("it does not pass {name}")),
        [one] if !usable.contains(&one.at) => {
            let leg = case.name(one.at);
            let what = match case.site.occupant(one.at) {
                Occupant::Leg(_, Side::Ingress) => {
                    format!("it enters {name} by the ingress leg {leg}")
                }
                _ => format!("it enters {name} by the egress leg {leg}"),
            };
            verdict.violated(Property::Inline, what);
        }
        [one] if one.passed != passed => {
            verdict.violated(Property::Inline, format!("it passes {name} out of turn"));
        }
        [_] => {}
        several => {
            let what = format!("it passes {name} {} times", several.len());
            verdict.violated(Property::Inline, what);
        }
    }
}
