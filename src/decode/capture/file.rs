//! Capture files: pcap and pcapng.

use std::io::{Cursor, Read};

use pcap_parser::pcapng::Block;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, Linktype, PcapBlockOwned, PcapError, PcapNGReader};

use crate::decode::printer::Timestamp;

/// A packet as it was captured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) time: Timestamp,
    pub(super) link: Linktype,
    pub(super) data: &'a [u8],
}

/// Why a capture can not be read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileError {
    #[error("this is neither a pcap nor a pcapng file")]
    NotACapture,
    #[error("the file ends inside a packet")]
    CutOff,
    #[error("the file has a block of more than {MAX_BUFFER_LEN} bytes")]
    TooLong,
    #[error("the file has a malformed block")]
    Malformed,
    #[error("the file can not be read")]
    Read,
}

/// Room for blocks of the file; grown for longer ones up to [`MAX_BUFFER_LEN`].
const BUFFER_LEN: usize = 1 << 18;
const MAX_BUFFER_LEN: usize = 1 << 24;

/// How many interfaces of a section are known.
const MAX_INTERFACES: usize = 1 << 16;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Reads a capture packet by packet.
pub(super) struct CaptureFile<'r> {
    reader: Box<dyn PcapReaderIterator + 'r>,
    buffer_len: usize,
    context: Context,
}

impl<'r> CaptureFile<'r> {
    /// A capture whose format its first bytes tell.
    pub(super) fn open(mut input: impl Read + 'r) -> Result<Self, FileError> {
        let start = read_start(&mut input)?;
        let is_pcapng = start.starts_with(&SECTION_HEADER);
        let input = Cursor::new(start).chain(input);
        let reader: Box<dyn PcapReaderIterator + 'r> = match is_pcapng {
            true => PcapNGReader::new(BUFFER_LEN, input).map(|reader| Box::new(reader) as _),
            false => LegacyPcapReader::new(BUFFER_LEN, input).map(|reader| Box::new(reader) as _),
        }
        .map_err(|_| FileError::NotACapture)?;
        Ok(Self {
            reader,
            buffer_len: BUFFER_LEN,
            context: Context::default(),
        })
    }

    /// Hands the next block's packet to `visit`, if it has one; false at the end of the file.
    pub(super) fn next<E: From<FileError>>(
        &mut self,
        visit: impl FnOnce(Packet<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        loop {
            let problem = match self.reader.next() {
                Ok((length, block)) => {
                    let visited = self.context.packet(block).map_or(Ok(()), visit);
                    self.reader.consume(length);
                    return visited.map(|()| true);
                }
                Err(PcapError::Eof) => return Ok(false),
                Err(PcapError::Incomplete(_)) => None,
                Err(PcapError::BufferTooSmall) => Some(FileError::TooLong),
                Err(PcapError::UnexpectedEof) => Some(FileError::CutOff),
                Err(PcapError::ReadError) => Some(FileError::Read),
                Err(_) => Some(FileError::Malformed),
            };
            match problem {
                None => self.refill()?,
                Some(FileError::TooLong) => self.grow()?,
                Some(problem) => return Err(problem.into()),
            }
        }
    }

    fn refill(&mut self) -> Result<(), FileError> {
        self.reader.refill().map_err(|_| FileError::Read)
    }

    fn grow(&mut self) -> Result<(), FileError> {
        self.buffer_len *= 2;
        if self.buffer_len > MAX_BUFFER_LEN || !self.reader.grow(self.buffer_len) {
            return Err(FileError::TooLong);
        }
        self.refill()
    }
}

/// The type of the block that a pcapng file begins with.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The first bytes of a file: the header of pcap, the first block of pcapng. The parser wants them
/// in one go, which a pipe does not promise.
fn read_start(input: &mut impl Read) -> Result<Vec<u8>, FileError> {
    /// The shortest section header block; the header of pcap is 24 bytes long.
    const MIN_LEN: u64 = 28;
    const MAX_LEN: u32 = 1 << 16;
    let mut start = Vec::new();
    let mut read = |start: &mut Vec<u8>, count| {
        let taken = input.by_ref().take(count).read_to_end(start);
        taken.map_err(|_| FileError::Read)
    };
    read(&mut start, MIN_LEN)?;
    if let [0x0a, 0x0d, 0x0d, 0x0a, l0, l1, l2, l3, magic, ..] = start[..] {
        let length = [l0, l1, l2, l3];
        // The magic 0x1a2b3c4d tells the order of bytes.
        let length = match magic {
            0x1a => u32::from_be_bytes(length),
            _ => u32::from_le_bytes(length),
        };
        let rest = u64::from(length.min(MAX_LEN)).saturating_sub(MIN_LEN);
        read(&mut start, rest)?;
    }
    Ok(start)
}

/// What earlier blocks say about later ones.
#[derive(Debug, Default)]
struct Context {
    /// Of a pcap file: its packets' link type, and whether times have nanoseconds.
    link: Linktype,
    has_nanoseconds: bool,
    /// Of a pcapng file: the interfaces of the section.
    interfaces: Vec<Interface>,
    /// When the last packet was captured, for those that do not say it.
    time: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Linktype,
    /// Units of time in a second.
    resolution: u128,
    /// Seconds to add to times.
    offset: i64,
}

impl Context {
    /// The packet in `block`; everything else is remembered or of no interest.
    fn packet<'a>(&mut self, block: PcapBlockOwned<'a>) -> Option<Packet<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                // The upper bits tell about checksums behind the packets.
                self.link = Linktype(header.network.0 & 0xffff);
                self.has_nanoseconds = header.is_nanosecond_precision();
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let unit = if self.has_nanoseconds { 1 } else { 1000 };
                let fraction = u128::from(packet.ts_usec) * unit;
                self.time = Timestamp(u128::from(packet.ts_sec) * NANOS_PER_SECOND + fraction);
                Some(self.packet_of(self.link, packet.data, packet.caplen))
            }
            PcapBlockOwned::NG(block) => self.pcapng_packet(block),
        }
    }

    fn pcapng_packet<'a>(&mut self, block: Block<'a>) -> Option<Packet<'a>> {
        match block {
            Block::SectionHeader(_) => {
                self.interfaces.clear();
                None
            }
            // More than that is no capture, and the list is not to grow with the file.
            Block::InterfaceDescription(_) if self.interfaces.len() == MAX_INTERFACES => None,
            Block::InterfaceDescription(interface) => {
                self.interfaces.push(Interface {
                    link: interface.linktype,
                    resolution: resolution(interface.if_tsresol),
                    offset: interface.if_tsoffset,
                });
                None
            }
            Block::EnhancedPacket(packet) => {
                let interface = *self.interfaces.get(usize::try_from(packet.if_id).ok()?)?;
                self.time = interface.time(packet.ts_high, packet.ts_low);
                Some(self.packet_of(interface.link, packet.data, packet.caplen))
            }
            Block::SimplePacket(packet) => {
                let interface = self.interfaces.first()?;
                Some(self.packet_of(interface.link, packet.data, packet.origlen))
            }
            _ => None,
        }
    }

    /// `data` may have padding behind the `length` bytes of the packet.
    fn packet_of<'a>(&self, link: Linktype, data: &'a [u8], length: u32) -> Packet<'a> {
        let length = usize::try_from(length).map_or(data.len(), |length| length.min(data.len()));
        Packet {
            time: self.time,
            link,
            data: &data[..length],
        }
    }
}

/// Units in a second by `if_tsresol`: a negative power of 10, or of 2 where the upper bit is set.
/// Impossible ones are taken as microseconds, the usual one.
fn resolution(if_tsresol: u8) -> u128 {
    let exponent = u32::from(if_tsresol & 0x7f);
    let base: u128 = if if_tsresol & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).unwrap_or(1_000_000)
}

impl Interface {
    fn time(self, high: u32, low: u32) -> Timestamp {
        let units = u128::from(high) << 32 | u128::from(low);
        let (seconds, fraction) = (units / self.resolution, units % self.resolution);
        let seconds = seconds.saturating_add_signed(self.offset.into());
        // The fraction is below 2^64: its nanoseconds fit.
        let nanos = fraction * NANOS_PER_SECOND / self.resolution;
        Timestamp(seconds * NANOS_PER_SECOND + nanos)
    }
}
