//! The bodies of the fuzz targets on the corpus and on what becomes of it by seeded changes: the
//! same in every run, and without a nightly toolchain.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::common::corpus;

/// Changes of each message of the corpus.
const ROUNDS: usize = 200;

/// Calls `body` with messages of the corpus (the shorter ones) and with changed ones.
fn on_changed_messages(mut body: impl FnMut(&[u8])) {
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let messages: Vec<_> = corpus()
        .into_iter()
        .map(|sample| sample.wire)
        .filter(|wire| wire.len() <= 1024)
        .collect();
    for wire in &messages {
        body(wire);
        for _ in 0..ROUNDS {
            let other = &messages[below(&mut rng, messages.len())];
            body(&changed(&mut rng, wire, other));
        }
    }
}

fn below(rng: &mut TestRng, end: usize) -> usize {
    (rng.next_u64() % end as u64) as usize
}

/// A few changes of the kinds that parsers stumble over, with a header that agrees half the time.
fn changed(rng: &mut TestRng, wire: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = wire.to_vec();
    for _ in 0..=below(rng, 3) {
        if bytes.is_empty() {
            break;
        }
        let place = below(rng, bytes.len());
        match below(rng, 7) {
            0 => bytes[place] ^= 1 << below(rng, 8),
            1 => bytes[place] = [0, 1, 7, 8, 0x7f, 0x80, 0xfe, 0xff][below(rng, 8)],
            2 => bytes.truncate(place),
            3 => drop(bytes.drain(place..(place + 1 + below(rng, 8)).min(bytes.len()))),
            4 => bytes.insert(place, below(rng, 256) as u8),
            // A length, most often, is in an even place.
            5 => bytes[place & !1] = 0,
            _ => {
                let from = below(rng, other.len());
                let end = (from + 1 + below(rng, 32)).min(other.len());
                bytes.splice(place..place, other[from..end].iter().copied());
            }
        }
    }
    if below(rng, 2) == 0 && bytes.len() >= 4 {
        let length = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
    bytes
}

#[test]
fn messages() {
    on_changed_messages(bodies::message);
}

#[test]
fn streams() {
    let mut stream = vec![6];
    on_changed_messages(|wire| {
        stream.extend_from_slice(wire);
        if stream.len() > 4096 {
            bodies::framer(&stream);
            stream.truncate(1);
            stream[0] = stream[0].wrapping_mul(5).wrapping_add(1);
        }
    });
}

/// Matches and actions stand in the messages of the corpus; here each tail of one is tried.
#[test]
fn matches_and_actions() {
    on_changed_messages(|wire| {
        for start in (0..wire.len()).step_by(4) {
            bodies::flow_match(&wire[start..]);
            bodies::actions(&wire[start..]);
        }
    });
}

#[test]
fn multiparts() {
    let mut stream = Vec::new();
    on_changed_messages(|wire| {
        stream.extend_from_slice(wire);
        if stream.len() > 8192 {
            bodies::multipart(&stream);
            stream.clear();
        }
    });
}
