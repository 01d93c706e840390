//! Properties: the type-length-value lists that later messages end with.

use bytes::Bytes;

/// A property that this crate does not know, or of an experimenter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawProperty {
    /// The `type`.
    pub kind: u16,
    /// What follows type and length, without padding.
    pub data: Bytes,
}
