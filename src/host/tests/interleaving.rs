//! Whatever happens in whatever order: once it is quiet, every bridge holds what it is to hold.

use std::sync::Arc;
use std::time::Duration;

use openflow::{FlowRemovedReason, PortNo};
use proptest::prelude::*;
use proptest::sample::Index;

use super::lab::{Lab, entry, foreign_flow};
use super::topologies::{
    CHAIN, NETWORK, OTHER, chain, chain_and_direct, chain_lab, changed, probed, running_lab, vlan,
};
use crate::cookie;
use crate::topology::{MacAge, Membership, Role, Topology};

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    /// The switch processes a message.
    Switch(Role),
    /// The controller processes an event.
    Controller(Role),
    /// Notices of removed flows get on the wire.
    TellRemoved(Role),
    Connect(Role),
    Disconnect(Role),
    /// The controller starts anew.
    Restart,
    /// A frame comes in.
    Frame {
        role: Role,
        port: u32,
        vlan: u16,
        mac: u64,
    },
    /// An address is seen at one port, at another and at the first again, faster than notices of
    /// removed flows get on the wire.
    ToAndFro {
        ports: (u32, u32),
        mac: u64,
    },
    /// A source flow times out.
    IdleOut(Role, Index),
    /// Somebody deletes a flow.
    Delete(Role, Index),
    /// Somebody deletes all flows of ours.
    DeleteAll(Role),
    /// The switch starts anew, without flows.
    Lose(Role),
    /// The next transaction is refused.
    Refuse(Role),
    /// A guest's port gets a number.
    AddPort(&'static str, u32),
    DelPort(u32),
    Reload(usize),
    /// The inline function stops forwarding, or forwards again.
    Die(bool),
    /// A leg of it gets a number.
    AddLeg(&'static str, u32),
    DelLeg(u32),
    /// Time passes, in milliseconds.
    Wait(u64),
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(CHAIN.to_vec())
}

fn frame() -> impl Strategy<Value = Step> {
    (0..2u32, 1..4u32, any::<bool>(), 1..4u64).prop_map(|(side, port, other, mac)| Step::Frame {
        role: [Role::Local, Role::Uplink][side as usize],
        port,
        vlan: if other { OTHER } else { NETWORK },
        mac: mac << 4,
    })
}

fn to_and_fro() -> impl Strategy<Value = Step> {
    (1..4u32, 1..4u32, 1..4u64).prop_map(|(from, to, mac)| Step::ToAndFro {
        ports: (from, to),
        mac: mac << 4,
    })
}

fn idle_out() -> impl Strategy<Value = Step> {
    (role(), any::<Index>()).prop_map(|(role, which)| Step::IdleOut(role, which))
}

/// What guests do by themselves, and how it gets to and fro.
fn undisturbed() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => role().prop_map(Step::Switch),
        12 => role().prop_map(Step::Controller),
        4 => role().prop_map(Step::TellRemoved),
        6 => frame(),
        4 => to_and_fro(),
        2 => idle_out(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => role().prop_map(Step::Switch),
        12 => role().prop_map(Step::Controller),
        4 => role().prop_map(Step::TellRemoved),
        6 => frame(),
        2 => to_and_fro(),
        2 => role().prop_map(Step::Connect),
        1 => role().prop_map(Step::Disconnect),
        1 => Just(Step::Restart),
        2 => idle_out(),
        1 => (role(), any::<Index>()).prop_map(|(role, which)| Step::Delete(role, which)),
        1 => role().prop_map(Step::DeleteAll),
        1 => role().prop_map(Step::Lose),
        1 => role().prop_map(Step::Refuse),
        1 => (prop::sample::select(vec!["guest1", "guest2"]), 1..4u32)
            .prop_map(|(name, number)| Step::AddPort(name, number)),
        1 => (1..4u32).prop_map(Step::DelPort),
        2 => (0..5usize).prop_map(Step::Reload),
        1 => any::<bool>().prop_map(Step::Die),
        1 => (prop::sample::select(vec!["ips-in", "ips-out"]), 5..8u32)
            .prop_map(|(name, number)| Step::AddLeg(name, number)),
        1 => (5..8u32).prop_map(Step::DelLeg),
        1 => (0..3000u64).prop_map(Step::Wait),
    ]
}

fn topology(number: usize) -> Topology {
    match number {
        0 => chain(),
        1 => changed(&chain(), |host| {
            host.vnics[0].membership = Membership::Trunked {
                tagged: [vlan(NETWORK), vlan(OTHER)].into(),
                native: None,
            };
        }),
        2 => probed(),
        3 => changed(&chain_and_direct(), |host| {
            host.vnics[0].security.max_macs = Some(1);
            host.vnics[0].security.storm_limit = Some(100);
            host.vnics[1].security.storm_limit = Some(100);
            host.max_macs = [(vlan(NETWORK), 2), (vlan(OTHER), 0)].into();
        }),
        _ => {
            let mut topology = changed(&chain(), |host| {
                host.vnics[1].membership = Membership::Access(vlan(OTHER));
                host.vnics.pop();
            });
            topology.controller.mac_age = MacAge::from_secs(7).unwrap();
            topology
        }
    }
}

fn happen(lab: &mut Lab, step: Step) {
    match step {
        Step::Switch(role) => {
            lab.wires.get(role).step_switch();
        }
        Step::Controller(role) => {
            lab.step_controller(role);
        }
        Step::TellRemoved(role) => lab.wires.get(role).tell_removed(),
        Step::Connect(role) => lab.connect(role),
        Step::Disconnect(role) => lab.disconnect(role),
        Step::Restart => lab.restart(),
        Step::Frame {
            role,
            port,
            vlan,
            mac,
        } => lab.frame(role, port, vlan, mac),
        Step::ToAndFro {
            ports: (from, to),
            mac,
        } => {
            for port in [from, to, from] {
                lab.frame(Role::Local, port, NETWORK, mac);
                lab.settle_untold();
            }
        }
        Step::IdleOut(role, which) => {
            let sources: Vec<_> = lab.wires.get(role).sources(role).collect();
            if !sources.is_empty() {
                let source = *which.get(&sources);
                lab.wires.get(role).idle_out(role, &source);
            }
        }
        Step::Delete(role, which) => {
            let switch = &mut lab.wires.get(role).switch;
            let keys: Vec<_> = switch
                .program
                .flows
                .iter()
                .filter(|(_, flow)| cookie::is_ours(flow.cookie))
                .map(|(key, _)| key.clone())
                .collect();
            if !keys.is_empty() {
                switch.remove(which.get(&keys), FlowRemovedReason::Delete);
            }
        }
        Step::DeleteAll(role) => lab.wires.get(role).switch.del_flows(cookie::is_ours),
        Step::Lose(role) => {
            lab.disconnect(role);
            let switch = &mut lab.wires.get(role).switch;
            *switch = Default::default();
            switch.program.flows.extend([foreign_flow()]);
        }
        Step::Refuse(role) => lab.wires.get(role).refuse_next = Some("no".to_owned()),
        Step::AddPort(name, number) => {
            let wire = lab.wires.get(Role::Local);
            wire.del_port(PortNo(number));
            wire.add_port(name, number);
        }
        Step::DelPort(number) => lab.wires.get(Role::Local).del_port(PortNo(number)),
        Step::AddLeg(name, number) => {
            let wire = lab.wires.get(Role::Service);
            wire.del_port(PortNo(number));
            wire.add_port(name, number);
        }
        Step::DelLeg(number) => lab.wires.get(Role::Service).del_port(PortNo(number)),
        Step::Die(dead) => lab.wires.get(Role::Service).dead = dead,
        Step::Reload(number) => lab.reload(topology(number)),
        Step::Wait(milliseconds) => {
            lab.now += Duration::from_millis(milliseconds);
            lab.state.handle_timeout(lab.now, &mut lab.wires);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn every_bridge_comes_to_hold_what_it_is_to_hold(steps in prop::collection::vec(step(), 0..120)) {
        let mut lab = chain_lab();
        for role in CHAIN {
            lab.wires.get(role).switch.program.flows.extend([foreign_flow()]);
        }
        for step in steps {
            happen(&mut lab, step);
        }
        for role in CHAIN {
            if !lab.wires.get(role).connected {
                lab.connect(role);
            }
        }
        lab.settle_in_time();
        lab.assert_in_sync();
        // Long enough for a verdict.
        lab.run_for(Duration::from_secs(30));
        lab.assert_in_sync();
        let wire = lab.wires.get(Role::Service);
        let dead = wire.dead;
        if wire.ports.get("ips-in").is_some()
            && wire.ports.get("ips-out").is_some()
            && lab.topology == Arc::new(probed())
        {
            prop_assert_eq!(lab.state.failed.contains("ips-in"), dead);
        }
        for role in CHAIN {
            let (key, flow) = foreign_flow();
            prop_assert_eq!(lab.wires.get(role).switch.program.flows.get(&key), Some(&flow));
        }
        // A frame from wherever it may come is learned then, and the same one teaches nothing more.
        lab.frame(Role::Uplink, 2, NETWORK, 0x70);
        lab.settle();
        lab.assert_in_sync();
        let seen = entry(Role::Uplink, 2, NETWORK, 0x70);
        prop_assert_eq!(lab.state.macs().location(seen.vlan, seen.mac), Some(seen.at));
        lab.take_sent();
        // What can be noted at a port is known again.
        let leg_is_there = lab.wires.get(Role::Service).ports.get("ips-in").is_some();
        let failed = lab.state.failed.clone();
        lab.restart();
        for role in CHAIN {
            lab.connect(role);
        }
        lab.settle();
        if leg_is_there {
            prop_assert_eq!(&lab.state.failed, &failed);
        }
        prop_assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    }

    #[test]
    fn guests_alone_cause_no_read_back(steps in prop::collection::vec(undisturbed(), 0..120)) {
        let mut lab = running_lab();
        for step in steps {
            happen(&mut lab, step);
        }
        lab.settle_in_time();
        lab.assert_in_sync();
        prop_assert_eq!(lab.state.counters().resyncs, 0);
    }
}
