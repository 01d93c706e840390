//! Captures made by hand: packets around TCP segments, in files of both formats.

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};

pub(crate) const CONTROLLER: u16 = 6653;
pub(crate) const SWITCH: u16 = 40_000;

/// A TCP segment.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) ports: (u16, u16),
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) payload: Vec<u8>,
}

impl Segment {
    /// From the switch to the controller.
    pub(crate) fn new(seq: u32, payload: &[u8]) -> Self {
        Self {
            ports: (SWITCH, CONTROLLER),
            seq,
            ack: None,
            syn: false,
            payload: payload.to_vec(),
        }
    }

    pub(crate) fn syn(seq: u32) -> Self {
        Self {
            syn: true,
            ..Self::new(seq, &[])
        }
    }

    /// From the controller to the switch: everything before `ack` has come.
    pub(crate) fn acknowledgement(ack: u32) -> Self {
        Self {
            ports: (CONTROLLER, SWITCH),
            ack: Some(ack),
            ..Self::new(1, &[])
        }
    }

    fn header(&self) -> TcpHeader {
        let (src, dst) = self.ports;
        let mut header = TcpHeader::new(src, dst, self.seq, 1024);
        header.syn = self.syn;
        header.ack = self.ack.is_some();
        header.acknowledgment_number = self.ack.unwrap_or(0);
        header
    }

    fn packet(&self, ip: PacketBuilderStep<IpHeaders>) -> Vec<u8> {
        let step = ip.tcp_header(self.header());
        let mut packet = Vec::with_capacity(step.size(self.payload.len()));
        step.write(&mut packet, &self.payload)
            .expect("a short packet");
        packet
    }

    /// The packet behind the link header.
    pub(crate) fn ipv4(&self) -> Vec<u8> {
        self.packet(PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64))
    }

    pub(crate) fn ipv6(&self) -> Vec<u8> {
        let last = |byte| {
            let mut address = [0; 16];
            address[15] = byte;
            address
        };
        self.packet(PacketBuilder::ipv6(last(1), last(2), 64))
    }

    /// With an Ethernet header, its minimum length, and a VLAN tag for each of `tags`.
    pub(crate) fn ethernet(&self, tags: &[u16]) -> Vec<u8> {
        let mut frame = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2];
        for tag in tags {
            frame.extend([0x81, 0x00]);
            frame.extend(tag.to_be_bytes());
        }
        frame.extend([0x08, 0x00]);
        frame.extend(self.ipv4());
        frame.resize(frame.len().max(60), 0xee);
        frame
    }
}

/// The number of Ethernet among link types.
pub(crate) const ETHERNET: u16 = 1;

/// When packet `index` of these captures was captured: microseconds since 1970.
fn micros(index: usize) -> u64 {
    1_700_000_000_000_000 + index as u64
}

/// A pcap file with times in microseconds, numbers in little endian.
pub(crate) fn pcap(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x40000, u32::from(link)] {
        file.extend(u32::to_le_bytes(word));
    }
    for (index, packet) in packets.iter().enumerate() {
        let (seconds, fraction) = (micros(index) / 1_000_000, micros(index) % 1_000_000);
        let length = packet.len() as u32;
        for word in [seconds as u32, fraction as u32, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// The same with nanoseconds, in big endian.
pub(crate) fn pcap_of_nanoseconds(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0002_0004, 0, 0, 0x40000, u32::from(link)] {
        file.extend(u32::to_be_bytes(word));
    }
    for (index, packet) in packets.iter().enumerate() {
        let (seconds, fraction) = (micros(index) / 1_000_000, micros(index) % 1_000_000 * 1000);
        let length = packet.len() as u32;
        for word in [seconds as u32, fraction as u32, length, length] {
            file.extend(word.to_be_bytes());
        }
        file.extend(packet);
    }
    file
}

/// A pcapng file with two interfaces, of which the second one, with times in nanoseconds, has the
/// packets; and a block between them that nobody knows.
pub(crate) fn pcapng(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    block(&mut file, 0x0a0d_0d0a, &section);
    let interface = |link: u16, options: &[u8]| {
        let mut body = link.to_le_bytes().to_vec();
        body.extend([0, 0, 0, 0, 4, 0]);
        body.extend(options);
        body
    };
    block(&mut file, 1, &interface(147, &[]));
    // if_tsresol: 10^-9; then the end of the options.
    block(
        &mut file,
        1,
        &interface(link, &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]),
    );
    block(&mut file, 0x0bad_0bad, b"what is this");
    for (index, packet) in packets.iter().enumerate() {
        let time = micros(index) * 1000;
        let length = packet.len() as u32;
        let mut body = Vec::new();
        for word in [1, (time >> 32) as u32, time as u32, length, length] {
            body.extend(word.to_le_bytes());
        }
        body.extend(packet);
        body.resize(body.len().next_multiple_of(4), 0);
        block(&mut file, 6, &body);
    }
    file
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (body.len() as u32 + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.extend(length);
}
