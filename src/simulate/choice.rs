//! Choosing among members and links by a hash (`NXAST_BUNDLE`, `NXAST_MULTIPATH`).
//!
//! What holds for every switch is simulated: frames with equal fields have one choice, and highest
//! random weight moves only what it has to. Which one a hash over the source address leads to is
//! up to the switch: simulated is Open vSwitch as Debian builds it for x86-64, others (those that use
//! the CRC instructions of a processor) choose otherwise. A hash over more than that is of a number
//! that [stands](super::Frame::flow_hash) for the fields.

use openflow::{Bundle, HashFields, LinkAlgorithm, MacAddr, MemberAlgorithm, Multipath, PortNo};

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
            // No two positions come out alike.
            live.max_by_key(|(position, _)| mix(*position, hash))
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
    match fields {
        HashFields::SymmetricL3L4Udp => Some(mix(packet.flow_hash(), basis.into())),
        HashFields::EthSrc => Some(of_address(packet.source(), basis.into())),
        _ => None,
    }
}

/// The hash of an address: Bob Jenkins's lookup3 over its six bytes.
fn of_address(MacAddr([a, b, c, d, e, f]): MacAddr, basis: u32) -> u32 {
    const LENGTH: u32 = 6;
    let start = 0xdead_beef_u32.wrapping_add(LENGTH).wrapping_add(basis);
    let [mut x, mut y, mut z] = [
        start.wrapping_add(u32::from_le_bytes([a, b, c, d])),
        start.wrapping_add(u32::from_le_bytes([e, f, 0, 0])),
        start,
    ];
    let stir = |into: &mut u32, from: u32, bits| {
        *into = (*into ^ from).wrapping_sub(from.rotate_left(bits));
    };
    stir(&mut z, y, 14);
    stir(&mut x, z, 11);
    stir(&mut y, x, 25);
    stir(&mut z, y, 16);
    stir(&mut x, z, 4);
    stir(&mut y, x, 14);
    stir(&mut z, y, 24);
    z
}

/// Two numbers as one that looks random (MurmurHash3, seeded with the first).
fn mix(one: u32, other: u32) -> u32 {
    const LENGTH: u32 = 8;
    let mut hash = one;
    for word in [0, other] {
        let word: u32 = word.wrapping_mul(0xcc9e_2d51).rotate_left(15);
        hash ^= word.wrapping_mul(0x1b87_3593);
        hash = hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    hash ^= LENGTH;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights by which a stock Open vSwitch 3.1 chooses, as its `ofproto/trace` shows.
    #[test]
    fn addresses_have_the_weights_that_open_vswitch_gives_them() {
        for (address, weights) in [
            (
                0x5254_0000_0004_u64,
                [1_031_384_628, 137_139_672, 2_502_442_211],
            ),
            (
                0x5254_0000_0001,
                [2_232_565_946, 2_140_306_513, 3_333_364_564],
            ),
            (
                0x0200_0000_0100,
                [2_928_753_804, 3_511_244_617, 2_035_228_951],
            ),
        ] {
            let hash = of_address(MacAddr::from_u64(address), 0);
            assert_eq!([0, 1, 2].map(|position| mix(position, hash)), weights);
        }
    }
}
