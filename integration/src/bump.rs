//! An inline function as simple as can be: a bump in the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

use crate::frame::Frame;
use crate::lab::Lab;
use crate::wait;

/// How often it looks for frames.
const PACE: Duration = Duration::from_millis(1);

/// A leg of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// It faces the guests.
    Ingress,
    /// It faces the uplink.
    Egress,
}

/// What a function does with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Nothing.
    Drop,
    /// It goes out by the other leg.
    PassOn,
    /// It goes out by both legs.
    Flood,
}

/// Sends out of one leg of a function what arrives at the other, until it is dropped.
#[derive(Debug)]
pub struct Bump {
    stop: Arc<AtomicBool>,
    /// How many of the lab's sightings it has seen to.
    done: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Bump {
    /// Starts a function between the stations at two ports.
    ///
    /// # Errors
    ///
    /// There are no such stations.
    pub fn start(lab: &Lab, ingress: &str, egress: &str) -> Result<Self> {
        Self::judging(lab, ingress, egress, |_| true)
    }

    /// Starts a function that lets only those frames pass that `passes` says, which is asked for
    /// each frame in the order of their arrival and may take its time.
    ///
    /// # Errors
    ///
    /// There are no such stations.
    pub fn judging(
        lab: &Lab,
        ingress: &str,
        egress: &str,
        mut passes: impl FnMut(&Frame) -> bool + Send + 'static,
    ) -> Result<Self> {
        let deed = move |_, frame: &Frame| match passes(frame) {
            true => Deed::PassOn,
            false => Deed::Drop,
        };
        Self::doing(lab, ingress, egress, deed)
    }

    /// Starts a function that does with each frame what `decide` says, which is told the leg that it
    /// came in by.
    ///
    /// # Errors
    ///
    /// There are no such stations.
    pub fn doing(
        lab: &Lab,
        ingress: &str,
        egress: &str,
        mut decide: impl FnMut(Leg, &Frame) -> Deed + Send + 'static,
    ) -> Result<Self> {
        let open = |leg: &str| lab.namespace(leg)?.raw_socket(lab.station(leg)?.device());
        let (to_ingress, to_egress) = (open(ingress)?, open(egress)?);
        let (ingress, egress) = (ingress.to_owned(), egress.to_owned());
        let sightings = lab.sightings().clone();
        let begin = sightings.read(<[_]>::len);
        let (stop, done) = (Arc::default(), Arc::new(AtomicUsize::new(begin)));
        let (stopped, so_far): (Arc<AtomicBool>, _) = (Arc::clone(&stop), Arc::clone(&done));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let begin = so_far.load(Ordering::Relaxed);
                let arrived = sightings.read(|all| all[begin..].to_vec());
                for seen in arrived {
                    let came_in = match seen.port {
                        port if port == ingress => Some((Leg::Ingress, &to_ingress, &to_egress)),
                        port if port == egress => Some((Leg::Egress, &to_egress, &to_ingress)),
                        _ => None,
                    };
                    if let Some((leg, back, on)) = came_in {
                        let out: &[_] = match decide(leg, &seen.frame) {
                            Deed::Drop => &[],
                            Deed::PassOn => &[on],
                            Deed::Flood => &[on, back],
                        };
                        for out in out {
                            // A leg that is down lets nothing through, as a real function would.
                            let _ = out.send(&seen.frame.encode());
                        }
                    }
                    so_far.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(PACE);
            }
        });
        Ok(Self {
            stop,
            done,
            thread: Some(thread),
        })
    }

    /// Waits until it has seen to everything that has arrived anywhere so far.
    ///
    /// # Errors
    ///
    /// It does not get that far.
    pub fn catch_up(&self, lab: &Lab) -> Result<()> {
        let arrived = lab.sightings().read(<[_]>::len);
        wait::until("the function to let frames pass", || {
            Ok((self.done.load(Ordering::Relaxed) >= arrived).then_some(()))
        })
    }
}

impl Drop for Bump {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}
