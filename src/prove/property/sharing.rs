//! Which instance of a function gets which conversation.

use std::collections::{BTreeMap, BTreeSet};

use openflow::HashFields;

use super::{Case, Property, Verdict, Violation};
use crate::learning::Location;
use crate::prove::engine::Choice;
use crate::prove::rule::{FunctionId, Visit, Way};
use crate::topology::Role;

/// Under which circumstances an instance of a function gets a frame.
///
/// Two frames of one conversation meet the same circumstances, whatever their direction: the same
/// ports are up, and one hash comes out alike for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share {
    /// Which instance, by its place among those that may get frames.
    instance: usize,
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
}

/// The circumstances that were met, for each function.
pub(crate) type Shares = BTreeMap<FunctionId, BTreeSet<Share>>;

impl Share {
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

/// Says which instances a frame came to, of functions that have several.
pub(super) fn check(case: &Case<'_>, way: &Way, verdict: &mut Verdict) {
    for visit in way.visits.iter().filter(|visit| visit.instances.len() > 1) {
        let instance_at = |at: Location| {
            let mut entries = visit.instances.iter();
            entries.position(|(entry, _)| *entry == at)
        };
        let mut sent = case.outcome.sent.iter();
        if let Some(instance) = sent.find_map(|sent| instance_at(sent.at)) {
            verdict.concerns(Property::Conversations);
            let share = share(case, visit, instance);
            verdict.shares.push((visit.function, share));
        }
    }
}

fn share(case: &Case<'_>, visit: &Visit, instance: usize) -> Share {
    let is_of_function = |at: Location| {
        let mut instances = visit.instances.iter();
        instances.any(|(entry, exit)| *entry == at || *exit == Some(at))
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
    for (choice, chosen) in case.class.choices() {
        let Choice::Members {
            role: Role::Service,
            fields,
            basis,
            algorithm,
            members,
            ..
        } = &**choice
        else {
            continue;
        };
        let is_symmetric = matches!(
            HashFields::from(*fields),
            HashFields::SymmetricL3L4Udp | HashFields::SymmetricL3L4 | HashFields::SymmetricL3
        );
        let is_of_function = |member: &u16| {
            is_of_function(Location {
                role: Role::Service,
                port: openflow::PortNo::from_16_bits(*member),
            })
        };
        // Another hash says nothing of the other direction.
        if is_symmetric && members.iter().any(is_of_function) {
            let nobody = |(_, member): &(usize, &u16)| !is_of_function(member);
            let hash = Hash {
                kind: (*fields, *basis, *algorithm),
                count: members.len(),
                nobody: (members.iter().enumerate())
                    .filter(nobody)
                    .map(|(place, _)| place)
                    .collect(),
            };
            hashes.push((hash, *chosen));
        }
    }
    hashes.sort_unstable();
    Share {
        instance,
        ports,
        hashes,
    }
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
