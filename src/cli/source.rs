//! The configuration that a command reads and changes: that of a running controller, by its API, or a
//! file, which the controller changes that runs on it, if any.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bridgechain::api::config::{Applied, FILE, Mistakes, RUNNING};
use bridgechain::config::{self, Diagnostic};
use bridgechain::edit::{self, Edit};
use bridgechain::inventory::Inventory;
use bridgechain::status::Plan;
use bridgechain::store::{self, Etag, Precondition, WriteError};
use bridgechain::topology::{Controller, Endpoint};

use super::client::{Client, endpoint};
use super::exchange::{Answer, Request};
use super::running::{self, Running};
use super::tries::Tries;

/// What writing and planning may take.
const LONG: Duration = Duration::from_secs(50);

/// Which configuration is meant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// The configuration file (YAML). It is changed by the controller that runs on it, which is
    /// looked for where its `controller.api` says, or by itself where none does. Without this and
    /// --api, that of the controller at what BRIDGECHAIN_API says in the environment, or else at
    /// unix:/run/bridgechain/api.sock
    #[arg(long, value_name = "FILE", conflicts_with = "api")]
    config: Option<PathBuf>,
    /// Where the API of the controller is, unix:PATH or tcp:IP:PORT
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    api: Option<Endpoint>,
    /// The file with the token that tcp:IP:PORT takes
    #[arg(long, value_name = "FILE", requires = "api")]
    api_token_file: Option<PathBuf>,
}

/// A configuration that can be read and changed.
pub(super) enum Source {
    /// By the API of a controller.
    Api(Client),
    /// A file. Who runs on it is asked when it is to be changed.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether somebody was told that no controller runs on it.
        is_told: Cell<bool>,
    },
}

/// A text, and which one it is.
pub(super) struct Seen {
    /// The whole of it.
    pub(super) text: String,
    /// Its tag.
    pub(super) etag: Etag,
    /// The tag of the text in force, where a controller runs.
    pub(super) running: Option<Etag>,
    /// The file, for messages.
    pub(super) file: String,
}

/// What became of a text.
pub(super) enum Put {
    /// It is there; what the controller says of it, where there is one.
    Done(Option<Applied>),
    /// The file is another one than was seen.
    Changed,
}

/// What became of a change.
pub(super) struct Made {
    /// Whether the text is another one now.
    pub(super) changed: bool,
    /// What is sent to the bridges; `None` without a controller.
    pub(super) plan: Option<Plan>,
}

impl Source {
    /// The configuration that the arguments mean.
    pub(super) fn open(place: &Place) -> anyhow::Result<Self> {
        if let Some(endpoint) = &place.api {
            let token_file = place.api_token_file.as_deref();
            return Ok(Self::Api(Client::at(endpoint.clone(), token_file)?));
        }
        match &place.config {
            Some(file) => Ok(Self::File {
                path: file.clone(),
                is_told: Cell::default(),
            }),
            None => Ok(Self::Api(Client::of(&Controller::default())?)),
        }
    }

    /// The text of the file.
    pub(super) fn see(&self) -> anyhow::Result<Seen> {
        match self {
            Self::Api(client) => {
                let answer = get(client, "/v1/config")?;
                Ok(Seen {
                    etag: tag(&answer, "etag")?,
                    running: Some(tag(&answer, RUNNING.as_str())?),
                    file: answer.header(FILE.as_str()).unwrap_or("?").to_owned(),
                    text: text(answer.body)?,
                })
            }
            Self::File { path, .. } => {
                let file = path.display().to_string();
                let bytes = config::read(path).with_context(|| format!("cannot read {file}"))?;
                Ok(Seen {
                    etag: Etag::of(&bytes),
                    running: None,
                    text: text(bytes).with_context(|| file.clone())?,
                    file,
                })
            }
        }
    }

    /// The text in force; `None` without a controller.
    pub(super) fn running(&self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Api(client) => Ok(Some(text(get(client, "/v1/config?running=true")?.body)?)),
            Self::File { .. } => Ok(None),
        }
    }

    /// What the configuration says; messages about its mistakes go to stderr.
    pub(super) fn inventory(&self) -> anyhow::Result<Inventory> {
        let Seen { text, file, .. } = self.see()?;
        check(&file, &text)?;
        Ok(Inventory::read(&text)?)
    }

    /// Puts a text in the place of one that was seen.
    pub(super) fn put(
        &self,
        expected: &Precondition,
        text: &str,
        dry_run: bool,
    ) -> anyhow::Result<Put> {
        match self {
            Self::Api(client) => put(client, expected, text, dry_run),
            Self::File { .. } if dry_run => Ok(Put::Done(None)),
            Self::File { path, .. } => match store::replace(path, expected, text.as_bytes()) {
                Ok(()) => Ok(Put::Done(None)),
                Err(WriteError::Changed(_)) => Ok(Put::Changed),
                Err(WriteError::Io(error)) => {
                    Err(error).with_context(|| format!("cannot write {}", path.display()))
                }
            },
        }
    }

    /// Makes changes of the configuration as it is, and makes them anew where somebody else was
    /// faster. What they are may depend on what it says. A file is changed by the controller that
    /// runs on it; where none does, stderr is told, once.
    pub(super) fn change(
        &self,
        dry_run: bool,
        edits: impl Fn(&Inventory) -> anyhow::Result<Vec<Edit>>,
    ) -> anyhow::Result<Made> {
        let Self::File { path, is_told } = self else {
            return self.change_there(dry_run, edits);
        };
        match running::on(path)? {
            Running::Here(client) => Self::Api(client).change_there(dry_run, edits),
            Running::No(nobody) => {
                let made = self.change_there(dry_run, edits)?;
                if !is_told.replace(true) {
                    say!("bridgechain: {nobody}: changes are made in the file alone");
                }
                Ok(made)
            }
        }
    }

    fn change_there(
        &self,
        dry_run: bool,
        edits: impl Fn(&Inventory) -> anyhow::Result<Vec<Edit>>,
    ) -> anyhow::Result<Made> {
        let mut tries = Tries::begin();
        loop {
            let seen = self.see()?;
            let before = check(&seen.file, &seen.text)?;
            seen.refuse_changes_by_hand()?;
            let mut text = seen.text.clone();
            let edits = edits(&Inventory::read(&text)?)?;
            for edit in &edits {
                text = edit::apply(&text, edit)?;
            }
            let changed = text != seen.text;
            if !changed {
                return Ok(Made {
                    changed,
                    plan: None,
                });
            }
            let would_be = as_it_would_be(&seen.file);
            let after = check(&would_be, &text)
                .context("that would make mistakes of the configuration; nothing has changed")?;
            let expected = Precondition::Is(vec![seen.etag]);
            if let Put::Done(applied) = self.put(&expected, &text, dry_run)? {
                let is_news = |warning: &&Diagnostic| {
                    before.iter().all(|known| known.message != warning.message)
                        && !edits.iter().any(|edit| goes_without_saying(edit, warning))
                };
                for warning in after.iter().filter(is_news) {
                    match dry_run {
                        true => say!("{warning}"),
                        false => say!("{}", about(&seen.file, warning)),
                    }
                }
                let plan = applied.map(|applied| applied.plan);
                return Ok(Made { changed, plan });
            }
            tries.again()?;
        }
    }
}

impl Seen {
    /// Fails where the file has changes that were not put in force: they are somebody's who may not be
    /// done with them.
    pub(super) fn refuse_changes_by_hand(&self) -> anyhow::Result<()> {
        if self.running.is_none_or(|running| running == self.etag) {
            return Ok(());
        }
        let file = &self.file;
        bail!(
            "{file} was changed by hand and that is not in force yet (`bridgechain diff` shows it); \
             put it in force first, by SIGHUP or `bridgechain apply {file}`"
        )
    }
}

/// What a text is called that is not in the file: its lines are others than those of the file.
fn as_it_would_be(file: &str) -> String {
    format!("{file} (as it would be)")
}

fn about(file: &str, diagnostic: &Diagnostic) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        ..diagnostic.clone()
    }
}

/// Whether a warning is about what was just made: that it is not used yet.
fn goes_without_saying(edit: &Edit, warning: &Diagnostic) -> bool {
    let made = match edit {
        Edit::CreateNetwork { name, .. } => format!("networks.{name}"),
        Edit::CreateVm { name, .. } => format!("vms.{name}"),
        _ => return false,
    };
    warning
        .place
        .as_ref()
        .is_some_and(|place| place.path == made)
}

/// The warnings about a text. Fails where it has mistakes, which are told to stderr.
pub(super) fn check(file: &str, text: &str) -> anyhow::Result<Vec<Diagnostic>> {
    match config::parse(file, text) {
        Ok((_, warnings)) => Ok(warnings),
        Err(diagnostics) => {
            say!("{diagnostics}");
            bail!("{file} has mistakes");
        }
    }
}

fn get(client: &Client, resource: &str) -> anyhow::Result<Answer> {
    let answer = client.exchange(&Request {
        method: "GET",
        resource,
        ..Request::default()
    })?;
    match answer.status() {
        200 => Ok(answer),
        _ => Err(answer.complaint()),
    }
}

fn put(client: &Client, expected: &Precondition, text: &str, dry_run: bool) -> anyhow::Result<Put> {
    let progress = client.awaited();
    let answer = client.exchange(&Request {
        method: "PUT",
        resource: match dry_run {
            true => "/v1/config?dry_run=true",
            false => "/v1/config",
        },
        headers: &[
            ("If-Match", &expected.to_string()),
            ("Content-Type", "text/yaml"),
        ],
        body: text.as_bytes(),
        wait: LONG,
    })?;
    drop(progress);
    match answer.status() {
        200 => {
            let applied: Applied = serde_json::from_slice(&answer.body)
                .context("the controller gives an answer of another version")?;
            Ok(Put::Done(Some(applied)))
        }
        412 => Ok(Put::Changed),
        422 => {
            if let Ok(mistakes) = serde_json::from_slice::<Mistakes>(&answer.body) {
                for diagnostic in &mistakes.diagnostics {
                    let would_be = as_it_would_be(&diagnostic.file);
                    say!("{}", about(&would_be, diagnostic));
                }
            }
            Err(answer.complaint())
        }
        _ => Err(answer.complaint()),
    }
}

fn tag(answer: &Answer, header: &str) -> anyhow::Result<Etag> {
    let text = answer.header(header).with_context(|| {
        format!("the controller does not say {header}: it is of another version")
    })?;
    Ok(text.parse()?)
}

fn text(bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).context("the configuration is not UTF-8 text")
}
