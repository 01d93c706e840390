//! Learned MAC addresses.

use openflow::{MacAddr, PortNo};

use crate::topology::{Role, Vlan};

/// A MAC address that was learned, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnedMac {
    /// The network it was seen in.
    pub vlan: Vlan,
    /// The address.
    pub mac: MacAddr,
    /// Where its frames enter the host.
    pub at: Location,
}

/// A port of one of a host's bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Which bridge.
    pub role: Role,
    /// Which port of it.
    pub port: PortNo,
}
