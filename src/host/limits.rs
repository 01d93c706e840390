//! vNICs and networks that have as many addresses as they may have.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{debug, warn};

use super::{HostState, Outbox};
use crate::compile;
use crate::learning::{LearnedMac, Limited, Limits, Location};
use crate::status::Kind;
use crate::topology::{Topology, Vlan};

impl HostState {
    /// Puts the limits of the topology into force, for the vNICs that are there: one or the other
    /// changed. Every address is looked at.
    pub(super) fn set_limits(&mut self) {
        let topology = Arc::clone(&self.topology);
        let Some(host) = topology.hosts.get(&self.name) else {
            return;
        };
        let bridges = &self.bridges;
        let limits = Limits::new(host, |role| bridges.get(&role).map(|bridge| &bridge.ports));
        let surplus = self.macs.set_limits(limits);
        if surplus > 0 {
            self.counters.forgotten += surplus as u64;
            self.mark_stale();
        }
        self.review_limits();
    }

    /// Many addresses changed: finds which limits are reached now.
    pub(super) fn review_limits(&mut self) {
        let reached: BTreeSet<Limited> = self.macs.limits().reached().collect();
        if reached != self.reached {
            let new: Vec<Limited> = reached.difference(&self.reached).copied().collect();
            for what in new {
                self.report(what, None);
            }
            self.reached = reached;
            self.mark_stale();
        }
    }

    /// `entry` was learned or forgotten: what it counts for may have reached its limit by that, or
    /// have room again. Only that is looked at, and bridges are told of what changed.
    pub(super) fn review_limits_of(&mut self, entry: &LearnedMac, out: &mut impl Outbox) {
        for what in [Limited::Vnic(entry.at), Limited::Network(entry.vlan)] {
            let is_reached = self.macs.limits().is_reached(what);
            if is_reached == self.reached.contains(&what) {
                continue;
            }
            if is_reached {
                self.reached.insert(what);
                self.report(what, Some(entry));
            } else {
                self.reached.remove(&what);
                debug!(host = self.name, ?what, "room for more addresses again");
            }
            let topology = Arc::clone(&self.topology);
            let Some(host) = topology.hosts.get(&self.name) else {
                return;
            };
            for bridge in self.bridges.values_mut() {
                for (key, flow) in compile::reached(host, bridge.role, &bridge.ports, what) {
                    let flow = is_reached.then_some(flow);
                    bridge.set_flow(key, flow, &mut self.counters, out);
                }
            }
        }
    }

    /// Says that a limit is reached, by `entry` if that is known. It is not said again before there
    /// was room.
    fn report(&mut self, what: Limited, entry: Option<&LearnedMac>) {
        if !self.may_say() {
            return;
        }
        self.limit_happened(what);
        let host = &self.name;
        let limit = self.macs.limits().limit(what);
        let at = match what {
            Limited::Vnic(at) => Some(at),
            Limited::Network(_) => entry.map(|entry| entry.at),
        };
        let vlan = match what {
            Limited::Network(vlan) => Some(vlan),
            Limited::Vnic(_) => entry.map(|entry| entry.vlan),
        };
        let vnic = at.map(|at| self.port_name(at));
        let network = vlan.map(|vlan| network_name(&self.topology, vlan));
        match what {
            Limited::Vnic(_) => warn!(
                host,
                vnic,
                network,
                limit,
                "the vNIC has as many addresses as it may have (max_macs); its frames from others are dropped"
            ),
            Limited::Network(_) => warn!(
                host,
                vnic,
                network,
                limit,
                "the network has as many addresses behind vNICs as it may have (max_macs); frames of vNICs from others are dropped"
            ),
        }
    }

    fn limit_happened(&mut self, what: Limited) {
        let subject = match what {
            Limited::Vnic(at) => self.port_name(at),
            Limited::Network(vlan) => network_name(&self.topology, vlan),
        };
        let limit = self.macs.limits().limit(what);
        let limit = limit.map_or_else(|| "as many".to_owned(), |limit| limit.to_string());
        let message = format!("has {limit} addresses, no more are let in (max_macs)");
        self.happened(Kind::LimitReached, subject.to_owned(), message);
    }

    /// The name of a port, as far as it is known.
    pub(super) fn port_name(&self, at: Location) -> &str {
        let bridge = self.bridges.get(&at.role);
        bridge
            .and_then(|bridge| bridge.ports.name(at.port))
            .unwrap_or("?")
    }
}

/// The name of a network, for the log.
pub(super) fn network_name(topology: &Topology, vlan: Vlan) -> &str {
    network_of(topology, vlan).unwrap_or("?")
}

/// The name of a network, where it has one.
pub(super) fn network_of(topology: &Topology, vlan: Vlan) -> Option<&str> {
    let mut networks = topology.networks.iter();
    networks.find_map(|(name, own)| (*own == vlan).then_some(name.as_str()))
}
