//! Bridges connect, for the first time or again.

use openflow::PortNo;

use super::lab::{Lab, entry, foreign_flow};
use super::topologies::{
    CHAIN, NETWORK, OTHER, UPLINK_PORTS, any_learning, chain, chain_lab, changed, inline_chain,
    lab, running_lab, vlan,
};
use crate::compile;
use crate::cookie::Class;
use crate::topology::{Membership, Role};

const ORDERS: [[Role; 3]; 6] = {
    let [local, service, uplink] = CHAIN;
    [
        [local, service, uplink],
        [local, uplink, service],
        [service, local, uplink],
        [service, uplink, local],
        [uplink, local, service],
        [uplink, service, local],
    ]
};

/// A host that knows an address behind each of its sides.
fn lab_with_learned_addresses() -> Lab {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.frame(Role::Local, 2, NETWORK, 0x20);
    lab.frame(Role::Uplink, 2, NETWORK, 0x30);
    lab.frame(Role::Uplink, 2, OTHER, 0x40);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 4);
    lab.take_sent();
    lab
}

#[test]
fn empty_bridges_get_everything_in_one_transaction_each() {
    for order in ORDERS {
        let mut lab = lab(inline_chain());
        for role in order {
            lab.connect(role);
            lab.settle();
        }
        lab.assert_in_sync();
        for (role, sent) in lab.take_sent() {
            assert_eq!((sent.commits.len(), sent.plain.len()), (1, 0), "{role}");
        }
        assert!(!lab.held_by(Role::Service).groups.is_empty());
        assert!(!lab.held_by(Role::Local).meters.is_empty());
    }
}

#[test]
fn a_restart_with_nothing_changed_sends_nothing_in_whatever_order_bridges_connect() {
    for order in ORDERS {
        let mut lab = lab_with_learned_addresses();
        let before = lab.state.macs().len();
        lab.restart();
        for role in order {
            lab.connect(role);
            lab.settle();
            for (role, sent) in lab.take_sent() {
                assert!(sent.no_change(), "{order:?}: {role}: {sent:?}");
            }
        }
        lab.assert_in_sync();
        assert_eq!(lab.state.macs().len(), before);
        assert_eq!(lab.state.counters().recovered, before as u64);
    }
}

#[test]
fn a_restart_with_all_connecting_at_once_sends_nothing_either() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
}

#[test]
fn a_bridge_that_never_comes_keeps_the_others_from_nothing() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    lab.wires.get(Role::Uplink).switch.del_flows(|_| true);
    lab.connect(Role::Uplink);
    lab.connect(Role::Service);
    lab.settle();
    lab.assert_in_sync();
    lab.frame(Role::Uplink, 2, NETWORK, 0x50);
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.wires.get(Role::Uplink).sources(Role::Uplink).count() == 1);
}

#[test]
fn destinations_are_held_until_the_last_bridge_is_read_and_then_go_if_nothing_explains_them() {
    for order in ORDERS {
        let mut lab = lab_with_learned_addresses();
        let destinations = lab.held_by(Role::Uplink).flows.len();
        lab.restart();
        // While there is no controller, nobody deletes the destinations of an aged address.
        lab.wires
            .get(Role::Local)
            .idle_out(Role::Local, &entry(Role::Local, 1, NETWORK, 0x10));
        for role in order {
            lab.connect(role);
            lab.settle();
            let last = role == order[2];
            let left = lab.held_by(Role::Uplink).flows.len();
            assert_eq!(left, destinations - usize::from(last), "{order:?}: {role}");
        }
        lab.assert_in_sync();
        assert_eq!(lab.state.macs().len(), 3);
    }
}

#[test]
fn an_address_seen_before_the_bridge_is_read_is_not_taken_back_by_an_older_source_flow() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    lab.connect(Role::Local);
    lab.settle();
    // What was behind the uplink has moved in while there was no controller.
    lab.frame(Role::Local, 1, NETWORK, 0x30);
    lab.settle();
    lab.connect(Role::Uplink);
    lab.connect(Role::Service);
    lab.settle();
    lab.assert_in_sync();
    let here = entry(Role::Local, 1, NETWORK, 0x30);
    assert_eq!(
        lab.state.macs().location(here.vlan, here.mac),
        Some(here.at)
    );
}

#[test]
fn destinations_that_are_missing_come_back_once_their_source_is_read() {
    for order in ORDERS {
        let mut lab = lab_with_learned_addresses();
        lab.restart();
        lab.wires
            .get(Role::Uplink)
            .switch
            .del_flows(|cookie| Class::of(cookie) == Some(Class::LearnedDestination));
        for role in order {
            lab.connect(role);
            lab.settle();
        }
        lab.assert_in_sync();
        assert_eq!(lab.state.macs().len(), 4);
    }
}

#[test]
fn a_held_destination_goes_with_the_address_that_explains_it_by_then() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    // br.nf never comes, so that flows are held all along.
    lab.connect(Role::Uplink);
    lab.settle();
    lab.connect(Role::Local);
    lab.settle();
    assert_eq!(lab.state.macs().len(), 4);
    let elsewhere = changed(&chain(), |host| {
        host.vnics[0].membership = Membership::Access(vlan(OTHER))
    });
    lab.reload(elsewhere);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 3);
}

#[test]
fn a_source_flow_that_is_no_longer_admitted_goes_without_waiting_for_other_bridges() {
    let mut lab = lab_with_learned_addresses();
    lab.restart();
    let wire = lab.wires.get(Role::Local);
    wire.del_port(PortNo(1));
    lab.connect(Role::Local);
    lab.settle();
    let gone = entry(Role::Local, 1, NETWORK, 0x10);
    assert!(
        lab.wires
            .get(Role::Local)
            .sources(Role::Local)
            .all(|source| source != gone)
    );
    assert_eq!(lab.state.macs().location(gone.vlan, gone.mac), None);
}

#[test]
fn a_switch_that_lost_its_flows_gets_them_all_back_learned_ones_included() {
    let mut lab = lab_with_learned_addresses();
    lab.disconnect(Role::Uplink);
    lab.wires.get(Role::Uplink).switch = Default::default();
    lab.connect(Role::Uplink);
    lab.settle();
    lab.assert_in_sync();
    let sent = &lab.take_sent()[&Role::Uplink];
    assert_eq!((sent.commits.len(), sent.plain.len()), (1, 0));
    assert_eq!(lab.state.macs().len(), 4);
}

#[test]
fn a_switch_that_numbers_its_ports_anew_is_not_told_what_was_learned_at_the_old_numbers() {
    let mut lab = lab_with_learned_addresses();
    lab.disconnect(Role::Local);
    let wire = lab.wires.get(Role::Local);
    wire.switch = Default::default();
    wire.ports = wire
        .ports
        .iter()
        .map(|(name, number)| {
            let number = match name {
                "guest1" => PortNo(2),
                "guest2" => PortNo(1),
                _ => number,
            };
            (name.to_owned(), number)
        })
        .collect();
    lab.connect(Role::Local);
    lab.settle();
    lab.assert_in_sync();
    assert!(
        lab.state
            .macs()
            .iter()
            .all(|entry| entry.at.role == Role::Uplink)
    );
}

#[test]
fn flows_of_others_stay_and_are_counted() {
    let mut lab = chain_lab();
    let (key, flow) = foreign_flow();
    lab.wires
        .get(Role::Local)
        .switch
        .program
        .flows
        .insert(key.clone(), flow.clone());
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.counters().foreign, 1);
    assert_eq!(
        lab.wires.get(Role::Local).switch.program.flows.get(&key),
        Some(&flow)
    );
}

#[test]
fn a_new_connection_in_place_of_the_old_one_ends_what_was_under_way() {
    let mut lab = chain_lab();
    lab.connect(Role::Local);
    while lab.wires.get(Role::Local).step_switch() {}
    assert!(lab.step_controller(Role::Local));
    assert_eq!(lab.take_sent()[&Role::Local].commits.len(), 1);
    // The transaction was not answered.
    lab.connect(Role::Local);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.take_sent()[&Role::Local].commits.len(), 1);
}

#[test]
fn any_bridge_becomes_a_learning_switch() {
    let mut lab = Lab::new(any_learning(), &[(Role::Learning, UPLINK_PORTS)]);
    lab.connect(Role::Learning);
    lab.settle();
    lab.assert_in_sync();
    lab.take_sent();
    lab.frame(Role::Learning, 2, 17, 0x10);
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(lab.state.macs().len(), 1);
    assert_eq!(lab.take_sent()[&Role::Learning].plain.len(), 2);
    lab.restart();
    lab.connect(Role::Learning);
    lab.settle();
    lab.assert_in_sync();
    assert!(lab.take_sent()[&Role::Learning].no_change());
}

#[test]
fn every_source_flow_stands_for_the_address_it_was_made_from() {
    let lab = running_lab();
    let host = &lab.topology.hosts["node1"];
    for (role, port, vlan, mac) in [
        (Role::Local, 1, NETWORK, 0x10),
        (Role::Uplink, 0xffff_fffe, 0, 0x30),
    ] {
        let entry = entry(role, port, vlan, mac);
        let ports = &lab.wires.0[&role].ports;
        let flows = compile::learned(host, &lab.topology.controller, role, ports, &entry);
        let recovered: Vec<_> = flows
            .iter()
            .filter_map(|(key, flow)| compile::recover(role, key, flow))
            .collect();
        assert_eq!(recovered, [entry]);
    }
}
