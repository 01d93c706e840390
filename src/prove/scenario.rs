//! What a host's bridges hold once the compiler has done its work.

use std::collections::BTreeSet;

use openflow::{MacAddr, PortNo};

use crate::compile;
use crate::health::Failed;
use crate::learning::{Learned, LearnedMac, Limits, Location, MacTable};
use crate::portmap;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{Controller, Host, Role, Vlan};

/// Which addresses are taken to have been learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// None.
    Nothing,
    /// One at every place and in every network.
    OneEverywhere,
}

/// What has to be taken to be known in turn to prove all of a host.
pub fn known_states(host: &Host) -> Vec<Known> {
    let is_limited = host
        .vnics
        .iter()
        .any(|vnic| vnic.security.max_macs.is_some());
    match is_limited || !host.max_macs.is_empty() {
        true => vec![Known::OneEverywhere, Known::Nothing],
        false => vec![Known::OneEverywhere],
    }
}

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
///
/// Where the number of addresses is limited, what is known has a part in what becomes of others; then
/// it takes another proof with nothing learned ([`Known::Nothing`]).
pub fn compiled(
    host: &Host,
    settings: &Controller,
    ports: Vec<(Role, Ports)>,
    failed: &Failed,
    known: Known,
) -> Scenario {
    let mut macs = MacTable::default();
    let ports_of = |role| {
        let mut all = ports.iter();
        all.find(|(own, _)| *own == role).map(|(_, ports)| ports)
    };
    macs.set_limits(Limits::new(host, ports_of));
    let mut learned = Vec::new();
    if known == Known::OneEverywhere {
        for entry in learnable(host, &ports) {
            if macs.learn(entry) == Learned::New {
                learned.push(entry);
            }
        }
    }
    let bridges = ports.into_iter().map(|(role, ports)| {
        let mut program = compile::bridge(host, settings, role, &ports, failed);
        let addresses = compile::addresses(host, settings, role, &ports, &macs);
        program.flows.extend(addresses);
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
fn learnable(host: &Host, bridges: &[(Role, Ports)]) -> Vec<LearnedMac> {
    let mut learned = Vec::new();
    let mut addresses = addresses(host);
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
