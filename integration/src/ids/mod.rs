//! Network functions that look into frames: an IDS at a tap, an IPS in the way.
//!
//! One is a real one, [Suricata](suricata::Suricata), where it is installed. The [other](builtin)
//! knows one rule and is always there.

pub mod builtin;
pub mod suricata;

use anyhow::{Context, Result};
use etherparse::PacketBuilder;
use openflow::MacAddr;

use crate::frame::{Frame, Tag};
use crate::lab::Lab;
use crate::wait;

/// What the one rule of every function is about: a UDP packet over IPv4 that contains this.
pub const SIGNATURE: &str = "bclab-attack";

/// A function that was started in a lab; it ends when it is dropped.
pub trait Inspector {
    /// What it is, for people.
    fn name(&self) -> String;

    /// The payloads of the packets that it has reported so far, in the order of its reports.
    ///
    /// # Errors
    ///
    /// Its report cannot be read.
    fn alerts(&self) -> Result<Vec<String>>;

    /// Makes it stand still: its ports stay up, and it neither looks at a frame nor lets one pass.
    ///
    /// # Errors
    ///
    /// It is gone.
    fn pause(&self) -> Result<()>;

    /// Makes it go on.
    ///
    /// # Errors
    ///
    /// It is gone.
    fn resume(&self) -> Result<()>;
}

/// Waits until a function has reported that many packets.
///
/// # Errors
///
/// It does not.
pub fn await_alerts(inspector: &dyn Inspector, count: usize) -> Result<Vec<String>> {
    wait::until(&format!("{count} alerts of {}", inspector.name()), || {
        let alerts = inspector.alerts()?;
        Ok((alerts.len() >= count).then_some(alerts))
    })
}

/// A UDP packet over IPv4 with this payload, of a conversation of its own.
///
/// # Errors
///
/// The payload is too long.
pub fn packet(
    src: MacAddr,
    dst: MacAddr,
    tags: Vec<Tag>,
    port: u16,
    payload: &str,
) -> Result<Frame> {
    const SERVICE: u16 = 7777;
    let [.., from] = src.0;
    let [.., to] = dst.0;
    let headers = PacketBuilder::ipv4([10, 9, 8, from], [10, 9, 8, to], 64).udp(port, SERVICE);
    let mut bytes = Vec::new();
    let written = headers.write(&mut bytes, payload.as_bytes());
    written.with_context(|| format!("no packet with the payload {payload:?}"))?;
    Ok(Frame {
        dst,
        src,
        tags,
        ethertype: 0x0800,
        payload: bytes,
    })
}

/// Whether a frame contains a text.
pub fn contains(frame: &Frame, text: &str) -> bool {
    let mut windows = frame.payload.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

/// How many frames that contain a text have arrived at a port so far.
pub fn arrived(lab: &Lab, port: &str, text: &str) -> usize {
    lab.sightings().read(|all| {
        let here = all.iter().filter(|seen| seen.port == port);
        here.filter(|seen| contains(&seen.frame, text)).count()
    })
}

/// Waits until a frame that contains a text has arrived at a port.
///
/// # Errors
///
/// None does.
pub fn await_arrival(lab: &Lab, port: &str, text: &str) -> Result<()> {
    let seen = lab.sightings().wait(|all| {
        let mut here = all.iter().filter(|seen| seen.port == port);
        here.any(|seen| contains(&seen.frame, text)).then_some(())
    });
    seen.with_context(|| format!("no frame with {text:?} arrived at {port}"))
}
