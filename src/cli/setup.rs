//! `bridgechain setup`: makes the bridges of a host in one `ovs-vsctl` transaction.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bridgechain::setup::{self, Options, Present};

use super::completing;
use super::inputs;
use super::vsctl::{self, TIMEOUT};

/// Arguments of `bridgechain setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
    /// The host whose bridges are to be made on this machine
    #[arg(long, add = completing::hosts())]
    host: String,
    /// Print the command instead of running it
    #[arg(long)]
    dry_run: bool,
    /// The datapath of the bridges; without this, that of new bridges is Open vSwitch's default
    #[arg(long, value_parser = ["netdev", "system"])]
    datapath_type: Option<String>,
    /// Where the bridges find the controller; without this, the first endpoint it listens at
    #[arg(long, value_name = "TARGET")]
    controller: Option<String>,
    /// The OVS database, as for ovs-vsctl --db
    #[arg(long)]
    db: Option<String>,
}

/// Makes the bridges, or prints how.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(topology) = inputs::topology(&args.config) else {
        return Ok(ExitCode::FAILURE);
    };
    let host = inputs::host(&topology, &args.host)?;
    let controller = match &args.controller {
        Some(target) => target.clone(),
        None => setup::controller_target(&topology.controller.listen)
            .context("where is the controller? Say it with --controller")?,
    };
    let options = Options {
        controller,
        datapath_type: args.datapath_type.clone(),
    };
    let present = match present(args) {
        Ok(present) => present,
        // To see what would be done no Open vSwitch is needed.
        Err(error) if args.dry_run => {
            say!("bridgechain: taking the database to be empty: {error:#}");
            Present::default()
        }
        Err(error) => return Err(error),
    };
    let transaction = setup::transaction(host, &options, &present)?;
    if args.dry_run {
        let db = args
            .db
            .as_ref()
            .map(|db| format!(" {}", setup::quoted(&format!("--db={db}"))));
        super::print(&format!(
            "ovs-vsctl{} {TIMEOUT} \\\n  {transaction}\n",
            db.unwrap_or_default()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    vsctl::run(args.db.as_deref(), transaction.arguments())?;
    let bridges: Vec<&str> = host
        .bridges()
        .map(|(_, bridge)| bridge.name.as_str())
        .collect();
    super::print(&format!(
        "{}: {} set up for {}\n",
        host.name,
        bridges.join(", "),
        options.controller
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What the database has.
fn present(args: &Args) -> anyhow::Result<Present> {
    let listing = vsctl::run(args.db.as_deref(), Present::LISTING)?;
    Ok(Present::parse(&listing)?)
}
