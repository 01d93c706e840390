//! `bridgechain check`: reports every mistake of a configuration file.

use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `bridgechain check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
}

/// Checks the file; mistakes go to stderr, the summary to stdout.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    println!("{}", args.config.display());
    Ok(ExitCode::SUCCESS)
}
