//! The state of one host: what its bridges hold, and what they are to hold.
//!
//! [`HostState`] is told what happens on the connections to the bridges of its host and says what
//! to send to them. It is pure: no sockets, no clock. Hosts share nothing, and a host's bridges
//! have one owner, so that a frame from one bridge is learned on all of them in one step.
//!
//! # From connection to sync
//!
//! ```text
//!          bridge_up             ReadBack               nothing to change
//!   Down ------------> ReadingBack -----> Idle (compare) ----------------> Idle (in sync)
//!                           ^              |      ^
//!            Rejected       |   difference |      | Committed
//!            (then a wait)  +------- Committing --+
//! ```
//!
//! One transaction or read-back is under way per bridge; whatever changes meanwhile marks the
//! bridge stale, and it is compared again afterwards. What is compared are programs:
//! [`compile::bridge`] and what the MAC table adds to it against `installed`, which is what the bridge holds
//! once it has processed all that was sent. Single MAC addresses take a shorter way: their flows
//! go out as plain flow-mods, and only theirs are looked at.
//!
//! # After a restart
//!
//! Learned addresses are recovered from the source flows that the bridges still have. A
//! destination flow may stand on one bridge and its source flow on another, and bridges connect
//! one after the other. Until each bridge of the host has been read once, destination flows that
//! no known address explains are therefore held: left as they are. So are the flows by which a
//! network that has vNICs at two bridges takes no more addresses. Nothing else waits for a bridge
//! that does not come.

mod backoff;
mod bridge;
mod counters;
mod flaps;
mod guests;
mod health;
mod learn;
mod leaving;
mod limits;
mod mac_table;
mod notify;
mod plan;
mod port;
mod port_table;
mod sparing;
mod statistics;
mod status;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use openflow::{Cookie, DatapathId, ErrorMsg, Message, MultipartRequestBody, Xid};
use tracing::{info, warn};

pub use counters::Counters;
pub use statistics::{NetworkTraffic, Owner, PortTraffic, Statistics};
pub use tally::{Count, Source};

use crate::compile;
use crate::health::{Failed, Monitor};
use crate::learning::moves::Moves;
use crate::learning::{Learned, LearnedMac, Limited, MacTable};
use crate::ports::Ports;
use crate::program::{FlowKey, Program};
use crate::reconcile::{self, Found};
use crate::session::{Event, Snapshot, describe_refusal};
use crate::status::{Happening, Kind};
use crate::topology::{Bridges, Host, Role, Topology};
use bridge::{Bridge, Phase};
use guests::Guests;
use health::is_probe;
use notify::Notices;
use sparing::{Sparing, Topic};
use tally::Tally;

/// Where what a [`HostState`] decides goes: the sessions of its bridges.
///
/// While a commit or a read-back of a bridge is under way, nothing else is asked for that bridge.
pub trait Outbox {
    /// Sends one message.
    fn send(&mut self, role: Role, message: &Message);
    /// Sends changes as one transaction, answered by [`Event::Committed`] or [`Event::Rejected`].
    fn commit(&mut self, role: Role, changes: Vec<Message>);
    /// Asks for all that a bridge holds, answered by [`Event::ReadBack`].
    fn read_back(&mut self, role: Role);
    /// Asks for counters, answered by [`Event::Surveyed`].
    fn survey(&mut self, role: Role, requests: Vec<MultipartRequestBody>);
}

/// One host and its bridges.
#[derive(Debug)]
pub struct HostState {
    topology: Arc<Topology>,
    /// The host's name in the topology.
    name: String,
    bridges: BTreeMap<Role, Bridge>,
    macs: MacTable,
    /// The limits to the number of addresses that are reached, and were reported.
    reached: BTreeSet<Limited>,
    /// The addresses that have moved lately.
    moves: Moves,
    /// The instances of functions that have failed their health check.
    failed: Failed,
    /// Probes those that have one.
    monitor: Monitor,
    /// The bridges that were read at least once, so that their source flows are known.
    read_once: BTreeSet<Role>,
    counters: Counters,
    /// Frames were refused for lack of room in the MAC table, and that was said.
    crowded: bool,
    notices: Notices,
    /// When bridges were asked last for what they have counted.
    surveyed: Option<Instant>,
    tally: Tally,
    sparing: Sparing,
    guests: Guests,
    /// What an operator may want to hear of, which nobody took yet.
    happenings: Vec<Happening>,
}

impl HostState {
    /// The state of `host` before any of its bridges connects.
    ///
    /// For a host of [`Bridges::AnyLearning`], make one for each bridge that connects.
    pub fn new(topology: Arc<Topology>, host: &str) -> Self {
        let mut monitor = Monitor::default();
        if let Some(host) = topology.hosts.get(host) {
            monitor.configure(host);
        }
        Self {
            topology,
            name: host.to_owned(),
            bridges: BTreeMap::new(),
            macs: MacTable::default(),
            reached: BTreeSet::new(),
            moves: Moves::default(),
            failed: Failed::default(),
            monitor,
            read_once: BTreeSet::new(),
            counters: Counters::default(),
            crowded: false,
            notices: Notices::default(),
            surveyed: None,
            tally: Tally::default(),
            sparing: Sparing::default(),
            guests: Guests::default(),
            happenings: Vec::new(),
        }
    }

    /// The bridge with `role` connected, has this datapath id, as far as that is known, and `ports`; a
    /// connection that it had is no more.
    pub fn bridge_up(
        &mut self,
        role: Role,
        datapath_id: Option<DatapathId>,
        ports: Ports,
        out: &mut impl Outbox,
    ) {
        let bridge = self
            .bridges
            .entry(role)
            .or_insert_with(|| Bridge::new(role));
        bridge.datapath_id = datapath_id;
        bridge.connect(out);
        if role == Role::Service {
            self.monitor.disconnect();
        }
        self.set_ports(role, ports);
        if let Some(name) = self.bridge_name(role) {
            self.happened(Kind::BridgeConnected, name, "bridge connected");
        }
        self.advance_all(out);
    }

    /// The connection to the bridge with `role` is gone. Its flows, and what was learned, stay.
    pub fn bridge_down(&mut self, role: Role) {
        if let Some(name) = self.bridge_name(role) {
            self.happened(Kind::BridgeDisconnected, name, "bridge disconnected");
        }
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.disconnect();
        }
        self.tally.give_up(role);
        if role == Role::Service {
            self.monitor.disconnect();
        }
    }

    /// Something happened on the connection to the bridge with `role`.
    pub fn handle_event(&mut self, now: Instant, role: Role, event: Event, out: &mut impl Outbox) {
        if !self.bridges.get(&role).is_some_and(Bridge::is_up) {
            return;
        }
        self.proceed(now);
        match event {
            Event::PacketIn(packet_in) if is_probe(&packet_in) => {
                self.probe_returned(now, role, &packet_in);
            }
            Event::PacketIn(packet_in) => self.packet_in(now, role, &packet_in, out),
            Event::FlowRemoved(removed) => self.flow_removed(role, &removed, out),
            Event::PortStatus(status) => {
                let before = self.uplinks_up(role);
                self.port_status(role, &status, out);
                self.uplinks_status(now, role, &before);
            }
            Event::ReadBack(snapshot) => self.read_back(role, snapshot, out),
            Event::Surveyed { answers, is_whole } => self.surveyed(now, role, answers, is_whole),
            Event::Committed => self.committed(role, out),
            Event::Rejected(reason) => self.rejected(now, role, &reason, out),
            Event::SwitchError { xid, error } => {
                self.switch_error(now, role, xid, &error);
            }
            Event::Identified { .. } | Event::Closed(_) => {}
        }
        self.follow_health(now, out);
    }

    /// The topology changed: everything is compiled anew, and the difference sent.
    ///
    /// Where the host, or one of its bridges, is no longer part of the topology, its flows stay as
    /// they are.
    pub fn reload(&mut self, now: Instant, topology: Arc<Topology>, out: &mut impl Outbox) {
        self.proceed(now);
        self.topology = topology;
        let topology = Arc::clone(&self.topology);
        let Some(host) = topology.hosts.get(&self.name) else {
            warn!(
                host = self.name,
                "no longer configured; the flows of its bridges stay"
            );
            return;
        };
        self.find_guests();
        let bridges = &self.bridges;
        let dropped = self.macs.purge(|entry| {
            !bridges
                .get(&entry.at.role)
                .is_some_and(|bridge| compile::admits(host, &bridge.ports, entry))
        });
        self.counters.forgotten += dropped as u64;
        self.set_limits();
        self.configure_health(host);
        for bridge in self.bridges.values_mut() {
            bridge.stale = true;
            bridge.backoff.cut_short();
            bridge.report.get_or_insert_default().is_asked_for = true;
        }
        self.release_held(host);
        self.advance_all(out);
        self.follow_health(now, out);
    }

    /// When to call [`HostState::handle_timeout`] next; `None` where nothing waits for time to pass.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waits = self.bridges.values();
        waits
            .filter_map(|bridge| bridge.backoff.until())
            .chain(self.notices.poll_timeout())
            .chain(self.monitor.poll_timeout())
            .chain(self.moves.poll_timeout())
            .chain(self.sparing.poll_timeout())
            .min()
    }

    /// Does what has waited for long enough by `now`: tries again what was refused, goes on with
    /// announcements, sums up what was left out of the log, sends the probes that are due, and lets addresses move again that were held.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl Outbox) {
        self.proceed(now);
        self.release_held_addresses(now);
        let mut over = Vec::new();
        for bridge in self.bridges.values_mut() {
            if bridge.backoff.expire(now) {
                over.push(bridge.role);
            }
        }
        for role in over {
            self.advance(role, out);
        }
        self.announce(now, out);
        self.follow_health(now, out);
        self.monitor.handle_timeout(now);
        self.follow_health(now, out);
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        let foreign = self
            .bridges
            .values()
            .map(|bridge| bridge.foreign as u64)
            .sum();
        Counters {
            foreign,
            ..self.counters
        }
    }

    /// The MAC addresses that are learned.
    pub fn macs(&self) -> &MacTable {
        &self.macs
    }

    fn with_bridge(&mut self, role: Role, change: impl FnOnce(&mut Bridge)) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            change(bridge);
        }
    }

    /// The name of a bridge that is connected.
    fn bridge_name(&self, role: Role) -> Option<String> {
        let bridge = self.bridges.get(&role).filter(|bridge| bridge.is_up())?;
        Some(bridge.name().to_owned())
    }

    fn mark_stale(&mut self) {
        for bridge in self.bridges.values_mut() {
            bridge.stale = true;
        }
    }

    fn read_back(&mut self, role: Role, snapshot: Snapshot, out: &mut impl Outbox) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        let Phase::ReadingBack { gone } = &mut bridge.phase else {
            return;
        };
        let gone = std::mem::take(gone);
        bridge.phase = Phase::Idle;
        let Found { ours, foreign } = reconcile::found(snapshot);
        bridge.installed = ours;
        bridge.foreign = foreign;
        bridge.stale = true;
        bridge.leaving.clear();
        for key in gone {
            // The notice may be of an earlier one, and this one be there still. Nothing that is
            // wanted has this cookie: it is added anew, or deleted.
            if let Some(flow) = bridge.installed.flows.get_mut(&key) {
                flow.cookie = Cookie::default();
                bridge.leaving.lose(key);
            }
        }
        let topology = Arc::clone(&self.topology);
        let host = topology.hosts.get(&self.name);
        bridge.held = host.map_or_else(BTreeSet::new, |host| held(host, role, &bridge.installed));
        let first = self.read_once.insert(role);
        let Some(host) = host else {
            return;
        };
        if first && role == Role::Service {
            self.recover_failed();
        }
        self.recover_guests(host, role);
        if self.recover(host, role) > 0 {
            self.mark_stale();
            self.review_limits();
        }
        self.release_held(host);
        self.advance_all(out);
    }

    /// Learns the addresses whose source flows the bridge with `role` has; returns how many are
    /// new. An address that is known already stays where it is: its last frame was seen there.
    /// Where there are more than a limit lets in, these are the same as on a reload.
    fn recover(&mut self, host: &Host, role: Role) -> usize {
        let Some(bridge) = self.bridges.get(&role) else {
            return 0;
        };
        let flows = bridge.installed.flows.iter();
        let mut sources: Vec<LearnedMac> = flows
            .filter_map(|(key, flow)| compile::recover(role, key, flow))
            .filter(|entry| compile::admits(host, &bridge.ports, entry))
            .collect();
        sources.sort_unstable();
        let mut recovered = 0;
        for entry in sources {
            if self.macs.location(entry.vlan, entry.mac).is_none()
                && matches!(self.macs.learn(entry), Learned::New | Learned::Displaced(_))
            {
                recovered += 1;
            }
        }
        self.counters.recovered += recovered as u64;
        recovered
    }

    /// Stops holding flows once the source flows of all bridges are known.
    fn release_held(&mut self, host: &Host) {
        if roles(host).all(|role| self.read_once.contains(&role)) {
            for bridge in self.bridges.values_mut() {
                bridge.stale |= !bridge.held.is_empty();
                bridge.held.clear();
            }
        }
    }

    fn committed(&mut self, role: Role, out: &mut impl Outbox) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.committed(&mut self.counters, out);
        }
        self.advance(role, out);
    }

    fn rejected(&mut self, now: Instant, role: Role, reason: &str, out: &mut impl Outbox) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        if let Phase::Committing { .. } = bridge.phase {
            bridge.backoff.fail(now);
            bridge.leaving.clear();
            warn!(
                host = self.name,
                bridge = bridge.name(),
                reason,
                "the bridge refused the changes; reading it back to try again"
            );
            self.counters.rejected += 1;
            self.counters.resyncs += 1;
            // Read at once, so that `installed` is right while the next attempt waits.
            bridge.read_back(out);
            let name = bridge.name().to_owned();
            self.happened(
                Kind::ChangesRefused,
                name,
                format!("changes refused: {reason}"),
            );
        }
    }

    /// The switch refused a plain message. It is said once in each wait: a full table refuses one
    /// message after the other, as fast as a guest makes up addresses.
    fn switch_error(&mut self, now: Instant, role: Role, xid: Xid, error: &ErrorMsg) {
        self.counters.errors += 1;
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        if !bridge.in_doubt {
            let (bridge, refused) = (bridge.name(), describe_refusal(error));
            warn!(host = self.name, bridge, %xid, refused, "refused by the bridge; reading it back soon");
        }
        bridge.doubt(now);
    }

    fn advance_all(&mut self, out: &mut impl Outbox) {
        for role in [Role::Local, Role::Service, Role::Uplink, Role::Learning] {
            self.advance(role, out);
        }
    }

    /// Starts what is due on the bridge with `role`, if nothing is under way there.
    fn advance(&mut self, role: Role, out: &mut impl Outbox) {
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return;
        };
        let Some(bridge) = self
            .bridges
            .get_mut(&role)
            .filter(|bridge| bridge.is_ready())
        else {
            return;
        };
        if bridge.in_doubt {
            self.counters.resyncs += 1;
            bridge.read_back(out);
            return;
        }
        // A bridge that is not part of the topology any more is left alone.
        if bridge.stale && roles(host).any(|known| known == role) {
            bridge.stale = false;
            let mut wanted = wanted(host, &self.topology, bridge, &self.macs, &self.failed);
            // A flow that is explained now is no longer held: it goes with what explains it.
            bridge.held.retain(|key| !wanted.flows.contains_key(key));
            hold(&mut wanted, bridge);
            if bridge.pursue(wanted, &mut self.counters, out) {
                return;
            }
            bridge.backoff.succeed();
        }
        if let Some(tally) = bridge.report.take() {
            self.report_sync(role, tally);
        }
    }

    /// Says that a bridge holds what it is to hold.
    fn report_sync(&mut self, role: Role, tally: bridge::Tally) {
        if !tally.is_asked_for && !self.may_say(Topic::Repair, None) {
            return;
        }
        let Some(bridge) = self.bridges.get(&role) else {
            return;
        };
        info!(
            host = self.name,
            bridge = bridge.name(),
            flow_mods = tally.flow_mods,
            group_mods = tally.group_mods,
            meter_mods = tally.meter_mods,
            foreign = bridge.foreign,
            "bridge in sync"
        );
        let name = bridge.name().to_owned();
        let message = format!("bridge in sync, {} flow-mods", tally.flow_mods);
        self.happened(Kind::BridgeInSync, name, message);
    }
}

/// All that `bridge` is to hold, apart from what is held.
fn wanted(
    host: &Host,
    topology: &Topology,
    bridge: &Bridge,
    macs: &MacTable,
    failed: &Failed,
) -> Program {
    let Bridge { role, ports, .. } = bridge;
    let mut wanted = compile::bridge(host, &topology.controller, *role, ports, failed);
    let addresses = compile::addresses(host, &topology.controller, *role, ports, macs);
    wanted.flows.extend(addresses);
    wanted
}

/// Leaves the flows as they are that are held.
fn hold(wanted: &mut Program, bridge: &Bridge) {
    for key in &bridge.held {
        if let Some(flow) = bridge.installed.flows.get(key) {
            wanted
                .flows
                .entry(key.clone())
                .or_insert_with(|| flow.clone());
        }
    }
}

/// The flows of a bridge that only what is on another bridge may explain.
fn held(host: &Host, role: Role, program: &Program) -> BTreeSet<FlowKey> {
    program
        .flows
        .iter()
        .filter(|(key, flow)| compile::depends_on_another_bridge(host, role, key, flow))
        .map(|(key, _)| key.clone())
        .collect()
}

/// The roles of the bridges of `host`.
fn roles(host: &Host) -> impl Iterator<Item = Role> {
    let any = matches!(host.bridges, Bridges::AnyLearning).then_some(Role::Learning);
    host.bridges().map(|(role, _)| role).chain(any)
}

#[cfg(test)]
mod tests;
