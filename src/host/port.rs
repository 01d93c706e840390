//! Ports come, go and change their numbers.

use std::collections::BTreeSet;

use openflow::{PortNo, PortReason, PortStatus};
use tracing::info;

use super::sparing::Topic;
use super::{HostState, Outbox};
use crate::compile;
use crate::learning::{LearnedMac, Location};
use crate::ports::Ports;
use crate::status::Kind;
use crate::topology::Role;

impl HostState {
    pub(super) fn port_status(&mut self, role: Role, status: &PortStatus, out: &mut impl Outbox) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let number = status.desc.port_no;
        let before: BTreeSet<PortNo> = bridge.ports.up().collect();
        let called = bridge.ports.called().clone();
        let changed = bridge.ports.update(status);
        if changed.is_empty() {
            let after = bridge.ports.up().collect();
            // What is told of one may say something of others.
            for port in before.symmetric_difference(&after) {
                self.link_changed(Location { role, port: *port }, after.contains(port));
            }
            return;
        }
        let name = &status.desc.name;
        self.tally.port_gone(role, &name.to_string());
        let (kind, what) = match status.reason {
            PortReason::Delete => (Kind::PortGone, "port gone"),
            _ => (Kind::PortAdded, "port added"),
        };
        info!(host = self.name, bridge = bridge.name(), port = %name, %number, "{what}");
        self.happened(kind, name.to_string(), what);
        self.tell_called(role, &called);
        self.ports_changed(role, &changed);
        self.find_guests();
        self.advance_all(out);
    }

    /// Whether the bridge with `role` has a port of that name with a link.
    pub(super) fn is_up(&self, role: Role, name: &str) -> bool {
        let ports = self.bridges.get(&role).map(|bridge| &bridge.ports);
        ports.is_some_and(|ports| ports.get(name).is_some_and(|number| ports.is_up(number)))
    }

    /// The link of a port came or went. Only those of functions are news: what guests do with theirs
    /// is their own affair.
    fn link_changed(&mut self, at: Location, is_up: bool) {
        let name = self.port_name(at).to_owned();
        let host = self.topology.hosts.get(&self.name);
        let of_function = host.is_some_and(|host| host.function_ports().any(|port| *port == name));
        if !of_function {
            return;
        }
        let (kind, what) = if is_up {
            (Kind::LinkUp, "link up")
        } else {
            (Kind::LinkDown, "link down")
        };
        // The machine of a function can make its link come and go as fast as it likes.
        if self.may_say(Topic::Link, Some(at)) {
            info!(host = self.name, port = name, "{what}");
            self.happened(kind, name, what);
        }
    }

    /// The bridge with `role` has `ports` from now on.
    pub(super) fn set_ports(&mut self, role: Role, ports: Ports) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let before = std::mem::replace(&mut bridge.ports, ports);
        // What was found at a port is still there if that has its number still.
        let mut called = before.called().clone();
        called.retain(|it, _| before.number_of(it) == bridge.ports.number_of(it));
        bridge.ports.call(called);
        let changed: BTreeSet<PortNo> = before
            .iter()
            .filter(|&(name, number)| bridge.ports.name(number) != Some(name))
            .map(|(_, number)| number)
            .collect();
        self.tell_called(role, before.called());
        self.ports_changed(role, &changed);
        self.find_guests();
    }

    /// The numbers `changed` of the bridge with `role` stand for another port now, or for none:
    /// what was learned there is forgotten, and what was learned at a port that is no longer where
    /// such addresses are learned: another of the bonded uplinks may stand for them all now.
    pub(super) fn ports_changed(&mut self, role: Role, changed: &BTreeSet<PortNo>) {
        self.with_bridge(role, |bridge| {
            bridge.stale = true;
            bridge.backoff.cut_short();
        });
        if let (Role::Service, Some(bridge)) = (role, self.bridges.get(&role)) {
            self.monitor.set_ports(&bridge.ports);
        }
        let host = self.topology.hosts.get(&self.name);
        let ports = self.bridges.get(&role).map(|bridge| &bridge.ports);
        let is_admitted = |entry: &LearnedMac| {
            let host_and_ports = host.zip(ports);
            host_and_ports.is_none_or(|(host, ports)| compile::admits(host, ports, entry))
        };
        let forgotten = self.macs.purge(|entry| {
            entry.at.role == role && (changed.contains(&entry.at.port) || !is_admitted(entry))
        });
        self.counters.forgotten += forgotten as u64;
        if forgotten > 0 {
            self.mark_stale();
        }
        self.set_limits();
    }
}
