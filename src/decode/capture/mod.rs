//! OpenFlow messages out of a packet capture.
//!
//! [`file`] reads packets, [`segment`] finds the TCP segment in one, [`connections`] sorts
//! segments by direction, [`stream`] puts them in order, [`framing`] cuts the bytes into messages.

mod connections;
mod file;
mod framing;
mod segment;
mod stream;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use connections::Connections;
use file::{CaptureFile, FileError, Packet};
use framing::Framed;
use segment::UnknownLink;

use super::printer::{Flush, Format, Origin, Outcome, Printer};

/// The ports of OpenFlow: the registered one, and the one that was in use before.
pub const OPENFLOW_PORTS: [u16; 2] = [6653, 6633];

/// Reads a capture, pcap or pcapng, and writes one line for each message in it, in the order in
/// which the messages were complete, with time and direction.
///
/// TCP is put together for each direction by itself. Bytes that are not in the capture are an
/// `error: ` line, and messages go on where one seems to begin. Only connections that have one of
/// `ports` at either end are looked at. Memory is bounded for each connection, and so is their
/// number.
///
/// # Errors
///
/// Where `output` can not be written. What is wrong with the capture itself is a line of the
/// output and counted in the [`Outcome`].
pub fn capture(
    input: impl Read,
    ports: &[u16],
    output: impl Write,
    format: Format,
    flush: Flush,
) -> io::Result<Outcome> {
    let mut printer = Printer::new(output, format, flush);
    let mut messages = Messages {
        ports,
        connections: Connections::default(),
        unknown_links: BTreeSet::new(),
        found: Vec::new(),
    };
    let read = read_packets(input, |packet| {
        if let Err(unknown) = messages.packet(&packet) {
            printer.error(None, unknown)?;
        }
        print(messages.found.drain(..), &mut printer)
    });
    print(messages.finish().into_iter(), &mut printer)?;
    match read {
        Ok(()) => {}
        Err(Stop::Input(problem)) => printer.error(None, problem)?,
        Err(Stop::Output(error)) => return Err(error),
    }
    printer.finish()
}

/// Why reading ends before the capture does.
enum Stop {
    Input(FileError),
    Output(io::Error),
}

impl From<FileError> for Stop {
    fn from(problem: FileError) -> Self {
        Self::Input(problem)
    }
}

fn read_packets(
    input: impl Read,
    mut visit: impl FnMut(Packet<'_>) -> io::Result<()>,
) -> Result<(), Stop> {
    let mut file = CaptureFile::open(input)?;
    while file.next(|packet| visit(packet).map_err(Stop::Output))? {}
    Ok(())
}

fn print<W: Write>(
    found: impl Iterator<Item = (Origin, Framed)>,
    printer: &mut Printer<W>,
) -> io::Result<()> {
    for (origin, framed) in found {
        match framed {
            Framed::Message(frame) => printer.message(Some(&origin), frame)?,
            Framed::Lost(loss) => printer.error(Some(&origin), loss)?,
        }
    }
    Ok(())
}

/// What is found in packets.
struct Messages<'p> {
    ports: &'p [u16],
    connections: Connections,
    /// Link types that were reported: once is enough.
    unknown_links: BTreeSet<i32>,
    found: Vec<(Origin, Framed)>,
}

impl Messages<'_> {
    /// Adds what `packet` completes to `found`.
    fn packet(&mut self, packet: &Packet<'_>) -> Result<(), UnknownLink> {
        let segment = match segment::parse(packet.link, packet.data) {
            Ok(Some(segment)) => segment,
            Err(unknown) if self.unknown_links.insert(unknown.0) => return Err(unknown),
            Ok(None) | Err(_) => return Ok(()),
        };
        let ends = [segment.src.port(), segment.dst.port()];
        if ends.iter().any(|port| self.ports.contains(port)) {
            let found = &mut self.found;
            let mut out = |origin: &Origin, framed| found.push((*origin, framed));
            self.connections.segment(packet.time, &segment, &mut out);
        }
        Ok(())
    }

    /// What is left when the capture ends.
    fn finish(mut self) -> Vec<(Origin, Framed)> {
        let found = &mut self.found;
        self.connections
            .finish(&mut |origin: &Origin, framed| found.push((*origin, framed)));
        self.found
    }
}
