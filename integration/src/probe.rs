//! Sending single frames, and telling exactly who saw them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::capture::Sighting;
use openflow::MacAddr;

use crate::frame::{Frame, Tag};
use crate::inbox::Inbox;
use crate::lab::Lab;

/// A frame to be sent by the station at a port.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) port: String,
    src: MacAddr,
    dst: MacAddr,
    tags: Vec<Tag>,
}

impl Probe {
    pub(crate) fn new(port: &str, src: MacAddr, dst: MacAddr, tags: Vec<Tag>) -> Self {
        let port = port.to_owned();
        Self {
            port,
            src,
            dst,
            tags,
        }
    }

    /// Sends from another address than the station's own.
    pub fn src(mut self, src: MacAddr) -> Self {
        self.src = src;
        self
    }

    /// Tags the frame otherwise than the station's own frames.
    pub fn tags(mut self, tags: &[Tag]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// Tags the frame with a VLAN id, whatever the station does with its own frames.
    pub fn vlan(self, vid: u16) -> Self {
        self.tags(&[Tag::vlan(vid)])
    }

    /// Leaves the frame untagged, whatever the station does with its own frames.
    pub fn untagged(self) -> Self {
        self.tags(&[])
    }

    pub(crate) fn frame(&self, marker: u64) -> Frame {
        Frame::probe(self.src, self.dst, self.tags.clone(), marker)
    }
}

/// Who saw a frame: for every port at which it arrived, the tagging of each copy.
///
/// It is shown, and compared with text, as `eth1/3000 vmb0/untagged`; a second copy is one more
/// entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    copies: BTreeMap<String, Vec<String>>,
}

impl Seen {
    /// Adds who saw a frame that was sent. The names of ports get a prefix.
    pub(crate) fn add(&mut self, sent: &Frame, prefix: &str, sightings: &[Sighting]) -> Result<()> {
        for Sighting { port, frame } in sightings {
            if frame.marker() != sent.marker() {
                continue;
            }
            let copy = Frame {
                tags: sent.tags.clone(),
                ..frame.clone()
            };
            if copy != *sent {
                bail!("{port} got another frame than was sent: {frame:?} instead of {sent:?}");
            }
            let copies = self.copies.entry(format!("{prefix}{port}")).or_default();
            copies.push(frame.tagging());
            copies.sort();
        }
        Ok(())
    }

    /// The tagging of each copy that arrived at a port.
    pub fn at(&self, port: &str) -> &[String] {
        self.copies.get(port).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copies = self.copies.iter();
        let entries =
            copies.flat_map(|(port, tags)| tags.iter().map(move |tag| format!("{port}/{tag}")));
        f.write_str(&entries.collect::<Vec<_>>().join(" "))
    }
}

impl From<&str> for Seen {
    fn from(text: &str) -> Self {
        let mut seen = Self::default();
        for (port, tagging) in text
            .split_whitespace()
            .filter_map(|entry| entry.rsplit_once('/'))
        {
            seen.copies
                .entry(port.to_owned())
                .or_default()
                .push(tagging.to_owned());
        }
        seen
    }
}

impl PartialEq<&str> for Seen {
    fn eq(&self, text: &&str) -> bool {
        let other = Self::from(*text);
        self.copies == other.copies
    }
}

impl Lab {
    /// A frame from a station, with its own address and tagging, to a destination.
    ///
    /// # Errors
    ///
    /// There is no such station, or it has no planned address.
    pub fn frame(&self, port: &str, dst: MacAddr) -> Result<Probe> {
        let tags = self.station(port)?.tags();
        Ok(Probe::new(port, self.mac(port)?, dst, tags))
    }

    /// Sends a frame and tells who saw it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn probe(&self, probe: &Probe) -> Result<Seen> {
        let mut seen = self.send(std::slice::from_ref(probe))?;
        seen.pop().context("one frame, one answer")
    }

    /// Sends frames, waits until all of them have gone wherever they go, and tells for each who saw
    /// it.
    ///
    /// # Errors
    ///
    /// A frame cannot be sent, or arrives with another address or payload, or the lab does not
    /// [settle](Self::settle).
    pub fn send(&self, probes: &[Probe]) -> Result<Vec<Seen>> {
        let start = self.sightings().read(<[_]>::len);
        let mut sent = Vec::with_capacity(probes.len());
        for probe in probes {
            let marker = new_marker();
            let frame = probe.frame(marker);
            self.attached(&probe.port)?.socket.send(&frame.encode())?;
            sent.push(frame);
        }
        let mut ports: Vec<_> = probes.iter().map(|probe| probe.port.as_str()).collect();
        ports.sort_unstable();
        ports.dedup();
        self.settle(&ports)?;
        self.sightings().read(|all| {
            sent.iter()
                .map(|frame| {
                    let mut seen = Seen::default();
                    seen.add(frame, "", &all[start..])?;
                    Ok(seen)
                })
                .collect()
        })
    }

    /// Waits until the frames that these stations have sent so far have arrived wherever they will
    /// ever arrive.
    ///
    /// Each station sends a broadcast and, once that was seen anywhere, another: the datapath takes
    /// the frames of a port in order, so all earlier ones are through when the second is seen. Then
    /// the switch puts a last frame out of every port, which the captures show after everything
    /// else.
    ///
    /// # Errors
    ///
    /// A broadcast of one of these stations reaches nobody, or a last frame does not arrive.
    pub fn settle(&self, ports: &[&str]) -> Result<()> {
        self.settle_datapath(ports)?;
        self.flush()
    }

    /// Waits until the datapath has taken the frames that these stations have sent so far.
    ///
    /// # Errors
    ///
    /// A broadcast of one of these stations reaches nobody.
    pub fn settle_datapath(&self, ports: &[&str]) -> Result<()> {
        for port in ports {
            for _ in 0..2 {
                let marker = new_marker();
                let frame = self.frame(port, MacAddr::BROADCAST)?.frame(marker);
                self.attached(port)?.socket.send(&frame.encode())?;
                await_marker(self.sightings(), marker, &[])
                    .with_context(|| format!("nobody saw a broadcast from {port}"))?;
            }
        }
        Ok(())
    }

    /// Waits until the captures show every frame that the switch has put out of its ports so far;
    /// those of uplinks that have no link are left out.
    ///
    /// # Errors
    ///
    /// A port does not exist, or does not bring frames to its station.
    pub fn flush(&self) -> Result<()> {
        let marker = self.put_out()?;
        let without_link = self.layout().uplinks_without_link()?;
        let stations = self.layout().plan().at_bridges();
        let ports = stations.map(|station| &*station.port);
        let ports = ports.filter(|port| without_link.iter().all(|down| down != port));
        await_marker(self.sightings(), marker, &ports.collect::<Vec<_>>())
    }

    /// Makes the switch put a frame out of every port, and returns its marker.
    pub(crate) fn put_out(&self) -> Result<u64> {
        let marker = new_marker();
        let plan = self.layout().plan();
        // Hosts that share a switch have one address each, as they would.
        let [.., high, low] = plan.before.to_be_bytes();
        // The physical switch of a single host does not pass it on: it would come back.
        let dst = match plan.has_switch() {
            true => NEVER_FORWARDED,
            false => MacAddr::BROADCAST,
        };
        let frame = Frame::probe(MacAddr([2, 0, 0, 0, high, low]), dst, Vec::new(), marker);
        let frame: String = frame
            .encode()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        for bridge in &plan.bridges {
            let ports = plan
                .stations
                .iter()
                .filter(|station| station.bridge == *bridge);
            let outputs: Vec<_> = ports
                .map(|station| format!("output:{}", station.openflow_port()))
                .collect();
            if !outputs.is_empty() {
                let packet = format!(
                    "in_port=controller packet={frame} actions={}",
                    outputs.join(",")
                );
                self.ovs().ofctl(&["packet-out", bridge, &packet])?;
            }
        }
        Ok(marker)
    }
}

/// Waits until a frame was seen at all of these ports; without any, until it was seen anywhere.
pub(crate) fn await_marker(inbox: &Inbox<Sighting>, marker: u64, ports: &[&str]) -> Result<()> {
    let missing = |all: &[Sighting]| {
        let copies = all
            .iter()
            .filter(|seen| seen.frame.marker() == Some(marker));
        let at: BTreeSet<&str> = copies.map(|seen| &*seen.port).collect();
        let missing = ports.iter().filter(|port| !at.contains(*port));
        let missing: Vec<String> = missing.map(ToString::to_string).collect();
        (at.is_empty() || !missing.is_empty()).then_some(missing)
    };
    match inbox.wait(|all| missing(all).is_none().then_some(())) {
        Some(()) => Ok(()),
        None => {
            let ports = inbox.read(missing).unwrap_or_default();
            bail!("a frame did not arrive, not at {}", ports.join(", "))
        }
    }
}

/// An address to which no bridge forwards frames (IEEE 802.1Q, table 8-1).
const NEVER_FORWARDED: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0, 0, 0x0e]);

/// A marker that no other frame of this process has; its lower half is 0.
pub(crate) fn new_marker() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    u64::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 32
}
