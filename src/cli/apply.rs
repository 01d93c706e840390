//! `bridgechain apply`: puts a configuration in the place of the running controller's.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bridgechain::config;
use bridgechain::store::{Etag, Precondition};
use bridgechain::topology::{Controller, Endpoint};

use super::change::Dry;
use super::client::{Client, endpoint};
use super::plan;
use super::source::{Put, Source, check};
use super::tries::Tries;

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
    fn source(&self, settings: &Controller) -> anyhow::Result<Source> {
        Ok(Source::Api(match &self.api {
            Some(endpoint) => Client::at(endpoint.clone(), self.api_token_file.as_deref())?,
            None => Client::of(settings)?,
        }))
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
            eprintln!("{diagnostics}");
            return Ok(ExitCode::FAILURE);
        }
    };
    for warning in &warnings {
        eprintln!("{warning}");
    }
    let text = String::from_utf8(bytes).context("the configuration is not UTF-8 text")?;
    let source = args.place.source(&topology.controller)?;
    let mut tries = Tries::begin();
    loop {
        let seen = source.see()?;
        let running = source.running()?.unwrap_or_default();
        if seen.text != text && !args.force {
            seen.refuse_changes_by_hand()?;
        }
        let expected = Precondition::Is(vec![seen.etag]);
        let Put::Done(plan) = source.put(&expected, &text, args.dry.dry_run)? else {
            tries.again()?;
            continue;
        };
        let diff = plan::diff(("running", &running), (&name, &text));
        let said = match (diff.is_empty(), args.dry.dry_run) {
            (true, _) => "no change",
            (false, true) => "dry run: nothing has changed",
            (false, false) => "applied",
        };
        let plan = plan.as_ref().map(plan::text).unwrap_or_default();
        super::print(&format!("{diff}{plan}{said}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
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
        Err(error) => {
            eprintln!("bridgechain: {error:#}");
            ExitCode::from(2)
        }
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
            (name, text, args.place.source(&settings)?)
        }
        None => {
            let source = args.place.source(&Controller::default())?;
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
    if let Put::Done(Some(plan)) = source.put(&expected, &text, true)? {
        super::print(&plan::text(&plan))?;
    }
    Ok(false)
}
