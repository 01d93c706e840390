//! How often the codec allocates; how fast that is, the benches say.

use bytes::{Bytes, BytesMut};
use openflow::{
    Action, FlowMod, Framer, Instruction, MacAddr, Match, Message, OxmField, PortNo, Xid,
};

fn flow_mod() -> Message {
    let match_ = Match::new()
        .with(OxmField::InPort, PortNo(1))
        .with(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 1]))
        .with_masked(OxmField::Ipv4Src, 0x0a00_0000u32, 0xff00_0000u32);
    let actions = vec![Action::PopVlan, Action::output(PortNo(2))];
    let instructions = vec![Instruction::ApplyActions(actions)];
    Message::FlowMod(FlowMod {
        match_,
        instructions,
        ..FlowMod::add()
    })
}

fn encode(message: &Message) -> Bytes {
    let mut out = Vec::new();
    message.encode(Xid(1), &mut out).unwrap();
    out.into()
}

#[test]
fn encoding_into_a_buffer_with_room_does_not_allocate() {
    let message = flow_mod();
    let mut out = Vec::with_capacity(1024);
    let count = allocation_counter::measure(|| message.encode(Xid(1), &mut out).unwrap());
    assert_eq!(count.count_total, 0);
}

#[test]
fn decoding_allocates_once_a_list() {
    let wire = encode(&flow_mod());
    let count = allocation_counter::measure(|| drop(Message::decode(wire)));
    // The match, the instructions, and the actions of the one instruction.
    assert_eq!(count.count_total, 3);
}

#[test]
fn payloads_are_not_copied() {
    let payload = Bytes::from(vec![0x5a; 1500]);
    let wire = encode(&Message::EchoRequest(payload));
    // The first copy of a handle makes the buffer shared, once.
    let _shared = wire.clone();
    let count = allocation_counter::measure(|| {
        let (_, message) = Message::decode(wire.clone()).unwrap();
        let Message::EchoRequest(data) = message else {
            panic!("not an echo request")
        };
        assert_eq!(data.as_ptr(), wire[8..].as_ptr());
    });
    assert_eq!(count.count_total, 0);
}

#[test]
fn framing_allocates_once_a_buffer_not_once_a_message() {
    let wire = encode(&Message::BarrierRequest);
    let mut buffer = BytesMut::from(&wire.repeat(1000)[..]);
    let mut frames = Vec::with_capacity(1000);
    let count = allocation_counter::measure(|| {
        while let Ok(Some(frame)) = Framer::new().next(&mut buffer) {
            frames.push(frame);
        }
    });
    assert_eq!(frames.len(), 1000);
    assert_eq!(count.count_total, 1);
}
