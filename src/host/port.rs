//! Ports come, go and change their numbers.

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
        let Some(bridge) = self.bridges.get(&role) else {
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
        let mut ports = bridge.ports.clone();
        if is_deleted {
            info!(host = self.name, bridge = bridge.name(), port = name, %number, "port gone");
            ports.remove(number);
        } else {
            info!(host = self.name, bridge = bridge.name(), port = name, %number, "port added");
            ports.insert(name, number);
        }
        self.set_ports(role, ports);
        self.advance_all(out);
    }

    /// The bridge with `role` has `ports` from now on. What was learned at a number that stands for
    /// another port now, or for none, is forgotten.
    pub(super) fn set_ports(&mut self, role: Role, ports: Ports) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let before = std::mem::replace(&mut bridge.ports, ports);
        bridge.stale = true;
        bridge.backoff.cut_short();
        let after = &bridge.ports;
        let forgotten = self.macs.purge(|entry| {
            let port = entry.at.port;
            entry.at.role == role && before.name(port) != after.name(port)
        });
        self.counters.forgotten += forgotten as u64;
        if forgotten > 0 {
            self.mark_stale();
        }
    }
}
