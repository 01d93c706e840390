//! A link of bonded uplinks has gone or come back: the addresses of this host are announced by those
//! that it sends by now.
//!
//! The switch itself sends by another member at once. But the physical switches go on sending by
//! the link that is down, or through the switch behind it, until they see a frame of an address come
//! from elsewhere; and where a link has come back, they go on sending by the one that stood in for
//! it, for longer perhaps than this switch remembers that it did. A guest that only listens sends no
//! frame, so a reverse ARP request is sent in its name, as a hypervisor does for a guest that it has
//! moved. Bonds of Linux and of Open vSwitch announce too whenever another member is chosen, in
//! either direction.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::{MacAddr, Message, PacketOut};
use tracing::info;

use super::bridge::Phase;
use super::{HostState, Outbox};
use crate::compile;
use crate::topology::{Host, Role, UplinkMode, Vlan};

/// How long after the notice the first announcements are sent. Open vSwitch tells of a link a moment
/// before it chooses among the others.
const DELAY: Duration = Duration::from_millis(200);
/// How many announcements are sent at a time.
const BATCH: usize = 100;
/// How long after such a batch the next one may follow.
const PAUSE: Duration = Duration::from_millis(100);

/// What is to be announced.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// The addresses that are still to be announced, in descending order.
    due: Vec<(Vlan, MacAddr)>,
    /// Nothing is sent before.
    not_before: Option<Instant>,
}

impl Notices {
    /// When [`HostState::announce`] is to be called next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.not_before
    }
}

impl HostState {
    /// Notices where the uplink called `name` has lost its link, or was taken away, or has come back
    /// and is chosen again.
    pub(super) fn uplink_status(&mut self, now: Instant, role: Role, name: &str, was_up: bool) {
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return;
        };
        let is_up = self.is_up(role, name);
        if !host.is_bonded() || uplink_role(host) != role || was_up == is_up {
            return;
        }
        let Some(position) = host.uplinks.iter().position(|uplink| uplink == name) else {
            return;
        };
        let mut before = host.uplinks[..position].iter();
        let stands_by = host.uplink_mode == UplinkMode::ActiveBackup
            && before.any(|uplink| self.is_up(role, uplink));
        // One that stands by may have been the chosen one when some addresses were heard last.
        if is_up && stands_by {
            return;
        }
        self.notices.due = self.addresses(host).into_iter().rev().collect();
        let addresses = self.notices.due.len();
        let (link, by) = match is_up {
            true => ("up again", "those that are chosen now"),
            false => ("down", "the others"),
        };
        info!(
            host = self.name,
            uplink = name,
            addresses,
            "an uplink is {link}; announcing the addresses of this host by {by}"
        );
        self.notices.not_before = self.notices.not_before.max(Some(now + DELAY));
    }

    /// Sends the next announcements, where it is time.
    ///
    /// They may have waited, for those ahead of them or for the bridge, and an address may be
    /// elsewhere by now: to announce it would take its frames away from there.
    pub(super) fn announce(&mut self, now: Instant, out: &mut impl Outbox) {
        if self.notices.not_before.is_some_and(|time| now < time) {
            return;
        }
        self.notices.not_before = None;
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return;
        };
        if self.notices.due.is_empty() {
            return;
        }
        self.notices.not_before = Some(now + PAUSE);
        let role = uplink_role(host);
        let here = self.addresses(host);
        self.notices.due.retain(|address| here.contains(address));
        let is_idle = |bridge: &super::Bridge| matches!(bridge.phase, Phase::Idle);
        // A bridge that is busy gets them after the pause.
        if self.bridges.get(&role).is_some_and(is_idle) {
            let rest = self.notices.due.len().saturating_sub(BATCH);
            for (vlan, mac) in self.notices.due.split_off(rest).into_iter().rev() {
                let frame = Bytes::from(reverse_arp(vlan, mac));
                let announcement = PacketOut::new(vec![compile::to_uplinks()], frame);
                out.send(role, &Message::PacketOut(announcement));
            }
        }
    }

    /// The addresses that are on this host, each in its networks: those of vNICs, and those learned
    /// anywhere but behind the uplinks.
    fn addresses(&self, host: &Host) -> BTreeSet<(Vlan, MacAddr)> {
        let name = |role: Role, port| self.bridges.get(&role)?.ports.name(port);
        let is_there = |port: &str| {
            let mut bridges = self.bridges.values();
            bridges.any(|bridge| bridge.ports.get(port).is_some())
        };
        // The address of a VM that may be elsewhere is learned, wherever it is.
        let vnics = host.vnics.iter().filter(|vnic| is_there(&vnic.port));
        let pinned = vnics.filter_map(|vnic| Some((vnic.pinned_mac()?, vnic.membership.vlans())));
        let pinned = pinned.flat_map(|(mac, vlans)| vlans.into_iter().map(move |vlan| (vlan, mac)));
        let learned = self.macs.iter().filter(|entry| {
            let port = name(entry.at.role, entry.at.port);
            port.is_some_and(|port| host.uplinks.iter().all(|uplink| uplink != port))
        });
        pinned
            .chain(learned.map(|entry| (entry.vlan, entry.mac)))
            .collect()
    }
}

/// The bridge that the uplinks of `host` are on.
fn uplink_role(host: &Host) -> Role {
    match host.bridge(Role::Learning) {
        Some(_) => Role::Learning,
        None => Role::Uplink,
    }
}

/// A reverse ARP request by which `mac` asks for its own address (RFC 903), as it is between
/// bridges: with the tag of its network.
fn reverse_arp(vlan: Vlan, mac: MacAddr) -> Vec<u8> {
    /// The shortest Ethernet frame, without its checksum.
    const SHORTEST: usize = 60;
    let mut frame = [MacAddr::BROADCAST.0, mac.0].concat();
    if vlan.is_tagged() {
        frame.extend([0x81, 0x00]);
        frame.extend(vlan.id().to_be_bytes());
    }
    frame.extend([0x80, 0x35]);
    // Ethernet and IPv4 with addresses of 6 and 4 bytes; a reverse request.
    frame.extend([0, 1, 0x08, 0x00, 6, 4, 0, 3]);
    for _ in ["sender", "target"] {
        frame.extend(mac.0);
        frame.extend([0; 4]);
    }
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}
