//! HELLO: the first message of both sides.

use crate::codec::{Decode, Encode, Reader, Structure, pad_to_8, padding_to_8, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::header::VERSION;
use bytes::Bytes;
use bytes::{Buf, BufMut};

/// Tells which versions the sender speaks (`ofp_hello`, §7.5.1).
///
/// The version in the header is the highest; elements may say more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hello {
    /// The `version` of the header.
    pub version: u8,
    /// The elements, in the order of the wire; those that are not known are kept.
    pub elements: Vec<HelloElement>,
    /// The last element ends without the padding to 8 bytes, as some peers send it.
    pub unpadded: bool,
}

/// An element of a HELLO (`ofp_hello_elem_header`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HelloElement {
    /// Bit `v` of word `v / 32` is set where version `v` is spoken (`OFPHET_VERSIONBITMAP`).
    VersionBitmap(Vec<u32>),
    /// Another element.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows type and length, without padding.
        data: Bytes,
    },
}

const ELEMENT: Structure = Structure::of_message("ofp_hello_elem_header");
const ELEMENT_HEADER_LEN: usize = 4;
/// `OFPHET_VERSIONBITMAP`
const VERSION_BITMAP: u16 = 1;

impl Default for Hello {
    fn default() -> Self {
        Self::new()
    }
}

impl Hello {
    /// A HELLO of OpenFlow 1.3 and nothing else.
    pub fn new() -> Self {
        let bitmap = HelloElement::VersionBitmap(vec![1 << VERSION]);
        Self {
            version: VERSION,
            elements: vec![bitmap],
            unpadded: false,
        }
    }

    /// Whether the sender speaks `version`: by the first bitmap if there is one, else by the
    /// header, whose version stands for all the lower ones too.
    ///
    /// ```
    /// # use openflow::{Hello, HelloElement, VERSION};
    /// let only_1_0 = Hello { version: 1, elements: vec![], unpadded: false };
    /// assert!(!only_1_0.speaks(VERSION));
    /// assert!(Hello::new().speaks(VERSION));
    /// ```
    pub fn speaks(&self, version: u8) -> bool {
        let bitmap = self.elements.iter().find_map(|element| match element {
            HelloElement::VersionBitmap(words) => Some(words),
            HelloElement::Unknown { .. } => None,
        });
        match bitmap {
            Some(words) => {
                let word = words.get(usize::from(version / 32)).copied().unwrap_or(0);
                word >> (version % 32) & 1 == 1
            }
            None => self.version >= version,
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>, version: u8) -> Result<Self, DecodeError> {
        let mut elements = Vec::new();
        let mut unpadded = false;
        while !r.is_empty() {
            let start = r.offset();
            elements.push(HelloElement::decode(r)?);
            let padding = padding_to_8(r.offset() - start);
            unpadded = padding > 0 && r.is_empty();
            if !unpadded {
                r.skip(padding, "pad")?;
            }
        }
        Ok(Self {
            version,
            elements,
            unpadded,
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Some((last, before)) = self.elements.split_last() else {
            return Ok(());
        };
        for element in before {
            element.encode_padded(out)?;
        }
        match self.unpadded {
            true => last.encode(out),
            false => last.encode_padded(out),
        }
    }
}

impl Decode for HelloElement {
    /// Leaves the padding, which the length does not count.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<ELEMENT_HEADER_LEN>()?;
        let kind = header.get_u16();
        let length = usize::from(header.get_u16());
        r.body(
            &ELEMENT,
            ELEMENT_HEADER_LEN,
            start + 2,
            length,
            |body| match kind {
                VERSION_BITMAP if body.remaining().is_multiple_of(4) => {
                    let mut words = Vec::with_capacity(body.remaining() / 4);
                    while !body.is_empty() {
                        words.push(body.fixed::<4>()?.get_u32());
                    }
                    Ok(Self::VersionBitmap(words))
                }
                kind => Ok(Self::Unknown {
                    kind,
                    data: body.rest(),
                }),
            },
        )
    }
}

impl HelloElement {
    fn encode_padded(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        self.encode(out)?;
        pad_to_8(out, start);
        Ok(())
    }
}

impl Encode for HelloElement {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(match self {
            Self::VersionBitmap(_) => VERSION_BITMAP,
            Self::Unknown { kind, .. } => *kind,
        });
        out.put_u16(0);
        match self {
            Self::VersionBitmap(words) => words.iter().for_each(|&word| out.put_u32(word)),
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        set_length(out, start, start + 2, ELEMENT.name)
    }
}
