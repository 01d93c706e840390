//! What a lab consists of.

use serde::{Deserialize, Serialize};

use crate::frame::{Mac, Tag};

/// The name of the station that is the outside network behind the first uplink.
pub const OUTSIDE: &str = "outside";
/// The name by which the host's own namespace is known in commands.
pub const HOST: &str = "host";

/// The bridges of one host, and the stations at their ports.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The bridges.
    pub bridges: Vec<String>,
    /// Pairs of patch ports: bridge and port, peer's bridge and port.
    pub patches: Vec<[(String, String); 2]>,
    /// The stations.
    pub stations: Vec<Station>,
}

impl Plan {
    /// The station at a port.
    pub fn station(&self, port: &str) -> Option<&Station> {
        self.stations.iter().find(|station| station.port == port)
    }
}

/// What a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The vNIC of a guest.
    Guest,
    /// A port of a network function.
    Function,
    /// The network behind an uplink.
    Outside,
    /// The host itself, at the LOCAL port of a bridge.
    Local,
}

/// Something with one port at a bridge, in a namespace of its own (the host's, if it is a LOCAL port).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Station {
    /// The name that a person uses, for example that of the VM; several stations may share it.
    pub name: String,
    /// The name of the port (the OVS interface), which no other station has.
    pub port: String,
    /// The bridge of the port.
    pub bridge: String,
    /// What the station is.
    pub role: Role,
    /// The MAC address of the station's device; `None` leaves the device its random one.
    pub mac: Option<Mac>,
    /// How the station tags its own frames: `None` for untagged ones, else the VLAN id.
    pub vlan: Option<u16>,
}

impl Station {
    /// The name of the station's device in its namespace.
    pub fn device(&self) -> &str {
        match self.role {
            Role::Local => &self.port,
            Role::Guest | Role::Function | Role::Outside => "eth0",
        }
    }

    /// The station's port in the words of `ovs-ofctl`.
    pub fn openflow_port(&self) -> &str {
        match self.role {
            Role::Local => "local",
            Role::Guest | Role::Function | Role::Outside => &self.port,
        }
    }

    /// The tags of the station's own frames.
    pub fn tags(&self) -> Vec<Tag> {
        self.vlan.map(Tag::vlan).into_iter().collect()
    }
}
