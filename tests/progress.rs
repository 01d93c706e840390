//! Who waits at a terminal sees what for; nobody else does.

#[allow(dead_code, reason = "another test does more with it")]
mod terminal;

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;
use terminal::Terminal;

fn bridgechain(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
    command.args(arguments);
    command
}

/// A proof that takes more than a moment.
const PROOF: [&str; 2] = ["prove", "configs/uplinks.yaml"];

#[test]
fn a_proof_shows_how_far_it_is() {
    let mut terminal = Terminal::run(bridgechain(&PROOF), Some(Stdio::null()));
    let status = terminal.end();
    let seen = &terminal.seen;
    assert!(seen.contains("proving host node1, states ["), "{seen:?}");
    assert_eq!(status, Some(0), "{seen:?}");
    // A program that reads from it is told nothing else.
    let json = bridgechain(&[&PROOF[..], &["--json"]].concat());
    let mut terminal = Terminal::run(json, Some(Stdio::null()));
    let status = terminal.end();
    assert_eq!((&*terminal.seen, status), ("", Some(0)));
    let output = bridgechain(&PROOF).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn apply_waits_for_a_controller_by_its_name() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("api.sock");
    let api = format!("unix:{}", socket.display());
    let listener = UnixListener::bind(&socket).unwrap();
    let arguments = ["apply", "configs/complete.yaml", "--api", &api];
    let mut terminal = Terminal::run(bridgechain(&arguments), None);
    // It answers only when it was seen that somebody waits for it.
    let waiting = format!("waiting for the controller at {api}");
    terminal.wait_for("spinner", |seen| seen.contains(&waiting));
    let (mut socket, _) = listener.accept().unwrap();
    let mut request = [0; 1024];
    assert!(socket.read(&mut request).unwrap() > 0);
    socket.write_all(b"hello").unwrap();
    drop(socket);
    assert_eq!(terminal.end(), Some(1));
    let seen = &terminal.seen;
    assert!(seen.contains("does not speak HTTP"), "{seen:?}");
}

#[test]
fn doctor_waits_for_open_vswitch() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    mkfifo(&path("answer"), Mode::S_IRWXU).unwrap();
    let script = format!("#!/bin/sh\nexec cat {}\n", path("answer").display());
    fs::write(path("ovs-vsctl"), script).unwrap();
    fs::set_permissions(path("ovs-vsctl"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = bridgechain(&["doctor"]);
    command.env(
        "PATH",
        format!("{}:/usr/bin:/bin", directory.path().display()),
    );
    let mut terminal = Terminal::run(command, None);
    terminal.wait_for("spinner", |seen| seen.contains("asking Open vSwitch"));
    // Without an answer there is none to show.
    drop(OpenOptions::new().write(true).open(path("answer")).unwrap());
    assert_eq!(terminal.end(), Some(1));
}

#[test]
fn trace_waits_for_the_bridges() {
    let directory = TempDir::new().unwrap();
    let rundir = directory.path().to_str().unwrap();
    let config = "configs/no-service.yaml";
    let bridge = UnixListener::bind(directory.path().join("br0.local.mgmt")).unwrap();
    let arguments = [
        "trace",
        config,
        "--from",
        "VM-A",
        "--to",
        "broadcast",
        "--live",
        "--ovs-rundir",
        rundir,
    ];
    let mut terminal = Terminal::run(bridgechain(&arguments), None);
    terminal.wait_for("spinner", |seen| {
        seen.contains("reading the bridges of node1")
    });
    // It hangs up, as it was asked.
    let hanging_up = thread::spawn(move || drop(bridge.accept().unwrap()));
    hanging_up.join().unwrap();
    assert_eq!(terminal.end(), Some(1));
}
