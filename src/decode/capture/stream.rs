//! One direction of a TCP connection: segments as they were captured in, bytes in order out.

use std::collections::BTreeMap;

/// How many bytes may wait for a hole before them to be filled; more than a TCP window has.
const MAX_PENDING: usize = 8 << 20;
/// What a waiting segment takes beyond its bytes.
const PENDING_OVERHEAD: usize = 64;

/// What the stream has become known to consist of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The next bytes.
    Data(&'a [u8]),
    /// So many bytes are not in the capture.
    Gap(u64),
}

/// Puts segments in order: retransmissions and overlaps are dropped, holes waited for.
///
/// Places count from the first byte seen, so that they do not wrap as sequence numbers do.
#[derive(Debug)]
pub(super) struct Stream {
    /// The sequence number of the next byte.
    next_seq: u32,
    /// The place of the next byte.
    next: u64,
    /// Segments behind a hole, by their place.
    pending: BTreeMap<u64, Vec<u8>>,
    /// What they take in memory.
    pending_len: usize,
}

impl Stream {
    /// A stream whose first byte has the sequence number `seq`.
    pub(super) fn new(seq: u32) -> Self {
        Self {
            next_seq: seq,
            next: 0,
            pending: BTreeMap::new(),
            pending_len: 0,
        }
    }

    /// A segment was seen.
    pub(super) fn segment(&mut self, seq: u32, payload: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        // Half of the number space lies ahead, the other half has passed.
        let distance = seq.wrapping_sub(self.next_seq) as i32;
        match u64::try_from(distance) {
            Ok(ahead) if ahead > 0 => self.keep(self.next + ahead, payload),
            _ => {
                let passed = distance.unsigned_abs() as usize;
                self.take(payload.get(passed..).unwrap_or_default(), out);
                self.take_pending(out);
            }
        }
        while self.pending_len > MAX_PENDING {
            self.give_up_hole(out);
        }
    }

    /// The receiver has everything before `ack`: a hole before it will not be filled any more.
    pub(super) fn acknowledged(&mut self, ack: u32, out: &mut impl FnMut(Piece<'_>)) {
        while let Some((&place, _)) = self.pending.first_key_value() {
            let acknowledged = ack.wrapping_sub(self.next_seq) as i32;
            if i64::from(acknowledged) < (place - self.next) as i64 {
                return;
            }
            self.give_up_hole(out);
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        while !self.pending.is_empty() {
            self.give_up_hole(out);
        }
    }

    fn keep(&mut self, place: u64, payload: &[u8]) {
        let kept = self.pending.entry(place).or_insert_with(|| {
            self.pending_len += PENDING_OVERHEAD;
            Vec::new()
        });
        if let Some(more) = payload.get(kept.len()..) {
            self.pending_len += more.len();
            kept.extend_from_slice(more);
        }
    }

    fn take(&mut self, bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        if !bytes.is_empty() {
            out(Piece::Data(bytes));
            self.advance(bytes.len() as u64);
        }
    }

    /// Takes what no hole is before.
    fn take_pending(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        while let Some(segment) = self.pending.first_entry()
            && *segment.key() <= self.next
        {
            let passed = (self.next - segment.key()) as usize;
            let bytes = segment.remove();
            self.pending_len -= bytes.len() + PENDING_OVERHEAD;
            self.take(bytes.get(passed..).unwrap_or_default(), out);
        }
    }

    /// Goes on behind the first hole.
    fn give_up_hole(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        if let Some((&place, _)) = self.pending.first_key_value() {
            let missing = place - self.next;
            out(Piece::Gap(missing));
            self.advance(missing);
            self.take_pending(out);
        }
    }

    fn advance(&mut self, count: u64) {
        self.next += count;
        // Sequence numbers are counted modulo 2^32.
        self.next_seq = self.next_seq.wrapping_add(count as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gap or the bytes of neighbouring data.
    #[derive(Debug, PartialEq, Eq)]
    enum Seen {
        Data(Vec<u8>),
        Gap(u64),
    }

    #[derive(Default)]
    struct Log(Vec<Seen>);

    impl Log {
        fn sink(&mut self) -> impl FnMut(Piece<'_>) {
            |piece| match (piece, self.0.last_mut()) {
                (Piece::Data(bytes), Some(Seen::Data(data))) => data.extend_from_slice(bytes),
                (Piece::Data(bytes), _) => self.0.push(Seen::Data(bytes.to_vec())),
                (Piece::Gap(count), _) => self.0.push(Seen::Gap(count)),
            }
        }
    }

    fn data(bytes: &[u8]) -> Seen {
        Seen::Data(bytes.to_vec())
    }

    #[test]
    fn segments_in_any_order_and_overlap_give_the_bytes_in_order() {
        // Across the wrap of the sequence numbers.
        const START: u32 = u32::MAX - 3;
        let orders: [&[(u32, &[u8])]; 5] = [
            &[(0, b"abc"), (3, b"defg"), (7, b"hij")],
            &[(7, b"hij"), (3, b"defg"), (0, b"abc")],
            &[
                (0, b"abc"),
                (0, b"abc"),
                (7, b"hij"),
                (7, b"hij"),
                (3, b"defg"),
            ],
            &[(0, b"abcde"), (3, b"defg"), (2, b"cdefghi"), (5, b"fghij")],
            &[
                (4, b"ef"),
                (4, b"efgh"),
                (6, b"g"),
                (0, b"abcde"),
                (7, b"hij"),
            ],
        ];
        for order in orders {
            let mut log = Log::default();
            let mut stream = Stream::new(START);
            for &(offset, bytes) in order {
                stream.segment(START.wrapping_add(offset), bytes, &mut log.sink());
            }
            assert_eq!(log.0, [data(b"abcdefghij")], "{order:?}");
            assert_eq!(stream.pending_len, 0);
        }
    }

    #[test]
    fn a_hole_is_a_gap_only_when_the_receiver_has_its_bytes() {
        let mut log = Log::default();
        let mut stream = Stream::new(100);
        stream.segment(100, b"ab", &mut log.sink());
        stream.segment(105, b"fg", &mut log.sink());
        stream.acknowledged(102, &mut log.sink());
        stream.acknowledged(104, &mut log.sink());
        assert_eq!(log.0, [data(b"ab")]);
        stream.acknowledged(107, &mut log.sink());
        assert_eq!(log.0, [data(b"ab"), Seen::Gap(3), data(b"fg")]);
        // The lost segment comes after all: too late.
        stream.segment(102, b"cde", &mut log.sink());
        stream.segment(107, b"h", &mut log.sink());
        assert_eq!(log.0, [data(b"ab"), Seen::Gap(3), data(b"fgh")]);
    }

    #[test]
    fn the_end_shows_what_still_waits() {
        let mut log = Log::default();
        let mut stream = Stream::new(0);
        stream.segment(2, b"c", &mut log.sink());
        stream.segment(5, b"f", &mut log.sink());
        stream.finish(&mut log.sink());
        assert_eq!(log.0, [Seen::Gap(2), data(b"c"), Seen::Gap(2), data(b"f")]);
    }

    #[test]
    fn what_waits_for_a_hole_is_bounded() {
        let mut log = Log::default();
        let mut stream = Stream::new(0);
        let segment = vec![7; 1 << 16];
        for index in 0..1000 {
            stream.segment(1 + (index << 16), &segment, &mut log.sink());
            assert!(stream.pending_len <= MAX_PENDING);
        }
        assert_eq!(log.0[0], Seen::Gap(1));
    }
}
