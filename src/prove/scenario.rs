//! What a host's bridges hold once the compiler has done its work.

use std::collections::BTreeSet;

use openflow::{MacAddr, PortNo};

use crate::compile;
use crate::health::Failed;
use crate::learning::{LearnedMac, Location};
use crate::portmap;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{Controller, Host, Role, Vlan};

/// Compiled bridges, and the addresses that are taken to have been learned.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The bridges with their ports.
    pub bridges: Vec<(Role, Ports, Program)>,
    /// One address for every place and network where one may be learned.
    pub learned: Vec<LearnedMac>,
}

/// The ports of a host as if all that are configured were there; where nothing is said of ports, a
/// few.
pub fn assumed_ports(host: &Host) -> Vec<(Role, Ports)> {
    if host.is_open() {
        let few = (1..4).map(|number| (format!("port{number}"), PortNo(number)));
        let name = host
            .bridge(Role::Learning)
            .map(|bridge| bridge.name.clone());
        let local = (name.unwrap_or_else(|| "*".to_owned()), PortNo::LOCAL);
        return vec![(Role::Learning, few.chain([local]).collect())];
    }
    let roles = host.bridges().map(|(role, _)| role);
    roles
        .map(|role| (role, portmap::assumed(host, role)))
        .collect()
}

/// What health checks may have found on a host: that all is well, that one instance of a function
/// has failed, and that all of those that are probed have.
pub fn health_states(host: &Host) -> Vec<Failed> {
    let mut states = vec![Failed::default()];
    let mut all = Failed::default();
    let mut count = 0;
    for (legs, _) in host.health_checked() {
        let mut one = Failed::default();
        one.set(&legs.ingress, true);
        all.set(&legs.ingress, true);
        states.push(one);
        count += 1;
    }
    if count > 1 {
        states.push(all);
    }
    states
}

/// What the bridges of `host` hold, with one address learned at every place where that may be, in
/// every network.
///
/// What is learned of an address is one flow for that address in that network, on each bridge that
/// needs it; no flow is about several learned addresses. So one address stands for any, and all
/// addresses but these are the ones of which nothing is known.
pub fn compiled(
    host: &Host,
    settings: &Controller,
    ports: Vec<(Role, Ports)>,
    failed: &Failed,
) -> Scenario {
    let mut addresses = addresses(host);
    let learned = learnable(host, &ports, &mut addresses);
    let bridges = ports.into_iter().map(|(role, ports)| {
        let mut program = compile::bridge(host, settings, role, &ports, failed);
        for entry in &learned {
            let flows = compile::learned(host, settings, role, &ports, entry);
            program.flows.extend(flows);
        }
        (role, ports, program)
    });
    Scenario {
        bridges: bridges.collect(),
        learned,
    }
}

/// Addresses that are nobody's.
fn addresses(host: &Host) -> impl Iterator<Item = MacAddr> + use<> {
    let pinned: BTreeSet<MacAddr> = host.vnics.iter().filter_map(|vnic| vnic.mac).collect();
    (0_u32..)
        .map(|number| {
            let [a, b, c, d] = number.to_be_bytes();
            MacAddr([0x02, 0xbc, a, b, c, d])
        })
        .filter(move |mac| !pinned.contains(mac))
}

/// An address for every place and network, where one may be learned there.
fn learnable(
    host: &Host,
    bridges: &[(Role, Ports)],
    addresses: &mut impl Iterator<Item = MacAddr>,
) -> Vec<LearnedMac> {
    let mut learned = Vec::new();
    let mut next = addresses.next();
    let mut networks = host.networks.clone();
    if host.is_open() {
        // Any VLAN stands for the others.
        networks.extend([Vlan::UNTAGGED, Vlan::MAX]);
    }
    for (role, ports) in bridges {
        for (_, port) in ports.iter() {
            for vlan in &networks {
                let Some(mac) = next else { return learned };
                let entry = LearnedMac {
                    vlan: *vlan,
                    mac,
                    at: Location { role: *role, port },
                };
                if compile::admits(host, ports, &entry) {
                    learned.push(entry);
                    next = addresses.next();
                }
            }
        }
    }
    learned
}
