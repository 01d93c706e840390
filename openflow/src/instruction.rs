//! What a flow entry does with the packets that match.

use std::fmt;

use bytes::{Buf, BufMut, Bytes};

use crate::action::{ACTIONS, Action};
use crate::codec::{Decode, Encode, Reader, Structure, finish_element, put_list, put_padding};
use crate::display::Separated;
use crate::error::{DecodeError, EncodeError};
use crate::msg::ErrorCode;
use crate::types::{MeterId, TableId};

/// One instruction (`ofp_instruction`, §7.2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Instruction {
    /// Go on in a later table (`OFPIT_GOTO_TABLE`).
    GotoTable(TableId),
    /// Set the bits of the metadata where `mask` has ones (`OFPIT_WRITE_METADATA`).
    WriteMetadata {
        /// The new bits.
        metadata: u64,
        /// Which ones.
        mask: u64,
    },
    /// Add to the action set that is carried out at the end (`OFPIT_WRITE_ACTIONS`).
    WriteActions(Vec<Action>),
    /// Carry out at once, in order (`OFPIT_APPLY_ACTIONS`).
    ApplyActions(Vec<Action>),
    /// Empty the action set (`OFPIT_CLEAR_ACTIONS`).
    ClearActions,
    /// Apply a meter (`OFPIT_METER`).
    Meter(MeterId),
    /// An instruction of an experimenter (`OFPIT_EXPERIMENTER`).
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter id.
        data: Bytes,
    },
    /// An instruction with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows type and length.
        data: Bytes,
    },
}

/// In `ovs-ofctl` syntax, as a part of what stands behind `actions=`.
impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GotoTable(table) => write!(f, "goto_table:{}", table.0),
            Self::WriteMetadata {
                metadata,
                mask: u64::MAX,
            } => {
                write!(f, "write_metadata:{metadata:#x}")
            }
            Self::WriteMetadata { metadata, mask } => {
                write!(f, "write_metadata:{metadata:#x}/{mask:#x}")
            }
            Self::WriteActions(actions) if actions.is_empty() => f.write_str("write_actions(drop)"),
            Self::WriteActions(actions) => write!(f, "write_actions({})", Separated(actions)),
            Self::ApplyActions(actions) => Separated(actions).fmt(f),
            Self::ClearActions => f.write_str("clear_actions"),
            Self::Meter(meter) => write!(f, "meter:{}", meter.0),
            Self::Experimenter { experimenter, data } => {
                write!(f, "<experimenter {experimenter:#010x} {data:?}>")
            }
            Self::Unknown { kind, data } => write!(f, "<instruction {kind} {data:?}>"),
        }
    }
}

/// What stands behind `actions=` in `ovs-ofctl` syntax: the instructions of a flow entry.
///
/// ```
/// use openflow::{Action, Instruction, Instructions, PortNo, TableId};
/// let output = Instruction::ApplyActions(vec![Action::output(PortNo(2))]);
/// let list = [output, Instruction::GotoTable(TableId(3))];
/// assert_eq!(Instructions(&list).to_string(), "output:2,goto_table:3");
/// assert_eq!(Instructions(&[]).to_string(), "drop");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Instructions<'a>(pub &'a [Instruction]);

impl fmt::Display for Instructions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No actions at all are nothing to write between commas.
        let nothing = Instruction::ApplyActions(Vec::new());
        let list: Vec<_> = self
            .0
            .iter()
            .filter(|&instruction| *instruction != nothing)
            .collect();
        match list.as_slice() {
            [] => f.write_str("drop"),
            list => Separated(list).fmt(f),
        }
    }
}

/// A list of instructions.
pub(crate) const INSTRUCTIONS: Structure =
    Structure::new("ofp_instruction", ErrorCode::OFPBIC_BAD_LEN);

/// `ofp_instruction_type`
mod kind {
    pub(super) const GOTO_TABLE: u16 = 1;
    pub(super) const WRITE_METADATA: u16 = 2;
    pub(super) const WRITE_ACTIONS: u16 = 3;
    pub(super) const APPLY_ACTIONS: u16 = 4;
    pub(super) const CLEAR_ACTIONS: u16 = 5;
    pub(super) const METER: u16 = 6;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

impl Decode for Instruction {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.element(&INSTRUCTIONS, decode_body)
    }
}

fn decode_body(kind: u16, body: &mut Reader<'_>) -> Result<Instruction, DecodeError> {
    Ok(match kind {
        kind::GOTO_TABLE => Instruction::GotoTable(TableId(body.fixed::<4>()?.get_u8())),
        kind::WRITE_METADATA => {
            let mut fields = body.fixed::<20>()?;
            fields.advance(4);
            Instruction::WriteMetadata {
                metadata: fields.get_u64(),
                mask: fields.get_u64(),
            }
        }
        kind::WRITE_ACTIONS => Instruction::WriteActions(decode_actions(body)?),
        kind::APPLY_ACTIONS => Instruction::ApplyActions(decode_actions(body)?),
        kind::CLEAR_ACTIONS => {
            body.fixed::<4>()?;
            Instruction::ClearActions
        }
        kind::METER => Instruction::Meter(MeterId(body.fixed::<4>()?.get_u32())),
        kind::EXPERIMENTER => Instruction::Experimenter {
            experimenter: body.fixed::<4>()?.get_u32(),
            data: body.rest(),
        },
        kind => Instruction::Unknown {
            kind,
            data: body.rest(),
        },
    })
}

fn decode_actions(body: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    body.skip(4, "pad")?;
    body.within(&ACTIONS, body.remaining(), Reader::list)
}

impl Encode for Instruction {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        match self {
            Self::GotoTable(table) => {
                put_header(out, kind::GOTO_TABLE);
                out.put_u8(table.0);
                put_padding(out, 3);
            }
            Self::WriteMetadata { metadata, mask } => {
                put_header(out, kind::WRITE_METADATA);
                put_padding(out, 4);
                out.put_u64(*metadata);
                out.put_u64(*mask);
            }
            Self::WriteActions(actions) => {
                put_header(out, kind::WRITE_ACTIONS);
                put_padding(out, 4);
                put_list(out, actions)?;
            }
            Self::ApplyActions(actions) => {
                put_header(out, kind::APPLY_ACTIONS);
                put_padding(out, 4);
                put_list(out, actions)?;
            }
            Self::ClearActions => {
                put_header(out, kind::CLEAR_ACTIONS);
                put_padding(out, 4);
            }
            Self::Meter(meter) => {
                put_header(out, kind::METER);
                out.put_u32(meter.0);
            }
            Self::Experimenter { experimenter, data } => {
                put_header(out, kind::EXPERIMENTER);
                out.put_u32(*experimenter);
                out.extend_from_slice(data);
            }
            Self::Unknown { kind, data } => {
                put_header(out, *kind);
                out.extend_from_slice(data);
            }
        }
        finish_element(out, start, &INSTRUCTIONS)
    }
}

fn put_header(out: &mut Vec<u8>, kind: u16) {
    out.put_u16(kind);
    out.put_u16(0);
}
