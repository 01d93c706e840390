//! The API of a running controller, and the commands that ask it.

mod crowd;
mod documents;
mod events;
mod hostile;
mod metrics;
mod resources;
mod run;
#[path = "../loopback/switch.rs"]
#[allow(dead_code, reason = "another test does more with it")]
mod switch;
mod tcp;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use run::{Run, bridgechain, text};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn the_state_is_told_in_json_and_in_tables() {
    let run = Run::start();
    let status: Value = serde_json::from_str(&run.get("/v1/status")).unwrap();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let names: Vec<&Value> = (0..2).map(|n| &status["hosts"][n]["name"]).collect();
    assert_eq!(names, ["any", "node1"]);
    let node1 = &status["hosts"][1];
    assert_eq!(node1["bridges"][1]["name"], "s");
    assert_eq!(node1["bridges"][1]["connected"], false);
    assert_eq!(
        node1["functions"][0]["instances"][0]["health"],
        "not_checked"
    );
    let ips = &node1["functions"][1];
    assert_eq!(
        (&ips["mode"], &ips["enabled"]),
        (&"inline".into(), &false.into())
    );
    assert_eq!(ips["instances"][0]["health"], "unknown");
    assert_eq!(ips["instances"][0]["ports"][1]["name"], "out");

    let json = run.ask("status", &["--json"]);
    assert!(json.status.success());
    assert_eq!(
        serde_json::from_slice::<Value>(&json.stdout).unwrap(),
        status
    );
    let table = text(&run.ask("status", &[]).stdout);
    let line = |start: &str| {
        let line = table.lines().find(|line| line.starts_with(start));
        let words: Vec<&str> = line.unwrap_or("").split_whitespace().collect();
        words.join(" ")
    };
    assert_eq!(
        line("node1  s "),
        "node1 s service disconnected 0 0 0",
        "{table}"
    );
    assert_eq!(
        line("node1  inspect/ips"),
        "node1 inspect/ips inline, drained in in absent, out absent unknown - 0 0 -",
        "{table}"
    );
    run.end();
}

#[test]
fn metrics_and_events_are_there() {
    let run = Run::start();
    let metrics = run.get("/metrics");
    assert!(metrics.contains(&format!(
        "\nbridgechain_build_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    )));
    let function = "{host=\"node1\",chain=\"inspect\",function=\"ips\",instance=\"in\"} 1\n";
    assert!(
        metrics.contains(&format!("\nbridgechain_function_up{function}")),
        "{metrics}"
    );
    let events: Value = serde_json::from_str(&run.get("/v1/events?since=3")).unwrap();
    assert_eq!(events["events"], Value::Array(Vec::new()));
    let printed = run.ask("events", &[]);
    assert!(
        printed.status.success() && printed.stdout.is_empty(),
        "{printed:?}"
    );
    run.end();
}

#[test]
fn what_is_not_served_is_refused() {
    let run = Run::start();
    for (request, status) in [
        ("GET /", "404 Not Found"),
        ("GET /v2/status", "404 Not Found"),
        ("POST /v1/status", "405 Method Not Allowed"),
        ("GET /v1/events?since=x", "400 Bad Request"),
    ] {
        assert_eq!(
            run.request(request).0,
            format!("HTTP/1.0 {status}"),
            "{request}"
        );
    }
    run.end();
}

#[test]
fn clients_that_say_nothing_do_not_keep_others_waiting_for_long() {
    let run = Run::start();
    // More than are served at a time; they neither ask nor read.
    let silent: Vec<UnixStream> = (0..40)
        .map(|_| UnixStream::connect(run.socket()).unwrap())
        .collect();
    run.get("/v1/status");
    drop(silent);
    run.end();
}

#[test]
fn the_socket_is_for_owner_and_group_and_goes_with_the_controller() {
    let run = Run::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&run.socket()) & !0o660, 0);
    assert_eq!(mode(run.socket().parent().unwrap()) & !0o750, 0);
    let socket = run.socket();
    let _directory = run.end();
    assert!(!socket.exists());
}

#[test]
fn a_socket_is_replaced_only_if_nobody_answers_there() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sub/api.sock");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    let run = Run::start_in(directory);
    assert!(run.log().contains("no API"), "{}", run.log());
    run.wait_for_log("listening on");
    let directory = run.end();
    assert!(path.exists(), "the socket of another process was removed");
    // What a killed process leaves behind.
    drop(other);
    let run = Run::start_in(directory);
    run.get("/v1/status");
    run.end();
}

#[test]
fn without_a_directory_for_the_socket_the_controller_does_its_work() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("sub"), "in the way").unwrap();
    let run = Run::start_in(directory);
    assert!(run.log().contains("WARN"), "{}", run.log());
    assert!(run.log().contains("no API"), "{}", run.log());
    UnixStream::connect(run.directory.path().join("of.sock")).unwrap();
    run.end();
}

#[test]
fn without_a_controller_the_commands_say_so() {
    let directory = TempDir::new().unwrap();
    let api = format!("unix:{}/api.sock", directory.path().display());
    for command in ["status", "events"] {
        let output = bridgechain(&[command, "--api", &api]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let message = text(&output.stderr);
        assert!(
            message.starts_with(&format!("bridgechain: no controller answers at {api}: ")),
            "{message}"
        );
    }
    // Somebody listens who is no controller.
    let listener = UnixListener::bind(directory.path().join("api.sock")).unwrap();
    let answering = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        assert!(socket.read(&mut request).unwrap() > 0);
        socket.write_all(b"hello\n").unwrap();
    });
    let output = bridgechain(&["status", "--api", &api]).output().unwrap();
    answering.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("HTTP"),
        "{}",
        text(&output.stderr)
    );
    // A mistake in the arguments.
    let output = bridgechain(&["status", "--api", "ssl:127.0.0.1:1"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
