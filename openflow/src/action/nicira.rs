//! The actions of Open vSwitch (`nx_action_header`) as bytes.

use bytes::{Buf, BufMut};

use super::wire::finish_action;
use super::{Action, Subfield};
use crate::codec::{Reader, pad_to_8, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::experimenter::NICIRA;
use crate::oxm::{OxmClass, OxmField};
use crate::types::TableId;

/// `nx_action_subtype`
mod subtype {
    pub(super) const RESUBMIT: u16 = 1;
    pub(super) const REG_MOVE: u16 = 6;
    pub(super) const REG_LOAD: u16 = 7;
    pub(super) const RESUBMIT_TABLE: u16 = 14;
}

/// Reads what follows the experimenter id; `None`, without moving, where it has a subtype or a
/// field that this crate does not know.
pub(super) fn decode(body: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let mut r = body.clone();
    let action = match r.fixed::<2>()?.get_u16() {
        subtype::RESUBMIT => {
            let mut fields = r.exactly::<6>()?;
            Action::Resubmit {
                in_port: fields.get_u16(),
            }
        }
        subtype::RESUBMIT_TABLE => {
            let mut fields = r.exactly::<6>()?;
            Action::ResubmitTable {
                in_port: fields.get_u16(),
                table_id: TableId(fields.get_u8()),
            }
        }
        subtype::REG_MOVE => {
            let mut fields = r.fixed::<6>()?;
            let (bits, from, to) = (fields.get_u16(), fields.get_u16(), fields.get_u16());
            let (Some(src), Some(dst)) = (decode_field(&mut r)?, decode_field(&mut r)?) else {
                return Ok(None);
            };
            skip_padding(&mut r)?;
            Action::RegMove {
                src: Subfield {
                    field: src,
                    start: from,
                    bits,
                },
                dst: Subfield {
                    field: dst,
                    start: to,
                    bits,
                },
            }
        }
        subtype::REG_LOAD => {
            let mut fields = r.fixed::<2>()?;
            let range = fields.get_u16();
            let Some(field) = decode_field(&mut r)? else {
                return Ok(None);
            };
            let value = r.exactly::<8>()?.get_u64();
            let dst = Subfield {
                field,
                start: range >> 6,
                bits: (range & 0x3f) + 1,
            };
            Action::RegLoad { dst, value }
        }
        _ => return Ok(None),
    };
    body.rest();
    Ok(Some(action))
}

/// Reads the header of a match field without mask; `None` where this crate does not know it.
fn decode_field(r: &mut Reader<'_>) -> Result<Option<OxmField>, DecodeError> {
    let header = r.fixed::<4>()?.get_u32();
    let class = (header >> 16) as u16;
    let experimenter = match class {
        OxmClass::EXPERIMENTER => Some(r.fixed::<4>()?.get_u32()),
        _ => None,
    };
    let field = OxmField::from_wire(class, (header >> 9) as u8 & 0x7f, experimenter);
    Ok(field.filter(|field| field.header() == header))
}

fn encode_field(out: &mut Vec<u8>, field: OxmField) {
    out.put_u32(field.header());
    if let Some(experimenter) = field.class().experimenter() {
        out.put_u32(experimenter);
    }
}

/// Skips the padding to a multiple of 8; the length of the action is known to be one.
fn skip_padding(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    r.skip(r.remaining() % 8, "pad")?;
    r.finish()
}

pub(super) fn encode(action: &Action, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    match action {
        Action::Resubmit { in_port } => {
            put_header(out, subtype::RESUBMIT);
            out.put_u16(*in_port);
            put_padding(out, 4);
        }
        Action::ResubmitTable { in_port, table_id } => {
            put_header(out, subtype::RESUBMIT_TABLE);
            out.put_u16(*in_port);
            out.put_u8(table_id.0);
            put_padding(out, 3);
        }
        Action::RegMove { src, dst } => {
            if src.bits != dst.bits {
                return Err(impossible("source and destination differ in width"));
            }
            put_header(out, subtype::REG_MOVE);
            out.put_u16(src.bits);
            out.put_u16(src.start);
            out.put_u16(dst.start);
            encode_field(out, src.field);
            encode_field(out, dst.field);
            pad_to_8(out, start);
        }
        Action::RegLoad { dst, value } => {
            if !(1..=64).contains(&dst.bits) || dst.start >= 1 << 10 {
                return Err(impossible("1 to 64 bits can be loaded, from bit 0 to 1023"));
            }
            if dst.field.class().experimenter().is_some() {
                return Err(impossible("an experimenter field can not be loaded"));
            }
            put_header(out, subtype::REG_LOAD);
            out.put_u16(dst.start << 6 | (dst.bits - 1));
            encode_field(out, dst.field);
            out.put_u64(*value);
        }
        _ => return Err(impossible("this action is not one of Open vSwitch")),
    }
    finish_action(out, start)
}

fn put_header(out: &mut Vec<u8>, subtype: u16) {
    out.put_u16(0xffff);
    out.put_u16(0);
    out.put_u32(NICIRA);
    out.put_u16(subtype);
}

fn impossible(problem: &'static str) -> EncodeError {
    EncodeError::Impossible {
        structure: "nx_action_header",
        problem,
    }
}
