//! What a pushed header has.

use std::fmt;

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{Decode, Encode, Reader, Structure, pad_to_8, padding_to_8};
use crate::display::Hex;
use crate::error::{DecodeError, EncodeError};
use crate::msg::ErrorCode;

/// A property of a pushed header (`ofp_ed_prop_header`).
///
/// Of class 4 (NSH), 1 is the metadata type in a byte, 2 a TLV of metadata.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EncapProperty {
    /// Who numbers it (`ofp_ed_prop_class`).
    pub class: u16,
    /// What it is.
    pub kind: u8,
    /// Its value, without padding; at most 251 bytes.
    pub data: Bytes,
}

const PROPERTY: Structure = Structure::new("ofp_ed_prop_header", ErrorCode::OFPBAC_BAD_LEN);
const HEADER_LEN: usize = 4;

impl Decode for EncapProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<HEADER_LEN>()?;
        let class = header.get_u16();
        let kind = header.get_u8();
        let length = header.get_u8().into();
        let data = r.body(&PROPERTY, HEADER_LEN, start + 3, length, |body| {
            Ok(body.rest())
        })?;
        r.skip(padding_to_8(length), "pad")?;
        Ok(Self { class, kind, data })
    }
}

impl Encode for EncapProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let length = HEADER_LEN + self.data.len();
        let encoded = u8::try_from(length).map_err(|_| EncodeError::TooLong {
            structure: PROPERTY.name,
            length,
            max: u8::MAX.into(),
        })?;
        out.put_u16(self.class);
        out.put_u8(self.kind);
        out.put_u8(encoded);
        out.extend_from_slice(&self.data);
        pad_to_8(out, start);
        Ok(())
    }
}

const NSH: u16 = 4;
const NSH_MDTYPE: u8 = 1;
const NSH_TLV: u8 = 2;

impl fmt::Display for EncapProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.class, self.kind, &self.data[..]) {
            (NSH, NSH_MDTYPE, [md_type]) => write!(f, "md_type={md_type}"),
            (NSH, NSH_TLV, [c0, c1, kind, length, value @ ..])
                if usize::from(*length) <= value.len() =>
            {
                let class = u16::from_be_bytes([*c0, *c1]);
                write!(
                    f,
                    "tlv({class:#06x},{kind},0x{})",
                    Hex(&value[..usize::from(*length)])
                )
            }
            (class, kind, data) => write!(f, "<{class},{kind},0x{}>", Hex(data)),
        }
    }
}
