//! What running bridges should hold, after what they were found to hold: which addresses were learned
//! and which functions have failed is read from their flows.

use std::fmt;

use bridgechain::cookie::{self, Class};
use bridgechain::health::Failed;
use bridgechain::learning::{Learned, LearnedMac, Limits, MacTable};
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::topology::{Host, Role, Topology};
use bridgechain::{compile, reconcile};

use super::Found;

/// What is known of a host from its bridges.
pub(in crate::cli) struct Known<'t> {
    topology: &'t Topology,
    host: &'t Host,
    pub(in crate::cli) failed: Failed,
    pub(in crate::cli) learned: Vec<LearnedMac>,
    macs: MacTable,
}

impl<'t> Known<'t> {
    /// From all bridges of `host`.
    pub(in crate::cli) fn new(topology: &'t Topology, host: &'t Host, found: &[Found]) -> Self {
        let mut failed = Failed::default();
        let mut learned = Vec::new();
        for Found {
            role,
            ports,
            program,
        } in found
        {
            for (key, flow) in &program.flows {
                let leg = compile::recover_failed(key, flow).and_then(|port| ports.name(port));
                if let Some(leg) = leg {
                    failed.set(leg, true);
                }
                let entry = compile::recover(*role, key, flow);
                learned.extend(entry.filter(|entry| compile::admits(host, ports, entry)));
            }
        }
        let mut macs = MacTable::default();
        macs.set_limits(Limits::new(host, |role| {
            let mut all = found.iter();
            all.find(|found| found.role == role)
                .map(|found| &found.ports)
        }));
        learned.retain(|entry| macs.learn(*entry) == Learned::New);
        Self {
            topology,
            host,
            failed,
            learned,
            macs,
        }
    }

    /// What a bridge with these ports should hold.
    pub(in crate::cli) fn wanted(&self, role: Role, ports: &Ports) -> Program {
        let settings = &self.topology.controller;
        let mut program = compile::bridge(self.host, settings, role, ports, &self.failed);
        program.flows.extend(compile::addresses(
            self.host, settings, role, ports, &self.macs,
        ));
        program
    }

    /// Where a bridge holds something else than it should.
    pub(in crate::cli) fn differences(&self, found: &Found) -> Vec<Difference> {
        let wanted = self.wanted(found.role, &found.ports);
        differences(found.role, &found.ports, &wanted, &found.program)
    }
}

/// A flow that is not as it should be.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Difference {
    pub(in crate::cli) role: Role,
    pub(in crate::cli) kind: Kind,
    /// In the syntax of `ovs-ofctl`.
    pub(in crate::cli) entry: String,
}

/// In which way something is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Kind {
    /// It is not there.
    Missing,
    /// It does something else; what it should do.
    Altered,
    /// It is one of ours that should not be there.
    Unwanted,
    /// It is somebody else's.
    Foreign,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing:",
            Self::Altered => "altered, should be:",
            Self::Unwanted => "should not be there:",
            Self::Foreign => "somebody else's:",
        })
    }
}

/// Where a bridge holds something else than it should.
fn differences(role: Role, ports: &Ports, wanted: &Program, found: &Program) -> Vec<Difference> {
    let dialect = Dialect::Names(ports);
    let mut differences = Vec::new();
    let mut add = |kind, entry: String| differences.push(Difference { role, kind, entry });
    let plan = reconcile::diff(wanted, found);
    for (key, flow) in &plan.flows.added {
        add(Kind::Missing, dialect.flow(key, flow).to_string());
    }
    for (key, flow) in &plan.flows.changed {
        add(Kind::Altered, dialect.flow(key, flow).to_string());
    }
    for (key, flow) in &plan.flows.removed {
        // What the bridge wrote itself is neither wanted nor unwanted.
        if Class::of(flow.cookie) == Some(Class::Remembered) {
            continue;
        }
        let kind = match cookie::is_ours(flow.cookie) {
            true => Kind::Unwanted,
            false => Kind::Foreign,
        };
        add(kind, dialect.flow(key, flow).to_string());
    }
    for (id, group) in &plan.groups.added {
        add(Kind::Missing, dialect.group(**id, group).to_string());
    }
    for (id, group) in &plan.groups.changed {
        add(Kind::Altered, dialect.group(**id, group).to_string());
    }
    for (id, group) in &plan.groups.removed {
        let kind = match compile::is_our_group(**id) {
            true => Kind::Unwanted,
            false => Kind::Foreign,
        };
        add(kind, dialect.group(**id, group).to_string());
    }
    differences
}
