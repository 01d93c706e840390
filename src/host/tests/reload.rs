//! The topology changes under a running host.

use openflow::{MacAddr, Message, MeterFlags, MeterId, MeterMod, MeterModCommand};

use super::lab::{Lab, Sent, entry};
use super::topologies::{
    CHAIN, NETWORK, OTHER, chain, changed, running_lab, vlan, vnic, with_inline,
};
use crate::cookie::Class;
use crate::program::Program;
use crate::reconcile::{Changes, diff};
use crate::status::{BridgePlan, BridgeState};
use crate::topology::{Bridges, MacAge, Membership, Patch, Role, Topology};

/// Reloads, and checks that what was sent is the difference between the programs and no more.
fn reload(lab: &mut Lab, topology: Topology) -> Vec<usize> {
    let before: Vec<Program> = CHAIN.map(|role| lab.held_by(role)).into();
    lab.take_sent();
    let planned = lab.state.plan(&topology);
    assert!(
        lab.take_sent().values().all(Sent::no_change),
        "a plan is not carried out"
    );
    lab.reload(topology);
    lab.settle();
    lab.assert_in_sync();
    let sent = lab.take_sent();
    let mut counts = Vec::new();
    for (role, before) in CHAIN.into_iter().zip(before) {
        let after = lab.held_by(role);
        let plan = diff(&after, &before);
        let needed = plan.messages().len();
        let of_bridge = |planned: &&BridgePlan| planned.role == role.to_string();
        let planned = planned.bridges.iter().find(of_bridge).unwrap();
        assert_eq!(planned.state, BridgeState::Known);
        assert_eq!(planned.messages(), needed, "{role}: as was planned");
        let flows = [
            planned.flows.add,
            planned.flows.modify,
            planned.flows.delete,
        ];
        let Changes {
            added,
            changed,
            removed,
        } = &plan.flows;
        assert_eq!(flows, [added.len(), changed.len(), removed.len()], "{role}");
        let Sent {
            plain,
            commits,
            read_backs,
            ..
        } = &sent[&role];
        assert_eq!((plain.len(), *read_backs), (0, 0), "{role}");
        assert_eq!(commits.len(), usize::from(needed > 0), "{role}");
        assert_eq!(
            commits.iter().map(Vec::len).sum::<usize>(),
            needed,
            "{role}"
        );
        counts.push(needed);
    }
    counts
}

fn lab_with_learned_addresses() -> Lab {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.frame(Role::Local, 2, NETWORK, 0x20);
    lab.frame(Role::Uplink, 2, OTHER, 0x30);
    lab.settle();
    lab
}

#[test]
fn the_same_topology_again_sends_nothing() {
    let mut lab = lab_with_learned_addresses();
    assert_eq!(reload(&mut lab, chain()), [0, 0, 0]);
    assert_eq!(lab.state.macs().len(), 3);
}

#[test]
fn a_plan_says_which_bridges_are_not_known() {
    let mut lab = lab_with_learned_addresses();
    lab.disconnect(Role::Service);
    let mut topology = chain();
    let host = topology.hosts.pop_first();
    let states = |topology: &Topology, lab: &Lab| -> Vec<BridgeState> {
        let plan = lab.state.plan(topology);
        plan.bridges.iter().map(|bridge| bridge.state).collect()
    };
    assert_eq!(states(&topology, &lab), [BridgeState::Removed; 3]);
    topology.hosts.extend(host);
    assert_eq!(
        states(&topology, &lab),
        [
            BridgeState::Known,
            BridgeState::Disconnected,
            BridgeState::Known
        ]
    );
}

#[test]
fn a_vnic_from_access_to_trunked_sends_what_differs_and_keeps_the_addresses() {
    let mut lab = lab_with_learned_addresses();
    let trunked = changed(&chain(), |host| {
        host.vnics[0].membership = Membership::Trunked {
            tagged: [vlan(NETWORK), vlan(OTHER)].into(),
            native: Some(vlan(NETWORK)),
        };
    });
    let [local, service, uplink] = reload(&mut lab, trunked)[..] else {
        unreachable!()
    };
    assert!((1..20).contains(&local), "{local}");
    assert_eq!((service, uplink), (0, 0));
    assert_eq!(lab.state.macs().len(), 3);
    // And back again.
    reload(&mut lab, chain());
}

#[test]
fn addresses_of_a_port_that_leaves_their_network_are_forgotten() {
    let mut lab = lab_with_learned_addresses();
    let elsewhere = changed(&chain(), |host| {
        host.vnics[0].membership = Membership::Access(vlan(OTHER));
    });
    reload(&mut lab, elsewhere);
    assert_eq!(lab.state.macs().len(), 2);
    assert_eq!(lab.state.counters().forgotten, 1);
}

#[test]
fn an_address_that_becomes_pinned_is_no_longer_learned() {
    let mut lab = lab_with_learned_addresses();
    let pinned = changed(&chain(), |host| {
        host.vnics[1].mac = Some(MacAddr::from_u64(0x10))
    });
    reload(&mut lab, pinned);
    assert_eq!(lab.state.macs().len(), 2);
    // Its old source flow is gone, so that it is dropped as a source anywhere but at its vNIC.
    assert_eq!(lab.wires.get(Role::Local).sources(Role::Local).count(), 1);
}

#[test]
fn another_age_changes_the_source_flows_and_nothing_else() {
    let mut lab = lab_with_learned_addresses();
    let mut topology = chain();
    topology.controller.mac_age = MacAge::from_secs(60).unwrap();
    assert_eq!(reload(&mut lab, topology), [2, 0, 1]);
    let program = lab.held_by(Role::Local);
    let ages: Vec<_> = program
        .flows
        .values()
        .filter(|flow| Class::of(flow.cookie) == Some(Class::LearnedSource))
        .map(|flow| flow.idle_timeout)
        .collect();
    assert_eq!(ages, [60, 60]);
}

/// `chain()` in which these vNICs may send so many broadcasts a second.
fn with_storm_limits(limits: [Option<u32>; 2]) -> Topology {
    changed(&chain(), |host| {
        for (vnic, limit) in host.vnics.iter_mut().zip(limits) {
            vnic.security.storm_limit = limit;
        }
    })
}

#[test]
fn a_storm_limit_comes_and_goes_with_its_meter_and_no_flow_is_lost_by_that() {
    let mut lab = lab_with_learned_addresses();
    let meters = |lab: &Lab| lab.held_by(Role::Local).meters.len() - 1;
    // What a meter is added for: untagged and priority-tagged frames.
    assert_eq!(
        reload(&mut lab, with_storm_limits([Some(10), Some(10)])),
        [6, 0, 0]
    );
    assert_eq!(meters(&lab), 2, "equal limits are not one");
    // Another limit is another meter under the same number: the flows stay as they are.
    assert_eq!(
        reload(&mut lab, with_storm_limits([Some(10), Some(20)])),
        [1, 0, 0]
    );
    assert_eq!(
        reload(&mut lab, with_storm_limits([None, Some(20)])),
        [3, 0, 0]
    );
    assert_eq!(reload(&mut lab, chain()), [3, 0, 0]);
    assert_eq!(meters(&lab), 0);
    let counters = lab.state.counters();
    assert_eq!((counters.resyncs, counters.rejected), (0, 0));
}

#[test]
fn a_restart_with_storm_limits_sends_nothing() {
    let mut lab = running_lab();
    reload(&mut lab, with_storm_limits([Some(10), Some(20)]));
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent().values().all(Sent::no_change));
}

#[test]
fn a_meter_deleted_by_hand_comes_back_with_its_flows() {
    let mut lab = running_lab();
    reload(&mut lab, with_storm_limits([Some(10), None]));
    let before = lab.held_by(Role::Local);
    let id = *before
        .meters
        .keys()
        .find(|id| **id != MeterId::CONTROLLER)
        .unwrap();
    let delete = Message::MeterMod(MeterMod {
        command: MeterModCommand::Delete,
        flags: MeterFlags::empty(),
        meter_id: id,
        bands: Vec::new(),
    });
    lab.wires.get(Role::Local).switch.apply(&delete).unwrap();
    assert!(lab.held_by(Role::Local).flows.len() < before.flows.len());
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.held_by(Role::Local), before);
}

#[test]
fn a_new_vnic_whose_port_is_there_already_is_served() {
    let mut lab = running_lab();
    lab.wires.get(Role::Local).add_port("guest3", 11);
    lab.settle();
    let more = changed(&chain(), |host| host.vnics.push(vnic("guest3", OTHER)));
    let sent = reload(&mut lab, more);
    assert!(sent[0] > 0);
    lab.frame(Role::Local, 11, OTHER, 0x40);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 1);
}

#[test]
fn a_reload_during_a_transaction_is_carried_out_after_it() {
    let mut lab = lab_with_learned_addresses();
    let first = changed(&chain(), |host| {
        host.vnics[0].membership = Membership::Access(vlan(OTHER))
    });
    lab.reload(first);
    assert_eq!(lab.take_sent()[&Role::Local].commits.len(), 1);
    lab.reload(chain());
    assert!(lab.take_sent()[&Role::Local].no_change());
    lab.settle();
    lab.assert_in_sync();
}

#[test]
fn a_reload_is_news_enough_to_try_refused_changes_at_once() {
    let mut lab = lab_with_learned_addresses();
    lab.wires.get(Role::Local).refuse_next = Some("no".to_owned());
    let other = || {
        changed(&chain(), |host| {
            host.vnics[0].membership = Membership::Access(vlan(OTHER))
        })
    };
    lab.reload(other());
    lab.settle();
    assert!(lab.state.poll_timeout().is_some());
    lab.reload(other());
    lab.settle();
    lab.assert_in_sync();
}

#[test]
fn the_flows_of_a_host_that_is_no_longer_configured_stay() {
    let mut lab = lab_with_learned_addresses();
    let before = CHAIN.map(|role| lab.held_by(role));
    let mut topology = chain();
    topology.hosts.clear();
    lab.reload(topology);
    lab.frame(Role::Local, 1, NETWORK, 0x50);
    lab.settle();
    assert_eq!(CHAIN.map(|role| lab.held_by(role)), before);
    assert!(lab.take_sent().values().all(|sent| sent.commits.is_empty()));
}

fn without_service_bridge() -> Topology {
    changed(&chain(), |host| {
        if let Bridges::Chain(chain) = &mut host.bridges {
            chain.service = None;
            chain.patches = vec![Patch {
                left: "local-nf".to_owned(),
                right: "uplink-nf".to_owned(),
            }];
        }
        host.chains.clear();
    })
}

#[test]
fn a_bridge_that_is_no_longer_configured_is_left_alone() {
    let mut lab = lab_with_learned_addresses();
    let before = lab.held_by(Role::Service);
    lab.reload(without_service_bridge());
    lab.settle();
    assert_eq!(lab.held_by(Role::Service), before);
    assert_eq!(lab.held_by(Role::Local), lab.wanted(Role::Local));
}

#[test]
fn a_bridge_that_is_no_longer_configured_is_not_waited_for() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    let gone = entry(Role::Local, 1, NETWORK, 0x10);
    lab.wires.get(Role::Local).idle_out(Role::Local, &gone);
    lab.connect(Role::Local);
    lab.connect(Role::Uplink);
    lab.settle();
    assert_ne!(lab.held_by(Role::Uplink), lab.wanted(Role::Uplink));
    lab.reload(without_service_bridge());
    lab.settle();
    lab.assert_in_sync();
}

#[test]
fn a_function_goes_inline_by_one_commit_on_one_bridge() {
    let mut lab = lab_with_learned_addresses();
    reload(&mut lab, with_inline(true));
    let [local, service, uplink] = reload(&mut lab, with_inline(false))[..] else {
        panic!("there are three bridges");
    };
    assert!(service > 0);
    assert_eq!((local, uplink), (0, 0));
}
