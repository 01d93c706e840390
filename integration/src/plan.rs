//! What a lab consists of: bridges, and stations at their ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result, bail};
use bridgechain::topology::{
    Attachment, Bridges, FunctionKind, Host, InterfaceMatch, Membership, Remote, Tagging, Topology,
    Vlan,
};
use openflow::MacAddr;

use crate::frame::Tag;

/// The name of the network behind the uplinks, in commands.
pub const OUTSIDE: &str = "outside";
/// The name of the host itself, in commands.
pub const HOST: &str = "host";

/// The physical switch that uplinks lead to which are used as one: its namespace.
pub const SWITCH: &str = "switch";

/// The one bridge of a host that lets any bridge be its learning switch.
const ANY_BRIDGE: &str = "br0";
/// The guests at that bridge.
const ANY_GUESTS: [&str; 3] = ["port1", "port2", "port3"];

/// The bridges of one host, and the stations at their ports.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The bridges.
    pub bridges: Vec<String>,
    /// The stations.
    pub stations: Vec<Station>,
    /// How many stations the hosts before this one have, where there are several: addresses go by
    /// the number of a station.
    pub before: usize,
}

/// Something with one port at a bridge, in a namespace of its own (the host's, if it is a LOCAL
/// port).
#[derive(Debug, Clone)]
pub struct Station {
    /// The name that a person uses, for example that of the VM; several stations may share it.
    pub name: String,
    /// The name of the port (the OVS interface), which no other station has.
    pub port: String,
    /// The OVS interface that the port is, where it has [got](crate::Lab::rename) another name.
    pub interface: Option<String>,
    /// What its vNIC is found by, where it is not by name.
    pub found_by: Option<InterfaceMatch>,
    /// The bridge of the port; [`SWITCH`] for the network behind uplinks that are used as one.
    pub bridge: String,
    /// What the station is.
    pub role: Role,
    /// The MAC address of the station's device.
    pub mac: MacAddr,
    /// How the station tags its own frames: `None` for untagged ones, else the VLAN id.
    pub vlan: Option<u16>,
    /// An IPv4 address in a network of 24 bits, where the station sends untagged frames.
    pub address: Option<Ipv4Addr>,
    /// The port of another station in whose namespace this one's device is the second.
    pub beside: Option<String>,
    /// Its addresses in the networks by which copies travel to remote sinks: of 24 bits, of 64 with
    /// IPv6. The sinks are outside.
    pub underlay: BTreeSet<IpAddr>,
}

/// What a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The vNIC of a guest.
    Guest,
    /// A port of a network function.
    Function,
    /// The network behind an uplink.
    Outside,
    /// The port of a physical switch, at the other end of an uplink; its device has the station's
    /// name.
    Switch,
    /// The host itself, at the LOCAL port of a bridge.
    Local,
}

impl Station {
    /// The name of the station's device in its namespace.
    pub fn device(&self) -> &str {
        match self.role {
            Role::Local => &self.port,
            Role::Switch => &self.name,
            Role::Function if self.beside.is_some() => "eth1",
            Role::Guest | Role::Function | Role::Outside => "eth0",
        }
    }

    /// The station's port in the words of `ovs-ofctl`.
    pub fn openflow_port(&self) -> &str {
        match self.role {
            Role::Local => "local",
            Role::Guest | Role::Function | Role::Outside | Role::Switch => self.interface(),
        }
    }

    /// The OVS interface that its port is.
    pub fn interface(&self) -> &str {
        self.interface.as_deref().unwrap_or(&self.port)
    }

    /// The tags of the station's own frames.
    pub fn tags(&self) -> Vec<Tag> {
        self.vlan.map(Tag::vlan).into_iter().collect()
    }
}

impl Plan {
    /// The station at a port.
    pub fn station(&self, port: &str) -> Option<&Station> {
        self.stations.iter().find(|station| station.port == port)
    }

    /// The host of that name; it may be left out where there is only one.
    ///
    /// # Errors
    ///
    /// There is no such host, or several to choose from.
    pub fn choose_host<'a>(topology: &'a Topology, name: Option<&str>) -> Result<&'a Host> {
        let hosts = &topology.hosts;
        let names = || {
            hosts
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match name {
            Some(name) => hosts
                .get(name)
                .with_context(|| format!("there is no host {name}; the config has {}", names())),
            None if hosts.len() > 1 => {
                bail!("the config has several hosts, name one: {}", names())
            }
            None => hosts.values().next().context("the config has no host"),
        }
    }

    /// Puts both legs of each inline function into one namespace, where a program can be between
    /// them.
    pub fn join_legs(&mut self, host: &Host) {
        let functions = host.chains.iter().flat_map(|chain| &chain.functions);
        for function in functions {
            let FunctionKind::Inline { instances, .. } = &function.kind else {
                continue;
            };
            for legs in instances {
                let mut stations = self.stations.iter_mut();
                if let Some(egress) = stations.find(|station| station.port == legs.egress) {
                    egress.beside = Some(legs.ingress.clone());
                }
            }
        }
    }

    /// The stations of what is at the LOCAL ports of bridges.
    pub fn local(&self) -> impl Iterator<Item = &Station> {
        let stations = self.stations.iter();
        stations.filter(|station| station.role == Role::Local)
    }

    /// What a lab for one of several hosts consists of, whose uplinks lead to one switch. The host
    /// is that with this number, and those before it have that many stations.
    fn of_several(topology: &Topology, host: &Host, number: usize, before: usize) -> Self {
        let mut plan = Self::numbered(topology, host, number, before);
        let uplinks = plan.stations.iter_mut();
        let uplinks = uplinks.filter(|station| station.role == Role::Outside);
        for (uplink, station) in uplinks.enumerate() {
            station.role = Role::Switch;
            station.name = format!("host{number}port{uplink}");
            station.address = None;
            station.underlay.clear();
        }
        plan
    }

    /// What labs for all hosts of a topology consist of, whose uplinks lead to one switch.
    pub fn of_all(topology: &Topology) -> Vec<(String, Self)> {
        let mut before = 0;
        let hosts = topology.hosts.values().enumerate();
        hosts
            .map(|(number, host)| {
                let plan = Self::of_several(topology, host, number, before);
                before += plan.stations.len();
                (host.name.clone(), plan)
            })
            .collect()
    }

    /// What a lab for one host of a topology consists of. Uplinks that are used as one lead to a
    /// physical switch, and the network outside is behind that.
    pub fn of(topology: &Topology, host: &Host) -> Self {
        let mut plan = Self::numbered(topology, host, 0, 0);
        let uplinks = plan.stations.iter_mut();
        let uplinks = uplinks.filter(|station| station.role == Role::Outside);
        let mut speech = None;
        for station in uplinks.filter(|_| host.is_bonded()) {
            speech = Some(Speech::of_station(station));
            station.role = Role::Switch;
            station.name = station.port.clone();
            station.address = None;
        }
        if let Some(speech) = speech {
            plan.add(OUTSIDE, OUTSIDE, SWITCH, Role::Outside, speech);
        }
        plan
    }

    /// The stations at the ports of the host's bridges.
    pub fn at_bridges(&self) -> impl Iterator<Item = &Station> {
        let stations = self.stations.iter();
        stations.filter(|station| station.bridge != SWITCH)
    }

    /// Whether the host has a physical switch of its own.
    pub fn has_switch(&self) -> bool {
        self.at_bridges().count() < self.stations.len()
    }

    /// The network outside, behind the switch that the uplinks of all hosts lead to; these have that
    /// many stations. The remote sinks are there.
    pub fn outside(topology: &Topology, before: usize) -> Station {
        let mut plan = Self {
            before,
            ..Self::default()
        };
        let speech = Speech::of_outside(topology, topology.hosts.values());
        let station = plan.add(OUTSIDE, OUTSIDE, SWITCH, Role::Outside, speech);
        let sinks = topology.hosts.values().flat_map(Host::remotes);
        station.underlay = sinks.map(|(_, remote)| remote.ip).collect();
        station.clone()
    }

    fn numbered(topology: &Topology, host: &Host, number: usize, before: usize) -> Self {
        let mut plan = Self {
            before,
            ..Self::default()
        };
        plan.bridges
            .extend(host.bridges().map(|(_, bridge)| bridge.name.clone()));
        let (local, service, uplink) = match &host.bridges {
            Bridges::Chain(chain) => {
                let service = chain.service.as_ref().unwrap_or(&chain.local);
                (&*chain.local.name, &*service.name, &*chain.uplink.name)
            }
            Bridges::Learning(bridge) => (&*bridge.name, &*bridge.name, &*bridge.name),
            Bridges::AnyLearning => {
                plan.bridges.push(ANY_BRIDGE.to_owned());
                for port in ANY_GUESTS {
                    plan.add(port, port, ANY_BRIDGE, Role::Guest, Speech::NATIVE);
                }
                (ANY_BRIDGE, ANY_BRIDGE, ANY_BRIDGE)
            }
        };
        for vnic in &host.vnics {
            let speech = Speech::of(&vnic.membership);
            let bridge = match vnic.attachment {
                Attachment::Normal => local,
                Attachment::Direct => uplink,
            };
            let found_by = vnic.found_by.as_ref();
            let port = plan.port(&vnic.port, found_by);
            let station = plan.add(&vnic.vm, &port, bridge, Role::Guest, speech);
            station.mac = vnic.mac.unwrap_or(station.mac);
            station.found_by = found_by.cloned();
        }
        let sinks: BTreeMap<&str, &Remote> = host.remotes().collect();
        for function in host.chains.iter().flat_map(|chain| &chain.functions) {
            let ports = function.kind.ports().into_iter();
            // `bridgechain setup` makes the tunnels.
            for port in ports.filter(|port| !sinks.contains_key(port)) {
                let found_by = host.found_functions.get(port);
                let port = plan.port(port, found_by);
                let speech = Speech::NATIVE;
                let station = plan.add(&function.name, &port, service, Role::Function, speech);
                station.found_by = found_by.cloned();
            }
        }
        let outside = Speech::of_outside(topology, [host]);
        for (index, port) in host.uplinks.iter().enumerate() {
            let station = plan.add(OUTSIDE, port, uplink, Role::Outside, outside);
            if index == 0 {
                station.underlay = sinks.values().map(|remote| remote.ip).collect();
            }
        }
        let station = plan.add(HOST, uplink, uplink, Role::Local, Speech::NATIVE);
        let near = |remote: &&Remote| neighbour(remote.ip, number);
        station.underlay = sinks.values().map(near).collect();
        plan
    }

    /// The name of an interface: any will do for one that is found.
    fn port(&self, name: &str, found_by: Option<&InterfaceMatch>) -> String {
        match found_by {
            Some(_) => format!("tap{}", self.stations.len()),
            None => name.to_owned(),
        }
    }

    fn add(
        &mut self,
        name: &str,
        port: &str,
        bridge: &str,
        role: Role,
        speech: Speech,
    ) -> &mut Station {
        let index = self.stations.len();
        let [.., high, low] = (self.before + index + 1).to_be_bytes();
        let [net_high, net_low] = speech.network.id().to_be_bytes();
        let addressed = !speech.tagged && high == 0 && low != 255;
        self.stations.push(Station {
            name: name.to_owned(),
            port: port.to_owned(),
            interface: None,
            found_by: None,
            bridge: bridge.to_owned(),
            role,
            // Locally administered, so it is nobody else's.
            mac: MacAddr([0x02, 0xbc, 0, 0, high, low]),
            vlan: speech.tagged.then_some(speech.network.id()),
            underlay: BTreeSet::new(),
            address: addressed.then_some(Ipv4Addr::new(10, net_high, net_low, low)),
            beside: None,
        });
        &mut self.stations[index]
    }
}

/// Another address of the same network: that of the host with this number.
fn neighbour(ip: IpAddr, number: usize) -> IpAddr {
    let [.., number] = number.to_be_bytes();
    let other = |last: u8| match number.wrapping_add(1) {
        own if own >= last => own.wrapping_add(1),
        own => own,
    };
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, last] = ip.octets();
            Ipv4Addr::new(a, b, c, other(last)).into()
        }
        IpAddr::V6(ip) => {
            let mut bytes = ip.octets();
            bytes[15] = other(bytes[15]);
            Ipv6Addr::from(bytes).into()
        }
    }
}

/// The network of a station's own frames, and whether the station tags them.
#[derive(Clone, Copy)]
struct Speech {
    network: Vlan,
    tagged: bool,
}

impl Speech {
    const NATIVE: Self = Self {
        network: Vlan::UNTAGGED,
        tagged: false,
    };

    /// Untagged where there is an untagged network, else in the lowest network of these hosts.
    fn of_outside<'a>(topology: &Topology, hosts: impl IntoIterator<Item = &'a Host>) -> Self {
        let mut networks = topology.networks.values();
        if networks.any(|vlan| *vlan == Vlan::UNTAGGED) {
            return Self::NATIVE;
        }
        let vnics = hosts.into_iter().flat_map(|host| &host.vnics);
        let first = vnics.flat_map(|vnic| vnic.membership.vlans()).min();
        first.map_or(Self::NATIVE, |network| Self {
            network,
            tagged: network.is_tagged(),
        })
    }

    /// As that station speaks.
    fn of_station(station: &Station) -> Self {
        let network = station.vlan.and_then(Vlan::new);
        Self {
            network: network.unwrap_or(Vlan::UNTAGGED),
            tagged: network.is_some(),
        }
    }

    /// A trunked vNIC speaks in its native network, else in the lowest of its networks.
    fn of(membership: &Membership) -> Self {
        let network = membership
            .untagged_ingress()
            .or(membership.tagged_ingress().next());
        let network = network.unwrap_or(Vlan::UNTAGGED);
        Self {
            network,
            tagged: membership.delivery(network) == Some(Tagging::Tagged),
        }
    }
}
