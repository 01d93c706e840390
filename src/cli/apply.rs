//! `bridgechain apply`: puts a configuration in the place of the running controller's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use bridgechain::store::{Etag, Precondition};
use bridgechain::topology::{Controller, Endpoint, Topology};
use bridgechain::{config, environment};

use super::change::Dry;
use super::client::{self, Client, endpoint};
use super::source::{Put, Seen, Source, check};
use super::tries::Tries;
use super::{plan, running};

/// Where the controller is.
#[derive(Debug, clap::Args)]
struct Api {
    /// Where the API of the controller is, unix:PATH or tcp:IP:PORT; without this it is where FILE
    /// says
    #[arg(long, value_name = "ENDPOINT", value_parser = endpoint)]
    api: Option<Endpoint>,
    /// The file with the token that tcp:IP:PORT takes
    #[arg(long, value_name = "FILE", requires = "api")]
    api_token_file: Option<PathBuf>,
}

impl Api {
    /// The controller that is meant: the one with these settings, unless it is named.
    fn client(&self, settings: &Controller) -> anyhow::Result<Client> {
        if let Some(endpoint) = &self.api {
            return Client::at(endpoint.clone(), self.api_token_file.as_deref());
        }
        let endpoint = environment::api_of(settings)?;
        if !client::is_there(&endpoint)? {
            bail!(
                "no controller answers at {endpoint}: is `bridgechain run` running? One that is \
                 elsewhere is named by --api"
            );
        }
        Client::of(settings)
    }
}

/// Arguments of `bridgechain apply`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new configuration (YAML)
    file: PathBuf,
    #[command(flatten)]
    place: Api,
    #[command(flatten)]
    dry: Dry,
    /// Also undo what was changed in the controller's file by hand and is not in force
    #[arg(long)]
    force: bool,
}

/// Shows what a configuration changes, and puts it in force.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let name = args.file.display().to_string();
    let bytes = config::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let (topology, warnings) = match config::parse(&name, &bytes) {
        Ok(good) => good,
        Err(diagnostics) => {
            say!("{diagnostics}");
            return Ok(ExitCode::FAILURE);
        }
    };
    for warning in &warnings {
        say!("{warning}");
    }
    let text = String::from_utf8(bytes).context("the configuration is not UTF-8 text")?;
    let client = args.place.client(&topology.controller)?;
    let controller = format!("the controller at {}", client.endpoint());
    let progress = client.awaited();
    let source = Source::Api(client);
    let (mut seen, mut running) = look(&source)?;
    drop(progress);
    if let Some(warning) = lost_hosts(&name, &running, &topology) {
        say!("{warning}");
    }
    let mut tries = Tries::begin();
    loop {
        let theirs = &seen.file;
        let is_own = running::is_same(Path::new(theirs), &args.file).unwrap_or(false);
        // Of its own file the controller takes what is there now: what was read above may be from
        // before somebody else's change.
        let text = if is_own { &seen.text } else { &text };
        if seen.text != *text && !args.force {
            seen.refuse_changes_by_hand()?;
        }
        let expected = Precondition::Is(vec![seen.etag]);
        let Put::Done(applied) = source.put(&expected, text, args.dry.dry_run)? else {
            ensure!(
                is_own,
                "{theirs} has changed while {name} was put in its place; nothing was applied: look at \
                 `bridgechain diff {name}` and apply it again"
            );
            tries.again()?;
            (seen, running) = look(&source)?;
            continue;
        };
        let what = match is_own {
            true => format!("{controller}: {theirs} as it is now"),
            false => format!("{controller}: {name} in the place of {theirs}"),
        };
        let diff = plan::diff(("running", &running), (&name, text));
        let is_news = seen.text != *text || running != *text;
        let said = match (is_news, args.dry.dry_run) {
            (false, _) => format!("no change of {theirs}, {controller}"),
            (true, true) => format!("dry run: {theirs} stays as it is, and what is in force too"),
            (true, false) => format!("applied: {theirs} is in force at {controller}"),
        };
        let plan = applied.as_ref().map(plan::applied).unwrap_or_default();
        super::print(&format!("{what}\n{diff}{plan}{said}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
}

/// The text of the controller's file, and that in force.
fn look(source: &Source) -> anyhow::Result<(Seen, String)> {
    Ok((source.see()?, source.running()?.unwrap_or_default()))
}

/// Says where hosts are gone that are served now: that is easily done by the wrong file.
fn lost_hosts(name: &str, running: &str, new: &Topology) -> Option<String> {
    let (old, _) = config::parse("running", running).ok()?;
    let lost = old.hosts.keys();
    let lost: Vec<&str> = lost
        .filter(|host| !new.hosts.contains_key(*host))
        .map(String::as_str)
        .collect();
    if lost.is_empty() {
        return None;
    }
    let all = if new.hosts.is_empty() {
        "all hosts, "
    } else {
        ""
    };
    Some(format!(
        "{name}: warning: hosts: it takes away {all}{}: the controller serves them no longer, and \
         the flows of their bridges stay as they are",
        lost.join(", ")
    ))
}

/// Arguments of `bridgechain diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 no difference, 1 a difference, 2 it can not be found out, or wrong arguments.")]
pub(crate) struct DiffArgs {
    /// The configuration (YAML) that the running one is held against; without this, the controller's
    /// file
    file: Option<PathBuf>,
    #[command(flatten)]
    place: Api,
}

/// Shows how the running configuration differs from a file: exit status 0 if it does not, 1 if it
/// does, 2 if that could not be found out.
pub(crate) fn diff(args: &DiffArgs) -> ExitCode {
    match difference(args) {
        Ok(same) => ExitCode::from(u8::from(!same)),
        Err(error) => super::fail(&error, ExitCode::from(2)),
    }
}

/// Prints the difference; says whether there is none.
fn difference(args: &DiffArgs) -> anyhow::Result<bool> {
    let (name, text, source) = match &args.file {
        Some(file) => {
            let name = file.display().to_string();
            let bytes = config::read(file).with_context(|| format!("cannot read {name}"))?;
            let text = String::from_utf8(bytes).context("the configuration is not UTF-8 text")?;
            let settings = match config::parse(&name, &text) {
                Ok((topology, _)) => topology.controller,
                Err(_) => Controller::default(),
            };
            let source = Source::Api(args.place.client(&settings)?);
            (name, text, source)
        }
        None => {
            let client = args.place.client(&Controller::default())?;
            let source = Source::Api(client);
            let seen = source.see()?;
            (seen.file, seen.text, source)
        }
    };
    let running = source.running()?.unwrap_or_default();
    let diff = plan::diff(("running", &running), (&name, &text));
    if diff.is_empty() {
        return Ok(true);
    }
    super::print(&diff)?;
    check(&name, &text)?;
    let seen = source.see()?;
    let expected = Precondition::Is(vec![seen.etag, Etag::of(text.as_bytes())]);
    if let Put::Done(Some(applied)) = source.put(&expected, &text, true)? {
        super::print(&plan::applied(&applied))?;
    }
    Ok(false)
}
