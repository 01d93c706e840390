//! Reading and writing bytes: a cursor that never leaves its structure, and lengths that are filled
//! in when the structure is complete.

use bytes::{Buf, BufMut, Bytes};

use crate::error::{DecodeError, EncodeError, ExpectedLength, Problem};
use crate::msg::ErrorCode;

/// An element of a list has at least its header and padding.
const MIN_ELEMENT: usize = 8;

/// What a cursor is in: for error messages, and for the error that the peer gets.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    pub(crate) bad_len: ErrorCode,
}

impl Structure {
    pub(crate) const fn new(name: &'static str, bad_len: ErrorCode) -> Self {
        Self { name, bad_len }
    }

    /// A structure of a message: wrong lengths are `OFPBRC_BAD_LEN`.
    pub(crate) const fn of_message(name: &'static str) -> Self {
        Self::new(name, ErrorCode::OFPBRC_BAD_LEN)
    }
}

/// Something that can be read from the wire.
pub(crate) trait Decode: Sized {
    /// Reads one value from the front of `r`; takes at least a byte.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Something that can be written to the wire.
pub(crate) trait Encode {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// A cursor over a part of a message.
///
/// Offsets count from the start of the whole, so errors point at a byte of what was received. There is
/// one cursor per message: for a structure inside, [`Reader::within`] narrows it for a while.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    whole: &'a Bytes,
    position: usize,
    end: usize,
    structure: &'static Structure,
    depth: u8,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(whole: &'a Bytes, structure: &'static Structure) -> Self {
        Self {
            whole,
            position: 0,
            end: whole.len(),
            structure,
            depth: 0,
        }
    }

    /// From here on it is `structure` that is read.
    pub(crate) fn enter(&mut self, structure: &'static Structure) {
        self.structure = structure;
    }

    pub(crate) fn offset(&self) -> usize {
        self.position
    }

    /// Back to an offset where this cursor has been in the same structure.
    pub(crate) fn rewind(&mut self, offset: usize) {
        self.position = offset;
    }

    pub(crate) fn remaining(&self) -> usize {
        self.end - self.position
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.position == self.end
    }

    /// What is left, without moving.
    #[inline]
    pub(crate) fn peek(&self) -> &'a [u8] {
        &self.whole[self.position..self.end]
    }

    /// The next `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], DecodeError> {
        match self.peek().first_chunk() {
            Some(array) => {
                self.position += N;
                Ok(array)
            }
            None => Err(self.truncated(field, N)),
        }
    }

    /// The next `N` bytes, for reading the fixed part of a structure field by field. That nothing is
    /// left is for [`Reader::within`] to say.
    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<&'a [u8], DecodeError> {
        self.array::<N>("fixed part").map(|array| &array[..])
    }

    /// The next `length` bytes as a slice of the received message.
    pub(crate) fn bytes(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<Bytes, DecodeError> {
        let from = self.position;
        self.skip(length, field)?;
        Ok(self.whole.slice(from..self.position))
    }

    /// All that is left, as a slice of the received message.
    pub(crate) fn rest(&mut self) -> Bytes {
        let from = self.position;
        self.position = self.end;
        self.whole.slice(from..self.end)
    }

    #[inline]
    pub(crate) fn skip(&mut self, length: usize, field: &'static str) -> Result<(), DecodeError> {
        if length > self.remaining() {
            return Err(self.truncated(field, length));
        }
        self.position += length;
        Ok(())
    }

    /// Skips what is left, which must be padding: less than 8 bytes.
    pub(crate) fn skip_padding(&mut self) -> Result<(), DecodeError> {
        if self.remaining() >= 8 {
            return self.finish();
        }
        self.position = self.end;
        Ok(())
    }

    /// Reads the next `length` bytes as `structure`; `read` must take them all.
    ///
    /// After an error the cursor stays where the error is and is not to be used again.
    #[inline]
    pub(crate) fn within<T>(
        &mut self,
        structure: &'static Structure,
        length: usize,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let outer_structure = std::mem::replace(&mut self.structure, structure);
        if length > self.remaining() {
            return Err(self.truncated("length", length));
        }
        let outer_end = std::mem::replace(&mut self.end, self.position + length);
        let value = read(self)?;
        self.finish()?;
        self.end = outer_end;
        self.structure = outer_structure;
        Ok(value)
    }

    /// Reads an element of a list that begins with its type and its length, both 16 bits: an action
    /// or an instruction. The length is that of the whole, at least 8 and a multiple of 8.
    #[inline]
    pub(crate) fn element<T>(
        &mut self,
        structure: &'static Structure,
        read: impl FnOnce(u16, &mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let start = self.offset();
        let mut header = self.fixed::<4>()?;
        let kind = header.get_u16();
        let length = usize::from(header.get_u16());
        if length < MIN_ELEMENT {
            let expected = ExpectedLength::AtLeast(MIN_ELEMENT);
            return Err(self.bad_length("len", start + 2, length, expected));
        }
        if !length.is_multiple_of(8) {
            let expected = ExpectedLength::MultipleOf(8);
            return Err(self.bad_length("len", start + 2, length, expected));
        }
        self.within(structure, length - 4, |body| read(kind, body))
    }

    /// Reads the rest of `structure`, whose header of `header_len` bytes has been read. The header
    /// says, in the field at offset `length_at`, that the whole is `length` bytes long.
    #[inline]
    pub(crate) fn body<T>(
        &mut self,
        structure: &'static Structure,
        header_len: usize,
        length_at: usize,
        length: usize,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let Some(body_len) = length.checked_sub(header_len) else {
            self.enter(structure);
            let expected = ExpectedLength::AtLeast(header_len);
            return Err(self.bad_length("length", length_at, length, expected));
        };
        self.within(structure, body_len, read)
    }

    /// Reads one level deeper, for structures that can contain themselves. The limit keeps a
    /// hostile message from using up the stack.
    pub(crate) fn nested<T>(
        &mut self,
        limit: u8,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth >= limit {
            return Err(self.error(
                "nesting",
                Problem::TooDeep {
                    limit: limit.into(),
                },
            ));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// Reads values to the end.
    #[inline]
    pub(crate) fn list<T: Decode>(&mut self) -> Result<Vec<T>, DecodeError> {
        let mut list = Vec::new();
        while !self.is_empty() {
            list.push(T::decode(self)?);
        }
        Ok(list)
    }

    /// The structure has ended: nothing may be left.
    #[inline]
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error("end", Problem::LeftOver { left })),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn truncated(&self, field: &'static str, needed: usize) -> DecodeError {
        let available = self.remaining();
        self.error(field, Problem::Truncated { needed, available })
    }

    /// A length at `offset` that is not as `expected`.
    #[cold]
    #[inline(never)]
    pub(crate) fn bad_length(
        &self,
        field: &'static str,
        offset: usize,
        found: usize,
        expected: ExpectedLength,
    ) -> DecodeError {
        let problem = Problem::BadLength { found, expected };
        DecodeError {
            offset,
            ..self.error(field, problem)
        }
    }

    /// An error at the current place.
    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        DecodeError {
            message: None,
            structure: self.structure.name,
            field,
            offset: self.position,
            problem,
            error_code: self.structure.bad_len,
        }
    }
}

/// How many bytes are missing to a multiple of 8.
#[inline]
pub(crate) const fn padding_to_8(length: usize) -> usize {
    length.wrapping_neg() & 7
}

/// Fills in the length of the element ([`Reader::element`]) that began at `start` and is complete.
#[inline]
pub(crate) fn finish_element(
    out: &mut [u8],
    start: usize,
    structure: &'static Structure,
) -> Result<(), EncodeError> {
    let length = out.len() - start;
    if length < MIN_ELEMENT || !length.is_multiple_of(8) {
        return Err(EncodeError::Misaligned {
            structure: structure.name,
            length,
            multiple: 8,
        });
    }
    set_length(out, start, start + 2, structure.name)
}

/// Appends `count` zero bytes.
#[inline]
pub(crate) fn put_padding(out: &mut Vec<u8>, count: usize) {
    out.put_bytes(0, count);
}

/// Appends zero bytes until what began at `start` is a multiple of 8 long.
#[inline]
pub(crate) fn pad_to_8(out: &mut Vec<u8>, start: usize) {
    put_padding(out, padding_to_8(out.len() - start));
}

/// Writes the length of what began at `start` into the 16 bits at `at`.
#[inline]
pub(crate) fn set_length(
    out: &mut [u8],
    start: usize,
    at: usize,
    structure: &'static str,
) -> Result<(), EncodeError> {
    let length = out.len() - start;
    let encoded = u16::try_from(length).map_err(|_| EncodeError::TooLong {
        structure,
        length,
        max: u16::MAX.into(),
    })?;
    out[at..at + 2].copy_from_slice(&encoded.to_be_bytes());
    Ok(())
}

/// Appends the values one after the other.
pub(crate) fn put_list<T: Encode>(out: &mut Vec<u8>, list: &[T]) -> Result<(), EncodeError> {
    list.iter().try_for_each(|value| value.encode(out))
}
