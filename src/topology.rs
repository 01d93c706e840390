//! What the operator wants: networks, hosts, VMs with their vNICs, and service chains.
//!
//! A [`Topology`] is valid by construction: only [`crate::config`] makes one, and it refuses what
//! does not fit together. Everything here is data without I/O and without run-time state; what
//! ports exist and which MAC addresses were learned is known elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use openflow::{DatapathId, MacAddr};

/// Everything a configuration file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// How the controller itself runs.
    pub controller: Controller,
    /// Networks by name. No two have the same VLAN.
    pub networks: BTreeMap<String, Vlan>,
    /// Hosts by name, each with all that lives on it.
    pub hosts: BTreeMap<String, Host>,
}

/// How the controller itself runs (`controller:`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Where bridges connect to.
    pub listen: Vec<Endpoint>,
    /// Where the controller's own API is served.
    pub api: Endpoint,
    /// How long a learned MAC address is kept after its last frame.
    pub mac_age: MacAge,
    /// How many frames of unknown source a bridge may send to the controller, per second.
    pub packet_in_rate: u32,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            listen: vec![Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 6653)))],
            api: Endpoint::Unix(PathBuf::from("/run/bridgechain/api.sock")),
            mac_age: MacAge::default(),
            packet_in_rate: 1000,
        }
    }
}

/// A place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `tcp:IP:PORT`
    Tcp(SocketAddr),
    /// `ssl:IP:PORT`
    Ssl(SocketAddr),
    /// `unix:PATH`
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Ssl(address) => write!(f, "ssl:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The idle time after which a learned MAC address is forgotten, in whole seconds.
///
/// OpenFlow carries it as a 16-bit `idle_timeout` in which 0 means "never", so 1 to 65,535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacAge(u16);

impl MacAge {
    /// `seconds` as an age; `None` for 0.
    pub fn from_secs(seconds: u16) -> Option<Self> {
        (seconds != 0).then_some(Self(seconds))
    }

    /// The age in seconds, as a flow's `idle_timeout`.
    pub fn as_secs(self) -> u16 {
        self.0
    }
}

impl Default for MacAge {
    fn default() -> Self {
        Self(300)
    }
}

/// A VLAN, or the untagged network.
///
/// 0 is the network whose frames carry no tag on the uplink; 1 to 4094 are 802.1Q VLAN ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vlan(u16);

impl Vlan {
    /// The untagged network.
    pub const UNTAGGED: Self = Self(0);

    /// The highest VLAN id; 4095 is reserved by 802.1Q.
    pub const MAX: Self = Self(4094);

    /// The VLAN numbered `id`; `None` above 4094.
    pub fn new(id: u16) -> Option<Self> {
        (id <= Self::MAX.0).then_some(Self(id))
    }

    /// 0 to 4094.
    pub fn id(self) -> u16 {
        self.0
    }

    /// Whether frames of this network carry a tag between bridges and on the uplink.
    pub fn is_tagged(self) -> bool {
        self != Self::UNTAGGED
    }
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
    /// The service chains, each with the function instances on this host only.
    pub chains: Vec<Chain>,
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

/// A virtual network interface of a VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vnic {
    /// The VM's name.
    pub vm: String,
    /// The OVS interface name on the host. Unique on the host.
    pub port: String,
    /// The address that belongs to this vNIC; `None` for a vNIC whose addresses are all learned.
    /// Unique in the topology, but for the vNICs of a VM that [roams](Self::roams).
    pub mac: Option<MacAddr>,
    /// Which networks it is a member of, and how they are tagged.
    pub membership: Membership,
    /// What it sees besides its own frames.
    pub promiscuous: Promiscuous,
    /// Which bridge it is plugged into.
    pub attachment: Attachment,
    /// What it may send, and be sent.
    pub security: PortSecurity,
    /// Its VM may run on several hosts. On each of them its address is protected from other vNICs
    /// and otherwise learned, at its own port or at an uplink, wherever the VM is.
    pub roams: bool,
}

impl Vnic {
    /// The address pinned to this vNIC: the one it has and that is never anywhere else.
    pub fn pinned_mac(&self) -> Option<MacAddr> {
        self.mac.filter(|_| !self.roams)
    }

    /// The address of this vNIC that is learned, on this host or at an uplink, since its VM
    /// [roams](Self::roams).
    pub fn roaming_mac(&self) -> Option<MacAddr> {
        self.mac.filter(|_| self.roams)
    }

    /// Whether it sees all frames of `vlan`.
    pub fn accepts(&self, vlan: Vlan) -> bool {
        self.promiscuous == Promiscuous::Accept && self.membership.delivery(vlan).is_some()
    }
}

/// The networks a vNIC is a member of (`vlan_mode`, `network`, `trunked_networks`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// `access`: one network, untagged towards the guest.
    Access(Vlan),
    /// `trunked`: several networks.
    Trunked {
        /// The networks tagged towards the guest; never [`Vlan::UNTAGGED`].
        tagged: BTreeSet<Vlan>,
        /// The network that untagged frames from the guest belong to, if any. Where it is in
        /// `tagged` too it is delivered tagged (OVS `native-tagged`), else untagged.
        native: Option<Vlan>,
    },
}

impl Membership {
    /// How frames of `vlan` reach the guest; `None` where it is no member.
    pub fn delivery(&self, vlan: Vlan) -> Option<Tagging> {
        match self {
            Self::Access(own) => (*own == vlan).then_some(Tagging::Untagged),
            Self::Trunked { tagged, .. } if tagged.contains(&vlan) => Some(Tagging::Tagged),
            Self::Trunked { native, .. } => (*native == Some(vlan)).then_some(Tagging::Untagged),
        }
    }

    /// The network of an untagged (or priority-tagged) frame from the guest, if it is admitted.
    pub fn untagged_ingress(&self) -> Option<Vlan> {
        match self {
            Self::Access(vlan) => Some(*vlan),
            Self::Trunked { native, .. } => *native,
        }
    }

    /// The VLANs that the guest may tag its frames with.
    pub fn tagged_ingress(&self) -> impl Iterator<Item = Vlan> {
        match self {
            Self::Access(_) => None,
            Self::Trunked { tagged, .. } => Some(tagged.iter().copied()),
        }
        .into_iter()
        .flatten()
    }

    /// All networks it is a member of, in ascending order.
    pub fn vlans(&self) -> BTreeSet<Vlan> {
        self.tagged_ingress()
            .chain(self.untagged_ingress())
            .collect()
    }
}

/// Whether a frame carries its network's tag at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tagging {
    /// With an 802.1Q tag.
    Tagged,
    /// Without one.
    Untagged,
}

/// What a vNIC sees besides its own frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Promiscuous {
    /// Broadcast, unknown unicast and multicast of its networks.
    #[default]
    Bum,
    /// All frames of its networks on this host.
    Accept,
    /// Broadcast and multicast, but no unknown unicast to other addresses than its own, which it
    /// has.
    Reject,
}

/// Which bridge a vNIC is plugged into (`type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attachment {
    /// The local bridge, in front of the service chains (AHV's kNormalNic).
    #[default]
    Normal,
    /// The uplink bridge, beside the service chains: its own frames are never inspected (AHV's
    /// kDirectNic).
    Direct,
}

/// What a vNIC may send, and be sent, in the words of VMware ESXi. The default limits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortSecurity {
    /// Whether it may send from other addresses than the one pinned to it.
    pub forged_transmits: Permission,
    /// Whether frames to other addresses than the one pinned to it reach it: whether these are
    /// learned at its port.
    pub mac_changes: Permission,
    /// How many addresses may be learned at its port.
    pub max_macs: Option<u32>,
    /// How many broadcast and multicast frames it may send per second.
    pub storm_limit: Option<u32>,
}

/// Whether something is permitted (`accept`, `reject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Permission {
    /// It is.
    #[default]
    Accept,
    /// It is not.
    Reject,
}

/// A service chain: the functions that frames of some networks or VMs pass, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The chain's name in the configuration.
    pub name: String,
    /// The networks whose frames it applies to. A network is in at most one chain.
    pub networks: BTreeSet<Vlan>,
    /// The VMs whose frames it applies to, by name.
    pub vms: BTreeSet<String>,
    /// In order from the VM towards the uplink.
    pub functions: Vec<Function>,
}

impl Chain {
    /// How many functions a chain may have at the most: each has a table of its own in either
    /// direction.
    pub const MAX_FUNCTIONS: usize = 32;
}

/// A network function of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Unique in its chain.
    pub name: String,
    /// Whether frames reach it at all. One that is not is drained: frames pass as if it was not
    /// part of the chain, whatever its failure policy is.
    pub enabled: bool,
    /// How its instances on one host work together.
    pub redundancy: Redundancy,
    /// A copy, or in the way; with the ports of its instances on this host.
    pub kind: FunctionKind,
}

/// How several instances of a function on one host work together (`redundancy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redundancy {
    /// They share the load: both directions of a conversation go to the same one.
    #[default]
    ActiveActive,
    /// The first that is in service has all of it.
    ActivePassive,
}

/// How a function is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionKind {
    /// Receives copies of frames, and can never stop or alter one.
    Tap {
        /// What is copied, and what a copy looks like.
        copying: Copying,
        /// Where the copies go.
        instances: Vec<TapInstance>,
    },
    /// Frames pass through it.
    Inline {
        /// It gets copies only, on the leg by which the frame would enter; what it sends is
        /// dropped. To try out what it would do.
        shadow: bool,
        /// What happens to frames while it is down.
        failure_policy: FailurePolicy,
        /// Probing through the data path, where configured.
        health_check: Option<HealthCheck>,
        /// The legs of each instance.
        instances: Vec<InlineInstance>,
    },
}

impl FunctionKind {
    /// The OVS interface names of all instances, an inline one's ingress before its egress.
    pub fn ports(&self) -> Vec<&str> {
        match self {
            Self::Tap { instances, .. } => {
                instances.iter().map(|instance| &*instance.port).collect()
            }
            Self::Inline { instances, .. } => instances
                .iter()
                .flat_map(|legs| [legs.ingress.as_str(), legs.egress.as_str()])
                .collect(),
        }
    }
}

/// Where the copies for a tap go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapInstance {
    /// OVS interface name.
    pub port: String,
    /// Whether it gets any. One that does not is drained.
    pub enabled: bool,
    /// The other end of the tunnel that the port is, for a sink on another machine.
    pub remote: Option<Remote>,
}

/// The far end of a tunnel port that carries copies to another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// How copies are encapsulated.
    pub tunnel: Tunnel,
    /// Where they are sent (`options:remote_ip`).
    pub ip: IpAddr,
}

impl Remote {
    /// How long copies may be for an uplink with the MTU of Ethernet, in bytes.
    ///
    /// Open vSwitch does not fragment. What is too long is lost, and in user space takes frames with
    /// it that are sent by the same port at the same time.
    pub fn longest_copy(&self) -> u16 {
        const MTU: u16 = 1500;
        let ip = match self.ip {
            IpAddr::V4(_) => 20,
            IpAddr::V6(_) => 40,
        };
        let tunnel = match self.tunnel {
            // UDP and VXLAN.
            Tunnel::Vxlan { .. } => 8 + 8,
            Tunnel::Gre { key: None } => 4,
            Tunnel::Gre { key: Some(_) } => 4 + 4,
            // GRE with a sequence number, and ERSPAN.
            Tunnel::Erspan { .. } => 4 + 4 + 8,
        };
        MTU - ip - tunnel
    }
}

/// A tunnel protocol that Open vSwitch speaks, with what it needs to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tunnel {
    /// VXLAN (RFC 7348), with its 24-bit VNI.
    Vxlan {
        /// `options:key`
        vni: u32,
    },
    /// GRE with an Ethernet payload (RFC 2784, 2890).
    Gre {
        /// `options:key`, where there is one.
        key: Option<u32>,
    },
    /// ERSPAN version 1 (type II), a mirroring session over GRE.
    Erspan {
        /// `options:key`, the session id: 10 bits.
        session: u16,
        /// `options:erspan_idx`, the port index: 20 bits.
        index: u32,
    },
}

/// What is copied to a tap, and what a copy looks like. The default is every frame, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copying {
    /// Frames that any of these applies to are not copied.
    pub skip: Vec<SkipRule>,
    /// Which frames, by where they come from and go to.
    pub scope: CopyScope,
    /// Copies are cut off after that many bytes. Without it they are whole, and those for a remote
    /// sink as long as they [may be](Remote::longest_copy).
    pub snap_length: Option<u16>,
    /// One in so many conversations is copied, with all its frames.
    pub sampling: Option<NonZeroU16>,
    /// How much is copied at the most.
    pub rate_limit: Option<RateLimit>,
    /// What becomes of the tag.
    pub tag: CopyTag,
}

/// Frames that a tap does not want: those that agree with all that is given. A port or a prefix
/// may be at either end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SkipRule {
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// TCP, UDP or SCTP ports; empty where these do not matter.
    pub ports: Vec<RangeInclusive<u16>>,
    /// IPv4 and IPv6 prefixes; empty where addresses do not matter.
    pub prefixes: Vec<Prefix>,
}

/// A protocol over Ethernet or IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// ARP, by its EtherType.
    Arp,
    /// An IP protocol number, over IPv4 and IPv6.
    Ip(u8),
}

/// The addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// An address with nothing behind the prefix.
    pub address: IpAddr,
    /// How many bits are the same: at most 32 or 128.
    pub length: u8,
}

/// Which frames are copied, by where they come from and go to (`direction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyScope {
    /// All.
    #[default]
    All,
    /// From a pinned address of a VM of the configuration, on whichever host that is, to another
    /// one or to a multicast address.
    EastWest,
}

/// How much is copied at the most; what is more is not copied, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// Kilobits per second (1000 bits).
    Kbps(u32),
    /// Frames per second.
    Pps(u32),
}

/// What becomes of the tag of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyTag {
    /// It is that of the frame's network.
    #[default]
    Keep,
    /// It is taken off.
    Strip,
    /// Around it comes another one (802.1Q), which tells the direction.
    Outer {
        /// On frames from the guests of this host.
        to_uplink: Vlan,
        /// On frames from elsewhere to the guests of this host.
        to_guests: Vlan,
    },
}

/// The two legs of an inline function: a bump in the wire between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineInstance {
    /// OVS interface name of the leg that faces the VMs.
    pub ingress: String,
    /// OVS interface name of the leg that faces the uplink.
    pub egress: String,
    /// Whether it gets any frames. One that does not is drained.
    pub enabled: bool,
}

/// What happens to the frames of an inline function that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// They bypass it.
    FailOpen,
    /// They stop.
    #[default]
    FailClose,
}

/// Probing of an inline function: frames go in on one leg and must come out of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between probes.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// Probes in a row that must pass before it counts as up.
    pub success_threshold: u32,
    /// Probes in a row that must be lost before it counts as down.
    pub failure_threshold: u32,
}
