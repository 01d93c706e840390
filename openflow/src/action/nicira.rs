//! The actions of Open vSwitch (`nx_action_header`), and one of the ONF in the same form, as bytes.

use bytes::{Buf, BufMut};

use super::bundle::{Bundle, Multipath};
use super::conntrack::{Conntrack, Nat};
use super::learn::Learn;
use super::sample::{Form, Sample};
use super::subfield::{decode_field, decode_short_field, encode_field, encode_short_field};
use super::wire::{ACTIONS, finish_action};
use super::{Action, Subfield};
use crate::codec::{Decode, Encode, Reader, pad_to_8, padding_to_8, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::experimenter::{NICIRA, ONF};
use crate::oxm::{MatchEntry, OxmId};
use crate::types::TableId;

/// `nx_action_subtype`, with the additions of later versions of Open vSwitch.
mod subtype {
    pub(super) const RESUBMIT: u16 = 1;
    pub(super) const SET_TUNNEL: u16 = 2;
    pub(super) const POP_QUEUE: u16 = 5;
    pub(super) const REG_MOVE: u16 = 6;
    pub(super) const REG_LOAD: u16 = 7;
    pub(super) const NOTE: u16 = 8;
    pub(super) const SET_TUNNEL64: u16 = 9;
    pub(super) const MULTIPATH: u16 = 10;
    pub(super) const BUNDLE: u16 = 12;
    pub(super) const BUNDLE_LOAD: u16 = 13;
    pub(super) const RESUBMIT_TABLE: u16 = 14;
    pub(super) const OUTPUT_REG: u16 = 15;
    pub(super) const LEARN: u16 = 16;
    pub(super) const EXIT: u16 = 17;
    pub(super) const FIN_TIMEOUT: u16 = 19;
    pub(super) const CONTROLLER: u16 = 20;
    pub(super) const DEC_TTL_CNT_IDS: u16 = 21;
    pub(super) const WRITE_METADATA: u16 = 22;
    pub(super) const STACK_PUSH: u16 = 27;
    pub(super) const STACK_POP: u16 = 28;
    pub(super) const SAMPLE: u16 = 29;
    pub(super) const OUTPUT_REG2: u16 = 32;
    pub(super) const REG_LOAD2: u16 = 33;
    pub(super) const CONJUNCTION: u16 = 34;
    pub(super) const CT: u16 = 35;
    pub(super) const NAT: u16 = 36;
    pub(super) const CONTROLLER2: u16 = 37;
    pub(super) const SAMPLE2: u16 = 38;
    pub(super) const OUTPUT_TRUNC: u16 = 39;
    pub(super) const SAMPLE3: u16 = 41;
    pub(super) const CLONE: u16 = 42;
    pub(super) const CT_CLEAR: u16 = 43;
    pub(super) const RESUBMIT_TABLE_CT: u16 = 44;
    pub(super) const LEARN2: u16 = 45;
    pub(super) const ENCAP: u16 = 46;
    pub(super) const DECAP: u16 = 47;
    pub(super) const DEC_NSH_TTL: u16 = 48;
    pub(super) const CHECK_PKT_LARGER: u16 = 49;
    pub(super) const DELETE_FIELD: u16 = 50;
    /// Of the ONF: `ONFACT_COPY_FIELD`.
    pub(super) const COPY_FIELD: u16 = 3200;
}

/// How deep actions may contain actions. No switch takes that many levels.
const MAX_DEPTH: u8 = 32;

/// Reads what follows the experimenter id; `None`, without moving, where it has a subtype or a
/// field that this crate does not know.
pub(super) fn decode(experimenter: u32, r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let start = r.offset();
    // Too short for a subtype: whatever it is, it is none of these.
    let Ok(mut subtype) = r.fixed::<2>() else {
        return Ok(None);
    };
    let action = match (experimenter, subtype.get_u16()) {
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
            in_port: r.exactly::<6>()?.get_u16(),
        },
        subtype::RESUBMIT_TABLE => {
            let mut fields = r.exactly::<6>()?;
            Action::ResubmitTable {
                in_port: fields.get_u16(),
                table_id: TableId(fields.get_u8()),
            }
        }
        subtype::RESUBMIT_TABLE_CT => {
            let mut fields = r.exactly::<6>()?;
            let (in_port, table_id) = (fields.get_u16(), TableId(fields.get_u8()));
            Action::ResubmitTableCt { in_port, table_id }
        }
        subtype::SET_TUNNEL => {
            let mut fields = r.exactly::<6>()?;
            fields.advance(2);
            Action::SetTunnel(fields.get_u32())
        }
        subtype::SET_TUNNEL64 => {
            let mut fields = r.exactly::<14>()?;
            fields.advance(6);
            Action::SetTunnel64(fields.get_u64())
        }
        subtype::POP_QUEUE => alone(r, Action::PopQueue)?,
        subtype::NOTE => Action::Note(r.rest()),
        subtype::EXIT => alone(r, Action::Exit)?,
        subtype::CT_CLEAR => alone(r, Action::CtClear)?,
        subtype::DEC_NSH_TTL => alone(r, Action::DecNshTtl)?,
        subtype::FIN_TIMEOUT => {
            let mut fields = r.exactly::<6>()?;
            let (idle_timeout, hard_timeout) = (fields.get_u16(), fields.get_u16());
            Action::FinTimeout {
                idle_timeout,
                hard_timeout,
            }
        }
        subtype::CONTROLLER => {
            let mut fields = r.exactly::<6>()?;
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
            let mut fields = r.exactly::<22>()?;
            fields.advance(6);
            Action::WriteMetadata {
                metadata: fields.get_u64(),
                mask: fields.get_u64(),
            }
        }
        subtype::OUTPUT_TRUNC => {
            let mut fields = r.exactly::<6>()?;
            Action::OutputTrunc {
                port: fields.get_u16(),
                max_len: fields.get_u32(),
            }
        }
        subtype::CONJUNCTION => {
            let mut fields = r.exactly::<6>()?;
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
            let mut fields = r.exactly::<6>()?;
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
            padding_to(r, 14 - id.wire_len())?;
            Action::DeleteField(id)
        }
        _ => return Ok(None),
    }))
}

/// An action without arguments.
fn alone(r: &mut Reader<'_>, action: Action) -> Result<Action, DecodeError> {
    r.exactly::<6>().map(|_padding| action)
}

/// Skips the end of an action, which must be `length` bytes of padding.
fn padding_to(r: &mut Reader<'_>, length: usize) -> Result<(), DecodeError> {
    r.skip(length, "pad")?;
    r.finish()
}

fn decode_dec_ttl(r: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let n_controllers = usize::from(r.fixed::<6>()?.get_u16());
    let ids = decode_u16_list(r, n_controllers)?;
    Ok(Action::DecTtlCntIds(ids))
}

/// Actions inside an action, to its end.
pub(super) fn decode_nested(r: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    r.nested(MAX_DEPTH, |r| {
        r.within(&ACTIONS, r.remaining(), Reader::list)
    })
}

/// So many numbers, and padding to the end of the action.
pub(super) fn decode_u16_list(r: &mut Reader<'_>, count: usize) -> Result<Vec<u16>, DecodeError> {
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
    padding_to(r, r.remaining() % 8)?;
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
    let value = r.exactly::<8>()?.get_u64();
    Ok(field.map(|field| Action::RegLoad {
        dst: Subfield::from_range(field, range),
        value,
    }))
}

fn decode_load2(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    r.skip(6, "pad")?;
    let start = r.offset();
    let entry = MatchEntry::decode(r)?;
    padding_to(r, padding_to_8(r.offset() - start))?;
    Ok(match entry {
        MatchEntry::Oxm(oxm) => Some(Action::RegLoad2(oxm)),
        MatchEntry::Raw(_) => None,
    })
}

fn decode_output_reg(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let range = r.fixed::<2>()?.get_u16();
    let field = decode_short_field(r)?;
    let max_len = r.exactly::<8>()?.get_u16();
    let src = field.map(|field| Subfield::from_range(field, range));
    Ok(src.map(|src| Action::OutputReg { src, max_len }))
}

fn decode_output_reg2(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let mut fields = r.fixed::<4>()?;
    let (range, max_len) = (fields.get_u16(), fields.get_u16());
    let id = OxmId::read(r)?;
    padding_to(r, 10 - id.wire_len())?;
    let src = id.field().map(|field| Subfield::from_range(field, range));
    Ok(src.map(|src| Action::OutputReg2 { src, max_len }))
}

fn decode_stack(r: &mut Reader<'_>) -> Result<Option<Subfield>, DecodeError> {
    let start = r.fixed::<2>()?.get_u16();
    let id = OxmId::read(r)?;
    let bits = r.fixed::<2>()?.get_u16();
    padding_to(r, 10 - id.wire_len())?;
    Ok(id.field().map(|field| Subfield { field, start, bits }))
}

fn decode_check_pkt_larger(r: &mut Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let mut fields = r.fixed::<4>()?;
    let (pkt_len, bit) = (fields.get_u16(), fields.get_u16());
    let id = OxmId::read(r)?;
    padding_to(r, 10 - id.wire_len())?;
    Ok(id.field().map(|field| Action::CheckPktLarger {
        pkt_len,
        field,
        bit,
    }))
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
            put_resubmit(out, *in_port, *table_id);
        }
        Action::ResubmitTableCt { in_port, table_id } => {
            put_header(out, subtype::RESUBMIT_TABLE_CT);
            put_resubmit(out, *in_port, *table_id);
        }
        Action::SetTunnel(id) => {
            put_header(out, subtype::SET_TUNNEL);
            put_padding(out, 2);
            out.put_u32(*id);
        }
        Action::SetTunnel64(id) => {
            put_header(out, subtype::SET_TUNNEL64);
            put_padding(out, 6);
            out.put_u64(*id);
        }
        Action::PopQueue => put_alone(out, subtype::POP_QUEUE),
        Action::Exit => put_alone(out, subtype::EXIT),
        Action::CtClear => put_alone(out, subtype::CT_CLEAR),
        Action::DecNshTtl => put_alone(out, subtype::DEC_NSH_TTL),
        Action::Note(note) => {
            put_header(out, subtype::NOTE);
            out.extend_from_slice(note);
        }
        Action::RegMove { src, dst } => {
            put_header(out, subtype::REG_MOVE);
            put_copy_numbers(out, *src, *dst)?;
            encode_field(out, src.field);
            encode_field(out, dst.field);
            pad_to_8(out, start);
        }
        Action::CopyField { src, dst } => {
            put_experimenter_header(out, ONF, subtype::COPY_FIELD);
            put_padding(out, 2);
            put_copy_numbers(out, *src, *dst)?;
            put_padding(out, 2);
            encode_field(out, src.field);
            encode_field(out, dst.field);
            pad_to_8(out, start);
        }
        Action::RegLoad { dst, value } => {
            put_header(out, subtype::REG_LOAD);
            out.put_u16(dst.range()?);
            encode_short_field(out, dst.field)?;
            out.put_u64(*value);
        }
        Action::RegLoad2(oxm) => {
            put_header(out, subtype::REG_LOAD2);
            put_padding(out, 6);
            oxm.encode(out)?;
            pad_to_8(out, start);
        }
        Action::Multipath(multipath) => {
            put_header(out, subtype::MULTIPATH);
            multipath.encode(out)?;
        }
        Action::Bundle(bundle) => {
            put_header(
                out,
                match bundle.dst {
                    Some(_) => subtype::BUNDLE_LOAD,
                    None => subtype::BUNDLE,
                },
            );
            bundle.encode(out, start)?;
        }
        Action::OutputReg { src, max_len } => {
            put_header(out, subtype::OUTPUT_REG);
            out.put_u16(src.range()?);
            encode_short_field(out, src.field)?;
            out.put_u16(*max_len);
            put_padding(out, 6);
        }
        Action::OutputReg2 { src, max_len } => {
            put_header(out, subtype::OUTPUT_REG2);
            out.put_u16(src.range()?);
            out.put_u16(*max_len);
            encode_field(out, src.field);
            pad_to(out, start, 24);
        }
        Action::OutputTrunc { port, max_len } => {
            put_header(out, subtype::OUTPUT_TRUNC);
            out.put_u16(*port);
            out.put_u32(*max_len);
        }
        Action::Learn(learn) => {
            put_header(
                out,
                match learn.limit {
                    Some(_) => subtype::LEARN2,
                    None => subtype::LEARN,
                },
            );
            learn.encode(out)?;
            pad_to_8(out, start);
        }
        Action::FinTimeout {
            idle_timeout,
            hard_timeout,
        } => {
            put_header(out, subtype::FIN_TIMEOUT);
            out.put_u16(*idle_timeout);
            out.put_u16(*hard_timeout);
            put_padding(out, 2);
        }
        Action::Controller {
            max_len,
            controller_id,
            reason,
        } => {
            put_header(out, subtype::CONTROLLER);
            out.put_u16(*max_len);
            out.put_u16(*controller_id);
            out.put_u8((*reason).into());
            put_padding(out, 1);
        }
        Action::Controller2(properties) => {
            put_alone(out, subtype::CONTROLLER2);
            put_list(out, properties)?;
        }
        Action::DecTtlCntIds(ids) => {
            let n_controllers =
                u16::try_from(ids.len()).map_err(|_| impossible("too many controllers"))?;
            put_header(out, subtype::DEC_TTL_CNT_IDS);
            out.put_u16(n_controllers);
            put_padding(out, 4);
            ids.iter().for_each(|&id| out.put_u16(id));
            pad_to_8(out, start);
        }
        Action::WriteMetadata { metadata, mask } => {
            put_alone(out, subtype::WRITE_METADATA);
            out.put_u64(*metadata);
            out.put_u64(*mask);
        }
        Action::StackPush(subfield) => put_stack(out, subtype::STACK_PUSH, *subfield),
        Action::StackPop(subfield) => put_stack(out, subtype::STACK_POP, *subfield),
        Action::Sample(sample) => {
            put_header(
                out,
                match sample.form() {
                    Form::Plain => subtype::SAMPLE,
                    Form::Port => subtype::SAMPLE2,
                    Form::Directed => subtype::SAMPLE3,
                },
            );
            sample.encode(out);
        }
        Action::Conjunction {
            clause,
            n_clauses,
            id,
        } => {
            put_header(out, subtype::CONJUNCTION);
            out.put_u8(*clause);
            out.put_u8(*n_clauses);
            out.put_u32(*id);
        }
        Action::Ct(ct) => {
            put_header(out, subtype::CT);
            ct.encode(out)?;
        }
        Action::Nat(nat) => {
            put_header(out, subtype::NAT);
            nat.encode(out, start);
        }
        Action::Clone(actions) => {
            put_alone(out, subtype::CLONE);
            put_list(out, actions)?;
        }
        Action::Encap {
            hdr_size,
            packet_type,
            properties,
        } => {
            put_header(out, subtype::ENCAP);
            out.put_u16(*hdr_size);
            out.put_u32(*packet_type);
            put_list(out, properties)?;
        }
        Action::Decap { packet_type } => {
            put_header(out, subtype::DECAP);
            put_padding(out, 2);
            out.put_u32(*packet_type);
        }
        Action::CheckPktLarger {
            pkt_len,
            field,
            bit,
        } => {
            put_header(out, subtype::CHECK_PKT_LARGER);
            out.put_u16(*pkt_len);
            out.put_u16(*bit);
            encode_field(out, *field);
            pad_to(out, start, 24);
        }
        Action::DeleteField(id) => {
            put_header(out, subtype::DELETE_FIELD);
            id.encode(out)?;
            pad_to(out, start, 24);
        }
        _ => return Err(impossible("this action is not one of Open vSwitch")),
    }
    finish_action(out, start)
}

fn put_experimenter_header(out: &mut Vec<u8>, experimenter: u32, subtype: u16) {
    out.put_u16(0xffff);
    out.put_u16(0);
    out.put_u32(experimenter);
    out.put_u16(subtype);
}

fn put_header(out: &mut Vec<u8>, subtype: u16) {
    put_experimenter_header(out, NICIRA, subtype);
}

/// The header and what fills it up to 16 bytes.
fn put_alone(out: &mut Vec<u8>, subtype: u16) {
    put_header(out, subtype);
    put_padding(out, 6);
}

/// Appends zero bytes until what began at `start` is `length` long.
fn pad_to(out: &mut Vec<u8>, start: usize, length: usize) {
    out.resize(start + length, 0);
}

fn put_resubmit(out: &mut Vec<u8>, in_port: u16, table_id: TableId) {
    out.put_u16(in_port);
    out.put_u8(table_id.0);
    put_padding(out, 3);
}

fn put_copy_numbers(out: &mut Vec<u8>, src: Subfield, dst: Subfield) -> Result<(), EncodeError> {
    if src.bits != dst.bits {
        return Err(impossible("source and destination differ in width"));
    }
    out.put_u16(src.bits);
    out.put_u16(src.start);
    out.put_u16(dst.start);
    Ok(())
}

fn put_stack(out: &mut Vec<u8>, subtype: u16, subfield: Subfield) {
    let start = out.len();
    put_header(out, subtype);
    out.put_u16(subfield.start);
    encode_field(out, subfield.field);
    out.put_u16(subfield.bits);
    pad_to(out, start, 24);
}

pub(super) fn impossible(problem: &'static str) -> EncodeError {
    EncodeError::Impossible {
        structure: "nx_action_header",
        problem,
    }
}
