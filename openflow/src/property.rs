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

/// Reads a property: `read` gets its type and reads its body. The padding to 8 bytes, which the length
/// does not count, is skipped.
pub(crate) fn decode_property<'a, T>(
    r: &mut Reader<'a>,
    read: impl FnOnce(u16, &mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let start = r.offset();
    let mut header = r.fixed::<HEADER_LEN>()?;
    let kind = header.get_u16();
    let length = header.get_u16().into();
    let value = r.body(&PROPERTY, HEADER_LEN, start + 2, length, |body| {
        read(kind, body)
    })?;
    r.skip(padding_to_8(length), "padding of a property")?;
    Ok(value)
}

/// Appends a property whose body `encode_body` appends.
pub(crate) fn encode_property(
    out: &mut Vec<u8>,
    kind: u16,
    encode_body: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16(0);
    encode_body(out)?;
    set_length(out, start, start + 2, PROPERTY.name)?;
    pad_to_8(out, start);
    Ok(())
}

/// Appends a property whose body is `data`.
pub(crate) fn put_property(out: &mut Vec<u8>, kind: u16, data: &[u8]) -> Result<(), EncodeError> {
    encode_property(out, kind, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
}

impl Decode for RawProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_property(r, |kind, body| {
            Ok(Self {
                kind,
                data: body.rest(),
            })
        })
    }
}

impl Encode for RawProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put_property(out, self.kind, &self.data)
    }
}
