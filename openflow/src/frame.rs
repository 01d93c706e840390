//! Bytes in, whole messages out.

use byteorder::{BigEndian, ByteOrder};
use bytes::{Bytes, BytesMut};

use crate::header::Header;

/// Splits what arrives on a connection into messages, without copying them.
///
/// ```
/// use bytes::BytesMut;
/// use openflow::Framer;
/// let framer = Framer::new();
/// let mut buffer = BytesMut::from(&[4, 20, 0, 8, 0, 0, 0, 7, 4][..]);
/// let barrier = framer.next(&mut buffer)?.unwrap();
/// assert_eq!(barrier.len(), 8);
/// assert_eq!(framer.next(&mut buffer)?, None); // the rest has not arrived yet
/// # Ok::<(), openflow::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Framer {
    max_length: u16,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// Takes messages of any length that OpenFlow has: up to 65,535 bytes.
    pub const fn new() -> Self {
        Self::with_max_length(u16::MAX)
    }

    /// Refuses messages longer than `max_length` bytes, before they are buffered.
    pub const fn with_max_length(max_length: u16) -> Self {
        Self { max_length }
    }

    /// Takes the first message off `buffer`, or `None` while it is not whole.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] for a length that no message can have. Where the next one begins can not
    /// be known then: the connection is to be closed.
    #[inline]
    pub fn next(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(header) = buffer.first_chunk::<{ Header::LEN }>() else {
            return Ok(None);
        };
        let length = BigEndian::read_u16(&header[Header::LENGTH_AT..]);
        if usize::from(length) < Header::LEN {
            return Err(FrameError::TooShort { length });
        }
        if length > self.max_length {
            return Err(FrameError::TooLong {
                length,
                max: self.max_length,
            });
        }
        if buffer.len() < usize::from(length) {
            return Ok(None);
        }
        Ok(Some(buffer.split_to(length.into()).freeze()))
    }
}

/// A length that no message can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Shorter than the header.
    #[error("message of {length} bytes, shorter than its 8-byte header")]
    TooShort {
        /// The length.
        length: u16,
    },
    /// Longer than the limit.
    #[error("message of {length} bytes, at most {max} are taken")]
    TooLong {
        /// The length.
        length: u16,
        /// The limit.
        max: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yields_messages_however_the_bytes_arrive() {
        let wire = [4, 20, 0, 8, 0, 0, 0, 7, 4, 2, 0, 10, 0, 0, 0, 8, 0xaa, 0xbb];
        for chunk in 1..=wire.len() {
            let mut buffer = BytesMut::new();
            let mut messages = Vec::new();
            for part in wire.chunks(chunk) {
                buffer.extend_from_slice(part);
                while let Some(message) = Framer::new().next(&mut buffer).unwrap() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, [&wire[..8], &wire[8..]], "in chunks of {chunk}");
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn refuses_lengths_before_buffering_them() {
        let mut short = BytesMut::from(&[4, 20, 0, 7, 0, 0, 0, 0][..]);
        assert_eq!(
            Framer::new().next(&mut short),
            Err(FrameError::TooShort { length: 7 })
        );
        let mut long = BytesMut::from(&[4, 20, 1, 1, 0, 0, 0, 0][..]);
        assert_eq!(
            Framer::with_max_length(256).next(&mut long),
            Err(FrameError::TooLong {
                length: 257,
                max: 256
            })
        );
    }
}
