//! To bytes.

use bytes::BufMut;

use super::{impossible, subtype};
use crate::action::sample::Form;
use crate::action::subfield::{encode_field, encode_short_field};
use crate::action::wire::finish_action;
use crate::action::{Action, Subfield};
use crate::codec::{Encode, pad_to_8, put_list, put_padding};
use crate::error::EncodeError;
use crate::experimenter::{NICIRA, ONF};
use crate::types::TableId;

pub(in crate::action) fn encode(action: &Action, out: &mut Vec<u8>) -> Result<(), EncodeError> {
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
