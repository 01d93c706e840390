//! The stream of events.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{LIMIT, Run, bridgechain};
use crate::switch::Switch;

/// How many events are kept.
const KEPT: u64 = 1024;

/// A client of the stream.
struct Client {
    lines: std::io::Lines<BufReader<UnixStream>>,
}

/// What a stream has said: its `event`, the number in its `id`, and its `data`.
#[derive(Debug, PartialEq)]
struct Said {
    kind: String,
    id: Option<u64>,
    data: Value,
    /// All of its `id`.
    whole_id: Option<String>,
}

impl Client {
    fn new(run: &Run, resource: &str, headers: &str) -> Self {
        let mut socket = UnixStream::connect(run.socket()).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        write!(
            socket,
            "GET {resource} HTTP/1.1\r\nHost: x\r\n{headers}\r\n"
        )
        .unwrap();
        let mut lines = BufReader::new(socket).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "HTTP/1.1 200 OK");
        let mut kind = None;
        while let Some(line) = lines
            .next()
            .map(Result::unwrap)
            .filter(|line| !line.is_empty())
        {
            kind = kind.or(line.strip_prefix("content-type: ").map(str::to_owned));
        }
        assert_eq!(kind.as_deref(), Some("text/event-stream"));
        Self { lines }
    }

    /// What comes next. Lines without a colon are the lengths of chunks.
    fn next(&mut self) -> Option<Said> {
        let (mut kind, mut whole_id, mut data) = (None, None, None);
        for line in self.lines.by_ref() {
            let line = line.ok()?;
            match line.split_once(": ") {
                Some(("event", it)) => kind = Some(it.to_owned()),
                Some(("id", it)) => whole_id = Some(it.to_owned()),
                Some(("data", it)) => data = Some(serde_json::from_str(it).unwrap()),
                _ if data.is_some() => break,
                _ => {}
            }
        }
        let (kind, data) = kind.zip(data)?;
        let id = whole_id.as_ref().map(|id: &String| {
            let (_, number) = id.split_once('-').unwrap();
            number.parse().unwrap()
        });
        Some(Said {
            kind,
            id,
            data,
            whole_id,
        })
    }

    /// The next event whose kind is `kind`.
    fn next_of(&mut self, kind: &str) -> Said {
        loop {
            let said = self.next().expect("the stream goes on");
            if said.kind == kind {
                return said;
            }
        }
    }
}

/// A bridge that any host takes, in sync.
async fn bridge(run: &Run) -> Switch {
    let mut switch = Switch::new(0xa1, "br-any", &["p1"]);
    switch.connect(run.address()).await;
    switch.settle().await;
    switch
}

#[tokio::test]
async fn several_clients_follow_what_happens_and_resume_where_they_were() {
    let run = Run::start();
    let mut clients = [
        Client::new(&run, "/v1/events/stream", ""),
        Client::new(&run, "/v1/events", "Accept: text/event-stream\r\n"),
    ];
    let mut switch = bridge(&run).await;
    switch.add_port(7, "new").await;
    let mut last = Vec::new();
    for client in &mut clients {
        let run = client.next().unwrap();
        assert_eq!((&*run.kind, run.id), ("run", None));
        let mut seen = 0;
        loop {
            let said = client.next().unwrap();
            assert_eq!(said.id, Some(seen + 1), "{said:?}");
            assert_eq!(said.data["sequence"], seen + 1);
            assert_eq!(said.data["happening"]["kind"], *said.kind);
            seen += 1;
            if said.kind == "port_added" {
                assert_eq!(said.data["happening"]["subject"], "new");
                break;
            }
        }
        last.push(seen);
    }
    assert_eq!(last[0], last[1]);
    let last = last[0];
    switch.add_port(8, "newer").await;
    let headers = format!("Last-Event-ID: {last}\r\n");
    let resumed = [
        Client::new(&run, &format!("/v1/events/stream?since={last}"), ""),
        Client::new(&run, "/v1/events/stream?since=1", &headers),
    ];
    for mut client in resumed {
        assert_eq!(client.next().unwrap().kind, "run");
        let said = client.next().unwrap();
        assert_eq!(
            (said.id, &said.data["happening"]["subject"]),
            (Some(last + 1), &"newer".into())
        );
    }
    run.end();
}

#[tokio::test]
async fn a_gap_is_announced() {
    let run = Run::start();
    let mut switch = bridge(&run).await;
    let count = KEPT as u32 + 100;
    for number in 0..count {
        switch.add_port(100 + number, &format!("p{number}")).await;
        if number % 64 == 0 {
            switch.settle().await;
        }
    }
    switch.settle().await;
    let mut client = Client::new(&run, "/v1/events/stream?since=1", "");
    let first = client.next().unwrap();
    assert_eq!(first.kind, "run");
    let last = first.data["last"].as_u64().unwrap();
    let gap = client.next().unwrap();
    assert_eq!((&*gap.kind, gap.id), ("gap", None));
    assert_eq!(gap.data["missed"].as_u64(), Some(last - KEPT - 1));
    assert_eq!(client.next().unwrap().id, Some(last - KEPT + 1));
    // What was known of another run says nothing about this one.
    for query in ["since=999999", "since=1&run=1.5"] {
        let mut client = Client::new(&run, &format!("/v1/events/stream?{query}"), "");
        assert_eq!(client.next().unwrap().kind, "run", "{query}");
        let gap = client.next().unwrap();
        assert_eq!(
            (&*gap.kind, &gap.data["missed"]),
            ("gap", &Value::Null),
            "{query}"
        );
    }
    run.end();
}

/// A client of the standard kind comes back with the id of the last event, and says nothing else.
#[tokio::test]
async fn an_id_says_which_run_it_is_of() {
    let run = Run::start();
    let mut switch = bridge(&run).await;
    switch.add_port(7, "new").await;
    let mut client = Client::new(&run, "/v1/events/stream", "");
    let began = client.next_of("run").data["run"].as_f64().unwrap();
    let first = client.next().unwrap();
    let id = first.whole_id.unwrap();
    let (of_run, number) = id.split_once('-').unwrap();
    // Read again, either may differ in the last digit.
    assert!(
        (of_run.parse::<f64>().unwrap() - began).abs() < 0.001,
        "{id}"
    );
    assert_eq!(number, "1");
    assert_eq!(first.data["sequence"], 1);
    let of_first = format!("Last-Event-ID: {id}\r\n");

    // It goes before what the address says, which may be of an earlier run.
    for resource in [
        "/v1/events/stream",
        "/v1/events/stream?since=999&run=1.5",
        "/v1/events/stream?run=1.5",
    ] {
        let mut client = Client::new(&run, resource, &of_first);
        assert_eq!(client.next().unwrap().kind, "run", "{resource}");
        assert_eq!(client.next().unwrap().id, Some(2), "{resource}");
    }
    // Only a number is of the run that is said otherwise.
    let plain = "Last-Event-ID: 1\r\n";
    let mut client = Client::new(&run, "/v1/events/stream?run=1.5", plain);
    assert_eq!(client.next().unwrap().kind, "run");
    assert_eq!(client.next().unwrap().kind, "gap");

    // As many happen after a restart: the number alone would pass for one of these.
    let run = Run::start_in(run.end());
    let mut switch = bridge(&run).await;
    switch.add_port(7, "new").await;
    let mut client = Client::new(&run, "/v1/events/stream", &of_first);
    assert_eq!(client.next().unwrap().kind, "run");
    let gap = client.next().unwrap();
    assert_eq!((&*gap.kind, &gap.data["missed"]), ("gap", &Value::Null));
    assert_eq!(client.next().unwrap().id, Some(1));
    run.end();
}

#[tokio::test]
async fn clients_that_do_not_read_hold_up_nobody() {
    let run = Run::start();
    let mut switch = bridge(&run).await;
    // More than there are requests at a time; each is a stream, and not one of these then.
    let mut slow: Vec<Client> = (0..40)
        .map(|_| Client::new(&run, "/v1/events/stream", ""))
        .collect();
    let mut quick = Client::new(&run, "/v1/events/stream", "");
    for number in 0..8000 {
        switch
            .add_port(100 + number % 500, &format!("p{number}"))
            .await;
        if number % 64 == 0 {
            switch.settle().await;
        }
    }
    switch.settle().await;
    run.get("/v1/status");
    let end = loop {
        let said = quick.next_of("port_added");
        if said.data["happening"]["subject"] == "p7999" {
            break said.id;
        }
    };
    // One that reads at last gets what is left, and hears of the rest.
    let behind = slow.last_mut().unwrap();
    let mut gaps = 0;
    loop {
        let said = behind.next().unwrap();
        gaps += u64::from(said.kind == "gap");
        if said.id == end {
            break;
        }
    }
    assert!(gaps > 0, "it can not have been given all of them");
    run.end();
}

#[test]
fn no_more_clients_follow_than_there_is_room_for() {
    let run = Run::start();
    let clients: Vec<Client> = (0..64)
        .map(|_| Client::new(&run, "/v1/events/stream", ""))
        .collect();
    let (status, body) = run.request("GET /v1/events/stream");
    assert_eq!(status, "HTTP/1.0 503 Service Unavailable");
    assert!(body.contains("64 clients follow events already"), "{body}");
    drop(clients);
    let deadline = Instant::now() + LIMIT;
    while run.request_head("/v1/events/stream") != "HTTP/1.1 200 OK" {
        assert!(Instant::now() < deadline, "the room is given back");
    }
    run.end();
}

/// `bridgechain events --follow`, with what it prints line by line.
fn follow(run: &Run) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = bridgechain(&["events", "--follow"])
        .arg(run.directory.path().join("lab.yaml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines.map(Result::unwrap))
}

#[tokio::test]
async fn the_command_follows_across_a_restart_of_the_controller() {
    let run = Run::start();
    let mut switch = bridge(&run).await;
    let (mut child, mut lines) = follow(&run);
    let first = lines.next().unwrap();
    assert!(
        first.trim_start().starts_with("1 ") && first.contains("bridge connected"),
        "{first}"
    );
    switch.add_port(7, "new").await;
    assert!(lines.any(|line| line.contains("new: port added")));
    let directory: TempDir = run.end();
    let errors = child.stderr.take().unwrap();
    let errors = thread::spawn(move || {
        let lines = BufReader::new(errors).lines().map(Result::unwrap);
        lines.collect::<Vec<String>>()
    });
    let run = Run::start_in(directory);
    let _switch = bridge(&run).await;
    let next = lines.next().unwrap();
    assert!(
        next.trim_start().starts_with("1 ") && next.contains("bridge connected"),
        "{next}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let errors = errors.join().unwrap();
    let own = errors
        .iter()
        .filter(|line| line.starts_with("bridgechain: "));
    let own: Vec<&String> = own.collect();
    assert!(own[0].contains("the controller is gone"), "{errors:?}");
    assert!(own[1].contains("has started anew"), "{errors:?}");
    run.end();
}
