//! The configuration file of a running controller: read again, edited, written, and put in force.
//!
//! There is one resource to write, the file itself, and whoever writes says which text he has seen: its
//! [`Etag`], which is of the bytes on disk. A file that was changed by hand meanwhile is changed by
//! nobody else. All of that goes through one lock, here and between processes.

mod etag;
mod file;

use std::fmt;
use std::future;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::{Mutex, RwLock, watch};
use tokio::task;
use tracing::{info, warn};

use crate::config::{self, Diagnostic, Diagnostics};
use crate::topology::{Controller, Topology};

pub use etag::{Etag, EtagError, Precondition};
pub use file::{WriteError, replace};

/// A configuration file, and what of it is in force.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Held from the look at the file to the end of what follows from it.
    lock: Arc<Mutex<()>>,
    /// Held while the file is one and what is in force is still another.
    writing: RwLock<()>,
    running: StdMutex<Arc<[u8]>>,
    topologies: watch::Sender<Arc<Topology>>,
}

/// A text that can be put in force.
#[derive(Debug)]
pub struct Good {
    /// What it says.
    pub topology: Arc<Topology>,
    /// What is doubtful about it.
    pub warnings: Vec<Diagnostic>,
}

/// Why a text was not put in the place of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file is not the one that was seen.
    #[error("the configuration has changed meanwhile: it is now {0}")]
    Changed(Etag),
    /// The text has mistakes.
    #[error("the configuration has mistakes")]
    Mistakes(Diagnostics),
    /// The file can not be read or written.
    #[error("the configuration file {path}: {error}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// What a new text would lead to, or has led to.
#[derive(Debug)]
pub struct Outcome<P> {
    /// The tag of the file now.
    pub etag: Etag,
    /// What is doubtful about the text.
    pub warnings: Vec<Diagnostic>,
    /// What was made of the difference before it came in force.
    pub plan: P,
    /// Whether the text is another one than what was in force.
    pub changed: bool,
}

impl Store {
    /// Reads a configuration file, which comes in force by that.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn open(path: &Path) -> Result<(Self, Vec<Diagnostic>), Diagnostics> {
        let (text, good) = load(path)?;
        let store = Self {
            path: path.to_owned(),
            lock: Arc::default(),
            writing: RwLock::default(),
            running: StdMutex::new(text.into()),
            topologies: watch::Sender::new(good.topology),
        };
        Ok((store, good.warnings))
    }

    /// The topology in force, and those that will be.
    pub fn follow(&self) -> watch::Receiver<Arc<Topology>> {
        self.topologies.subscribe()
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file again; it comes in force, unless it has mistakes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. What was in force stays so.
    pub async fn reload(&self) -> Result<Vec<Diagnostic>, Diagnostics> {
        let _guard = self.lock.lock().await;
        let path = self.path.clone();
        let (text, good) = aside(move || load(&path)).await?;
        self.put_in_force(text, &good);
        Ok(good.warnings)
    }

    /// The text of the file, and that in force. They differ only where somebody else has changed the file:
    /// what is being written here is in neither or in both.
    ///
    /// # Errors
    ///
    /// The file can not be read.
    pub async fn see(&self) -> Result<(Vec<u8>, Arc<[u8]>), Refusal> {
        let _guard = self.writing.read().await;
        Ok((self.read().await?, self.running()))
    }

    async fn read(&self) -> Result<Vec<u8>, Refusal> {
        let path = self.path.clone();
        let text = aside(move || config::read(&path)).await;
        text.map_err(|error| self.failed(error))
    }

    /// The text in force. The file may have another one.
    pub fn running(&self) -> Arc<[u8]> {
        let running = self.running.lock();
        Arc::clone(&running.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a text in the place of the file's, which must be as expected, and in force. With `dry_run`
    /// it is only looked at. `plan` is told the topology before it comes in force. Whoever stops waiting
    /// leaves nothing half done: what has begun to be written comes in force.
    ///
    /// # Errors
    ///
    /// Why that was not done; then nothing has changed.
    pub async fn replace<P>(
        self: &Arc<Self>,
        expected: &Precondition,
        text: Vec<u8>,
        dry_run: bool,
        plan: impl AsyncFnOnce(Arc<Topology>) -> P,
    ) -> Result<Outcome<P>, Refusal> {
        let guard = Arc::clone(&self.lock).lock_owned().await;
        let tag = Etag::of(&self.read().await?);
        if !expected.allows(tag) {
            return Err(Refusal::Changed(tag));
        }
        let file = self.path.display().to_string();
        // The lock goes along: a long text is parsed to its end though nobody waits for it, and the next
        // only after it.
        let (guard, text, parsed) = aside(move || {
            let parsed = config::parse_with_files(&file, &text);
            (guard, text, parsed)
        })
        .await;
        let (topology, warnings) = parsed.map_err(Refusal::Mistakes)?;
        let good = Good {
            topology: Arc::new(topology),
            warnings,
        };
        let plan = plan(Arc::clone(&good.topology)).await;
        let changed = *text != *self.running();
        let (etag, warnings) = match dry_run {
            true => (tag, good.warnings),
            false => {
                let store = Arc::clone(self);
                let done = task::spawn(async move {
                    let _guard = guard;
                    let _writing = store.writing.write().await;
                    let etag = Etag::of(&text);
                    if etag != tag {
                        store.write(tag, text.clone()).await?;
                    }
                    store.put_in_force(text, &good);
                    Ok((etag, good.warnings))
                });
                finished(done).await?
            }
        };
        Ok(Outcome {
            etag,
            warnings,
            plan,
            changed,
        })
    }

    async fn write(&self, expected: Etag, text: Vec<u8>) -> Result<(), Refusal> {
        let path = self.path.clone();
        let written =
            aside(move || file::replace(&path, &Precondition::Is(vec![expected]), &text)).await;
        written.map_err(|error| match error {
            WriteError::Changed(tag) => Refusal::Changed(tag),
            WriteError::Io(error) => self.failed(error),
        })
    }

    fn put_in_force(&self, text: Vec<u8>, good: &Good) {
        let running = self.running.lock();
        *running.unwrap_or_else(PoisonError::into_inner) = text.into();
        let topology = Arc::clone(&good.topology);
        let before = self.topologies.send_replace(Arc::clone(&topology));
        for key in fixed_at_start(&topology.controller, &before.controller) {
            warn!("`controller.{key}` has changed: that takes a restart");
        }
        let (hosts, networks) = (topology.hosts.len(), topology.networks.len());
        info!(config = %self.path.display(), hosts, networks, "reloaded");
    }

    fn failed(&self, error: io::Error) -> Refusal {
        Refusal::File {
            path: self.path.display().to_string(),
            error,
        }
    }
}

/// Work on files and long texts takes its time, so it is done beside that of the bridges.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    finished(task::spawn_blocking(work)).await
}

/// What a task has come to.
async fn finished<T>(task: task::JoinHandle<T>) -> T {
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // Tasks are given up when all of them are: nobody waits for this one.
            Err(_) => future::pending().await,
        },
    }
}

/// The settings that differ and are not followed while the controller runs.
pub(crate) fn fixed_at_start(
    new: &Controller,
    old: &Controller,
) -> impl Iterator<Item = &'static str> {
    [
        ("listen", new.listen != old.listen),
        ("api", new.api != old.api),
        ("api_token_file", new.api_token_file != old.api_token_file),
        ("metrics", new.metrics != old.metrics),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
}

fn load(path: &Path) -> Result<(Vec<u8>, Good), Diagnostics> {
    let file = path.display().to_string();
    let text = config::read(path).map_err(|error| config::unread(&file, &error))?;
    let (topology, warnings) = config::parse_with_files(&file, &text)?;
    let topology = Arc::new(topology);
    Ok((text, Good { topology, warnings }))
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Is(tags) => {
                let tags: Vec<String> = tags.iter().map(Etag::to_string).collect();
                f.write_str(&tags.join(", "))
            }
        }
    }
}
