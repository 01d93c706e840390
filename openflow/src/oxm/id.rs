//! Match fields without a value.

use std::fmt;

use bytes::{Buf, BufMut};

use super::{OxmClass, OxmField};
use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};

/// The header of a match field that stands for the field itself: in table features and in some
/// actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OxmId {
    /// Class (16 bits), number (7 bits), mask flag, and length of the value in bytes (8 bits).
    pub header: u32,
    /// The experimenter id that follows where the class is 0xffff, and only there.
    pub experimenter: Option<u32>,
}

impl OxmId {
    const HAS_MASK: u32 = 1 << 8;

    /// The same field with the mask flag.
    #[must_use]
    pub fn with_mask(self) -> Self {
        Self {
            header: self.header | Self::HAS_MASK,
            ..self
        }
    }

    /// Whether the mask flag is set.
    pub fn has_mask(self) -> bool {
        self.header & Self::HAS_MASK != 0
    }

    /// The `oxm_class`.
    pub fn class(self) -> u16 {
        (self.header >> 16) as u16
    }

    /// The `oxm_field`, 7 bits.
    pub fn number(self) -> u8 {
        (self.header >> 9) as u8 & 0x7f
    }

    /// The field, where this crate knows it, the mask flag is not set and the length is right.
    pub fn field(self) -> Option<OxmField> {
        OxmField::from_wire(self.class(), self.number(), self.experimenter)
            .filter(|&field| Self::from(field) == self)
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = Self {
            header: r.fixed::<4>()?.get_u32(),
            experimenter: None,
        };
        Ok(match id.class() {
            OxmClass::EXPERIMENTER => Self {
                experimenter: Some(r.fixed::<4>()?.get_u32()),
                ..id
            },
            _ => id,
        })
    }

    /// 4 bytes, or 8 with an experimenter id.
    pub(crate) fn wire_len(self) -> usize {
        if self.experimenter.is_some() { 8 } else { 4 }
    }

    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.put_u32(self.header);
        if let Some(experimenter) = self.experimenter {
            out.put_u32(experimenter);
        }
    }
}

impl From<OxmField> for OxmId {
    fn from(field: OxmField) -> Self {
        Self {
            header: field.header(),
            experimenter: field.class().experimenter(),
        }
    }
}

impl Decode for OxmId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::read(r)
    }
}

impl Encode for OxmId {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.experimenter.is_some() != (self.class() == OxmClass::EXPERIMENTER) {
            return Err(EncodeError::Impossible {
                structure: "oxm_header",
                problem: "class 0xffff has an experimenter id, and no other has",
            });
        }
        self.put(out);
        Ok(())
    }
}

/// The name that `ovs-ofctl` gives the field, or its numbers.
impl fmt::Display for OxmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = Self {
            header: self.header & !Self::HAS_MASK,
            ..*self
        };
        match (exact.field(), tun_metadata(self.class(), self.number())) {
            (Some(field), _) => f.write_str(field.ofctl_name()),
            (None, Some(index)) => write!(f, "tun_metadata{index}"),
            (None, None) => write!(f, "oxm({:#06x}:{})", self.class(), self.number()),
        }
    }
}

/// The index of a field of tunnel metadata, whose length the controller chooses.
pub(super) fn tun_metadata(class: u16, number: u8) -> Option<u8> {
    const FIRST: u8 = 40;
    const COUNT: u8 = 64;
    let index = number.checked_sub(FIRST).filter(|index| *index < COUNT)?;
    Some(index).filter(|_| class == OxmClass::Nxm1.number())
}
