//! Ethernet frames, as far as the lab looks into them.

use std::fmt;

use anyhow::{Result, bail};
use openflow::MacAddr;

/// A tag follows (802.1Q).
const TPID_8021Q: u16 = 0x8100;
/// A service tag follows (802.1ad).
const TPID_8021AD: u16 = 0x88a8;

/// The Ethernet type of frames that carry a [marker](Frame::marker): 802's "local experimental 1".
pub const PROBE: u16 = 0x88b5;
/// What the payload of such a frame begins with; the marker, 8 bytes in network order, follows.
const MAGIC: [u8; 8] = *b"bclab-01";
/// The shortest payload of an Ethernet frame.
const MIN_PAYLOAD: usize = 46;

/// A VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    /// 0x8100, or 0x88a8 for a service tag.
    pub tpid: u16,
    /// Priority (3 bits), drop eligible (1 bit), VLAN id (12 bits).
    pub tci: u16,
}

impl Tag {
    /// An 802.1Q tag of priority 0.
    pub fn vlan(vid: u16) -> Self {
        Self {
            tpid: TPID_8021Q,
            tci: vid,
        }
    }

    /// The VLAN id.
    pub fn vid(self) -> u16 {
        self.tci & 0x0fff
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.vid())
    }
}

/// An Ethernet frame without its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Destination.
    pub dst: MacAddr,
    /// Source.
    pub src: MacAddr,
    /// The VLAN tags, the outermost first.
    pub tags: Vec<Tag>,
    /// The Ethernet type behind the tags.
    pub ethertype: u16,
    /// Everything behind the Ethernet type, with its padding.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame that can be told from all others by its marker.
    pub fn probe(src: MacAddr, dst: MacAddr, tags: Vec<Tag>, marker: u64) -> Self {
        let mut payload = MAGIC.to_vec();
        payload.extend(marker.to_be_bytes());
        payload.resize(MIN_PAYLOAD, 0);
        Self {
            dst,
            src,
            tags,
            ethertype: PROBE,
            payload,
        }
    }

    /// The marker of a [probe](Self::probe); `None` for every other frame.
    pub fn marker(&self) -> Option<u64> {
        if self.ethertype != PROBE {
            return None;
        }
        let marker = self.payload.strip_prefix(&MAGIC)?.first_chunk()?;
        Some(u64::from_be_bytes(*marker))
    }

    /// The bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(14 + 4 * self.tags.len() + self.payload.len());
        bytes.extend(self.dst.0);
        bytes.extend(self.src.0);
        for tag in &self.tags {
            bytes.extend(tag.tpid.to_be_bytes());
            bytes.extend(tag.tci.to_be_bytes());
        }
        bytes.extend(self.ethertype.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads a frame from the bytes on the wire.
    ///
    /// # Errors
    ///
    /// The bytes end before the Ethernet type.
    pub fn decode(mut bytes: &[u8]) -> Result<Self> {
        let dst = MacAddr(take(&mut bytes)?);
        let src = MacAddr(take(&mut bytes)?);
        let mut tags = Vec::new();
        let ethertype = loop {
            let tpid = u16::from_be_bytes(take(&mut bytes)?);
            if tpid != TPID_8021Q && tpid != TPID_8021AD {
                break tpid;
            }
            tags.push(Tag {
                tpid,
                tci: u16::from_be_bytes(take(&mut bytes)?),
            });
        };
        Ok(Self {
            dst,
            src,
            tags,
            ethertype,
            payload: bytes.to_vec(),
        })
    }

    /// The VLAN ids as the lab's output shows them: `untagged`, `3000`, `3000.4` for two tags.
    pub fn tagging(&self) -> String {
        if self.tags.is_empty() {
            return "untagged".to_owned();
        }
        let vids: Vec<_> = self.tags.iter().map(Tag::to_string).collect();
        vids.join(".")
    }
}

/// Takes the next bytes of a fixed number.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let Some((head, rest)) = bytes.split_first_chunk() else {
        bail!("the frame ends within its header");
    };
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: [u8; 24] = [
        0x52, 0x54, 0x00, 0x00, 0x00, 0x0a, // destination
        0x52, 0x54, 0x00, 0x00, 0x00, 0x0b, // source
        0x88, 0xa8, 0x00, 0x05, // service tag: VLAN 5
        0x81, 0x00, 0x6b, 0xb8, // tag: priority 3, VLAN 3000
        0x08, 0x06, // type: ARP
        0x00, 0x01, // payload
    ];

    fn frame() -> Frame {
        Frame {
            dst: MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]),
            src: MacAddr([0x52, 0x54, 0, 0, 0, 0x0b]),
            tags: vec![
                Tag {
                    tpid: 0x88a8,
                    tci: 5,
                },
                Tag {
                    tpid: 0x8100,
                    tci: 0x6bb8,
                },
            ],
            ethertype: 0x0806,
            payload: vec![0, 1],
        }
    }

    #[test]
    fn frame_matches_the_wire_layout() {
        assert_eq!(frame().encode(), WIRE);
        assert_eq!(Frame::decode(&WIRE).unwrap(), frame());
        assert_eq!(frame().tagging(), "5.3000");
    }

    #[test]
    fn a_frame_cut_off_in_its_header_is_an_error() {
        for length in 0..WIRE.len() - 2 {
            assert!(Frame::decode(&WIRE[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn only_a_probe_has_a_marker() {
        let probe = Frame::probe(
            MacAddr([2; 6]),
            MacAddr::BROADCAST,
            vec![Tag::vlan(7)],
            0x0102_0304_0506_0708,
        );
        assert_eq!(probe.encode().len(), 14 + 4 + 46);
        assert_eq!(
            Frame::decode(&probe.encode()).unwrap().marker(),
            Some(0x0102_0304_0506_0708)
        );
        assert_eq!(frame().marker(), None);
        let foreign = Frame {
            payload: vec![0; MIN_PAYLOAD],
            ..probe
        };
        assert_eq!(foreign.marker(), None);
    }
}
