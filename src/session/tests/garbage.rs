use openflow::ErrorKind;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn a_peer_that_is_not_openflow_is_sent_away_at_its_first_bytes() {
    for start in [
        "GET / HTTP/1.1\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
    ] {
        let mut script = Script::new();
        script.sent();
        let events = script.receive_bytes(start.as_bytes());
        let reason = script.closed(&events);
        assert!(
            reason.starts_with("not OpenFlow: it begins with \""),
            "{reason}"
        );
        let (_, answer) = script.sent_error();
        assert_eq!(
            answer.error,
            ErrorKind::Standard(ErrorCode::OFPHFC_INCOMPATIBLE)
        );
    }
}

#[test]
fn another_message_than_hello_is_no_start() {
    let mut script = Script::new();
    let events = script.receive(Xid(1), &Message::EchoRequest(Bytes::new()));
    assert!(script.closed(&events).contains("not with a HELLO"));
}

#[test]
fn a_length_below_that_of_a_header_is_refused() {
    let mut script = Script::in_service();
    let events = script.receive_bytes(&[4, 10, 0, 7, 0, 0, 0, 3]);
    script.closed(&events);
    let (_, answer) = script.sent_error();
    assert_eq!(answer.error, ErrorKind::Standard(ErrorCode::OFPBRC_BAD_LEN));
}

#[test]
fn a_message_that_can_not_be_read_is_quoted_and_refused() {
    let mut script = Script::in_service();
    // A PACKET_IN that ends in the middle of its fixed part.
    let bad = [4, 10, 0, 12, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff];
    let events = script.receive_bytes(&bad);
    let reason = script.closed(&events);
    assert!(reason.contains("PacketIn"), "{reason}");
    let (xid, answer) = script.sent_error();
    assert_eq!(xid, Xid(3));
    assert_eq!(answer.error, ErrorKind::Standard(ErrorCode::OFPBRC_BAD_LEN));
    assert_eq!(answer.data[..], bad);
}

#[test]
fn another_version_after_the_handshake_is_refused() {
    let mut script = Script::in_service();
    let events = script.receive_bytes(&[1, 2, 0, 8, 0, 0, 0, 3]);
    script.closed(&events);
    let (_, answer) = script.sent_error();
    assert_eq!(
        answer.error,
        ErrorKind::Standard(ErrorCode::OFPBRC_BAD_VERSION)
    );
}

#[test]
fn at_most_64_bytes_are_quoted() {
    let mut script = Script::in_service();
    let mut bad = vec![0; 200];
    bad[..4].copy_from_slice(&[4, 10, 0, 200]);
    bad[30] = 0xff;
    script.receive_bytes(&bad);
    let (_, answer) = script.sent_error();
    assert_eq!(answer.data[..], bad[..64]);
}

#[test]
fn what_follows_the_end_is_thrown_away() {
    let mut script = Script::in_service();
    let mut bytes = vec![4, 10, 0, 7, 0, 0, 0, 3];
    Message::EchoRequest(Bytes::new())
        .encode(Xid(4), &mut bytes)
        .unwrap();
    assert_eq!(script.receive_bytes(&bytes).len(), 1);
    assert!(script.input.is_empty());
    script.sent_error();
    assert_eq!(
        script.receive(Xid(5), &Message::EchoRequest(Bytes::new())),
        []
    );
    script.session.send(&Message::BarrierRequest);
    script.session.read_back(script.now);
    script.session.commit(script.now, vec![]);
    assert_eq!(script.events(), []);
    assert_eq!(script.sent(), []);
}

/// A message that is well-formed but for what chance did to it.
fn near_message() -> impl Strategy<Value = Vec<u8>> {
    let kind = 0..=30u8;
    (kind, any::<u32>(), vec(any::<u8>(), 0..200)).prop_map(|(kind, xid, body)| {
        let length = u16::try_from(8 + body.len()).unwrap();
        let mut bytes = vec![4, kind];
        bytes.extend(length.to_be_bytes());
        bytes.extend(xid.to_be_bytes());
        bytes.extend(body);
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes_end_the_session_or_let_it_go_on(
        in_service: bool,
        pieces in vec(prop_oneof![vec(any::<u8>(), 0..100), near_message()], 0..20),
    ) {
        let mut script = if in_service { Script::in_service() } else { Script::new() };
        script.session.read_back(script.now);
        for piece in pieces {
            let events = script.receive_bytes(&piece);
            let ends = events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
            prop_assert!(ends <= 1);
            if ends == 1 {
                prop_assert!(matches!(events.last(), Some(Event::Closed(_))));
                prop_assert_eq!(script.session.poll_timeout(), None);
                prop_assert_eq!(script.receive_bytes(&piece), []);
                break;
            }
            prop_assert!(script.session.poll_timeout().is_some());
        }
        // Whatever came in, what goes out is OpenFlow.
        script.sent();
    }
}
