//! The contents of a bridge's tables, wanted or found: flows, groups and meters by their keys.

use std::collections::BTreeMap;
use std::ops::Bound;

use openflow::{
    Bucket, Cookie, FlowModFlags, GroupId, GroupType, Instruction, Match, MeterBand, MeterFlags,
    MeterId, TableId,
};

/// What one bridge holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Flow entries.
    pub flows: BTreeMap<FlowKey, Flow>,
    /// Group entries.
    pub groups: BTreeMap<GroupId, Group>,
    /// Meters.
    pub meters: BTreeMap<MeterId, Meter>,
}

impl Program {
    /// The flow entries of a table, those that win last.
    pub fn table(&self, table: TableId) -> impl DoubleEndedIterator<Item = (&FlowKey, &Flow)> {
        let first = |table| FlowKey {
            table,
            priority: 0,
            match_: Match::new(),
        };
        let end = match u8::from(table).checked_add(1) {
            Some(next) => Bound::Excluded(first(next.into())),
            None => Bound::Unbounded,
        };
        self.flows.range((Bound::Included(first(table)), end))
    }
}

/// What makes a flow entry the same one (OpenFlow 1.3.5 §6.4): two entries with equal keys
/// replace each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The table it stands in.
    pub table: TableId,
    /// Higher wins.
    pub priority: u16,
    /// In canonical form ([`Match::canonical`]).
    pub match_: Match,
}

/// What a flow entry does and how long it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Whose it is and what for; see [`crate::cookie`].
    pub cookie: Cookie,
    /// Seconds without a matching frame after which the switch removes it; 0 is never.
    pub idle_timeout: u16,
    /// As sent in the flow-mod.
    pub flags: FlowModFlags,
    /// In the order of their execution.
    pub instructions: Vec<Instruction>,
}

/// A group entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How its buckets are chosen.
    pub kind: GroupType,
    /// The action buckets.
    pub buckets: Vec<Bucket>,
}

/// A meter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meter {
    /// Units and options.
    pub flags: MeterFlags,
    /// Rate bands.
    pub bands: Vec<MeterBand>,
}
