//! Match fields as bytes.

use bytes::BufMut;

use super::table::EXPERIMENTER_LEN;
use super::{MatchEntry, Oxm, OxmClass, OxmField, RawOxm};
use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError, ExpectedLength};

const HAS_MASK: u32 = 1 << 8;

impl Decode for MatchEntry {
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let header = u32::from_be_bytes(*r.array("oxm_header")?);
        let class = (header >> 16) as u16;
        let number = (header >> 9) as u8 & 0x7f;
        let has_mask = header & HAS_MASK != 0;
        let length = usize::from(header as u8);

        let Some(payload) = r.peek().get(..length) else {
            return Err(r.truncated("oxm_value", length));
        };
        let (experimenter, value) = if class == OxmClass::EXPERIMENTER {
            let Some((id, value)) = payload.split_first_chunk() else {
                return Err(r.truncated("experimenter", EXPERIMENTER_LEN as usize));
            };
            (Some(u32::from_be_bytes(*id)), value)
        } else {
            (None, payload)
        };

        let Some(field) = OxmField::from_wire(class, number, experimenter) else {
            let payload = r.bytes(length, "oxm_value")?;
            return Ok(Self::Raw(RawOxm {
                class,
                field: number,
                has_mask,
                payload,
            }));
        };
        let width = field.byte_len();
        let expected = if has_mask { 2 * width } else { width };
        if value.len() != expected {
            let expected = ExpectedLength::Exactly(length - value.len() + expected);
            return Err(r.bad_length("oxm_length", start + 3, length, expected));
        }
        let (value, mask) = value.split_at(width);
        r.skip(length, "oxm_value")?;
        Ok(Self::Oxm(Oxm {
            field,
            value: from_be_bytes(value),
            mask: has_mask.then(|| from_be_bytes(mask)),
        }))
    }
}

impl Encode for MatchEntry {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Oxm(oxm) => oxm.encode(out),
            Self::Raw(raw) => raw.encode(out),
        }
    }
}

impl Encode for Oxm {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let info = self.field.info();
        let width = usize::from(info.bytes);
        out.put_u32(match self.mask {
            Some(_) => (info.header | HAS_MASK) + u32::from(info.bytes),
            None => info.header,
        });
        if let Some(experimenter) = info.class.experimenter() {
            out.put_u32(experimenter);
        }
        for value in std::iter::once(self.value).chain(self.mask) {
            if width < 16 && value >> (8 * width) != 0 {
                return Err(EncodeError::ValueTooWide {
                    field: self.field,
                    value,
                });
            }
            put_be_bytes(out, value, width);
        }
        Ok(())
    }
}

impl Encode for RawOxm {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let length = u8::try_from(self.payload.len()).map_err(|_| EncodeError::TooLong {
            structure: "oxm_tlv",
            length: self.payload.len(),
            max: u8::MAX.into(),
        })?;
        if self.field > 0x7f {
            return Err(EncodeError::Impossible {
                structure: "oxm_tlv",
                problem: "the field number has 7 bits",
            });
        }
        out.put_u16(self.class);
        out.put_u8(self.field << 1 | u8::from(self.has_mask));
        out.put_u8(length);
        out.extend_from_slice(&self.payload);
        Ok(())
    }
}

/// The number in at most 16 bytes. Widths that fields have often are read without a loop.
#[inline]
fn from_be_bytes(bytes: &[u8]) -> u128 {
    match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_be_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f] => u64::from_be_bytes([0, 0, a, b, c, d, e, f]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_be_bytes([a, b, c, d, e, f, g, h]).into(),
        _ => bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u128::from(byte)),
    }
}

/// Appends the low `width` bytes, at most 16.
#[inline]
fn put_be_bytes(out: &mut Vec<u8>, value: u128, width: usize) {
    match width {
        1 => out.put_u8(value as u8),
        2 => out.put_u16(value as u16),
        4 => out.put_u32(value as u32),
        6 => out.extend_from_slice(&(value as u64).to_be_bytes()[2..]),
        8 => out.put_u64(value as u64),
        _ => out.extend_from_slice(&value.to_be_bytes()[16 - width..]),
    }
}
