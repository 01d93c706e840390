//! The forms of packet-ins that Open vSwitch adds.

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::macros::wire_enum;
use crate::msg::PacketInReason;
use crate::property::{RawProperty, decode_property, encode_property, put_property};
use crate::types::{BufferId, Cookie, TableId};

wire_enum! {
    /// The form of packet-ins (`ofputil_packet_in_format`).
    pub enum PacketInFormat(u32) {
        /// [`PacketIn`](crate::PacketIn) of the specification (`NXPIF_STANDARD`).
        Standard = 0,
        /// [`NxPacketIn`] (`NXPIF_NXT_PACKET_IN`).
        NxtPacketIn = 1,
        /// Properties (`NXPIF_NXT_PACKET_IN2`); the only one that can pause a packet.
        NxtPacketIn2 = 2,
    }
}

/// A packet-in of the second form (`nx_packet_in`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NxPacketIn {
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
    /// Ingress port, registers and metadata. (`match` is a word of the language.)
    pub match_: Match,
    /// The packet from its Ethernet header on.
    pub data: Bytes,
}

/// Behind the match, so that the IP header of an Ethernet frame is aligned.
const PAD_LEN: usize = 2;

impl Decode for NxPacketIn {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<24>()?;
        let buffer_id = BufferId(fields.get_u32());
        let total_len = fields.get_u16();
        let reason = fields.get_u8().into();
        let table_id = TableId(fields.get_u8());
        let cookie = Cookie(fields.get_u64());
        let match_ = Match::decode_bare(r, fields.get_u16().into())?;
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

impl Encode for NxPacketIn {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.buffer_id.0);
        out.put_u16(self.total_len);
        out.put_u8(self.reason.into());
        out.put_u8(self.table_id.0);
        out.put_u64(self.cookie.0);
        let match_len_at = out.len();
        put_padding(out, 8);
        self.match_.encode_bare(out, match_len_at)?;
        put_padding(out, PAD_LEN);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}

/// A property of a packet-in of the third form (`nx_packet_in2_prop_type`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketInProperty {
    /// The packet, or its start (`NXPINT_PACKET`).
    Packet(Bytes),
    /// The length of the whole packet where `Packet` is its start (`NXPINT_FULL_LEN`).
    FullLen(u32),
    /// Where the packet waits in the switch (`NXPINT_BUFFER_ID`).
    BufferId(BufferId),
    /// The table that sent it (`NXPINT_TABLE_ID`).
    TableId(TableId),
    /// The cookie of the flow entry that sent it (`NXPINT_COOKIE`).
    Cookie(Cookie),
    /// Why it is sent (`NXPINT_REASON`).
    Reason(PacketInReason),
    /// Ingress port, registers and metadata (`NXPINT_METADATA`).
    Metadata(Match),
    /// The bytes that the action gave (`NXPINT_USERDATA`).
    Userdata(Bytes),
    /// What the switch needs to let the packet go on; to be sent back as it is
    /// (`NXPINT_CONTINUATION`).
    Continuation(Bytes),
    /// Another property.
    Unknown(RawProperty),
}

/// `nx_packet_in2_prop_type`
mod kind {
    pub(super) const PACKET: u16 = 0;
    pub(super) const FULL_LEN: u16 = 1;
    pub(super) const BUFFER_ID: u16 = 2;
    pub(super) const TABLE_ID: u16 = 3;
    pub(super) const COOKIE: u16 = 4;
    pub(super) const REASON: u16 = 5;
    pub(super) const METADATA: u16 = 6;
    pub(super) const USERDATA: u16 = 7;
    pub(super) const CONTINUATION: u16 = 8;
}

impl Decode for PacketInProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_property(r, |kind, body| {
            Ok(match kind {
                kind::PACKET => Self::Packet(body.rest()),
                kind::FULL_LEN => Self::FullLen(body.fixed::<4>()?.get_u32()),
                kind::BUFFER_ID => Self::BufferId(BufferId(body.fixed::<4>()?.get_u32())),
                kind::TABLE_ID => Self::TableId(TableId(body.fixed::<1>()?.get_u8())),
                kind::COOKIE => {
                    let mut fields = body.fixed::<12>()?;
                    fields.advance(4);
                    Self::Cookie(Cookie(fields.get_u64()))
                }
                kind::REASON => Self::Reason(body.fixed::<1>()?.get_u8().into()),
                kind::METADATA => Self::Metadata(Match::decode_entries(body)?),
                kind::USERDATA => Self::Userdata(body.rest()),
                kind::CONTINUATION => Self::Continuation(body.rest()),
                kind => Self::Unknown(RawProperty {
                    kind,
                    data: body.rest(),
                }),
            })
        })
    }
}

impl Encode for PacketInProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Packet(data) => put_property(out, kind::PACKET, data),
            Self::FullLen(length) => put_property(out, kind::FULL_LEN, &length.to_be_bytes()),
            Self::BufferId(id) => put_property(out, kind::BUFFER_ID, &id.0.to_be_bytes()),
            Self::TableId(table) => put_property(out, kind::TABLE_ID, &[table.0]),
            Self::Cookie(cookie) => encode_property(out, kind::COOKIE, |out| {
                put_padding(out, 4);
                out.put_u64(cookie.0);
                Ok(())
            }),
            Self::Reason(reason) => put_property(out, kind::REASON, &[(*reason).into()]),
            Self::Metadata(fields) => {
                encode_property(out, kind::METADATA, |out| fields.encode_entries(out))
            }
            Self::Userdata(data) => put_property(out, kind::USERDATA, data),
            Self::Continuation(data) => put_property(out, kind::CONTINUATION, data),
            Self::Unknown(raw) => raw.encode(out),
        }
    }
}
