//! What bridges have counted: read when somebody asks, and added up ([`Tally`](super::tally::Tally)).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use openflow::{
    Cookie, FlowRemoved, FlowStats, FlowStatsRequest, Instruction, Match, MeterId, MeterStats,
    MultipartReplyBody, MultipartRequestBody, OxmField, PortNo, PortStats, TableId,
};

use super::bridge::{Bridge, Phase};
use super::limits::network_of;
use super::tally::{Count, Counter, Item, Reading, Source};
use super::{HostState, Outbox};
use crate::compile::{self, Entrance, Table};
use crate::cookie::{self, Class};
use crate::program::FlowKey;
use crate::status::{Cause, Dropped};
use crate::topology::{Host, Role};

/// How long what was read is good for the next who asks.
const FRESH: Duration = Duration::from_secs(1);
/// How long a bridge may take to answer before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

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

impl HostState {
    /// Asks the bridges what they have counted, where that was not done a moment ago. One that has not
    /// answered yet will, and one that has more urgent things to do is left out.
    pub fn survey(&mut self, now: Instant, out: &mut impl Outbox) {
        let is_past = |time: Option<Instant>, wait| {
            time.is_none_or(|time| now.saturating_duration_since(time) >= wait)
        };
        if !is_past(self.surveyed, FRESH) {
            return;
        }
        self.surveyed = Some(now);
        for bridge in self.bridges.values() {
            let asked = self.tally.asked(bridge.role);
            if matches!(bridge.phase, Phase::Idle) && is_past(asked, PATIENCE) {
                self.tally.ask(now, bridge.role);
                out.survey(bridge.role, requests(bridge.role));
            }
        }
    }

    /// Whether a bridge has still to answer.
    pub fn is_surveying(&self) -> bool {
        self.tally.is_asking()
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
        let totals = self.tally.totals();
        for ((role, item), count) in totals {
            match item {
                Item::Received(port) => shown.ports.extend(owner(host, *role, port).map(|owner| {
                    let sent = (*role, Item::Sent(port.clone()));
                    PortTraffic {
                        port: port.clone(),
                        owner,
                        received: *count,
                        sent: totals.get(&sent).copied().unwrap_or_default(),
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

    /// A bridge has answered; whether with all that it has.
    pub(super) fn surveyed(
        &mut self,
        now: Instant,
        role: Role,
        answers: Vec<MultipartReplyBody>,
        is_whole: bool,
    ) {
        let topology = std::sync::Arc::clone(&self.topology);
        let host = topology.hosts.get(&self.name);
        let (Some(host), Some(bridge)) = (host, self.bridges.get(&role)) else {
            self.tally.give_up(role);
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
                    read.extend(flows.into_iter().map(|flow| reader.flow(flow)));
                }
                MultipartReplyBody::Meter(meters) => {
                    read.extend(meters.iter().filter_map(|meter| reader.meter(meter)));
                }
                _ => {}
            }
        }
        self.tally.add(now, role, read, is_whole);
        let ports = &bridge.ports;
        self.tally.retain_ports(
            role,
            |port| ports.get(port).is_some(),
            |port| owner(host, role, port).is_some(),
        );
    }

    /// A flow is gone, and had counted so much.
    pub(super) fn count_removed(&mut self, role: Role, key: &FlowKey, removed: &FlowRemoved) {
        let Some(bridge) = self.bridges.get(&role) else {
            return;
        };
        let class = Class::of(removed.cookie);
        let cause = class.and_then(cause);
        let admits = class == Some(Class::Pipeline) && key.table == Table::Classify.into();
        if cause.is_none() && !admits {
            return;
        }
        // What admitted frames to a network is known if it was ever read.
        let item = cause.map(|cause| Item::Drop(cause, in_port(bridge, &key.match_)));
        let counter = Counter::Flow(key.clone(), removed.cookie);
        let last = Count {
            frames: removed.packet_count,
            bytes: removed.byte_count,
        };
        self.tally.flow_gone(role, counter, item, last);
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

    fn port(&self, stats: &PortStats) -> Vec<Reading> {
        let ports = &self.bridge.ports;
        let (number, age) = (stats.port_no, age(stats.duration_sec, stats.duration_nsec));
        let Some(interface) = ports.interface(number) else {
            return Vec::new();
        };
        let name = ports.name(number);
        let name = name.filter(|name| owner(self.host, self.bridge.role, name).is_some());
        let count = |frames, bytes| Count { frames, bytes };
        vec![
            Reading {
                counter: Counter::Received(interface.to_owned()),
                item: name.map(|name| Item::Received(name.to_owned())),
                count: count(stats.rx_packets, stats.rx_bytes),
                age,
            },
            Reading {
                counter: Counter::Sent(interface.to_owned()),
                item: name.map(|name| Item::Sent(name.to_owned())),
                count: count(stats.tx_packets, stats.tx_bytes),
                age,
            },
        ]
    }

    fn flow(&self, stats: FlowStats) -> Reading {
        let match_ = stats.match_.canonical();
        let item = match Class::of(stats.cookie).and_then(cause) {
            Some(cause) => Some(Item::Drop(cause, in_port(self.bridge, &match_))),
            None => {
                let entrance = self.entrances.get(&match_);
                entrance.map(|at| Item::Network(at.vlan, self.source(at.port)))
            }
        };
        let key = FlowKey {
            table: stats.table_id,
            priority: stats.priority,
            match_,
        };
        Reading {
            counter: Counter::Flow(key, stats.cookie),
            item,
            count: Count {
                frames: stats.packet_count,
                bytes: stats.byte_count,
            },
            age: age(stats.duration_sec, stats.duration_nsec),
        }
    }

    fn meter(&self, stats: &MeterStats) -> Option<Reading> {
        let id = stats.meter_id;
        let band = stats.band_stats.first()?;
        Some(Reading {
            counter: Counter::Meter(id, self.bridge.installed.meters.get(&id).cloned()),
            item: self.meters.get(&id).cloned(),
            count: Count {
                frames: band.packet_band_count,
                bytes: band.byte_band_count,
            },
            age: age(stats.duration_sec, stats.duration_nsec),
        })
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

fn age(seconds: u32, nanoseconds: u32) -> Duration {
    Duration::new(seconds.into(), nanoseconds)
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
        Some(known) => known.count.add(count),
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
