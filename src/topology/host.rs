//! Hosts, and how their bridges are joined.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use openflow::{DatapathId, MacAddr};

use super::{
    Attachment, Chain, Endpoint, Function, FunctionKind, HealthCheck, InlineInstance,
    InterfaceMatch, Permission, Remote, Tagging, Vlan, Vnic,
};

/// One host: its bridges and what is attached to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The host's name in the configuration.
    pub name: String,
    /// Its bridges and how they are joined.
    pub bridges: Bridges,
    /// OVS interface names of the ports to the outside. No two alike.
    pub uplinks: Vec<String>,
    /// How several uplinks work together.
    pub uplink_mode: UplinkMode,
    /// The VLANs of all networks of the topology: what the uplinks carry.
    pub networks: BTreeSet<Vlan>,
    /// How many MAC addresses may be learned behind this host's vNICs in a network, where that is
    /// limited.
    pub max_macs: BTreeMap<Vlan, u32>,
    /// The pinned addresses of the VMs of the topology, on whichever hosts these are, with the
    /// networks of each.
    pub vm_macs: BTreeSet<(Vlan, MacAddr)>,
    /// The vNICs of all VMs on this host, in the order of the configuration.
    pub vnics: Vec<Vnic>,
    /// Where the OVS database of this host is served; nothing for that of the machine on which the
    /// controller runs. It is asked only if a port is [found](Self::found_ports) by what that says.
    pub ovsdb: Option<Endpoint>,
    /// What TLS to it takes, where that is an `ssl:` endpoint.
    pub ovsdb_tls: Option<TlsFiles>,
    /// The service chains, each with the function instances on this host only.
    pub chains: Vec<Chain>,
    /// What the function ports are found by that the configuration does not name, by what they are
    /// called instead, as [vNICs](Vnic::port) are.
    pub found_functions: BTreeMap<String, InterfaceMatch>,
}

/// A port whose interface is found by what the OVS database says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundPort<'a> {
    /// What it is called, whichever interface it is.
    pub name: &'a str,
    /// What it is found by.
    pub found_by: &'a InterfaceMatch,
    /// The bridge that it belongs on.
    pub role: Role,
    /// What it is.
    pub user: User<'a>,
}

/// What a port is used by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'a> {
    /// The VM of this name.
    Vm(&'a str),
    /// The function of this name.
    Function(&'a str),
}

impl fmt::Display for FoundPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            User::Vm(vm) => write!(f, "vNIC of VM {vm} ({})", self.name),
            User::Function(function) => write!(f, "port of function {function} ({})", self.name),
        }
    }
}

impl Host {
    /// The bridge with this role, where the host has one and it is known by name.
    pub fn bridge(&self, role: Role) -> Option<&Bridge> {
        self.bridges()
            .find_map(|(own, bridge)| (own == role).then_some(bridge))
    }

    /// The OVS interface names of all network functions, in the order of the configuration.
    pub fn function_ports(&self) -> impl Iterator<Item = &str> {
        self.chains
            .iter()
            .flat_map(|chain| &chain.functions)
            .flat_map(|function| function.kind.ports())
    }

    /// The tunnels that carry copies to other machines, by the OVS interface name of each.
    pub fn remotes(&self) -> impl Iterator<Item = (&str, &Remote)> {
        let functions = self.chains.iter().flat_map(|chain| &chain.functions);
        functions.flat_map(|function| match &function.kind {
            FunctionKind::Tap { instances, .. } => instances
                .iter()
                .filter_map(|instance| Some((&*instance.port, instance.remote.as_ref()?)))
                .collect(),
            FunctionKind::Inline { .. } => Vec::new(),
        })
    }

    /// The vNIC at an OVS interface name.
    pub fn vnic(&self, port: &str) -> Option<&Vnic> {
        self.vnics.iter().find(|vnic| vnic.port == port)
    }

    /// The ports whose interfaces are found by what the OVS database says about them.
    pub fn found_ports(&self) -> impl Iterator<Item = FoundPort<'_>> {
        let vnics = self.vnics.iter().filter_map(|vnic| {
            Some(FoundPort {
                name: &vnic.port,
                found_by: vnic.found_by.as_ref()?,
                role: self.bridge_of(vnic),
                user: User::Vm(&vnic.vm),
            })
        });
        let functions = self.chains.iter().flat_map(|chain| &chain.functions);
        let functions = functions.flat_map(|function| {
            let ports = function.kind.ports().into_iter();
            ports.filter_map(|port| {
                let (name, found_by) = self.found_functions.get_key_value(port)?;
                Some(FoundPort {
                    name,
                    found_by,
                    role: Role::Service,
                    user: User::Function(&function.name),
                })
            })
        });
        vnics.chain(functions)
    }

    /// The role of the bridge that `vnic` is plugged into.
    pub fn bridge_of(&self, vnic: &Vnic) -> Role {
        match (&self.bridges, vnic.attachment) {
            (Bridges::Chain(_), Attachment::Normal) => Role::Local,
            (Bridges::Chain(_), Attachment::Direct) => Role::Uplink,
            (Bridges::Learning(_) | Bridges::AnyLearning, _) => Role::Learning,
        }
    }

    /// The vNICs that are plugged into the bridge with `role`.
    pub fn vnics_at(&self, role: Role) -> impl Iterator<Item = &Vnic> {
        let is_there = move |vnic: &&Vnic| self.bridge_of(vnic) == role;
        self.vnics.iter().filter(is_there)
    }

    /// The vNIC that a MAC address of the configuration belongs to: no other may use it.
    pub fn owner(&self, mac: MacAddr) -> Option<&Vnic> {
        self.vnics.iter().find(|vnic| vnic.mac == Some(mac))
    }

    /// The vNIC that a MAC address is pinned to: it is never anywhere else.
    pub fn pinned(&self, mac: MacAddr) -> Option<&Vnic> {
        self.owner(mac).filter(|owner| !owner.roams)
    }

    /// Whether frames of `vlan` lose their tag on the way to a vNIC that takes others with theirs.
    pub fn is_native_of_a_trunk(&self, vlan: Vlan) -> bool {
        self.vnics
            .iter()
            .filter(|vnic| vnic.membership.tagged_ingress().next().is_some())
            .any(|vnic| vnic.membership.delivery(vlan) == Some(Tagging::Untagged))
    }

    /// Whether `vnic` may send from no other address than the one pinned to it: it says so itself
    /// (`forged_transmits: reject`), or a chain finds its frames by that address (`vms:`) and those
    /// from another would evade it.
    pub fn is_held_to_its_address(&self, vnic: &Vnic) -> bool {
        vnic.security.forged_transmits == Permission::Reject
            || self.chains.iter().any(|chain| chain.vms.contains(&vnic.vm))
    }

    /// Whether the addresses that `vnic` sends from are learned at its port, apart from the one
    /// pinned to it, which is known.
    pub fn learns_at(&self, vnic: &Vnic) -> bool {
        !self.is_held_to_its_address(vnic) && vnic.security.mac_changes == Permission::Accept
    }

    /// Whether any chain has a function in the way of frames, be it drained or in shadow mode: what
    /// comes out of it must find its way from the moment on that it is in service.
    pub fn has_inline(&self) -> bool {
        self.chains
            .iter()
            .flat_map(|chain| &chain.functions)
            .any(|function| matches!(function.kind, FunctionKind::Inline { .. }))
    }

    /// Whether several uplinks lead to the same network, so that they are used as one.
    pub fn is_bonded(&self) -> bool {
        self.uplink_mode != UplinkMode::Separate && self.uplinks.len() > 1
    }

    /// Whether nothing is said about the ports of its one bridge, so that any are welcome.
    pub fn is_open(&self) -> bool {
        match self.bridges {
            Bridges::Chain(_) => false,
            // Bonded uplinks can not be like any other port: frames would run in a circle.
            Bridges::Learning(_) => self.vnics.is_empty() && !self.is_bonded(),
            Bridges::AnyLearning => true,
        }
    }

    /// The inline function with an instance at this ingress leg, and its chain.
    pub fn function_of(&self, ingress: &str) -> Option<(&Chain, &Function)> {
        let is_here = |function: &&Function| match &function.kind {
            FunctionKind::Inline { instances, .. } => {
                instances.iter().any(|instance| instance.ingress == ingress)
            }
            FunctionKind::Tap { .. } => false,
        };
        self.chains
            .iter()
            .find_map(|chain| Some((chain, chain.functions.iter().find(is_here)?)))
    }

    /// The instances that are probed through the data path, drained and shadow ones among them, each
    /// with how it is done.
    pub fn health_checked(&self) -> impl Iterator<Item = (&InlineInstance, HealthCheck)> {
        self.chains
            .iter()
            .flat_map(|chain| &chain.functions)
            .filter_map(|function| match &function.kind {
                FunctionKind::Inline {
                    health_check: Some(check),
                    instances,
                    ..
                } => Some(instances.iter().map(|instance| (instance, *check))),
                _ => None,
            })
            .flatten()
    }

    /// Whether any vNIC sees all frames of `vlan` (`promiscuous: accept`).
    pub fn has_accept(&self, vlan: Vlan) -> bool {
        self.vnics.iter().any(|vnic| vnic.accepts(vlan))
    }

    /// Whether any vNIC at the bridge with `role` sees all frames of `vlan`.
    pub fn has_accept_at(&self, role: Role, vlan: Vlan) -> bool {
        self.vnics_at(role).any(|vnic| vnic.accepts(vlan))
    }

    /// The bridges of this host with their roles, in the order from the guests to the uplink.
    pub fn bridges(&self) -> impl Iterator<Item = (Role, &Bridge)> {
        let bridges: Vec<(Role, &Bridge)> = match &self.bridges {
            Bridges::Chain(chain) => [
                Some((Role::Local, &chain.local)),
                chain
                    .service
                    .as_ref()
                    .map(|service| (Role::Service, service)),
                Some((Role::Uplink, &chain.uplink)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Bridges::Learning(bridge) => vec![(Role::Learning, bridge)],
            Bridges::AnyLearning => Vec::new(),
        };
        bridges.into_iter()
    }
}

/// The files that TLS to a database takes (`ovsdb_tls`), all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Who signs the certificates of servers.
    pub ca: PathBuf,
    /// What the server is shown, where it asks who connects.
    pub identity: Option<TlsIdentity>,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The certificate, then those that lead from it to its CA.
    pub certificate: PathBuf,
    /// The key, without a passphrase.
    pub private_key: PathBuf,
}

/// How several uplinks of a host work together (`uplink_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UplinkMode {
    /// Each is a port of the learning switch, and leads to a segment of its own.
    #[default]
    Separate,
    /// All lead to the same network. The first that is up carries all frames.
    ActiveBackup,
    /// All lead to the same network. Each source MAC address has one of those that are up.
    Balance,
}

/// How a host's bridges are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bridges {
    /// `br0.local -> br.nf -> br0`, the service bridge left out where there is none.
    Chain(ChainBridges),
    /// One bridge that does everything, without a chain (`learning: NAME`).
    Learning(Bridge),
    /// Every bridge that no other host claims, each a learning switch of its own
    /// (`learning: "*"`). Such a host has no vNICs, uplinks or chains.
    AnyLearning,
}

/// The bridges of a host with a chain, and the patch ports that join them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainBridges {
    /// Where vNICs are plugged in.
    pub local: Bridge,
    /// Where network functions are plugged in.
    pub service: Option<Bridge>,
    /// Where the uplinks are plugged in.
    pub uplink: Bridge,
    /// The patch ports that join the bridges, in order from local to uplink: two links where
    /// there is a service bridge, otherwise one.
    pub patches: Vec<Patch>,
}

impl ChainBridges {
    /// The patch port of the local bridge, to the rest of the chain.
    pub fn local_patch(&self) -> Option<&str> {
        self.patches.first().map(|patch| patch.left.as_str())
    }

    /// The patch port of the uplink bridge, to the rest of the chain.
    pub fn uplink_patch(&self) -> Option<&str> {
        self.patches.last().map(|patch| patch.right.as_str())
    }
}

/// A pair of patch ports: `left` on the bridge nearer the guests, `right` on the one nearer the
/// uplink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The end on the bridge nearer the guests.
    pub left: String,
    /// The end on the bridge nearer the uplink.
    pub right: String,
}

/// A bridge as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The OVS bridge name, which is also the name of its LOCAL port.
    pub name: String,
    /// The datapath id: the configured one, or else one derived from host and bridge name,
    /// which is what `setup` gives to the bridge.
    pub datapath_id: DatapathId,
}

/// What a bridge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// VLAN access and trunk, anti-spoofing, delivery to vNICs.
    Local,
    /// Service chains.
    Service,
    /// Learning switch between uplinks, the host itself and the chain.
    Uplink,
    /// All of it in one bridge, without a chain.
    Learning,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Service => "service",
            Self::Uplink => "uplink",
            Self::Learning => "learning",
        })
    }
}
