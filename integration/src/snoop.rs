//! Counting what a controller and a bridge say to each other.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::inbox::Inbox;
use crate::ovs::PrivateOvs;
use crate::wait;

/// Listens to the OpenFlow messages between a bridge and its controller, in both directions, by
/// `ovs-ofctl snoop`.
///
/// It is independent of the controller: what is counted here was said, whatever the controller
/// believes. It goes on when the controller is gone and comes back.
#[derive(Debug)]
pub struct Snoop {
    ofctl: Child,
    lines: Inbox<String>,
}

impl Snoop {
    /// Starts to listen; no message after the return is missed.
    ///
    /// # Errors
    ///
    /// No controller is connected to the bridge at this moment.
    pub fn start(ovs: &PrivateOvs, bridge: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = ovs.dir().join(format!("snoop-{number}.log"));
        let mut command = ovs.command("ovs-ofctl");
        command.arg(format!("--log-file={}", log.display()));
        command.args(["-vvconn:file:dbg", "snoop", bridge]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut ofctl = command.spawn().context("cannot start ovs-ofctl")?;
        // It shows messages, and its own errors, on stderr.
        let lines = ofctl.stderr.take().map(Inbox::lines).unwrap_or_default();
        let mut snoop = Self { ofctl, lines };
        wait::until("ovs-ofctl snoop to be heard", || {
            if snoop.ofctl.try_wait()?.is_some() {
                bail!("cannot listen to {bridge}: {}", snoop.text());
            }
            // The bridge greets a listener only once it has made it one.
            let log = fs::read_to_string(&log).unwrap_or_default();
            Ok(log.contains("negotiated OpenFlow version").then_some(()))
        })?;
        Ok(snoop)
    }

    /// How many messages of a kind, for example `OFPT_FLOW_MOD`, were said so far, also those
    /// within a bundle.
    pub fn count(&self, kind: &str) -> usize {
        self.lines.read(|lines| count(lines, kind))
    }

    /// Waits until at least that many messages of a kind were said.
    ///
    /// # Errors
    ///
    /// They are not said.
    pub fn wait_for(&self, kind: &str, at_least: usize) -> Result<()> {
        let said = self
            .lines
            .wait(|lines| (count(lines, kind) >= at_least).then_some(()));
        said.with_context(|| {
            format!(
                "{at_least} {kind} did not come; heard was:\n{}",
                self.text()
            )
        })
    }

    /// Everything heard so far, as `ovs-ofctl` prints it.
    pub fn text(&self) -> String {
        self.lines.text()
    }
}

impl Drop for Snoop {
    fn drop(&mut self) {
        // It may have ended by itself, with the bridge.
        let _ = self.ofctl.kill();
        let _ = self.ofctl.wait();
    }
}

/// A message begins at the begin of a line with its kind; its details are indented or on lines of
/// their own.
fn count(lines: &[String], kind: &str) -> usize {
    lines
        .iter()
        .filter(|line| line.split_whitespace().next() == Some(kind) && line.starts_with(kind))
        .count()
}
