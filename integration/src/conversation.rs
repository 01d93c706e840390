//! TCP and UDP between two stations, as real frames that can be told from all others.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use etherparse::PacketBuilder;
use openflow::MacAddr;

use crate::frame::{Frame, Tag};

/// What the data of such a frame begin with; the marker, 8 bytes in network order, follows.
const MAGIC: [u8; 8] = *b"bclab-02";

/// The frames of one direction of a conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its sender and receiver.
    pub macs: [MacAddr; 2],
    /// The same at the layers above; of one version of IP.
    pub ends: [SocketAddr; 2],
    /// What it speaks.
    pub protocol: Transport,
    /// The tags of its frames.
    pub tags: Vec<Tag>,
}

/// A protocol over IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP: segments of a connection that nobody has opened.
    Tcp,
    /// UDP.
    Udp,
}

impl Conversation {
    /// The other direction.
    #[must_use]
    pub fn answers(&self) -> Self {
        let ([one, other], [here, there]) = (self.macs, self.ends);
        Self {
            macs: [other, one],
            ends: [there, here],
            ..self.clone()
        }
    }

    /// A frame with a [marker](marker()) and that many bytes of data, at least the 16 that hold it.
    ///
    /// # Errors
    ///
    /// The data do not fit a packet, or the ends are of two versions of IP.
    pub fn frame(&self, marker: u64, length: usize) -> Result<Frame> {
        let mut data = MAGIC.to_vec();
        data.extend(marker.to_be_bytes());
        data.extend((data.len()..length).map(|index| index as u8));
        let [from, to] = self.ends;
        let ethernet = PacketBuilder::ethernet2(self.macs[0].0, self.macs[1].0);
        let ip = match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
            (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), 64),
            _ => anyhow::bail!("{from} and {to} do not speak to each other"),
        };
        let mut bytes = Vec::new();
        match self.protocol {
            Transport::Tcp => ip
                .tcp(from.port(), to.port(), 1, 1024)
                .ack(1)
                .write(&mut bytes, &data)?,
            Transport::Udp => ip.udp(from.port(), to.port()).write(&mut bytes, &data)?,
        }
        let frame = Frame::decode(&bytes)?;
        Ok(Frame {
            tags: self.tags.clone(),
            ..frame
        })
    }
}

/// The marker in the data of a frame, if it is one of a conversation.
pub fn marker(frame: &Frame) -> Option<u64> {
    let at = |window: &[u8]| window == MAGIC;
    let found = frame.payload.windows(MAGIC.len()).position(at)?;
    let marker = frame.payload[found + MAGIC.len()..].first_chunk()?;
    Some(u64::from_be_bytes(*marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_they_are_said_to_be() {
        let conversation = Conversation {
            macs: [MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2])],
            ends: ["10.0.0.1:1234", "10.0.0.2:443"].map(|end| end.parse().expect("an address")),
            protocol: Transport::Udp,
            tags: vec![Tag::vlan(7)],
        };
        let frame = conversation
            .frame(0x0102_0304_0506_0708, 20)
            .expect("it fits");
        assert_eq!(frame.src, MacAddr([2, 0, 0, 0, 0, 1]));
        assert_eq!(frame.tags, [Tag::vlan(7)]);
        assert_eq!(frame.payload.len(), 20 + 8 + 20);
        assert_eq!(marker(&frame), Some(0x0102_0304_0506_0708));
        let back = conversation.answers().frame(1, 0).expect("it fits");
        assert_eq!((back.src, back.dst), (frame.dst, frame.src));
        // Destination and source port: 1234 and 443.
        assert_eq!(back.payload[20..24], [0x01, 0xbb, 0x04, 0xd2]);
        assert_eq!(marker(&back), Some(1));
    }
}
