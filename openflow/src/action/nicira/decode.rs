//! From bytes.

use bytes::Buf;

use super::subtype;
use crate::action::bundle::{Bundle, Multipath};
use crate::action::conntrack::{Conntrack, Nat};
use crate::action::learn::Learn;
use crate::action::sample::{Form, Sample};
use crate::action::subfield::{decode_field, decode_short_field};
use crate::action::wire::ACTIONS;
use crate::action::{Action, Subfield};
use crate::codec::{Decode, Reader, padding_to_8};
use crate::error::DecodeError;
use crate::experimenter::{NICIRA, ONF};
use crate::oxm::{MatchEntry, OxmId};
use crate::types::TableId;

/// How deep actions may contain actions. No switch takes that many levels.
const MAX_DEPTH: u8 = 32;

/// Reads what follows the experimenter id; `None`, without moving, where it has a subtype or a
/// field that this crate does not know.
pub(in crate::action) fn decode(
    experimenter: u32,
    r: &mut Reader<'_>,
) -> Result<Option<Action>, DecodeError> {
    let start = r.offset();
    // Actions of others need not have a subtype.
    if !matches!(experimenter, NICIRA | ONF) {
        return Ok(None);
    }
    let action = match (experimenter, r.fixed::<2>()?.get_u16()) {
        (NICIRA, subtype) => decode_nicira(subtype, r)?,
        (ONF, subtype::COPY_FIELD) => decode_copy_field(r)?,
        _ => None,
    };
    if action.is_none() {
        r.rewind(start);
    }
    Ok(action)
}

fn decode_nicira(subtype: u16, r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    Ok(Some(match subtype {
        subtype::RESUBMIT => Action::Resubmit {
            in_port: r.fixed::<6>()?.get_u16(),
        },
        subtype::RESUBMIT_TABLE => {
            let mut fields = r.fixed::<6>()?;
            Action::ResubmitTable {
                in_port: fields.get_u16(),
                table_id: TableId(fields.get_u8()),
            }
        }
        subtype::RESUBMIT_TABLE_CT => {
            let mut fields = r.fixed::<6>()?;
            let (in_port, table_id) = (fields.get_u16(), TableId(fields.get_u8()));
            Action::ResubmitTableCt { in_port, table_id }
        }
        subtype::SET_TUNNEL => {
            let mut fields = r.fixed::<6>()?;
            fields.advance(2);
            Action::SetTunnel(fields.get_u32())
        }
        subtype::SET_TUNNEL64 => {
            let mut fields = r.fixed::<14>()?;
            fields.advance(6);
            Action::SetTunnel64(fields.get_u64())
        }
        subtype::POP_QUEUE => alone(r, Action::PopQueue)?,
        subtype::NOTE => Action::Note(r.rest()),
        subtype::EXIT => alone(r, Action::Exit)?,
        subtype::CT_CLEAR => alone(r, Action::CtClear)?,
        subtype::DEC_NSH_TTL => alone(r, Action::DecNshTtl)?,
        subtype::FIN_TIMEOUT => {
            let mut fields = r.fixed::<6>()?;
            let (idle_timeout, hard_timeout) = (fields.get_u16(), fields.get_u16());
            Action::FinTimeout {
                idle_timeout,
                hard_timeout,
            }
        }
        subtype::CONTROLLER => {
            let mut fields = r.fixed::<6>()?;
            Action::Controller {
                max_len: fields.get_u16(),
                controller_id: fields.get_u16(),
                reason: fields.get_u8().into(),
            }
        }
        subtype::CONTROLLER2 => {
            r.skip(6, "pad")?;
            Action::Controller2(r.list()?)
        }
        subtype::DEC_TTL_CNT_IDS => decode_dec_ttl(r)?,
        subtype::WRITE_METADATA => {
            let mut fields = r.fixed::<22>()?;
            fields.advance(6);
            Action::WriteMetadata {
                metadata: fields.get_u64(),
                mask: fields.get_u64(),
            }
        }
        subtype::OUTPUT_TRUNC => {
            let mut fields = r.fixed::<6>()?;
            Action::OutputTrunc {
                port: fields.get_u16(),
                max_len: fields.get_u32(),
            }
        }
        subtype::CONJUNCTION => {
            let mut fields = r.fixed::<6>()?;
            let (clause, n_clauses) = (fields.get_u8(), fields.get_u8());
            Action::Conjunction {
                clause,
                n_clauses,
                id: fields.get_u32(),
            }
        }
        subtype::SAMPLE => Action::Sample(Sample::decode(r, Form::Plain)?),
        subtype::SAMPLE2 => Action::Sample(Sample::decode(r, Form::Port)?),
        subtype::SAMPLE3 => Action::Sample(Sample::decode(r, Form::Directed)?),
        subtype::CLONE => {
            r.skip(6, "pad")?;
            Action::Clone(decode_nested(r)?)
        }
        subtype::ENCAP => {
            let mut fields = r.fixed::<6>()?;
            let (hdr_size, packet_type) = (fields.get_u16(), fields.get_u32());
            Action::Encap {
                hdr_size,
                packet_type,
                properties: r.list()?,
            }
        }
        subtype::DECAP => {
            let mut fields = r.fixed::<6>()?;
            fields.advance(2);
            Action::Decap {
                packet_type: fields.get_u32(),
            }
        }
        subtype::NAT => return Ok(Nat::decode(r)?.map(|nat| Action::Nat(Box::new(nat)))),
        subtype::CT => return Ok(Conntrack::decode(r)?.map(|ct| Action::Ct(Box::new(ct)))),
        subtype::LEARN => {
            return Ok(Learn::decode(r, false)?.map(|learn| Action::Learn(Box::new(learn))));
        }
        subtype::LEARN2 => {
            return Ok(Learn::decode(r, true)?.map(|learn| Action::Learn(Box::new(learn))));
        }
        subtype::MULTIPATH => return Ok(Multipath::decode(r)?.map(Action::Multipath)),
        subtype::BUNDLE => {
            return Ok(Bundle::decode(r, false)?.map(|bundle| Action::Bundle(Box::new(bundle))));
        }
        subtype::BUNDLE_LOAD => {
            return Ok(Bundle::decode(r, true)?.map(|bundle| Action::Bundle(Box::new(bundle))));
        }
        subtype::REG_MOVE => return decode_move(r),
        subtype::REG_LOAD => return decode_load(r),
        subtype::REG_LOAD2 => return decode_load2(r),
        subtype::OUTPUT_REG => return decode_output_reg(r),
        subtype::OUTPUT_REG2 => return decode_output_reg2(r),
        subtype::STACK_PUSH => return Ok(decode_stack(r)?.map(Action::StackPush)),
        subtype::STACK_POP => return Ok(decode_stack(r)?.map(Action::StackPop)),
        subtype::CHECK_PKT_LARGER => return decode_check_pkt_larger(r),
        subtype::DELETE_FIELD => {
            let id = OxmId::read(r)?;
            r.skip(14 - id.wire_len(), "pad")?;
            Action::DeleteField(id)
        }
        _ => return Ok(None),
    }))
}

/// An action without arguments.
fn alone(r: &mut Reader<'_>, action: Action) -> Result<Action, DecodeError> {
    r.fixed::<6>().map(|_padding| action)
}

fn decode_dec_ttl(r: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let n_controllers = usize::from(r.fixed::<6>()?.get_u16());
    let ids = decode_u16_list(r, n_controllers)?;
    Ok(Action::DecTtlCntIds(ids))
}

/// Actions inside an action, to its end.
pub(in crate::action) fn decode_nested(r: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    r.nested(MAX_DEPTH, |r| {
        r.within(&ACTIONS, r.remaining(), Reader::list)
    })
}

/// So many numbers, and padding to the end of the action.
pub(in crate::action) fn decode_u16_list(
    r: &mut Reader<'_>,
    count: usize,
) -> Result<Vec<u16>, DecodeError> {
    let numbers = r.bytes(2 * count, "list")?;
    r.skip_padding()?;
    Ok(numbers
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect())
}

fn decode_move(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    Ok(decode_copy(r)?.map(|(src, dst)| Action::RegMove { src, dst }))
}

/// As `move`, with two bytes of padding before the numbers and two behind.
fn decode_copy_field(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    r.skip(2, "pad2")?;
    let mut numbers = r.fixed::<8>()?;
    let (bits, from, to) = (numbers.get_u16(), numbers.get_u16(), numbers.get_u16());
    let ends = decode_copy_ends(r, bits, from, to)?;
    Ok(ends.map(|(src, dst)| Action::CopyField { src, dst }))
}

fn decode_copy(r: &mut Reader<'_>) -> Result<Option<(Subfield, Subfield)>, DecodeError> {
    let mut numbers = r.fixed::<6>()?;
    let (bits, from, to) = (numbers.get_u16(), numbers.get_u16(), numbers.get_u16());
    decode_copy_ends(r, bits, from, to)
}

fn decode_copy_ends(
    r: &mut Reader<'_>,
    bits: u16,
    from: u16,
    to: u16,
) -> Result<Option<(Subfield, Subfield)>, DecodeError> {
    let (Some(src), Some(dst)) = (decode_field(r)?, decode_field(r)?) else {
        return Ok(None);
    };
    r.skip(r.remaining() % 8, "pad")?;
    let src = Subfield {
        field: src,
        start: from,
        bits,
    };
    Ok(Some((
        src,
        Subfield {
            field: dst,
            start: to,
            bits,
        },
    )))
}

fn decode_load(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let range = r.fixed::<2>()?.get_u16();
    let field = decode_short_field(r)?;
    let value = r.fixed::<8>()?.get_u64();
    Ok(field.map(|field| Action::RegLoad {
        dst: Subfield::from_range(field, range),
        value,
    }))
}

fn decode_load2(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    r.skip(6, "pad")?;
    let start = r.offset();
    let entry = MatchEntry::decode(r)?;
    r.skip(padding_to_8(r.offset() - start), "pad")?;
    Ok(match entry {
        MatchEntry::Oxm(oxm) => Some(Action::RegLoad2(oxm)),
        MatchEntry::Raw(_) => None,
    })
}

fn decode_output_reg(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let range = r.fixed::<2>()?.get_u16();
    let field = decode_short_field(r)?;
    let max_len = r.fixed::<8>()?.get_u16();
    let src = field.map(|field| Subfield::from_range(field, range));
    Ok(src.map(|src| Action::OutputReg { src, max_len }))
}

fn decode_output_reg2(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let mut fields = r.fixed::<4>()?;
    let (range, max_len) = (fields.get_u16(), fields.get_u16());
    let id = OxmId::read(r)?;
    r.skip(10 - id.wire_len(), "pad")?;
    let src = id.field().map(|field| Subfield::from_range(field, range));
    Ok(src.map(|src| Action::OutputReg2 { src, max_len }))
}

fn decode_stack(r: &mut Reader<'_>) -> Result<Option<Subfield>, DecodeError> {
    let start = r.fixed::<2>()?.get_u16();
    let id = OxmId::read(r)?;
    let bits = r.fixed::<2>()?.get_u16();
    r.skip(10 - id.wire_len(), "pad")?;
    Ok(id.field().map(|field| Subfield { field, start, bits }))
}

fn decode_check_pkt_larger(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let mut fields = r.fixed::<4>()?;
    let (pkt_len, bit) = (fields.get_u16(), fields.get_u16());
    let id = OxmId::read(r)?;
    r.skip(10 - id.wire_len(), "pad")?;
    Ok(id.field().map(|field| Action::CheckPktLarger {
        pkt_len,
        field,
        bit,
    }))
}
