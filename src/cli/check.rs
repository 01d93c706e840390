//! `bridgechain check`: reports every mistake of a configuration file.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use bridgechain::config::{self, Diagnostic};
use bridgechain::topology::Topology;
use serde::Serialize;

/// Arguments of `bridgechain check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Mistakes and warnings go to stderr, the summary to stdout; with `--json` everything goes to
/// stdout.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let file = args.config.display().to_string();
    let result = config::load_with_files(&args.config);
    if args.json {
        let report = Report::new(&file, &result);
        super::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        match &result {
            Ok((topology, warnings)) => {
                for warning in warnings {
                    say!("{warning}");
                }
                super::print(&format!("{file}: {}: good\n", Summary::of(topology)))?;
            }
            Err(diagnostics) => say!("{diagnostics}"),
        }
    }
    Ok(if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How much of everything a configuration has.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Summary {
    networks: usize,
    hosts: usize,
    vms: usize,
    service_chains: usize,
}

impl Summary {
    fn of(topology: &Topology) -> Self {
        let hosts = || topology.hosts.values();
        let vms: BTreeSet<&str> = hosts()
            .flat_map(|host| &host.vnics)
            .map(|vnic| vnic.vm.as_str())
            .collect();
        let chains: BTreeSet<&str> = hosts()
            .flat_map(|host| &host.chains)
            .map(|chain| chain.name.as_str())
            .collect();
        Self {
            networks: topology.networks.len(),
            hosts: topology.hosts.len(),
            vms: vms.len(),
            service_chains: chains.len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.networks, "network"),
            (self.hosts, "host"),
            (self.vms, "VM"),
            (self.service_chains, "service chain"),
        ];
        for (index, (count, what)) in parts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {what}{plural}")?;
        }
        Ok(())
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    good: bool,
    /// Only of a good file.
    summary: Option<Summary>,
    diagnostics: Vec<&'a Diagnostic>,
}

impl<'a> Report<'a> {
    fn new(
        file: &'a str,
        result: &'a Result<(Topology, Vec<Diagnostic>), config::Diagnostics>,
    ) -> Self {
        match result {
            Ok((topology, warnings)) => Self {
                file,
                good: true,
                summary: Some(Summary::of(topology)),
                diagnostics: warnings.iter().collect(),
            },
            Err(diagnostics) => Self {
                file,
                good: false,
                summary: None,
                diagnostics: diagnostics.iter().collect(),
            },
        }
    }
}
