//! The MAC table of a host as an operator is shown it.

use std::time::Instant;

use openflow::{MacAddr, PortNo};

use super::HostState;
use super::bridge::Bridge;
use super::limits::network_of;
use crate::learning::LearnedMac;
use crate::status::{Mac, Origin};
use crate::topology::{Host, Role, Vlan};

/// An address in a network, and the port it is at.
struct Entry<'a> {
    vlan: Vlan,
    mac: MacAddr,
    role: Role,
    port: &'a str,
    number: Option<PortNo>,
    origin: Origin,
    since: Option<Instant>,
}

impl HostState {
    /// The MAC addresses that are known at `now`: those of the configuration, and those that are
    /// learned.
    pub fn mac_table(&self, now: Instant) -> Vec<Mac> {
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return Vec::new();
        };
        let mut entries: Vec<Entry<'_>> = self.pinned(host).chain(self.learned()).collect();
        entries.sort_by_key(|entry| (entry.vlan, entry.mac));
        entries
            .into_iter()
            .map(|entry| self.shown(now, host, &entry))
            .collect()
    }

    fn pinned<'a>(&'a self, host: &'a Host) -> impl Iterator<Item = Entry<'a>> {
        host.vnics.iter().flat_map(move |vnic| {
            let role = host.bridge_of(vnic);
            let bridge = self.bridges.get(&role);
            let number = bridge.and_then(|bridge| bridge.ports.get(&vnic.port));
            let vlans = vnic.pinned_mac().map(|mac| (mac, vnic.membership.vlans()));
            vlans.into_iter().flat_map(move |(mac, vlans)| {
                vlans.into_iter().map(move |vlan| Entry {
                    vlan,
                    mac,
                    role,
                    port: &vnic.port,
                    number,
                    origin: Origin::Pinned,
                    since: None,
                })
            })
        })
    }

    fn learned(&self) -> impl Iterator<Item = Entry<'_>> {
        self.macs.iter().map(|LearnedMac { vlan, mac, at }| Entry {
            vlan,
            mac,
            role: at.role,
            port: self.port_name(at),
            number: Some(at.port),
            origin: Origin::Learned,
            since: self.macs.since(vlan, mac),
        })
    }

    fn shown(&self, now: Instant, host: &Host, entry: &Entry<'_>) -> Mac {
        let vnic = host
            .vnic(entry.port)
            .filter(|vnic| host.bridge_of(vnic) == entry.role);
        Mac {
            host: self.name.clone(),
            network: network_of(&self.topology, entry.vlan).map(str::to_owned),
            vlan: entry.vlan.id(),
            mac: entry.mac.to_string(),
            origin: entry.origin,
            bridge: self.shown_name(host, entry.role).to_owned(),
            port: self.interface(entry).unwrap_or(entry.port).to_owned(),
            port_number: entry.number.map(|number| number.0),
            vm: vnic.map(|vnic| vnic.vm.clone()),
            since_seconds: entry
                .since
                .map(|since| now.saturating_duration_since(since).as_secs_f64()),
        }
    }

    /// The OVS interface name of the port of an address, where the bridge has it.
    fn interface(&self, entry: &Entry<'_>) -> Option<&str> {
        let bridge = self.bridges.get(&entry.role)?;
        bridge.ports.interface(entry.number?)
    }

    /// The name of a bridge: the one it has, or while it is not connected that of the configuration.
    pub(super) fn shown_name<'a>(&'a self, host: &'a Host, role: Role) -> &'a str {
        let configured = host.bridge(role).map_or("*", |bridge| &bridge.name);
        let bridge = self.bridges.get(&role).filter(|bridge| bridge.is_up());
        bridge.map_or(configured, Bridge::name)
    }
}
