//! What there is: networks, VMs with their vNICs, chains with their functions, ports.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Bridge, Function, Host, Instance, Mode};
use crate::topology::{Attachment, FailurePolicy, Permission, Promiscuous, Redundancy};

/// All hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hosts {
    /// In the order of their names.
    pub hosts: Vec<Host>,
}

/// Bridges of all hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bridges {
    /// In the order of hosts, and from the guests to the uplink.
    pub bridges: Vec<HostBridge>,
}

/// A bridge and its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostBridge {
    /// The name of the host.
    pub host: String,
    /// The bridge.
    #[serde(flatten)]
    pub bridge: Bridge,
}

/// Ports of bridges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ports {
    /// In the order of hosts, bridges and names.
    pub ports: Vec<BridgePort>,
}

/// A port of a bridge: one that is there, or one that the configuration expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BridgePort {
    /// The host.
    pub host: String,
    /// The bridge; where several expect the port, each has it.
    pub bridge: String,
    /// OVS interface name; of a vNIC that is found by what the OVS database says, that.
    pub name: String,
    /// OVS interface name; `null` where the bridge does not have the port.
    #[schema(required)]
    pub interface: Option<String>,
    /// OpenFlow port number; `null` where the bridge does not have the port.
    #[schema(required)]
    pub number: Option<u32>,
    /// Whether it has a link.
    pub link: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// The VM, of a vNIC.
    #[schema(required)]
    pub vm: Option<String>,
    /// `CHAIN/FUNCTION`, of the port of a network function.
    #[schema(required)]
    pub function: Option<String>,
}

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The bridge's own: the host itself.
    Local,
    /// A vNIC.
    Vnic,
    /// One end of a patch to another bridge.
    Patch,
    /// To the outside.
    Uplink,
    /// Of a network function.
    Function,
    /// Nothing that the configuration says.
    Other,
}

/// Networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Networks {
    /// In the order of their names.
    pub networks: Vec<Network>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its VLAN, 0 for the untagged network.
    pub vlan: u16,
    /// How many addresses may be learned behind the vNICs of a host; `null` without a limit.
    #[schema(required)]
    pub max_macs: Option<u32>,
    /// The chain that its frames pass.
    #[schema(required)]
    pub chain: Option<String>,
    /// The vNICs that are members of it.
    pub vnics: Vec<Member>,
}

/// A vNIC that is a member of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The VM.
    pub vm: String,
    /// The host.
    pub host: String,
    /// OVS interface name.
    pub port: String,
    /// Whether frames are tagged towards the guest.
    pub tagged: bool,
}

/// VMs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Vms {
    /// Those that have a vNIC, in the order of their names.
    pub vms: Vec<Vm>,
}

/// A VM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Vm {
    /// Its name.
    pub name: String,
    /// The hosts that it may run on.
    pub hosts: Vec<String>,
    /// Its vNICs, on each of these.
    pub vnics: Vec<Vnic>,
}

/// vNICs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Vnics {
    /// In the order of hosts and of the configuration.
    pub vnics: Vec<Vnic>,
}

/// A vNIC on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vnic {
    /// The VM.
    pub vm: String,
    /// The host.
    pub host: String,
    /// OVS interface name, or what its interface is found by in the OVS database.
    pub port: String,
    /// OVS interface name; `null` where the bridge does not have the port.
    #[schema(required)]
    pub interface: Option<String>,
    /// The bridge it is plugged into.
    pub bridge: String,
    /// Whether the bridge has the port.
    pub present: bool,
    /// Whether the port has a link.
    pub link: bool,
    /// The address that belongs to it; `null` where its addresses are all learned.
    #[schema(required, example = "52:54:00:00:00:0a")]
    pub mac: Option<String>,
    /// Member of one network, or of several.
    pub vlan_mode: VlanMode,
    /// The network of untagged frames.
    #[schema(required)]
    pub network: Option<String>,
    /// The networks that are tagged towards the guest.
    pub trunked_networks: Vec<String>,
    /// Which bridge it is plugged into, as the configuration has it.
    #[serde(rename = "type")]
    pub kind: Attachment,
    /// What it sees besides its own frames.
    pub promiscuous: Promiscuous,
    /// Whether it may send from other addresses than its own.
    pub forged_transmits: Permission,
    /// Whether frames to other addresses than its own reach it.
    pub mac_changes: Permission,
    /// How many addresses may be learned at it; `null` without a limit.
    #[schema(required)]
    pub max_macs: Option<u32>,
    /// How many broadcast and multicast frames it may send per second; `null` without a limit.
    #[schema(required)]
    pub storm_limit: Option<u32>,
    /// Whether its VM may run on other hosts, too.
    pub roams: bool,
}

/// How many networks a vNIC is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VlanMode {
    /// One, untagged.
    Access,
    /// Several, tagged.
    Trunked,
}

/// Service chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chains {
    /// In the order of the configuration.
    pub chains: Vec<Chain>,
}

/// A service chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// The networks whose frames pass it.
    pub networks: Vec<String>,
    /// The VMs whose frames pass it.
    pub vms: Vec<String>,
    /// In order from the VM towards the uplink.
    pub functions: Vec<ChainFunction>,
}

/// A function of a chain, on all hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChainFunction {
    /// Its name.
    pub name: String,
    /// How it is inserted.
    pub mode: Mode,
    /// Whether frames reach it at all.
    pub enabled: bool,
    /// How several instances on one host work together.
    pub redundancy: Redundancy,
    /// What happens while it is down; `null` of a tap, which is never in the way.
    #[schema(required)]
    pub failure_policy: Option<FailurePolicy>,
    /// Its instances.
    pub instances: Vec<HostInstance>,
}

/// An instance of a function, and its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostInstance {
    /// The host.
    pub host: String,
    /// The instance.
    #[serde(flatten)]
    pub instance: Instance,
}

/// Network functions of hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Functions {
    /// In the order of hosts, and of the configuration.
    pub functions: Vec<HostFunction>,
}

/// A network function on a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostFunction {
    /// The host.
    pub host: String,
    /// The function.
    #[serde(flatten)]
    pub function: Function,
}
