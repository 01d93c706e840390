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
    /// Which elements are padded to 8 bytes.
    pub padding: HelloPadding,
    /// A body that is no list of elements. Only versions below 4, which know no elements, may have
    /// one; it means nothing.
    pub data: Bytes,
}

/// Which elements of a HELLO are padded to 8 bytes. Their lengths never count the padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HelloPadding {
    /// All of them, as the specification has it.
    #[default]
    All,
    /// All but the last one, as some peers send it.
    AllButLast,
    /// None, as other peers send it.
    None,
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
            padding: HelloPadding::All,
            data: Bytes::new(),
        }
    }

    /// Whether the sender speaks `version`: by the first bitmap if there is one, else by the
    /// header, whose version stands for all the lower ones too.
    ///
    /// ```
    /// # use openflow::{Hello, HelloElement, VERSION};
    /// let only_1_0 = Hello { version: 1, elements: vec![], ..Hello::new() };
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
        let (mut unpadded, mut body) = (r.clone(), r.clone());
        let padded = Elements::decode(r, true);
        if !matches!(padded, Ok(Elements { is_clean: true, .. })) {
            // The padding is not zero: most likely it is the next element.
            if let Ok(elements) = Elements::decode(&mut unpadded, false) {
                *r = unpadded;
                return Ok(elements.into_hello(version));
            }
        }
        match padded {
            Err(_) if version < VERSION => {
                let data = body.rest();
                *r = body;
                Ok(Self {
                    version,
                    elements: Vec::new(),
                    padding: HelloPadding::All,
                    data,
                })
            }
            padded => padded.map(|elements| elements.into_hello(version)),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !self.data.is_empty() && (self.version >= VERSION || !self.elements.is_empty()) {
            return Err(EncodeError::Impossible {
                structure: "ofp_hello",
                problem: "elements, or data in a version below 4",
            });
        }
        for (index, element) in self.elements.iter().enumerate() {
            let start = out.len();
            element.encode(out)?;
            let is_last = index + 1 == self.elements.len();
            match self.padding {
                HelloPadding::None => {}
                HelloPadding::AllButLast if is_last => {}
                HelloPadding::All | HelloPadding::AllButLast => pad_to_8(out, start),
            }
        }
        out.extend_from_slice(&self.data);
        Ok(())
    }
}

/// The elements of a HELLO, read in one of two ways.
struct Elements {
    list: Vec<HelloElement>,
    padding: HelloPadding,
    /// Whether all padding is zero.
    is_clean: bool,
}

impl Elements {
    /// Reads elements that are padded, or not; the last one need not be.
    fn decode(r: &mut Reader<'_>, is_padded: bool) -> Result<Self, DecodeError> {
        let mut elements = Self {
            list: Vec::new(),
            padding: if is_padded {
                HelloPadding::All
            } else {
                HelloPadding::None
            },
            is_clean: true,
        };
        while !r.is_empty() {
            let start = r.offset();
            elements.list.push(HelloElement::decode(r)?);
            let padding = padding_to_8(r.offset() - start);
            if !is_padded || padding == 0 {
                continue;
            }
            if r.is_empty() {
                elements.padding = HelloPadding::AllButLast;
                continue;
            }
            let padding = r.bytes(padding, "pad")?;
            elements.is_clean &= padding.iter().all(|&byte| byte == 0);
        }
        Ok(elements)
    }

    fn into_hello(self, version: u8) -> Hello {
        Hello {
            version,
            elements: self.list,
            padding: self.padding,
            data: Bytes::new(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    /// Decodes a HELLO, checks that it comes back as `back`, and gives its content.
    fn hello(wire: &[u8], back: &[u8]) -> Hello {
        let (xid, message) = Message::decode(Bytes::copy_from_slice(wire)).unwrap();
        let mut out = Vec::new();
        message.encode(xid, &mut out).unwrap();
        assert_eq!(out, back);
        match message {
            Message::Hello(hello) => hello,
            other => panic!("{other:?}"),
        }
    }

    /// Header of a HELLO with this body.
    fn wire(version: u8, body: &[&[u8]]) -> Vec<u8> {
        let body = body.concat();
        let header = [version, 0, 0, 8 + body.len() as u8, 0, 0, 0, 1];
        [&header[..], &body].concat()
    }

    /// Versions 0 and 33, and versions 0 and 34.
    const FIRST: &[u8] = &[0, 1, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2];
    const SECOND: &[u8] = &[0, 1, 0, 12, 0, 0, 0, 1, 0, 0, 0, 4];

    #[test]
    fn elements_are_read_padded_or_not_and_come_back_as_they_were() {
        let both = |padding, first: &[u8], second: &[u8]| {
            let wire = wire(4, &[FIRST, first, SECOND, second]);
            let hello = hello(&wire, &wire);
            assert_eq!(hello.padding, padding);
            assert_eq!(
                hello.elements,
                [[1, 2], [1, 4]].map(|words| HelloElement::VersionBitmap(words.to_vec()))
            );
        };
        both(HelloPadding::All, &[0; 4], &[0; 4]);
        both(HelloPadding::AllButLast, &[0; 4], &[]);
        both(HelloPadding::None, &[], &[]);
    }

    #[test]
    fn padding_that_is_no_element_becomes_zero() {
        let odd = wire(4, &[FIRST, &[0xaa; 4], SECOND, &[0xff; 4]]);
        let clean = wire(4, &[FIRST, &[0; 4], SECOND, &[0; 4]]);
        assert_eq!(hello(&odd, &clean).padding, HelloPadding::All);
    }

    #[test]
    fn older_versions_may_have_any_body() {
        let wire = |version| wire(version, &[b"extra data\n"]);
        let hello = hello(&wire(1), &wire(1));
        assert_eq!(hello.data, b"extra data\n"[..]);
        assert!(hello.elements.is_empty() && !hello.speaks(VERSION));
        assert!(Message::decode(wire(4).into()).is_err());
    }
}
