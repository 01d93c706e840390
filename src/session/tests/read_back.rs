use openflow::{
    Action, Bucket, Cookie, FlowModFlags, FlowStats, FlowStatsRequest, GroupDesc, GroupId,
    GroupType, Instruction, Match, MeterBand, MeterConfig, MeterFlags, MeterId,
    MultipartRequestBody, OxmField, TableId,
};

use super::service::packet_in;
use super::*;
use crate::session::Snapshot;

fn flow(priority: u16) -> FlowStats {
    FlowStats {
        table_id: TableId(1),
        duration_sec: 2,
        duration_nsec: 3,
        priority,
        idle_timeout: 5,
        hard_timeout: 6,
        flags: FlowModFlags::SEND_FLOW_REM,
        cookie: Cookie(7),
        packet_count: 8,
        byte_count: 9,
        match_: Match::new().with(OxmField::InPort, PortNo(1)),
        instructions: vec![Instruction::GotoTable(TableId(2))],
    }
}

fn group() -> GroupDesc {
    let buckets = vec![Bucket::new(vec![Action::output(PortNo(1))])];
    GroupDesc {
        kind: GroupType::All,
        group_id: GroupId(1),
        buckets,
    }
}

fn meter() -> MeterConfig {
    let bands = vec![MeterBand::Drop {
        rate: 1000,
        burst_size: 0,
    }];
    MeterConfig {
        flags: MeterFlags::PKTPS,
        meter_id: MeterId::CONTROLLER,
        bands,
    }
}

fn flows(priorities: std::ops::Range<u16>, more: bool) -> Message {
    multipart(
        MultipartReplyBody::Flow(priorities.map(flow).collect()),
        more,
    )
}

fn groups(more: bool) -> Message {
    multipart(MultipartReplyBody::GroupDesc(vec![group()]), more)
}

fn meters() -> Message {
    multipart(MultipartReplyBody::MeterConfig(vec![meter()]), false)
}

/// The bridge was asked for meters, groups and flows, under these xids.
fn asked() -> (Script, [Xid; 3]) {
    let mut script = Script::in_service();
    script.session.read_back(script.now);
    let xids = script.sent_xids();
    (script, xids)
}

#[test]
fn meters_groups_and_flows_are_asked_for_in_this_order() {
    let mut script = Script::in_service();
    script.session.read_back(script.now);
    let asked: Vec<_> = script
        .sent()
        .into_iter()
        .map(|(_, message)| match message {
            Message::MultipartRequest(request) => request.body,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        MultipartRequestBody::MeterConfig(MeterId::ALL),
        MultipartRequestBody::GroupDesc,
        MultipartRequestBody::Flow(FlowStatsRequest::all()),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn the_answer_comes_in_many_parts_between_other_messages() {
    let (mut script, [meter_xid, group_xid, flow_xid]) = asked();
    assert_eq!(script.receive(meter_xid, &meters()), []);
    assert_eq!(script.receive(group_xid, &groups(true)), []);
    let frame = Event::PacketIn(packet_in());
    assert_eq!(
        script.receive(Xid(0), &Message::PacketIn(packet_in())),
        [frame]
    );
    assert_eq!(script.receive(flow_xid, &flows(0..300, true)), []);
    assert_eq!(script.receive(group_xid, &groups(false)), []);
    assert_eq!(script.receive(flow_xid, &flows(300..301, true)), []);
    let snapshot = Snapshot {
        flows: (0..301).map(flow).collect(),
        groups: vec![group(), group()],
        meters: vec![meter()],
    };
    assert_eq!(
        script.receive(flow_xid, &flows(0..0, false)),
        [Event::ReadBack(snapshot)]
    );
    assert_eq!(
        script.receive(flow_xid, &flows(0..1, false)),
        [],
        "more than was asked for"
    );
}

#[test]
fn an_answer_of_another_kind_ends_the_session() {
    let (mut script, [meter_xid, ..]) = asked();
    let events = script.receive(meter_xid, &port_desc(vec![], false));
    assert!(script.closed(&events).contains("something else"));
}

#[test]
fn a_bridge_that_can_not_be_read_is_given_up() {
    let (mut script, [_, group_xid, _]) = asked();
    let events = script.receive(group_xid, &error(ErrorCode::OFPBRC_BAD_MULTIPART));
    assert!(
        script
            .closed(&events)
            .starts_with("the bridge can not be read")
    );
}

#[test]
fn a_large_answer_is_taken_and_an_endless_one_refused() {
    let (mut script, [_, _, flow_xid]) = asked();
    // Flows that are few and long, which keeps the test quick.
    let long = FlowStats {
        instructions: vec![Instruction::Experimenter {
            experimenter: 1,
            data: Bytes::from_static(&[0; 60_000]),
        }],
        ..flow(1)
    };
    let mut part = Vec::new();
    multipart(MultipartReplyBody::Flow(vec![long]), true)
        .encode(flow_xid, &mut part)
        .unwrap();
    for _ in 0..(256 << 20) / part.len() {
        assert_eq!(script.receive_bytes(&part), []);
    }
    let events = script.receive_bytes(&part);
    assert_eq!(
        script.closed(&events),
        "the bridge holds more than 256 MiB of flows"
    );
}

#[test]
fn a_bridge_that_does_not_answer_is_given_up_though_it_is_alive() {
    let (mut script, [meter_xid, ..]) = asked();
    for second in 1..=50 {
        script.receive(Xid(0), &Message::PacketIn(packet_in()));
        assert_eq!(script.at(second), []);
    }
    // A part is progress.
    script.receive(meter_xid, &meters());
    for second in 51..110 {
        script.receive(Xid(0), &Message::PacketIn(packet_in()));
        assert_eq!(script.at(second), []);
    }
    let events = script.at(110);
    assert!(
        script
            .closed(&events)
            .starts_with("no answer to the request for flows")
    );
}

#[test]
fn a_bridge_that_is_read_may_be_silent_until_the_deadline() {
    let (mut script, [meter_xid, ..]) = asked();
    assert_eq!(script.timeout(), Some(60));
    for second in 1..60 {
        assert_eq!(script.at(second), []);
    }
    assert_eq!(script.sent(), [], "it is not asked for a sign of life");
    script.receive(meter_xid, &meters());
    assert_eq!(script.timeout(), Some(119));
    assert_eq!(script.at(118), []);
    let events = script.at(119);
    assert!(
        script
            .closed(&events)
            .starts_with("no answer to the request for flows")
    );
}

#[test]
fn an_open_probe_is_not_held_against_a_bridge_that_is_being_read() {
    let mut script = Script::in_service();
    script.at(5);
    let _probe: [Xid; 1] = script.sent_xids();
    script.session.read_back(script.now);
    assert_eq!(script.timeout(), Some(65));
    assert_eq!(script.at(64), []);
}

#[test]
fn a_second_request_starts_over() {
    let (mut script, [.., flow_xid]) = asked();
    script.session.read_back(script.now);
    let [meter_xid, group_xid, new_flow_xid] = script.sent_xids();
    assert_eq!(script.receive(flow_xid, &flows(0..5, false)), []);
    script.receive(meter_xid, &meters());
    script.receive(group_xid, &groups(false));
    let events = script.receive(new_flow_xid, &flows(0..1, false));
    let [Event::ReadBack(snapshot)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(snapshot.flows, [flow(0)]);
}
