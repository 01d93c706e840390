//! A function with one rule, which needs nothing but the lab.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use super::{Inspector, SIGNATURE, contains};
use crate::bump::Bump;
use crate::capture::Sighting;
use crate::frame::Frame;
use crate::inbox::Inbox;
use crate::lab::Lab;

/// What precedes the payload of a UDP packet over IPv4.
const HEADERS: usize = 20 + 8;

/// An IDS: reports frames that arrive at a port.
#[derive(Debug)]
pub struct Ids {
    port: String,
    sightings: Inbox<Sighting>,
}

impl Ids {
    /// Looks at what arrives at a port of the lab.
    pub fn start(lab: &Lab, port: &str) -> Self {
        Self {
            port: port.to_owned(),
            sightings: lab.sightings().clone(),
        }
    }
}

impl Inspector for Ids {
    fn name(&self) -> String {
        "the lab's own IDS".to_owned()
    }

    fn alerts(&self) -> Result<Vec<String>> {
        Ok(self.sightings.read(|all| {
            let here = all.iter().filter(|seen| seen.port == self.port);
            here.filter_map(|seen| report(&seen.frame)).collect()
        }))
    }

    fn pause(&self) -> Result<()> {
        Ok(())
    }

    fn resume(&self) -> Result<()> {
        Ok(())
    }
}

/// An IPS: a bump in the wire that drops frames and reports them.
#[derive(Debug)]
pub struct Ips {
    paused: Arc<AtomicBool>,
    alerts: Arc<Mutex<Vec<String>>>,
    /// It judges until it is dropped.
    _bump: Bump,
}

impl Ips {
    /// Starts it between two ports of the lab.
    ///
    /// # Errors
    ///
    /// There are no such stations.
    pub fn start(lab: &Lab, ingress: &str, egress: &str) -> Result<Self> {
        let (paused, alerts): (Arc<AtomicBool>, Arc<Mutex<Vec<String>>>) = Default::default();
        let (stands_still, reports) = (Arc::clone(&paused), Arc::clone(&alerts));
        let bump = Bump::judging(lab, ingress, egress, move |frame| {
            if stands_still.load(Ordering::Relaxed) {
                return false;
            }
            let report = report(frame);
            let passes = report.is_none();
            let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.extend(report);
            passes
        })?;
        Ok(Self {
            paused,
            alerts,
            _bump: bump,
        })
    }
}

impl Inspector for Ips {
    fn name(&self) -> String {
        "the lab's own IPS".to_owned()
    }

    fn alerts(&self) -> Result<Vec<String>> {
        let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(alerts.clone())
    }

    fn pause(&self) -> Result<()> {
        self.paused.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn resume(&self) -> Result<()> {
        self.paused.store(false, Ordering::Relaxed);
        Ok(())
    }
}

/// The payload of a packet that the rule applies to.
fn report(frame: &Frame) -> Option<String> {
    let payload = frame
        .payload
        .get(HEADERS..)
        .filter(|_| contains(frame, SIGNATURE))?;
    let text = String::from_utf8_lossy(payload);
    // What is shorter than a frame may be is padded.
    Some(text.trim_end_matches('\0').to_owned())
}
