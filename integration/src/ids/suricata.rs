//! Suricata, as a tap and in the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Inspector;
use crate::command::run;
use crate::inbox::Inbox;
use crate::lab::Lab;
use crate::wait;

/// What a tap needs.
pub const TAP: &str = include_str!("suricata-tap.yaml");
/// What a function in the way needs.
pub const INLINE: &str = include_str!("suricata-inline.yaml");
/// The rule of a tap, which is about [`SIGNATURE`](super::SIGNATURE).
pub const ALERT: &str = include_str!("suricata-tap.rules");
/// The same for a function in the way.
pub const DROP: &str = include_str!("suricata-inline.rules");

/// A running Suricata; it is killed when the value is dropped.
#[derive(Debug)]
pub struct Suricata {
    version: String,
    child: Child,
    dir: PathBuf,
}

/// Suricata's version; `None` where it is not installed.
pub fn version() -> Option<String> {
    let version = run(Command::new("suricata").arg("-V")).ok()?;
    let version = version.split_once("version ")?.1;
    Some(version.split(' ').next()?.to_owned())
}

impl Suricata {
    /// Starts it as an IDS at a tap's port.
    ///
    /// # Errors
    ///
    /// It is not installed or does not start.
    pub fn tap(lab: &Lab, port: &str) -> Result<Self> {
        Self::start(lab, port, TAP, ALERT)
    }

    /// Starts it as an IPS between the legs of an inline function, which are in one namespace.
    ///
    /// # Errors
    ///
    /// It is not installed or does not start.
    pub fn inline(lab: &Lab, ingress: &str, egress: &str) -> Result<Self> {
        if lab.namespace(ingress)?.name() != lab.namespace(egress)?.name() {
            bail!("{ingress} and {egress} are not in one namespace");
        }
        Self::start(lab, ingress, INLINE, DROP)
    }

    fn start(lab: &Lab, port: &str, config: &str, rules: &str) -> Result<Self> {
        let version = version().context("suricata is not installed")?;
        let dir = lab.dir().join(format!("suricata-{port}"));
        let (config_file, rules_file) = (dir.join("suricata.yaml"), dir.join("local.rules"));
        fs::create_dir(&dir)?;
        fs::write(&config_file, config)?;
        fs::write(&rules_file, rules)?;
        let mut command = lab.namespace(port)?.command("suricata");
        command
            .arg("-c")
            .arg(&config_file)
            .arg("-S")
            .arg(&rules_file);
        command
            .arg("-l")
            .arg(&dir)
            .args(["--runmode", "workers", "--af-packet"]);
        // Its notes are on stdout or stderr, by version.
        let (notes, other) = std::io::pipe()?;
        command
            .stdin(Stdio::null())
            .stdout(other.try_clone()?)
            .stderr(other);
        let child = command.spawn().context("cannot start suricata")?;
        // The ends of the pipe that the command holds: the notes end with the child.
        drop(command);
        let notes = Inbox::lines(notes);
        let suricata = Self {
            version,
            child,
            dir,
        };
        let started =
            |line: &String| line.contains("Engine started") || line.contains("engine started");
        let ready = notes.wait(|lines| lines.iter().any(started).then_some(()));
        ready.with_context(|| format!("suricata does not start: {}", notes.text()))?;
        Ok(suricata)
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The events of a kind that it has reported so far, as it writes them (`eve.json`).
    ///
    /// # Errors
    ///
    /// A line is no JSON.
    pub fn events(&self, kind: &str) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.dir.join("eve.json")).unwrap_or_default();
        // The last line may not be complete yet.
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let events = complete
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|error| anyhow!("{line}: {error}")));
        let events = events.collect::<Result<Vec<Value>>>()?;
        Ok(events
            .into_iter()
            .filter(|event| event["event_type"] == kind)
            .collect())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).context("suricata is gone")
    }
}

impl Inspector for Suricata {
    fn name(&self) -> String {
        format!("Suricata {}", self.version)
    }

    fn alerts(&self) -> Result<Vec<String>> {
        let alerts = self.events("alert")?;
        let payload = |alert: &Value| alert["payload_printable"].as_str().unwrap_or("").to_owned();
        Ok(alerts.iter().map(payload).collect())
    }

    fn pause(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        // The thread that is about to forward a frame stops when it looks for signals.
        wait::until("all threads of Suricata to stand still", || {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
            for task in tasks {
                let status = fs::read_to_string(task?.path().join("status"))?;
                if !status.contains("\nState:\tT") {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    fn resume(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }
}

impl Drop for Suricata {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
