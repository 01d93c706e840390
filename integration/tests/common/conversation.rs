//! Conversations with real headers, as Open vSwitch hashes them.

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};
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
    /// A frame from one end (`src`) to the other; its payload is `number`.
    pub(crate) fn frame(
        self,
        src: MacAddr,
        dst: MacAddr,
        tags: Vec<Tag>,
        from_guest: bool,
        number: u64,
    ) -> Frame {
        const FAR_PORT: u16 = 443;
        let turn = |[guest, far]: [u8; 2]| {
            if from_guest {
                [guest, far]
            } else {
                [far, guest]
            }
        };
        let [from, to] = turn([1, 2]);
        let (from_port, to_port) = match from_guest {
            true => (self.port, FAR_PORT),
            false => (FAR_PORT, self.port),
        };
        let step: PacketBuilderStep<IpHeaders> = match self.kind {
            Kind::Tcp4 | Kind::Udp4 => PacketBuilder::ipv4([10, 0, 0, from], [10, 0, 0, to], 64),
            Kind::Tcp6 | Kind::Udp6 => {
                let address = |last| {
                    let mut address = [0; 16];
                    [address[0], address[1], address[15]] = [0xfd, 0x00, last];
                    address
                };
                PacketBuilder::ipv6(address(from), address(to), 64)
            }
        };
        let ethertype = match self.kind {
            Kind::Tcp4 | Kind::Udp4 => 0x0800,
            Kind::Tcp6 | Kind::Udp6 => 0x86dd,
        };
        let mut payload = Vec::new();
        let data = number.to_be_bytes();
        let written = match self.kind {
            Kind::Tcp4 | Kind::Tcp6 => step
                .tcp(from_port, to_port, 1, 1024)
                .write(&mut payload, &data),
            Kind::Udp4 | Kind::Udp6 => step.udp(from_port, to_port).write(&mut payload, &data),
        };
        written.expect("a packet that fits");
        Frame {
            dst,
            src,
            tags,
            ethertype,
            payload,
        }
    }
}
