//! Uplinks that are used as one.

use std::collections::BTreeSet;
use std::time::Duration;

use openflow::{MacAddr, PacketOut, PortNo, PortReason, PortState, PortStatus};

use super::lab::{Lab, entry, port};
use super::topologies::{
    CHAIN, LOCAL_PORTS, NETWORK, PINNED, SERVICE_PORTS, chain, changed, vlan, vnic,
};
use crate::compile;
use crate::learning::EthernetHeader;
use crate::session::Event;
use crate::topology::{Role, Topology, UplinkMode, Vlan};

const ETH1: u32 = 2;
const ETH2: u32 = 3;

fn with_mode(mode: UplinkMode) -> Topology {
    changed(&chain(), |host| {
        host.uplinks = vec!["eth1".to_owned(), "eth2".to_owned()];
        host.uplink_mode = mode;
    })
}

fn lab(topology: Topology) -> Lab {
    let uplink_ports: &[(&str, u32)] = &[
        ("br0", 0xffff_fffe),
        ("uplink-nf", 1),
        ("eth1", ETH1),
        ("eth2", ETH2),
    ];
    let mut lab = Lab::new(
        topology,
        &[
            (Role::Local, LOCAL_PORTS),
            (Role::Service, SERVICE_PORTS),
            (Role::Uplink, uplink_ports),
        ],
    );
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    lab.take_sent();
    lab
}

/// The switch tells that a port of the uplink bridge has a link, or none.
fn link(lab: &mut Lab, name: &str, number: u32, is_up: bool) {
    let mut desc = port(name, PortNo(number));
    if !is_up {
        desc.state = PortState::LINK_DOWN;
    }
    let reason = PortReason::Modify;
    let status = Event::PortStatus(PortStatus { reason, desc });
    lab.wires.get(Role::Uplink).push_event(status);
    lab.settle();
}

/// What was announced since the last time, and nothing else was sent.
fn announced(lab: &mut Lab) -> Vec<(Vlan, MacAddr)> {
    let mut announced = Vec::new();
    for (role, sent) in lab.take_sent() {
        assert_eq!((sent.commits.len(), sent.read_backs), (0, 0), "{role}");
        assert_eq!(sent.plain, [], "{role}");
        for PacketOut { actions, data, .. } in sent.frames {
            assert_eq!(role, Role::Uplink);
            assert_eq!(actions, [compile::to_uplinks()]);
            assert!(data.starts_with(&MacAddr::BROADCAST.0) && data.len() >= 60);
            let header = EthernetHeader::parse(&data).unwrap();
            announced.push((header.vlan, header.source));
        }
    }
    announced
}

#[test]
fn from_one_mode_to_another_only_the_difference_is_sent() {
    use UplinkMode::{ActiveBackup, Balance, Separate};
    let mut lab = lab(with_mode(Separate));
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.frame(Role::Uplink, ETH1, NETWORK, 0x30);
    lab.frame(Role::Uplink, ETH2, NETWORK, 0x40);
    lab.settle();
    // The flow that chooses is all that one bonded mode differs in from the other. Of those that
    // both have, 64 share out what the switch remembers among the guests.
    for (mode, changes, known) in [
        (Separate, 0..=0, 3),
        (ActiveBackup, 74..=104, 2),
        (Balance, 1..=1, 2),
        (ActiveBackup, 1..=1, 2),
        (Separate, 74..=104, 2),
    ] {
        lab.take_sent();
        lab.reload(with_mode(mode));
        lab.settle();
        lab.assert_in_sync();
        let sent = lab.take_sent();
        assert!(sent[&Role::Local].no_change() && sent[&Role::Service].no_change());
        let sent: usize = sent[&Role::Uplink].commits.iter().map(Vec::len).sum();
        assert!(changes.contains(&sent), "{mode:?}: {sent}");
        assert_eq!(lab.state.macs().len(), known, "{mode:?}");
    }
}

#[test]
fn a_restart_with_bonded_uplinks_sends_nothing() {
    let mut lab = lab(with_mode(UplinkMode::Balance));
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.frame(Role::Uplink, ETH1, NETWORK, 0x30);
    lab.settle();
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    assert_eq!(lab.state.macs().len(), 2);
}

#[test]
fn addresses_are_learned_at_the_first_uplink_that_is_there() {
    let mut lab = lab(with_mode(UplinkMode::Balance));
    // The switch tells of the first one for all; one that does not is not believed.
    lab.frame(Role::Uplink, ETH2, NETWORK, 0x40);
    lab.frame(Role::Uplink, ETH1, NETWORK, 0x30);
    lab.settle();
    let known = |lab: &Lab| -> Vec<_> { lab.state.macs().iter().collect() };
    assert_eq!(known(&lab), [entry(Role::Uplink, ETH1, NETWORK, 0x30)]);

    lab.wires.get(Role::Uplink).del_port(PortNo(ETH1));
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(known(&lab), []);
    lab.frame(Role::Uplink, ETH2, NETWORK, 0x30);
    lab.settle();
    assert_eq!(known(&lab), [entry(Role::Uplink, ETH2, NETWORK, 0x30)]);

    // It comes back, and is the first again.
    lab.wires.get(Role::Uplink).add_port("eth1", ETH1);
    lab.settle_in_time();
    lab.assert_in_sync();
    assert_eq!(known(&lab), []);
}

#[test]
fn a_link_that_goes_down_or_comes_back_has_the_addresses_of_the_host_announced_once() {
    let mut lab = lab(with_mode(UplinkMode::ActiveBackup));
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.frame(Role::Uplink, ETH1, NETWORK, 0x30);
    lab.settle();
    lab.take_sent();
    link(&mut lab, "eth1", ETH1, true);
    link(&mut lab, "uplink-nf", 1, false);
    lab.settle_in_time();
    assert_eq!(announced(&mut lab), []);

    link(&mut lab, "eth1", ETH1, false);
    // Not at once: Open vSwitch needs a moment to choose another.
    assert_eq!(announced(&mut lab), []);
    link(&mut lab, "eth1", ETH1, false);
    lab.settle_in_time();
    let here = [0x10, PINNED].map(|mac| (vlan(NETWORK), MacAddr::from_u64(mac)));
    assert_eq!(announced(&mut lab), here);

    // It is chosen again.
    link(&mut lab, "eth1", ETH1, true);
    link(&mut lab, "eth1", ETH1, true);
    lab.settle_in_time();
    assert_eq!(announced(&mut lab), here);
    link(&mut lab, "eth1", ETH1, false);
    lab.settle_in_time();
    assert_eq!(announced(&mut lab), here);
}

#[test]
fn a_link_that_comes_back_and_is_not_chosen_changes_nothing() {
    for (mode, expected) in [(UplinkMode::ActiveBackup, 0), (UplinkMode::Balance, 1)] {
        let mut lab = lab(with_mode(mode));
        link(&mut lab, "eth2", ETH2, false);
        lab.settle_in_time();
        // Some may have been heard there last.
        assert_eq!(announced(&mut lab).len(), 1, "{mode:?}");
        link(&mut lab, "eth2", ETH2, true);
        lab.settle_in_time();
        assert_eq!(announced(&mut lab).len(), expected, "{mode:?}");
    }
}

#[test]
fn separate_uplinks_have_nothing_announced() {
    let mut lab = lab(with_mode(UplinkMode::Separate));
    link(&mut lab, "eth1", ETH1, false);
    lab.settle_in_time();
    assert_eq!(announced(&mut lab), []);
}

#[test]
fn an_address_that_has_left_meanwhile_is_not_announced() {
    let mut lab = lab(with_mode(UplinkMode::ActiveBackup));
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.take_sent();
    link(&mut lab, "eth1", ETH1, false);
    // The connection breaks too, and until it is back the address was seen outside.
    lab.disconnect(Role::Uplink);
    lab.run_for(Duration::from_secs(10));
    lab.connect(Role::Uplink);
    lab.frame(Role::Uplink, ETH1, NETWORK, 0x10);
    lab.settle();
    assert_eq!(
        lab.state.macs().iter().collect::<Vec<_>>(),
        [entry(Role::Uplink, ETH1, NETWORK, 0x10)]
    );
    lab.take_sent();
    lab.settle_in_time();
    let here = (vlan(NETWORK), MacAddr::from_u64(PINNED));
    assert_eq!(announced(&mut lab), [here]);
}

#[test]
fn announcements_are_bounded_however_often_a_link_goes_down() {
    let many = changed(&with_mode(UplinkMode::Balance), |host| {
        host.vnics.extend((0..250).map(|index| {
            let mut vnic = vnic(&format!("many{index}"), NETWORK);
            vnic.mac = Some(MacAddr::from_u64(0x1000 + index));
            vnic
        }));
    });
    let mut lab = lab(many);
    for index in 0..250 {
        let wire = lab.wires.get(Role::Local);
        wire.add_port(&format!("many{index}"), 100 + index);
    }
    lab.settle();
    lab.take_sent();
    let mut all = BTreeSet::new();
    link(&mut lab, "eth1", ETH1, false);
    while let Some(due) = lab.state.poll_timeout() {
        lab.wait(due - lab.now);
        let some = announced(&mut lab);
        assert!(some.len() <= 100, "{}", some.len());
        all.extend(some);
    }
    assert_eq!(all.len(), 251);

    // One that flaps for a moment: nothing until it rests.
    for _ in 0..20 {
        link(&mut lab, "eth1", ETH1, true);
        link(&mut lab, "eth1", ETH1, false);
        lab.wait(Duration::from_millis(50));
        assert_eq!(announced(&mut lab), []);
    }
    lab.settle_in_time();
    assert_eq!(announced(&mut lab).len(), 251);

    // Nor does it keep any of them back for ever.
    all.clear();
    for _ in 0..200 {
        link(&mut lab, "eth1", ETH1, true);
        link(&mut lab, "eth1", ETH1, false);
        lab.wait(Duration::from_millis(50));
        let some = announced(&mut lab);
        assert!(some.len() <= 100, "{}", some.len());
        all.extend(some);
    }
    assert_eq!(all.len(), 251);
    lab.settle_in_time();
    assert_eq!(announced(&mut lab).len(), 251);
}
