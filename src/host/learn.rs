//! Frames teach where MAC addresses are; idle source flows tell that they are gone.

use std::sync::Arc;
use std::time::Instant;

use openflow::{FlowModFlags, FlowRemoved, FlowRemovedReason, OxmField, PacketIn, PortNo};
use tracing::{debug, info, warn};

use super::bridge::Phase;
use super::limits::network_name;
use super::sparing::Topic;
use super::{HostState, Outbox};
use crate::compile;
use crate::cookie;
use crate::learning::{EthernetHeader, Learned, LearnedMac, Location, MacTable};
use crate::program::{Flow, FlowKey};
use crate::topology::Role;

impl HostState {
    /// A frame of unknown source came in: its address is learned, and every bridge that needs to
    /// know is told.
    ///
    /// The switch goes on sending frames of a source until the flow for it is there, so most of
    /// what comes here is known: that costs one look-up, and nothing is allocated or sent.
    pub(super) fn packet_in(
        &mut self,
        now: Instant,
        role: Role,
        packet_in: &PacketIn,
        out: &mut impl Outbox,
    ) {
        self.counters.packet_ins += 1;
        let Some(entry) = sighting(role, packet_in) else {
            self.counters.ignored += 1;
            return;
        };
        let known = self.macs.location(entry.vlan, entry.mac);
        if known == Some(entry.at) {
            return;
        }
        if !self.admits(&entry) {
            debug!(host = self.name, ?entry, "not admitted");
            self.counters.ignored += 1;
            return;
        }
        if self.takes_over_the_host(&entry) {
            debug!(host = self.name, ?entry, "an address of the host itself");
            self.counters.ignored += 1;
            return;
        }
        if let Some(limited) = self.macs.limits().refuse(&entry, known) {
            debug!(
                host = self.name,
                ?entry,
                ?limited,
                "no room for another address"
            );
            self.counters.ignored += 1;
            return;
        }
        if known.is_some_and(|from| self.is_held_at(now, from, &entry)) {
            self.counters.damped += 1;
            return;
        }
        let LearnedMac { vlan, mac, at } = entry;
        match self.macs.learn_at(entry, Some(now)) {
            Learned::Known | Learned::Refused(_) => {}
            Learned::New => {
                debug!(host = self.name, %mac, %vlan, role = %at.role, port = %at.port, "learned");
                self.counters.learned += 1;
                self.crowded &= self.macs.len() > MacTable::CAPACITY / 2;
                self.relearn(None, Some(entry), out);
            }
            Learned::Moved { from } => {
                self.counters.moved += 1;
                self.report_move(&entry, from);
                self.relearn(Some(LearnedMac { at: from, ..entry }), Some(entry), out);
            }
            Learned::Displaced(other) => {
                debug!(
                    host = self.name, %mac, %vlan, role = %at.role, port = %at.port,
                    other = %other.mac, other_port = %other.at.port, "learned in place of another"
                );
                self.counters.learned += 1;
                self.counters.forgotten += 1;
                self.crowd();
                self.relearn(Some(other), Some(entry), out);
            }
            Learned::Full => {
                self.counters.ignored += 1;
                self.crowd();
            }
        }
    }

    /// Says that frames to an address go elsewhere from now on.
    fn report_move(&mut self, entry: &LearnedMac, from: Location) {
        if self.may_say(Topic::Move, Some(entry.at)) {
            info!(
                host = self.name,
                mac = %entry.mac,
                network = network_name(&self.topology, entry.vlan),
                from = self.port_name(from),
                to = self.port_name(entry.at),
                "the MAC address has moved"
            );
        }
    }

    /// Says once that the table is full, and not again before half of it was free: a guest that
    /// makes up addresses must not fill the log either.
    fn crowd(&mut self) {
        if !self.crowded {
            self.crowded = true;
            warn!(
                host = self.name,
                addresses = self.macs.len(),
                "the MAC table is full; what the ports with most addresses have more is flooded"
            );
        }
    }

    /// A flow is gone: a source that was silent for long is forgotten; any other flow that should
    /// be there was removed by somebody else, and is put back. What we have deleted ourselves is no
    /// news, even if the flow is back by now.
    pub(super) fn flow_removed(
        &mut self,
        role: Role,
        removed: &FlowRemoved,
        out: &mut impl Outbox,
    ) {
        if !cookie::is_ours(removed.cookie) {
            return;
        }
        let key = FlowKey {
            table: removed.table_id,
            priority: removed.priority,
            match_: removed.match_.canonical(),
        };
        self.count_removed(role, &key, removed);
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        if bridge.leaving.take(&key) {
            return;
        }
        let expected = match &mut bridge.phase {
            Phase::ReadingBack { gone } => gone.insert(key.clone()),
            _ => bridge.installed.flows.contains_key(&key),
        };
        if !expected {
            return;
        }
        bridge.leaving.lose(key.clone());
        match recover(role, &key, removed) {
            Some(entry) if removed.reason == FlowRemovedReason::IdleTimeout => {
                self.forget(entry, out);
            }
            _ => self.put_back(role, &key, out),
        }
    }

    /// Forgets an address whose source flow has been idle.
    ///
    /// The source flow is deleted along with the others: one that was sent while the notice was on
    /// its way would keep the frames of the address from us.
    fn forget(&mut self, entry: LearnedMac, out: &mut impl Outbox) {
        let LearnedMac { vlan, mac, at } = entry;
        if self.macs.remove(&entry) {
            debug!(host = self.name, %mac, %vlan, role = %at.role, port = %at.port, "forgotten");
            self.counters.forgotten += 1;
            self.relearn(Some(entry), None, out);
        }
    }

    /// A flow that should be there is not. Where one was removed others may have been, and groups
    /// and meters too, of which no notice is sent: so the bridge is read back, and all that is
    /// missing comes back in one transaction.
    fn put_back(&mut self, role: Role, key: &FlowKey, out: &mut impl Outbox) {
        let known = match self.bridges.get_mut(&role) {
            None => return,
            Some(bridge) if matches!(bridge.phase, Phase::ReadingBack { .. }) => return,
            Some(bridge) => std::mem::replace(&mut bridge.in_doubt, true),
        };
        if !known && self.may_say(Topic::Repair, None) {
            let FlowKey {
                table,
                priority,
                match_,
            } = key;
            let bridge = self.bridge_name(role);
            info!(
                host = self.name, bridge, %table, priority, %match_,
                "a flow was removed by somebody else; reading the bridge back"
            );
        }
        self.advance(role, out);
    }

    /// Whether a guest sends from an address that the host itself has. Such an address does not
    /// move: a guest must not cut the host off.
    fn takes_over_the_host(&self, entry: &LearnedMac) -> bool {
        let LearnedMac { vlan, mac, at } = *entry;
        let known = self.macs.location(vlan, mac);
        let bridge = self.bridges.get(&at.role);
        known.is_some_and(|known| known.port == PortNo::LOCAL)
            && bridge
                .and_then(|bridge| bridge.ports.name(at.port))
                .zip(self.topology.hosts.get(&self.name))
                .is_some_and(|(port, host)| host.vnic(port).is_some())
    }

    fn admits(&self, entry: &LearnedMac) -> bool {
        let host = self.topology.hosts.get(&self.name);
        let bridge = self.bridges.get(&entry.at.role);
        host.zip(bridge)
            .is_some_and(|(host, bridge)| compile::admits(host, &bridge.ports, entry))
    }

    /// Tells every bridge that an address was known as `old` and is known as `new` now. What is
    /// new goes first, so that no frame finds neither.
    fn relearn(&mut self, old: Option<LearnedMac>, new: Option<LearnedMac>, out: &mut impl Outbox) {
        let topology = Arc::clone(&self.topology);
        let Some(host) = topology.hosts.get(&self.name) else {
            return;
        };
        for bridge in self.bridges.values_mut() {
            let flows = |entry: LearnedMac| {
                compile::address(
                    host,
                    &topology.controller,
                    bridge.role,
                    &bridge.ports,
                    self.macs.limits(),
                    &entry,
                )
            };
            let new = new.map(flows).unwrap_or_default();
            let mut old = old.map(flows).unwrap_or_default();
            old.retain(|(key, _)| new.iter().all(|(kept, _)| kept != key));
            for (key, flow) in new {
                bridge.set_flow(key, Some(flow), &mut self.counters, out);
            }
            for (key, _) in old {
                bridge.set_flow(key, None, &mut self.counters, out);
            }
        }
        for entry in [new, old].iter().flatten() {
            self.review_limits_of(entry, out);
        }
    }
}

/// What a frame that came to the controller says about its source; nothing where it was somebody
/// else's flow that sent it, or where it is malformed.
fn sighting(role: Role, packet_in: &PacketIn) -> Option<LearnedMac> {
    if !cookie::is_ours(packet_in.cookie) {
        return None;
    }
    let (port, _) = packet_in.match_.get(OxmField::InPort)?;
    let header = EthernetHeader::parse(&packet_in.data)
        .inspect_err(|error| debug!(%role, %error, "nothing to learn from a frame"))
        .ok()?;
    Some(LearnedMac {
        vlan: header.vlan,
        mac: header.source,
        at: Location {
            role,
            port: PortNo(u32::try_from(port).ok()?),
        },
    })
}

/// The address that a removed flow stood for, if it was a source flow.
fn recover(role: Role, key: &FlowKey, removed: &FlowRemoved) -> Option<LearnedMac> {
    let flow = Flow {
        cookie: removed.cookie,
        idle_timeout: removed.idle_timeout,
        flags: FlowModFlags::empty(),
        instructions: Vec::new(),
    };
    compile::recover(role, key, &flow)
}
