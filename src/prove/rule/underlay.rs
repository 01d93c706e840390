//! What the host itself sends on behalf of its tunnels: copies on their way to remote sinks, and the
//! question where these are. Both stay out of the chains: a copy of a copy would be without end.

use std::net::IpAddr;

use super::header::Header;
use super::site::Site;
use super::{Occupant, Origin};
use crate::protocols::ip::{GRE, ICMPV6, UDP};
use crate::protocols::{ARP_REQUEST, NEIGHBOR_SOLICITATION, VXLAN_PORT};
use crate::topology::{Bridges, Remote, Tunnel};

/// What a frame is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// It is a frame like any other.
    None,
    /// It carries a copy.
    Carries,
    /// It may ask for the way to a sink.
    Asks,
}

/// What a frame is sent for.
pub(super) fn errand(site: &Site<'_>, origin: Origin, header: &mut Header<'_>) -> Errand {
    let is_from_host =
        matches!(origin, Origin::Outside(at) if site.occupant(at) == Occupant::HostItself);
    if !is_from_host || !matches!(site.host.bridges, Bridges::Chain(_)) {
        return Errand::None;
    }
    let remotes: Vec<&Remote> = site.host.remotes().map(|(_, remote)| remote).collect();
    if remotes.iter().any(|remote| carries(remote, header)) {
        Errand::Carries
    } else if remotes.iter().any(|remote| asks(remote, header)) {
        Errand::Asks
    } else {
        Errand::None
    }
}

fn carries(remote: &Remote, header: &mut Header<'_>) -> bool {
    header.is_to(remote.ip)
        && match remote.tunnel {
            Tunnel::Vxlan { .. } => header.is_protocol(UDP) && header.is_udp_to(VXLAN_PORT),
            Tunnel::Gre { .. } | Tunnel::Erspan { .. } => header.is_protocol(GRE),
        }
}

fn asks(remote: &Remote, header: &mut Header<'_>) -> bool {
    match remote.ip {
        IpAddr::V4(_) => header.is_arp() && header.is_arp_operation(ARP_REQUEST),
        IpAddr::V6(_) => {
            header.is_ipv6()
                && header.is_protocol(ICMPV6)
                && header.is_icmpv6(NEIGHBOR_SOLICITATION)
        }
    }
}
