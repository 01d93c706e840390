//! The way of a frame, bridge by bridge and table by table.

use std::fmt;

use bridgechain::compile;
use bridgechain::cookie::Class;
use bridgechain::learning::Location;
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::program::{Flow, FlowKey};
use bridgechain::simulate::{Delivery, Frame, Pass, Step, Tags};
use bridgechain::topology::Role;
use openflow::{Match, PortNo};
use serde::Serialize;

use super::notes::{Mark, Notes, Source};
use super::site::Site;

/// A port number that no port has.
const NOBODY: PortNo = PortNo(0);

/// A frame's way through one bridge, and from there on.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct PassReport {
    bridge: String,
    in_port: String,
    /// How it is tagged as it comes in.
    tags: String,
    steps: Vec<StepReport>,
}

/// What a bridge did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
enum StepReport {
    Table {
        table: u8,
        /// The flow that matched.
        #[serde(flatten)]
        flow: Option<FlowReport>,
        /// Why the frame ends here, if it does.
        dropped: Option<&'static str>,
    },
    Recall {
        table: u8,
    },
    Change {
        action: String,
    },
    Group {
        group: u32,
        bucket: usize,
        steps: Vec<StepReport>,
    },
    Out {
        port: String,
        tags: String,
        /// After how many bytes it is cut off.
        cut: Option<u32>,
    },
    Through {
        port: String,
        tags: String,
        next: PassReport,
    },
    Patch {
        port: String,
        next: PassReport,
    },
    NotBack {
        port: String,
    },
    NoSuchPort {
        port: String,
    },
    Down {
        port: String,
    },
    Clone {
        steps: Vec<StepReport>,
    },
    Controller,
}

#[derive(Debug, Serialize)]
struct FlowReport {
    priority: u16,
    #[serde(rename = "match")]
    matches: String,
    /// The service chain that it belongs to.
    chain: Option<String>,
    /// The tap of that chain.
    tap: Option<String>,
    /// What of the configuration it comes from.
    sources: Vec<Source>,
    /// What is wrong with it, where running bridges were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
}

/// The record of `pass` in names, with notes on its flows.
pub(in crate::cli) fn report(site: &Site<'_>, pass: &Pass<'_>, notes: &Notes<'_>) -> PassReport {
    let at = Location {
        role: pass.role,
        port: pass.in_port,
    };
    let reporter = Reporter {
        site,
        notes,
        role: pass.role,
        ports: site.ports(pass.role),
    };
    PassReport {
        bridge: site.bridge(pass.role).to_owned(),
        in_port: site.port_name(at),
        tags: tags(&pass.frame),
        steps: reporter.steps(&pass.steps),
    }
}

fn tags(frame: &Frame) -> String {
    Tags(&frame.tags).to_string()
}

struct Reporter<'a, 't> {
    site: &'a Site<'t>,
    notes: &'a Notes<'a>,
    role: Role,
    ports: Option<&'a Ports>,
}

impl Reporter<'_, '_> {
    fn dialect(&self) -> Dialect<'_> {
        self.ports.map_or(Dialect::Numbers, Dialect::Names)
    }

    fn port(&self, port: PortNo) -> String {
        self.site.port_name(Location {
            role: self.role,
            port,
        })
    }

    /// The chain to whose frames a flow applies, and its tap.
    fn names(&self, match_: &Match) -> (Option<String>, Option<String>) {
        let names = match self.role {
            Role::Service => compile::names_of(self.site.host, match_),
            Role::Local | Role::Uplink | Role::Learning => None,
        };
        match names {
            Some((chain, tap)) => (Some(chain.to_owned()), tap.map(str::to_owned)),
            None => (None, None),
        }
    }

    fn flow(&self, key: &FlowKey, flow: &Flow) -> FlowReport {
        let (chain, tap) = self.names(&key.match_);
        FlowReport {
            priority: key.priority,
            matches: self.dialect().match_(&key.match_).to_string(),
            chain,
            tap,
            sources: self.notes.sources(self.site, self.role, key, flow),
            mark: self.notes.mark(self.role, key, flow),
        }
    }

    fn steps(&self, steps: &[Step<'_>]) -> Vec<StepReport> {
        steps.iter().flat_map(|step| self.step(step)).collect()
    }

    fn step(&self, step: &Step<'_>) -> Vec<StepReport> {
        let one = match step {
            Step::Lookup { table, matched } => StepReport::Table {
                table: table.0,
                flow: matched.map(|(key, flow)| self.flow(key, flow)),
                dropped: match matched {
                    None => Some("no flow matches"),
                    Some((_, flow)) if flow.instructions.is_empty() => {
                        Some(Class::of(flow.cookie).map_or("by a flow", reason))
                    }
                    Some(_) => None,
                },
            },
            Step::Recall(table) => StepReport::Recall { table: table.0 },
            Step::Change(action) => StepReport::Change {
                action: self.dialect().action(action).to_string(),
            },
            Step::Group { id, buckets } => {
                let buckets = buckets.iter().map(|(bucket, steps)| StepReport::Group {
                    group: id.0,
                    bucket: *bucket,
                    steps: self.steps(steps),
                });
                return buckets.collect();
            }
            Step::Deliver(Delivery {
                port,
                frame,
                max_len,
                ..
            }) => StepReport::Out {
                port: self.port(*port),
                tags: tags(frame),
                cut: *max_len,
            },
            Step::Through { delivery, pass } => StepReport::Through {
                port: self.port(delivery.port),
                tags: tags(&delivery.frame),
                next: report(self.site, pass, self.notes),
            },
            Step::Cross { port, pass } => StepReport::Patch {
                port: self.port(*port),
                next: report(self.site, pass, self.notes),
            },
            Step::Suppress(port) => StepReport::NotBack {
                port: self.port(*port),
            },
            // Not meant to go anywhere: a way of telling Open vSwitch something.
            Step::NoSuchPort(NOBODY) => return Vec::new(),
            Step::NoSuchPort(port) => StepReport::NoSuchPort {
                port: self.port(*port),
            },
            Step::Down(port) => StepReport::Down {
                port: self.port(*port),
            },
            Step::Clone(steps) => match self.steps(steps) {
                steps if steps.is_empty() => return Vec::new(),
                steps => StepReport::Clone { steps },
            },
            Step::PacketIn(_) => StepReport::Controller,
        };
        vec![one]
    }
}

/// Why a flow of this class drops.
fn reason(class: Class) -> &'static str {
    match class {
        Class::DropPort => "its port is not in the configuration",
        Class::DropVlan => "its port is no member of that VLAN",
        Class::DropSpoofed => "its source address is pinned to another vNIC",
        Class::DropReserved => "bridges do not forward reserved multicast",
        Class::DropSource => "its source address is a multicast address",
        Class::DropForged => "its vNIC may send from no other address than the one pinned to it",
        Class::DropFunction => "a network function does not send frames of its own",
        Class::DropMaxMacs => "its vNIC or its network has as many addresses as it may have",
        Class::DropReflected => "this host has sent it by another uplink",
        Class::DropStandby => "it is another uplink that takes in frames like this one",
        Class::Skip => "the tap does not want it",
        Class::LearnedDestination => "its destination is where it came from",
        Class::Flood => "nobody is a member of that VLAN",
        Class::Function => "an inline function is down, and lets nothing pass then",
        Class::Pipeline
        | Class::Pinned
        | Class::LearnedSource
        | Class::CountedSource
        | Class::Probe
        | Class::Failed
        | Class::Bound
        | Class::Remembered => "by a flow",
    }
}

impl fmt::Display for PassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pass(f, self, 0)
    }
}

fn write_pass(f: &mut fmt::Formatter<'_>, pass: &PassReport, depth: usize) -> fmt::Result {
    let PassReport {
        bridge,
        in_port,
        tags,
        steps,
    } = pass;
    writeln!(f, "{:1$}{bridge}, in by {in_port}, {tags}", "", 2 * depth)?;
    write_steps(f, steps, depth + 1)
}

fn write_steps(f: &mut fmt::Formatter<'_>, steps: &[StepReport], depth: usize) -> fmt::Result {
    steps.iter().try_for_each(|step| write_step(f, step, depth))
}

/// Tables stand at `depth`, what their flows do one step further in.
fn write_step(f: &mut fmt::Formatter<'_>, step: &StepReport, depth: usize) -> fmt::Result {
    let inner = depth + usize::from(!matches!(step, StepReport::Table { .. }));
    write!(f, "{:1$}", "", 2 * inner)?;
    match step {
        StepReport::Table {
            table,
            flow,
            dropped,
        } => {
            write!(f, "table {table}")?;
            if let Some(FlowReport {
                priority,
                matches,
                chain,
                tap,
                ..
            }) = flow
            {
                let matches = if matches.is_empty() {
                    "any frame"
                } else {
                    matches
                };
                write!(f, ", priority {priority}: {matches}")?;
                match (chain, tap) {
                    (Some(chain), Some(tap)) => write!(f, " (chain {chain}, tap {tap})")?,
                    (Some(chain), None) => write!(f, " (chain {chain})")?,
                    (None, _) => {}
                }
            }
            if let Some(reason) = dropped {
                write!(f, ": dropped, {reason}")?;
            }
            if let Some(mark) = flow.as_ref().and_then(|flow| flow.mark) {
                write!(f, "  !! {mark}")?;
            }
            let sources = flow.iter().flat_map(|flow| &flow.sources);
            for (place, source) in sources.enumerate() {
                let before = if place == 0 { "  # " } else { ", " };
                write!(f, "{before}{source}")?;
            }
            writeln!(f)
        }
        StepReport::Change { action } => writeln!(f, "{action}"),
        StepReport::Group {
            group,
            bucket,
            steps,
        } => {
            writeln!(f, "group {group}, bucket {bucket}")?;
            write_steps(f, steps, inner)
        }
        StepReport::Out { port, tags, cut } => {
            write!(f, "OUT by {port}, {tags}")?;
            match cut {
                Some(bytes) => writeln!(f, ", of {bytes} bytes at the most"),
                None => writeln!(f),
            }
        }
        StepReport::Through { port, tags, next } => {
            writeln!(f, "OUT by {port}, {tags}; the function lets it pass")?;
            write_pass(f, next, inner)
        }
        StepReport::Patch { port, next } => {
            writeln!(f, "on by {port}")?;
            write_pass(f, next, inner)
        }
        StepReport::Recall { table } => {
            writeln!(
                f,
                "table {table}: the port that the switch saw this source at"
            )
        }
        StepReport::NotBack { port } => writeln!(f, "not out by {port}: it came in there"),
        StepReport::NoSuchPort { port } => writeln!(f, "not out by {port}: there is no such port"),
        StepReport::Down { port } => writeln!(f, "not out by {port}: its link is down"),
        StepReport::Clone { steps } => {
            writeln!(f, "a copy of it")?;
            write_steps(f, steps, inner)
        }
        StepReport::Controller => writeln!(f, "to the controller, as its source is not known"),
    }
}
