//! HELLO: the first message of both sides.

use bytes::Bytes;

/// Tells which versions the sender speaks (`ofp_hello`, §7.5.1).
///
/// The version in the header is the highest; elements may say more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hello {
    /// The `version` of the header.
    pub version: u8,
    /// The elements, in the order of the wire; those that are not known are kept.
    pub elements: Vec<HelloElement>,
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
