//! PACKET_IN: a packet came to the controller.

use bytes::Bytes;

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::macros::wire_enum;
use crate::types::{BufferId, Cookie, TableId};
use bytes::{Buf, BufMut};

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

/// Behind the match, so that the IP header of an Ethernet frame is aligned.
const PAD_LEN: usize = 2;

impl Decode for PacketIn {
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let buffer_id = BufferId(fields.get_u32());
        let total_len = fields.get_u16();
        let reason = fields.get_u8().into();
        let table_id = TableId(fields.get_u8());
        let cookie = Cookie(fields.get_u64());
        let match_ = Match::decode(r)?;
        r.skip(PAD_LEN, "pad")?;
        let data = r.rest();
        Ok(Self {
            buffer_id,
            total_len,
            reason,
            table_id,
            cookie,
            match_,
            data,
        })
    }
}

impl Encode for PacketIn {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.buffer_id.0);
        out.put_u16(self.total_len);
        out.put_u8(self.reason.into());
        out.put_u8(self.table_id.0);
        out.put_u64(self.cookie.0);
        self.match_.encode(out)?;
        put_padding(out, PAD_LEN);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}
