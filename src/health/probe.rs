//! The frame that a health check sends: an ICMP echo request between two link-local addresses.
//!
//! ```text
//!  Ethernet: untagged, between two addresses that only probes have
//!  IPv4:     169.254.98.99 to 169.254.98.104, or back
//!  ICMP:     echo request
//!  payload:  "bc-probe" (8) | path (1) | sequence number (8) | authentication code (8)
//! ```
//!
//! Next to every filter lets it pass. Nobody can make one up, nor pass one off as another: the code
//! covers all of it under a key that no other run of the controller has.

use std::hash::{BuildHasher, RandomState};
use std::mem;

use bytes::Bytes;
use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};

/// The addresses of probes: locally administered, and alike but for the lowest bit.
pub(crate) const MAC: u64 = 0x0262_6368_0000;
/// The bits in which both addresses agree.
pub(crate) const MAC_MASK: u64 = 0xffff_ffff_fffe;
/// More than a probe is long, whatever tag it comes back with.
pub(crate) const MAX_LEN: u16 = 128;

const MAGIC: [u8; 8] = *b"bc-probe";
const ADDRESSES: [[u8; 4]; 2] = [[169, 254, 98, 99], [169, 254, 98, 104]];
const TIME_TO_LIVE: u8 = 64;
/// Identifier of all echo requests: "bc".
const IDENTIFIER: u16 = 0x6263;

/// The way of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Path {
    /// In at the ingress leg, out of the egress leg.
    Right = 1,
    /// In at the egress leg, out of the ingress leg.
    Left = 2,
    /// Not through the function: from the controller through the tables and back. It tells that the
    /// switch and the connection to it do their part.
    Switch = 3,
}

impl Path {
    pub(super) const ALL: [Self; 3] = [Self::Right, Self::Left, Self::Switch];
}

/// What makes the probes of this run of the controller its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Key(RandomState);

impl Key {
    /// The probe of the instance with this ingress leg.
    pub(super) fn frame(&self, ingress: &str, path: Path, sequence: u64) -> Bytes {
        let (from, to) = match path {
            Path::Right => (0, 1),
            Path::Left | Path::Switch => (1, 0),
        };
        let mut payload = Vec::with_capacity(25);
        payload.extend(MAGIC);
        payload.push(path as u8);
        payload.extend(sequence.to_be_bytes());
        payload.extend(self.code(ingress, path, sequence).to_be_bytes());
        // The low bits count the probes for whoever watches.
        let [.., high, low] = sequence.to_be_bytes();
        let builder = PacketBuilder::ethernet2(mac(from), mac(to))
            .ipv4(ADDRESSES[from], ADDRESSES[to], TIME_TO_LIVE)
            .icmpv4_echo_request(IDENTIFIER, u16::from_be_bytes([high, low]));
        let mut frame = Vec::with_capacity(builder.size(payload.len()));
        // A vector takes all there is, and the lengths are within what the headers can say.
        match builder.write(&mut frame, &payload) {
            Ok(()) => frame.into(),
            Err(_) => Bytes::new(),
        }
    }

    /// The path and the sequence number of a frame, if it is a probe of this instance.
    pub(super) fn read(&self, ingress: &str, frame: &[u8]) -> Option<(Path, u64)> {
        let packet = SlicedPacket::from_ethernet(frame).ok()?;
        let Some(TransportSlice::Icmpv4(icmp)) = packet.transport else {
            return None;
        };
        let mut payload = icmp.payload().strip_prefix(&MAGIC)?;
        let [path] = take(&mut payload)?;
        let sequence = u64::from_be_bytes(take(&mut payload)?);
        let code = u64::from_be_bytes(take(&mut payload)?);
        let path = Path::ALL.into_iter().find(|known| *known as u8 == path)?;
        (code == self.code(ingress, path, sequence)).then_some((path, sequence))
    }

    fn code(&self, ingress: &str, path: Path, sequence: u64) -> u64 {
        self.0.hash_one((ingress, path, sequence))
    }
}

fn mac(end: usize) -> [u8; 6] {
    let [_, _, mac @ ..] = (MAC | end as u64).to_be_bytes();
    mac
}

/// Takes the next bytes of a fixed number.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = mem::take(bytes).split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_looks_as_drawn() {
        let key = Key::default();
        let frame = key.frame("ips-in", Path::Left, 0x0102_0304_0506_0708);
        let (head, code) = frame.split_at(frame.len() - 8);
        let expected = [
            0x02, 0x62, 0x63, 0x68, 0x00, 0x00, // destination
            0x02, 0x62, 0x63, 0x68, 0x00, 0x01, // source
            0x08, 0x00, // type: IPv4
            0x45, 0x00, 0x00, 0x35, 0x00, 0x00, 0x40, 0x00, 0x40, 0x01, 0x22,
            0x00, // to checksum
            169, 254, 98, 104, 169, 254, 98, 99, // addresses
            0x08, 0x00, // echo request
        ];
        assert_eq!(head[..expected.len()], expected);
        assert_eq!(head[38..42], [0x62, 0x63, 0x07, 0x08]); // identifier, number
        assert_eq!(head[42..50], *b"bc-probe");
        assert_eq!(head[50..], [2, 1, 2, 3, 4, 5, 6, 7, 8]);
        let code = u64::from_be_bytes(code.try_into().unwrap());
        assert_eq!(code, key.code("ips-in", Path::Left, 0x0102_0304_0506_0708));
        assert!(frame.len() + 8 < MAX_LEN.into());
    }

    #[test]
    fn a_probe_is_known_by_its_key_and_its_instance() {
        let key = Key::default();
        for path in Path::ALL {
            let mut frame = key.frame("ips-in", path, 7).to_vec();
            assert_eq!(key.read("ips-in", &frame), Some((path, 7)));
            assert_eq!(key.read("ips-in2", &frame), None);
            assert_eq!(Key::default().read("ips-in", &frame), None);
            // With a priority tag, and padded, as it may come back.
            let mut tagged = frame.clone();
            tagged.splice(12..12, [0x81, 0x00, 0xe0, 0x00]);
            tagged.resize(96, 0);
            assert_eq!(key.read("ips-in", &tagged), Some((path, 7)));
            for at in 42..frame.len() {
                frame[at] ^= 1;
                assert_eq!(key.read("ips-in", &frame), None, "byte {at}");
                frame[at] ^= 1;
            }
            for length in 0..frame.len() {
                assert_eq!(key.read("ips-in", &frame[..length]), None);
            }
        }
    }
}
