//! Flow monitors: the switch tells about every change of its flow tables.
//!
//! OpenFlow 1.3 has them as an ONF extension (1870), which Open vSwitch answers; the older form of
//! Nicira differs in widths and in what stands behind the match.

use bitflags::bitflags;
use bytes::{Buf, BufMut};

use crate::action::{ACTIONS, Action};
use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::instruction::{INSTRUCTIONS, Instruction};
use crate::macros::wire_enum;
use crate::types::{Cookie, PortNo, TableId, Xid};

/// Asks for a monitor (`onf_flow_monitor_request`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowMonitorRequest {
    /// The number of the monitor, as the controller chooses it.
    pub id: u32,
    /// What to tell.
    pub flags: FlowMonitorFlags,
    /// Only of entries that output to this port; [`PortNo::ANY`] for no restriction.
    pub out_port: PortNo,
    /// Only of this table, or [`TableId::ALL`].
    pub table_id: TableId,
    /// Only of entries that this match covers. (`match` is a word of the language.)
    pub match_: Match,
    /// The form of the match.
    pub match_form: MatchForm,
}

/// How the match of a flow monitor stands on the wire. The extension of the ONF can be read either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MatchForm {
    /// With the header of a match, as Open vSwitch has it.
    #[default]
    Headed,
    /// With the header of a match, and with this as the length that is said before it. Open vSwitch
    /// does not look there; here it is more than there are bytes, else it would be the length of
    /// [`MatchForm::Bare`].
    HeadedWithLength(u16),
    /// Only the match fields, as os-ken has it, and everyone in the form of Nicira.
    Bare,
}

/// Asks for a monitor (`nx_flow_monitor_request`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NxFlowMonitorRequest {
    /// The number of the monitor, as the controller chooses it.
    pub id: u32,
    /// What to tell.
    pub flags: FlowMonitorFlags,
    /// Only of entries that output to this port, in 16 bits; 0xffff for no restriction.
    pub out_port: u16,
    /// Only of this table, or [`TableId::ALL`].
    pub table_id: TableId,
    /// Only of entries that this match covers. (`match` is a word of the language.)
    pub match_: Match,
}

bitflags! {
    /// What a monitor tells (`nx_flow_monitor_flags`, `onf_flow_monitor_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct FlowMonitorFlags: u16 {
        /// Entries that are there at first (`NXFMF_INITIAL`).
        const INITIAL = 1 << 0;
        /// Those that are added (`NXFMF_ADD`).
        const ADD = 1 << 1;
        /// Those that go (`NXFMF_DELETE`).
        const DELETE = 1 << 2;
        /// Those that change (`NXFMF_MODIFY`).
        const MODIFY = 1 << 3;
        /// With what they do (`NXFMF_ACTIONS`).
        const ACTIONS = 1 << 4;
        /// With own changes in full (`NXFMF_OWN`).
        const OWN = 1 << 5;
        const _ = !0;
    }
}

/// A change of a flow table (`nx_flow_update_header`), with `T` as what an entry does:
/// [`Instruction`] in the form of the ONF, [`Action`] in that of Nicira.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FlowUpdate<T> {
    /// An entry came, went or changed.
    Full(FlowUpdateFull<T>),
    /// A change that this controller made itself (`NXFME_ABBREV`).
    Abbreviated {
        /// The xid of its flow-mod.
        xid: Xid,
    },
}

/// An entry came, went or changed (`nx_flow_update_full`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowUpdateFull<T> {
    /// Which of it.
    pub event: FlowUpdateEvent,
    /// Why it went, as in [`FlowRemovedReason`](crate::FlowRemovedReason).
    pub reason: u16,
    /// Its priority.
    pub priority: u16,
    /// Its idle timeout in seconds.
    pub idle_timeout: u16,
    /// Its hard timeout in seconds.
    pub hard_timeout: u16,
    /// Its table.
    pub table_id: TableId,
    /// Its cookie.
    pub cookie: Cookie,
    /// What it matches. (`match` is a word of the language.)
    pub match_: Match,
    /// The form of the match; always bare in the form of Nicira.
    pub match_form: MatchForm,
    /// What it does, if [`FlowMonitorFlags::ACTIONS`] asked for it.
    pub actions: Vec<T>,
}

wire_enum! {
    /// What happened to a flow entry (`nx_flow_update_event`).
    pub enum FlowUpdateEvent(u16) {
        /// It was added (`NXFME_ADDED`).
        Added = 0,
        /// It went (`NXFME_DELETED`).
        Deleted = 1,
        /// It changed (`NXFME_MODIFIED`).
        Modified = 2,
    }
}

/// `NXFME_ABBREV`
const ABBREVIATED: u16 = 3;

impl Decode for FlowMonitorRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let id = fields.get_u32();
        let flags = FlowMonitorFlags::from_bits_retain(fields.get_u16());
        let match_len = fields.get_u16();
        let out_port = PortNo(fields.get_u32());
        let table_id = TableId(fields.get_u8());
        let (match_, match_form) = decode_match(r, match_len)?;
        Ok(Self {
            id,
            flags,
            out_port,
            table_id,
            match_,
            match_form,
        })
    }
}

/// Reads a match that `length` has been said before. It has a header of its own where what it begins
/// with is the header of a match of that length; of match fields, only 264 bytes that begin with a
/// masked `reg0` look like that.
fn decode_match(r: &mut Reader<'_>, length: u16) -> Result<(Match, MatchForm), DecodeError> {
    let bare_len = usize::from(length);
    let form = match Match::peek_length(r.peek()) {
        Some(own_length) if own_length == bare_len => MatchForm::Headed,
        Some(_) if bare_len > r.remaining() => MatchForm::HeadedWithLength(length),
        _ => return Ok((Match::decode_bare(r, bare_len)?, MatchForm::Bare)),
    };
    Ok((Match::decode(r)?, form))
}

/// Appends a match, and writes its length without padding at `length_at`.
fn encode_match(
    match_: &Match,
    form: MatchForm,
    out: &mut Vec<u8>,
    length_at: usize,
) -> Result<(), EncodeError> {
    if form == MatchForm::Bare {
        return match_.encode_bare(out, length_at);
    }
    let start = out.len();
    match_.encode(out)?;
    let (before, match_) = out.split_at_mut(start);
    let length = match form {
        MatchForm::HeadedWithLength(length) => length.to_be_bytes(),
        _ => [match_[2], match_[3]],
    };
    before[length_at..length_at + 2].copy_from_slice(&length);
    Ok(())
}

impl Encode for FlowMonitorRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.id);
        out.put_u16(self.flags.bits());
        let match_len_at = out.len();
        out.put_u16(0);
        out.put_u32(self.out_port.0);
        out.put_u8(self.table_id.0);
        put_padding(out, 3);
        encode_match(&self.match_, self.match_form, out, match_len_at)
    }
}

impl Decode for NxFlowMonitorRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let id = fields.get_u32();
        let flags = FlowMonitorFlags::from_bits_retain(fields.get_u16());
        let out_port = fields.get_u16();
        let match_len = fields.get_u16().into();
        let table_id = TableId(fields.get_u8());
        let match_ = Match::decode_bare(r, match_len)?;
        Ok(Self {
            id,
            flags,
            out_port,
            table_id,
            match_,
        })
    }
}

impl Encode for NxFlowMonitorRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.id);
        out.put_u16(self.flags.bits());
        out.put_u16(self.out_port);
        let match_len_at = out.len();
        out.put_u16(0);
        out.put_u8(self.table_id.0);
        put_padding(out, 5);
        self.match_.encode_bare(out, match_len_at)
    }
}

const UPDATE: Structure = Structure::of_message("flow_update");
const HEADER_LEN: usize = 4;

/// What differs between the form of the ONF and that of Nicira.
pub(super) trait UpdateForm: Encode + Decode {
    const LIST: &'static Structure;
    /// Whether the match may have a header.
    const MAY_BE_HEADED: bool;
}

impl UpdateForm for Instruction {
    const LIST: &'static Structure = &INSTRUCTIONS;
    const MAY_BE_HEADED: bool = true;
}

impl UpdateForm for Action {
    const LIST: &'static Structure = &ACTIONS;
    const MAY_BE_HEADED: bool = false;
}

impl<T: UpdateForm> Decode for FlowUpdate<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<HEADER_LEN>()?;
        let length = header.get_u16().into();
        let event = header.get_u16();
        r.body(&UPDATE, HEADER_LEN, start, length, |body| {
            if event == ABBREVIATED {
                return Ok(Self::Abbreviated {
                    xid: Xid(body.fixed::<4>()?.get_u32()),
                });
            }
            let mut fields = body.fixed::<20>()?;
            let reason = fields.get_u16();
            let priority = fields.get_u16();
            let idle_timeout = fields.get_u16();
            let hard_timeout = fields.get_u16();
            let match_len = fields.get_u16();
            let table_id = TableId(fields.get_u8());
            fields.advance(1);
            let cookie = Cookie(fields.get_u64());
            let (match_, match_form) = match T::MAY_BE_HEADED {
                true => decode_match(body, match_len)?,
                false => (Match::decode_bare(body, match_len.into())?, MatchForm::Bare),
            };
            Ok(Self::Full(FlowUpdateFull {
                event: event.into(),
                reason,
                priority,
                idle_timeout,
                hard_timeout,
                table_id,
                cookie,
                match_,
                match_form,
                actions: body.within(T::LIST, body.remaining(), Reader::list)?,
            }))
        })
    }
}

impl<T: UpdateForm> Encode for FlowUpdate<T> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        match self {
            Self::Abbreviated { xid } => {
                out.put_u16(ABBREVIATED);
                out.put_u32(xid.0);
            }
            Self::Full(full) => encode_full(full, out)?,
        }
        set_length(out, start, start, UPDATE.name)
    }
}

fn encode_full<T: UpdateForm>(
    full: &FlowUpdateFull<T>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.put_u16(full.event.into());
    out.put_u16(full.reason);
    out.put_u16(full.priority);
    out.put_u16(full.idle_timeout);
    out.put_u16(full.hard_timeout);
    let match_len_at = out.len();
    out.put_u16(0);
    out.put_u8(full.table_id.0);
    out.put_u8(0);
    out.put_u64(full.cookie.0);
    if full.match_form != MatchForm::Bare && !T::MAY_BE_HEADED {
        return Err(EncodeError::Impossible {
            structure: UPDATE.name,
            problem: "in the form of Nicira the match has no header",
        });
    }
    encode_match(&full.match_, full.match_form, out, match_len_at)?;
    put_list(out, &full.actions)
}
