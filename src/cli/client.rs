//! Asks the running controller through its API.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bridgechain::topology::{Controller, Endpoint};
use serde::de::DeserializeOwned;

use super::inputs;

/// How long to wait for an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// What an answer may be long: it is not expected to be from somebody else.
const LONGEST: u64 = 256 << 20;

/// Where the running controller is to be found.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The configuration file (YAML) of the controller, which says where its API is
    config: Option<PathBuf>,
    /// Where its API is; without this and CONFIG, unix:/run/bridgechain/api.sock
    #[arg(long, value_name = "unix:PATH", conflicts_with = "config", value_parser = endpoint)]
    api: Option<PathBuf>,
}

fn endpoint(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("unix:") {
        Some(path) if !path.is_empty() => Ok(path.into()),
        _ => Err("expected unix:PATH, such as unix:/run/bridgechain/api.sock".to_owned()),
    }
}

/// The API of a controller.
pub(super) struct Client {
    path: PathBuf,
}

impl Client {
    /// The controller that the arguments name; `None` where their configuration has mistakes.
    pub(super) fn new(place: &Where) -> anyhow::Result<Option<Self>> {
        let path = match (&place.api, &place.config) {
            (Some(path), _) => path.clone(),
            (None, config) => {
                let settings = match config {
                    Some(config) => match inputs::topology(config) {
                        Some(topology) => topology.controller,
                        None => return Ok(None),
                    },
                    None => Controller::default(),
                };
                match settings.api {
                    Endpoint::Unix(path) => path,
                    other => bail!("`controller.api` is {other}; it is served on unix:PATH only"),
                }
            }
        };
        Ok(Some(Self { path }))
    }

    /// What is at `resource`, which may take `wait` longer than usual.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        resource: &str,
        wait: Duration,
    ) -> anyhow::Result<T> {
        let answer = request(&self.path, resource, LIMIT + wait).map_err(|error| {
            let path = self.path.display();
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => anyhow!(
                    "no controller answers at unix:{path}: is `bridgechain run` running, and is \
                     this its `controller.api`?"
                ),
                ErrorKind::PermissionDenied => {
                    anyhow!("unix:{path} is not for this user: ask as root, or as one of its group")
                }
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    anyhow!("the controller at unix:{path} does not answer in time")
                }
                _ => anyhow::Error::new(error).context(format!("cannot ask unix:{path}")),
            }
        })?;
        let body = body(&answer)
            .with_context(|| format!("what answers at unix:{}", self.path.display()))?;
        serde_json::from_slice(body).context("the controller gives an answer of another version")
    }
}

/// The answer to a request. HTTP/1.0, so that it is all there is until the end of the connection.
fn request(path: &Path, resource: &str, limit: Duration) -> io::Result<Vec<u8>> {
    let mut socket = UnixStream::connect(path)?;
    socket.set_read_timeout(Some(limit))?;
    socket.set_write_timeout(Some(limit))?;
    let request = format!("GET {resource} HTTP/1.0\r\nHost: bridgechain\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.take(LONGEST).read_to_end(&mut answer)?;
    Ok(answer)
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
    match status.split(' ').nth(1) {
        Some("200") => Ok(body),
        _ => bail!("says {status}: {}", String::from_utf8_lossy(body).trim()),
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
    }

    #[test]
    fn an_endpoint_is_a_path() {
        assert_eq!(endpoint("unix:/run/x"), Ok("/run/x".into()));
        assert!(endpoint("/run/x").is_err() && endpoint("unix:").is_err());
    }
}
