//! Messages written as hex, one a line.

use std::io::{self, BufRead};

use bytes::Bytes;

/// The longest message that OpenFlow has: its length is a 16-bit number.
const MAX_MESSAGE_LEN: usize = u16::MAX as usize;

/// Reads messages from lines of hex digits.
///
/// Blanks inside a line are ignored; empty lines and lines that begin with `#` are skipped. At most
/// one message is held in memory, however long the line is that it comes from.
#[derive(Debug)]
pub(super) struct HexLines<R> {
    input: R,
}

/// A line that is not the hex of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HexError {
    #[error("byte {column} of the line is {:?}, not a hex digit", char::from(*byte))]
    NotHex { byte: u8, column: u64 },
    #[error("the line has an odd number of hex digits")]
    OddDigits,
    #[error("the line has more than {MAX_MESSAGE_LEN} bytes, the most that a message can have")]
    TooLong,
}

impl<R: BufRead> HexLines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input }
    }

    /// The bytes of the next line that has any; `None` at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Bytes, HexError>>> {
        loop {
            let mut line = Line::default();
            let ended = self.read_line(&mut line)?;
            if line.has_content {
                return Ok(Some(line.finish()));
            }
            if ended {
                return Ok(None);
            }
        }
    }

    /// Feeds `line` up to the next line break; true at the end of the input.
    fn read_line(&mut self, line: &mut Line) -> io::Result<bool> {
        loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                return Ok(true);
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            line.feed(&chunk[..end.unwrap_or(chunk.len())]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                return Ok(false);
            }
        }
    }
}

/// What has been read of a line.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    /// The first digit of a byte whose second one is to come.
    high: Option<u8>,
    /// How many bytes of the line have been read.
    column: u64,
    /// Something that is neither blank nor comment was there.
    has_content: bool,
    /// Nothing more of the line matters: it is a comment, or it has this problem.
    rest: Rest,
}

#[derive(Debug, Default)]
enum Rest {
    #[default]
    Hex,
    Comment,
    Bad(HexError),
}

impl Line {
    fn feed(&mut self, text: &[u8]) {
        for &byte in text {
            if !matches!(self.rest, Rest::Hex) {
                return;
            }
            self.column += 1;
            if !byte.is_ascii_whitespace() {
                self.feed_visible(byte);
            }
        }
    }

    fn feed_visible(&mut self, byte: u8) {
        if byte == b'#' && !self.has_content {
            self.rest = Rest::Comment;
            return;
        }
        self.has_content = true;
        let Some(digit) = char::from(byte).to_digit(16).map(|digit| digit as u8) else {
            let column = self.column;
            self.rest = Rest::Bad(HexError::NotHex { byte, column });
            return;
        };
        match self.high.take() {
            None => self.high = Some(digit),
            Some(_) if self.bytes.len() == MAX_MESSAGE_LEN => {
                self.rest = Rest::Bad(HexError::TooLong);
            }
            Some(high) => self.bytes.push(high << 4 | digit),
        }
    }

    fn finish(self) -> Result<Bytes, HexError> {
        match self.rest {
            Rest::Bad(error) => Err(error),
            _ if self.high.is_some() => Err(HexError::OddDigits),
            _ => Ok(self.bytes.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    /// Everything in `input`, read in chunks of `chunk` bytes.
    fn read(input: impl Read, chunk: usize) -> Vec<Result<Bytes, HexError>> {
        let mut lines = HexLines::new(BufReader::with_capacity(chunk, input));
        let mut all = Vec::new();
        while let Some(line) = lines.next().expect("reading from memory") {
            all.push(line);
        }
        all
    }

    #[test]
    fn a_line_is_the_same_however_it_arrives() {
        let text = b"# comment\n\n 04 14\t00080000 0007\r\n  # another\nABcd\n0\nxy\n \nff";
        let not_hex = HexError::NotHex {
            byte: b'x',
            column: 1,
        };
        for chunk in 1..=text.len() {
            assert_eq!(
                read(&text[..], chunk),
                [
                    Ok(Bytes::from_static(&[4, 20, 0, 8, 0, 0, 0, 7])),
                    Ok(Bytes::from_static(&[0xab, 0xcd])),
                    Err(HexError::OddDigits),
                    Err(not_hex),
                    Ok(Bytes::from_static(&[0xff])),
                ],
                "in chunks of {chunk}"
            );
        }
    }

    #[test]
    fn a_sharp_inside_a_line_is_no_comment() {
        let sharp = HexError::NotHex {
            byte: b'#',
            column: 4,
        };
        assert_eq!(read(&b"04 # 14"[..], 64), [Err(sharp)]);
    }

    #[test]
    fn the_longest_message_is_taken_and_one_byte_more_is_refused() {
        let longest = "ab".repeat(MAX_MESSAGE_LEN);
        let read_one = |text: &str| read(text.as_bytes(), 4096).remove(0);
        assert_eq!(read_one(&longest).map(|bytes| bytes.len()), Ok(65_535));
        assert_eq!(read_one(&format!("{longest}ab")), Err(HexError::TooLong));
        assert_eq!(read_one(&format!("{longest}a")), Err(HexError::OddDigits));
    }

    #[test]
    fn the_line_after_an_endless_one_is_read() {
        let endless = io::repeat(b'a').take(10 << 20);
        let input = endless.chain(&b"\n0102\n"[..]);
        let lines = read(input, 1 << 16);
        assert_eq!(
            lines,
            [Err(HexError::TooLong), Ok(Bytes::from_static(&[1, 2]))]
        );
    }
}
