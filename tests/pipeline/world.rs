//! What both sides are told: a host, the ports that are there, and what was heard before.

use std::collections::{BTreeMap, BTreeSet};

use bridgechain::topology::{Bridges, Function, FunctionKind, Host, Redundancy, UplinkMode, Vlan};
use openflow::MacAddr;

/// A host at a moment.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) host: Host,
    /// Configured ports that do not exist, by name.
    pub(crate) absent: BTreeSet<String>,
    /// Ports of network functions, and uplinks, that have no link.
    pub(crate) down: BTreeSet<String>,
    /// Instances of inline functions that have failed their health check, by their ingress leg.
    pub(crate) failed: BTreeSet<String>,
    /// Ports beyond those of the configuration. On a host that says nothing about ports
    /// ([`World::is_open`]) they are all there is.
    pub(crate) strays: Vec<String>,
    /// Sources that the controller was told of, the latest for each network and address. Those
    /// that may not be learned are among them.
    pub(crate) heard: Vec<Heard>,
}

/// A source address that the controller was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) vlan: Vlan,
    pub(crate) mac: MacAddr,
    pub(crate) at: Station,
}

/// Something that sends and receives frames.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Station {
    /// The guest at this vNIC port.
    Vnic(String),
    /// What is behind this uplink.
    Uplink(String),
    /// The host itself, behind the LOCAL port of the uplink bridge (or of the only one).
    HostItself,
    /// What is at a port that the configuration does not name, on the bridge where vNICs are.
    Stray(String),
    /// A network function, as the sender of frames by this port of it that must not send any.
    FunctionPort(String),
    /// A network function as a receiver: the ports of which one gets a frame, by [`share_name`].
    Function(String),
}

/// Who sees a frame, and how, with the number of copies.
pub(crate) type Sightings = BTreeMap<(Station, Look), usize>;

/// What a copy looks like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Look {
    /// VLAN ids, outermost first.
    pub(crate) vids: Vec<u16>,
    /// After how many bytes it is cut off, where it is.
    pub(crate) length: Option<u32>,
}

impl Look {
    /// A whole frame.
    pub(crate) fn whole(vids: Vec<u16>) -> Self {
        Self { vids, length: None }
    }
}

/// What becomes of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) seen: Sightings,
    /// Whether the controller is told of the source.
    pub(crate) reported: bool,
    /// Whether it counts for the storm limit of its sender, or as a probe of its leg.
    pub(crate) metered: bool,
}

impl World {
    pub(crate) fn is_there(&self, port: &str) -> bool {
        !self.absent.contains(port)
    }

    /// Whether the host has one bridge about whose ports nothing is said.
    pub(crate) fn is_open(&self) -> bool {
        match self.host.bridges {
            Bridges::Chain(_) => false,
            Bridges::Learning(_) => self.host.vnics.is_empty() && !self.is_bonded(),
            Bridges::AnyLearning => true,
        }
    }

    pub(crate) fn has_service_bridge(&self) -> bool {
        matches!(&self.host.bridges, Bridges::Chain(chain) if chain.service.is_some())
    }

    /// The uplinks by which frames come and go, in the order of the configuration.
    pub(crate) fn live_uplinks(&self) -> impl Iterator<Item = &String> {
        let uplinks = self.host.uplinks.iter();
        uplinks.filter(|port| self.is_there(port) && !self.down.contains(*port))
    }

    /// Whether several uplinks are used as one.
    pub(crate) fn is_bonded(&self) -> bool {
        self.host.uplink_mode != UplinkMode::Separate && self.host.uplinks.len() > 1
    }

    /// All that a frame may come from.
    pub(crate) fn senders(&self) -> Vec<Station> {
        let strays = self.strays.iter().cloned().map(Station::Stray);
        let mut senders: Vec<Station> = strays.chain([Station::HostItself]).collect();
        if self.is_open() {
            return senders;
        }
        let there = |port: &&String| self.is_there(port);
        let vnics = self.host.vnics.iter().map(|vnic| &vnic.port).filter(there);
        senders.extend(vnics.cloned().map(Station::Vnic));
        senders.extend(self.live_uplinks().cloned().map(Station::Uplink));
        if self.has_service_bridge() {
            let ports = self.functions().flat_map(|function| match &function.kind {
                // What comes out of a leg of one in the way has gone in by the other.
                FunctionKind::Inline { waiting, .. } if is_in_the_way(function) => {
                    waiting.iter().map(String::as_str).collect()
                }
                kind => kind.ports(),
            });
            senders.extend(
                ports
                    .filter(|port| self.is_there(port))
                    .map(|port| Station::FunctionPort(port.to_owned())),
            );
        }
        senders
    }

    fn functions(&self) -> impl Iterator<Item = &Function> {
        self.host.chains.iter().flat_map(|chain| &chain.functions)
    }

    /// The ports of the instances among which the frames of a function are shared: with the port by
    /// which frames from the guests go in, that by which all others do.
    pub(crate) fn in_service<'a>(&'a self, function: &'a Function) -> Vec<(&'a str, &'a str)> {
        let is_up = |port: &str| self.is_there(port) && !self.down.contains(port);
        let mut ports: Vec<(&str, &str)> = match &function.kind {
            _ if !function.enabled => Vec::new(),
            FunctionKind::Tap { instances, .. } => instances
                .iter()
                .filter(|instance| instance.enabled && is_up(&instance.port))
                .map(|instance| (&*instance.port, &*instance.port))
                .collect(),
            FunctionKind::Inline { instances, .. } => instances
                .iter()
                .filter(|legs| legs.enabled && !self.failed.contains(&legs.ingress))
                .filter(|legs| is_up(&legs.ingress) && is_up(&legs.egress))
                .map(|legs| (&*legs.ingress, &*legs.egress))
                .collect(),
        };
        if function.redundancy == Redundancy::ActivePassive {
            ports.truncate(1);
        }
        ports
    }

    /// The taps that do not get every conversation, by their [`share_name`].
    pub(crate) fn sampled_taps(&self) -> Vec<String> {
        let is_sampled = |function: &&Function| matches!(&function.kind, FunctionKind::Tap { copying, .. } if copying.sampling.is_some());
        let taps = self.functions().filter(is_sampled);
        taps.map(|tap| {
            let (ports, _): (Vec<&str>, Vec<&str>) = self.in_service(tap).into_iter().unzip();
            share_name(&ports)
        })
        .collect()
    }

    /// The share that a port of a function has part in, by its [`share_name`]; the port's own name
    /// where it has part in none.
    pub(crate) fn share_of(&self, port: &str) -> String {
        let shares = self.functions().flat_map(|function| {
            let (ingress, egress) = self.in_service(function).into_iter().unzip();
            [ingress, egress]
        });
        let mut own = shares.filter(|ports: &Vec<&str>| ports.contains(&port));
        own.next()
            .map_or_else(|| port.to_owned(), |ports| share_name(&ports))
    }
}

impl Outcome {
    /// Whether a tap gets a copy.
    pub(crate) fn is_seen_by(&self, tap: &str) -> bool {
        self.seen
            .keys()
            .any(|(station, _)| matches!(station, Station::Function(name) if name == tap))
    }
}

/// The name of several ports of which one gets a frame.
pub(crate) fn share_name(ports: &[&str]) -> String {
    ports.join("|")
}

/// Whether frames go on that come out of it.
fn is_in_the_way(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Inline { shadow: false, .. })
}
