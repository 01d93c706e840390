//! Requests of those who mean no good, and of those who only type badly.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use bridgechain::api::Problem;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::run::{LIMIT, Run};

/// What is sent is answered by HTTP, or the connection is closed; never by an error of the server.
fn survive(run: &Run, request: &[u8]) -> Result<(), TestCaseError> {
    let mut socket = UnixStream::connect(run.socket()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    // The other end may have had enough already.
    let _ = socket.write_all(request);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    if socket.read_to_end(&mut answer).is_err() || answer.is_empty() {
        return Ok(());
    }
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok());
    let status = status.expect("a status");
    prop_assert!(head.starts_with("HTTP/1."), "{head}");
    prop_assert!(status < 500, "{answer}");
    if request.starts_with(b"HEAD ") {
        prop_assert!(body.is_empty(), "{answer}");
    } else if head.contains("application/problem+json") {
        let problem: Problem = serde_json::from_str(body).expect("a problem");
        prop_assert_eq!(problem.status, status);
        prop_assert!(!problem.detail.is_empty(), "{}", answer);
    } else if !body.is_empty() {
        prop_assert_eq!(status, 200, "{}", answer);
    }
    Ok(())
}

fn path() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "/v1/status",
        "/v1/hosts",
        "/v1/hosts/node1",
        "/v1/bridges",
        "/v1/ports",
        "/v1/networks",
        "/v1/networks/demo",
        "/v1/vms",
        "/v1/vms/VM-A",
        "/v1/vnics",
        "/v1/chains",
        "/v1/functions",
        "/v1/macs",
        "/v1/drops",
        "/v1/events",
        "/v1/openapi.json",
        "/metrics",
    ]);
    let name = "[ -~]{0,40}|(%[0-9a-fA-F]{2}){0,30}|\\PC{0,20}";
    prop_oneof![
        3 => known.clone().prop_map(str::to_owned),
        2 => (known, name).prop_map(|(path, name)| format!("{path}/{name}")),
        1 => name.prop_map(|name| format!("/{name}")),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let key = "network|vm|host|chain|since|run|[a-z%&=]{0,12}";
    let value = "[0-9]{0,25}|-1|NaN|node1|demo|[ -~]{0,30}|(%[0-9a-f]{2}){0,10}|[a-z]{900,1000}";
    let pairs = prop::collection::vec((key, value), 0..4);
    pairs.prop_map(|pairs| {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join("&")
    })
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let method = "GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|[A-Z]{1,12}";
    let headers = "(Accept: [ -~]{0,40}\r\n|Last-Event-ID: [ -~]{0,30}\r\n|Content-Length: [0-9]{1,9}\r\n|[A-Za-z-]{1,20}: [ -~]{0,60}\r\n){0,5}";
    let sane = (method, path(), query(), headers).prop_map(|(method, path, query, headers)| {
        format!("{method} {path}?{query} HTTP/1.0\r\n{headers}\r\n").into_bytes()
    });
    prop_oneof![
        6 => sane,
        1 => prop::collection::vec(any::<u8>(), 0..2000),
    ]
}

#[test]
fn nothing_that_is_asked_is_an_error_of_the_server() {
    let run = Run::start();
    let mut runner = TestRunner::new(Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&request(), |request| {
        // A stream does not end.
        let text = String::from_utf8_lossy(&request).to_lowercase();
        prop_assume!(!text.contains("event-stream") && !text.contains("wait="));
        survive(&run, &request)
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    run.get("/v1/status");
    assert!(!run.log().contains("panicked"), "{}", run.log());
    run.end();
}
