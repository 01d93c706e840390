//! Conversations with real headers, as Open vSwitch hashes them.

use std::net::SocketAddr;

use integration::conversation::{Conversation as Spoken, Transport};
use integration::frame::{Frame, Tag};
use openflow::MacAddr;

/// What two ends talk in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tcp4,
    Udp4,
    Tcp6,
    Udp6,
}

/// A conversation between a guest and somebody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conversation {
    pub(crate) kind: Kind,
    /// The guest's port.
    pub(crate) port: u16,
}

/// How many conversations of each kind there are.
pub(crate) const OF_EACH_KIND: u16 = 16;

/// Conversations of all kinds.
pub(crate) fn all() -> Vec<Conversation> {
    let kinds = [Kind::Tcp4, Kind::Udp4, Kind::Tcp6, Kind::Udp6];
    kinds
        .into_iter()
        .flat_map(|kind| {
            (0..OF_EACH_KIND).map(move |port| Conversation {
                kind,
                port: 40_000 + port,
            })
        })
        .collect()
}

impl Conversation {
    /// A frame from one end (`src`) to the other; its marker is `number`.
    pub(crate) fn frame(
        self,
        src: MacAddr,
        dst: MacAddr,
        tags: Vec<Tag>,
        from_guest: bool,
        number: u64,
    ) -> Frame {
        let (from, to) = match self.kind {
            Kind::Tcp4 | Kind::Udp4 => ("10.0.0.1", "10.0.0.2"),
            Kind::Tcp6 | Kind::Udp6 => ("fd00::1", "fd00::2"),
        };
        let end = |ip: &str, port| SocketAddr::new(ip.parse().expect("an address"), port);
        let ends = [end(from, self.port), end(to, 443)];
        let sent_by_guest = Spoken {
            macs: if from_guest { [src, dst] } else { [dst, src] },
            ends,
            protocol: match self.kind {
                Kind::Tcp4 | Kind::Tcp6 => Transport::Tcp,
                Kind::Udp4 | Kind::Udp6 => Transport::Udp,
            },
            tags,
        };
        let spoken = match from_guest {
            true => sent_by_guest,
            false => sent_by_guest.answers(),
        };
        spoken.frame(number, 16).expect("a packet that fits")
    }
}
