//! PACKET_IN: a packet came to the controller.

use bytes::Bytes;

use crate::flow_match::Match;
use crate::macros::wire_enum;
use crate::types::{BufferId, Cookie, TableId};

/// A packet that the switch hands to the controller (`ofp_packet_in`, §7.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PacketIn {
    /// Where the packet waits in the switch, if it does.
    pub buffer_id: BufferId,
    /// The length of the whole packet, of which `data` may be the start.
    pub total_len: u16,
    /// Why it is sent.
    pub reason: PacketInReason,
    /// The table that sent it.
    pub table_id: TableId,
    /// The cookie of the flow entry that sent it, or [`Cookie::NONE`].
    pub cookie: Cookie,
    /// Ingress port and metadata of the packet. (`match` is a word of the language.)
    pub match_: Match,
    /// The packet from its Ethernet header on; a slice of the received message.
    pub data: Bytes,
}

wire_enum! {
    /// Why a packet is sent to the controller (`ofp_packet_in_reason`).
    pub enum PacketInReason(u8) {
        /// The table-miss flow entry matched (`OFPR_NO_MATCH`).
        NoMatch = 0,
        /// An output action (`OFPR_ACTION`).
        Action = 1,
        /// The TTL is not valid (`OFPR_INVALID_TTL`).
        InvalidTtl = 2,
        /// An output action in the action set (`OFPR_ACTION_SET`, OpenFlow 1.4).
        ActionSet = 3,
        /// An output action in a group bucket (`OFPR_GROUP`, OpenFlow 1.4).
        Group = 4,
        /// An output action in a packet-out (`OFPR_PACKET_OUT`, OpenFlow 1.4).
        PacketOut = 5,
    }
}
