//! Which of a bridge's entries are bridgechain's.

use openflow::{FlowModFlags, FlowStats, GroupDesc, GroupId, MeterConfig, MeterId};

use crate::compile;
use crate::cookie::{self, Class};
use crate::program::{Flow, FlowKey, Group, Meter, Program};
use crate::session::Snapshot;

/// What a bridge holds, told apart by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Bridgechain's own entries: flows by cookie, groups and meters by number.
    pub ours: Program,
    /// How many flows belong to somebody else.
    pub foreign: usize,
}

/// The flags that are part of an entry; the others are about how it is added.
const KEPT_FLAGS: FlowModFlags = FlowModFlags::SEND_FLOW_REM
    .union(FlowModFlags::NO_PKT_COUNTS)
    .union(FlowModFlags::NO_BYT_COUNTS);

/// Sorts what a bridge answered.
///
/// What the switch wrote itself ([`Class::Remembered`]) is left out too.
///
/// Matches become canonical, so that a flow equals the one that was sent however the switch writes
/// it. Groups and meters of others are left out; they are not counted, since nothing of them gets
/// in the way of ours.
pub fn found(snapshot: Snapshot) -> Found {
    let Snapshot {
        flows,
        groups,
        meters,
    } = snapshot;
    let (own, foreign): (Vec<_>, Vec<_>) = flows
        .into_iter()
        .partition(|flow| cookie::is_ours(flow.cookie));
    Found {
        ours: Program {
            flows: own
                .into_iter()
                .filter(|flow| Class::of(flow.cookie) != Some(Class::Remembered))
                .map(flow)
                .collect(),
            groups: groups
                .into_iter()
                .filter(|group| compile::is_our_group(group.group_id))
                .map(group)
                .collect(),
            meters: meters
                .into_iter()
                .filter(|meter| compile::is_our_meter(meter.meter_id))
                .map(meter)
                .collect(),
        },
        foreign: foreign.len(),
    }
}

/// All that a bridge answered, whoever's it is.
pub fn everything(snapshot: Snapshot) -> Program {
    let Snapshot {
        flows,
        groups,
        meters,
    } = snapshot;
    Program {
        flows: flows.into_iter().map(flow).collect(),
        groups: groups.into_iter().map(group).collect(),
        meters: meters.into_iter().map(meter).collect(),
    }
}

fn group(
    GroupDesc {
        group_id,
        kind,
        buckets,
    }: GroupDesc,
) -> (GroupId, Group) {
    (group_id, Group { kind, buckets })
}

fn meter(
    MeterConfig {
        meter_id,
        flags,
        bands,
    }: MeterConfig,
) -> (MeterId, Meter) {
    (meter_id, Meter { flags, bands })
}

fn flow(stats: FlowStats) -> (FlowKey, Flow) {
    let key = FlowKey {
        table: stats.table_id,
        priority: stats.priority,
        match_: stats.match_.canonical(),
    };
    let flow = Flow {
        cookie: stats.cookie,
        idle_timeout: stats.idle_timeout,
        flags: stats.flags & KEPT_FLAGS,
        instructions: stats.instructions,
    };
    (key, flow)
}
