//! What all commands have in common that change the configuration.

use std::process::ExitCode;

use bridgechain::config;
use bridgechain::edit::Edit;

use super::plan;
use super::source::{Made, Place, Source};

/// Whether the change is made.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Dry {
    /// Change nothing; say what would be changed
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Makes one edit, and says `what` was done by it.
pub(super) fn run(place: &Place, dry: Dry, what: &str, edit: Edit) -> anyhow::Result<ExitCode> {
    let source = Source::open(place)?;
    let made = source.change(dry.dry_run, |_| Ok(vec![edit.clone()]))?;
    super::print(&said(dry, what, &made))?;
    Ok(ExitCode::SUCCESS)
}

/// What was done, and what goes to the bridges.
pub(super) fn said(dry: Dry, what: &str, made: &Made) -> String {
    let what = match (made.changed, dry.dry_run) {
        (false, _) => "no change".to_owned(),
        (true, true) => format!("{what} (dry run: nothing has changed)"),
        (true, false) => what.to_owned(),
    };
    let plan = made.plan.as_ref().map(plan::text);
    format!("{what}\n{}", plan.unwrap_or_default())
}

/// There is nothing of this name, but maybe of a similar one.
pub(super) fn unknown<'n>(
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'n String>,
) -> anyhow::Error {
    let suggestion = config::suggestion(name, names.map(String::as_str), "there are");
    anyhow::anyhow!("there is no {what} {name:?}{suggestion}")
}
