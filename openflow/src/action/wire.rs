//! The actions of the specification as bytes.

use bytes::{Buf, BufMut};

use super::{Action, nicira};
use crate::codec::{
    Decode, Encode, Reader, Structure, finish_element, pad_to_8, padding_to_8, put_padding,
    set_length,
};
use crate::error::{DecodeError, EncodeError};
use crate::msg::ErrorCode;
use crate::oxm::MatchEntry;
use crate::types::{GroupId, PortNo, QueueId};

/// A list of actions.
pub(crate) const ACTIONS: Structure =
    Structure::new("ofp_action_header", ErrorCode::OFPBAC_BAD_LEN);
const SET_FIELD: Structure = Structure::new("ofp_action_set_field", ErrorCode::OFPBAC_BAD_SET_LEN);

/// `ofp_action_type`
mod kind {
    pub(super) const OUTPUT: u16 = 0;
    pub(super) const COPY_TTL_OUT: u16 = 11;
    pub(super) const COPY_TTL_IN: u16 = 12;
    pub(super) const SET_MPLS_TTL: u16 = 15;
    pub(super) const DEC_MPLS_TTL: u16 = 16;
    pub(super) const PUSH_VLAN: u16 = 17;
    pub(super) const POP_VLAN: u16 = 18;
    pub(super) const PUSH_MPLS: u16 = 19;
    pub(super) const POP_MPLS: u16 = 20;
    pub(super) const SET_QUEUE: u16 = 21;
    pub(super) const GROUP: u16 = 22;
    pub(super) const SET_NW_TTL: u16 = 23;
    pub(super) const DEC_NW_TTL: u16 = 24;
    pub(super) const SET_FIELD: u16 = 25;
    pub(super) const PUSH_PBB: u16 = 26;
    pub(super) const POP_PBB: u16 = 27;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

impl Decode for Action {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.element(&ACTIONS, decode_body)
    }
}

fn decode_body(kind: u16, body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    Ok(match kind {
        kind::OUTPUT => {
            let mut fields = body.fixed::<12>()?;
            Action::Output {
                port: PortNo(fields.get_u32()),
                max_len: fields.get_u16(),
            }
        }
        kind::COPY_TTL_OUT => without_body(body, Action::CopyTtlOut)?,
        kind::COPY_TTL_IN => without_body(body, Action::CopyTtlIn)?,
        kind::SET_MPLS_TTL => Action::SetMplsTtl(body.fixed::<4>()?.get_u8()),
        kind::DEC_MPLS_TTL => without_body(body, Action::DecMplsTtl)?,
        kind::PUSH_VLAN => Action::PushVlan(body.fixed::<4>()?.get_u16()),
        kind::POP_VLAN => without_body(body, Action::PopVlan)?,
        kind::PUSH_MPLS => Action::PushMpls(body.fixed::<4>()?.get_u16()),
        kind::POP_MPLS => Action::PopMpls(body.fixed::<4>()?.get_u16()),
        kind::SET_QUEUE => Action::SetQueue(QueueId(body.fixed::<4>()?.get_u32())),
        kind::GROUP => Action::Group(GroupId(body.fixed::<4>()?.get_u32())),
        kind::SET_NW_TTL => Action::SetNwTtl(body.fixed::<4>()?.get_u8()),
        kind::DEC_NW_TTL => without_body(body, Action::DecNwTtl)?,
        kind::SET_FIELD => decode_set_field(body)?,
        kind::PUSH_PBB => Action::PushPbb(body.fixed::<4>()?.get_u16()),
        kind::POP_PBB => without_body(body, Action::PopPbb)?,
        kind::EXPERIMENTER => {
            let experimenter = body.fixed::<4>()?.get_u32();
            nicira::decode(experimenter, body)?.unwrap_or_else(|| Action::Experimenter {
                experimenter,
                data: body.rest(),
            })
        }
        kind => Action::Unknown {
            kind,
            data: body.rest(),
        },
    })
}

fn without_body(body: &mut Reader<'_>, action: Action) -> Result<Action, DecodeError> {
    body.fixed::<4>().map(|_padding| action)
}

/// The field is padded to 8 bytes inside the action, whose length counts the padding.
fn decode_set_field(body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    body.enter(&SET_FIELD);
    let start = body.offset();
    let entry = MatchEntry::decode(body)?;
    body.skip(padding_to_8(4 + body.offset() - start), "pad")?;
    Ok(match entry {
        MatchEntry::Oxm(oxm) => Action::SetField(oxm),
        MatchEntry::Raw(raw) => Action::SetFieldRaw(raw),
    })
}

impl Encode for Action {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Output { port, max_len } => {
                put_header(out, kind::OUTPUT, 16);
                out.put_u32(port.0);
                out.put_u16(*max_len);
                put_padding(out, 6);
            }
            Self::CopyTtlOut => put_word(out, kind::COPY_TTL_OUT, 0),
            Self::CopyTtlIn => put_word(out, kind::COPY_TTL_IN, 0),
            Self::SetMplsTtl(ttl) => put_word(out, kind::SET_MPLS_TTL, u32::from(*ttl) << 24),
            Self::DecMplsTtl => put_word(out, kind::DEC_MPLS_TTL, 0),
            Self::PushVlan(ethertype) => put_ethertype(out, kind::PUSH_VLAN, *ethertype),
            Self::PopVlan => put_word(out, kind::POP_VLAN, 0),
            Self::PushMpls(ethertype) => put_ethertype(out, kind::PUSH_MPLS, *ethertype),
            Self::PopMpls(ethertype) => put_ethertype(out, kind::POP_MPLS, *ethertype),
            Self::SetQueue(queue) => put_word(out, kind::SET_QUEUE, queue.0),
            Self::Group(group) => put_word(out, kind::GROUP, group.0),
            Self::SetNwTtl(ttl) => put_word(out, kind::SET_NW_TTL, u32::from(*ttl) << 24),
            Self::DecNwTtl => put_word(out, kind::DEC_NW_TTL, 0),
            Self::SetField(oxm) => encode_set_field(out, oxm)?,
            Self::SetFieldRaw(raw) => encode_set_field(out, raw)?,
            Self::PushPbb(ethertype) => put_ethertype(out, kind::PUSH_PBB, *ethertype),
            Self::PopPbb => put_word(out, kind::POP_PBB, 0),
            Self::Experimenter { experimenter, data } => {
                encode_raw(out, kind::EXPERIMENTER, Some(*experimenter), data)?;
            }
            Self::Unknown { kind, data } => encode_raw(out, *kind, None, data)?,
            nicira => nicira::encode(nicira, out)?,
        }
        Ok(())
    }
}

fn put_header(out: &mut Vec<u8>, kind: u16, length: u16) {
    out.put_u16(kind);
    out.put_u16(length);
}

/// An action of 8 bytes.
fn put_word(out: &mut Vec<u8>, kind: u16, word: u32) {
    put_header(out, kind, 8);
    out.put_u32(word);
}

fn put_ethertype(out: &mut Vec<u8>, kind: u16, ethertype: u16) {
    put_word(out, kind, u32::from(ethertype) << 16);
}

fn encode_set_field(out: &mut Vec<u8>, field: &impl Encode) -> Result<(), EncodeError> {
    let start = out.len();
    put_header(out, kind::SET_FIELD, 0);
    field.encode(out)?;
    pad_to_8(out, start);
    set_length(out, start, start + 2, SET_FIELD.name)
}

fn encode_raw(
    out: &mut Vec<u8>,
    kind: u16,
    experimenter: Option<u32>,
    data: &[u8],
) -> Result<(), EncodeError> {
    let start = out.len();
    put_header(out, kind, 0);
    if let Some(experimenter) = experimenter {
        out.put_u32(experimenter);
    }
    out.extend_from_slice(data);
    finish_action(out, start)
}

/// Fills in the length of the action that began at `start` and now is complete.
pub(super) fn finish_action(out: &mut [u8], start: usize) -> Result<(), EncodeError> {
    finish_element(out, start, &ACTIONS)
}
