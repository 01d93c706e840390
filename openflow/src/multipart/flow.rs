//! Flow entries, as the switch has them.

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::instruction::INSTRUCTIONS;
use crate::instruction::Instruction;
use crate::msg::FlowModFlags;
use crate::types::{Cookie, GroupId, PortNo, TableId};
use bytes::{Buf, BufMut};

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

impl Decode for FlowStatsRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<32>()?;
        let table_id = TableId(fields.get_u8());
        fields.advance(3);
        let out_port = PortNo(fields.get_u32());
        let out_group = GroupId(fields.get_u32());
        fields.advance(4);
        let cookie = Cookie(fields.get_u64());
        let cookie_mask = fields.get_u64();
        Ok(Self {
            table_id,
            out_port,
            out_group,
            cookie,
            cookie_mask,
            match_: Match::decode(r)?,
        })
    }
}

impl Encode for FlowStatsRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u8(self.table_id.0);
        put_padding(out, 3);
        out.put_u32(self.out_port.0);
        out.put_u32(self.out_group.0);
        put_padding(out, 4);
        out.put_u64(self.cookie.0);
        out.put_u64(self.cookie_mask);
        self.match_.encode(out)
    }
}

const FLOW_STATS: Structure = Structure::of_message("ofp_flow_stats");
/// Up to the match.
const FIXED_LEN: usize = 48;

impl Decode for FlowStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<FIXED_LEN>()?;
        let length = fields.get_u16().into();
        r.body(&FLOW_STATS, FIXED_LEN, start, length, |body| {
            let table_id = TableId(fields.get_u8());
            fields.advance(1);
            let duration_sec = fields.get_u32();
            let duration_nsec = fields.get_u32();
            let priority = fields.get_u16();
            let idle_timeout = fields.get_u16();
            let hard_timeout = fields.get_u16();
            let flags = FlowModFlags::from_bits_retain(fields.get_u16());
            fields.advance(4);
            Ok(Self {
                table_id,
                duration_sec,
                duration_nsec,
                priority,
                idle_timeout,
                hard_timeout,
                flags,
                cookie: Cookie(fields.get_u64()),
                packet_count: fields.get_u64(),
                byte_count: fields.get_u64(),
                match_: Match::decode(body)?,
                instructions: body.within(&INSTRUCTIONS, body.remaining(), Reader::list)?,
            })
        })
    }
}

impl Encode for FlowStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u8(self.table_id.0);
        put_padding(out, 1);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        out.put_u16(self.priority);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.flags.bits());
        put_padding(out, 4);
        out.put_u64(self.cookie.0);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.match_.encode(out)?;
        put_list(out, &self.instructions)?;
        set_length(out, start, start, FLOW_STATS.name)
    }
}
