//! What contains itself is read to a depth that no switch takes, and no deeper.

use bytes::{BufMut, Bytes};
use openflow::*;

use crate::common::encode;

/// A PACKET_OUT with an action inside an action, so many levels deep.
fn clones(depth: usize) -> Bytes {
    let mut action = Action::PopVlan;
    for _ in 0..depth {
        action = Action::Clone(vec![action]);
    }
    encode(
        Xid(1),
        &Message::PacketOut(PacketOut::new(vec![action], Bytes::new())),
    )
}

#[test]
fn actions_nest_32_deep_and_no_deeper() {
    assert!(Message::decode(clones(32)).is_ok());
    let error = Message::decode(clones(33)).expect_err("it is too deep");
    assert_eq!(error.problem(), Problem::TooDeep { limit: 32 });
    assert_eq!(error.error_code().kind, ErrorType::BadAction);
}

/// As deep as a message can be: 16 bytes a level.
#[test]
fn the_deepest_message_does_not_use_up_the_stack() {
    let mut nested = Vec::new();
    let levels = (usize::from(u16::MAX) - 24) / 16;
    for level in (1..=levels).rev() {
        nested.put_u16(0xffff);
        nested.put_u16((16 * level) as u16);
        nested.put_u32(experimenter::NICIRA);
        nested.put_u16(42);
        nested.extend_from_slice(&[0; 6]);
    }
    let mut wire = vec![4, 13];
    wire.put_u16((24 + nested.len()) as u16);
    wire.put_u32(1);
    wire.put_u64(0);
    wire.put_u16(nested.len() as u16);
    wire.extend_from_slice(&[0; 6]);
    wire.append(&mut nested);
    let error = Message::decode(wire.into()).expect_err("it is too deep");
    assert_eq!(error.problem(), Problem::TooDeep { limit: 32 });
}

#[test]
fn bundles_do_not_nest() {
    let control = BundleControl::new(1, BundleControlKind::OpenRequest, BundleFlags::ATOMIC);
    let add = |message| Message::BundleAdd(BundleAdd::new(1, BundleFlags::ATOMIC, message));
    let mut out = Vec::new();
    for inner in [
        Message::BundleControl(control),
        add(Message::BarrierRequest),
    ] {
        assert!(add(inner.clone()).encode(Xid(1), &mut out).is_err());
        assert!(out.is_empty());

        // By hand: around the inner message, the same as around a barrier.
        let inner = encode(Xid(1), &inner);
        let mut wire = encode(Xid(1), &add(Message::BarrierRequest))[..24].to_vec();
        wire.extend_from_slice(&inner);
        let length = wire.len() as u16;
        wire[2..4].copy_from_slice(&length.to_be_bytes());
        let error = Message::decode(wire.into()).expect_err("it is nested");
        assert_eq!(error.problem(), Problem::TooDeep { limit: 1 });
    }
}
