//! The MAC table, as an operator is shown it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The MAC addresses that are known, of all hosts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Macs {
    /// In the order of hosts, VLANs and addresses.
    pub macs: Vec<Mac>,
}

/// A MAC address in a network of a host, and where its frames enter that host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mac {
    /// The host that knows it. Each host knows the addresses of others by its uplink.
    pub host: String,
    /// The name of the network; `null` where no network of the configuration has this VLAN.
    #[schema(required)]
    pub network: Option<String>,
    /// The VLAN of the network, 0 for the untagged one.
    pub vlan: u16,
    /// The address, as six pairs of hex digits with colons.
    #[schema(example = "52:54:00:00:00:0a")]
    pub mac: String,
    /// How it is known.
    pub origin: Origin,
    /// The bridge of the port.
    pub bridge: String,
    /// The OVS interface name of the port where its frames enter the host; `?` where the bridge has
    /// not said.
    pub port: String,
    /// The OpenFlow number of the port; `null` where the bridge does not have it.
    #[schema(required)]
    pub port_number: Option<u32>,
    /// The VM whose vNIC the port is; `null` at any other port, such as an uplink.
    #[schema(required)]
    pub vm: Option<String>,
    /// How long it has been known at that port, in seconds; `null` where it is pinned, or where an
    /// earlier run of the controller has learned it.
    #[schema(required)]
    pub since_seconds: Option<f64>,
}

/// How a MAC address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The configuration has it: it is at its vNIC, and nowhere else on this host.
    Pinned,
    /// A frame came from it.
    Learned,
}
