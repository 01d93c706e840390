//! The learn action: a flow entry that adds flow entries.

use std::fmt;

use bitflags::bitflags;
use bytes::{Buf, BufMut};

use super::Subfield;
use super::nicira::impossible;
use super::subfield::{decode_field, decode_short_field, encode_field, encode_short_field};
use crate::codec::Reader;
use crate::error::{DecodeError, EncodeError};
use crate::oxm::OxmField;
use crate::types::{Cookie, PortNo, TableId};

/// Adds or changes a flow entry, made from the packet (`nx_action_learn`, `nx_action_learn2`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Learn {
    /// The idle timeout of the learned entry in seconds.
    pub idle_timeout: u16,
    /// Its hard timeout in seconds.
    pub hard_timeout: u16,
    /// Its priority.
    pub priority: u16,
    /// Its cookie.
    pub cookie: Cookie,
    /// What happens to it.
    pub flags: LearnFlags,
    /// Its table.
    pub table_id: TableId,
    /// The idle timeout that it gets when a packet has FIN or RST; 0 for no change.
    pub fin_idle_timeout: u16,
    /// The hard timeout that it gets when a packet has FIN or RST; 0 for no change.
    pub fin_hard_timeout: u16,
    /// How many entries may be learned; makes it a `learn2`.
    pub limit: Option<LearnLimit>,
    /// What it matches and does.
    pub specs: Vec<LearnSpec>,
}

bitflags! {
    /// What happens to a learned flow entry (`NX_LEARN_F_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct LearnFlags: u16 {
        /// Its end is reported (`NX_LEARN_F_SEND_FLOW_REM`).
        const SEND_FLOW_REM = 1 << 0;
        /// It goes with the entry that learned it (`NX_LEARN_F_DELETE_LEARNED`).
        const DELETE_LEARNED = 1 << 1;
        /// Whether it could be learned is written into a bit (`NX_LEARN_F_WRITE_RESULT`).
        const WRITE_RESULT = 1 << 2;
        const _ = !0;
    }
}

/// The additions of `learn2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnLimit {
    /// How many entries of this cookie and table there may be; 0 for any number.
    pub limit: u32,
    /// The field and bit that says whether the entry was learned; set exactly with
    /// [`LearnFlags::WRITE_RESULT`].
    pub result: Option<(OxmField, u16)>,
}

/// One match or action of a learned flow entry (`NX_FLOW_MOD_SPEC_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnSpec {
    /// How many bits, 1 to 128.
    pub bits: u16,
    /// Where they are from.
    pub src: LearnSource,
    /// Where they go.
    pub dst: LearnDestination,
}

/// Where the bits of a learned flow entry are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearnSource {
    /// From a field of the packet, beginning with this bit.
    Field(OxmField, u16),
    /// A constant, in the low bits.
    Immediate(u128),
}

/// Where the bits of a learned flow entry go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearnDestination {
    /// The entry matches them in this field, beginning with this bit.
    Match(OxmField, u16),
    /// The entry loads them into this field, beginning with this bit.
    Load(OxmField, u16),
    /// The entry outputs to the port with this number.
    Output,
}

/// Whether the constant, not a field, is the source.
const IMMEDIATE: u16 = 1 << 13;
const DESTINATION_SHIFT: u16 = 11;
const BITS_MASK: u16 = (1 << DESTINATION_SHIFT) - 1;
/// The widest field that this crate knows.
const MAX_BITS: u16 = 128;

/// Length of a constant of so many bits: whole 16-bit words.
fn immediate_len(bits: u16) -> usize {
    2 * usize::from(bits).div_ceil(16)
}

impl Learn {
    /// `None` where it has a field that this crate does not know.
    pub(super) fn decode(r: &mut Reader<'_>, extended: bool) -> Result<Option<Self>, DecodeError> {
        let mut fields = r.fixed::<22>()?;
        let mut learn = Self {
            idle_timeout: fields.get_u16(),
            hard_timeout: fields.get_u16(),
            priority: fields.get_u16(),
            cookie: Cookie(fields.get_u64()),
            flags: LearnFlags::from_bits_retain(fields.get_u16()),
            table_id: TableId(fields.get_u8()),
            fin_idle_timeout: {
                fields.advance(1);
                fields.get_u16()
            },
            fin_hard_timeout: fields.get_u16(),
            limit: None,
            specs: Vec::new(),
        };
        if extended {
            let Some(limit) = LearnLimit::decode(r, learn.flags)? else {
                return Ok(None);
            };
            learn.limit = Some(limit);
        }
        while r.remaining() >= 2 {
            let header = r.fixed::<2>()?.get_u16();
            if header == 0 {
                // More padding than this crate would write: the action is kept as it is.
                if r.remaining() + 2 >= 8 {
                    return Ok(None);
                }
                break;
            }
            let Some(spec) = LearnSpec::decode(r, header)? else {
                return Ok(None);
            };
            learn.specs.push(spec);
        }
        r.skip_padding()?;
        Ok(Some(learn))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u64(self.cookie.0);
        out.put_u16(self.flags.bits());
        out.put_u8(self.table_id.0);
        out.put_u8(0);
        out.put_u16(self.fin_idle_timeout);
        out.put_u16(self.fin_hard_timeout);
        if let Some(limit) = self.limit {
            limit.encode(out, self.flags)?;
        }
        self.specs.iter().try_for_each(|spec| spec.encode(out))
    }
}

impl LearnLimit {
    fn decode(r: &mut Reader<'_>, flags: LearnFlags) -> Result<Option<Self>, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let limit = fields.get_u32();
        let bit = fields.get_u16();
        if !flags.contains(LearnFlags::WRITE_RESULT) {
            return Ok(Some(Self {
                limit,
                result: None,
            }));
        }
        let field = decode_field(r)?;
        Ok(field.map(|field| Self {
            limit,
            result: Some((field, bit)),
        }))
    }

    fn encode(self, out: &mut Vec<u8>, flags: LearnFlags) -> Result<(), EncodeError> {
        if self.result.is_some() != flags.contains(LearnFlags::WRITE_RESULT) {
            return Err(impossible(
                "learn2 has a result where the flags say so, and only there",
            ));
        }
        out.put_u32(self.limit);
        out.put_u16(self.result.map_or(0, |(_, bit)| bit));
        out.put_u16(0);
        if let Some((field, _)) = self.result {
            encode_field(out, field);
        }
        Ok(())
    }
}

impl LearnSpec {
    fn decode(r: &mut Reader<'_>, header: u16) -> Result<Option<Self>, DecodeError> {
        let bits = header & BITS_MASK;
        if !(1..=MAX_BITS).contains(&bits) {
            return Ok(None);
        }
        let src = match header & IMMEDIATE {
            0 => {
                let Some(field) = decode_short_field(r)? else {
                    return Ok(None);
                };
                LearnSource::Field(field, r.fixed::<2>()?.get_u16())
            }
            _ => {
                let value = r.bytes(immediate_len(bits), "immediate value")?;
                LearnSource::Immediate(
                    value
                        .iter()
                        .fold(0, |number, &byte| number << 8 | u128::from(byte)),
                )
            }
        };
        // The bits above those of the source have no meaning; without them the kinds are numbers.
        let kind = (header & !IMMEDIATE) >> DESTINATION_SHIFT;
        let destination = match kind {
            0 => LearnDestination::Match,
            1 => LearnDestination::Load,
            2 => {
                return Ok(Some(Self {
                    bits,
                    src,
                    dst: LearnDestination::Output,
                }));
            }
            _ => return Ok(None),
        };
        let Some(field) = decode_short_field(r)? else {
            return Ok(None);
        };
        let dst = destination(field, r.fixed::<2>()?.get_u16());
        Ok(Some(Self { bits, src, dst }))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !(1..=MAX_BITS).contains(&self.bits) {
            return Err(impossible("a learned field has 1 to 128 bits"));
        }
        let kind: u16 = match self.dst {
            LearnDestination::Match(..) => 0,
            LearnDestination::Load(..) => 1,
            LearnDestination::Output => 2,
        };
        let source = match self.src {
            LearnSource::Field(..) => 0,
            LearnSource::Immediate(_) => IMMEDIATE,
        };
        out.put_u16(source | kind << DESTINATION_SHIFT | self.bits);
        match self.src {
            LearnSource::Field(field, start) => {
                encode_short_field(out, field)?;
                out.put_u16(start);
            }
            LearnSource::Immediate(value) => {
                let length = immediate_len(self.bits);
                if length < 16 && value >> (8 * length) != 0 {
                    return Err(impossible("the constant does not fit in the learned bits"));
                }
                out.extend_from_slice(&value.to_be_bytes()[16 - length..]);
            }
        }
        match self.dst {
            LearnDestination::Match(field, start) | LearnDestination::Load(field, start) => {
                encode_short_field(out, field)?;
                out.put_u16(start);
            }
            LearnDestination::Output => {}
        }
        Ok(())
    }
}

impl fmt::Display for Learn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "learn(table={}", self.table_id.0)?;
        for (name, value) in [
            ("idle_timeout", self.idle_timeout),
            ("hard_timeout", self.hard_timeout),
            ("fin_idle_timeout", self.fin_idle_timeout),
            ("fin_hard_timeout", self.fin_hard_timeout),
        ] {
            if value > 0 {
                write!(f, ",{name}={value}")?;
            }
        }
        write!(f, ",priority={}", self.priority)?;
        if self.cookie != Cookie(0) {
            write!(f, ",cookie={}", self.cookie)?;
        }
        for (flag, name) in [
            (LearnFlags::SEND_FLOW_REM, "send_flow_rem"),
            (LearnFlags::DELETE_LEARNED, "delete_learned"),
        ] {
            if self.flags.contains(flag) {
                write!(f, ",{name}")?;
            }
        }
        if let Some(LearnLimit { limit, result }) = self.limit {
            if limit > 0 {
                write!(f, ",limit={limit}")?;
            }
            if let Some((field, bit)) = result {
                write!(f, ",result_dst={}[{bit}]", field.c_name())?;
            }
        }
        self.specs
            .iter()
            .try_for_each(|spec| write!(f, ",{spec}"))?;
        f.write_str(")")
    }
}

impl fmt::Display for LearnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subfield = |field, start| Subfield {
            field,
            start,
            bits: self.bits,
        };
        match (self.src, self.dst) {
            (LearnSource::Immediate(value), LearnDestination::Match(field, start)) => {
                let dst = subfield(field, start);
                match dst == Subfield::whole(field) {
                    true => write!(f, "{dst}={}", field.display(value)),
                    false => write!(f, "{dst}={value:#x}"),
                }
            }
            (LearnSource::Field(src, from), LearnDestination::Match(dst, to))
                if (src, from) == (dst, to) =>
            {
                subfield(src, from).fmt(f)
            }
            (LearnSource::Field(src, from), LearnDestination::Match(dst, to)) => {
                write!(f, "{}={}", subfield(dst, to), subfield(src, from))
            }
            (LearnSource::Immediate(value), LearnDestination::Load(field, start)) => {
                write!(f, "load:{value:#x}->{}", subfield(field, start))
            }
            (LearnSource::Field(src, from), LearnDestination::Load(dst, to)) => {
                write!(f, "load:{}->{}", subfield(src, from), subfield(dst, to))
            }
            (LearnSource::Field(src, from), LearnDestination::Output) => {
                write!(f, "output:{}", subfield(src, from))
            }
            (LearnSource::Immediate(port), LearnDestination::Output) => {
                write!(f, "output:{}", PortNo::from_16_bits(port as u16))
            }
        }
    }
}
