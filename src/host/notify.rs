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
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::{MacAddr, Message, PacketOut};
use tracing::info;

use super::bridge::Phase;
use super::sparing::Topic;
use super::{HostState, Outbox};
use crate::compile;
use crate::learning::Location;
use crate::topology::{Host, Role, UplinkMode, Vlan};

/// How long after the notice the first announcements are sent. Open vSwitch tells of a link a moment
/// before it chooses among the others.
const DELAY: Duration = Duration::from_millis(200);
/// For how long notices that follow each other faster may put that off.
const LONGEST: Duration = Duration::from_secs(2);
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
    /// The first notice that nothing was sent after.
    since: Option<Instant>,
    /// When the link rests that has changed last, so that what is sent goes by the uplink chosen by then.
    rests: Option<Instant>,
}

impl Notices {
    /// When [`HostState::announce`] is to be called next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.not_before
    }

    /// A link has changed: all of `addresses` are announced once it rests. Those that still wait for their
    /// turn are ahead: an uplink that flaps must not keep any of them back for ever.
    fn postpone(&mut self, now: Instant, mut addresses: BTreeSet<(Vlan, MacAddr)>) {
        self.due.retain(|address| addresses.remove(address));
        let waiting = std::mem::take(&mut self.due);
        self.due = addresses.into_iter().rev().chain(waiting).collect();
        self.rests = Some(now + DELAY);
        self.wait(now);
    }

    /// Waits for the link to rest, but not for ever.
    fn wait(&mut self, now: Instant) {
        let latest = *self.since.get_or_insert(now) + LONGEST;
        let rests = self.not_before.max(self.rests);
        self.not_before = rests.map(|rests| rests.min(latest));
    }

    /// Takes the addresses whose turn it is. Where the link does not rest yet, it will be their turn again.
    fn take(&mut self, now: Instant) -> Vec<(Vlan, MacAddr)> {
        let rest = self.due.len().saturating_sub(BATCH);
        let batch = self.due.split_off(rest);
        self.since = None;
        if self.rests.is_some_and(|rests| now < rests) {
            self.due.splice(..0, batch.iter().copied());
            self.wait(now);
        }
        batch
    }
}

impl HostState {
    /// The bonded uplinks of the bridge with `role` that have a link.
    pub(super) fn uplinks_up(&self, role: Role) -> BTreeSet<String> {
        let host = self.topology.hosts.get(&self.name);
        let host = host.filter(|host| host.is_bonded() && uplink_role(host) == role);
        let uplinks = host.into_iter().flat_map(|host| &host.uplinks);
        let up = uplinks.filter(|uplink| self.is_up(role, uplink));
        up.cloned().collect()
    }

    /// Notices where an uplink has lost its link, or was taken away, or has come back and is chosen
    /// again. `before` had one.
    pub(super) fn uplinks_status(&mut self, now: Instant, role: Role, before: &BTreeSet<String>) {
        let after = self.uplinks_up(role);
        for uplink in before.symmetric_difference(&after) {
            self.uplink_status(now, role, uplink, &after);
        }
    }

    fn uplink_status(&mut self, now: Instant, role: Role, name: &str, up: &BTreeSet<String>) {
        let topology = Arc::clone(&self.topology);
        let Some(host) = topology.hosts.get(&self.name) else {
            return;
        };
        let is_up = up.contains(name);
        let mut others = host.uplinks.iter().take_while(|uplink| *uplink != name);
        let stands_by =
            host.uplink_mode == UplinkMode::ActiveBackup && others.any(|other| up.contains(other));
        // One that stands by may have been the chosen one when some addresses were heard last.
        if is_up && stands_by {
            return;
        }
        let addresses = self.addresses(host);
        let count = addresses.len();
        self.notices.postpone(now, addresses);
        let (link, by) = match is_up {
            true => ("up again", "those that are chosen now"),
            false => ("down", "the others"),
        };
        let ports = self.bridges.get(&role).map(|bridge| &bridge.ports);
        let port = ports.and_then(|ports| ports.get(name));
        // The physical switch can make it come and go as fast as it likes.
        if self.may_say(Topic::Link, port.map(|port| Location { role, port })) {
            info!(
                host = self.name,
                uplink = name,
                addresses = count,
                "an uplink is {link}; announcing the addresses of this host by {by}"
            );
        }
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
            for (vlan, mac) in self.notices.take(now).into_iter().rev() {
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
