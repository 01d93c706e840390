//! `bridgechain run` as a process: signals, exit status, log.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long to wait for anything; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(10);

/// A running controller with a configuration of its own.
struct Run {
    child: Child,
    log: Receiver<String>,
    directory: TempDir,
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    fn start(options: &[&str], config: impl Fn(&str) -> String) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("of.sock");
        let file = directory.path().join("lab.yaml");
        fs::write(&file, config(socket.to_str().unwrap())).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
            .arg("run")
            .arg(file)
            .args(options)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Nobody may be interested any more.
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            log,
            directory,
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("of.sock")
    }

    fn configure(&self, config: &str) {
        fs::write(self.directory.path().join("lab.yaml"), config).unwrap();
    }

    /// The next log line that contains `text`; those before it are skipped.
    fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        let mut before = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("{text:?} is not logged ({error}), but {before:#?}"),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end; the rest of the log with it.
    fn end(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + LIMIT;
        let mut rest = Vec::new();
        // The log ends when the process does.
        while let Ok(line) = self
            .log
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            rest.push(line);
        }
        assert!(Instant::now() < deadline, "it does not end: {rest:#?}");
        (self.child.wait().unwrap(), rest.join("\n"))
    }
}

/// With the API beside the socket of the same run.
fn any(listen: &str, socket: &str) -> String {
    format!(
        "controller: {{ listen: ['{listen}'], api: 'unix:{socket}.api' }}\nhosts: {{ any: {{ bridges: {{ learning: '*' }} }} }}\n"
    )
}

fn on_socket(socket: &str) -> String {
    any(&format!("unix:{socket}"), socket)
}

#[test]
fn it_ends_cleanly_when_told_to() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut run = Run::start(&[], on_socket);
        let line = run.wait_for("listening on ");
        assert!(
            line.ends_with(&format!("listening on unix:{}", run.socket().display())),
            "{line}"
        );
        assert!(run.socket().exists());
        run.signal(signal);
        let (status, rest) = run.end();
        assert_eq!(status.code(), Some(0), "{rest}");
        assert!(rest.contains(signal.as_str()), "{rest}");
        assert!(!run.socket().exists());
    }
}

#[test]
fn a_reload_follows_a_good_file_and_refuses_a_bad_one() {
    let mut run = Run::start(&[], on_socket);
    run.wait_for("listening on ");
    let good = on_socket(run.socket().to_str().unwrap());

    run.configure(&format!("{good}netwroks: {{}}\nvmz: {{}}\n"));
    run.signal(Signal::SIGHUP);
    run.wait_for("netwroks");
    run.wait_for("vmz");
    run.wait_for("not reloaded");

    run.configure(&format!("{good}networks: {{ blue: {{ vlan: 10 }} }}\n"));
    run.signal(Signal::SIGHUP);
    let line = run.wait_for("reloaded");
    assert!(line.contains("hosts=1 networks=1"), "{line}");

    run.configure(&on_socket("/nonexistent/of.sock"));
    run.signal(Signal::SIGHUP);
    run.wait_for("takes a restart");
    run.wait_for("reloaded");

    run.signal(Signal::SIGTERM);
    assert_eq!(run.end().0.code(), Some(0));
}

#[test]
fn a_crowd_of_silent_peers_does_not_keep_a_bridge_waiting() {
    let mut run = Run::start(&[], on_socket);
    run.wait_for("listening on ");
    let connect = || UnixStream::connect(run.socket()).unwrap();
    // More than there are places for, by so many that no handshake that takes too long frees one
    // for the bridge within the time to wait.
    let crowd: Vec<UnixStream> = (0..600).map(|_| connect()).collect();
    let mut bridge = connect();
    bridge.set_read_timeout(Some(LIMIT)).unwrap();
    bridge.write_all(&[4, 0, 0, 8, 0, 0, 0, 1]).unwrap();
    let mut answer = [0; 16 + 8];
    bridge
        .read_exact(&mut answer)
        .expect("the bridge is answered in time");
    // Behind a HELLO with a bitmap of versions.
    assert_eq!(answer[16..18], [4, 5], "FEATURES_REQUEST");

    let line = run.wait_for("the oldest gave way");
    assert!(line.contains("limit=256"), "{line}");
    drop(crowd);
    run.signal(Signal::SIGTERM);
    assert_eq!(run.end().0.code(), Some(0));
}

#[test]
fn an_endpoint_that_is_taken_is_an_error() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp:{}", other.local_addr().unwrap());
    let (status, log) = Run::start(&[], |socket| any(&taken, socket)).end();
    assert_eq!(status.code(), Some(1));
    let message = format!("bridgechain: cannot listen on {taken}: another process does");
    assert!(log.contains(&message), "{log}");
}

#[test]
fn a_bad_configuration_is_an_error_with_all_its_mistakes() {
    let (status, log) = Run::start(&[], |socket| on_socket(socket) + "a: 1\nb: 2\n").end();
    assert_eq!(status.code(), Some(1));
    assert!(
        log.contains("lab.yaml:3:1:") && log.contains("lab.yaml:4:1:"),
        "{log}"
    );
}

#[test]
fn the_log_can_be_json() {
    let mut run = Run::start(&["--log-format", "json"], on_socket);
    let line = run.wait_for("listening on ");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "INFO");
    run.signal(Signal::SIGTERM);
    let (_, rest) = run.end();
    for line in rest.lines() {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "{line}"
        );
    }
}
