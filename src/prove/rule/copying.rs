//! What is copied to a tap, and what a copy looks like.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use super::header::{DST, Header, SRC};
use super::site::{Side, Site};
use crate::topology::{
    CopyScope, CopyTag, Copying, Protocol, RateLimit, Remote, SkipRule, Tunnel, Vlan,
};

/// What a copy looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// VLAN ids in front of the payload, outermost first; untagged is none.
    pub(crate) tags: [Vlan; 2],
    /// One in so many conversations is copied, whichever.
    pub(crate) sampling: Option<NonZeroU16>,
    /// How much is copied at the most.
    pub(crate) limit: Option<RateLimit>,
}

impl Look {
    /// A frame as it is between the bridges.
    pub(crate) fn whole(vlan: Vlan) -> Self {
        Self {
            tags: [Vlan::UNTAGGED, vlan],
            sampling: None,
            limit: None,
        }
    }
}

/// TCP, UDP, SCTP.
const WITH_PORTS: [u8; 3] = [6, 17, 132];

/// What the copy of a frame of `vlan` looks like; `None` where there is none.
pub(super) fn look(
    site: &Site<'_>,
    copying: &Copying,
    vlan: Vlan,
    enters_by: Side,
    header: &mut Header<'_>,
) -> Option<Look> {
    let skips = |header: &mut Header<'_>| copying.skip.iter().any(|rule| applies(rule, header));
    if !copying.skip.is_empty() && header.carries(&copying.skip, skips) {
        return None;
    }
    if copying.scope == CopyScope::EastWest {
        let of_vms = site.of_vms.get(&vlan)?;
        header.find(SRC, of_vms)?;
        if !header.is_multicast(DST) {
            header.find(DST, of_vms)?;
        }
    }
    let (outer, inner) = match (copying.tag, enters_by) {
        (CopyTag::Keep, _) => (Vlan::UNTAGGED, vlan),
        (CopyTag::Strip, _) => (Vlan::UNTAGGED, Vlan::UNTAGGED),
        (CopyTag::Outer { to_uplink, .. }, Side::Ingress) => (to_uplink, vlan),
        (CopyTag::Outer { to_guests, .. }, Side::Egress) => (to_guests, vlan),
    };
    Some(Look {
        tags: [outer, inner],
        sampling: copying.sampling,
        limit: copying.rate_limit,
    })
}

/// A packet of 1500 bytes has so much room for a frame.
pub(super) fn fitting(remote: &Remote) -> u16 {
    match (remote.ip, remote.tunnel) {
        (IpAddr::V4(_), Tunnel::Vxlan { .. } | Tunnel::Erspan { .. }) => 1464,
        (IpAddr::V4(_), Tunnel::Gre { key: None }) => 1476,
        (IpAddr::V4(_), Tunnel::Gre { key: Some(_) }) => 1472,
        (IpAddr::V6(_), Tunnel::Vxlan { .. } | Tunnel::Erspan { .. }) => 1444,
        (IpAddr::V6(_), Tunnel::Gre { key: None }) => 1456,
        (IpAddr::V6(_), Tunnel::Gre { key: Some(_) }) => 1452,
    }
}

/// Whether a rule keeps a frame from being copied.
fn applies(rule: &SkipRule, header: &mut Header<'_>) -> bool {
    let is_ip = |header: &mut Header<'_>| header.is_ipv4() || header.is_ipv6();
    match rule.protocol {
        Some(Protocol::Arp) => {
            return rule.ports.is_empty() && rule.prefixes.is_empty() && header.is_arp();
        }
        Some(Protocol::Ip(number)) => {
            if !is_ip(header) || !header.is_protocol(number) {
                return false;
            }
        }
        None => {
            if *rule == SkipRule::default() {
                return true;
            }
            if !is_ip(header) {
                return false;
            }
        }
    }
    has_a_port(&rule.ports, header) && has_an_address(rule, header)
}

/// Whether the source or the destination port is one of these, if there are any.
fn has_a_port(ports: &[RangeInclusive<u16>], header: &mut Header<'_>) -> bool {
    if ports.is_empty() {
        return true;
    }
    let mut with_ports = WITH_PORTS.into_iter();
    let Some(protocol) = with_ports.find(|protocol| header.is_protocol(*protocol)) else {
        return false;
    };
    let mut blocks = ports.iter().flat_map(|range| blocks(range.clone()));
    blocks.any(|block| header.has_port(protocol, block))
}

/// Whether the source or the destination address begins with one of the prefixes, if there are any.
fn has_an_address(rule: &SkipRule, header: &mut Header<'_>) -> bool {
    rule.prefixes.is_empty()
        || rule.prefixes.iter().any(|prefix| {
            let (address, bits) = match prefix.address {
                IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
                IpAddr::V6(ip) => (ip.to_bits(), 128),
            };
            let all = u128::MAX >> (128 - bits);
            let rest = u32::from(bits as u8 - prefix.length.min(bits as u8));
            let mask = all & all.checked_shl(rest).unwrap_or(0);
            header.has_address(prefix.address.is_ipv4(), (address & mask, mask))
        })
}

/// The ports of a range as values with masks.
fn blocks(range: RangeInclusive<u16>) -> Vec<(u128, u128)> {
    let (mut from, to) = (u32::from(*range.start()), u32::from(*range.end()));
    let mut blocks = Vec::new();
    while from <= to {
        let mut size = match from {
            0 => 0x1_0000,
            from => from & from.wrapping_neg(),
        };
        while from + size - 1 > to {
            size /= 2;
        }
        blocks.push((from.into(), u128::from(0xffff & !(size - 1))));
        from += size;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_the_ports_of_a_range() {
        for range in [443..=443, 0..=65535, 1..=65534, 8000..=8010] {
            let blocks = blocks(range.clone());
            for port in 0..=u16::MAX {
                let number = u128::from(port);
                let count = blocks
                    .iter()
                    .filter(|(value, mask)| number & mask == *value);
                assert_eq!(count.count(), usize::from(range.contains(&port)), "{port}");
            }
        }
    }
}
