//! FLOW_REMOVED: a flow entry is gone.

use crate::flow_match::Match;
use crate::macros::wire_enum;
use crate::types::{Cookie, TableId};

/// A flow entry is gone that was to be reported (`ofp_flow_removed`, §7.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowRemoved {
    /// Its cookie.
    pub cookie: Cookie,
    /// Its priority.
    pub priority: u16,
    /// Why it is gone.
    pub reason: FlowRemovedReason,
    /// Its table.
    pub table_id: TableId,
    /// How long it was there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
    /// Seconds without a packet after which it goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which it goes in any case; 0 for never.
    pub hard_timeout: u16,
    /// Packets that matched.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
    /// What it matched. (`match` is a word of the language.)
    pub match_: Match,
}

wire_enum! {
    /// Why a flow entry is gone (`ofp_flow_removed_reason`).
    pub enum FlowRemovedReason(u8) {
        /// No packet for `idle_timeout` seconds (`OFPRR_IDLE_TIMEOUT`).
        IdleTimeout = 0,
        /// `hard_timeout` seconds are over (`OFPRR_HARD_TIMEOUT`).
        HardTimeout = 1,
        /// A flow-mod deleted it (`OFPRR_DELETE`).
        Delete = 2,
        /// Its group was deleted (`OFPRR_GROUP_DELETE`).
        GroupDelete = 3,
        /// Its meter was deleted (`OFPRR_METER_DELETE`, OpenFlow 1.4).
        MeterDelete = 4,
        /// The switch made room (`OFPRR_EVICTION`, OpenFlow 1.4).
        Eviction = 5,
    }
}
