//! What both sides are told: a host, the ports that are there, and what was heard before.

use std::collections::{BTreeMap, BTreeSet};

use bridgechain::topology::{Bridges, Chain, Function, FunctionKind, Host, Vlan};
use openflow::MacAddr;

/// A host at a moment.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) host: Host,
    /// Configured ports that do not exist, by name.
    pub(crate) absent: BTreeSet<String>,
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
    /// A network function, as the sender of frames by this port of it.
    FunctionPort(String),
    /// A network function as a receiver: all instances of a tap together under its
    /// [`tap_name`], and an inline function by the port of its leg.
    Function(String),
}

/// Who sees a frame, and how: VLAN ids outermost first, with the number of copies.
pub(crate) type Sightings = BTreeMap<(Station, Vec<u16>), usize>;

/// What becomes of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) seen: Sightings,
    /// Whether the controller is told of the source.
    pub(crate) reported: bool,
}

impl World {
    pub(crate) fn is_there(&self, port: &str) -> bool {
        !self.absent.contains(port)
    }

    /// Whether the host has one bridge about whose ports nothing is said.
    pub(crate) fn is_open(&self) -> bool {
        match self.host.bridges {
            Bridges::Chain(_) => false,
            Bridges::Learning(_) => self.host.vnics.is_empty(),
            Bridges::AnyLearning => true,
        }
    }

    pub(crate) fn has_service_bridge(&self) -> bool {
        matches!(&self.host.bridges, Bridges::Chain(chain) if chain.service.is_some())
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
        let uplinks = self.host.uplinks.iter().filter(there);
        senders.extend(uplinks.cloned().map(Station::Uplink));
        if self.has_service_bridge() {
            let instances = self.taps().into_iter().flat_map(|(_, instances)| instances);
            senders.extend(
                instances
                    .filter(|port| self.is_there(port))
                    .map(Station::FunctionPort),
            );
        }
        senders
    }

    /// Every tap by a name of its own, with its ports.
    pub(crate) fn taps(&self) -> Vec<(String, Vec<String>)> {
        let functions = self.host.chains.iter().flat_map(|chain| {
            chain
                .functions
                .iter()
                .map(move |function| (chain, function))
        });
        functions
            .filter_map(|(chain, function)| match &function.kind {
                FunctionKind::Tap { instances, .. } => {
                    let ports = instances.iter().map(|instance| instance.port.clone());
                    Some((tap_name(chain, function), ports.collect()))
                }
                FunctionKind::Inline { .. } => None,
            })
            .collect()
    }
}

/// The name of a tap; functions of different chains may be called the same.
pub(crate) fn tap_name(chain: &Chain, function: &Function) -> String {
    format!("{}/{}", chain.name, function.name)
}
