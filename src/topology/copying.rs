//! Taps: where copies go, which frames are copied, and what a copy looks like.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use super::Vlan;

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
        MTU - self.overhead()
    }

    /// How many bytes of a packet come before the copy in it.
    pub fn overhead(&self) -> u16 {
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
        ip + tunnel
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
