//! One connection to a database as a state machine, without I/O.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::tables::excerpt;
use super::{Database, FrameError, Framer, TableError, Tables};

/// The database of Open vSwitch.
const DATABASE: &str = "Open_vSwitch";
/// What updates of ours are called, and our requests.
const MONITOR: &str = "bridgechain";
const ECHO: &str = "bridgechain-echo";

/// A connection on which the state of the database was asked for.
#[derive(Debug)]
pub struct Session {
    framer: Framer,
    tables: Tables,
    /// The database has answered.
    answered: bool,
    output: Vec<u8>,
    heard: Instant,
    /// An echo request is on its way since then.
    probed: Option<Instant>,
}

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// What comes is no stream of JSON objects.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An object is no JSON, or too deep.
    #[error("a message that is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The request was refused.
    #[error("the server refuses to tell of the database {DATABASE}: {0}")]
    Refused(String),
    /// The updates are not what was asked for.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A message out of turn.
    #[error("not understood: {0}")]
    Unexpected(String),
    /// The server does not answer.
    #[error("no answer for {} s", Session::SILENCE.as_secs() + Session::PATIENCE.as_secs())]
    Silent,
}

impl Session {
    /// How long the server may be silent before it is asked whether it is there.
    pub const SILENCE: Duration = Duration::from_secs(5);
    /// How long it may take to answer that.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// A connection that was just made.
    pub fn new(now: Instant) -> Self {
        let mut session = Self {
            framer: Framer::default(),
            tables: Tables::default(),
            answered: false,
            output: Vec::new(),
            heard: now,
            probed: None,
        };
        session.send(&json!({
            "id": MONITOR,
            "method": "monitor",
            "params": [DATABASE, MONITOR, Tables::requests()],
        }));
        session
    }

    /// Handles what was read; says whether [`Session::database`] may be another one now.
    ///
    /// # Errors
    ///
    /// The connection is of no use any more.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> Result<bool, SessionError> {
        self.heard = now;
        self.probed = None;
        self.framer.extend(bytes);
        let mut changed = false;
        while let Some(object) = self.framer.take()? {
            changed |= self.handle(&serde_json::from_slice(&object)?)?;
        }
        Ok(changed)
    }

    /// What is to be written.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// When to call [`Session::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Instant {
        match self.probed {
            Some(since) => since + Self::PATIENCE,
            None => self.heard + Self::SILENCE,
        }
    }

    /// Asks a silent server whether it is there, and gives up one that does not answer.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if now < self.poll_timeout() {
            return Ok(());
        }
        if self.probed.is_some() {
            return Err(SessionError::Silent);
        }
        self.probed = Some(now);
        self.send(&json!({ "id": ECHO, "method": "echo", "params": [] }));
        Ok(())
    }

    /// What the database says; `None` until it has answered.
    pub fn database(&self) -> Option<Database> {
        self.answered.then(|| self.tables.database())
    }

    fn send(&mut self, message: &Value) {
        self.output.extend(message.to_string().bytes());
    }

    /// Handles a message; says whether it changed anything.
    fn handle(&mut self, message: &Value) -> Result<bool, SessionError> {
        let (id, params) = (&message["id"], &message["params"]);
        match message["method"].as_str() {
            Some("update") if self.answered && params[0] == MONITOR => {
                self.tables.update(&params[1])?;
                Ok(true)
            }
            Some("echo") => {
                self.send(&json!({ "id": id, "result": params, "error": null }));
                Ok(false)
            }
            Some(method) if !id.is_null() => {
                self.send(&json!({ "id": id, "result": null, "error": "unknown method" }));
                tracing::debug!(method, "the OVS database asks for something unknown");
                Ok(false)
            }
            // A notice that nobody asked for, such as of a lock.
            Some(method) if method != "update" && method != "monitor_canceled" => Ok(false),
            Some(_) => Err(SessionError::Unexpected(excerpt(Some(message)))),
            None if *id == ECHO => Ok(false),
            None if *id == MONITOR && !self.answered => self.answer(message),
            None => Err(SessionError::Unexpected(excerpt(Some(message)))),
        }
    }

    fn answer(&mut self, message: &Value) -> Result<bool, SessionError> {
        match &message["error"] {
            Value::Null => {}
            error => {
                // An `<error>` has its kind in "error", and perhaps more in "details".
                let parts = [&error["error"], &error["details"], error];
                let mut texts = parts.iter().filter_map(|part| part.as_str()).take(2);
                let (kind, details) = (texts.next(), texts.next());
                let text = match (kind, details) {
                    (Some(kind), Some(details)) => format!("{kind} ({details})"),
                    (Some(kind), None) => kind.to_owned(),
                    (None, _) => excerpt(Some(error)),
                };
                return Err(SessionError::Refused(text));
            }
        }
        self.tables.update(&message["result"])?;
        self.answered = true;
        Ok(true)
    }
}
