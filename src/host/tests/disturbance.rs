//! Somebody deletes flows, ports come and go, the switch refuses.

use std::time::Duration;

use openflow::{FlowRemovedReason, PortNo, PortReason};

use super::lab::{Lab, Sent, entry, foreign_flow, refusal};
use super::log::lines;
use super::topologies::{CHAIN, NETWORK, inline_chain, running_lab};
use crate::cookie;
use crate::topology::Role;

fn lab_with_learned_addresses() -> Lab {
    let mut lab = running_lab();
    for mac in 1..50 {
        lab.frame(Role::Local, 1, NETWORK, mac << 8);
        lab.frame(Role::Uplink, 2, NETWORK, mac << 16);
    }
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 98);
    lab.take_sent();
    lab
}

#[test]
fn all_flows_deleted_by_hand_come_back_in_one_transaction() {
    let mut lab = lab_with_learned_addresses();
    let (key, flow) = foreign_flow();
    lab.wires
        .get(Role::Uplink)
        .switch
        .program
        .flows
        .insert(key.clone(), flow);
    let before = lab.held_by(Role::Uplink).flows.len();
    lab.wires
        .get(Role::Uplink)
        .switch
        .del_flows(cookie::is_ours);
    lab.settle();
    lab.assert_in_sync();
    let sent = &lab.take_sent()[&Role::Uplink];
    assert_eq!(
        sent.commits.iter().map(Vec::len).collect::<Vec<_>>(),
        [before]
    );
    assert!(sent.plain.is_empty());
    assert_eq!(lab.state.macs().len(), 98);
    assert!(
        lab.wires
            .get(Role::Uplink)
            .switch
            .program
            .flows
            .contains_key(&key)
    );
}

#[test]
fn late_notices_of_flows_that_are_back_already_change_nothing() {
    let mut lab = lab_with_learned_addresses();
    let wire = lab.wires.get(Role::Uplink);
    wire.switch.del_flows(cookie::is_ours);
    let late = wire.switch.removed.split_off(1);
    lab.settle();
    lab.assert_in_sync();
    lab.take_sent();
    let wire = lab.wires.get(Role::Uplink);
    wire.switch.removed = late;
    lab.settle();
    lab.assert_in_sync();
    let sent = &lab.take_sent()[&Role::Uplink];
    assert!(sent.read_backs <= 2, "{}", sent.read_backs);
}

#[test]
fn groups_deleted_by_hand_come_back_with_their_flows() {
    let mut lab = lab_with_learned_addresses();
    lab.reload(inline_chain());
    lab.settle();
    lab.take_sent();
    let groups: Vec<_> = lab.held_by(Role::Service).groups.into_iter().collect();
    assert!(!groups.is_empty());
    for (group_id, group) in groups {
        let delete = openflow::Message::GroupMod(openflow::GroupMod {
            command: openflow::GroupModCommand::Delete,
            kind: group.kind,
            group_id,
            buckets: Vec::new(),
        });
        lab.wires.get(Role::Service).switch.apply(&delete).unwrap();
    }
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.take_sent()[&Role::Service].commits.len(), 1);
}

#[test]
fn flows_of_others_may_go_without_ado() {
    let mut lab = running_lab();
    let (key, flow) = foreign_flow();
    let switch = &mut lab.wires.get(Role::Local).switch;
    switch.program.flows.insert(key.clone(), flow);
    switch.remove(&key, FlowRemovedReason::Delete);
    lab.settle();
    lab.assert_in_sync();
    let sent = lab.take_sent();
    assert!(sent[&Role::Local] == Sent::default(), "{sent:?}");
}

#[test]
fn a_flow_that_goes_while_the_bridge_is_read_back_is_put_back() {
    for told_before_the_answer in [true, false] {
        let mut lab = running_lab();
        lab.connect(Role::Local);
        let wire = lab.wires.get(Role::Local);
        let key = wire.switch.program.flows.keys().next().unwrap().clone();
        assert!(wire.step_switch(), "the flows are read");
        wire.switch.remove(&key, FlowRemovedReason::Delete);
        if told_before_the_answer {
            wire.tell_removed();
        }
        assert!(wire.step_switch(), "and the rest, and answered");
        lab.take_sent();
        lab.settle();
        lab.assert_in_sync();
        let sent = &lab.take_sent()[&Role::Local];
        assert_eq!(sent.commits.len(), 1);
        assert_eq!(sent.read_backs, usize::from(!told_before_the_answer));
    }
}

#[test]
fn a_port_that_appears_later_is_served_at_once() {
    let mut lab = running_lab();
    lab.wires.get(Role::Local).del_port(PortNo(1));
    lab.settle();
    lab.assert_in_sync();
    let without = lab.held_by(Role::Local).flows.len();
    lab.take_sent();
    lab.wires.get(Role::Local).add_port("guest1", 1);
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.held_by(Role::Local).flows.len() > without);
    let sent = lab.take_sent();
    assert_eq!(sent[&Role::Local].commits.len(), 1);
    assert!(sent[&Role::Uplink].no_change());
}

#[test]
fn a_port_that_comes_back_under_another_number_is_served_there_and_its_addresses_are_forgotten() {
    // Open vSwitch tells of the new number first or of the old one's end, as it happens.
    for new_first in [true, false] {
        let mut lab = running_lab();
        lab.frame(Role::Local, 1, NETWORK, 0x10);
        lab.frame(Role::Local, 2, NETWORK, 0x20);
        lab.settle();
        let wire = lab.wires.get(Role::Local);
        wire.ports.insert("guest1".to_owned(), PortNo(21));
        let mut news = [
            (PortReason::Delete, PortNo(1)),
            (PortReason::Add, PortNo(21)),
        ];
        if new_first {
            news.reverse();
        }
        for (reason, number) in news {
            wire.port_status(reason, "guest1", number);
        }
        lab.settle();
        lab.assert_in_sync();
        let left: Vec<_> = lab.state.macs().iter().collect();
        assert_eq!(left, [entry(Role::Local, 2, NETWORK, 0x20)]);
        lab.frame(Role::Local, 21, NETWORK, 0x10);
        lab.settle();
        lab.assert_in_sync();
        assert_eq!(lab.state.macs().len(), 2);
    }
}

#[test]
fn the_end_of_a_port_whose_number_is_taken_already_is_not_the_end_of_the_other() {
    let mut lab = running_lab();
    let wire = lab.wires.get(Role::Local);
    wire.ports.remove(PortNo(1));
    wire.ports.insert("guest2".to_owned(), PortNo(1));
    wire.port_status(PortReason::Add, "guest2", PortNo(1));
    wire.port_status(PortReason::Delete, "guest1", PortNo(1));
    wire.port_status(PortReason::Delete, "guest2", PortNo(2));
    lab.settle();
    lab.assert_in_sync();
}

#[test]
fn a_deleted_port_takes_its_addresses_along_on_all_bridges() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.wires.get(Role::Local).del_port(PortNo(1));
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.state.macs().is_empty());
}

#[test]
fn a_link_that_goes_up_or_down_changes_nothing() {
    let mut lab = running_lab();
    lab.wires
        .get(Role::Local)
        .port_status(PortReason::Modify, "guest1", PortNo(1));
    lab.settle();
    assert!(
        lab.take_sent()
            .values()
            .all(|sent| *sent == Sent::default())
    );
}

#[test]
fn refused_changes_are_tried_again_after_a_read_back_and_ever_longer_waits() {
    let mut lab = running_lab();
    let wire = lab.wires.get(Role::Local);
    wire.refuse_next = Some("no".to_owned());
    wire.del_port(PortNo(4));
    lab.settle();
    for seconds in [1, 2, 4] {
        let sent = &lab.take_sent()[&Role::Local];
        assert_eq!(
            (sent.commits.len(), sent.read_backs),
            (1, 1),
            "before {seconds} s"
        );
        lab.wait(Duration::from_secs(seconds) - Duration::from_millis(1));
        assert!(
            lab.take_sent()[&Role::Local] == Sent::default(),
            "too early"
        );
        lab.wires.get(Role::Local).refuse_next = Some("no".to_owned());
        lab.wait(Duration::from_millis(1));
    }
    // Addresses are learned all the same.
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    assert_eq!(lab.wires.get(Role::Local).sources(Role::Local).count(), 1);
    lab.settle_in_time();
    lab.assert_in_sync();
    assert_eq!(lab.state.counters().rejected, 4);
    assert_eq!(lab.state.poll_timeout(), None);
    // After a success the next wait is a short one again.
    let wire = lab.wires.get(Role::Local);
    wire.refuse_next = Some("no".to_owned());
    wire.add_port("monitor", 4);
    lab.settle();
    assert_eq!(
        lab.state.poll_timeout(),
        Some(lab.now + Duration::from_secs(1))
    );
}

#[test]
fn a_port_that_changes_is_news_enough_to_try_at_once() {
    let mut lab = running_lab();
    let wire = lab.wires.get(Role::Local);
    wire.refuse_next = Some("no".to_owned());
    wire.del_port(PortNo(4));
    lab.settle();
    lab.wires.get(Role::Local).add_port("monitor", 14);
    lab.settle();
    lab.assert_in_sync();
}

#[test]
fn a_refused_flow_mod_has_the_bridge_read_back_after_a_wait() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    // The switch did not take the source flow.
    let guest = entry(Role::Local, 1, NETWORK, 0x10);
    let wire = lab.wires.get(Role::Local);
    wire.idle_out(Role::Local, &guest);
    wire.switch.removed.clear();
    for _ in 0..100 {
        wire.push_event(refusal());
    }
    lab.settle();
    lab.take_sent();
    lab.wait(Duration::from_secs(1));
    lab.assert_in_sync();
    let sent = &lab.take_sent()[&Role::Local];
    assert_eq!((sent.commits.len(), sent.read_backs), (1, 1));
    assert_eq!(lab.state.counters().errors, 100);
    assert_eq!(lab.state.poll_timeout(), None);
    // Each time nothing is missing, the next wait is a short one again.
    for _ in 0..3 {
        lab.wires.get(Role::Local).push_event(refusal());
        lab.settle();
        assert_eq!(
            lab.state.poll_timeout(),
            Some(lab.now + Duration::from_secs(1))
        );
        lab.wait(Duration::from_secs(1));
    }
    assert!(lab.take_sent()[&Role::Local].no_change());
}

#[test]
fn a_flood_of_refusals_is_one_line_of_the_log() {
    let log = lines(|| {
        let mut lab = running_lab();
        for _ in 0..100 {
            lab.wires.get(Role::Local).push_event(refusal());
        }
        lab.settle();
        assert_eq!(lab.state.counters().errors, 100);
    });
    let refusals = log.iter().filter(|line| line.contains("refused"));
    assert_eq!(refusals.count(), 1, "{log:#?}");
}

#[test]
fn somebody_who_keeps_deleting_gets_one_transaction_each_time() {
    let mut lab = running_lab();
    for _ in 0..5 {
        lab.wires
            .get(Role::Service)
            .switch
            .del_flows(cookie::is_ours);
        lab.settle();
        lab.assert_in_sync();
        assert_eq!(lab.take_sent()[&Role::Service].commits.len(), 1);
    }
    for role in CHAIN {
        assert_eq!(lab.state.counters().rejected, 0, "{role}");
    }
}
