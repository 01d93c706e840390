//! Notices of flows that we have deleted ourselves, and that come late.

use openflow::FlowRemovedReason;

use super::lab::{Lab, entry};
use super::log::lines;
use super::topologies::{CHAIN, NETWORK, chain, running_lab};
use crate::compile;
use crate::cookie;
use crate::program::FlowKey;
use crate::status::Kind;
use crate::topology::{MacAge, Role};

const MAC: u64 = 0x10;

/// The address is seen at a port of the local bridge; no notice of a removed flow comes.
fn seen_at(lab: &mut Lab, port: u32, mac: u64) {
    lab.frame(Role::Local, port, NETWORK, mac);
    lab.settle_untold();
    let seen = entry(Role::Local, port, NETWORK, mac);
    assert_eq!(
        lab.state.macs().location(seen.vlan, seen.mac),
        Some(seen.at)
    );
}

fn source_flow(lab: &mut Lab, port: u32) -> FlowKey {
    let source = entry(Role::Local, port, NETWORK, MAC);
    let mut flows = lab.wires.get(Role::Local).switch.program.flows.iter();
    let found = flows
        .find(|(key, flow)| compile::recover(Role::Local, key, flow) == Some(source))
        .map(|(key, _)| key.clone());
    found.expect("its source flow")
}

/// Somebody else deletes the source flow of the address.
fn deleted_by_somebody_else(lab: &mut Lab, port: u32) {
    let key = source_flow(lab, port);
    let switch = &mut lab.wires.get(Role::Local).switch;
    switch.remove(&key, FlowRemovedReason::Delete);
}

fn assert_healed(lab: &mut Lab, port: u32) {
    lab.settle();
    lab.assert_in_sync();
    source_flow(lab, port);
}

#[test]
fn an_address_that_moves_away_and_back_before_the_notices_come_causes_no_read_back() {
    let mut lab = running_lab();
    for mac in 1..100 {
        for port in [1, 2, 1, 2] {
            seen_at(&mut lab, port, mac << 8);
        }
    }
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.counters().resyncs, 0);
    assert_eq!(lab.state.counters().moved, 3 * 99);
    for role in CHAIN {
        assert_eq!(lab.take_sent()[&role].read_backs, 0, "{role}");
    }
}

#[test]
fn what_somebody_else_deletes_after_such_moves_is_put_back() {
    for told_before in [true, false] {
        let mut lab = running_lab();
        for port in [1, 2, 1, 2, 1] {
            seen_at(&mut lab, port, MAC);
        }
        if told_before {
            lab.settle();
        }
        deleted_by_somebody_else(&mut lab, 1);
        assert_healed(&mut lab, 1);
        assert_eq!(lab.state.counters().resyncs, 1);
    }
}

#[test]
fn a_delete_that_somebody_else_was_ahead_of_hides_nothing_later() {
    let mut lab = running_lab();
    seen_at(&mut lab, 1, MAC);
    deleted_by_somebody_else(&mut lab, 1);
    seen_at(&mut lab, 2, MAC);
    seen_at(&mut lab, 1, MAC);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.counters().resyncs, 0);
    deleted_by_somebody_else(&mut lab, 1);
    assert_healed(&mut lab, 1);
    assert_eq!(lab.state.counters().resyncs, 1);
}

#[test]
fn the_delete_that_follows_an_idle_flow_hides_nothing_later() {
    let mut lab = running_lab();
    let source = entry(Role::Local, 1, NETWORK, MAC);
    for _ in 0..3 {
        seen_at(&mut lab, 1, MAC);
        lab.wires.get(Role::Local).idle_out(Role::Local, &source);
        lab.settle();
        lab.assert_in_sync();
        assert!(lab.state.macs().is_empty());
    }
    seen_at(&mut lab, 1, MAC);
    deleted_by_somebody_else(&mut lab, 1);
    assert_healed(&mut lab, 1);
}

#[test]
fn a_late_notice_while_the_bridge_is_read_back_leaves_nothing_behind() {
    let mut lab = running_lab();
    lab.frame(Role::Uplink, 2, NETWORK, MAC);
    lab.settle();
    // It idles out, and is added anew for another age before that is told.
    let source = entry(Role::Uplink, 2, NETWORK, MAC);
    lab.wires.get(Role::Uplink).idle_out(Role::Uplink, &source);
    let mut topology = chain();
    topology.controller.mac_age = MacAge::from_secs(7).unwrap();
    lab.reload(topology);
    lab.settle_untold();
    lab.wires.get(Role::Uplink).refuse_next = Some("no".to_owned());
    lab.reload(chain());
    lab.settle_in_time();
    lab.assert_in_sync();
}

#[test]
fn somebody_who_keeps_deleting_does_not_fill_the_log() {
    let mut events = 0;
    let mut lab = running_lab();
    lab.state.take_happenings();
    let log = lines(|| {
        for _ in 0..100 {
            lab.wires.get(Role::Local).switch.del_flows(cookie::is_ours);
            lab.settle();
            lab.assert_in_sync();
        }
        let happenings = lab.state.take_happenings();
        let in_sync = happenings.iter().filter(|it| it.kind == Kind::BridgeInSync);
        events = in_sync.count();
    });
    let is_about = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    let (removed, in_sync) = (is_about("removed by somebody else"), is_about("in sync"));
    assert!((1..=20).contains(&removed), "{log:#?}");
    assert!((1..=20).contains(&in_sync), "{log:#?}");
    assert!((1..=20).contains(&events), "{events}");
}
