//! vNICs and networks that have as many addresses as they may have.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{debug, warn};

use super::sparing::Topic;
use super::{HostState, Outbox};
use crate::compile;
use crate::learning::{LearnedMac, Limited, Limits, Location};
use crate::status::{self, Kind};
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

    /// Says that a limit is reached, and by which vNIC most of all. `entry` is the last one, if that
    /// is known.
    fn report(&mut self, what: Limited, entry: Option<&LearnedMac>) {
        let may_say = match what {
            Limited::Vnic(at) => self.may_say(Topic::Limit, Some(at)),
            Limited::Network(vlan) => self.may_say(Topic::NetworkLimit(vlan), None),
        };
        if !may_say {
            return;
        }
        let host = &self.name;
        let shown = self.reached_limit(what);
        let status::ReachedLimit { limit, vnic, .. } = &shown;
        let addresses = shown.addresses;
        let message = match what {
            Limited::Vnic(_) => {
                let network = entry.map(|entry| network_name(&self.topology, entry.vlan));
                warn!(
                    host,
                    vnic,
                    network,
                    limit,
                    "the vNIC has as many addresses as it may have (max_macs); its frames from others are dropped"
                );
                format!(
                    "has as many addresses as it may have ({limit}); its frames from others are dropped"
                )
            }
            Limited::Network(_) => {
                let network = &shown.network;
                warn!(
                    host,
                    vnic,
                    addresses,
                    network,
                    limit,
                    "the network has as many addresses behind vNICs as it may have (max_macs), most of them behind this one; frames of vNICs from others are dropped"
                );
                format!(
                    "has as many addresses behind vNICs as it may have ({limit}), {addresses} of them behind {vnic}; frames of vNICs from others are dropped"
                )
            }
        };
        let subject = shown.network.unwrap_or(shown.vnic);
        self.happened(Kind::LimitReached, subject, message);
    }

    /// What there is to be said of a limit that is reached.
    pub(super) fn reached_limit(&self, what: Limited) -> status::ReachedLimit {
        let limit = self.macs.limits().limit(what).unwrap_or_default();
        let (network, most) = match what {
            Limited::Vnic(at) => (None, Some((at, limit as usize))),
            Limited::Network(vlan) => (
                Some(network_name(&self.topology, vlan).to_owned()),
                self.macs.most_in(vlan),
            ),
        };
        let (at, addresses) = most.unzip();
        status::ReachedLimit {
            network,
            limit,
            vnic: at.map_or("?", |at| self.port_name(at)).to_owned(),
            addresses: addresses.unwrap_or_default(),
        }
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
