//! The TCP connections of a capture, each direction by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::framing::{Framed, Framing};
use super::segment::Segment;
use super::stream::{Piece, Stream};
use crate::decode::printer::{Origin, Timestamp};

/// How many directions are followed at once; the ones not heard of for the longest time go first.
const MAX_DIRECTIONS: usize = 2048;

/// Follows connections and finds the messages in them.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// By source and destination.
    directions: BTreeMap<(SocketAddr, SocketAddr), Direction>,
    /// Counts segments, to know which direction was heard of last.
    clock: u64,
}

#[derive(Debug)]
struct Direction {
    stream: Stream,
    framing: Framing,
    /// The sequence number of the SYN, if it was seen.
    syn: Option<u32>,
    /// When the last segment was seen, by the capture and by [`Connections::clock`].
    time: Timestamp,
    heard_at: u64,
}

impl Direction {
    fn new(segment: &Segment<'_>) -> Self {
        let (first, framing) = match segment.is_syn {
            // A SYN takes a number of its own.
            true => (segment.seq.wrapping_add(1), Framing::from_start()),
            false => (segment.seq, Framing::from_middle()),
        };
        Self {
            stream: Stream::new(first),
            framing,
            syn: segment.is_syn.then_some(segment.seq),
            time: Timestamp::default(),
            heard_at: 0,
        }
    }

    fn finish(mut self, key: (SocketAddr, SocketAddr), out: &mut impl FnMut(&Origin, Framed)) {
        let (framing, mut out) = (&mut self.framing, sink(key, self.time, out));
        self.stream
            .finish(&mut |piece| feed(framing, piece, &mut out));
        framing.finish(&mut out);
    }
}

/// Tells where and when something was seen.
fn sink(
    (src, dst): (SocketAddr, SocketAddr),
    time: Timestamp,
    out: &mut impl FnMut(&Origin, Framed),
) -> impl FnMut(Framed) {
    let origin = Origin { time, src, dst };
    move |framed| out(&origin, framed)
}

fn feed(framing: &mut Framing, piece: Piece<'_>, out: &mut impl FnMut(Framed)) {
    match piece {
        Piece::Data(bytes) => framing.data(bytes, out),
        Piece::Gap(count) => framing.gap(count, out),
    }
}

impl Connections {
    /// A segment was captured; what it completes goes to `out`.
    pub(super) fn segment(
        &mut self,
        time: Timestamp,
        segment: &Segment<'_>,
        out: &mut impl FnMut(&Origin, Framed),
    ) {
        self.clock += 1;
        if let Some(ack) = segment.ack {
            self.acknowledged((segment.dst, segment.src), ack, out);
        }
        if segment.payload.is_empty() && !segment.is_syn {
            return;
        }
        let key = (segment.src, segment.dst);
        // Another SYN is another connection between the same ports.
        if segment.is_syn
            && let Some(old) = self.directions.remove(&key)
        {
            match old.syn == Some(segment.seq) {
                true => _ = self.directions.insert(key, old),
                false => old.finish(key, out),
            }
        }
        if self.directions.len() == MAX_DIRECTIONS && !self.directions.contains_key(&key) {
            self.forget_older_half(out);
        }
        let direction = self
            .directions
            .entry(key)
            .or_insert_with(|| Direction::new(segment));
        direction.heard_at = self.clock;
        direction.time = time;
        let seq = segment.seq.wrapping_add(segment.is_syn.into());
        let (framing, mut out) = (&mut direction.framing, sink(key, time, out));
        direction
            .stream
            .segment(seq, segment.payload, &mut |piece| {
                feed(framing, piece, &mut out)
            });
    }

    /// The receiver of the direction `key` has everything before `ack`.
    fn acknowledged(
        &mut self,
        key: (SocketAddr, SocketAddr),
        ack: u32,
        out: &mut impl FnMut(&Origin, Framed),
    ) {
        if let Some(direction) = self.directions.get_mut(&key) {
            let (framing, mut out) = (&mut direction.framing, sink(key, direction.time, out));
            direction
                .stream
                .acknowledged(ack, &mut |piece| feed(framing, piece, &mut out));
        }
    }

    /// The capture has ended.
    pub(super) fn finish(self, out: &mut impl FnMut(&Origin, Framed)) {
        for (key, direction) in self.directions {
            direction.finish(key, out);
        }
    }

    /// Half at a time, so that finding them costs little for each.
    fn forget_older_half(&mut self, out: &mut impl FnMut(&Origin, Framed)) {
        let mut heard_at: Vec<u64> = self.directions.values().map(|one| one.heard_at).collect();
        let (_, &mut middle, _) = heard_at.select_nth_unstable(MAX_DIRECTIONS / 2);
        let (old, new) = std::mem::take(&mut self.directions)
            .into_iter()
            .partition(|(_, one)| one.heard_at < middle);
        self.directions = new;
        Self {
            directions: old,
            clock: self.clock,
        }
        .finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::capture::framing::Loss;

    const BARRIER: [u8; 8] = [4, 20, 0, 8, 0, 0, 0, 7];

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn segment(src: u16, seq: u32, payload: &[u8]) -> Segment<'_> {
        Segment {
            src: address(src),
            dst: address(6653),
            seq,
            ack: None,
            is_syn: false,
            payload,
        }
    }

    fn syn(src: u16, seq: u32) -> Segment<'static> {
        Segment {
            is_syn: true,
            ..segment(src, seq, &[])
        }
    }

    /// The messages and losses of segments, each with the source port.
    fn run(segments: &[Segment<'_>]) -> Vec<(u16, Framed)> {
        let mut connections = Connections::default();
        let mut seen = Vec::new();
        let mut out = |origin: &Origin, framed| seen.push((origin.src.port(), framed));
        for segment in segments {
            connections.segment(Timestamp(1), segment, &mut out);
            assert!(connections.directions.len() <= MAX_DIRECTIONS);
        }
        connections.finish(&mut out);
        seen
    }

    fn barrier() -> Framed {
        Framed::Message(BARRIER.to_vec().into())
    }

    #[test]
    fn directions_do_not_mix() {
        let seen = run(&[
            syn(1, 99),
            syn(2, 49),
            segment(1, 100, &BARRIER[..5]),
            segment(2, 50, &BARRIER[..3]),
            segment(1, 105, &BARRIER[5..]),
            segment(2, 53, &BARRIER[3..]),
        ]);
        assert_eq!(seen, [(1, barrier()), (2, barrier())]);
    }

    #[test]
    fn a_syn_that_comes_again_changes_nothing_and_another_one_begins_anew() {
        let seen = run(&[
            syn(1, 99),
            segment(1, 100, &BARRIER[..5]),
            syn(1, 99),
            segment(1, 105, &BARRIER[5..]),
            segment(1, 108, &BARRIER[..5]),
            syn(1, 7),
            segment(1, 8, &BARRIER),
        ]);
        let cut_off = Framed::Lost(Loss::CutOff(5));
        assert_eq!(seen, [(1, barrier()), (1, cut_off), (1, barrier())]);
    }

    #[test]
    fn a_segment_that_was_not_captured_is_a_gap_once_it_is_acknowledged() {
        let acknowledgement = Segment {
            src: address(6653),
            dst: address(1),
            ack: Some(116),
            ..segment(1, 0, &[])
        };
        let seen = run(&[syn(1, 99), segment(1, 108, &BARRIER), acknowledgement]);
        assert_eq!(seen, [(1, Framed::Lost(Loss::Gap(8))), (1, barrier())]);
    }

    #[test]
    fn the_oldest_directions_are_forgotten_first() {
        let many: Vec<_> = (0..=MAX_DIRECTIONS as u16)
            .map(|port| segment(10_000 + port, 0, &BARRIER[..5]))
            .collect();
        let seen = run(&many);
        assert_eq!(seen.len(), many.len());
        assert_eq!(seen[0], (10_000, Framed::Lost(Loss::Skipped(5))));
    }
}
