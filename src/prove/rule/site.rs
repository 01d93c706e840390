//! A host as the rule sees it: who is at which port, and where addresses are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use openflow::PortNo;

use crate::health::Failed;
use crate::learning::{LearnedMac, Location};
use crate::ports::Ports;
use crate::topology::{Attachment, Bridges, Chain, Function, FunctionKind, Host, Role, Vlan, Vnic};

/// A host with the ports that it has, and what is known of addresses.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) host: &'a Host,
    pub(crate) failed: &'a Failed,
    ports: BTreeMap<Role, &'a Ports>,
    occupants: HashMap<Location, Occupant>,
    /// The vNICs by their addresses.
    pub(crate) owners: Index<usize>,
    /// Where the known addresses of each network are.
    pub(crate) known: BTreeMap<Vlan, Index<Known>>,
    /// The addresses that were learned at each port, by network.
    pub(crate) learned: HashMap<(Vlan, Location), Index<()>>,
    /// The addresses of VMs of the configuration, on whichever hosts these are, by network.
    pub(crate) of_vms: BTreeMap<Vlan, Index<()>>,
    /// The vNICs and networks that have as many addresses as they may have.
    full_vnics: HashSet<Location>,
    full_networks: BTreeSet<Vlan>,
}

/// What is at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// A vNIC of the host, by its place in the configuration.
    Vnic(usize),
    Uplink,
    HostItself,
    /// An instance of a tap.
    Tap(FunctionId),
    /// A leg of an inline function.
    Leg(FunctionId, Side),
    /// Any port of a bridge about whose ports nothing is said.
    Anything,
    /// A port that nobody is meant to be at.
    Nobody,
}

/// A function, by the places of its chain and itself in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FunctionId {
    pub(crate) chain: usize,
    pub(crate) position: usize,
}

/// A side of an inline function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// Faces the VMs.
    Ingress,
    /// Faces the uplink.
    Egress,
}

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Pinned to this vNIC, which is a member of the network.
    Pinned(usize),
    /// Learned at this port.
    Learned(Location),
}

/// Numbers with something for each, found fast.
#[derive(Debug, Clone)]
pub(crate) struct Index<T> {
    pub(crate) entries: Vec<(u128, T)>,
    places: HashMap<u128, usize>,
}

impl<T> Index<T> {
    fn new(entries: impl IntoIterator<Item = (u128, T)>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let places = entries
            .iter()
            .enumerate()
            .map(|(place, (number, _))| (*number, place));
        let places = places.collect();
        Self { entries, places }
    }

    /// The place of a number among the entries.
    pub(crate) fn place(&self, number: u128) -> Option<usize> {
        self.places.get(&number).copied()
    }
}

impl<'a> Site<'a> {
    pub(crate) fn new(
        host: &'a Host,
        ports: BTreeMap<Role, &'a Ports>,
        failed: &'a Failed,
        learned: &[LearnedMac],
    ) -> Self {
        let owners = (host.vnics.iter().enumerate())
            .filter_map(|(place, vnic)| Some((u128::from(vnic.mac?), place)));
        let mut site = Self {
            host,
            failed,
            ports,
            occupants: HashMap::new(),
            owners: Index::new(owners),
            known: BTreeMap::new(),
            learned: HashMap::new(),
            of_vms: BTreeMap::new(),
            full_vnics: HashSet::new(),
            full_networks: BTreeSet::new(),
        };
        let at = |role: &Role, port| Location { role: *role, port };
        let all: Vec<(Location, &str)> = (site.ports.iter())
            .flat_map(|(role, ports)| ports.iter().map(|(name, port)| (at(role, port), name)))
            .collect();
        for (at, name) in all {
            let occupant = site.find_occupant(at, name);
            site.occupants.insert(at, occupant);
        }
        let mut networks = host.networks.clone();
        networks.extend(learned.iter().map(|entry| entry.vlan));
        site.known = networks
            .into_iter()
            .map(|vlan| (vlan, site.addresses(vlan, learned)))
            .collect();
        let mut by_port: HashMap<_, Vec<_>> = HashMap::new();
        for LearnedMac { vlan, mac, at } in learned {
            let place = by_port.entry((*vlan, *at)).or_default();
            place.push((u128::from(*mac), ()));
        }
        let by_port = by_port.into_iter();
        site.learned = by_port
            .map(|(place, addresses)| (place, Index::new(addresses)))
            .collect();
        let mut of_vms: BTreeMap<Vlan, Vec<_>> = BTreeMap::new();
        for (vlan, mac) in &host.vm_macs {
            let of_network = of_vms.entry(*vlan).or_default();
            of_network.push((u128::from(*mac), ()));
        }
        site.of_vms = of_vms
            .into_iter()
            .map(|(vlan, addresses)| (vlan, Index::new(addresses)))
            .collect();
        site.find_full(learned);
        site
    }

    /// Finds the vNICs and networks that may have no more addresses. Those of the configuration do
    /// not count.
    fn find_full(&mut self, learned: &[LearnedMac]) {
        let count = |counts: &dyn Fn(&LearnedMac) -> bool| {
            let others = learned
                .iter()
                .filter(|entry| self.owners.place(entry.mac.into()).is_none());
            others.filter(|entry| counts(entry)).count()
        };
        let is_full = |limit: u32, count: usize| count >= limit as usize;
        let mut full_vnics = HashSet::new();
        for vnic in &self.host.vnics {
            if let (Some(limit), Some(at)) = (vnic.security.max_macs, self.vnic_port(vnic))
                && is_full(limit, count(&|entry| entry.at == at))
            {
                full_vnics.insert(at);
            }
        }
        let behind_vnic = |entry: &LearnedMac| matches!(self.occupant(entry.at), Occupant::Vnic(_));
        let full_networks = (self.host.max_macs.iter())
            .filter(|(vlan, limit)| {
                let counts = |entry: &LearnedMac| entry.vlan == **vlan && behind_vnic(entry);
                is_full(**limit, count(&counts))
            })
            .map(|(vlan, _)| *vlan);
        self.full_networks = full_networks.collect();
        self.full_vnics = full_vnics;
    }

    /// Whether a vNIC may have no more addresses.
    pub(crate) fn is_full_vnic(&self, at: Location) -> bool {
        self.full_vnics.contains(&at)
    }

    /// Whether a network may have no more addresses behind vNICs.
    pub(crate) fn is_full_network(&self, vlan: Vlan) -> bool {
        self.full_networks.contains(&vlan)
    }

    fn addresses(&self, vlan: Vlan, learned: &[LearnedMac]) -> Index<Known> {
        let pinned = self.owners.entries.iter().filter_map(|(mac, place)| {
            let vnic = &self.host.vnics[*place];
            // Where a VM may be that may be on other hosts as well has to be learned.
            vnic.membership.delivery(vlan).filter(|_| !vnic.roams)?;
            Some((*mac, Known::Pinned(*place)))
        });
        let learned = learned
            .iter()
            .filter(|entry| entry.vlan == vlan)
            .map(|entry| (u128::from(entry.mac), Known::Learned(entry.at)));
        Index::new(pinned.chain(learned))
    }

    fn find_occupant(&self, at: Location, name: &str) -> Occupant {
        if self.is_open() {
            return Occupant::Anything;
        }
        if at.port == PortNo::LOCAL {
            return match at.role == self.outside() {
                true => Occupant::HostItself,
                false => Occupant::Nobody,
            };
        }
        if at.role == Role::Service {
            return self.function_at(name).unwrap_or(Occupant::Nobody);
        }
        let mut vnics = self.host.vnics.iter();
        if let Some(place) =
            vnics.position(|vnic| vnic.port == name && self.host.bridge_of(vnic) == at.role)
        {
            return Occupant::Vnic(place);
        }
        match at.role == self.outside() && self.host.uplinks.iter().any(|uplink| uplink == name) {
            true => Occupant::Uplink,
            false => Occupant::Nobody,
        }
    }

    fn function_at(&self, name: &str) -> Option<Occupant> {
        self.functions()
            .find_map(|(id, function)| match &function.kind {
                FunctionKind::Tap { instances, .. } => instances
                    .iter()
                    .any(|instance| instance.port == name)
                    .then_some(Occupant::Tap(id)),
                FunctionKind::Inline { instances, .. } => {
                    instances.iter().find_map(|legs| match name {
                        _ if legs.ingress == name => Some(Occupant::Leg(id, Side::Ingress)),
                        _ if legs.egress == name => Some(Occupant::Leg(id, Side::Egress)),
                        _ => None,
                    })
                }
            })
    }

    /// All functions of all chains.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (FunctionId, &'a Function)> {
        let chains = self.host.chains.iter().enumerate();
        chains.flat_map(|(chain, Chain { functions, .. })| {
            let functions = functions.iter().enumerate();
            functions.map(move |(position, function)| (FunctionId { chain, position }, function))
        })
    }

    /// A function of the host.
    pub(crate) fn function(&self, id: FunctionId) -> &'a Function {
        &self.host.chains[id.chain].functions[id.position]
    }

    /// Whether the host has one bridge about whose ports nothing is said.
    pub(crate) fn is_open(&self) -> bool {
        self.host.is_open()
    }

    /// Whether network functions are there at all.
    pub(crate) fn has_service_bridge(&self) -> bool {
        self.host.bridge(Role::Service).is_some()
    }

    /// Whether a vNIC is beside the chain, which counts as outside for that.
    pub(crate) fn is_direct(&self, vnic: &Vnic) -> bool {
        matches!(self.host.bridges, Bridges::Chain(_)) && vnic.attachment == Attachment::Direct
    }

    /// The bridge that uplinks and the host itself are at.
    pub(crate) fn outside(&self) -> Role {
        match self.host.bridges {
            Bridges::Chain(_) => Role::Uplink,
            Bridges::Learning(_) | Bridges::AnyLearning => Role::Learning,
        }
    }

    /// Who is at a port.
    pub(crate) fn occupant(&self, at: Location) -> Occupant {
        match self.occupants.get(&at) {
            Some(occupant) => *occupant,
            None if self.is_open() => Occupant::Anything,
            None => Occupant::Nobody,
        }
    }

    /// All ports, those of patches too.
    pub(crate) fn all_ports(&self) -> impl Iterator<Item = Location> {
        self.ports
            .iter()
            .flat_map(|(role, ports)| ports.iter().map(|(_, port)| Location { role: *role, port }))
    }

    /// The name of a port.
    pub(crate) fn name(&self, at: Location) -> Option<&'a str> {
        self.ports
            .get(&at.role)
            .and_then(|ports| ports.name(at.port))
    }

    /// The port of a vNIC, if it is there.
    pub(crate) fn vnic_port(&self, vnic: &Vnic) -> Option<Location> {
        self.port(self.host.bridge_of(vnic), &vnic.port)
    }

    /// The port of a network function, if it is there.
    pub(crate) fn function_port(&self, name: &str) -> Option<Location> {
        self.port(Role::Service, name)
    }

    /// The uplinks, in the order of the configuration; `None` for one that is not there.
    pub(crate) fn uplinks(&self) -> impl Iterator<Item = Option<Location>> {
        let role = self.outside();
        let names = self.host.uplinks.iter();
        names.map(move |name| self.port(role, name))
    }

    /// Where what is learned outside is noted: uplinks that are used as one have one place, that of
    /// the first that is there.
    pub(crate) fn place(&self, at: Location) -> Location {
        let first = self.uplinks().flatten().next();
        match self.occupant(at) {
            Occupant::Uplink if self.host.is_bonded() => first.unwrap_or(at),
            _ => at,
        }
    }

    /// Where the host itself is.
    pub(crate) fn host_itself(&self) -> Location {
        Location {
            role: self.outside(),
            port: PortNo::LOCAL,
        }
    }

    fn port(&self, role: Role, name: &str) -> Option<Location> {
        let port = self.ports.get(&role)?.get(name)?;
        Some(Location { role, port })
    }
}

/// The bit of a MAC address that makes it a multicast one.
pub(crate) const MULTICAST: u128 = 0x0100_0000_0000;

/// Addresses that no bridge forwards to (IEEE 802.1Q, table 8-1): 01:80:c2:00:00:00 to 0f.
pub(crate) const RESERVED: (u128, u128) = (0x0180_c200_0000, 0xffff_ffff_fff0);
