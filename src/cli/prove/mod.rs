//! `bridgechain prove`: goes through all frames, and says whether the flows do with each of them what
//! the configuration wants.

mod report;
mod subject;

use std::path::PathBuf;
use std::process::ExitCode;

use bridgechain::topology::{Host, Topology};

use self::report::HostReport;
use self::subject::State;
use super::completing;
use super::inputs::{self, Numbers};
use super::live::Live;
use super::progress::Progress;

/// Arguments of `bridgechain prove`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
    /// Only this host
    #[arg(long, add = completing::hosts())]
    host: Option<String>,
    /// Port numbers (YAML or JSON, `PORT: NUMBER`, for all hosts or by host); ports that are not
    /// in it are taken as absent. Without it all configured ports are there
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    ports: Option<PathBuf>,
    #[command(flatten)]
    live: Live,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// How often flows are read from running bridges until they are proved: while they were read one
/// after the other, an address may have been learned.
const ATTEMPTS: usize = 3;

/// Prints what was proved, or a frame with which something goes wrong; which is a failure.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(topology) = inputs::topology(&args.config) else {
        return Ok(ExitCode::FAILURE);
    };
    let hosts: Vec<&Host> = match &args.host {
        Some(name) => vec![inputs::host(&topology, name)?],
        None => topology.hosts.values().collect(),
    };
    if args.live.is_asked {
        inputs::only(&hosts)?;
    }
    let numbers = Numbers::read(args.ports.as_deref(), &topology)?;
    let mut reports = Vec::new();
    for host in hosts {
        reports.push(prove(args, &topology, host, &numbers)?);
    }
    let text = if args.json {
        serde_json::to_string_pretty(&reports)? + "\n"
    } else {
        let texts: Vec<String> = reports.iter().map(ToString::to_string).collect();
        texts.join("\n")
    };
    super::print(&text)?;
    Ok(match reports.iter().all(HostReport::holds) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn prove(
    args: &Args,
    topology: &Topology,
    host: &Host,
    numbers: &Numbers,
) -> anyhow::Result<HostReport> {
    if !args.live.is_asked {
        let states = subject::compiled(topology, host, numbers)?;
        let what = format!("proving host {}, states", host.name);
        let progress = Progress::steps(what, states.len(), args.json);
        return Ok(HostReport::new(topology, host, &states, &progress));
    }
    let mut attempt = 1;
    let progress = Progress::new(format!("proving the bridges of {}", host.name), args.json);
    loop {
        let bridges = args.live.sockets().read(host)?;
        let state = State::found(topology, host, bridges);
        let report = HostReport::new(topology, host, &[state], &progress);
        if report.holds() || attempt == ATTEMPTS {
            return Ok(report);
        }
        attempt += 1;
    }
}
