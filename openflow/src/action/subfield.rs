//! Parts of match fields.

use std::fmt;

use bytes::{Buf, BufMut};

use super::nicira::impossible;
use crate::codec::Reader;
use crate::error::{DecodeError, EncodeError};
use crate::oxm::{OxmField, OxmId};

/// Some bits of a field: `field[start..start+bits-1]` in the syntax of `ovs-ofctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subfield {
    /// The field.
    pub field: OxmField,
    /// The lowest bit; bit 0 is the least significant.
    pub start: u16,
    /// How many bits.
    pub bits: u16,
}

impl Subfield {
    /// All bits of `field`.
    pub fn whole(field: OxmField) -> Self {
        Self {
            field,
            start: 0,
            bits: field.bits().into(),
        }
    }

    /// The form in which start and width share 16 bits: 10 for the start, 6 for the width less 1.
    pub(super) fn from_range(field: OxmField, range: u16) -> Self {
        Self {
            field,
            start: range >> 6,
            bits: (range & 0x3f) + 1,
        }
    }

    /// The inverse of [`Self::from_range`].
    pub(super) fn range(self) -> Result<u16, EncodeError> {
        if !(1..=64).contains(&self.bits) || self.start >= 1 << 10 {
            return Err(impossible(
                "this subfield has 1 to 64 bits, from bit 0 to 1023",
            ));
        }
        Ok(self.start << 6 | (self.bits - 1))
    }
}

/// Reads the header of a field; `None` where this crate does not know it.
pub(super) fn decode_field(r: &mut Reader<'_>) -> Result<Option<OxmField>, DecodeError> {
    OxmId::read(r).map(OxmId::field)
}

/// Reads the header of a field in 4 bytes, which has no room for an experimenter id.
pub(super) fn decode_short_field(r: &mut Reader<'_>) -> Result<Option<OxmField>, DecodeError> {
    let header = r.fixed::<4>()?.get_u32();
    Ok(OxmId {
        header,
        experimenter: None,
    }
    .field())
}

/// Appends the header of a field, with its experimenter id if it has one.
pub(super) fn encode_field(out: &mut Vec<u8>, field: OxmField) {
    OxmId::from(field).put(out);
}

/// Appends the header of a field where 4 bytes are the room.
pub(super) fn encode_short_field(out: &mut Vec<u8>, field: OxmField) -> Result<(), EncodeError> {
    let OxmId {
        header,
        experimenter: None,
    } = OxmId::from(field)
    else {
        return Err(impossible("there is no room for an experimenter field"));
    };
    out.put_u32(header);
    Ok(())
}

/// `NXM_NX_REG0[0..15]`, `NXM_OF_IN_PORT[]`.
impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, start, bits } = *self;
        let name = field.c_name();
        match bits {
            bits if start == 0 && bits == u16::from(field.bits()) => write!(f, "{name}[]"),
            1 => write!(f, "{name}[{start}]"),
            // Not a number of bits that a switch takes, but one that the wire can say.
            0 => write!(f, "{name}[{start}..]"),
            bits => write!(
                f,
                "{name}[{start}..{}]",
                u32::from(start) + u32::from(bits) - 1
            ),
        }
    }
}
