use openflow::{MultipartRequestBody, TableStats};

use super::*;

fn hello_of(version: u8, elements: Vec<HelloElement>) -> Message {
    Message::Hello(Hello {
        version,
        elements,
        ..Hello::new()
    })
}

/// Goes on behind HELLO to where the bridge was asked who it is.
fn inquiring() -> (Script, [Xid; 2]) {
    let mut script = Script::new();
    script.sent();
    assert_eq!(script.receive(Xid(9), &hello()), []);
    let xids = script.sent_xids();
    (script, xids)
}

#[test]
fn a_bridge_is_asked_who_it_is_and_which_ports_it_has() {
    let mut script = Script::new();
    assert_eq!(script.sent_one().1, hello());
    assert_eq!(script.receive(Xid(9), &hello()), []);
    let [(features, first), (ports, second)]: [_; 2] = script.sent().try_into().unwrap();
    assert_eq!(first, Message::FeaturesRequest);
    let Message::MultipartRequest(second) = second else {
        panic!("{second:?}")
    };
    assert_eq!(second.body, MultipartRequestBody::PortDesc);

    assert_eq!(script.receive(features, &features_reply()), []);
    let first_part = port_desc(vec![local_port()], true);
    assert_eq!(script.receive(ports, &first_part), []);
    let last_part = port_desc(vec![port(PortNo(1), "vm1")], false);
    let identified = Event::Identified {
        datapath_id: DATAPATH_ID,
        ports: vec![local_port(), port(PortNo(1), "vm1")],
    };
    assert_eq!(script.receive(ports, &last_part), [identified]);
}

#[test]
fn a_hello_without_bitmap_counts_by_its_header() {
    for (version, is_fine) in [(1, false), (3, false), (4, true), (5, true), (6, true)] {
        let mut script = Script::new();
        script.sent();
        let events = script.receive(Xid(9), &hello_of(version, vec![]));
        assert_eq!(events.is_empty(), is_fine, "version {version}: {events:?}");
    }
}

#[test]
fn a_hello_with_bitmaps_counts_by_these() {
    let bitmap = HelloElement::VersionBitmap;
    let unknown = HelloElement::Unknown {
        kind: 7,
        data: Bytes::from_static(b"abcd"),
    };
    for (elements, is_fine) in [
        (vec![bitmap(vec![0b1_0010])], true),
        (vec![bitmap(vec![0b10_0000, 0b1_0000])], false),
        (vec![bitmap(vec![])], false),
        (
            vec![
                bitmap(vec![0b1_0000]),
                unknown.clone(),
                bitmap(vec![0b1_0000]),
            ],
            true,
        ),
        (vec![unknown], true),
    ] {
        let mut script = Script::new();
        script.sent();
        let events = script.receive(Xid(9), &hello_of(6, elements.clone()));
        assert_eq!(events.is_empty(), is_fine, "{elements:?}: {events:?}");
    }
}

#[test]
fn a_peer_of_other_versions_is_told_and_named() {
    let mut script = Script::new();
    script.sent();
    let events = script.receive(Xid(9), &hello_of(1, vec![]));
    let reason = script.closed(&events);
    assert_eq!(
        reason,
        "the peer speaks OpenFlow 1.0, needed is 1.3 \
         (ovs-vsctl set bridge BRIDGE protocols=OpenFlow13)"
    );
    let (xid, answer) = script.sent_error();
    assert_eq!(xid, Xid(9));
    assert_eq!(
        answer,
        ErrorMsg::new(ErrorCode::OFPHFC_INCOMPATIBLE, reason.into())
    );

    let mut script = Script::new();
    let spoken = vec![HelloElement::VersionBitmap(vec![0b110_0010])];
    let events = script.receive(Xid(9), &hello_of(6, spoken));
    assert!(
        script
            .closed(&events)
            .contains("OpenFlow 1.0, 1.4, 1.5, needed")
    );
}

#[test]
fn a_peer_that_refuses_our_hello_is_quoted() {
    let mut script = Script::new();
    script.sent();
    let refusal = ErrorMsg::new(
        ErrorCode::OFPHFC_INCOMPATIBLE,
        Bytes::from_static(b"only 1.0"),
    );
    let events = script.receive(Xid(1), &Message::Error(refusal));
    let reason = script.closed(&events);
    assert!(
        reason.contains("refuses our HELLO") && reason.ends_with("only 1.0"),
        "{reason}"
    );
    assert_eq!(script.sent(), [], "an ERROR is not answered with an ERROR");
}

#[test]
fn a_refused_request_ends_the_handshake() {
    let (mut script, [features, _]) = inquiring();
    let events = script.receive(features, &error(ErrorCode::OFPBRC_EPERM));
    assert!(script.closed(&events).contains("refuses the handshake"));
}

#[test]
fn echo_is_answered_already_in_the_handshake() {
    let (mut script, _) = inquiring();
    let data = Bytes::from_static(b"are you there");
    assert_eq!(
        script.receive(Xid(77), &Message::EchoRequest(data.clone())),
        []
    );
    assert_eq!(script.sent_one(), (Xid(77), Message::EchoReply(data)));
}

#[test]
fn ports_that_change_in_the_handshake_are_told_after_it() {
    let (mut script, [features, ports]) = inquiring();
    assert_eq!(
        script.receive(Xid(0), &Message::PortStatus(port_added(1))),
        []
    );
    assert_eq!(script.receive(features, &features_reply()), []);
    assert_eq!(
        script.receive(Xid(0), &Message::PortStatus(port_added(2))),
        []
    );
    let events = script.receive(ports, &port_desc(vec![local_port()], false));
    let [Event::Identified { .. }, changes @ ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        changes,
        [
            Event::PortStatus(port_added(1)),
            Event::PortStatus(port_added(2))
        ]
    );
}

#[test]
fn replies_under_other_xids_are_nobodys() {
    let (mut script, [features, ports]) = inquiring();
    let stray = Xid(features.0 + 1000);
    assert_eq!(script.receive(stray, &features_reply()), []);
    assert_eq!(
        script.receive(stray, &port_desc(vec![local_port()], false)),
        []
    );
    let events = script.receive(ports, &port_desc(vec![local_port()], false));
    assert!(script.closed(&events).contains("before FEATURES_REQUEST"));
}

#[test]
fn ports_of_another_kind_end_the_handshake() {
    let (mut script, [features, ports]) = inquiring();
    script.receive(features, &features_reply());
    let tables = multipart(MultipartReplyBody::Table(Vec::<TableStats>::new()), false);
    let events = script.receive(ports, &tables);
    assert!(script.closed(&events).contains("something else"));
}

#[test]
fn auxiliary_connections_are_refused() {
    let (mut script, [features, _]) = inquiring();
    let Message::FeaturesReply(reply) = features_reply() else {
        unreachable!()
    };
    let auxiliary = Message::FeaturesReply(FeaturesReply {
        auxiliary_id: 1,
        ..reply
    });
    let events = script.receive(features, &auxiliary);
    assert!(script.closed(&events).contains("auxiliary connection 1"));
}

#[test]
fn endless_ports_are_refused() {
    let (mut script, [features, ports]) = inquiring();
    script.receive(features, &features_reply());
    let part = port_desc(vec![local_port(); 1000], true);
    let end = (0..100)
        .map(|_| script.receive(ports, &part))
        .find(|events| !events.is_empty());
    assert!(
        script
            .closed(&end.unwrap())
            .contains("more than 65536 ports")
    );
}

#[test]
fn the_handshake_has_a_deadline() {
    let (mut script, _) = inquiring();
    assert_eq!(script.timeout(), Some(10));
    assert_eq!(script.at(9), []);
    // Nothing that the peer sends puts it off.
    script.receive(Xid(5), &Message::EchoRequest(Bytes::new()));
    let events = script.at(10);
    assert_eq!(script.closed(&events), "the handshake took too long");
}
