//! The states of a host that are proved: compiled ones, or the one that its bridges are in.

use bridgechain::health::Failed;
use bridgechain::learning::{Learned, LearnedMac, Limits, MacTable};
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::prove::{self, Subject};
use bridgechain::topology::{Host, Role, Topology};
use bridgechain::{compile, reconcile};

use super::super::inputs::{self, Numbers};
use super::live::Found;

/// What the bridges of a host hold at a moment.
pub(super) struct State {
    pub(super) bridges: Vec<(Role, Ports, Program)>,
    pub(super) failed: Failed,
    pub(super) learned: Vec<LearnedMac>,
    /// Where they hold something else than they should.
    pub(super) differences: Vec<Difference>,
}

/// A flow that is not as it should be.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) role: Role,
    pub(super) kind: Kind,
    /// In the syntax of `ovs-ofctl`.
    pub(super) entry: String,
}

/// In which way something is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It is not there.
    Missing,
    /// It does something else; what it should do.
    Altered,
    /// It is one of ours that should not be there.
    Unwanted,
    /// It is somebody else's.
    Foreign,
}

impl State {
    pub(super) fn subject<'a>(&'a self, host: &'a Host) -> Subject<'a> {
        Subject {
            host,
            bridges: &self.bridges,
            failed: &self.failed,
            learned: &self.learned,
        }
    }

    /// The state that the bridges are in.
    pub(super) fn found(topology: &Topology, host: &Host, found: Vec<Found>) -> Self {
        let mut failed = Failed::default();
        let mut learned = Vec::new();
        for Found {
            role,
            ports,
            program,
        } in &found
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
        let mut state = Self {
            bridges: Vec::new(),
            failed,
            learned,
            differences: Vec::new(),
        };
        for Found {
            role,
            ports,
            program,
        } in found
        {
            let wanted = state.wanted(topology, host, role, &ports, &macs);
            state
                .differences
                .extend(differences(role, &ports, &wanted, &program));
            state.bridges.push((role, ports, program));
        }
        state
    }

    /// What a bridge should hold.
    fn wanted(
        &self,
        topology: &Topology,
        host: &Host,
        role: Role,
        ports: &Ports,
        macs: &MacTable,
    ) -> Program {
        let settings = &topology.controller;
        let mut program = compile::bridge(host, settings, role, ports, &self.failed);
        program
            .flows
            .extend(compile::addresses(host, settings, role, ports, macs));
        program
    }
}

/// The states that a host may be in as compiled: all functions well, each that is probed failed,
/// and all of these.
pub(super) fn compiled(
    topology: &Topology,
    host: &Host,
    numbers: &Numbers,
) -> anyhow::Result<Vec<State>> {
    let ports: Vec<(Role, Ports)> = match numbers.are_given() {
        true => inputs::bridges(host)
            .into_iter()
            .map(|(role, _)| Ok((role, numbers.ports(host, role)?)))
            .collect::<anyhow::Result<_>>()?,
        false => prove::assumed_ports(host),
    };
    let mut states = Vec::new();
    for known in prove::known_states(host) {
        for failed in prove::health_states(host) {
            let settings = &topology.controller;
            let scenario = prove::compiled(host, settings, ports.clone(), &failed, known);
            states.push(State {
                bridges: scenario.bridges,
                failed,
                learned: scenario.learned,
                differences: Vec::new(),
            });
        }
    }
    Ok(states)
}

/// Where a bridge holds something else than it should.
fn differences(role: Role, ports: &Ports, wanted: &Program, found: &Program) -> Vec<Difference> {
    let dialect = bridgechain::ofctl::Dialect::Names(ports);
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
        if bridgechain::cookie::Class::of(flow.cookie)
            == Some(bridgechain::cookie::Class::Remembered)
        {
            continue;
        }
        let kind = match bridgechain::cookie::is_ours(flow.cookie) {
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
