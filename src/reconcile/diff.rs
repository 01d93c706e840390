//! The difference between two programs.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use openflow::{GroupId, MeterId};

use crate::program::{Flow, FlowKey, Group, Meter, Program};

/// What must change on a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Flow entries.
    pub flows: Changes<'a, FlowKey, Flow>,
    /// Groups.
    pub groups: Changes<'a, GroupId, Group>,
    /// Meters.
    pub meters: Changes<'a, MeterId, Meter>,
}

impl Plan<'_> {
    /// Whether nothing must change.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.groups.is_empty() && self.meters.is_empty()
    }
}

/// What must change among the entries of one kind, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes<'a, K, V> {
    /// Entries that are missing.
    pub added: Vec<(&'a K, &'a V)>,
    /// Entries that are there with another content; the wanted content.
    pub changed: Vec<(&'a K, &'a V)>,
    /// Entries that are there and not wanted.
    pub removed: Vec<(&'a K, &'a V)>,
}

impl<K, V> Changes<'_, K, V> {
    /// How many entries are added, changed or removed.
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }

    /// Whether nothing must change.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What must change for a bridge that holds `found` to hold `wanted`, and nothing beyond it.
pub fn diff<'a>(wanted: &'a Program, found: &'a Program) -> Plan<'a> {
    Plan {
        flows: changes(&wanted.flows, &found.flows),
        groups: changes(&wanted.groups, &found.groups),
        meters: changes(&wanted.meters, &found.meters),
    }
}

/// Walks both maps side by side: linear, and without a look-up per entry.
fn changes<'a, K: Ord, V: PartialEq>(
    wanted: &'a BTreeMap<K, V>,
    found: &'a BTreeMap<K, V>,
) -> Changes<'a, K, V> {
    let mut changes = Changes {
        added: Vec::new(),
        changed: Vec::new(),
        removed: Vec::new(),
    };
    let (mut wanted, mut found) = (wanted.iter().peekable(), found.iter().peekable());
    loop {
        let order = match (wanted.peek(), found.peek()) {
            (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return changes,
        };
        match order {
            Ordering::Less => changes.added.extend(wanted.next()),
            Ordering::Greater => changes.removed.extend(found.next()),
            Ordering::Equal => {
                let (entry, there) = (wanted.next(), found.next());
                if entry.map(|(_, content)| content) != there.map(|(_, content)| content) {
                    changes.changed.extend(entry);
                }
            }
        }
    }
}
