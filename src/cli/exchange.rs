//! Requests to the API that send something, and answers that are more than a body.

use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::client::{Client, LONGEST};

/// What is asked of the API.
#[derive(Debug, Default)]
pub(super) struct Request<'r> {
    /// `GET`, `PUT`.
    pub(super) method: &'r str,
    /// Its path and query.
    pub(super) resource: &'r str,
    /// Further headers.
    pub(super) headers: &'r [(&'r str, &'r str)],
    /// What is sent.
    pub(super) body: &'r [u8],
    /// How much longer than usual it may take.
    pub(super) wait: Duration,
}

/// What the API answers.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status as HTTP says it, such as `HTTP/1.0 200 OK`.
    line: String,
    headers: Vec<(String, String)>,
    /// What is sent.
    pub(super) body: Vec<u8>,
}

impl Client {
    /// The answer to a request, whatever it says.
    pub(super) fn exchange(&self, request: &Request<'_>) -> anyhow::Result<Answer> {
        let answer = self.send(request).map_err(|error| self.explain(error))?;
        Answer::read(&answer).context("what answers there")
    }

    /// HTTP/1.0, so that the answer is all there is until the end of the connection.
    fn send(&self, request: &Request<'_>) -> io::Result<Vec<u8>> {
        let Request {
            method,
            resource,
            headers,
            body,
            wait,
        } = request;
        let mut socket = self.connect(self.limit + *wait)?;
        let mut head = format!("{method} {resource} HTTP/1.0\r\nHost: bridgechain\r\n");
        head.push_str(&self.token());
        for (name, value) in *headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        socket.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = Vec::new();
        socket.take(LONGEST).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

impl Answer {
    fn read(answer: &[u8]) -> anyhow::Result<Self> {
        const END: &[u8] = b"\r\n\r\n";
        let end = answer
            .windows(END.len())
            .position(|window| window == END)
            .context("does not speak HTTP")?;
        let head = String::from_utf8_lossy(&answer[..end]);
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok(Self {
            line,
            headers: headers.collect(),
            body: answer[end + END.len()..].to_owned(),
        })
    }

    /// The number of the status.
    pub(super) fn status(&self) -> u16 {
        let number = self.line.split(' ').nth(1);
        number.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A header, by its name in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(own, value)| (own == name).then_some(value.as_str()))
    }

    /// What went wrong, as it was put into words there.
    pub(super) fn complaint(&self) -> anyhow::Error {
        #[derive(serde::Deserialize)]
        struct Problem {
            detail: String,
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => anyhow!("the controller refuses: {}", problem.detail),
            Err(_) => {
                let body = String::from_utf8_lossy(&self.body);
                anyhow!("the controller says {}: {}", self.line, body.trim())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_answer_are_told_apart() {
        let text = b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\nETag: \"x\"\r\n\r\n{}";
        let answer = Answer::read(text).unwrap();
        assert_eq!((answer.status(), &*answer.body), (200, &b"{}"[..]));
        assert_eq!(answer.header("etag"), Some("\"x\""));
        assert!(Answer::read(b"hello").is_err());
        let refused = b"HTTP/1.0 412 Precondition Failed\r\n\r\n{\"detail\":\"changed\"}";
        let error = Answer::read(refused).unwrap().complaint();
        assert_eq!(error.to_string(), "the controller refuses: changed");
        let other = b"HTTP/1.0 404 Not Found\r\n\r\nno\n";
        let error = Answer::read(other).unwrap().complaint();
        assert_eq!(
            error.to_string(),
            "the controller says HTTP/1.0 404 Not Found: no"
        );
    }
}
