//! A controller that runs.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::switch::Switch;

/// How long to wait for anything; only a failure takes that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

const HOSTS: &str = "
networks: { demo: { vlan: 7 } }
hosts:
  node1: { bridges: { local: l, service: s, uplink: u }, uplinks: [eth1] }
  any: { bridges: { learning: '*' } }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo, storm_limit: 100 }] }
service_chains:
  inspect:
    networks: [demo]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
      - { name: ips, mode: inline, enabled: false, health_check: {}, instances: [{ host: node1, ingress: in, egress: out }] }
";

pub(crate) fn bridgechain(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
    command.args(args).env_remove("RUST_LOG");
    command
}

/// A running controller.
pub(crate) struct Run {
    pub(crate) child: Child,
    pub(crate) directory: TempDir,
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// Starts in a directory that was made ready, and waits until bridges can connect.
    pub(crate) fn start_in(directory: TempDir) -> Self {
        let path = directory.path().display();
        let api = format!("api: 'unix:{path}/sub/api.sock'");
        Self::start_with(directory, &api)
    }

    /// Starts with other settings of the controller.
    pub(crate) fn start_with(directory: TempDir, settings: &str) -> Self {
        let path = directory.path().display();
        let config = format!(
            "controller: {{ listen: ['unix:{path}/of.sock', 'tcp:127.0.0.1:0'], {settings} }}\n{HOSTS}"
        );
        fs::write(directory.path().join("lab.yaml"), config).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let child = bridgechain(&["run"])
            .arg(directory.path().join("lab.yaml"))
            .stderr(log)
            .spawn()
            .unwrap();
        let run = Self { child, directory };
        run.wait_for_log("API");
        run
    }

    pub(crate) fn start() -> Self {
        Self::start_in(TempDir::new().unwrap())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + LIMIT;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("sub/api.sock")
    }

    /// Where bridges can connect over TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.logged("listening on tcp:")
    }

    /// The address that is logged behind `introduction`.
    pub(crate) fn logged(&self, introduction: &str) -> SocketAddr {
        let log = self.log();
        let (_, rest) = log.split_once(introduction).unwrap();
        rest.lines().next().unwrap().trim().parse().unwrap()
    }

    /// The answer to a request: its first line, and its body.
    pub(crate) fn request(&self, request: &str) -> (String, String) {
        let (head, body) = self.exchange(request, "");
        (head.lines().next().unwrap().to_owned(), body)
    }

    /// The first line of an answer, of which no more is read.
    pub(crate) fn request_head(&self, resource: &str) -> String {
        let mut socket = UnixStream::connect(self.socket()).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        write!(socket, "GET {resource} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The head and the body of the answer to a request with further `headers`.
    pub(crate) fn exchange(&self, request: &str, headers: &str) -> (String, String) {
        let socket = UnixStream::connect(self.socket()).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        exchange(socket, request, headers)
    }

    pub(crate) fn get(&self, resource: &str) -> String {
        get(&self.socket(), resource)
    }

    /// What is at `resource`, which the switch has to be asked for.
    pub(crate) async fn get_from(&self, switch: &mut Switch, resource: &str) -> String {
        let (socket, resource) = (self.socket(), resource.to_owned());
        let mut answer = tokio::task::spawn_blocking(move || get(&socket, &resource));
        loop {
            tokio::select! {
                answer = &mut answer => return answer.unwrap(),
                _ = switch.settle() => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    /// Runs `bridgechain COMMAND CONFIG OPTIONS`.
    pub(crate) fn ask(&self, command: &str, options: &[&str]) -> Output {
        let config = self.directory.path().join("lab.yaml");
        bridgechain(&[command])
            .arg(config)
            .args(options)
            .output()
            .unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Makes it read its configuration again, for the first time.
    pub(crate) fn reload(&self) {
        self.signal(Signal::SIGHUP);
        self.wait_for_log(": reloaded");
    }

    pub(crate) fn end(mut self) -> TempDir {
        self.signal(Signal::SIGTERM);
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
        std::mem::replace(&mut self.directory, TempDir::new().unwrap())
    }
}

pub(crate) fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_owned()).unwrap()
}

/// The head and the body of the answer to a request on a connection.
pub(crate) fn exchange(
    mut socket: impl Read + Write,
    request: &str,
    headers: &str,
) -> (String, String) {
    write!(socket, "{request} HTTP/1.0\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn get(socket: &Path, resource: &str) -> String {
    let socket = UnixStream::connect(socket).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let (head, body) = exchange(socket, &format!("GET {resource}"), "");
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{body}");
    body
}
