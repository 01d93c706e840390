//! What follows the Ethernet header, as far as flows look at it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use openflow::OxmField;

use crate::protocols::ethertype::{ARP, IPV4, IPV6};
use crate::protocols::ip;

/// The headers behind the Ethernet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Headers {
    /// ARP for IPv4 (RFC 826).
    Arp {
        /// 1 is a request, 2 a reply.
        operation: u16,
        /// The address of the one who sends it.
        sender: Ipv4Addr,
        /// The address that it is about.
        target: Ipv4Addr,
    },
    /// IPv4 or IPv6, and what it carries.
    Ip {
        /// Source.
        src: IpAddr,
        /// Destination, of the same version.
        dst: IpAddr,
        /// The protocol number.
        protocol: u8,
        /// Source and destination port of TCP, UDP and SCTP; type and code of ICMP and ICMPv6;
        /// otherwise without meaning.
        ports: [u16; 2],
    },
}

impl Headers {
    /// IP protocol number of ICMP.
    pub const ICMP: u8 = ip::ICMP;
    /// IP protocol number of TCP.
    pub const TCP: u8 = ip::TCP;
    /// IP protocol number of UDP.
    pub const UDP: u8 = ip::UDP;
    /// IP protocol number of ICMPv6.
    pub const ICMPV6: u8 = ip::ICMPV6;
    /// IP protocol number of SCTP.
    pub const SCTP: u8 = ip::SCTP;

    /// The EtherType that says what they are.
    pub fn ethertype(&self) -> u16 {
        match self {
            Self::Arp { .. } => ARP,
            Self::Ip {
                src: IpAddr::V4(_), ..
            } => IPV4,
            Self::Ip {
                src: IpAddr::V6(_), ..
            } => IPV6,
        }
    }

    /// Those of an answer.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Arp {
                operation,
                sender,
                target,
            } => Self::Arp {
                operation,
                sender: target,
                target: sender,
            },
            Self::Ip {
                src,
                dst,
                protocol,
                ports,
            } => Self::Ip {
                src: dst,
                dst: src,
                protocol,
                ports: match protocol {
                    Self::TCP | Self::UDP | Self::SCTP => [ports[1], ports[0]],
                    _ => ports,
                },
            },
        }
    }

    /// A number that the frames of a conversation have in common, in both directions
    /// (`symmetric_l3l4+udp`). What is not IP has none of its own.
    pub(super) fn conversation(&self) -> u32 {
        let Self::Ip {
            src,
            dst,
            protocol,
            ports,
        } = self
        else {
            return 0;
        };
        let number = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) => ip.to_bits().into(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let addresses = number(src) ^ number(dst);
        let ports = match *protocol {
            Self::TCP | Self::UDP | Self::SCTP => ports[0] ^ ports[1],
            _ => 0,
        };
        let mut hash = u32::from(*protocol) << 16 | u32::from(ports);
        for shift in [0, 32, 64, 96] {
            hash = hash.rotate_left(5).wrapping_mul(0x9e37_79b1) ^ (addresses >> shift) as u32;
        }
        hash
    }

    /// The value of a field; `None` where there is no such field in these headers.
    pub(super) fn read(&self, field: OxmField) -> Option<u128> {
        match *self {
            Self::Arp {
                operation,
                sender,
                target,
            } => match field {
                OxmField::ArpOp => Some(operation.into()),
                OxmField::ArpSpa => Some(sender.to_bits().into()),
                OxmField::ArpTpa => Some(target.to_bits().into()),
                _ => None,
            },
            Self::Ip {
                src,
                dst,
                protocol,
                ports: [first, second],
            } => {
                match (field, src, dst) {
                    (OxmField::IpProto, ..) => Some(protocol.into()),
                    (OxmField::Ipv4Src, IpAddr::V4(ip), _)
                    | (OxmField::Ipv4Dst, _, IpAddr::V4(ip)) => Some(ip.to_bits().into()),
                    (OxmField::Ipv6Src, IpAddr::V6(ip), _)
                    | (OxmField::Ipv6Dst, _, IpAddr::V6(ip)) => Some(ip.to_bits()),
                    _ => match (field, protocol) {
                        (OxmField::TcpSrc, Self::TCP)
                        | (OxmField::UdpSrc, Self::UDP)
                        | (OxmField::SctpSrc, Self::SCTP)
                        | (OxmField::Icmpv4Type, Self::ICMP)
                        | (OxmField::Icmpv6Type, Self::ICMPV6) => Some(first.into()),
                        (OxmField::TcpDst, Self::TCP)
                        | (OxmField::UdpDst, Self::UDP)
                        | (OxmField::SctpDst, Self::SCTP) => Some(second.into()),
                        _ => None,
                    },
                }
            }
        }
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arp {
                operation,
                sender,
                target,
            } => write!(f, "ARP {operation} from {sender} for {target}"),
            Self::Ip {
                src,
                dst,
                protocol,
                ports: [first, second],
            } => write!(
                f,
                "{src} to {dst}, protocol {protocol}, {first} to {second}"
            ),
        }
    }
}
