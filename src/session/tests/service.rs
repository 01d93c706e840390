use openflow::{
    BufferId, Cookie, ErrorKind, FlowMod, FlowRemoved, FlowRemovedReason, Match, OxmField,
    PacketIn, PacketInReason, TableId,
};

use super::*;
use crate::session::describe_refusal;

pub(super) fn packet_in() -> PacketIn {
    PacketIn {
        buffer_id: BufferId::NO_BUFFER,
        total_len: 64,
        reason: PacketInReason::Action,
        table_id: TableId(3),
        cookie: Cookie(7),
        match_: Match::new().with(OxmField::InPort, PortNo(5)),
        data: Bytes::from_static(&[0xaa; 64]),
    }
}

pub(super) fn flow_removed() -> FlowRemoved {
    FlowRemoved {
        cookie: Cookie(7),
        priority: 100,
        reason: FlowRemovedReason::IdleTimeout,
        table_id: TableId(3),
        duration_sec: 300,
        duration_nsec: 1,
        idle_timeout: 300,
        hard_timeout: 0,
        packet_count: 10,
        byte_count: 640,
        match_: Match::new().with(OxmField::InPort, PortNo(5)),
    }
}

#[test]
fn what_the_bridge_tells_is_passed_on_in_order() {
    let mut script = Script::in_service();
    let mut bytes = Vec::new();
    for message in [
        Message::PacketIn(packet_in()),
        Message::FlowRemoved(flow_removed()),
        Message::PortStatus(port_added(1)),
    ] {
        message.encode(Xid(0), &mut bytes).unwrap();
    }
    let told = [
        Event::PacketIn(packet_in()),
        Event::FlowRemoved(flow_removed()),
        Event::PortStatus(port_added(1)),
    ];
    assert_eq!(script.receive_bytes(&bytes), told);
}

#[test]
fn a_message_may_come_in_any_pieces() {
    let mut bytes = Vec::new();
    Message::PacketIn(packet_in())
        .encode(Xid(0), &mut bytes)
        .unwrap();
    for cut in 1..bytes.len() {
        let mut script = Script::in_service();
        assert_eq!(script.receive_bytes(&bytes[..cut]), []);
        assert_eq!(
            script.receive_bytes(&bytes[cut..]),
            [Event::PacketIn(packet_in())]
        );
    }
}

#[test]
fn what_is_sent_has_an_xid_of_its_own() {
    let mut script = Script::in_service();
    let flow = Message::FlowMod(FlowMod::add());
    let first = script.session.send(&flow);
    let second = script.session.send(&Message::BarrierRequest);
    assert_eq!(
        script.sent(),
        [(first, flow), (second, Message::BarrierRequest)]
    );
    assert_ne!(first, second);
}

#[test]
fn an_error_is_told_with_the_xid_of_what_it_answers() {
    let mut script = Script::in_service();
    let xid = script.session.send(&Message::FlowMod(FlowMod::add()));
    let refusal = ErrorMsg::new(ErrorCode::OFPFMFC_TABLE_FULL, Bytes::from_static(&[4, 14]));
    let events = script.receive(xid, &Message::Error(refusal.clone()));
    assert_eq!(
        events,
        [Event::SwitchError {
            xid,
            error: refusal
        }]
    );
}

#[test]
fn a_refusal_names_the_message_where_it_is_quoted() {
    let code = ErrorCode::OFPFMFC_TABLE_FULL;
    let mut quote = Vec::new();
    let flow = Message::FlowMod(FlowMod::add());
    flow.encode(Xid(1), &mut quote).unwrap();
    let whole = ErrorMsg::new(code, quote.clone().into());
    assert_eq!(
        describe_refusal(&whole),
        "Add of flow cookie=0x0,table=0,priority=32768 actions=drop: OFPFMFC_TABLE_FULL"
    );
    quote.pop();
    let cut = ErrorMsg::new(code, quote.into());
    assert_eq!(describe_refusal(&cut), "OFPFMFC_TABLE_FULL");
}

#[test]
fn a_message_without_form_on_the_wire_ends_the_session() {
    let mut script = Script::in_service();
    script
        .session
        .send(&Message::EchoRequest(vec![0; 70_000].into()));
    let events = script.events();
    assert!(
        script
            .closed(&events)
            .starts_with("a message can not be sent")
    );
    assert_eq!(script.sent(), []);
}

#[test]
fn requests_and_unknown_messages_are_refused_and_the_session_goes_on() {
    let mut script = Script::in_service();
    let unknown = Message::Unknown {
        kind: 99,
        body: Bytes::from_static(b"12345678"),
    };
    for message in [
        unknown,
        Message::FeaturesRequest,
        Message::FlowMod(FlowMod::add()),
    ] {
        assert_eq!(script.receive(Xid(31), &message), []);
        let (xid, answer) = script.sent_error();
        assert_eq!(xid, Xid(31));
        assert_eq!(
            answer.error,
            ErrorKind::Standard(ErrorCode::OFPBRC_BAD_TYPE)
        );
    }
    assert_eq!(
        script
            .receive(Xid(0), &Message::PacketIn(packet_in()))
            .len(),
        1
    );
}

#[test]
fn answers_that_nobody_asked_for_are_ignored() {
    let mut script = Script::in_service();
    for message in [
        hello(),
        features_reply(),
        Message::BarrierReply,
        port_desc(vec![local_port()], false),
        Message::Experimenter {
            experimenter: 0x2320,
            exp_type: 1,
            data: Bytes::new(),
        },
    ] {
        assert_eq!(script.receive(Xid(31), &message), [], "{message:?}");
        assert_eq!(script.sent(), [], "{message:?}");
    }
}
