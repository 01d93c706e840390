//! `bridgechain flows`: prints what every bridge must hold, in the syntax of `ovs-ofctl`.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use bridgechain::compile;
use bridgechain::config;
use bridgechain::health::Failed;
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::program::{Flow, FlowKey, Program};
use bridgechain::topology::{Role, Topology};
use serde::Serialize;

use super::completing;
use super::inputs::{self, Numbers};

/// Arguments of `bridgechain flows`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
    /// Only the bridges of this host
    #[arg(long, add = completing::hosts())]
    host: Option<String>,
    /// Only this bridge
    #[arg(long)]
    bridge: Option<String>,
    /// Write ports by number, as this file (YAML or JSON, `PORT: NUMBER`, for all hosts or by
    /// host) gives them; without it by name, taking all ports that have a name to be there
    #[arg(long, value_name = "FILE")]
    ports: Option<PathBuf>,
    /// Print the groups, for `ovs-ofctl add-groups`; they must be there before the flows
    #[arg(long)]
    groups: bool,
    /// Print the meters, one a line, for `ovs-ofctl add-meter`, which takes one at a time; they must
    /// be there before the flows
    ///
    /// flows CONFIG --bridge BR --meters | grep -v '^#' | xargs -n1 ovs-ofctl -O OpenFlow13 add-meter BR
    #[arg(long, conflicts_with = "groups", verbatim_doc_comment)]
    meters: bool,
    /// Print flows, groups and meters as JSON
    #[arg(long, conflicts_with_all = ["groups", "meters"])]
    json: bool,
}

/// Prints the flows to stdout, and what is amiss with the arguments to stderr.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(topology) = inputs::topology(&args.config) else {
        return Ok(ExitCode::FAILURE);
    };
    let numbers = Numbers::read(args.ports.as_deref(), &topology)?;
    let bridges = compiled(&topology, args, &numbers)?;
    let mut out = String::new();
    if args.json {
        let report: Vec<Report<'_>> = bridges.iter().map(Compiled::report).collect();
        out = serde_json::to_string_pretty(&report)?;
        out.push('\n');
    } else {
        for (position, bridge) in bridges.iter().enumerate() {
            if position > 0 {
                out.push('\n');
            }
            out.push_str(&match (args.groups, args.meters) {
                (true, _) => bridge.groups(),
                (_, true) => bridge.meters(),
                _ => bridge.flows(),
            });
        }
    }
    super::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// A bridge and what it must hold.
struct Compiled<'t> {
    host: &'t str,
    bridge: &'t str,
    role: Role,
    ports: Ports,
    by_name: bool,
    /// vNICs that have no port before they are found.
    left_out: Vec<&'t str>,
    program: Program,
}

fn compiled<'t>(
    topology: &'t Topology,
    args: &Args,
    numbers: &Numbers,
) -> anyhow::Result<Vec<Compiled<'t>>> {
    let hosts = match &args.host {
        Some(name) => vec![inputs::host(topology, name)?],
        None => topology.hosts.values().collect(),
    };
    let all = || {
        hosts.iter().flat_map(|host| {
            inputs::bridges(host)
                .into_iter()
                .map(move |bridge| (*host, bridge))
        })
    };
    let mut compiled = Vec::new();
    for (host, (role, bridge)) in all() {
        if args.bridge.as_ref().is_none_or(|wanted| wanted == bridge) {
            let mut ports = numbers.ports(host, role)?;
            let by_name = !numbers.are_given();
            let mut left_out = Vec::new();
            if by_name {
                // What a port is found by is no name that ovs-ofctl knows.
                let found = host.found_ports().filter(|port| port.role == role);
                left_out.extend(found.map(|port| port.name));
                for number in left_out
                    .iter()
                    .filter_map(|name| ports.get(name))
                    .collect::<Vec<_>>()
                {
                    ports.remove(number);
                }
            }
            let program =
                compile::bridge(host, &topology.controller, role, &ports, &Failed::default());
            compiled.push(Compiled {
                host: &host.name,
                bridge,
                role,
                ports,
                by_name,
                left_out,
                program,
            });
        }
    }
    if let (Some(wanted), []) = (&args.bridge, compiled.as_slice()) {
        let existing = all().map(|(_, (_, bridge))| bridge);
        let suggestion = config::suggestion(wanted, existing, "the bridges are");
        bail!("there is no bridge {wanted:?}{suggestion}");
    }
    Ok(compiled)
}

impl Compiled<'_> {
    fn dialect(&self) -> Dialect<'_> {
        match self.by_name {
            true => Dialect::Names(&self.ports),
            false => Dialect::Numbers,
        }
    }

    /// Table by table, the flow that is looked at first on top.
    fn in_order(&self) -> Vec<(&FlowKey, &Flow)> {
        let mut flows: Vec<_> = self.program.flows.iter().collect();
        flows.sort_by_key(|(key, _)| (key.table, Reverse(key.priority)));
        flows
    }

    fn title(&self) -> String {
        let mut title = format!("# host {}, bridge {}\n", self.host, self.bridge);
        for name in &self.left_out {
            title.push_str(&format!(
                "# without {name}, which has no port before it is found: give it a number with --ports\n"
            ));
        }
        title
    }

    /// For `add-flows`, which takes the rest as comments.
    fn flows(&self) -> String {
        let dialect = self.dialect();
        let mut text = self.title();
        for (id, meter) in &self.program.meters {
            text.push_str(&format!("# {}\n", dialect.meter(*id, meter)));
        }
        for (id, group) in &self.program.groups {
            text.push_str(&format!("# {}\n", dialect.group(*id, group)));
        }
        for (key, flow) in self.in_order() {
            text.push_str(&format!("{}\n", dialect.flow(key, flow)));
        }
        text
    }

    /// For `add-groups`.
    fn groups(&self) -> String {
        let mut text = self.title();
        for (id, group) in &self.program.groups {
            text.push_str(&format!("{}\n", self.dialect().group(*id, group)));
        }
        text
    }

    /// For `add-meter`.
    fn meters(&self) -> String {
        let mut text = self.title();
        for (id, meter) in &self.program.meters {
            text.push_str(&format!("{}\n", self.dialect().meter(*id, meter)));
        }
        text
    }

    fn report(&self) -> Report<'_> {
        let dialect = self.dialect();
        let flow = |(key, flow): (&FlowKey, &Flow)| FlowReport {
            table: key.table.0,
            priority: key.priority,
            cookie: flow.cookie.to_string(),
            matches: dialect.match_(&key.match_).to_string(),
            actions: dialect.instructions(&flow.instructions).to_string(),
            ofctl: dialect.flow(key, flow).to_string(),
        };
        let groups = self.program.groups.iter();
        let meters = self.program.meters.iter();
        Report {
            host: self.host,
            bridge: self.bridge,
            role: self.role.to_string(),
            flows: self.in_order().into_iter().map(flow).collect(),
            groups: groups
                .map(|(id, group)| dialect.group(*id, group).to_string())
                .collect(),
            meters: meters
                .map(|(id, meter)| dialect.meter(*id, meter).to_string())
                .collect(),
        }
    }
}

/// A bridge, as `--json` prints it.
#[derive(Serialize)]
struct Report<'a> {
    host: &'a str,
    bridge: &'a str,
    role: String,
    flows: Vec<FlowReport>,
    groups: Vec<String>,
    meters: Vec<String>,
}

/// A flow, as `--json` prints it.
#[derive(Serialize)]
struct FlowReport {
    table: u8,
    priority: u16,
    cookie: String,
    #[serde(rename = "match")]
    matches: String,
    actions: String,
    /// The whole line.
    ofctl: String,
}
