//! What bridges have counted: read when somebody asks, and added up.
//!
//! Counters of a switch go back to 0 with the port, flow or meter that they are of. What an operator
//! is shown only grows: the difference to what was read last is added, and where a counter is lower
//! than that it has begun anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use openflow::{
    Cookie, FlowStats, FlowStatsRequest, Instruction, Match, MeterId, MeterStats,
    MultipartReplyBody, MultipartRequestBody, OxmField, PortNo, PortStats, TableId,
};

use super::bridge::{Bridge, Phase};
use super::limits::network_of;
use super::{HostState, Outbox};
use crate::compile::{self, Entrance, Table};
use crate::cookie::{self, Class};
use crate::status::{Cause, Dropped};
use crate::topology::{Host, Role, Vlan};

/// How long what was read is good for the next who asks.
const FRESH: Duration = Duration::from_secs(1);

/// What the bridges of a host have counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// The name of the host.
    pub host: String,
    /// Frames that passed vNICs and the ports of functions.
    pub ports: Vec<PortTraffic>,
    /// Frames that came in, by network.
    pub networks: Vec<NetworkTraffic>,
    /// Frames that were dropped.
    pub drops: Vec<Dropped>,
}

/// Frames and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many frames.
    pub frames: u64,
    /// How many bytes these had.
    pub bytes: u64,
}

/// Frames that passed a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortTraffic {
    /// OVS interface name.
    pub port: String,
    /// What it belongs to.
    pub owner: Owner,
    /// From what is attached there, to the bridge.
    pub received: Count,
    /// From the bridge.
    pub sent: Count,
}

/// What a port belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A VM: the port is a vNIC.
    Vm(String),
    /// A network function.
    Function {
        /// Its chain.
        chain: String,
        /// Its name.
        function: String,
        /// The instance that the port is of, by its first port.
        instance: String,
    },
}

/// Frames that came in, of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkTraffic {
    /// Its name.
    pub network: String,
    /// From where.
    pub source: Source,
    /// How many.
    pub count: Count,
}

/// Where frames come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// vNICs.
    Vnics,
    /// Uplinks.
    Uplinks,
    /// The host itself.
    Host,
}

/// What was read, added up.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// When bridges were asked last.
    asked: Option<Instant>,
    /// The bridges that have not answered yet.
    pending: BTreeSet<Role>,
    /// What each counter was at.
    last: BTreeMap<Role, HashMap<Counter, Count>>,
    totals: BTreeMap<(Role, Item), Count>,
}

/// A counter of a switch.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Counter {
    Received(String),
    Sent(String),
    Flow(TableId, u16, Match),
    Meter(MeterId),
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Received(String),
    Sent(String),
    Network(Vlan, Source),
    Drop(Cause, Option<String>),
}

impl Item {
    /// The port that it is about.
    fn port(&self) -> Option<&str> {
        match self {
            Self::Received(port) | Self::Sent(port) => Some(port),
            Self::Network(..) => None,
            Self::Drop(_, port) => port.as_deref(),
        }
    }
}

impl Tally {
    /// Adds what the bridge with `role` has counted, all of it: what is not in it is gone.
    fn add(&mut self, role: Role, read: Vec<(Counter, Item, Count)>) {
        let before = self.last.remove(&role).unwrap_or_default();
        let mut now = HashMap::new();
        for (counter, item, count) in read {
            let since = before.get(&counter).copied().unwrap_or_default();
            let total = self.totals.entry((role, item)).or_default();
            total.frames += grown(count.frames, since.frames);
            total.bytes += grown(count.bytes, since.bytes);
            now.insert(counter, count);
        }
        self.last.insert(role, now);
    }
}

/// How much a counter has grown that was at `before`.
fn grown(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

impl HostState {
    /// Asks the bridges what they have counted, where that was not done a moment ago. One that has
    /// more urgent things to do is left out.
    pub fn survey(&mut self, now: Instant, out: &mut impl Outbox) {
        let asked = self.tally.asked;
        if asked.is_some_and(|at| now.saturating_duration_since(at) < FRESH) {
            return;
        }
        self.tally.asked = Some(now);
        self.tally.pending.clear();
        for bridge in self.bridges.values() {
            if matches!(bridge.phase, Phase::Idle) {
                self.tally.pending.insert(bridge.role);
                out.survey(bridge.role, requests(bridge.role));
            }
        }
    }

    /// Whether a bridge has still to answer.
    pub fn is_surveying(&self) -> bool {
        !self.tally.pending.is_empty()
    }

    /// What bridges have counted, as of when they were asked last.
    pub fn statistics(&self) -> Statistics {
        let mut shown = Statistics {
            host: self.name.clone(),
            ..Statistics::default()
        };
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return shown;
        };
        for ((role, item), count) in &self.tally.totals {
            match item {
                Item::Received(port) => shown.ports.extend(owner(host, *role, port).map(|owner| {
                    let sent = (*role, Item::Sent(port.clone()));
                    PortTraffic {
                        port: port.clone(),
                        owner,
                        received: *count,
                        sent: self.tally.totals.get(&sent).copied().unwrap_or_default(),
                    }
                })),
                Item::Sent(_) => {}
                Item::Network(vlan, source) => {
                    if let Some(network) = network_of(&self.topology, *vlan) {
                        add_network(&mut shown.networks, network, *source, *count);
                    }
                }
                Item::Drop(cause, port) => {
                    let vnic = port.as_deref().and_then(|port| host.vnic(port));
                    shown.drops.push(Dropped {
                        host: self.name.clone(),
                        bridge: self.shown_name(host, *role).to_owned(),
                        cause: *cause,
                        port: port.clone(),
                        vm: vnic.map(|vnic| vnic.vm.clone()),
                        frames: count.frames,
                        bytes: count.bytes,
                    });
                }
            }
        }
        shown
    }

    /// A bridge has answered.
    pub(super) fn surveyed(&mut self, role: Role, answers: Vec<MultipartReplyBody>) {
        self.tally.pending.remove(&role);
        let topology = std::sync::Arc::clone(&self.topology);
        let host = topology.hosts.get(&self.name);
        let (Some(host), Some(bridge)) = (host, self.bridges.get(&role)) else {
            return;
        };
        let reader = Reader::new(host, bridge);
        let mut read = Vec::new();
        for answer in answers {
            match answer {
                MultipartReplyBody::PortStats(ports) => {
                    read.extend(ports.iter().flat_map(|port| reader.port(port)));
                }
                MultipartReplyBody::Flow(flows) => {
                    read.extend(flows.iter().filter_map(|flow| reader.flow(flow)));
                }
                MultipartReplyBody::Meter(meters) => {
                    read.extend(meters.iter().filter_map(|meter| reader.meter(meter)));
                }
                _ => {}
            }
        }
        self.tally.add(role, read);
        // The names of ports come and go, and totals of them would pile up.
        self.tally.totals.retain(|(at, item), _| {
            let port = item.port();
            *at != role || port.is_none_or(|port| bridge.ports.get(port).is_some())
        });
    }

    /// The bridge with `role` will not answer.
    pub(super) fn give_up_survey(&mut self, role: Role) {
        self.tally.pending.remove(&role);
    }
}

/// What a bridge is asked: for ports, meters, the flows that admit frames to networks, and those that
/// drop them.
fn requests(role: Role) -> Vec<MultipartRequestBody> {
    let flows = |table_id: TableId, cookie: Cookie, cookie_mask| {
        MultipartRequestBody::Flow(FlowStatsRequest {
            table_id,
            cookie,
            cookie_mask,
            ..FlowStatsRequest::all()
        })
    };
    let mut requests = vec![
        MultipartRequestBody::PortStats(PortNo::ANY),
        MultipartRequestBody::Meter(MeterId::ALL),
        flows(TableId::ALL, cookie::DROPS, cookie::DROPS_MASK),
    ];
    if role != Role::Service {
        let pipeline = Class::Pipeline.cookie();
        requests.push(flows(Table::Classify.into(), pipeline, u64::MAX));
    }
    requests
}

/// Finds out what counters of a bridge are of.
struct Reader<'a> {
    host: &'a Host,
    bridge: &'a Bridge,
    entrances: HashMap<Match, Entrance>,
    meters: HashMap<MeterId, Item>,
}

impl<'a> Reader<'a> {
    fn new(host: &'a Host, bridge: &'a Bridge) -> Self {
        let entrances = compile::entrances(host, bridge.role, &bridge.ports);
        let mut meters =
            HashMap::from([(MeterId::CONTROLLER, Item::Drop(Cause::PacketInRate, None))]);
        for (key, flow) in &bridge.installed.flows {
            for instruction in &flow.instructions {
                if let Instruction::Meter(id) = instruction {
                    meters.entry(*id).or_insert_with(|| match bridge.role {
                        Role::Service => Item::Drop(Cause::RateLimit, None),
                        _ => Item::Drop(Cause::StormLimit, in_port(bridge, &key.match_)),
                    });
                }
            }
        }
        Self {
            host,
            bridge,
            entrances,
            meters,
        }
    }

    fn port(&self, stats: &PortStats) -> Vec<(Counter, Item, Count)> {
        let name = self.bridge.ports.name(stats.port_no);
        let Some(name) = name.filter(|name| owner(self.host, self.bridge.role, name).is_some())
        else {
            return Vec::new();
        };
        let count = |frames, bytes| Count { frames, bytes };
        vec![
            (
                Counter::Received(name.to_owned()),
                Item::Received(name.to_owned()),
                count(stats.rx_packets, stats.rx_bytes),
            ),
            (
                Counter::Sent(name.to_owned()),
                Item::Sent(name.to_owned()),
                count(stats.tx_packets, stats.tx_bytes),
            ),
        ]
    }

    fn flow(&self, stats: &FlowStats) -> Option<(Counter, Item, Count)> {
        let match_ = stats.match_.canonical();
        let item = match cause(Class::of(stats.cookie)?) {
            Some(cause) => Item::Drop(cause, in_port(self.bridge, &match_)),
            None => {
                let entrance = self.entrances.get(&match_)?;
                Item::Network(entrance.vlan, self.source(entrance.port))
            }
        };
        let count = Count {
            frames: stats.packet_count,
            bytes: stats.byte_count,
        };
        let counter = Counter::Flow(stats.table_id, stats.priority, match_);
        Some((counter, item, count))
    }

    fn meter(&self, stats: &MeterStats) -> Option<(Counter, Item, Count)> {
        let item = self.meters.get(&stats.meter_id)?.clone();
        let band = stats.band_stats.first()?;
        let count = Count {
            frames: band.packet_band_count,
            bytes: band.byte_band_count,
        };
        Some((Counter::Meter(stats.meter_id), item, count))
    }

    fn source(&self, port: PortNo) -> Source {
        let name = self.bridge.ports.name(port);
        match name.and_then(|name| self.host.vnic(name)) {
            Some(_) => Source::Vnics,
            None if port == PortNo::LOCAL => Source::Host,
            None => Source::Uplinks,
        }
    }
}

/// The name of the port that a match is about.
fn in_port(bridge: &Bridge, match_: &Match) -> Option<String> {
    let (port, _) = match_.get(OxmField::InPort)?;
    let name = bridge.ports.name(PortNo(u32::try_from(port).ok()?))?;
    Some(name.to_owned())
}

/// What a port of the bridge with `role` belongs to, if it is a vNIC or a port of a function.
fn owner(host: &Host, role: Role, port: &str) -> Option<Owner> {
    if role != Role::Service {
        let vnic = host.vnic(port).filter(|vnic| host.bridge_of(vnic) == role);
        return vnic.map(|vnic| Owner::Vm(vnic.vm.clone()));
    }
    let functions = host.chains.iter().flat_map(|chain| {
        let functions = chain.functions.iter();
        functions.map(move |function| (chain, function))
    });
    functions
        .flat_map(|(chain, function)| {
            let instances = function.kind.instances().into_iter();
            instances.map(move |ports| (chain, function, ports))
        })
        .find(|(.., ports)| ports.contains(&port))
        .map(|(chain, function, ports)| Owner::Function {
            chain: chain.name.clone(),
            function: function.name.clone(),
            instance: ports.first().copied().unwrap_or_default().to_owned(),
        })
}

/// Several bridges may have vNICs of one network.
fn add_network(all: &mut Vec<NetworkTraffic>, network: &str, source: Source, count: Count) {
    let known = all
        .iter_mut()
        .find(|known| known.network == network && known.source == source);
    match known {
        Some(known) => {
            known.count.frames += count.frames;
            known.count.bytes += count.bytes;
        }
        None => all.push(NetworkTraffic {
            network: network.to_owned(),
            source,
            count,
        }),
    }
}

/// Why flows of a class drop frames; `None` where they do not.
fn cause(class: Class) -> Option<Cause> {
    match class {
        Class::DropPort => Some(Cause::Port),
        Class::DropVlan => Some(Cause::Vlan),
        Class::DropSpoofed => Some(Cause::Spoofed),
        Class::DropReserved => Some(Cause::ReservedMulticast),
        Class::DropSource => Some(Cause::MulticastSource),
        Class::DropFunction => Some(Cause::Function),
        Class::DropForged => Some(Cause::ForgedTransmit),
        Class::DropMaxMacs => Some(Cause::MaxMacs),
        Class::DropReflected => Some(Cause::Reflected),
        Class::DropStandby => Some(Cause::Standby),
        Class::Pipeline
        | Class::Pinned
        | Class::LearnedSource
        | Class::LearnedDestination
        | Class::Flood
        | Class::Function
        | Class::Remembered
        | Class::Probe
        | Class::Failed
        | Class::Bound
        | Class::Skip
        | Class::CountedSource => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_only_grow_whatever_becomes_of_counters() {
        let mut tally = Tally::default();
        let count = |frames| Count {
            frames,
            bytes: frames * 100,
        };
        let mut read = |counts: &[(&str, u64)]| {
            let read = counts.iter().map(|(port, frames)| {
                let item = Item::Drop(Cause::Vlan, None);
                (Counter::Received((*port).to_owned()), item, count(*frames))
            });
            tally.add(Role::Local, read.collect());
            tally.totals[&(Role::Local, Item::Drop(Cause::Vlan, None))]
        };
        assert_eq!(read(&[("a", 5), ("b", 7)]), count(12));
        assert_eq!(read(&[("a", 5), ("b", 8)]), count(13));
        // One begins anew, as its flow was replaced; then it is gone, and comes back.
        assert_eq!(read(&[("a", 2), ("b", 8)]), count(15));
        assert_eq!(read(&[("b", 9)]), count(16));
        assert_eq!(read(&[("a", 3), ("b", 9)]), count(19));
    }
}
