//! Flow entries, as the switch has them.

use crate::flow_match::Match;
use crate::instruction::Instruction;
use crate::msg::FlowModFlags;
use crate::types::{Cookie, GroupId, PortNo, TableId};

/// Which flow entries are asked for (`ofp_flow_stats_request`, §7.3.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowStatsRequest {
    /// Of this table, or [`TableId::ALL`].
    pub table_id: TableId,
    /// That output to this port; [`PortNo::ANY`] for no restriction.
    pub out_port: PortNo,
    /// That output to this group; [`GroupId::ANY`] for no restriction.
    pub out_group: GroupId,
    /// With this cookie ...
    pub cookie: Cookie,
    /// ... in these bits; 0 for no restriction.
    pub cookie_mask: u64,
    /// That this match covers. (`match` is a word of the language.)
    pub match_: Match,
}

impl FlowStatsRequest {
    /// All flow entries of all tables.
    pub const fn all() -> Self {
        Self {
            table_id: TableId::ALL,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            cookie: Cookie(0),
            cookie_mask: 0,
            match_: Match::new(),
        }
    }
}

/// A flow entry with its counters (`ofp_flow_stats`, §7.3.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowStats {
    /// Its table.
    pub table_id: TableId,
    /// How long it is there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
    /// Its priority.
    pub priority: u16,
    /// Seconds without a packet after which it goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which it goes in any case; 0 for never.
    pub hard_timeout: u16,
    /// The flags it was added with.
    pub flags: FlowModFlags,
    /// Its cookie.
    pub cookie: Cookie,
    /// Packets that matched.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
    /// What it matches. (`match` is a word of the language.)
    pub match_: Match,
    /// What it does.
    pub instructions: Vec<Instruction>,
}
