//! Frames that came through a tunnel: VXLAN (RFC 7348), GRE (RFC 2784 and 2890), or ERSPAN type II
//! (draft-foschiano-erspan-03).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, bail, ensure};

use crate::frame::{Frame, take};

/// EtherTypes.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// IP protocols.
const UDP: u8 = 17;
const GRE: u8 = 47;
/// The UDP port of VXLAN.
const VXLAN_PORT: u16 = 4789;
/// Protocol types of GRE: a whole Ethernet frame, and ERSPAN type II.
const ETHERNET: u16 = 0x6558;
const ERSPAN: u16 = 0x88be;

/// A packet of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encapsulated {
    /// Where the tunnel begins.
    pub from: IpAddr,
    /// Where it ends.
    pub to: IpAddr,
    /// The header of the tunnel.
    pub header: Header,
    /// The bytes of the frame that it carries.
    pub frame: Vec<u8>,
}

/// What the header of a tunnel says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The VXLAN network identifier.
    Vxlan {
        /// 24 bits.
        vni: u32,
    },
    /// The key of a GRE tunnel, if it has one.
    Gre {
        /// 32 bits.
        key: Option<u32>,
    },
    /// A mirroring session.
    Erspan {
        /// 10 bits.
        session: u16,
        /// 20 bits.
        index: u32,
    },
}

/// Takes a frame out of the tunnel packet that another frame carries; `None` where that carries
/// something else.
///
/// # Errors
///
/// It is a packet of a tunnel, but not a good one.
pub fn decapsulate(outer: &Frame) -> Result<Option<Encapsulated>> {
    let (from, to, protocol, packet) = match outer.ethertype {
        IPV4 => ipv4(&outer.payload)?,
        IPV6 => ipv6(&outer.payload)?,
        _ => return Ok(None),
    };
    let found = match protocol {
        UDP => vxlan(packet)?,
        GRE => Some(gre(packet)?),
        _ => None,
    };
    Ok(found.map(|(header, frame)| Encapsulated {
        from,
        to,
        header,
        frame: frame.to_vec(),
    }))
}

/// Addresses, protocol, and what the packet carries, without padding.
type Ip<'a> = (IpAddr, IpAddr, u8, &'a [u8]);

fn ipv4(mut bytes: &[u8]) -> Result<Ip<'_>> {
    let whole = bytes;
    let [version, _tos, high, low, ..] = take::<12>(&mut bytes)?;
    let (from, to) = (
        Ipv4Addr::from(take(&mut bytes)?),
        Ipv4Addr::from(take(&mut bytes)?),
    );
    ensure!(
        version == 0x45,
        "an IPv4 header of another form: {version:#x}"
    );
    let sum: u32 = whole[..20]
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    ensure!(
        sum.is_multiple_of(0xffff),
        "the checksum of the IPv4 header is wrong"
    );
    let length = usize::from(u16::from_be_bytes([high, low]));
    ensure!(length <= whole.len(), "the packet is cut off");
    Ok((from.into(), to.into(), whole[9], &whole[20..length]))
}

fn ipv6(mut bytes: &[u8]) -> Result<Ip<'_>> {
    let [_, _, _, _, high, low, protocol, _hops] = take(&mut bytes)?;
    let (from, to) = (
        Ipv6Addr::from(take::<16>(&mut bytes)?),
        Ipv6Addr::from(take::<16>(&mut bytes)?),
    );
    let length = usize::from(u16::from_be_bytes([high, low]));
    ensure!(length <= bytes.len(), "the packet is cut off");
    Ok((from.into(), to.into(), protocol, &bytes[..length]))
}

/// `None` for other ports.
fn vxlan(mut bytes: &[u8]) -> Result<Option<(Header, &[u8])>> {
    let whole = bytes.len();
    let [_, _, port_high, port_low, high, low, _, _] = take(&mut bytes)?;
    if u16::from_be_bytes([port_high, port_low]) != VXLAN_PORT {
        return Ok(None);
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    ensure!(
        length == whole,
        "a UDP length of {length} instead of {whole}"
    );
    let [flags, _, _, _, a, b, c, _] = take(&mut bytes)?;
    ensure!(
        flags == 0x08,
        "VXLAN flags {flags:#x}: the VNI is not valid"
    );
    let vni = u32::from_be_bytes([0, a, b, c]);
    Ok(Some((Header::Vxlan { vni }, bytes)))
}

fn gre(mut bytes: &[u8]) -> Result<(Header, &[u8])> {
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    let flags = u16::from_be_bytes(take(&mut bytes)?);
    let kind = u16::from_be_bytes(take(&mut bytes)?);
    ensure!(flags & !(KEY | SEQUENCE) == 0, "GRE flags {flags:#x}");
    let mut word = |flag| match flags & flag {
        0 => Ok(None),
        _ => take(&mut bytes).map(|word| Some(u32::from_be_bytes(word))),
    };
    let (key, sequence) = (word(KEY)?, word(SEQUENCE)?);
    match kind {
        ETHERNET => Ok((Header::Gre { key }, bytes)),
        ERSPAN => {
            ensure!(sequence.is_some(), "ERSPAN type II has sequence numbers");
            let first = u32::from_be_bytes(take(&mut bytes)?);
            let second = u32::from_be_bytes(take(&mut bytes)?);
            ensure!(first >> 28 == 1, "ERSPAN version {}", first >> 28);
            let header = Header::Erspan {
                session: (first & 0x3ff) as u16,
                index: second & 0xf_ffff,
            };
            Ok((header, bytes))
        }
        kind => bail!("GRE carries {kind:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of 60 bytes.
    fn inner() -> Vec<u8> {
        (0..60).collect()
    }

    fn outer(head: &[u8]) -> Frame {
        let bytes = [head, &inner()].concat();
        Frame::decode(&bytes).expect("a frame")
    }

    fn headers(outer: &Frame) -> (IpAddr, IpAddr, Header) {
        let found = decapsulate(outer)
            .expect("a good packet")
            .expect("a tunnel");
        assert_eq!(found.frame, inner());
        (found.from, found.to, found.header)
    }

    /// Sent by Open vSwitch 3.1.0 and captured with `tcpdump -XX`; key, session, index and the
    /// length of the frame are others, and the checksum with it.
    const VXLAN: [u8; 50] = [
        0xd6, 0xfe, 0xd9, 0xa7, 0x6a, 0xb9, 0x02, 0x00, 0x00, 0x00, 0x00, 0x99, 0x08,
        0x00, // Ethernet
        0x45, 0x00, 0x00, 0x60, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0x82, // IPv4: UDP
        192, 0, 2, 1, 192, 0, 2, 9, // from and to
        0x83, 0xbb, 0x12, 0xb5, 0x00, 0x4c, 0x00, 0x00, // UDP: port 4789
        0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4d, 0x00, // VXLAN: VNI 77
    ];
    const GRE_WITH_KEY: [u8; 42] = [
        0xd6, 0xfe, 0xd9, 0xa7, 0x6a, 0xb9, 0x02, 0x00, 0x00, 0x00, 0x00, 0x99, 0x08,
        0x00, // Ethernet
        0x45, 0x00, 0x00, 0x58, 0x00, 0x00, 0x40, 0x00, 0x40, 0x2f, 0xb6, 0x6c, // IPv4: GRE
        192, 0, 2, 1, 192, 0, 2, 9, // from and to
        0x20, 0x00, 0x65, 0x58, 0x00, 0x00, 0x00, 0x05, // GRE: key 5, Ethernet
    ];
    const ERSPAN_II: [u8; 50] = [
        0xd6, 0xfe, 0xd9, 0xa7, 0x6a, 0xb9, 0x02, 0x00, 0x00, 0x00, 0x00, 0x99, 0x08,
        0x00, // Ethernet
        0x45, 0x00, 0x00, 0x60, 0x00, 0x00, 0x40, 0x00, 0x40, 0x2f, 0xb6, 0x64, // IPv4: GRE
        192, 0, 2, 1, 192, 0, 2, 9, // from and to
        0x10, 0x00, 0x88, 0xbe, 0x00, 0x00, 0x00, 0x01, // GRE: sequence number 1, ERSPAN
        0x10, 0x00, 0x00, 0x07, 0x00, 0x01, 0x23, 0x45, // version 1, session 7, index 0x12345
    ];

    #[test]
    fn headers_match_the_wire_layout() {
        let ends = ("192.0.2.1".parse().unwrap(), "192.0.2.9".parse().unwrap());
        let of = |header| (ends.0, ends.1, header);
        assert_eq!(headers(&outer(&VXLAN)), of(Header::Vxlan { vni: 77 }));
        assert_eq!(
            headers(&outer(&GRE_WITH_KEY)),
            of(Header::Gre { key: Some(5) })
        );
        let session = Header::Erspan {
            session: 7,
            index: 0x12345,
        };
        assert_eq!(headers(&outer(&ERSPAN_II)), of(session));
    }

    #[test]
    fn a_packet_that_is_cut_off_or_altered_is_an_error() {
        for head in [&VXLAN[..], &GRE_WITH_KEY, &ERSPAN_II] {
            let bytes = [head, &inner()].concat();
            for length in 14..bytes.len() {
                let frame = Frame::decode(&bytes[..length]).expect("an Ethernet header");
                assert!(decapsulate(&frame).is_err(), "{length} bytes of {head:?}");
            }
            let mut altered = outer(head);
            altered.payload[8] ^= 1;
            assert!(decapsulate(&altered).is_err(), "with another TTL: {head:?}");
        }
    }

    #[test]
    fn other_frames_carry_nothing() {
        let mut other_port = VXLAN;
        other_port[37] ^= 1;
        assert_eq!(decapsulate(&outer(&other_port)).unwrap(), None);
        let arp = Frame {
            ethertype: 0x0806,
            ..outer(&VXLAN)
        };
        assert_eq!(decapsulate(&arp).unwrap(), None);
    }
}
