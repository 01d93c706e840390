//! FLOW_REMOVED: a flow entry is gone.

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::macros::wire_enum;
use crate::types::{Cookie, TableId};
use bytes::{Buf, BufMut};

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

impl Decode for FlowRemoved {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<40>()?;
        Ok(Self {
            cookie: Cookie(fields.get_u64()),
            priority: fields.get_u16(),
            reason: fields.get_u8().into(),
            table_id: TableId(fields.get_u8()),
            duration_sec: fields.get_u32(),
            duration_nsec: fields.get_u32(),
            idle_timeout: fields.get_u16(),
            hard_timeout: fields.get_u16(),
            packet_count: fields.get_u64(),
            byte_count: fields.get_u64(),
            match_: Match::decode(r)?,
        })
    }
}

impl Encode for FlowRemoved {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.cookie.0);
        out.put_u16(self.priority);
        out.put_u8(self.reason.into());
        out.put_u8(self.table_id.0);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.match_.encode(out)
    }
}
