//! One line for each message.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::net::SocketAddr;

use bytes::Bytes;
use openflow::Message;

use super::render::{Fields, Hex, Record, Style, Whole, Writer};

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Readable text.
    Text,
    /// A JSON object.
    Json,
    /// The hex of the message, encoded anew from what it was decoded to.
    Reencode,
}

/// When what is written is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// After each line: somebody waits for it.
    EachLine,
    /// When the output's own buffer is full, and at the end.
    AtEnd,
}

/// What became of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines that show a message.
    pub messages: u64,
    /// Lines that say `error: `.
    pub errors: u64,
}

/// Where a captured message was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) time: Timestamp,
    pub(super) src: SocketAddr,
    pub(super) dst: SocketAddr,
}

/// Nanoseconds since 1970 in UTC, written in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(pub(super) u128);

impl Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANOS: u128 = 1_000_000_000;
        write!(f, "{}.{:09}", self.0 / NANOS, self.0 % NANOS)
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.time, self.src, self.dst)
    }
}

impl Fields for Origin {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .entry("time", |out| out.raw(self.time))
            .entry("src", |out| out.word(self.src))
            .entry("dst", |out| out.word(self.dst));
    }
}

#[derive(Debug)]
pub(super) struct Printer<W> {
    output: W,
    format: Format,
    flush: Flush,
    line: Writer,
    wire: Vec<u8>,
    outcome: Outcome,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(output: W, format: Format, flush: Flush) -> Self {
        let style = match format {
            Format::Json => Style::Json,
            Format::Text | Format::Reencode => Style::Text,
        };
        Self {
            output,
            format,
            flush,
            line: Writer::new(style),
            wire: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Writes the line of the message that `frame` is, or why it is none.
    pub(super) fn message(&mut self, origin: Option<&Origin>, frame: Bytes) -> io::Result<()> {
        let (xid, message) = match Message::decode(frame) {
            Ok(decoded) => decoded,
            Err(error) => return self.error(origin, error),
        };
        if self.format == Format::Reencode {
            self.wire.clear();
            if let Err(error) = message.encode(xid, &mut self.wire) {
                return self.error(origin, error);
            }
        }
        if let (Some(origin), Format::Text | Format::Reencode) = (origin, self.format) {
            self.line.raw(format_args!("{origin} "));
        }
        match self.format {
            Format::Reencode => self.line.raw(Hex(&self.wire)),
            Format::Text => self.line.top(|record| Whole(xid, &message).fields(record)),
            Format::Json => self.line.top(|record| {
                if let Some(origin) = origin {
                    origin.fields(record);
                }
                Whole(xid, &message).fields(record);
            }),
        }
        self.outcome.messages += 1;
        self.end_line()
    }

    /// Writes that something could not be decoded. The line looks the same in every format.
    pub(super) fn error(
        &mut self,
        origin: Option<&Origin>,
        reason: impl Display,
    ) -> io::Result<()> {
        match origin {
            Some(origin) => self.line.raw(format_args!("error: {origin}: {reason}")),
            None => self.line.raw(format_args!("error: {reason}")),
        }
        self.outcome.errors += 1;
        self.end_line()
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.raw('\n');
        let written = self.output.write_all(self.line.line().as_bytes());
        self.line.clear();
        written?;
        match self.flush {
            Flush::EachLine => self.output.flush(),
            Flush::AtEnd => Ok(()),
        }
    }

    /// Passes on what is still held.
    pub(super) fn finish(mut self) -> io::Result<Outcome> {
        self.output.flush()?;
        Ok(self.outcome)
    }
}
