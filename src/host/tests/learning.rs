//! Frames teach, move and age addresses.

use openflow::{FlowMod, FlowModCommand, Message, PortNo};

use super::lab::{Lab, Sent, entry, packet_in};
use super::topologies::{
    NETWORK, OTHER, PINNED, chain, chain_and_direct, changed, running_lab, vnic,
};
use crate::cookie::Class;
use crate::host::Counters;
use crate::learning::MacTable;
use crate::session::Event;
use crate::topology::{MacAge, Membership, Role, Vlan};

/// Commands and classes of the flow-mods that were sent, each outside of any transaction.
fn flow_mods(sent: &Sent) -> Vec<(FlowModCommand, Option<Class>)> {
    assert!(sent.commits.is_empty());
    sent.plain
        .iter()
        .map(|message| match message {
            Message::FlowMod(FlowMod {
                command, cookie, ..
            }) => (*command, Class::of(*cookie)),
            other => panic!("{other:?}"),
        })
        .collect()
}

const ADD_SOURCE: (FlowModCommand, Option<Class>) =
    (FlowModCommand::Add, Some(Class::LearnedSource));
const ADD_DESTINATION: (FlowModCommand, Option<Class>) =
    (FlowModCommand::Add, Some(Class::LearnedDestination));
const DELETE: (FlowModCommand, Option<Class>) = (FlowModCommand::DeleteStrict, None);

#[test]
fn a_guest_is_learned_where_it_is_and_on_the_uplink_bridge_by_plain_flow_mods() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.assert_in_sync();
    let sent = lab.take_sent();
    assert_eq!(
        flow_mods(&sent[&Role::Local]),
        [ADD_SOURCE, ADD_DESTINATION]
    );
    assert_eq!(flow_mods(&sent[&Role::Service]), []);
    assert_eq!(flow_mods(&sent[&Role::Uplink]), [ADD_DESTINATION]);
    assert_eq!(lab.state.counters().learned, 1);
}

#[test]
fn frames_of_a_known_source_send_nothing() {
    let mut lab = running_lab();
    for _ in 0..3 {
        // The switch goes on asking until the flow is there.
        lab.wires
            .get(Role::Local)
            .push_event(Event::PacketIn(packet_in(1, NETWORK, 0x10)));
    }
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.take_sent()[&Role::Local].plain.len(), 2);
    let after = lab.state.counters();
    lab.wires
        .get(Role::Local)
        .push_event(Event::PacketIn(packet_in(1, NETWORK, 0x10)));
    lab.settle();
    let counted = Counters {
        packet_ins: after.packet_ins + 1,
        ..after
    };
    assert_eq!(lab.state.counters(), counted);
    assert!(lab.take_sent().values().all(Sent::no_change));
}

#[test]
fn a_guest_that_moves_to_another_port_takes_its_flows_with_it() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.take_sent();
    lab.frame(Role::Local, 2, NETWORK, 0x10);
    lab.settle();
    lab.assert_in_sync();
    let sent = lab.take_sent();
    assert_eq!(
        flow_mods(&sent[&Role::Local])[..2],
        [ADD_SOURCE, ADD_DESTINATION]
    );
    assert_eq!(flow_mods(&sent[&Role::Local])[2].0, DELETE.0);
    assert_eq!(sent[&Role::Local].plain.len(), 3);
    assert!(
        sent[&Role::Uplink].no_change(),
        "the uplink bridge sends it to the chain as before"
    );
    assert_eq!(lab.state.counters().moved, 1);
}

#[test]
fn a_guest_that_leaves_the_host_is_found_behind_the_uplink() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.frame(Role::Uplink, 2, NETWORK, 0x10);
    lab.settle();
    lab.assert_in_sync();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.counters().moved, 2);
    assert_eq!(lab.state.macs().len(), 1);
}

#[test]
fn a_direct_vnic_is_learned_on_the_uplink_bridge_and_its_addresses_move_like_others() {
    let mut lab = running_lab();
    lab.reload(chain_and_direct());
    lab.settle();
    lab.take_sent();
    lab.frame(Role::Uplink, 3, NETWORK, 0x10);
    lab.settle();
    lab.assert_in_sync();
    let sent = lab.take_sent();
    assert!(sent[&Role::Local].no_change(), "it is outside there");
    assert_eq!(
        flow_mods(&sent[&Role::Uplink]),
        [ADD_SOURCE, ADD_DESTINATION]
    );
    for (role, port) in [
        (Role::Local, 1),
        (Role::Uplink, 3),
        (Role::Uplink, 2),
        (Role::Uplink, 3),
    ] {
        lab.frame(role, port, NETWORK, 0x10);
        lab.settle();
        lab.assert_in_sync();
        let here = entry(role, port, NETWORK, 0x10);
        assert_eq!(
            lab.state.macs().location(here.vlan, here.mac),
            Some(here.at)
        );
    }
    assert_eq!(lab.state.counters().moved, 4);
    assert_eq!(lab.state.counters().ignored, 0);
}

#[test]
fn a_direct_vnic_does_not_take_over_an_address_of_the_host_either() {
    let mut lab = running_lab();
    lab.reload(changed(&chain_and_direct(), |host| {
        host.vnics.last_mut().unwrap().membership = Membership::Access(Vlan::UNTAGGED);
    }));
    lab.settle();
    lab.frame(Role::Uplink, PortNo::LOCAL.0, 0, 0x10);
    lab.frame(Role::Uplink, 3, 0, 0x10);
    lab.settle();
    assert_eq!(lab.state.counters().ignored, 1);
    assert_eq!(lab.state.counters().moved, 0);
}

#[test]
fn the_same_address_in_two_networks_is_two_addresses() {
    let mut lab = running_lab();
    lab.frame(Role::Uplink, 2, NETWORK, 0x10);
    lab.frame(Role::Uplink, 2, OTHER, 0x10);
    lab.frame(Role::Uplink, 2, 0, 0x10);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 3);
    assert_eq!(lab.state.counters().moved, 0);
}

#[test]
fn a_silent_address_is_forgotten_everywhere() {
    let mut lab = running_lab();
    let programs = [lab.held_by(Role::Local), lab.held_by(Role::Uplink)];
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.take_sent();
    let guest = entry(Role::Local, 1, NETWORK, 0x10);
    lab.wires.get(Role::Local).idle_out(Role::Local, &guest);
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.state.macs().is_empty());
    assert_eq!(
        [lab.held_by(Role::Local), lab.held_by(Role::Uplink)],
        programs
    );
    assert_eq!(lab.state.counters().forgotten, 1);
    assert!(
        lab.take_sent()
            .values()
            .all(|sent| sent.commits.is_empty() && sent.read_backs == 0)
    );
}

#[test]
fn an_address_that_went_silent_at_its_old_port_stays_at_the_new_one() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    // The notice is late: the address has moved by the time it comes.
    let guest = entry(Role::Local, 1, NETWORK, 0x10);
    lab.wires.get(Role::Local).idle_out(Role::Local, &guest);
    lab.frame(Role::Uplink, 2, NETWORK, 0x10);
    assert!(lab.step_controller(Role::Uplink));
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(
        lab.state.macs().iter().collect::<Vec<_>>(),
        [entry(Role::Uplink, 2, NETWORK, 0x10)]
    );
}

#[test]
fn what_may_not_be_learned_is_not() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, OTHER, 0x10); // a network that the vNIC is no member of
    lab.frame(Role::Local, 1, NETWORK, PINNED);
    lab.frame(Role::Local, 88, NETWORK, 0x10); // no such port
    lab.frame(Role::Service, 1, NETWORK, 0x10); // a bridge that learns nothing
    lab.frame(Role::Local, 1, NETWORK, 0x0100_0000_0010); // a group address
    let mut cut_off = packet_in(1, NETWORK, 0x10);
    cut_off.data.truncate(13);
    let mut of_others = packet_in(1, NETWORK, 0x10);
    of_others.cookie = openflow::Cookie(0xbeef);
    for packet_in in [cut_off, of_others] {
        lab.wires
            .get(Role::Local)
            .push_event(Event::PacketIn(packet_in));
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.state.macs().is_empty());
    assert_eq!(lab.state.counters().ignored, 7);
    assert!(lab.take_sent().values().all(Sent::no_change));
}

#[test]
fn a_guest_does_not_take_over_an_address_of_the_host() {
    let mut lab = running_lab();
    lab.reload(changed(&chain(), |host| {
        host.vnics.push(vnic("guest3", 0));
    }));
    lab.wires.get(Role::Local).add_port("guest3", 5);
    lab.settle();
    lab.frame(Role::Uplink, PortNo::LOCAL.0, 0, 0x10);
    lab.settle();
    lab.take_sent();
    lab.frame(Role::Local, 5, 0, 0x10);
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent().values().all(Sent::no_change));
    assert_eq!(lab.state.counters().ignored, 1);

    // What comes from outside may be the host's by another way.
    lab.frame(Role::Uplink, 2, 0, 0x10);
    lab.settle();
    assert_eq!(lab.state.counters().moved, 1);
}

#[test]
fn a_guest_that_makes_up_addresses_fills_the_table_and_no_more() {
    let mut lab = running_lab();
    for mac in 0..MacTable::CAPACITY as u64 + 10 {
        lab.wires
            .get(Role::Local)
            .push_event(Event::PacketIn(packet_in(1, NETWORK, mac << 1)));
        lab.step_controller(Role::Local);
    }
    assert_eq!(lab.state.macs().len(), MacTable::CAPACITY);
    assert_eq!(lab.state.counters().ignored, 10);
    assert_eq!(lab.state.counters().learned, MacTable::CAPACITY as u64);

    // Nobody else suffers: another port takes a place over, with its flows.
    lab.settle();
    lab.take_sent();
    lab.frame(Role::Local, 2, NETWORK, u64::from(u32::MAX) << 1);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), MacTable::CAPACITY);
    let sent = lab.take_sent();
    assert_eq!(
        flow_mods(&sent[&Role::Local]),
        [ADD_SOURCE, ADD_DESTINATION, DELETE, DELETE]
    );
    assert_eq!(flow_mods(&sent[&Role::Uplink]), [ADD_DESTINATION, DELETE]);
}

/// A host that knows an address at port 1 of its local bridge, where a transaction is under way.
fn lab_in_a_transaction() -> Lab {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.take_sent();
    lab.wires.get(Role::Local).del_port(PortNo(4));
    assert!(lab.step_controller(Role::Local));
    assert_eq!(lab.take_sent()[&Role::Local].commits.len(), 1);
    lab
}

fn hear(lab: &mut Lab, port: u32, mac: u64) {
    let seen = Event::PacketIn(packet_in(port, NETWORK, mac));
    lab.wires.get(Role::Local).push_event(seen);
    assert!(lab.step_controller(Role::Local));
}

#[test]
fn what_is_learned_during_a_transaction_is_sent_after_it() {
    let mut lab = lab_in_a_transaction();
    hear(&mut lab, 2, 0x10);
    hear(&mut lab, 2, 0x20);
    assert!(lab.take_sent()[&Role::Local].no_change());
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 2);
    assert_eq!(lab.take_sent()[&Role::Local].plain.len(), 5);
}

#[test]
fn an_address_that_comes_back_during_a_transaction_gets_the_flow_that_timed_out_meanwhile() {
    let mut lab = lab_in_a_transaction();
    hear(&mut lab, 2, 0x10);
    let wire = lab.wires.get(Role::Local);
    wire.idle_out(Role::Local, &entry(Role::Local, 1, NETWORK, 0x10));
    wire.tell_removed();
    assert!(lab.step_controller(Role::Local));
    hear(&mut lab, 1, 0x10);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 1);
}

#[test]
fn a_source_flow_that_was_sent_while_the_notice_of_its_end_was_on_its_way_is_deleted_too() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    let wire = lab.wires.get(Role::Local);
    wire.idle_out(Role::Local, &entry(Role::Local, 1, NETWORK, 0x10));
    let late = std::mem::take(&mut wire.switch.removed);
    let mut topology = (*lab.topology).clone();
    topology.controller.mac_age = MacAge::from_secs(7).unwrap();
    lab.reload(topology);
    lab.settle();
    let wire = lab.wires.get(Role::Local);
    assert_eq!(wire.sources(Role::Local).count(), 1);
    wire.switch.removed = late;
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.state.macs().is_empty());
}
