//! Clients that are slow, silent or many, and the answers that others get nevertheless.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{LIMIT, Run, exchange};
use crate::tcp::{SECRET, start};

/// What an answer may take in a crowd.
const PROMPT: Duration = Duration::from_secs(4);

/// A request whose end does not come.
const SLOW_PUT: &str =
    "PUT /v1/config HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nContent-Length: 9000\r\n";

/// Where a crowd gathers.
#[derive(Clone, Copy)]
enum Place<'r> {
    Unix(&'r Run),
    Tcp(SocketAddr),
}

/// One of a crowd.
enum Client {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Place<'_> {
    /// A client that has said this, and says no more.
    fn client(self, said: &str) -> Client {
        let mut client = match self {
            Self::Unix(run) => Client::Unix(UnixStream::connect(run.socket()).unwrap()),
            Self::Tcp(address) => Client::Tcp(TcpStream::connect(address).unwrap()),
        };
        // It may have had to go by now.
        let _ = match &mut client {
            Client::Unix(socket) => socket.write_all(said.as_bytes()),
            Client::Tcp(socket) => socket.write_all(said.as_bytes()),
        };
        client
    }

    fn crowd(self, number: usize, said: &str) -> Vec<Client> {
        (0..number).map(|_| self.client(said)).collect()
    }

    fn headers(self) -> String {
        match self {
            Self::Unix(_) => String::new(),
            Self::Tcp(_) => format!("Authorization: Bearer {SECRET}\r\n"),
        }
    }

    /// The answer to a request with further `headers`, and that it comes soon.
    fn ask(self, request: &str, headers: &str) -> (String, String) {
        let began = Instant::now();
        let headers = self.headers() + headers;
        let (head, body) = match self.client("") {
            Client::Unix(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                exchange(socket, request, &headers)
            }
            Client::Tcp(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                exchange(socket, request, &headers)
            }
        };
        assert!(began.elapsed() < PROMPT, "{request}: {:?}", began.elapsed());
        (head.to_lowercase(), body)
    }

    fn answers(self) {
        let (head, body) = self.ask("GET /v1/status", "");
        assert!(head.starts_with("http/1.0 200 ok"), "{head}: {body}");
    }
}

impl Client {
    /// Whether the other end has ended this, without a word.
    fn is_ended(&mut self) -> bool {
        let mut byte = [0];
        let read = match self {
            Self::Unix(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                socket.read(&mut byte)
            }
            Self::Tcp(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                socket.read(&mut byte)
            }
        };
        matches!(read, Ok(0))
            || read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    }
}

/// A request with all its headers, which is not the last word of one who asks for more at once.
fn get(place: Place<'_>, resource: &str) -> String {
    format!(
        "GET {resource} HTTP/1.1\r\nHost: x\r\n{}\r\n",
        place.headers()
    )
}

/// All kinds of clients at once, most of them more than there is room for.
fn besiege(place: Place<'_>) {
    let mut crowd = place.crowd(150, "");
    place.answers();
    crowd.extend(place.crowd(150, "GET /v1/status HTTP/1.1\r\nHost"));
    place.answers();
    crowd.extend(place.crowd(40, &get(place, "/v1/events?wait=30&since=99")));
    crowd.extend(place.crowd(40, &get(place, "/v1/events/stream")));
    place.answers();
    let put = format!("{SLOW_PUT}{}\r\nnetworks:", place.headers());
    crowd.extend(place.crowd(40, &put));
    place.answers();
    crowd.extend(place.crowd(40, &get(place, "/v1/config")));
    place.answers();
    crowd.extend(place.crowd(150, ""));
    place.answers();
    drop(crowd);
}

/// Makes the configuration so long that nobody can have it all who does not read.
fn lengthen(run: &Run) {
    let path = run.directory.path().join("lab.yaml");
    let comment = format!("# {}\n", "x".repeat(400 << 10));
    fs::write(&path, fs::read_to_string(&path).unwrap() + &comment).unwrap();
}

#[test]
fn a_crowd_at_the_socket_keeps_nobody_waiting() {
    let run = Run::start();
    lengthen(&run);
    besiege(Place::Unix(&run));
    run.end();
}

#[test]
fn a_crowd_over_tcp_keeps_nobody_waiting() {
    let (run, address) = start("");
    lengthen(&run);
    // Most of them do not know the token, and some do.
    let mut strangers = Vec::new();
    for _ in 0..150 {
        strangers.push(TcpStream::connect(address).unwrap());
    }
    besiege(Place::Tcp(address));
    drop(strangers);
    run.end();
}

#[test]
fn of_those_who_say_nothing_the_first_has_to_go() {
    let run = Run::start();
    let place = Place::Unix(&run);
    let mut crowd = place.crowd(200, "");
    let last = crowd.pop();
    let began = Instant::now();
    assert!(crowd[0].is_ended());
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "it had to wait for the time limit"
    );
    let Some(Client::Unix(mut last)) = last else {
        unreachable!()
    };
    let (head, _) = {
        last.set_read_timeout(Some(LIMIT)).unwrap();
        exchange(&mut last, "GET /v1/status", "")
    };
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
    run.end();
}

#[test]
fn those_who_wait_for_events_have_a_limit_of_their_own() {
    let run = Run::start();
    let place = Place::Unix(&run);
    let wait = get(place, "/v1/events?wait=30&since=99");
    let mut crowd = place.crowd(32, &wait);
    crowd.extend(place.crowd(32, &get(place, "/v1/events/stream")));
    place.answers();
    // The last of them may not have been heard yet.
    let deadline = Instant::now() + LIMIT;
    for resource in ["GET /v1/events?wait=1&since=99", "GET /v1/events/stream"] {
        let (head, body) = loop {
            // This one may be in before the last of them, for a second; another takes its place.
            let mut one = UnixStream::connect(run.socket()).unwrap();
            one.set_read_timeout(Some(LIMIT)).unwrap();
            write!(one, "{resource} HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = [0; 2000];
            let length = one.read(&mut answer).unwrap();
            let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
            if answer.starts_with("HTTP/1.0 503") {
                break answer
                    .split_once("\r\n\r\n")
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .unwrap();
            }
            assert!(Instant::now() < deadline, "{answer}");
            crowd.push(place.client(&wait));
        };
        assert!(head.contains("retry-after: 5"), "{head}");
        assert!(body.contains("64 clients follow events already"), "{body}");
    }
    // Where nobody has to wait for anything, no place is taken.
    let (head, _) = place.ask("GET /v1/events?wait=0", "");
    assert!(head.starts_with("http/1.0 200 ok"), "{head}");
    drop(crowd);
    run.end();
}

#[test]
fn a_text_is_put_though_others_do_not_send_theirs_to_the_end() {
    let run = Run::start();
    let place = Place::Unix(&run);
    let text = fs::read_to_string(run.directory.path().join("lab.yaml")).unwrap();
    let crowd = place.crowd(40, &format!("{SLOW_PUT}\r\nnetworks:"));
    let headers = format!(
        "If-Match: *\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    let began = Instant::now();
    let (head, body) = run.exchange("PUT /v1/config?dry_run=true", &headers);
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}: {body}");
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    drop(crowd);
    run.end();
}

#[test]
fn many_who_ask_at_once_are_all_answered() {
    let run = Run::start();
    let place = Place::Unix(&run);
    thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| place.answers());
        }
    });
    run.end();
}

#[test]
fn a_text_that_is_too_long_is_refused_before_it_is_sent() {
    let run = Run::start();
    let headers = format!("If-Match: *\r\nContent-Length: {}\r\n", 100 << 20);
    let (head, body) = run.exchange("PUT /v1/config", &headers);
    assert!(head.starts_with("HTTP/1.0 413 "), "{head}");
    assert!(body.contains("longer than 16 MiB"), "{body}");
    // One that does not say how long it is.
    let mut socket = UnixStream::connect(run.socket()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let head =
        "PUT /v1/config HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let chunk = format!("100000\r\n{}\r\n", "#".repeat(1 << 20));
    while socket.write_all(chunk.as_bytes()).is_ok() {}
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("longer than 16 MiB"), "{answer}");
    run.end();
}
