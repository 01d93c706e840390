//! Counters.

use openflow::{MeterId, MeterStats, MultipartReplyBody, MultipartRequestBody, PortStats};

use super::*;

fn requests() -> Vec<MultipartRequestBody> {
    vec![
        MultipartRequestBody::PortStats(PortNo::ANY),
        MultipartRequestBody::Meter(MeterId::ALL),
    ]
}

fn port_stats(number: u32) -> MultipartReplyBody {
    MultipartReplyBody::PortStats(vec![PortStats {
        port_no: PortNo(number),
        rx_packets: 1,
        tx_packets: 2,
        rx_bytes: 3,
        tx_bytes: 4,
        rx_dropped: 5,
        tx_dropped: 6,
        rx_errors: 7,
        tx_errors: 8,
        rx_frame_err: 9,
        rx_over_err: 10,
        rx_crc_err: 11,
        collisions: 12,
        duration_sec: 13,
        duration_nsec: 14,
    }])
}

fn meter_stats() -> MultipartReplyBody {
    MultipartReplyBody::Meter(vec![MeterStats {
        meter_id: MeterId(1),
        flow_count: 2,
        packet_in_count: 3,
        byte_in_count: 4,
        duration_sec: 5,
        duration_nsec: 6,
        band_stats: Vec::new(),
    }])
}

/// These were the answers, all of them or not.
fn surveyed(answers: Vec<MultipartReplyBody>, is_whole: bool) -> [Event; 1] {
    [Event::Surveyed { answers, is_whole }]
}

/// The bridge was asked for both, under these xids.
fn asked() -> (Script, [Xid; 2]) {
    let mut script = Script::in_service();
    script.session.survey(requests());
    let xids = script.sent_xids();
    (script, xids)
}

#[test]
fn all_answers_come_as_one_event_in_whatever_order_they_are() {
    let (mut script, [ports, meters]) = asked();
    assert_eq!(script.receive(meters, &multipart(meter_stats(), false)), []);
    assert_eq!(script.receive(ports, &multipart(port_stats(1), true)), []);
    let events = script.receive(ports, &multipart(port_stats(2), false));
    let answers = vec![meter_stats(), port_stats(1), port_stats(2)];
    assert_eq!(events, surveyed(answers, true));
    assert_eq!(script.receive(ports, &multipart(port_stats(3), false)), []);
}

#[test]
fn what_the_switch_does_not_have_is_left_out() {
    let (mut script, [ports, meters]) = asked();
    let refusal = error(ErrorCode::OFPBRC_BAD_MULTIPART);
    assert_eq!(script.receive(meters, &refusal), []);
    let events = script.receive(ports, &multipart(port_stats(1), false));
    assert_eq!(events, surveyed(vec![port_stats(1)], false));
}

#[test]
fn a_survey_that_is_asked_for_anew_starts_over() {
    let (mut script, [ports, _]) = asked();
    script.session.survey(requests());
    let [ports_again, meters_again] = script.sent_xids();
    assert_eq!(script.receive(ports, &multipart(port_stats(1), false)), []);
    script.receive(ports_again, &multipart(port_stats(2), false));
    let events = script.receive(meters_again, &multipart(meter_stats(), false));
    let answers = vec![port_stats(2), meter_stats()];
    assert_eq!(events, surveyed(answers, true));
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let (mut script, [ports, meters]) = asked();
    let many = |count: usize| {
        let MultipartReplyBody::PortStats(one) = port_stats(1) else {
            unreachable!()
        };
        MultipartReplyBody::PortStats(one.repeat(count))
    };
    // Messages of some 56 kB, 20 MB in all.
    for _ in 0..360 {
        assert_eq!(script.receive(ports, &multipart(many(500), true)), []);
    }
    script.receive(ports, &multipart(port_stats(1), false));
    let events = script.receive(meters, &multipart(meter_stats(), false));
    let [Event::Surveyed { answers, is_whole }] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(!is_whole, "what is left out is not gone");
    assert!((200..320).contains(&answers.len()), "{}", answers.len());
}
