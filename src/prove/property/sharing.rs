//! Which instance of a function gets which conversation.

use std::collections::{BTreeMap, BTreeSet};

use openflow::HashFields;

use super::{Case, Property, Verdict, Violation};
use crate::learning::Location;
use crate::prove::engine::{Answer, Choice, Question, Var};
use crate::prove::rule::{FunctionId, Visit, Wanted};
use crate::topology::Role;

/// Under which circumstances an instance of a function gets a frame.
///
/// Two frames of one conversation meet the same circumstances, whatever their direction: the same
/// ports are up, and one hash comes out alike for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share {
    /// Which instance, by its place among those that may get frames; `None` where a tap gets a part of
    /// the conversations only, and not this one.
    instance: Option<usize>,
    /// Ports of the function that are up, and down.
    ports: Vec<(Location, bool)>,
    /// What hashes over the conversation have chosen among ports of the function: the choices, and
    /// the place of what was chosen.
    hashes: Vec<(Hash, u16)>,
}

/// A choice by a hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hash {
    /// The fields, the seed and the algorithm.
    kind: (u16, u16, u16),
    /// How many there are to choose from. What is chosen goes by the place alone.
    count: usize,
    /// The places of those that are never chosen.
    nobody: Vec<usize>,
    /// Whether it says only if the first one was chosen.
    is_link: bool,
}

/// The circumstances that were met, for each function.
pub(crate) type Shares = BTreeMap<FunctionId, BTreeSet<Share>>;

impl Share {
    /// Whether it depends on a hash that one conversation in so many has whether a copy is made.
    fn is_one_in(&self, count: u16) -> bool {
        let Self {
            instance, hashes, ..
        } = self;
        let is_such = |(hash, first): &&(Hash, u16)| {
            hash.is_link && hash.count == usize::from(count) && (*first == 1 || instance.is_none())
        };
        hashes.iter().any(|hash| is_such(&hash))
    }

    /// Whether frames of one conversation may come to different instances by these two.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        let same_port = |(at, is_up): &(Location, bool)| {
            let found = other.ports.iter().find(|(own, _)| own == at);
            found.is_none_or(|(_, other)| other == is_up)
        };
        let same_hash = |(hash, chosen): &(Hash, u16)| {
            let found = other.hashes.iter().find(|(own, _)| own == hash);
            found.is_none_or(|(_, other)| other == chosen)
        };
        self.instance != other.instance
            && self.ports.iter().all(same_port)
            && self.hashes.iter().all(same_hash)
    }
}

/// Says which instances a frame came to, of functions that have several or get a part of the
/// conversations only. `visits` are those that it gets as far as.
pub(super) fn check(case: &Case<'_>, visits: &[Visit], verdict: &mut Verdict) {
    for visit in visits {
        let sampling = match visit.wanted {
            Wanted::Copy(look) => look.sampling,
            Wanted::Frame(_) => None,
        };
        if visit.instances.is_empty() || visit.instances.len() < 2 && sampling.is_none() {
            continue;
        }
        let instance_at = |at: Location| {
            let mut instances = visit.instances.iter();
            instances.position(|instance| instance.entry == at)
        };
        let mut sent = case.outcome.sent.iter();
        let instance = sent.find_map(|sent| instance_at(sent.at));
        if instance.is_some() || sampling.is_some() {
            verdict.concerns(Property::Conversations);
            let share = share(case, visit, instance, sampling.is_some());
            if let Some(sampling) = sampling
                && !share.is_one_in(sampling.get())
            {
                let name = &case.site.function(visit.function).name;
                let what = format!("{name} is to get one conversation in {sampling}");
                verdict.violated(Property::Conversations, what);
            }
            verdict.shares.push((visit.function, share));
        }
    }
}

fn share(case: &Case<'_>, visit: &Visit, instance: Option<usize>, is_sampled: bool) -> Share {
    let is_of_function = |at: Location| {
        let mut instances = visit.instances.iter();
        instances.any(|instance| instance.entry == at || instance.exit == Some(at))
    };
    let mut ports: Vec<(Location, bool)> = case
        .class
        .ports()
        .iter()
        .filter(|(at, _)| is_of_function(*at))
        .copied()
        .collect();
    ports.sort_unstable();
    let mut hashes = Vec::new();
    for (number, (choice, chosen)) in (0..).zip(case.class.choices()) {
        match &**choice {
            Choice::Members {
                role: Role::Service,
                fields,
                basis,
                algorithm,
                members,
                ..
            } => {
                let is_of_function = |member: &u16| {
                    is_of_function(Location {
                        role: Role::Service,
                        port: openflow::PortNo::from_16_bits(*member),
                    })
                };
                // Another hash says nothing of the other direction.
                if is_symmetric(*fields) && members.iter().any(is_of_function) {
                    let nobody = |(_, member): &(usize, &u16)| !is_of_function(member);
                    let hash = Hash {
                        kind: (*fields, *basis, *algorithm),
                        count: members.len(),
                        nobody: (members.iter().enumerate())
                            .filter(nobody)
                            .map(|(place, _)| place)
                            .collect(),
                        is_link: false,
                    };
                    hashes.push((hash, *chosen));
                }
            }
            Choice::Links {
                fields,
                basis,
                algorithm: (algorithm, _, links),
            } if is_sampled && is_symmetric(*fields) => {
                let is_first = case.class.is(Question {
                    var: Var::Hash(number),
                    value: 0,
                    mask: u16::MAX.into(),
                });
                let hash = Hash {
                    kind: (*fields, *basis, *algorithm),
                    count: usize::from(*links) + 1,
                    nobody: Vec::new(),
                    is_link: true,
                };
                match is_first {
                    Answer::Always => hashes.push((hash, 1)),
                    Answer::Never => hashes.push((hash, 0)),
                    Answer::Depends => {}
                }
            }
            _ => {}
        }
    }
    hashes.sort_unstable();
    Share {
        instance,
        ports,
        hashes,
    }
}

/// Whether a hash over these fields is the same in both directions of a conversation.
fn is_symmetric(fields: u16) -> bool {
    matches!(
        HashFields::from(fields),
        HashFields::SymmetricL3L4Udp | HashFields::SymmetricL3L4 | HashFields::SymmetricL3
    )
}

/// Notes which instances frames came to, and says if one contradicts what was noted before.
pub(crate) fn compare(
    noted: &mut Shares,
    found: Vec<(FunctionId, Share)>,
    name: impl Fn(FunctionId) -> String,
) -> Option<Violation> {
    let mut violation = None;
    for (function, share) in found {
        let others = noted.entry(function).or_default();
        if others.contains(&share) {
            continue;
        }
        if others.iter().any(|other| share.contradicts(other)) && violation.is_none() {
            violation = Some(different(&name(function)));
        }
        others.insert(share);
    }
    violation
}

/// A function gets frames of one conversation at several instances.
pub(crate) fn different(function: &str) -> Violation {
    Violation {
        property: Property::Conversations,
        what: format!("another instance of {function} may get other frames of the conversation"),
    }
}
