use super::*;

#[test]
fn a_silent_bridge_is_probed_and_then_given_up() {
    let mut script = Script::in_service();
    assert_eq!(script.timeout(), Some(5));
    assert_eq!(script.at(4), []);
    assert_eq!(script.sent(), []);
    assert_eq!(script.at(5), []);
    assert_eq!(script.sent_one().1, Message::EchoRequest(Bytes::new()));
    assert_eq!(script.timeout(), Some(15));
    assert_eq!(script.at(14), []);
    let events = script.at(15);
    assert_eq!(
        script.closed(&events),
        "silent, no answer to an echo request"
    );
    assert_eq!(script.sent(), []);
}

#[test]
fn a_bridge_that_answers_is_kept() {
    let mut script = Script::in_service();
    script.at(5);
    let (xid, _) = script.sent_one();
    script.at(6);
    assert_eq!(script.receive(xid, &Message::EchoReply(Bytes::new())), []);
    assert_eq!(script.timeout(), Some(11));
    assert_eq!(script.at(10), []);
    assert_eq!(script.sent(), []);
}

#[test]
fn any_message_is_a_sign_of_life() {
    let mut script = Script::in_service();
    script.at(4);
    script.receive(Xid(0), &Message::PortStatus(port_added(1)));
    assert_eq!(script.timeout(), Some(9));
    assert_eq!(script.at(5), []);
    assert_eq!(script.sent(), []);
}

#[test]
fn half_a_message_is_no_sign_of_life() {
    let mut script = Script::in_service();
    script.at(4);
    assert_eq!(script.receive_bytes(&[4, 2, 0, 16]), []);
    assert_eq!(script.timeout(), Some(5));
}

#[test]
fn the_echo_of_the_bridge_is_answered_with_its_data() {
    let mut script = Script::in_service();
    let data = Bytes::from_static(b"0123456789");
    assert_eq!(
        script.receive(Xid(0xdead_beef), &Message::EchoRequest(data.clone())),
        []
    );
    assert_eq!(
        script.sent_one(),
        (Xid(0xdead_beef), Message::EchoReply(data))
    );
}
