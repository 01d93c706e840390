//! The states of a host that are proved: compiled ones, or the one that its bridges are in.

use bridgechain::health::Failed;
use bridgechain::learning::LearnedMac;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::prove::{self, Subject};
use bridgechain::topology::{Host, Role, Topology};

use super::super::inputs::{self, Numbers};
use super::super::live::{Difference, Found, Known};

/// What the bridges of a host hold at a moment.
pub(super) struct State {
    pub(super) bridges: Vec<(Role, Ports, Program)>,
    pub(super) failed: Failed,
    pub(super) learned: Vec<LearnedMac>,
    /// Where they hold something else than they should.
    pub(super) differences: Vec<Difference>,
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
        let known = Known::new(topology, host, &found);
        let mut differences = Vec::new();
        for found in &found {
            differences.extend(known.differences(found));
        }
        let bridges = found.into_iter();
        Self {
            bridges: bridges.map(|it| (it.role, it.ports, it.program)).collect(),
            failed: known.failed,
            learned: known.learned,
            differences,
        }
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
