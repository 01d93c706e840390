//! Frames that were dropped, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Frames that were dropped on all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drops {
    /// In the order of hosts, bridges and causes.
    pub drops: Vec<Dropped>,
}

/// Frames that were dropped on a bridge for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// The host.
    pub host: String,
    /// The bridge.
    pub bridge: String,
    /// Why.
    pub cause: Cause,
    /// The port by which they came in; `null` where that is not counted by port.
    #[schema(required)]
    pub port: Option<String>,
    /// The VM, where that port is a vNIC.
    #[schema(required)]
    pub vm: Option<String>,
    /// How many, as far as this run of the controller has read it.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why frames are dropped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// They come in by a port that is not in the configuration.
    Port,
    /// Their port is no member of their VLAN.
    Vlan,
    /// Their source address is pinned to another vNIC.
    Spoofed,
    /// They go to a reserved multicast address.
    ReservedMulticast,
    /// Their source address is a multicast address.
    MulticastSource,
    /// A network function sends them out of turn.
    Function,
    /// Their vNIC may use no other address than its own (`forged_transmits`).
    ForgedTransmit,
    /// Their vNIC or network may have no more addresses (`max_macs`).
    MaxMacs,
    /// The host has sent them by one uplink and gets them back by another.
    Reflected,
    /// They are copies that come in by other uplinks.
    Standby,
    /// Their vNIC sends more broadcast and multicast than it may (`storm_limit`).
    StormLimit,
    /// They are copies for a tap beyond its `rate_limit`; the frames themselves pass.
    RateLimit,
    /// They were not shown to the controller, for too many were (`packet_in_rate`); the frames
    /// themselves pass.
    PacketInRate,
}
