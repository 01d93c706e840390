//! vNICs and networks that may have so many addresses and no more.

use openflow::{FlowModCommand, Message, PortNo};

use super::lab::{Lab, Sent, entry, packet_in};
use super::log::warnings;
use super::topologies::{
    CHAIN, NETWORK, OTHER, PINNED, chain, chain_and_direct, chain_lab, changed, vlan,
};
use crate::cookie::Class;
use crate::session::Event;
use crate::status::{Kind, ReachedLimit};
use crate::topology::{Host, Role, Topology};

/// `chain()` in which guest1 may have two addresses, and the network three behind its vNICs.
fn limited() -> Topology {
    changed(&chain(), |host| limit(host, Some(2), Some(3)))
}

fn limit(host: &mut Host, guest1: Option<u32>, network: Option<u32>) {
    host.vnics[0].security.max_macs = guest1;
    host.max_macs = network
        .map(|limit| (vlan(NETWORK), limit))
        .into_iter()
        .collect();
}

fn lab(topology: Topology) -> Lab {
    let mut lab = chain_lab();
    lab.reload(topology);
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    lab.take_sent();
    lab
}

/// The controller is told of a source, whatever the switch knows.
fn hear(lab: &mut Lab, role: Role, port: u32, mac: u64) {
    let seen = Event::PacketIn(packet_in(port, NETWORK, mac));
    lab.wires.get(role).push_event(seen);
    lab.settle();
    lab.assert_in_sync();
}

/// The addresses that are learned, in ascending order.
fn known(lab: &Lab) -> Vec<u64> {
    let mut known: Vec<u64> = lab.state.macs().iter().map(|it| it.mac.to_u64()).collect();
    known.sort_unstable();
    known
}

/// How many flows of the local bridge drop frames of further addresses.
fn refusals(lab: &Lab) -> usize {
    let program = lab.held_by(Role::Local);
    let flows = program.flows.values();
    flows
        .filter(|flow| Class::of(flow.cookie) == Some(Class::DropMaxMacs))
        .count()
}

fn mods(sent: &Sent, command: FlowModCommand) -> usize {
    let flow_mods = sent.plain.iter().filter(|message| match message {
        Message::FlowMod(flow_mod) => flow_mod.command == command,
        _ => false,
    });
    flow_mods.count()
}

#[test]
fn a_vnic_that_has_all_it_may_have_gets_no_more_until_one_ages_out() {
    let mut lab = lab(changed(&chain(), |host| limit(host, Some(2), None)));
    hear(&mut lab, Role::Local, 1, 0x10);
    assert_eq!(refusals(&lab), 0);
    hear(&mut lab, Role::Local, 1, 0x20);
    assert_eq!(refusals(&lab), 1);

    // What was on its way when the limit was reached, and what is known.
    lab.take_sent();
    hear(&mut lab, Role::Local, 1, 0x30);
    hear(&mut lab, Role::Local, 1, 0x10);
    assert!(lab.take_sent().values().all(Sent::no_change));
    assert_eq!(known(&lab), [0x10, 0x20]);
    assert_eq!(lab.state.counters().ignored, 1);
    // Others are not concerned.
    hear(&mut lab, Role::Local, 2, 0x40);
    hear(&mut lab, Role::Uplink, 2, 0x50);
    assert_eq!(known(&lab).len(), 4);

    lab.take_sent();
    let first = entry(Role::Local, 1, NETWORK, 0x10);
    lab.wires.get(Role::Local).idle_out(Role::Local, &first);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(refusals(&lab), 0);
    let sent = &lab.take_sent()[&Role::Local];
    // The source that is gone is deleted too, lest one was sent meanwhile.
    assert_eq!(
        (mods(sent, FlowModCommand::DeleteStrict), sent.plain.len()),
        (3, 3)
    );
    hear(&mut lab, Role::Local, 1, 0x30);
    assert_eq!(known(&lab), [0x20, 0x30, 0x40, 0x50]);
    assert_eq!(refusals(&lab), 1);
}

#[test]
fn an_address_that_moves_to_a_vnic_without_room_stays_where_it_was() {
    let mut lab = lab(limited());
    for (port, mac) in [(1, 0x10), (1, 0x20), (2, 0x30)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    hear(&mut lab, Role::Local, 1, 0x30);
    let there = entry(Role::Local, 2, NETWORK, 0x30);
    assert_eq!(
        lab.state.macs().location(there.vlan, there.mac),
        Some(there.at)
    );
    assert_eq!(lab.state.counters().moved, 0);
}

#[test]
fn within_a_network_that_is_full_addresses_move_and_from_outside_none_come_in() {
    let mut lab = lab(limited());
    for (port, mac) in [(1, 0x10), (1, 0x20), (2, 0x30)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    // That of the vNIC, and that of the network.
    assert_eq!(refusals(&lab), 2);
    hear(&mut lab, Role::Local, 4, 0x40);
    assert_eq!(known(&lab), [0x10, 0x20, 0x30]);

    hear(&mut lab, Role::Local, 4, 0x10);
    assert_eq!(lab.state.counters().moved, 1);
    assert_eq!(
        refusals(&lab),
        1,
        "guest1 has room again, the network has not"
    );

    // An uplink is refused nothing; what is there does not get in.
    hear(&mut lab, Role::Uplink, 2, 0x50);
    hear(&mut lab, Role::Local, 2, 0x50);
    assert_eq!(known(&lab), [0x10, 0x20, 0x30, 0x50]);
    assert_eq!(lab.state.counters().moved, 1);

    // One that leaves the host makes room for it.
    hear(&mut lab, Role::Uplink, 2, 0x20);
    assert_eq!(refusals(&lab), 0);
    hear(&mut lab, Role::Local, 2, 0x50);
    assert_eq!(lab.state.counters().moved, 3);
    assert_eq!(refusals(&lab), 1);
}

#[test]
fn a_limit_is_one_of_its_own_network() {
    let mut lab = lab(changed(&limited(), |host| {
        host.vnics[1] = super::topologies::vnic("guest2", OTHER)
    }));
    for mac in [0x10, 0x20, 0x30, 0x40] {
        let seen = Event::PacketIn(packet_in(2, OTHER, mac));
        lab.wires.get(Role::Local).push_event(seen);
        lab.settle();
    }
    lab.assert_in_sync();
    assert_eq!(known(&lab).len(), 4);
    assert_eq!(refusals(&lab), 0);
}

#[test]
fn no_address_at_all_may_be_allowed() {
    let mut lab = lab(changed(&chain(), |host| limit(host, Some(0), None)));
    assert_eq!(refusals(&lab), 1);
    hear(&mut lab, Role::Local, 1, 0x10);
    assert!(known(&lab).is_empty());
}

#[test]
fn a_restart_recovers_that_limits_are_reached_and_sends_nothing() {
    let mut lab = lab(limited());
    for (port, mac) in [(1, 0x10), (1, 0x20), (2, 0x30)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        lab.restart();
        for role in order.map(|index| CHAIN[index]) {
            lab.connect(role);
            lab.settle();
        }
        lab.assert_in_sync();
        assert!(lab.take_sent().values().all(Sent::no_change));
        assert_eq!(refusals(&lab), 2);
        hear(&mut lab, Role::Local, 2, 0x60);
        assert_eq!(known(&lab), [0x10, 0x20, 0x30]);
    }
}

/// A network with room for three addresses, with vNICs at two bridges.
fn across_bridges() -> Lab {
    let mut lab = lab(changed(&chain_and_direct(), |host| {
        limit(host, None, Some(3))
    }));
    for (role, port, mac) in [
        (Role::Local, 1, 0x10),
        (Role::Local, 2, 0x20),
        (Role::Uplink, 3, 0x30),
    ] {
        hear(&mut lab, role, port, mac);
    }
    lab.take_sent();
    lab
}

#[test]
fn a_direct_vnic_counts_for_its_network_like_any_other() {
    let mut lab = across_bridges();
    for (role, port) in [(Role::Local, 1), (Role::Uplink, 3)] {
        hear(&mut lab, role, port, 0x40);
        assert_eq!(known(&lab), [0x10, 0x20, 0x30], "{role}");
    }
    hear(&mut lab, Role::Uplink, 2, 0x40);
    hear(&mut lab, Role::Uplink, PortNo::LOCAL.0, 0x50);
    assert_eq!(known(&lab).len(), 4, "the host is no member of the network");
    hear(&mut lab, Role::Local, 1, 0x30);
    hear(&mut lab, Role::Uplink, 3, 0x10);
    assert_eq!(lab.state.counters().moved, 2);
}

#[test]
fn a_restart_knows_of_a_network_that_is_full_when_it_has_read_all_its_bridges_and_sends_nothing() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut lab = across_bridges();
        lab.restart();
        for role in order.map(|index| CHAIN[index]) {
            lab.connect(role);
            lab.settle();
        }
        lab.assert_in_sync();
        assert!(lab.take_sent().values().all(Sent::no_change), "{order:?}");
        hear(&mut lab, Role::Local, 1, 0x60);
        assert_eq!(known(&lab), [0x10, 0x20, 0x30]);
    }
}

#[test]
fn what_a_restart_can_not_explain_once_it_has_read_all_goes() {
    let mut lab = across_bridges();
    lab.restart();
    let gone = entry(Role::Uplink, 3, NETWORK, 0x30);
    lab.wires.get(Role::Uplink).idle_out(Role::Uplink, &gone);
    lab.connect(Role::Local);
    lab.settle();
    assert_eq!(refusals(&lab), 1, "br0 may explain it");
    lab.connect(Role::Service);
    lab.connect(Role::Uplink);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(refusals(&lab), 0);
    hear(&mut lab, Role::Local, 1, 0x60);
    assert_eq!(known(&lab), [0x10, 0x20, 0x60]);
}

#[test]
fn a_limit_that_is_raised_makes_room_at_once() {
    let mut lab = lab(limited());
    for (port, mac) in [(1, 0x10), (1, 0x20), (2, 0x30)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    lab.reload(changed(&chain(), |host| limit(host, Some(3), Some(4))));
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(refusals(&lab), 0);
    hear(&mut lab, Role::Local, 1, 0x40);
    assert_eq!(known(&lab), [0x10, 0x20, 0x30, 0x40]);
    assert_eq!(refusals(&lab), 2);
}

#[test]
fn a_limit_that_is_lowered_keeps_the_lowest_addresses_by_reload_and_by_restart() {
    for restart in [false, true] {
        let mut lab = lab(limited());
        // In an order of its own.
        for (port, mac) in [(2, 0x30), (1, 0x20), (1, 0x10)] {
            hear(&mut lab, Role::Local, port, mac);
        }
        hear(&mut lab, Role::Uplink, 2, 0x05);
        let lower = changed(&chain(), |host| limit(host, Some(1), Some(2)));
        if restart {
            lab.restart();
            lab.reload(lower);
            for role in CHAIN {
                lab.connect(role);
            }
        } else {
            lab.reload(lower);
        }
        lab.settle();
        lab.assert_in_sync();
        assert_eq!(known(&lab), [0x05, 0x10, 0x30], "restart: {restart}");
        assert_eq!(refusals(&lab), 2);
    }
}

#[test]
fn the_address_of_a_vm_that_roams_counts_for_nothing_and_is_refused_nowhere() {
    let mut lab = lab(changed(&chain(), |host| {
        host.vnics[2].roams = true;
        host.vnics[2].security.max_macs = Some(1);
        host.max_macs = [(vlan(NETWORK), 2)].into();
    }));
    hear(&mut lab, Role::Local, 3, PINNED);
    assert_eq!(refusals(&lab), 0);
    hear(&mut lab, Role::Local, 3, 0x10);
    hear(&mut lab, Role::Local, 1, 0x20);
    assert_eq!(
        refusals(&lab),
        2,
        "that of the vNIC, and that of the network"
    );
    // It leaves, and comes back to a vNIC and a network that have no room.
    hear(&mut lab, Role::Uplink, 2, PINNED);
    hear(&mut lab, Role::Local, 3, PINNED);
    assert_eq!(lab.state.counters().moved, 2);
    assert_eq!(known(&lab), [0x10, 0x20, PINNED]);
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent().values().all(Sent::no_change));
    assert_eq!(known(&lab), [0x10, 0x20, PINNED]);
}

#[test]
fn a_port_that_goes_takes_its_limit_and_its_addresses_with_it() {
    let mut lab = lab(limited());
    for (port, mac) in [(1, 0x10), (1, 0x20), (2, 0x30)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    lab.wires.get(Role::Local).del_port(openflow::PortNo(1));
    lab.settle();
    lab.assert_in_sync();
    assert_eq!((known(&lab), refusals(&lab)), (vec![0x30], 0));
    lab.wires.get(Role::Local).add_port("guest1", 7);
    for mac in [0x40, 0x50, 0x60] {
        hear(&mut lab, Role::Local, 7, mac);
    }
    assert_eq!(known(&lab), [0x30, 0x40, 0x50]);
}

#[test]
fn a_limit_that_is_reached_is_reported_once_until_there_was_room() {
    let lines = warnings(|| {
        let mut lab = lab(changed(&chain(), |host| limit(host, Some(2), Some(2))));
        for mac in [0x10, 0x20, 0x30, 0x40, 0x30] {
            hear(&mut lab, Role::Local, 1, mac);
        }
        lab.reload(changed(&chain(), |host| limit(host, Some(2), None)));
        lab.settle();
    });
    let [of_vnic, of_network] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    for (line, what) in [(of_vnic, "the vNIC has"), (of_network, "the network has")] {
        for part in [
            what,
            r#"vnic="guest1""#,
            r#"network="demo3000""#,
            "limit=2",
            r#"host="node1""#,
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    let lines = warnings(|| {
        let mut lab = lab(changed(&chain(), |host| limit(host, Some(1), None)));
        for _ in 0..3 {
            hear(&mut lab, Role::Local, 1, 0x10);
            let only = entry(Role::Local, 1, NETWORK, 0x10);
            lab.wires.get(Role::Local).idle_out(Role::Local, &only);
            lab.settle();
        }
    });
    assert_eq!(lines.len(), 3, "{lines:#?}");
}

#[test]
fn a_network_that_is_full_is_shown_with_the_vnic_that_has_most_of_it() {
    let mut lab = lab(changed(&chain(), |host| limit(host, None, Some(4))));
    lab.state.take_happenings();
    // The last one is not the one that filled it.
    for (port, mac) in [(1, 0x10), (1, 0x20), (1, 0x30), (2, 0x40)] {
        hear(&mut lab, Role::Local, port, mac);
    }
    let shown = |lab: &Lab| lab.state.status(lab.now).reached_limits;
    let reached = ReachedLimit {
        network: Some("demo3000".to_owned()),
        limit: 4,
        vnic: "guest1".to_owned(),
        addresses: 3,
    };
    assert_eq!(shown(&lab), [reached]);
    let told = |lab: &mut Lab| {
        let happened = lab.state.take_happenings().into_iter();
        happened
            .filter(|it| it.kind == Kind::LimitReached)
            .map(|it| format!("{} {}", it.subject, it.message))
            .collect::<Vec<_>>()
    };
    let [event] = &told(&mut lab)[..] else {
        panic!("one event");
    };
    assert!(
        event.starts_with("demo3000 has as many addresses behind vNICs as it may have (4), 3 of them behind guest1"),
        "{event}"
    );

    // There is room again.
    let only = entry(Role::Local, 1, NETWORK, 0x10);
    lab.wires.get(Role::Local).idle_out(Role::Local, &only);
    lab.settle();
    assert_eq!(shown(&lab), []);
}

#[test]
fn a_vnic_that_is_full_is_shown() {
    let mut lab = lab(changed(&chain(), |host| limit(host, Some(2), None)));
    lab.state.take_happenings();
    for mac in [0x10, 0x20, 0x30] {
        hear(&mut lab, Role::Local, 1, mac);
    }
    let reached = ReachedLimit {
        network: None,
        limit: 2,
        vnic: "guest1".to_owned(),
        addresses: 2,
    };
    assert_eq!(lab.state.status(lab.now).reached_limits, [reached]);
    let happened = lab.state.take_happenings();
    let [event] = happened.as_slice() else {
        panic!("{happened:?}");
    };
    assert_eq!(
        (event.kind, &*event.subject),
        (Kind::LimitReached, "guest1")
    );
}
