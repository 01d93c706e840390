//! The controller under test, as a process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command::output;
use crate::inbox::Inbox;
use crate::netns::Namespace;
use crate::wait;

/// The variable that names a `bridgechain` to use instead of the workspace's.
const PROGRAM: &str = "BRIDGECHAIN";

/// The `bridgechain` under test: the one that the environment variable `BRIDGECHAIN` names, else
/// the workspace's, built if need be.
///
/// # Errors
///
/// It cannot be built.
pub fn program() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| match std::env::var_os(PROGRAM) {
        Some(program) => Ok(program.into()),
        None => build().map_err(|error| format!("{error:#}")),
    });
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--quiet",
        "--package=bridgechain",
        "--bin=bridgechain",
    ]);
    command.args(["--message-format=json-render-diagnostics"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = output(&mut command)?;
    if !built.status.success() {
        bail!(
            "bridgechain cannot be built: {}",
            String::from_utf8_lossy(&built.stderr)
        );
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| Some(message["executable"].as_str()?.into()));
    programs.next_back().context("cargo names no program")
}

/// A running `bridgechain run CONFIG`; it is killed when the value is dropped.
#[derive(Debug)]
pub struct Controller {
    child: Child,
    log: Inbox<String>,
}

impl Controller {
    /// Starts the controller in a namespace.
    ///
    /// # Errors
    ///
    /// The program cannot be built or started.
    pub fn start(namespace: &Namespace, config: &Path) -> Result<Self> {
        Self::start_logging(namespace, config, "info")
    }

    /// The same, with a filter for its log (`RUST_LOG`).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_logging(namespace: &Namespace, config: &Path, filter: &str) -> Result<Self> {
        let program = program()?.to_string_lossy();
        let mut command = namespace.command(&program);
        command.arg("run").arg(config).env("RUST_LOG", filter);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let log = child.stderr.take().map(Inbox::lines).unwrap_or_default();
        Ok(Self { child, log })
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// How many log lines contain a text so far.
    pub fn logged(&self, text: &str) -> usize {
        self.log
            .read(|lines| lines.iter().filter(|line| line.contains(text)).count())
    }

    /// Waits until at least that many log lines contain a text.
    ///
    /// # Errors
    ///
    /// They are not logged; the error holds the whole log.
    pub fn wait_for_log(&self, text: &str, times: usize) -> Result<()> {
        let logged = |lines: &[String]| {
            let found = lines.iter().filter(|line| line.contains(text)).count();
            (found >= times).then_some(())
        };
        self.log.wait(logged).with_context(|| {
            format!(
                "the controller did not log {text:?} {times} times, but:\n{}",
                self.log()
            )
        })
    }

    /// Waits until a bridge of a host, of any if none is named, was brought into line with the
    /// config for that many times, by start, reload or repair.
    ///
    /// # Errors
    ///
    /// That does not happen.
    pub fn wait_for_sync(&self, host: Option<&str>, bridge: &str, times: usize) -> Result<()> {
        let host = host.map(|host| format!("host=\"{host}\""));
        let named = format!("bridge=\"{bridge}\"");
        let of_bridge = |line: &&String| {
            let says = |what: &str| line.split(' ').any(|word| word == what);
            line.contains("bridge in sync") && says(&named) && host.as_deref().is_none_or(says)
        };
        let synced =
            |lines: &[String]| (lines.iter().filter(of_bridge).count() >= times).then_some(());
        self.log.wait(synced).with_context(|| {
            format!(
                "{bridge} was not in sync {times} times; the controller's log is:\n{}",
                self.log()
            )
        })
    }

    /// SIGHUP: read the config again.
    ///
    /// # Errors
    ///
    /// The controller is gone.
    pub fn reload(&self) -> Result<()> {
        self.signal(Signal::SIGHUP)
    }

    /// SIGTERM: end cleanly. Waits for the end.
    ///
    /// # Errors
    ///
    /// The controller is gone already, or does not end.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        wait::until("the end of the controller", || Ok(self.child.try_wait()?))
    }

    /// SIGKILL: end at once. Waits for the end.
    ///
    /// # Errors
    ///
    /// The controller is gone already.
    pub fn kill(mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGKILL)?;
        Ok(self.child.wait()?)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).context("the controller is gone")
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the controller ---\n{}\n---", self.log());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
