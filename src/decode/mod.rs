//! `bridgechain decode`: many OpenFlow messages in, one line for each out.
//!
//! Messages come as lines of hex ([`hex_lines()`]) or out of a packet capture ([`capture()`]); [`Format`]
//! says what a line shows. A line that begins with `error: ` stands for what is no message.

mod capture;
mod hex_lines;
mod printer;
mod render;

use std::io::{self, BufRead, Write};

pub use capture::{OPENFLOW_PORTS, capture};
use hex_lines::HexLines;
use printer::Printer;
pub use printer::{Flush, Format, Outcome};

/// Reads one message a line as hex digits and writes one line for each, in order.
///
/// Blanks inside a line are ignored; empty lines and lines that begin with `#` are skipped. Memory
/// is bounded by the longest message, 65,535 bytes, however many and however long the lines are.
///
/// ```
/// use bridgechain::decode::{self, Flush, Format};
/// let mut output = Vec::new();
/// let input = &b"04 14 0008 00000007\n04"[..];
/// let outcome = decode::hex_lines(input, &mut output, Format::Text, Flush::AtEnd)?;
/// assert_eq!(outcome.errors, 1);
/// assert!(output.starts_with(b"BARRIER_REQUEST xid=0x7\nerror: "));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Where `input` can not be read or `output` can not be written. That a line is no message is a
/// line of the output and counted in the [`Outcome`].
pub fn hex_lines(
    input: impl BufRead,
    output: impl Write,
    format: Format,
    flush: Flush,
) -> io::Result<Outcome> {
    let mut lines = HexLines::new(input);
    let mut printer = Printer::new(output, format, flush);
    while let Some(line) = lines.next()? {
        match line {
            Ok(frame) => printer.message(None, frame)?,
            Err(error) => printer.error(None, error)?,
        }
    }
    printer.finish()
}
