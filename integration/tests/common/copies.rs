//! What the tests of copies share: guests that speak TCP and UDP, and what arrives of it.

use anyhow::Result;
use integration::Lab;
use integration::capture::Sighting;
use integration::conversation::{Conversation, Transport, marker};
use integration::frame::{Frame, Tag};
use openflow::MacAddr;

/// A host with two guests of known addresses and one of unknown ones, and a VM on another host.
pub(crate) const WORLD: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-U: { host: node1, nics: [{ port: vmu0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
";

pub(crate) const VLAN: u16 = 3000;

/// [`WORLD`] with these functions.
pub(crate) fn world(functions: &[&str]) -> String {
    let lines = functions
        .iter()
        .map(|line| format!("      - {{ mode: tap, {line} }}\n"));
    format!("{WORLD}{}", lines.collect::<String>())
}

/// Guests with addresses at all layers.
pub(crate) struct Guests {
    pub(crate) a: MacAddr,
    pub(crate) b: MacAddr,
}

impl Guests {
    pub(crate) fn of(lab: &Lab) -> Result<Self> {
        Ok(Self {
            a: lab.mac("vma0")?,
            b: lab.mac("vmb0")?,
        })
    }

    /// A conversation of VM-A with VM-B.
    pub(crate) fn speak(&self, protocol: Transport, from: &str, to: &str) -> Conversation {
        Conversation {
            macs: [self.a, self.b],
            ends: [from, to].map(|end| end.parse().expect("an address and a port")),
            protocol,
            tags: Vec::new(),
        }
    }
}

/// Sends frames from a port and returns everything with a marker that arrived anywhere meanwhile.
pub(crate) fn send(lab: &Lab, from: &str, frames: &[Frame]) -> Result<Vec<Sighting>> {
    let start = lab.sightings().read(<[_]>::len);
    let socket = lab
        .namespace(from)?
        .raw_socket(lab.station(from)?.device())?;
    for frame in frames {
        socket.send(&frame.encode())?;
    }
    lab.settle(&[from])?;
    let arrived = |all: &[Sighting]| {
        let marked = all[start..]
            .iter()
            .filter(|seen| marker(&seen.frame).is_some());
        marked.cloned().collect()
    };
    Ok(lab.sightings().read(arrived))
}

/// The copies of a frame that arrived at a port, as bytes.
pub(crate) fn copies(sightings: &[Sighting], port: &str, of: &Frame) -> Vec<Vec<u8>> {
    sightings
        .iter()
        .filter(|seen| seen.port == port && marker(&seen.frame) == marker(of))
        .map(|seen| seen.frame.encode())
        .collect()
}

/// A frame with these VLAN ids in front of it.
pub(crate) fn tagged(frame: &Frame, vids: &[u16]) -> Vec<u8> {
    let tags = vids
        .iter()
        .copied()
        .map(Tag::vlan)
        .chain(frame.tags.clone());
    let frame = Frame {
        tags: tags.collect(),
        ..frame.clone()
    };
    frame.encode()
}

/// The first bytes of a frame.
pub(crate) fn cut(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.truncate(length);
    bytes
}
