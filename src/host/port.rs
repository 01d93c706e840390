//! Ports come, go and change their numbers.

use std::collections::BTreeSet;

use openflow::{Port, PortNo, PortReason, PortStatus};
use tracing::info;

use super::{HostState, Outbox};
use crate::ports::Ports;
use crate::topology::Role;

pub(super) fn name_and_number(port: &Port) -> (String, PortNo) {
    (port.name.to_string(), port.port_no)
}

impl HostState {
    pub(super) fn port_status(&mut self, role: Role, status: &PortStatus, out: &mut impl Outbox) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let (name, number) = name_and_number(&status.desc);
        let is_there = bridge.ports.get(&name) == Some(number);
        let is_deleted = status.reason == PortReason::Delete;
        // Link and configuration are nothing to us; neither is the end of a port whose name or
        // number another one has taken over.
        if is_there != is_deleted {
            return;
        }
        // A port that comes back under another number is no longer at the one before.
        let number_before = bridge.ports.get(&name);
        if is_deleted {
            info!(host = self.name, bridge = bridge.name(), port = name, %number, "port gone");
            bridge.ports.remove(number);
        } else {
            info!(host = self.name, bridge = bridge.name(), port = name, %number, "port added");
            bridge.ports.insert(name, number);
        }
        self.ports_changed(role, |port| port == number || Some(port) == number_before);
        self.advance_all(out);
    }

    /// The bridge with `role` has `ports` from now on.
    pub(super) fn set_ports(&mut self, role: Role, ports: Ports) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let before = std::mem::replace(&mut bridge.ports, ports);
        let changed: BTreeSet<PortNo> = before
            .iter()
            .filter(|&(name, number)| bridge.ports.name(number) != Some(name))
            .map(|(_, number)| number)
            .collect();
        self.ports_changed(role, |port| changed.contains(&port));
    }

    /// Numbers of the bridge with `role` for which `changed` is true stand for another port now,
    /// or for none: what was learned there is forgotten.
    fn ports_changed(&mut self, role: Role, changed: impl Fn(PortNo) -> bool) {
        self.with_bridge(role, |bridge| {
            bridge.stale = true;
            bridge.backoff.cut_short();
        });
        let forgotten = self
            .macs
            .purge(|entry| entry.at.role == role && changed(entry.at.port));
        self.counters.forgotten += forgotten as u64;
        if forgotten > 0 {
            self.mark_stale();
        }
    }
}
