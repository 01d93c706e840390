//! What keeps the number of addresses behind vNICs within its limits.
//!
//! All of it is in [`Table::Learn`], where a frame comes whose source is not pinned. The first of
//! these that applies to it decides:
//!
//! 1. Its source is known at its port: it goes on.
//! 2. Its vNIC may have no more addresses: it is dropped, unless its source is the vNIC's own.
//! 3. Its source is known elsewhere in a network with a limit: the controller is told, for it may
//!    have moved.
//! 4. Its network may have no more addresses: it is dropped, if a vNIC sent it and its source is not
//!    the vNIC's own.
//! 5. The controller is told.

use openflow::{Match, OxmField};

use super::admission::Admission;
use super::builder::{flow, from_port, learn_miss};
use super::learning::{learned, next};
use super::tables::{Table, priority};
use super::vlan;
use crate::cookie::Class;
use crate::learning::{LearnedMac, Limited, Limits, MacTable};
use crate::ports::Ports;
use crate::program::{Flow, FlowKey};
use crate::topology::{Controller, Host, Role, Vlan, Vnic};

/// All that the addresses of `macs` add to what [`bridge`](super::bridge) gives.
pub fn addresses(
    host: &Host,
    settings: &Controller,
    role: Role,
    ports: &Ports,
    macs: &MacTable,
) -> Vec<(FlowKey, Flow)> {
    let limits = macs.limits();
    let entries = macs
        .iter()
        .flat_map(|entry| address(host, settings, role, ports, limits, &entry));
    let reached = limits
        .reached()
        .flat_map(|what| reached(host, role, ports, what));
    entries.chain(reached).collect()
}

/// What one address adds, apart from limits that it makes reached.
pub fn address(
    host: &Host,
    settings: &Controller,
    role: Role,
    ports: &Ports,
    limits: &Limits,
    entry: &LearnedMac,
) -> Vec<(FlowKey, Flow)> {
    let mut flows = learned(host, settings, role, ports, entry);
    if limits.count_in_network(entry) {
        flows.extend(counted(host, role, entry));
    }
    flows
}

/// What `entry`, an address behind a vNIC in a network with a limit, adds on the bridge of `host`
/// with `role`: it may move to the vNICs there.
fn counted(host: &Host, role: Role, entry: &LearnedMac) -> Option<(FlowKey, Flow)> {
    members(host, role, entry.vlan).next()?;
    let (_, miss) = learn_miss(next(role));
    Some(flow(
        Table::Learn,
        priority::COUNTED,
        vlan::of(Match::new(), entry.vlan).with(OxmField::EthSrc, entry.mac),
        Class::CountedSource,
        miss.instructions,
    ))
}

/// What it adds on the bridge of `host` with `role` that a limit is reached.
pub fn reached(host: &Host, role: Role, ports: &Ports, what: Limited) -> Vec<(FlowKey, Flow)> {
    let drop = |priority, match_| {
        flow(
            Table::Learn,
            priority,
            match_,
            Class::DropMaxMacs,
            Vec::new(),
        )
    };
    // The address of a VM that roams is learned, and counts for nothing.
    let own = |priority, match_: Match, vnic: &Vnic| {
        let mac = vnic.roaming_mac()?;
        let (_, miss) = learn_miss(next(role));
        let from_it = match_.with(OxmField::EthSrc, mac);
        Some(flow(
            Table::Learn,
            priority,
            from_it,
            Class::CountedSource,
            miss.instructions,
        ))
    };
    match what {
        Limited::Vnic(at) if at.role == role => {
            let vnic = ports.name(at.port).and_then(|name| host.vnic(name));
            let own = vnic.and_then(|vnic| own(priority::EXPECTED, from_port(at.port), vnic));
            own.into_iter()
                .chain([drop(priority::DEFAULT, from_port(at.port))])
                .collect()
        }
        Limited::Vnic(_) => Vec::new(),
        Limited::Network(vlan) => {
            let mut flows: Vec<_> = members(host, role, vlan)
                .filter_map(|vnic| own(priority::COUNTED, vlan::of(Match::new(), vlan), vnic))
                .collect();
            let ports = members(host, role, vlan).filter_map(|vnic| ports.get(&vnic.port));
            let sent_by_vnics: Vec<Match> = match role {
                // Nothing else sends frames into that table there.
                Role::Local => vec![vlan::of(Match::new(), vlan)],
                _ => ports.map(|port| vlan::of(from_port(port), vlan)).collect(),
            };
            let drops = sent_by_vnics.into_iter();
            flows.extend(drops.map(|match_| drop(priority::NETWORK, match_)));
            flows
        }
    }
}

/// Whether a flow of a bridge with `role` may come from addresses that were learned at another
/// bridge: it is a destination, or it is about a network with a limit and vNICs at both.
pub fn depends_on_another_bridge(host: &Host, role: Role, key: &FlowKey, flow: &Flow) -> bool {
    match Class::of(flow.cookie) {
        Some(Class::LearnedDestination) => true,
        Some(Class::CountedSource | Class::DropMaxMacs) => {
            let vid = key.match_.get(OxmField::VlanVid);
            let network = vid.and_then(|(vid, _)| vlan::from_match(vid));
            network.is_some_and(|network| {
                let limited = host.max_macs.contains_key(&network);
                let elsewhere = host
                    .vnics
                    .iter()
                    .any(|vnic| host.bridge_of(vnic) != role && sends_in(vnic, network));
                limited && elsewhere
            })
        }
        _ => false,
    }
}

/// The vNICs at the bridge with `role` that send frames of `network`.
fn members(host: &Host, role: Role, network: Vlan) -> impl Iterator<Item = &Vnic> {
    host.vnics_at(role)
        .filter(move |vnic| sends_in(vnic, network))
}

fn sends_in(vnic: &Vnic, network: Vlan) -> bool {
    Admission::vnic(&vnic.membership).includes(network)
}
