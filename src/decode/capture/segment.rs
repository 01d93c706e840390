//! From a captured packet to the TCP segment in it.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

/// What a TCP segment says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) src: SocketAddr,
    pub(super) dst: SocketAddr,
    pub(super) seq: u32,
    /// The acknowledgement number, where it has one.
    pub(super) ack: Option<u32>,
    pub(super) is_syn: bool,
    pub(super) payload: &'a [u8],
}

/// Packets of a link type whose headers are not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packets of link type {0} can not be read")]
pub(super) struct UnknownLink(pub(super) i32);

/// The TCP segment in a packet, if it has one. Fragments of IP have none.
///
/// Packets that were cut when they were captured are read as far as they go.
pub(super) fn parse(link: Linktype, packet: &[u8]) -> Result<Option<Segment<'_>>, UnknownLink> {
    let sliced = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(packet).ok(),
        Linktype::LINUX_SLL => behind_ethertype(packet, 14, 16),
        Linktype::LINUX_SLL2 => behind_ethertype(packet, 0, 20),
        // The address family before the packet says no more than the packet's first byte.
        Linktype::NULL | Linktype::LOOP => packet.get(4..).and_then(from_ip),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => from_ip(packet),
        Linktype(other) => return Err(UnknownLink(other)),
    };
    Ok(sliced.as_ref().and_then(tcp_of))
}

fn from_ip(packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    LaxSlicedPacket::from_ip(packet).ok()
}

/// A link header that has an ethertype and ends before `payload_at`.
fn behind_ethertype(
    packet: &[u8],
    ethertype_at: usize,
    payload_at: usize,
) -> Option<LaxSlicedPacket<'_>> {
    let ethertype = *packet.get(ethertype_at..)?.first_chunk()?;
    let payload = packet.get(payload_at..)?;
    let ethertype = EtherType(u16::from_be_bytes(ethertype));
    Some(LaxSlicedPacket::from_ether_type(ethertype, payload))
}

fn tcp_of<'a>(packet: &LaxSlicedPacket<'a>) -> Option<Segment<'a>> {
    let (src, dst): (IpAddr, IpAddr) = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Ipv6(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Arp(_) => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
        return None;
    };
    Some(Segment {
        src: SocketAddr::new(src, tcp.source_port()),
        dst: SocketAddr::new(dst, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        is_syn: tcp.syn(),
        payload: tcp.payload(),
    })
}
