//! The file with the token, which may get another one while the controller runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use tokio::{task, time};
use tracing::{info, warn};

use super::token::{Stranger, Token, TokenError};

/// How long what was read is good.
const FRESH: Duration = Duration::from_secs(1);
/// How long a request waits for the file to be read.
const READ_LIMIT: Duration = Duration::from_secs(1);

/// The token that is in a file, or was the last time there was one in it.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    token: Token,
    read: Instant,
    /// Whether somebody reads it at the moment.
    reading: bool,
    /// What was wrong with the file the last time.
    complaint: Option<String>,
}

impl TokenFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Where it can not be read, or holds no token.
    pub(super) fn open(path: &Path) -> Result<Self, TokenError> {
        let known = Known {
            token: Token::read(path)?,
            read: Instant::now(),
            reading: false,
            complaint: None,
        };
        Token::warn_if_exposed(path);
        Ok(Self {
            path: path.to_owned(),
            known: Mutex::new(known),
        })
    }

    /// Lets a request in that shows the token that is in the file now, or was a moment ago.
    pub(super) async fn admit(self: &Arc<Self>, headers: &HeaderMap) -> Result<(), Stranger> {
        if self.is_to_be_read() {
            let file = Arc::clone(self);
            let read = task::spawn_blocking(move || file.read());
            // A file that can not be read to its end holds up nobody for long.
            let _ = time::timeout(READ_LIMIT, read).await;
        }
        let token = self.known().token.clone();
        token.admit(headers)
    }

    fn is_to_be_read(&self) -> bool {
        let mut known = self.known();
        let is_due = !known.reading && known.read.elapsed() >= FRESH;
        known.reading |= is_due;
        is_due
    }

    /// Where the file holds no token, as it may while it is written, the one before is good still.
    fn read(&self) {
        let read = Token::read(&self.path);
        let mut known = self.known();
        known.reading = false;
        known.read = Instant::now();
        match read {
            Ok(token) => {
                known.complaint = None;
                if token != known.token {
                    info!(file = %self.path.display(), "the token of the API is another one now");
                    Token::warn_if_exposed(&self.path);
                    known.token = token;
                }
            }
            Err(error) => {
                let complaint = error.to_string();
                if known.complaint.as_ref() != Some(&complaint) {
                    warn!("the token before stays in force: {complaint}");
                    known.complaint = Some(complaint);
                }
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
