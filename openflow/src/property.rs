//! Properties: the type-length-value lists that later messages end with.

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{Decode, Encode, Reader, Structure, pad_to_8, padding_to_8, set_length};
use crate::error::{DecodeError, EncodeError};

/// A property that this crate does not know, or of an experimenter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawProperty {
    /// The `type`.
    pub kind: u16,
    /// What follows type and length, without padding.
    pub data: Bytes,
}

const PROPERTY: Structure = Structure::of_message("ofp_prop_header");
const HEADER_LEN: usize = 4;

impl Decode for RawProperty {
    /// Also skips the padding to 8 bytes.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<HEADER_LEN>()?;
        let kind = header.get_u16();
        let length = header.get_u16().into();
        let data = r.body(&PROPERTY, HEADER_LEN, start + 2, length)?.rest();
        r.skip(padding_to_8(length), "padding of a property")?;
        Ok(Self { kind, data })
    }
}

impl Encode for RawProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(self.kind);
        out.put_u16(0);
        out.extend_from_slice(&self.data);
        set_length(out, start, start + 2, PROPERTY.name)?;
        pad_to_8(out, start);
        Ok(())
    }
}
