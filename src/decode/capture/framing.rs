//! From the bytes of a direction to messages, and back into step where bytes are missing.

use bytes::{Bytes, BytesMut};
use openflow::{Framer, Header, MessageType, VERSION};

/// Header versions that a peer may send: higher ones than any OpenFlow are another protocol's.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=6;

/// A message, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed {
    Message(Bytes),
    Lost(Loss),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Loss {
    #[error("{0} bytes are not in the capture")]
    Gap(u64),
    #[error("no OpenFlow message has the header {0:02x?}")]
    NotOpenFlow([u8; Header::LEN]),
    #[error("{0} bytes skipped, no message seems to begin in them")]
    Skipped(u64),
    #[error("the stream ends after {0} bytes of a message")]
    CutOff(usize),
}

/// Splits a stream into messages.
#[derive(Debug)]
pub(super) struct Framing {
    /// The start of a message that is not whole yet.
    buffer: BytesMut,
    /// Where the next message begins is known.
    in_step: bool,
    /// Bytes thrown away since it was last known.
    skipped: u64,
}

impl Framing {
    /// A stream that begins with a message.
    pub(super) fn from_start() -> Self {
        Self {
            buffer: BytesMut::new(),
            in_step: true,
            skipped: 0,
        }
    }

    /// A stream whose beginning was not seen.
    pub(super) fn from_middle() -> Self {
        Self {
            in_step: false,
            ..Self::from_start()
        }
    }

    /// The next bytes, as one segment has them.
    pub(super) fn data(&mut self, bytes: &[u8], out: &mut impl FnMut(Framed)) {
        let mut bytes = bytes;
        if !self.in_step {
            let start = find_message(bytes);
            self.skipped += start.unwrap_or(bytes.len()) as u64;
            let Some(start) = start else { return };
            bytes = &bytes[start..];
            self.in_step = true;
            self.report_skipped(out);
        }
        self.buffer.extend_from_slice(bytes);
        self.take_messages(out);
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self, count: u64, out: &mut impl FnMut(Framed)) {
        out(Framed::Lost(Loss::Gap(count)));
        self.lose_step();
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(Framed)) {
        match self.buffer.len() {
            0 => self.report_skipped(out),
            length => out(Framed::Lost(Loss::CutOff(length))),
        }
    }

    fn take_messages(&mut self, out: &mut impl FnMut(Framed)) {
        while let Some(&header) = self.buffer.first_chunk::<{ Header::LEN }>() {
            let is_openflow = VERSIONS.contains(&header[0]);
            match Framer::new().next(&mut self.buffer) {
                Ok(frame) if is_openflow => match frame {
                    Some(frame) => out(Framed::Message(frame)),
                    None => return,
                },
                _ => {
                    out(Framed::Lost(Loss::NotOpenFlow(header)));
                    self.lose_step();
                }
            }
        }
    }

    fn lose_step(&mut self) {
        self.skipped += self.buffer.len() as u64;
        self.buffer.clear();
        self.in_step = false;
    }

    fn report_skipped(&mut self, out: &mut impl FnMut(Framed)) {
        match std::mem::take(&mut self.skipped) {
            0 => {}
            skipped => out(Framed::Lost(Loss::Skipped(skipped))),
        }
    }
}

/// Where in a segment a message seems to begin. Senders write whole messages, so most segments
/// begin with one; elsewhere the header alone is too little, and a second one or the end of the
/// segment must follow the message.
fn find_message(segment: &[u8]) -> Option<usize> {
    if message_len(segment).is_some() {
        return Some(0);
    }
    (1..segment.len()).find(|&start| {
        let rest = &segment[start..];
        message_len(rest)
            .and_then(|length| rest.get(length..))
            .is_some_and(|next| next.is_empty() || message_len(next).is_some())
    })
}

/// The length of the OpenFlow 1.3 message that `bytes` seems to begin with.
fn message_len(bytes: &[u8]) -> Option<usize> {
    let header = Header::peek(bytes)?;
    let is_plausible = header.version == VERSION
        && !matches!(header.kind, MessageType::Unknown(_))
        && usize::from(header.length) >= Header::LEN;
    is_plausible.then_some(header.length.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARRIER: [u8; 8] = [4, 20, 0, 8, 0, 0, 0, 7];
    const ECHO: [u8; 10] = [4, 2, 0, 10, 0, 0, 0, 8, 0xaa, 0xbb];

    fn message(bytes: &'static [u8]) -> Framed {
        Framed::Message(Bytes::from_static(bytes))
    }

    fn run(framing: &mut Framing, segments: &[&[u8]]) -> Vec<Framed> {
        let mut framed = Vec::new();
        for segment in segments {
            framing.data(segment, &mut |item| framed.push(item));
        }
        framing.finish(&mut |item| framed.push(item));
        framed
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let stream = [&BARRIER[..], &ECHO].concat();
        for size in 1..=stream.len() {
            let segments: Vec<&[u8]> = stream.chunks(size).collect();
            let framed = run(&mut Framing::from_start(), &segments);
            assert_eq!(framed, [message(&BARRIER), message(&ECHO)], "by {size}");
        }
    }

    #[test]
    fn goes_on_with_the_first_message_after_a_gap() {
        let mut framing = Framing::from_start();
        let mut framed = Vec::new();
        let mut sink = |item| framed.push(item);
        framing.data(&ECHO[..9], &mut sink);
        framing.gap(100, &mut sink);
        framing.data(b"the rest of a message", &mut sink);
        framing.data(&[&b"and more"[..], &BARRIER, &ECHO].concat(), &mut sink);
        framing.finish(&mut sink);
        assert_eq!(
            framed,
            [
                Framed::Lost(Loss::Gap(100)),
                Framed::Lost(Loss::Skipped(9 + 21 + 8)),
                message(&BARRIER),
                message(&ECHO),
            ]
        );
    }

    #[test]
    fn payload_that_looks_like_a_header_is_no_message() {
        // A header of 9 bytes in the rest of a payload, and no other one 9 bytes later.
        let payload = [&b"rest"[..], &[4, 20, 0, 9, 0, 0, 0, 1], b"of a payload"].concat();
        let segment = [&payload[..], &BARRIER].concat();
        let framed = run(&mut Framing::from_middle(), &[&segment]);
        let skipped = Framed::Lost(Loss::Skipped(payload.len() as u64));
        assert_eq!(framed, [skipped, message(&BARRIER)]);
    }

    #[test]
    fn another_protocol_is_reported_and_skipped() {
        let tls = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        let framed = run(&mut Framing::from_start(), &[&tls, &tls]);
        let header = *tls.first_chunk().expect("eleven bytes");
        assert_eq!(
            framed,
            [
                Framed::Lost(Loss::NotOpenFlow(header)),
                Framed::Lost(Loss::Skipped(22)),
            ]
        );
    }

    #[test]
    fn a_length_that_no_message_has_does_not_hang() {
        let framed = run(
            &mut Framing::from_start(),
            &[&[4, 20, 0, 7, 0, 0, 0, 7], &BARRIER],
        );
        assert!(matches!(framed[0], Framed::Lost(Loss::NotOpenFlow(_))));
        assert_eq!(
            framed[1..],
            [Framed::Lost(Loss::Skipped(8)), message(&BARRIER)]
        );
    }

    #[test]
    fn an_unfinished_message_is_reported() {
        let framed = run(&mut Framing::from_middle(), &[&ECHO[..9]]);
        assert_eq!(framed, [Framed::Lost(Loss::CutOff(9))]);
    }
}
