//! Asks the running controller through its API.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bridgechain::api::{Problem, Token};
use bridgechain::environment;
use bridgechain::topology::{Controller, Endpoint};
use serde::de::DeserializeOwned;

use super::inputs;
use super::progress::Progress;

/// How long to wait for an answer.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// What an answer may be long: it is not expected to be from somebody else.
pub(super) const LONGEST: u64 = 256 << 20;

/// Where the running controller is to be found.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The configuration file (YAML) of the controller, which says where its API is
    config: Option<PathBuf>,
    /// Where its API is, unix:PATH or tcp:IP:PORT. Without this it is where CONFIG says, or else
    /// BRIDGECHAIN_API in the environment, or else unix:/run/bridgechain/api.sock
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "config", value_parser = endpoint)]
    api: Option<Endpoint>,
    /// The file with the token that tcp:IP:PORT takes
    #[arg(long, value_name = "FILE", requires = "api")]
    api_token_file: Option<PathBuf>,
}

pub(super) fn endpoint(text: &str) -> Result<Endpoint, String> {
    let expected =
        || "expected unix:PATH or tcp:IP:PORT, such as unix:/run/bridgechain/api.sock".to_owned();
    match text.split_once(':') {
        Some(("unix", path)) if !path.is_empty() => Ok(Endpoint::Unix(path.into())),
        Some(("tcp", rest)) => rest.parse().map(Endpoint::Tcp).map_err(|_| expected()),
        _ => Err(expected()),
    }
}

/// The API of a controller.
pub(super) struct Client {
    endpoint: Endpoint,
    token: Option<Token>,
    /// How long to wait for an answer that is not said to take longer.
    pub(super) limit: Duration,
}

impl Client {
    /// The controller that the arguments name; `None` where their configuration has mistakes.
    pub(super) fn new(place: &Where) -> anyhow::Result<Option<Self>> {
        if let Some(endpoint) = &place.api {
            let token_file = place.api_token_file.as_deref();
            return Self::at(endpoint.clone(), token_file).map(Some);
        }
        let settings = match &place.config {
            Some(config) => match inputs::topology(config) {
                Some(topology) => topology.controller,
                None => return Ok(None),
            },
            None => Controller::default(),
        };
        Self::of(&settings).map(Some)
    }

    /// The controller with these settings.
    pub(super) fn of(settings: &Controller) -> anyhow::Result<Self> {
        let endpoint = environment::api_of(settings)?;
        Self::at(endpoint, settings.api_token_file.as_deref())
    }

    /// The controller whose API is at `endpoint`.
    pub(super) fn at(endpoint: Endpoint, token_file: Option<&Path>) -> anyhow::Result<Self> {
        let token = match (&endpoint, token_file) {
            (Endpoint::Unix(_), _) => None,
            (_, Some(file)) => Some(Token::read(file)?),
            (endpoint, None) => {
                bail!("{endpoint} takes a token: name its file by --api-token-file")
            }
        };
        Ok(Self {
            endpoint,
            token,
            limit: LIMIT,
        })
    }

    /// The same, with less patience.
    pub(super) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// What is at `resource`, which may take `wait` longer than usual.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        resource: &str,
        wait: Duration,
    ) -> anyhow::Result<T> {
        let answer = self
            .request(resource, self.limit + wait)
            .map_err(|error| self.explain(error))?;
        let body = body(&answer).with_context(|| format!("what answers at {}", self.endpoint))?;
        serde_json::from_slice(body).context("the controller gives an answer of another version")
    }

    /// The answer to a request. HTTP/1.0, so that it is all there is until the end of the connection.
    fn request(&self, resource: &str, limit: Duration) -> io::Result<Vec<u8>> {
        let socket = self.ask(resource, limit)?;
        let mut answer = Vec::new();
        socket.take(LONGEST).read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// The lines of a stream of events at `resource`, which ends where none comes for `limit`.
    pub(super) fn follow(
        &self,
        resource: &str,
        limit: Duration,
    ) -> anyhow::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        let socket = self
            .ask(resource, limit)
            .map_err(|error| self.explain(error))?;
        let mut lines = BufReader::new(socket).lines();
        let mut head = Vec::new();
        for line in &mut lines {
            let line = line.map_err(|error| self.explain(error))?;
            head.extend_from_slice(line.as_bytes());
            head.extend_from_slice(b"\r\n");
            if line.is_empty() {
                break;
            }
        }
        if !is_good(&head) {
            let rest = lines.by_ref().map_while(Result::ok);
            head.extend(rest.flat_map(|line| (line + "\n").into_bytes()));
        }
        body(&head).with_context(|| format!("what answers at {}", self.endpoint))?;
        Ok(lines)
    }

    fn ask(&self, resource: &str, limit: Duration) -> io::Result<Box<dyn ReadWrite>> {
        let mut socket = self.connect(limit)?;
        let token = self.token();
        let request = format!("GET {resource} HTTP/1.0\r\nHost: bridgechain\r\n{token}\r\n");
        socket.write_all(request.as_bytes())?;
        Ok(socket)
    }

    /// The header with the token, if one is needed.
    pub(super) fn token(&self) -> String {
        let token = self.token.as_ref();
        token.map_or_else(String::new, |token| format!("{}\r\n", token.header()))
    }

    /// Where that is.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Shows that its answer is waited for.
    pub(super) fn awaited(&self) -> Progress {
        Progress::new(
            format!("waiting for the controller at {}", self.endpoint),
            false,
        )
    }

    /// A connection on which an answer may take so long.
    pub(super) fn connect(&self, answer: Duration) -> io::Result<Box<dyn ReadWrite>> {
        connect(&self.endpoint, self.limit, answer)
    }

    /// What an error on the way to the controller means.
    pub(super) fn explain(&self, error: io::Error) -> anyhow::Error {
        explain(&self.endpoint, error)
    }
}

/// Whether somebody listens at `endpoint`. Fails where that can not be found out.
pub(super) fn is_there(endpoint: &Endpoint) -> anyhow::Result<bool> {
    match connect(endpoint, LIMIT, LIMIT) {
        Ok(_) => Ok(true),
        Err(error) if is_nobody(&error) => Ok(false),
        Err(error) => Err(explain(endpoint, error)),
    }
}

/// There is no socket, or nobody listens at it.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

/// A connection that is made, and takes what is written, within `limit`, and on which an answer may
/// take as long as `answer`.
fn connect(
    endpoint: &Endpoint,
    limit: Duration,
    answer: Duration,
) -> io::Result<Box<dyn ReadWrite>> {
    Ok(match endpoint {
        Endpoint::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            socket.set_read_timeout(Some(answer))?;
            socket.set_write_timeout(Some(limit))?;
            Box::new(socket)
        }
        Endpoint::Tcp(address) | Endpoint::Ssl(address) => {
            let socket = TcpStream::connect_timeout(address, limit)?;
            socket.set_read_timeout(Some(answer))?;
            socket.set_write_timeout(Some(limit))?;
            Box::new(socket)
        }
    })
}

fn explain(endpoint: &Endpoint, error: io::Error) -> anyhow::Error {
    match error.kind() {
        _ if is_nobody(&error) => anyhow!(
            "no controller answers at {endpoint}: is `bridgechain run` running, and is \
             this its `controller.api`?"
        ),
        ErrorKind::PermissionDenied => {
            anyhow!("{endpoint} is not for this user: ask as root, or as one of its group")
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            anyhow!("the controller at {endpoint} does not answer in time")
        }
        _ => anyhow::Error::new(error).context(format!("cannot ask {endpoint}")),
    }
}

/// A connection.
pub(super) trait ReadWrite: Read + Write {}
impl<S: Read + Write> ReadWrite for S {}

/// Whether the head of an answer says that all is well.
fn is_good(head: &[u8]) -> bool {
    head.split(|byte| *byte == b' ').nth(1) == Some(b"200".as_slice())
}

/// The body of an answer that says that all is well.
fn body(answer: &[u8]) -> anyhow::Result<&[u8]> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer
        .windows(END.len())
        .position(|window| window == END)
        .context("does not speak HTTP")?;
    let (head, body) = (&answer[..end], &answer[end + END.len()..]);
    let status = head.split(|byte| *byte == b'\r').next().unwrap_or(head);
    let status = String::from_utf8_lossy(status);
    if is_good(head) {
        return Ok(body);
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => bail!(
            "says {} {}: {}",
            problem.status,
            problem.title,
            problem.detail
        ),
        Err(_) => bail!("says {status}: {}", String::from_utf8_lossy(body).trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_a_good_answer_is_taken() {
        let answer = b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(body(answer).unwrap(), b"{}");
        let error = body(b"HTTP/1.0 404 Not Found\r\n\r\nno\n").unwrap_err();
        assert_eq!(error.to_string(), "says HTTP/1.0 404 Not Found: no");
        assert!(body(b"hello").is_err());
        let problem = br#"{"status":400,"title":"Bad Request","detail":"no host"}"#;
        let answer = [b"HTTP/1.0 400 Bad Request\r\n\r\n".as_slice(), problem].concat();
        let error = body(&answer).unwrap_err();
        assert_eq!(error.to_string(), "says 400 Bad Request: no host");
    }

    #[test]
    fn an_endpoint_is_a_path_or_an_address() {
        assert_eq!(endpoint("unix:/run/x"), Ok(Endpoint::Unix("/run/x".into())));
        let address = "127.0.0.1:6680".parse().unwrap();
        assert_eq!(endpoint("tcp:127.0.0.1:6680"), Ok(Endpoint::Tcp(address)));
        for wrong in [
            "/run/x",
            "unix:",
            "tcp:127.0.0.1",
            "tcp:host:1",
            "ssl:127.0.0.1:1",
        ] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
