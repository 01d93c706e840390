//! Messages of other implementations come back byte for byte, and cut-off ones are refused.

use crate::common::{corpus, cut, encode};
use bytes::Bytes;
use openflow::Message;

#[test]
fn every_message_encodes_to_the_bytes_it_came_from() {
    let samples = corpus();
    assert!(!samples.is_empty());
    for sample in samples {
        let (xid, message) = Message::decode(sample.wire.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", sample.origin));
        assert_eq!(
            encode(xid, &message),
            sample.wire,
            "{}: {message:#?}",
            sample.origin
        );
    }
}

#[test]
fn every_prefix_is_an_error() {
    for sample in corpus() {
        for length in 0..sample.wire.len() {
            let decoded = Message::decode(sample.wire.slice(..length));
            assert!(
                decoded.is_err(),
                "{}: {length} bytes: {decoded:?}",
                sample.origin
            );
        }
    }
}

/// With a header that agrees, a cut may also end a list early or shorten a payload. What is
/// accepted then must be what was meant: it comes back byte for byte.
#[test]
fn every_prefix_with_a_header_that_agrees_is_an_error_or_a_shorter_message() {
    for sample in corpus() {
        // Longer messages are lists whose elements the beginning has too.
        for length in 8..sample.wire.len().min(2048) {
            let wire = cut(&sample.wire, length);
            if let Ok((xid, message)) = Message::decode(wire.clone()) {
                assert_eq!(
                    encode(xid, &message),
                    wire,
                    "{}: {message:#?}",
                    sample.origin
                );
            }
        }
    }
}

/// No error code may be outside of the specification: it is what the peer is told.
#[test]
fn every_refusal_has_an_openflow_error() {
    for sample in corpus() {
        for length in 0..sample.wire.len().min(512) {
            let wire: Bytes = if length < 8 {
                sample.wire.slice(..length)
            } else {
                cut(&sample.wire, length)
            };
            if let Err(error) = Message::decode(wire) {
                assert!(error.error_code().name().is_some(), "{error}");
                assert!(error.offset() <= length, "{error}");
            }
        }
    }
}
