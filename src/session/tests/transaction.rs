use openflow::{
    Action, BundleControl, BundleControlKind, BundleFlags, FlowMod, GroupId, GroupMod,
    GroupModCommand, GroupType, Instruction, Match, MeterBand, MeterFlags, MeterId, MeterMod,
    MeterModCommand, OxmField,
};

use super::*;

const FLAGS: BundleFlags = BundleFlags::ATOMIC.union(BundleFlags::ORDERED);

fn flow() -> Message {
    Message::FlowMod(FlowMod {
        priority: 10,
        match_: Match::new().with(OxmField::InPort, PortNo(3)),
        instructions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(4))])],
        ..FlowMod::add()
    })
}

fn group() -> Message {
    Message::GroupMod(GroupMod {
        command: GroupModCommand::Add,
        kind: GroupType::All,
        group_id: GroupId(5),
        buckets: vec![],
    })
}

fn meter() -> Message {
    Message::MeterMod(MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::PKTPS,
        meter_id: MeterId::CONTROLLER,
        bands: vec![MeterBand::Drop {
            rate: 1000,
            burst_size: 0,
        }],
    })
}

fn control(kind: BundleControlKind) -> Message {
    Message::BundleControl(BundleControl::new(1, kind, FLAGS))
}

/// A flow is in a bundle which is not committed yet: the xids of OPEN, the flow and CLOSE.
fn filled() -> (Script, [Xid; 3]) {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![flow()]);
    let xids = script.sent_xids();
    (script, xids)
}

/// The switch has answered OPEN and CLOSE and was told to commit, under the last xid.
fn committing() -> (Script, [Xid; 4]) {
    let (mut script, [open, add, close]) = filled();
    assert_eq!(
        script.receive(open, &control(BundleControlKind::OpenReply)),
        []
    );
    assert_eq!(
        script.receive(close, &control(BundleControlKind::CloseReply)),
        []
    );
    let (commit, request) = script.sent_one();
    assert_eq!(request, control(BundleControlKind::CommitRequest));
    (script, [open, add, close, commit])
}

#[track_caller]
fn rejected(events: &[Event]) -> &str {
    let [Event::Rejected(reason)] = events else {
        panic!("not rejected: {events:?}")
    };
    reason
}

#[test]
fn changes_go_out_in_one_bundle_in_their_order_and_meters_before_it() {
    let mut script = Script::in_service();
    script
        .session
        .commit(script.now, vec![group(), flow(), meter()]);
    let sent = script.sent();
    let [
        (_, first),
        (meter_xid, second),
        (_, third),
        (flow_xid, fourth),
        (_, last),
    ] = &sent[..]
    else {
        panic!("{sent:?}")
    };
    assert_eq!(*first, control(BundleControlKind::OpenRequest));
    assert_eq!(*second, meter());
    assert_ne!(meter_xid, flow_xid);
    for (message, change) in [(third, group()), (fourth, flow())] {
        let Message::BundleAdd(add) = message else {
            panic!("{message:?}")
        };
        assert_eq!(
            (add.bundle_id, add.flags, &*add.message),
            (1, FLAGS, &change)
        );
    }
    assert_eq!(*last, control(BundleControlKind::CloseRequest));
}

#[test]
fn the_xid_inside_of_a_bundle_add_is_the_one_outside() {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![flow()]);
    let bytes = script.session.output().clone();
    // Behind OPEN_REQUEST: header, experimenter header, bundle id, padding and flags.
    let open_len = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    let (outer, inner) = (&bytes[open_len..], &bytes[open_len + 24..]);
    assert_eq!(inner[1], 14, "a FLOW_MOD");
    assert_eq!(outer[4..8], inner[4..8]);
}

#[test]
fn it_is_committed_when_the_switch_has_taken_all_and_says_so() {
    let (mut script, [.., commit]) = committing();
    let events = script.receive(commit, &control(BundleControlKind::CommitReply));
    assert_eq!(events, [Event::Committed]);
    assert_eq!(script.sent(), []);
    assert_eq!(
        script.timeout(),
        Some(5),
        "nothing but the keepalive is left to wait for"
    );
}

#[test]
fn a_refused_change_is_named_and_the_rest_discarded() {
    let (mut script, [open, add, close]) = filled();
    script.receive(open, &control(BundleControlKind::OpenReply));
    assert_eq!(script.receive(add, &error(ErrorCode::OFPBMC_BAD_FIELD)), []);
    assert_eq!(
        script.receive(close, &control(BundleControlKind::CloseReply)),
        []
    );
    let (discard, request) = script.sent_one();
    assert_eq!(request, control(BundleControlKind::DiscardRequest));
    let events = script.receive(discard, &control(BundleControlKind::DiscardReply));
    let reason = rejected(&events);
    assert!(
        reason.starts_with(
            "the switch refuses Add of flow cookie=0x0,table=0,priority=10,in_port=3 actions=output:4: "
        ),
        "{reason}"
    );
    assert!(reason.contains("OFPBMC_BAD_FIELD"), "{reason}");
}

#[test]
fn a_change_that_fails_at_commit_is_named() {
    let (mut script, [_, add, _, commit]) = committing();
    assert_eq!(
        script.receive(add, &error(ErrorCode::OFPFMFC_TABLE_FULL)),
        []
    );
    let events = script.receive(commit, &error(ErrorCode::OFPBRC_BAD_EXPERIMENTER));
    let reason = rejected(&events);
    assert!(
        reason.contains("in_port=3") && reason.contains("TABLE_FULL"),
        "{reason}"
    );
}

#[test]
fn a_switch_without_bundles_rejects() {
    let (mut script, xids) = filled();
    let refusal = error(ErrorCode::OFPBRC_BAD_EXPERIMENTER);
    let events: Vec<_> = xids
        .iter()
        .flat_map(|&xid| script.receive(xid, &refusal))
        .collect();
    assert!(
        rejected(&events).starts_with("the switch refuses to open a bundle"),
        "{events:?}"
    );
    assert_eq!(script.sent(), []);
}

#[test]
fn a_refused_meter_rejects_the_whole() {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![flow(), meter()]);
    let [_, meter_xid, _, close] = script.sent_xids();
    script.receive(meter_xid, &error(ErrorCode::OFPMMFC_OUT_OF_METERS));
    script.receive(close, &control(BundleControlKind::CloseReply));
    let (discard, _) = script.sent_one();
    let events = script.receive(discard, &control(BundleControlKind::DiscardReply));
    assert!(rejected(&events).contains("meter controller"), "{events:?}");
}

#[test]
fn meters_alone_need_no_bundle() {
    for refused in [false, true] {
        let mut script = Script::in_service();
        script.session.commit(script.now, vec![meter()]);
        let [(xid, first), (barrier, second)]: [_; 2] = script.sent().try_into().unwrap();
        assert_eq!((first, second), (meter(), Message::BarrierRequest));
        if refused {
            assert_eq!(
                script.receive(xid, &error(ErrorCode::OFPMMFC_OUT_OF_METERS)),
                []
            );
        }
        let events = script.receive(barrier, &Message::BarrierReply);
        assert_eq!(matches!(events[..], [Event::Rejected(_)]), refused);
        assert_eq!(matches!(events[..], [Event::Committed]), !refused);
    }
}

fn meter_to_delete() -> Message {
    Message::MeterMod(MeterMod {
        command: MeterModCommand::Delete,
        flags: MeterFlags::empty(),
        meter_id: MeterId(7),
        bands: vec![],
    })
}

/// The bundle is in force; the meter is deleted and a barrier asked for under these xids.
fn deleting_a_meter() -> (Script, [Xid; 2]) {
    let mut script = Script::in_service();
    script
        .session
        .commit(script.now, vec![meter_to_delete(), flow(), meter()]);
    let sent = script.sent();
    let [_, (_, early), _, (close, _)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(*early, meter());
    script.receive(*close, &control(BundleControlKind::CloseReply));
    let (commit, request) = script.sent_one();
    assert_eq!(request, control(BundleControlKind::CommitRequest));
    let events = script.receive(commit, &control(BundleControlKind::CommitReply));
    assert_eq!(events, [], "the meter is left to be deleted");
    let [(delete, first), (barrier, second)]: [_; 2] = script.sent().try_into().unwrap();
    assert_eq!(
        (first, second),
        (meter_to_delete(), Message::BarrierRequest)
    );
    (script, [delete, barrier])
}

#[test]
fn meters_are_deleted_once_the_bundle_is_in_force() {
    let (mut script, [_, barrier]) = deleting_a_meter();
    let events = script.receive(barrier, &Message::BarrierReply);
    assert_eq!(events, [Event::Committed]);

    let (mut script, [delete, barrier]) = deleting_a_meter();
    let refusal = error(ErrorCode::OFPMMFC_OUT_OF_METERS);
    assert_eq!(script.receive(delete, &refusal), []);
    let events = script.receive(barrier, &Message::BarrierReply);
    assert!(rejected(&events).contains("meter 7"), "{events:?}");
}

#[test]
fn meters_are_not_deleted_if_the_bundle_is_refused() {
    let mut script = Script::in_service();
    script
        .session
        .commit(script.now, vec![meter_to_delete(), flow()]);
    let [_, add, close] = script.sent_xids();
    script.receive(add, &error(ErrorCode::OFPBMC_BAD_FIELD));
    script.receive(close, &control(BundleControlKind::CloseReply));
    let (discard, _) = script.sent_one();
    let events = script.receive(discard, &control(BundleControlKind::DiscardReply));
    rejected(&events);
    assert_eq!(script.sent(), []);

    // Nor where that shows only as it is put into force.
    let mut script = Script::in_service();
    script
        .session
        .commit(script.now, vec![meter_to_delete(), flow()]);
    let [_, add, close] = script.sent_xids();
    script.receive(close, &control(BundleControlKind::CloseReply));
    let (commit, _) = script.sent_one();
    script.receive(add, &error(ErrorCode::OFPFMFC_TABLE_FULL));
    let events = script.receive(commit, &error(ErrorCode::OFPBRC_BAD_EXPERIMENTER));
    rejected(&events);
    assert_eq!(script.sent(), []);
}

#[test]
fn a_meter_to_delete_and_nothing_else_needs_no_bundle() {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![meter_to_delete()]);
    let [(_, first), (barrier, second)]: [_; 2] = script.sent().try_into().unwrap();
    assert_eq!(
        (first, second),
        (meter_to_delete(), Message::BarrierRequest)
    );
    let events = script.receive(barrier, &Message::BarrierReply);
    assert_eq!(events, [Event::Committed]);
}

#[test]
fn nothing_to_change_is_done_at_once() {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![]);
    assert_eq!(script.events(), [Event::Committed]);
    assert_eq!(script.sent(), []);
}

#[test]
fn a_change_without_form_on_the_wire_rejects_and_nothing_is_sent() {
    let mut script = Script::in_service();
    let too_long = FlowMod {
        instructions: vec![Instruction::ApplyActions(vec![
            Action::output(PortNo(1));
            5000
        ])],
        ..FlowMod::add()
    };
    script
        .session
        .commit(script.now, vec![flow(), Message::FlowMod(too_long)]);
    assert!(rejected(&script.events()).starts_with("a change can not be sent"));
    assert_eq!(script.sent(), []);
    script.session.commit(script.now, vec![flow()]);
    assert_eq!(script.sent().len(), 3, "the next one is not affected");
}

#[test]
fn a_second_transaction_has_to_wait_and_the_first_goes_on() {
    let (mut script, [.., commit]) = committing();
    script.session.commit(script.now, vec![flow()]);
    rejected(&script.events());
    assert_eq!(script.sent(), []);
    let events = script.receive(commit, &control(BundleControlKind::CommitReply));
    assert_eq!(events, [Event::Committed]);
    script.session.commit(script.now, vec![flow()]);
    let (_, open) = script.sent().remove(0);
    let next = BundleControl::new(2, BundleControlKind::OpenRequest, FLAGS);
    assert_eq!(open, Message::BundleControl(next), "a bundle id of its own");
}

#[test]
fn errors_of_other_messages_are_not_the_transactions() {
    let (mut script, [_, _, close]) = filled();
    let xid = script.session.send(&flow());
    script.receive(close, &control(BundleControlKind::CloseReply));
    let events = script.receive(xid, &error(ErrorCode::OFPFMFC_TABLE_FULL));
    assert!(matches!(events[..], [Event::SwitchError { xid: told, .. }] if told == xid));
    let (commit, _) = script.sent().pop().unwrap();
    let events = script.receive(commit, &control(BundleControlKind::CommitReply));
    assert_eq!(events, [Event::Committed]);
}

#[test]
fn an_answer_of_another_kind_ends_the_session() {
    for answer in [
        control(BundleControlKind::CommitReply),
        Message::BundleControl(BundleControl::new(2, BundleControlKind::CloseReply, FLAGS)),
        Message::BarrierReply,
    ] {
        let (mut script, [.., close]) = filled();
        let events = script.receive(close, &answer);
        assert!(
            script.closed(&events).contains("to close the bundle"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_switch_that_does_not_answer_is_given_up_though_it_is_alive() {
    let (mut script, _) = filled();
    for second in 1..60 {
        script.receive(Xid(0), &Message::PortStatus(port_added(1)));
        assert_eq!(script.at(second), []);
    }
    // One millisecond more for the one change.
    let events = script.at(61);
    assert_eq!(script.closed(&events), "no answer to a bundle request");
}

#[test]
fn a_switch_that_commits_may_be_silent_until_the_deadline() {
    let (mut script, [.., commit]) = committing();
    assert_eq!(script.timeout(), Some(60));
    for second in 1..=60 {
        assert_eq!(script.at(second), []);
    }
    assert_eq!(script.sent(), [], "it is not asked for a sign of life");
    let events = script.receive(commit, &control(BundleControlKind::CommitReply));
    assert_eq!(events, [Event::Committed]);
    assert_eq!(script.timeout(), Some(65), "from now on silence counts");
    assert_eq!(script.at(65), []);
    assert_eq!(script.sent_one().1, Message::EchoRequest(Bytes::new()));
}

#[test]
fn a_long_transaction_may_take_longer() {
    let mut script = Script::in_service();
    script.session.commit(script.now, vec![flow(); 100_000]);
    let close = script.sent().last().unwrap().0;
    let alive_until = |script: &mut Script, end: u64| {
        for second in (end - 159)..end {
            script.receive(Xid(0), &Message::PortStatus(port_added(1)));
            assert_eq!(script.at(second), []);
        }
    };
    alive_until(&mut script, 160);
    script.receive(close, &control(BundleControlKind::CloseReply));
    alive_until(&mut script, 319);
    let events = script.at(319);
    assert_eq!(script.closed(&events), "no answer to a bundle request");
}

#[test]
fn a_switch_that_goes_in_the_middle_leaves_no_outcome_behind() {
    let (mut script, [.., close]) = filled();
    let events = script.at(61);
    script.closed(&events);
    assert_eq!(
        script.receive(close, &control(BundleControlKind::CloseReply)),
        []
    );
}
