//! What is encoded decodes to the same, and cutting or changing it never does harm.

use bytes::Bytes;
use openflow::{Message, Xid};
use proptest::prelude::*;

use crate::common::{cut, encode};
use crate::strategies::message;

proptest! {
    #[test]
    fn decoding_undoes_encoding(xid in any::<u32>(), message in message()) {
        let wire = encode(Xid(xid), &message);
        let decoded = Message::decode(wire);
        prop_assert_eq!(decoded, Ok((Xid(xid), message)));
    }

    #[test]
    fn every_prefix_is_refused(message in message()) {
        let wire = encode(Xid(1), &message);
        for length in 0..wire.len() {
            prop_assert!(Message::decode(wire.slice(..length)).is_err(), "{} bytes", length);
        }
    }

    /// Cut, with a header that agrees, the bytes may still be a message; then it is a stable one.
    #[test]
    fn accepted_prefixes_are_stable(message in message()) {
        let wire = encode(Xid(1), &message);
        for length in 8..wire.len() {
            assert_stable(&cut(&wire, length));
        }
    }

    #[test]
    fn accepted_mutations_are_stable(
        message in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut wire = encode(Xid(1), &message).to_vec();
        for (place, value) in changes {
            let place = place.index(wire.len());
            wire[place] = value;
        }
        assert_stable(&wire.into());
    }

    #[test]
    fn padding_is_accepted_and_written_as_zero(message in message()) {
        // A byte that does not come back was padding: then it must come back as zero, alone.
        let wire = encode(Xid(1), &message);
        for place in 8..wire.len().min(512) {
            let mut changed = wire.to_vec();
            changed[place] ^= 0xff;
            if let Ok((xid, decoded)) = Message::decode(changed.clone().into())
                && decoded == message
            {
                prop_assert_eq!(encode(xid, &decoded), wire.clone());
                prop_assert_eq!(wire[place], 0, "byte {} is lost", place);
            }
        }
    }
}

/// What is accepted encodes, and what that gives decodes to the same value and bytes.
fn assert_stable(wire: &Bytes) {
    let Ok((xid, message)) = Message::decode(wire.clone()) else {
        return;
    };
    let again = encode(xid, &message);
    assert_eq!(Message::decode(again), Ok((xid, message)));
}
