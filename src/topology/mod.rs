//! What the operator wants: networks, hosts, VMs with their vNICs, and service chains.
//!
//! A [`Topology`] is valid by construction: only [`crate::config`] makes one, and it refuses what
//! does not fit together. Everything here is data without I/O and without run-time state; what
//! ports exist and which MAC addresses were learned is known elsewhere.

mod chain;
mod copying;
mod host;
mod vnic;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use chain::{
    Chain, FailurePolicy, Function, FunctionKind, HealthCheck, InlineInstance, Redundancy,
};
pub use copying::{
    CopyScope, CopyTag, Copying, Prefix, Protocol, RateLimit, Remote, SkipRule, TapInstance, Tunnel,
};
pub use host::{
    Bridge, Bridges, ChainBridges, FoundPort, Host, Patch, Role, TlsFiles, TlsIdentity, UplinkMode,
    User,
};
pub use vnic::{
    Attachment, InterfaceMatch, Membership, Permission, PortSecurity, Promiscuous, Tagging, Vnic,
};

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
    /// Where the controller's own API is served; nothing for where the environment says
    /// ([`api_of`](crate::environment::api_of)).
    pub api: Option<Endpoint>,
    /// The file with the token that clients of the API have to show, where it is served over TCP.
    pub api_token_file: Option<PathBuf>,
    /// Where metrics are served besides the API, without a token.
    pub metrics: Option<SocketAddr>,
    /// How long a learned MAC address is kept after its last frame.
    pub mac_age: MacAge,
    /// How many frames of unknown source a bridge may send to the controller, per second.
    pub packet_in_rate: u32,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            listen: vec![Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 6653)))],
            api: None,
            api_token_file: None,
            metrics: None,
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
