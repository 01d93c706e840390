//! The messages that are measured.

use bytes::Bytes;
use openflow::*;

/// The message as bytes.
pub(crate) fn encode(message: &Message) -> Bytes {
    let mut out = Vec::new();
    message
        .encode(Xid(1), &mut out)
        .expect("the samples are well-formed");
    out.into()
}

/// A PACKET_IN with its ingress port and a payload of `length` bytes.
pub(crate) fn packet_in(length: usize) -> Message {
    Message::PacketIn(PacketIn {
        buffer_id: BufferId::NO_BUFFER,
        total_len: length as u16,
        reason: PacketInReason::Action,
        table_id: TableId(3),
        cookie: Cookie(0x1122_3344_5566_7788),
        match_: Match::new().with(OxmField::InPort, PortNo(7)),
        data: vec![0x5a; length].into(),
    })
}

/// The flow entry of a learned MAC: 88 bytes.
pub(crate) fn small_flow_mod() -> Message {
    let match_ = Match::new().with(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 1]));
    let output = vec![Action::output(PortNo(9))];
    Message::FlowMod(FlowMod {
        cookie: Cookie(0x42),
        priority: 100,
        idle_timeout: 300,
        match_,
        instructions: vec![Instruction::ApplyActions(output)],
        ..FlowMod::add()
    })
}

/// A FLOW_MOD with 10 match fields and 3 actions.
pub(crate) fn large_flow_mod() -> Message {
    Message::FlowMod(FlowMod {
        cookie: Cookie(0x42),
        priority: 100,
        match_: ten_fields(),
        instructions: vec![Instruction::ApplyActions(three_actions())],
        ..FlowMod::add()
    })
}

fn ten_fields() -> Match {
    Match::new()
        .with(OxmField::InPort, PortNo(7))
        .with(OxmField::Metadata, 0x1234u64)
        .with(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 1]))
        .with(OxmField::EthSrc, MacAddr([0x52, 0x54, 0, 0, 0, 2]))
        .with(OxmField::EthType, 0x0800u16)
        .with(OxmField::VlanVid, OFPVID_PRESENT | 3000)
        .with(OxmField::IpProto, 6u8)
        .with_masked(OxmField::Ipv4Src, 0x0a00_0000u32, 0xff00_0000u32)
        .with(OxmField::Ipv4Dst, 0x0a01_0203u32)
        .with(OxmField::TcpDst, 443u16)
}

fn three_actions() -> Vec<Action> {
    vec![
        Action::PopVlan,
        Action::set_field(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 3])),
        Action::output(PortNo(9)),
    ]
}

/// A FLOW multipart reply with 500 flow entries.
pub(crate) fn flow_reply() -> Message {
    let flow = |i: u16| FlowStats {
        table_id: TableId(2),
        duration_sec: 100,
        duration_nsec: 1000,
        priority: i,
        idle_timeout: 300,
        hard_timeout: 0,
        flags: FlowModFlags::SEND_FLOW_REM,
        cookie: Cookie(i.into()),
        packet_count: 10,
        byte_count: 1000,
        match_: Match::new()
            .with(OxmField::VlanVid, OFPVID_PRESENT | i)
            .with(OxmField::EthDst, u64::from(i)),
        instructions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(9))])],
    };
    Message::MultipartReply(MultipartReply {
        flags: MultipartFlags::empty(),
        body: MultipartReplyBody::Flow((0..500).map(flow).collect()),
    })
}

/// A buffer of 1,000 messages, PACKET_IN of 147 bytes and FLOW_MOD of 88 bytes alternating.
pub(crate) fn mixed_stream() -> Vec<u8> {
    let (packet_in, flow_mod) = (encode(&packet_in(105)), encode(&small_flow_mod()));
    assert_eq!((packet_in.len(), flow_mod.len()), (147, 88));
    (0..500)
        .flat_map(|_| packet_in.iter().chain(&flow_mod).copied())
        .collect()
}
