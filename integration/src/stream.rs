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
use crate::inbox::Inbox;
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
    /// The marker of the first frame; that of another is this plus its number.
    base: u64,
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
    /// Adds what arrived at the stations of an inbox. The names of ports get a prefix.
    pub(crate) fn add(&mut self, prefix: &str, sightings: &Inbox<Sighting>) {
        let range = self.base..self.base + u64::from(self.sent);
        let number = |seen: &Sighting| {
            let marker = seen.frame.marker().filter(|it| range.contains(it))?;
            u32::try_from(marker - self.base).ok()
        };
        let arrived = sightings.read(|all| {
            let named = |seen: &Sighting| Some((format!("{prefix}{}", seen.port), number(seen)?));
            all.iter().filter_map(named).collect::<Vec<_>>()
        });
        self.arrivals.extend(arrived);
    }

    /// The numbers of the frames that arrived at a port, in the order of arrival.
    pub fn arrivals(&self, port: &str) -> Vec<u32> {
        let at_port = self.arrivals.iter().filter(|(at, _)| at == port);
        at_port.map(|(_, number)| *number).collect()
    }

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
        let (port, mut tally) = self.stop()?;
        lab.settle(&[&port])?;
        tally.add("", lab.sightings());
        Ok(tally)
    }

    /// How many frames of it these sightings show at a port.
    pub(crate) fn count(&self, sightings: &[Sighting], port: &str) -> usize {
        let of_stream = |seen: &&Sighting| {
            let marker = seen.frame.marker();
            seen.port == port && marker.is_some_and(|marker| marker >> 32 == self.base >> 32)
        };
        sightings.iter().filter(of_stream).count()
    }

    /// The same, from a station of another name.
    pub(crate) fn called(self, station: &str) -> Self {
        let port = station.to_owned();
        Self { port, ..self }
    }

    /// Ends the stream; returns its port, and a tally in which nothing has arrived yet.
    pub(crate) fn stop(self) -> Result<(String, Tally)> {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self
            .sender
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the sender panicked")))?;
        let tally = Tally {
            sent,
            base: self.base,
            arrivals: Vec::new(),
        };
        Ok((self.port, tally))
    }
}

impl Lab {
    /// Starts a stream from the station at a port, with the station's own address and tagging.
    ///
    /// # Errors
    ///
    /// There is no such station, or it has no planned address.
    pub fn stream(&self, port: &str, dst: MacAddr) -> Result<Stream> {
        self.stream_every(port, dst, PAUSE)
    }

    /// The same with another pause after each frame.
    ///
    /// # Errors
    ///
    /// As [`stream`](Self::stream).
    pub fn stream_every(&self, port: &str, dst: MacAddr, pause: Duration) -> Result<Stream> {
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
                thread::sleep(pause);
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

    /// How many frames of a stream have arrived at a port so far.
    pub fn arrived(&self, stream: &Stream, port: &str) -> usize {
        self.sightings().read(|all| stream.count(all, port))
    }

    /// Waits until a stream has brought that many more frames to a port: it runs, and goes on
    /// running.
    ///
    /// # Errors
    ///
    /// The frames do not arrive.
    pub fn await_stream(&self, stream: &Stream, port: &str, frames: usize) -> Result<()> {
        let goal = self.sightings().read(|all| stream.count(all, port)) + frames;
        let reached = self
            .sightings()
            .wait(|all| (stream.count(all, port) >= goal).then_some(()));
        reached.with_context(|| format!("the stream brings no frames to {port}"))
    }
}
