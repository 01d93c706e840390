//! `bridgechain doctor`: what is wrong with Open vSwitch on this machine, and what mends it.

mod gather;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bridgechain::config;
use bridgechain::doctor::{self, Facts, Finding, Level, Tools};
use bridgechain::topology::{Host, Topology};
use serde::Serialize;

use super::completing;
use super::inputs;
use super::live::{Endpoint, Sockets};
use super::progress::Progress;
use super::style::{Colour, Style};

/// Arguments of `bridgechain doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 nothing is wrong, 1 something is, 2 wrong arguments.")]
pub(crate) struct Args {
    /// The configuration file (YAML). Without it, every bridge that has a controller is looked at,
    /// for what any of them needs
    config: Option<PathBuf>,
    /// The host that this machine is; without this, the one whose bridges are here
    #[arg(long, requires = "config", add = completing::hosts())]
    host: Option<String>,
    /// Where the bridges find the controller; without this, where it listens
    #[arg(long, value_name = "TARGET")]
    controller: Option<String>,
    /// The datapath of the bridges; without this, that of the uplink bridge
    #[arg(long, value_parser = ["netdev", "system"])]
    datapath_type: Option<String>,
    /// The OVS database, as for ovs-vsctl --db; without this, db.sock where Open vSwitch has its
    /// sockets
    #[arg(long)]
    db: Option<String>,
    /// Where Open vSwitch has its sockets: a bridge is asked at BRIDGE.mgmt in there. Without this
    /// it is what OVS_RUNDIR says in the environment, or else /var/run/openvswitch
    #[arg(long, value_name = "DIR")]
    ovs_rundir: Option<PathBuf>,
    /// Where this bridge is asked instead: `unix:PATH` or `tcp:IP:PORT`, where it listens for
    /// OpenFlow; may be repeated
    #[arg(long, value_name = "NAME=WHERE")]
    bridge: Vec<Endpoint>,
    /// Print nothing but the commands that mend what is wrong
    #[arg(long)]
    commands: bool,
    /// Print the findings as JSON
    #[arg(long, conflicts_with = "commands")]
    json: bool,
}

/// What is taken for a configuration where there is none: a host that takes any bridge.
const ANY: &str = "hosts: { this machine: { bridges: { learning: '*' } } }";

/// Prints the findings.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let topology = match &args.config {
        Some(path) => inputs::topology(path),
        None => config::parse("", ANY).ok().map(|(topology, _)| topology),
    };
    let Some(topology) = topology else {
        return Ok(ExitCode::FAILURE);
    };
    let sockets = Sockets::new(args.ovs_rundir.as_deref(), &args.bridge);
    // Commands are run in any shell: they say where the database is.
    let db = args.db.clone().or_else(|| sockets.database());
    let progress = Progress::new("asking Open vSwitch", args.json);
    let facts = gather::database(db.as_deref())?;
    let host = host(args, &topology, &facts)?;
    let tools = Tools {
        config: args.config.as_ref().map(|path| path.display().to_string()),
        db,
        controller: args.controller.clone(),
        datapath_type: args.datapath_type.clone(),
    };
    let facts = gather::rest(facts, &topology, host, &sockets);
    drop(progress);
    let findings = doctor::examine(&topology, host, &tools, &facts);
    let report = Report {
        host: &host.name,
        errors: count(&findings, Level::Error),
        warnings: count(&findings, Level::Warning),
        findings: &findings,
    };
    super::print(&if args.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else if args.commands {
        report.commands()
    } else {
        report.text(Style::stdout())
    })?;
    Ok(match report.errors + report.warnings {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The host that this machine is.
fn host<'t>(args: &Args, topology: &'t Topology, facts: &Facts) -> anyhow::Result<&'t Host> {
    if let Some(name) = &args.host {
        return inputs::host(topology, name);
    }
    let hosts: Vec<&Host> = topology.hosts.values().collect();
    if let [only] = hosts.as_slice() {
        return Ok(only);
    }
    let has_bridge_here = |host: &&&Host| {
        host.bridges().any(|(_, bridge)| {
            let found = facts.bridges.get(&bridge.name);
            let id = found.and_then(|found| found.datapath_id.as_deref());
            id == Some(bridge.datapath_id.to_string().as_str())
        })
    };
    let mut here = hosts.iter().filter(has_bridge_here);
    if let (Some(host), None) = (here.next(), here.next()) {
        return Ok(host);
    }
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    match names.as_slice() {
        [] => bail!("the configuration has no hosts"),
        _ => None.with_context(|| {
            format!(
                "no datapath id tells which host this machine is; say --host {}",
                names.join(" or --host ")
            )
        }),
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    let findings = findings.iter();
    findings.filter(|finding| finding.level == level).count()
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    host: &'a str,
    errors: usize,
    warnings: usize,
    findings: &'a [Finding],
}

impl Report<'_> {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for finding in self.findings {
            let colour = match finding.level {
                Level::Error => Colour::Red,
                Level::Warning => Colour::Yellow,
                Level::Ok => Colour::Green,
            };
            let level = style.paint(colour, &format!("{:7}", finding.level));
            let subject = finding.subject.as_ref();
            let subject = subject.map(|subject| format!("{subject}: "));
            text.push_str(&format!(
                "{level}  {:13}  {}{}\n",
                finding.check,
                subject.unwrap_or_default(),
                finding.what
            ));
            if let Some(mend) = &finding.mend {
                text.push_str(&format!("         {mend}\n"));
            }
        }
        let counted = |count, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let summary = match (self.errors, self.warnings) {
            (0, 0) => "all is well".to_owned(),
            (errors, warnings) => format!(
                "{}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
        };
        format!("{text}\n{}: {summary}\n", self.host)
    }

    /// Each of them once. Those behind one that does not end would not be run, so that is a comment.
    fn commands(&self) -> String {
        let mut commands: Vec<String> = Vec::new();
        for mend in self.findings.iter().filter_map(|it| it.mend.as_deref()) {
            let line = match mend.starts_with("bridgechain run") {
                true => format!("# {mend}\n"),
                false => format!("{mend}\n"),
            };
            if !commands.contains(&line) {
                commands.push(line);
            }
        }
        commands.concat()
    }
}

#[cfg(test)]
mod tests {
    use bridgechain::doctor::Check;

    use super::*;

    #[test]
    fn what_is_wrong_comes_with_its_command() {
        let finding = |level, check, subject: Option<&str>, mend: Option<&str>| Finding {
            level,
            check,
            subject: subject.map(str::to_owned),
            what: "what it is".to_owned(),
            mend: mend.map(str::to_owned),
        };
        let mend = Some("ovs-vsctl set-fail-mode br0 secure");
        let findings = [
            finding(Level::Error, Check::FailMode, Some("br0"), mend),
            finding(Level::Error, Check::Health, Some("ips-in"), None),
            finding(Level::Warning, Check::Mtu, Some("eth1"), mend),
            finding(Level::Ok, Check::DatapathType, None, None),
        ];
        let report = Report {
            host: "node1",
            errors: 2,
            warnings: 1,
            findings: &findings,
        };
        assert_eq!(
            report.text(Style::PLAIN),
            "\
error    fail-mode      br0: what it is
         ovs-vsctl set-fail-mode br0 secure
error    health         ips-in: what it is
warning  mtu            eth1: what it is
         ovs-vsctl set-fail-mode br0 secure
ok       datapath-type  what it is

node1: 2 errors, 1 warning
"
        );
        assert_eq!(report.commands(), "ovs-vsctl set-fail-mode br0 secure\n");
        let run = finding(
            Level::Error,
            Check::Connected,
            Some("br0"),
            Some("bridgechain run lab.yaml"),
        );
        let ends_not = Report {
            findings: &[run],
            ..report
        };
        assert_eq!(ends_not.commands(), "# bridgechain run lab.yaml\n");
    }
}
