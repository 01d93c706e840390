//! Choosing among members and links by a hash (`NXAST_BUNDLE`, `NXAST_MULTIPATH`).
//!
//! Which one a hash leads to is up to the switch. What holds for every switch is simulated: frames
//! with equal fields have one choice, and highest random weight moves only what it has to.

use openflow::{Bundle, HashFields, LinkAlgorithm, MemberAlgorithm, Multipath, PortNo};

use super::packet::Packet;

/// The member that `bundle` chooses for a packet, [`PortNo::ANY`] as 16 bits where none is live;
/// `None` where it chooses in a way that is not simulated.
pub(super) fn member(
    bundle: &Bundle,
    packet: &Packet,
    is_live: impl Fn(PortNo) -> bool,
) -> Option<PortNo> {
    const NONE: PortNo = PortNo(0xffff);
    if bundle.member_kind != Bundle::PORTS {
        return None;
    }
    // What is no port at all counts as live on Open vSwitch (`member_enabled_cb`).
    let is_live = |port: PortNo| port == PortNo::ANY || is_live(port);
    let mut live = (0..)
        .zip(
            bundle
                .members
                .iter()
                .map(|&port| PortNo::from_16_bits(port)),
        )
        .filter(|(_, port)| is_live(*port));
    let chosen = match bundle.algorithm {
        MemberAlgorithm::ActiveBackup => live.next(),
        MemberAlgorithm::Hrw => {
            let hash = hash(bundle.fields, bundle.basis, packet)?;
            live.max_by_key(|(position, _)| mix(hash, *position))
        }
        _ => return None,
    };
    Some(chosen.map_or(NONE, |(_, port)| port))
}

/// The number of the link that `multipath` chooses for a packet; `None` where it chooses in a way
/// that is not simulated.
pub(super) fn link(multipath: &Multipath, packet: &Packet) -> Option<u32> {
    if multipath.algorithm != LinkAlgorithm::ModuloN {
        return None;
    }
    let hash = hash(multipath.fields, multipath.basis, packet)?;
    Some(hash % (u32::from(multipath.max_link) + 1))
}

fn hash(fields: HashFields, basis: u16, packet: &Packet) -> Option<u32> {
    let value = match fields {
        HashFields::SymmetricL3L4Udp => packet.flow_hash(),
        HashFields::EthSrc => {
            let [a, b, c, d, e, f] = packet.source().0;
            mix(
                u32::from_be_bytes([c, d, e, f]),
                u32::from_be_bytes([0, 0, a, b]),
            )
        }
        _ => return None,
    };
    Some(mix(value, basis.into()))
}

/// Two numbers as one that looks random (the finalizer of MurmurHash3).
fn mix(one: u32, other: u32) -> u32 {
    let mut hash = one ^ other.wrapping_add(1).wrapping_mul(0x9e37_79b9);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
