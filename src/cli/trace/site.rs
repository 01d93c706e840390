//! A host with the ports that it has, where a frame is sent.

use std::collections::BTreeMap;

use anyhow::Context;
use bridgechain::health::Failed;
use bridgechain::learning::{LearnedMac, Limits, Location, MacTable};
use bridgechain::ports::Ports;
use bridgechain::simulate::Network;
use bridgechain::topology::{Bridges, Controller, FunctionKind, Host, Role, Topology, Vlan, Vnic};
use bridgechain::{compile, config};
use openflow::{MacAddr, PortNo};

use crate::cli::inputs::{self, Numbers};

pub(in crate::cli) struct Site<'t> {
    pub(super) host: &'t Host,
    settings: &'t Controller,
    bridges: BTreeMap<Role, (&'t str, Ports)>,
}

/// What is at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Occupant<'t> {
    /// A vNIC of this VM.
    Vm(&'t str),
    /// A function, said in words.
    Function(String),
    Uplink,
    HostItself,
    /// The end of a patch between two bridges.
    Patch,
    Unknown,
}

impl<'t> Site<'t> {
    pub(super) fn new(
        host: &'t Host,
        topology: &'t Topology,
        numbers: &Numbers,
    ) -> anyhow::Result<Self> {
        let mut bridges = BTreeMap::new();
        for (role, name) in inputs::bridges(host) {
            bridges.insert(role, (name, numbers.ports(host, role)?));
        }
        Ok(Self {
            host,
            settings: &topology.controller,
            bridges,
        })
    }

    /// The same with ports that are known.
    pub(in crate::cli) fn with_ports(
        host: &'t Host,
        settings: &'t Controller,
        ports: impl IntoIterator<Item = (Role, Ports)>,
    ) -> Self {
        let names: BTreeMap<Role, &str> = inputs::bridges(host).into_iter().collect();
        let bridges = ports
            .into_iter()
            .map(|(role, ports)| (role, (names.get(&role).copied().unwrap_or("?"), ports)));
        Self {
            host,
            settings,
            bridges: bridges.collect(),
        }
    }

    pub(super) fn ports(&self, role: Role) -> Option<&Ports> {
        self.bridges.get(&role).map(|(_, ports)| ports)
    }

    pub(in crate::cli) fn bridge(&self, role: Role) -> &'t str {
        self.bridges.get(&role).map_or("?", |(name, _)| name)
    }

    /// The name of a port; `LOCAL` for the bridge's own.
    pub(in crate::cli) fn port_name(&self, at: Location) -> String {
        let name = self.ports(at.role).and_then(|ports| ports.name(at.port));
        match (at.port, name) {
            (PortNo::LOCAL, _) | (_, None) => at.port.to_string(),
            (_, Some(name)) => name.to_owned(),
        }
    }

    /// All ports of all bridges but the ends of patches, by bridge from the guests to the uplink.
    pub(super) fn all_ports(&self) -> impl Iterator<Item = (Location, &str)> {
        let all = self.bridges.iter().flat_map(|(role, (_, ports))| {
            ports
                .iter()
                .map(|(name, port)| (Location { role: *role, port }, name))
        });
        all.filter(|(at, _)| self.occupant(*at) != Occupant::Patch)
    }

    /// The port called `name`, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<Location> {
        self.all_ports()
            .find(|(_, own)| *own == name)
            .map(|(at, _)| at)
    }

    /// The port called `name`, or that of the host itself.
    pub(super) fn port(&self, name: &str) -> anyhow::Result<Location> {
        if name == "host" {
            return self
                .host_itself()
                .context("the host has no bridge with a LOCAL port");
        }
        self.find(name).with_context(|| {
            let names = self.all_ports().map(|(_, name)| name);
            let suggestion = config::suggestion(name, names, "the ports are");
            format!("host {} has no port {name:?}{suggestion}", self.host.name)
        })
    }

    /// The bridge that uplinks and the host itself are at.
    fn outside(&self) -> Role {
        match self.host.bridges {
            Bridges::Chain(_) => Role::Uplink,
            Bridges::Learning(_) | Bridges::AnyLearning => Role::Learning,
        }
    }

    /// The LOCAL port that the host itself is behind.
    pub(super) fn host_itself(&self) -> Option<Location> {
        let role = self.outside();
        self.host.bridge(role)?;
        Some(Location {
            role,
            port: PortNo::LOCAL,
        })
    }

    /// The uplinks that are there.
    pub(super) fn uplinks(&self) -> impl Iterator<Item = Location> {
        let role = self.outside();
        let ports = self.ports(role);
        let numbers = self
            .host
            .uplinks
            .iter()
            .filter_map(move |name| ports?.get(name));
        numbers.map(move |port| Location { role, port })
    }

    /// Where what is behind a port is learned: behind uplinks that are used as one, at the first.
    pub(super) fn place(&self, at: Location) -> Location {
        let first = self.uplinks().next().unwrap_or(at);
        match self.occupant(at) {
            Occupant::Uplink if self.host.is_bonded() => first,
            _ => at,
        }
    }

    /// What is at a port.
    pub(super) fn occupant(&self, at: Location) -> Occupant<'t> {
        if at.port == PortNo::LOCAL {
            return match at.role == self.outside() {
                true => Occupant::HostItself,
                false => Occupant::Unknown,
            };
        }
        let Some(name) = self.ports(at.role).and_then(|ports| ports.name(at.port)) else {
            return Occupant::Unknown;
        };
        if at.role == Role::Service {
            if let Some(function) = self.function(name) {
                return Occupant::Function(function);
            }
        } else if let Some(vnic) = self.vnic(at) {
            return Occupant::Vm(&vnic.vm);
        } else if self.host.uplinks.iter().any(|uplink| uplink == name) {
            return Occupant::Uplink;
        }
        let patches = match &self.host.bridges {
            Bridges::Chain(chain) => chain.patches.as_slice(),
            Bridges::Learning(_) | Bridges::AnyLearning => &[],
        };
        let is_patch = patches
            .iter()
            .any(|patch| patch.left == name || patch.right == name);
        if is_patch {
            Occupant::Patch
        } else {
            Occupant::Unknown
        }
    }

    /// The function that a port belongs to, in words.
    fn function(&self, port: &str) -> Option<String> {
        self.host.chains.iter().find_map(|chain| {
            chain.functions.iter().find_map(|function| {
                let part = match &function.kind {
                    FunctionKind::Tap { instances, .. } => instances
                        .iter()
                        .any(|instance| instance.port == port)
                        .then_some("tap"),
                    FunctionKind::Inline { instances, .. } => {
                        instances.iter().find_map(|legs| match port {
                            _ if legs.ingress == port => Some("ingress of"),
                            _ if legs.egress == port => Some("egress of"),
                            _ => None,
                        })
                    }
                }?;
                Some(format!("{part} {} ({})", function.name, chain.name))
            })
        })
    }

    /// The network of a frame that is sent in at a port with this tag, if that may be.
    pub(super) fn network_of(&self, at: Location, vid: Option<u16>) -> Option<Vlan> {
        match (vid, self.vnic(at)) {
            (Some(vid @ 1..), _) => Vlan::new(vid),
            (_, Some(vnic)) => vnic.membership.untagged_ingress(),
            (_, None) => Some(Vlan::UNTAGGED),
        }
    }

    /// The vNIC at a port.
    pub(super) fn vnic(&self, at: Location) -> Option<&'t Vnic> {
        let name = self.ports(at.role)?.name(at.port)?;
        self.host
            .vnic(name)
            .filter(|vnic| self.host.bridge_of(vnic) == at.role)
    }

    /// `mac` as learned in `vlan` at a port, where that may be.
    pub(super) fn learned(&self, vlan: Vlan, mac: MacAddr, at: Location) -> Option<LearnedMac> {
        let entry = LearnedMac { vlan, mac, at };
        let ports = self.ports(at.role)?;
        compile::admits(self.host, ports, &entry).then_some(entry)
    }

    /// Why [`Site::learned`] has nothing for an address at a port that is there.
    pub(super) fn refusal(&self, vlan: Vlan, mac: MacAddr, port: &str) -> String {
        let is_uplink = self.host.uplinks.iter().any(|uplink| uplink == port);
        let vnic = self.host.vnic(port);
        match self.host.owner(mac) {
            _ if mac.is_multicast() => "it is a multicast address".to_owned(),
            Some(owner) if !owner.roams => {
                format!("it is pinned to {} ({})", owner.vm, owner.port)
            }
            Some(owner) if owner.port != port && !is_uplink => {
                format!("it belongs to {} ({})", owner.vm, owner.port)
            }
            None if vnic.is_some_and(|vnic| !self.host.learns_at(vnic)) => {
                "no address but its own is".to_owned()
            }
            _ => format!("no frame of VLAN {vlan} is admitted there"),
        }
    }

    /// A MAC table without addresses, with the limits of the host.
    pub(super) fn macs(&self) -> MacTable {
        let mut macs = MacTable::default();
        macs.set_limits(Limits::new(self.host, |role| self.ports(role)));
        macs
    }

    /// The bridges with their flows.
    pub(super) fn network(&self, macs: &MacTable) -> Network {
        let bridges = self.bridges.iter().map(|(&role, (_, ports))| {
            let mut program =
                compile::bridge(self.host, self.settings, role, ports, &Failed::default());
            let addresses = compile::addresses(self.host, self.settings, role, ports, macs);
            program.flows.extend(addresses);
            (role, ports.clone(), program)
        });
        Network::new(self.host, bridges)
    }

    /// The names of everything a frame may be sent from.
    pub(super) fn names(&self) -> Vec<&str> {
        let vms = self.host.vnics.iter().map(|vnic| vnic.vm.as_str());
        vms.chain(self.all_ports().map(|(_, name)| name)).collect()
    }
}
