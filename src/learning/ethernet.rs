//! The start of an Ethernet frame, as far as learning needs it.

use openflow::MacAddr;

use crate::topology::Vlan;

/// Addresses and VLAN of a frame.
///
/// ```text
///  0            6            12      14      16
/// +------------+------------+-------+-------+------
/// | destination| source     | TPID  | TCI   | ...      with an 802.1Q tag
/// +------------+------------+-------+-------+------
/// | destination| source     | type  | ...              without one
/// +------------+------------+-------+--------------
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EthernetHeader {
    /// Where it goes.
    pub destination: MacAddr,
    /// Where it comes from.
    pub source: MacAddr,
    /// The VID of its outermost tag; VID 0 is a priority tag, which counts as none.
    pub vlan: Vlan,
}

/// Why there is nothing to be learned from a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header is not complete.
    #[error("{0} bytes are too short for an Ethernet header")]
    Truncated(usize),
    /// VID 4095 is reserved.
    #[error("VLAN {0} is reserved")]
    ReservedVlan(u16),
    /// A group can not send.
    #[error("the source address {0} is that of a group")]
    GroupSource(MacAddr),
}

impl EthernetHeader {
    /// Reads the header at the start of `frame`, which may be cut off anywhere behind it.
    pub fn parse(frame: &[u8]) -> Result<Self, FrameError> {
        let truncated = FrameError::Truncated(frame.len());
        let (destination, rest) = frame.split_first_chunk().ok_or(truncated)?;
        let (source, rest) = rest.split_first_chunk().ok_or(truncated)?;
        let (kind, rest) = rest.split_first_chunk().ok_or(truncated)?;
        let vlan = match u16::from_be_bytes(*kind) {
            // Open vSwitch takes either for the tag that a flow matches as `vlan_vid`.
            0x8100 | 0x88a8 => {
                let tci = u16::from_be_bytes(*rest.first_chunk().ok_or(truncated)?);
                let vid = tci & 0x0fff;
                Vlan::new(vid).ok_or(FrameError::ReservedVlan(vid))?
            }
            _ => Vlan::UNTAGGED,
        };
        let (destination, source) = (MacAddr(*destination), MacAddr(*source));
        if source.is_multicast() {
            return Err(FrameError::GroupSource(source));
        }
        Ok(Self {
            destination,
            source,
            vlan,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGGED: [u8; 18] = [
        0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb, // destination
        0x52, 0x54, 0x00, 0x00, 0x00, 0x0a, // source
        0x81, 0x00, // TPID: 802.1Q
        0x6b, 0xb8, // TCI: priority 3, VID 3000
        0x08, 0x00, // type
    ];

    fn with(offset: usize, bytes: &[u8]) -> [u8; 18] {
        let mut frame = TAGGED;
        frame[offset..offset + bytes.len()].copy_from_slice(bytes);
        frame
    }

    fn vlan(frame: &[u8]) -> Result<u16, FrameError> {
        EthernetHeader::parse(frame).map(|header| header.vlan.id())
    }

    #[test]
    fn reads_addresses_and_tag() {
        assert_eq!(
            EthernetHeader::parse(&TAGGED),
            Ok(EthernetHeader {
                destination: MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]),
                source: MacAddr([0x52, 0x54, 0x00, 0x00, 0x00, 0x0a]),
                vlan: Vlan::new(3000).unwrap(),
            })
        );
    }

    #[test]
    fn a_frame_without_a_tag_and_one_with_a_priority_tag_are_untagged() {
        assert_eq!(vlan(&with(12, &[0x86, 0xdd])), Ok(0));
        assert_eq!(vlan(&with(14, &[0xe0, 0x00])), Ok(0));
    }

    #[test]
    fn a_service_tag_counts_as_it_does_for_the_switch() {
        assert_eq!(vlan(&with(12, &[0x88, 0xa8])), Ok(3000));
    }

    #[test]
    fn the_reserved_vid_and_group_sources_are_refused() {
        assert_eq!(
            vlan(&with(14, &[0x0f, 0xff])),
            Err(FrameError::ReservedVlan(4095))
        );
        let group = MacAddr([0x53, 0x54, 0, 0, 0, 0x0a]);
        assert_eq!(
            vlan(&with(6, &group.0)),
            Err(FrameError::GroupSource(group))
        );
        assert_eq!(
            vlan(&with(6, &MacAddr::BROADCAST.0)),
            Err(FrameError::GroupSource(MacAddr::BROADCAST))
        );
    }

    #[test]
    fn every_cut_inside_the_header_is_truncated_and_none_behind_it() {
        for length in 0..16 {
            assert_eq!(vlan(&TAGGED[..length]), Err(FrameError::Truncated(length)));
        }
        assert_eq!(vlan(&TAGGED[..16]), Ok(3000));
        assert_eq!(vlan(&with(12, &[0x08, 0x00])[..14]), Ok(0));
    }
}
