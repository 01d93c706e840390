//! The rule of what is copied to a tap, and what a copy looks like.

pub(crate) mod scenario;

use std::net::IpAddr;

use bridgechain::simulate::{Frame, Headers};
use bridgechain::topology::{
    CopyScope, CopyTag, Copying, Prefix, Protocol, Remote, SkipRule, TapInstance, Tunnel, Vlan,
};

use crate::world::{Look, Station, World};

/// IP protocol number.
const GRE: u8 = 47;

/// A frame on its way along a chain.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) vlan: Vlan,
    pub(crate) frame: &'a Frame,
    /// VLAN ids behind the tag of its network.
    pub(crate) payload: &'a [u16],
    pub(crate) is_from_guest: bool,
    /// Whether a tap that does not get every conversation gets this one.
    pub(crate) is_sampled: &'a dyn Fn(&str) -> bool,
}

/// What the copy for an instance of the tap `name` looks like, if there is one.
pub(crate) fn look(
    world: &World,
    copying: &Copying,
    instance: &TapInstance,
    name: &str,
    way: &Way<'_>,
) -> Option<Look> {
    let is_skipped = copying.skip.iter().any(|rule| applies(rule, way));
    let is_in_scope = match copying.scope {
        CopyScope::All => true,
        CopyScope::EastWest => {
            let of_vm = |mac| world.host.vm_macs.contains(&(way.vlan, mac));
            of_vm(way.frame.src) && (way.frame.dst.is_multicast() || of_vm(way.frame.dst))
        }
    };
    if is_skipped || !is_in_scope || copying.sampling.is_some() && !(way.is_sampled)(name) {
        return None;
    }
    let mut vids = Vec::new();
    if let CopyTag::Outer {
        to_uplink,
        to_guests,
    } = copying.tag
    {
        vids.push(
            if way.is_from_guest {
                to_uplink
            } else {
                to_guests
            }
            .id(),
        );
    }
    if way.vlan.is_tagged() && copying.tag != CopyTag::Strip {
        vids.push(way.vlan.id());
    }
    vids.extend(way.payload);
    let length = copying
        .snap_length
        .or(instance.remote.as_ref().map(fitting))
        .map(u32::from);
    Some(Look { vids, length })
}

/// A packet of 1500 bytes has so much room for a frame.
fn fitting(remote: &Remote) -> u16 {
    match (remote.ip, remote.tunnel) {
        (IpAddr::V4(_), Tunnel::Vxlan { .. } | Tunnel::Erspan { .. }) => 1464,
        (IpAddr::V4(_), Tunnel::Gre { key: None }) => 1476,
        (IpAddr::V4(_), Tunnel::Gre { key: Some(_) }) => 1472,
        (IpAddr::V6(_), Tunnel::Vxlan { .. } | Tunnel::Erspan { .. }) => 1444,
        (IpAddr::V6(_), Tunnel::Gre { key: None }) => 1456,
        (IpAddr::V6(_), Tunnel::Gre { key: Some(_) }) => 1452,
    }
}

/// Whether it is the host itself that sends a copy to a remote sink.
pub(crate) fn carries(world: &World, from: &Station, frame: &Frame) -> bool {
    let Some(Headers::Ip {
        dst,
        protocol,
        ports: [_, port],
        ..
    }) = frame.headers
    else {
        return false;
    };
    let carries = |remote: &Remote| {
        remote.ip == dst
            && match remote.tunnel {
                Tunnel::Vxlan { .. } => protocol == Headers::UDP && port == 4789,
                Tunnel::Gre { .. } | Tunnel::Erspan { .. } => protocol == GRE,
            }
    };
    *from == Station::HostItself && world.host.remotes().any(|(_, remote)| carries(remote))
}

/// Whether the host itself may be asking for the way to a remote sink.
pub(crate) fn asks(world: &World, from: &Station, frame: &Frame) -> bool {
    let asks = |remote: &Remote| match frame.headers {
        Some(Headers::Arp { operation, .. }) => remote.ip.is_ipv4() && operation == 1,
        Some(Headers::Ip {
            dst,
            protocol,
            ports: [kind, _],
            ..
        }) => {
            let is_solicitation = protocol == Headers::ICMPV6 && kind == 135;
            remote.ip.is_ipv6() && dst.is_ipv6() && is_solicitation
        }
        None => false,
    };
    *from == Station::HostItself && world.host.remotes().any(|(_, remote)| asks(remote))
}

/// Whether a rule keeps a frame from being copied.
fn applies(rule: &SkipRule, way: &Way<'_>) -> bool {
    // Nobody looks behind a second tag.
    let headers = way.frame.headers.filter(|_| way.payload.is_empty());
    match headers {
        None => false,
        Some(Headers::Arp { .. }) => {
            rule.protocol == Some(Protocol::Arp)
                && rule.ports.is_empty()
                && rule.prefixes.is_empty()
        }
        Some(Headers::Ip {
            src,
            dst,
            protocol,
            ports,
        }) => {
            let has_ports = [Headers::TCP, Headers::UDP, Headers::SCTP].contains(&protocol);
            let one_of_the_ports = has_ports
                && ports
                    .iter()
                    .any(|port| rule.ports.iter().any(|range| range.contains(port)));
            let one_of_the_addresses = [src, dst]
                .into_iter()
                .any(|ip| rule.prefixes.iter().any(|prefix| contains(prefix, ip)));
            rule.protocol
                .is_none_or(|wanted| wanted == Protocol::Ip(protocol))
                && (rule.ports.is_empty() || one_of_the_ports)
                && (rule.prefixes.is_empty() || one_of_the_addresses)
        }
    }
}

fn contains(prefix: &Prefix, ip: IpAddr) -> bool {
    let begins_alike = |one: &[u8], other: &[u8]| {
        (0..usize::from(prefix.length))
            .all(|bit| (one[bit / 8] ^ other[bit / 8]) & (0x80 >> (bit % 8)) == 0)
    };
    match (prefix.address, ip) {
        (IpAddr::V4(one), IpAddr::V4(other)) => begins_alike(&one.octets(), &other.octets()),
        (IpAddr::V6(one), IpAddr::V6(other)) => begins_alike(&one.octets(), &other.octets()),
        _ => false,
    }
}
