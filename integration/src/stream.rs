//! A steady stream of numbered frames, to see what is lost or duplicated while something happens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::capture::Sighting;
use openflow::MacAddr;

use crate::frame::Frame;
use crate::lab::Lab;
use crate::probe::new_marker;

/// The pause after each frame: 100 frames a second.
const PAUSE: Duration = Duration::from_millis(10);

/// A stream of frames of 100 a second; it goes on until it is [finished](Self::finish).
#[derive(Debug)]
pub struct Stream {
    port: String,
    /// The marker of a frame is this plus its number, which begins with 0.
    base: u64,
    stop: Arc<AtomicBool>,
    sender: JoinHandle<Result<u32>>,
}

/// What became of a stream.
#[derive(Debug)]
pub struct Tally {
    /// How many frames were sent.
    pub sent: u32,
    /// The ports at which frames arrived, with the number of each frame in the order of arrival.
    arrivals: Vec<(String, u32)>,
}

/// What arrived of a stream at one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The numbers of the frames that did not arrive.
    pub lost: Vec<u32>,
    /// The numbers of the frames that arrived more than once.
    pub duplicated: Vec<u32>,
}

impl Arrived {
    /// Every frame arrived, and none twice.
    pub const EXACTLY_ONCE: Self = Self {
        lost: Vec::new(),
        duplicated: Vec::new(),
    };
}

impl Tally {
    /// What arrived at a port.
    pub fn at(&self, port: &str) -> Arrived {
        let copies = |number| {
            self.arrivals
                .iter()
                .filter(|(at, arrived)| at == port && *arrived == number)
                .count()
        };
        Arrived {
            lost: (0..self.sent)
                .filter(|number| copies(*number) == 0)
                .collect(),
            duplicated: (0..self.sent)
                .filter(|number| copies(*number) > 1)
                .collect(),
        }
    }

    /// The ports at which frames of the stream arrived.
    pub fn ports(&self) -> BTreeSet<&str> {
        self.arrivals
            .iter()
            .map(|(port, _)| port.as_str())
            .collect()
    }
}

impl Stream {
    /// Ends the stream and counts what arrived where.
    ///
    /// # Errors
    ///
    /// A frame could not be sent, or the lab does not [settle](Lab::settle).
    pub fn finish(self, lab: &Lab) -> Result<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self
            .sender
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the sender panicked")))?;
        lab.settle(&[&self.port])?;
        let range = self.base..self.base + u64::from(sent);
        let arrivals = lab.sightings().read(|all| {
            let arrived = all.iter().filter_map(|seen| {
                let marker = seen
                    .frame
                    .marker()
                    .filter(|marker| range.contains(marker))?;
                Some((seen.port.clone(), u32::try_from(marker - self.base).ok()?))
            });
            arrived.collect()
        });
        Ok(Tally { sent, arrivals })
    }
}

impl Lab {
    /// Starts a stream from the station at a port, with the station's own address and tagging.
    ///
    /// # Errors
    ///
    /// There is no such station, or it has no planned address.
    pub fn stream(&self, port: &str, dst: MacAddr) -> Result<Stream> {
        let station = self.station(port)?;
        let (src, tags) = (self.mac(port)?, station.tags());
        let socket = self.namespace(port)?.raw_socket(station.device())?;
        let base = new_marker();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let sender = thread::spawn(move || {
            let mut sent = 0;
            while !stopped.load(Ordering::Relaxed) {
                let frame = Frame::probe(src, dst, tags.clone(), base + u64::from(sent));
                socket
                    .send(&frame.encode())
                    .context("the stream broke off")?;
                sent += 1;
                thread::sleep(PAUSE);
            }
            Ok(sent)
        });
        Ok(Stream {
            port: port.to_owned(),
            base,
            stop,
            sender,
        })
    }

    /// Waits until a stream has brought that many more frames to a port: it runs, and goes on
    /// running.
    ///
    /// # Errors
    ///
    /// The frames do not arrive.
    pub fn await_stream(&self, stream: &Stream, port: &str, frames: usize) -> Result<()> {
        let arrived = |all: &[Sighting]| {
            let of_stream = |seen: &&Sighting| {
                seen.port == port
                    && seen
                        .frame
                        .marker()
                        .is_some_and(|marker| marker >> 32 == stream.base >> 32)
            };
            all.iter().filter(of_stream).count()
        };
        let goal = self.sightings().read(arrived) + frames;
        let reached = self
            .sightings()
            .wait(|all| (arrived(all) >= goal).then_some(()));
        reached.with_context(|| format!("the stream brings no frames to {port}"))
    }
}
