//! The API over TCP, and metrics on an address of their own.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{LIMIT, Run, bridgechain, exchange, text};

pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// A controller with its API over TCP, and where that is.
pub(crate) fn start(metrics: &str) -> (Run, SocketAddr) {
    let directory = TempDir::new().unwrap();
    let token = directory.path().join("token");
    fs::write(&token, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let settings = format!(
        "api: 'tcp:127.0.0.1:0', api_token_file: '{}'{metrics}",
        token.display()
    );
    let run = Run::start_with(directory, &settings);
    let address = run.logged("the API is served on tcp:");
    (run, address)
}

fn get(address: SocketAddr, resource: &str, headers: &str) -> (String, String) {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let (head, body) = exchange(socket, &format!("GET {resource}"), headers);
    (head.to_lowercase(), body)
}

#[test]
fn nothing_is_told_without_the_token() {
    let (run, address) = start("");
    let (missing, other) = ("there is no token: expected", "the token is another one");
    for (headers, said) in [
        ("", missing),
        (
            "Authorization: Basic correct-horse-battery-staple\r\n",
            missing,
        ),
        ("Authorization: correct-horse-battery-staple\r\n", missing),
        (
            "Authorization: Bearer correct-horse-battery-stapl\r\n",
            other,
        ),
        (
            "Authorization: Bearer correct-horse-battery-staple-too\r\n",
            other,
        ),
    ] {
        for resource in [
            "/v1/status",
            "/metrics",
            "/v1/openapi.json",
            "/v1/events/stream",
            "/nothing",
        ] {
            let (head, body) = get(address, resource, headers);
            assert!(
                head.starts_with("http/1.0 401 unauthorized"),
                "{resource}: {head}"
            );
            let challenge = match said == other {
                true => "www-authenticate: bearer error=\"invalid_token\"\r\n",
                false => "www-authenticate: bearer\r\n",
            };
            assert!((head + "\r\n").contains(challenge), "{body}");
            assert!(
                body.contains(said) && body.contains("api_token_file"),
                "{body}"
            );
            assert!(!body.contains(SECRET), "{body}");
        }
    }
    let right = format!("Authorization: Bearer {SECRET}\r\n");
    for resource in ["/v1/status", "/metrics", "/v1/openapi.json"] {
        let (head, _) = get(address, resource, &right);
        assert!(head.starts_with("http/1.0 200 ok"), "{resource}: {head}");
    }
    assert!(!run.log().contains(SECRET));
    run.end();
}

#[test]
fn a_token_is_changed_while_the_controller_runs() {
    const NEW: &str = "another-horse-another-staple";
    let (run, address) = start("");
    let file = run.directory.path().join("token");
    let answers = |secret: &str, status: &str| {
        let headers = format!("Authorization: Bearer {secret}\r\n");
        let deadline = Instant::now() + LIMIT;
        loop {
            let (head, body) = get(address, "/v1/status", &headers);
            if head.starts_with(&format!("http/1.0 {status}")) {
                break;
            }
            assert!(Instant::now() < deadline, "{head}: {body}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    answers(SECRET, "200");
    answers(NEW, "401");
    fs::write(&file, NEW).unwrap();
    answers(NEW, "200");
    answers(SECRET, "401");
    run.wait_for_log("the token of the API is another one now");
    // What is no token changes nothing, and is said once.
    fs::write(&file, "short").unwrap();
    let complaint = "the token before stays in force: ";
    let deadline = Instant::now() + LIMIT;
    while !run.log().contains(complaint) {
        assert!(Instant::now() < deadline, "{}", run.log());
        answers(NEW, "200");
    }
    answers(SECRET, "401");
    fs::write(&file, SECRET).unwrap();
    answers(SECRET, "200");
    answers(NEW, "401");
    let log = run.log();
    assert_eq!(log.matches(complaint).count(), 1, "{log}");
    assert!(log.contains("holds no token"), "{log}");
    assert!(!log.contains(SECRET) && !log.contains(NEW), "{log}");
    run.end();
}

#[test]
fn commands_show_the_token_of_the_configuration_or_of_a_file() {
    let (run, address) = start("");
    let api = format!("tcp:{address}");
    let token = run.directory.path().join("token").display().to_string();
    let arguments = [
        "status",
        "--json",
        "--api",
        &api,
        "--api-token-file",
        &token,
    ];
    let output = bridgechain(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["hosts"][1]["name"], "node1");

    let output = bridgechain(&["status", "--api", &api]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("takes a token: name its file by --api-token-file"),
        "{said}"
    );

    fs::write(
        run.directory.path().join("other"),
        "some-other-secret-of-mine",
    )
    .unwrap();
    let other = run.directory.path().join("other").display().to_string();
    let arguments = ["status", "--api", &api, "--api-token-file", &other];
    let output = bridgechain(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("401 Unauthorized"));

    // The configuration names both; here the port is the one that the system chose.
    let config = fs::read_to_string(run.directory.path().join("lab.yaml")).unwrap();
    let config = config.replace("api: 'tcp:127.0.0.1:0'", &format!("api: '{api}'"));
    let path = run.directory.path().join("client.yaml");
    fs::write(&path, config).unwrap();
    let output = bridgechain(&["status", "--json"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    run.end();
}

#[test]
fn without_a_fit_token_there_is_no_api_over_tcp() {
    for (token, said) in [
        (
            Some("short\n"),
            "holds no token: expected one line of at least 16",
        ),
        (None, "cannot read the token from"),
    ] {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("token");
        if let Some(token) = token {
            fs::write(&file, token).unwrap();
        }
        let settings = format!(
            "api: 'tcp:127.0.0.1:0', api_token_file: '{}'",
            file.display()
        );
        let run = Run::start_with(directory, &settings);
        let log = run.log();
        assert!(log.contains("no API") && log.contains(said), "{log}");
        run.end();
    }
}

#[test]
fn a_token_that_all_may_read_is_warned_of() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, SECRET).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let settings = format!(
        "api: 'tcp:127.0.0.1:0', api_token_file: '{}'",
        file.display()
    );
    let run = Run::start_with(directory, &settings);
    assert!(
        run.log()
            .contains("everybody on this machine can read the token")
    );
    run.end();
}

#[test]
fn metrics_alone_are_told_to_all_on_their_address() {
    let (run, _) = start(", metrics: 'tcp:127.0.0.1:0'");
    run.wait_for_log("metrics are served on tcp:");
    let address = run.logged("metrics are served on tcp:");
    let (head, body) = get(address, "/metrics", "");
    assert!(head.starts_with("http/1.0 200 ok"), "{head}");
    assert!(body.contains("bridgechain_build_info"), "{body}");
    for resource in ["/v1/status", "/v1/openapi.json", "/"] {
        let (head, body) = get(address, resource, "");
        assert!(head.starts_with("http/1.0 404 "), "{resource}: {head}");
        // The document is not there.
        assert!(body.contains("; GET /metrics is all there is"), "{body}");
    }
    run.end();
}
