//! What is known of one bridge, and what is under way on its connection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use openflow::{DatapathId, PortNo};
use tracing::debug;

use super::Outbox;
use super::backoff::Backoff;
use super::counters::Counters;
use super::leaving::Leaving;
use crate::ofctl::Dialect;
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Program};
use crate::reconcile::{self, Plan};
use crate::topology::Role;

/// One bridge of a host.
#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) role: Role,
    /// Of its last connection, where that told it.
    pub(super) datapath_id: Option<DatapathId>,
    /// Kept while the bridge is away: MAC addresses are learned at these numbers.
    pub(super) ports: Ports,
    pub(super) phase: Phase,
    /// What the bridge holds of ours once it has processed all that was sent to it.
    pub(super) installed: Program,
    /// Flows found on it, destinations mostly, that a source flow on a bridge may explain which was
    /// not read yet.
    pub(super) held: BTreeSet<FlowKey>,
    /// Flows that we have deleted, and that the bridge has not told of yet.
    pub(super) leaving: Leaving,
    /// How many flows it is to hold, as of when that was last compared; 0 before.
    wanted: usize,
    /// How many flows of others it had when it was last read.
    pub(super) foreign: usize,
    /// What is wanted may be something else than `installed`: to be compared.
    pub(super) stale: bool,
    /// What it holds may be something else than `installed`: to be read back.
    pub(super) in_doubt: bool,
    pub(super) backoff: Backoff,
    /// What was sent in transactions since the last report that the bridge is in sync; `None`
    /// where no report is due.
    pub(super) report: Option<Tally>,
}

/// What transactions were made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) flow_mods: usize,
    pub(super) group_mods: usize,
    pub(super) meter_mods: usize,
    /// It is the answer to something that no guest can do: a connection, or another topology.
    pub(super) is_asked_for: bool,
}

impl Tally {
    fn add(&mut self, plan: &Plan<'_>) {
        self.flow_mods += plan.flows.len();
        self.group_mods += plan.groups.len();
        self.meter_mods += plan.meters.len();
    }
}

/// What is under way on the connection to a bridge: one thing at a time.
#[derive(Debug)]
pub(super) enum Phase {
    /// There is no connection.
    Down,
    /// The bridge was asked for all it holds.
    ReadingBack {
        /// Flows that the bridge said are gone since it was asked. The answer may still have them.
        gone: BTreeSet<FlowKey>,
    },
    /// Nothing: flow-mods may be sent.
    Idle,
    /// A transaction.
    Committing {
        /// Changes of single flows for after it: sent now, they might overtake it.
        later: BTreeMap<FlowKey, Option<Flow>>,
    },
}

impl Bridge {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            datapath_id: None,
            ports: Ports::default(),
            phase: Phase::Down,
            installed: Program::default(),
            held: BTreeSet::new(),
            leaving: Leaving::default(),
            wanted: 0,
            foreign: 0,
            stale: false,
            in_doubt: false,
            backoff: Backoff::default(),
            report: None,
        }
    }

    /// The name of the bridge, which is that of its LOCAL port.
    pub(super) fn name(&self) -> &str {
        self.ports.name(PortNo::LOCAL).unwrap_or("?")
    }

    pub(super) fn is_up(&self) -> bool {
        !matches!(self.phase, Phase::Down)
    }

    /// Whether a transaction or a read-back may be started.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.backoff.until().is_none()
    }

    /// How many flows it is to hold: while it is in sync, those that it holds.
    pub(super) fn wanted(&self) -> usize {
        match self.is_in_sync() {
            true => self.installed.flows.len(),
            false => self.wanted,
        }
    }

    /// Whether it holds what it is to hold.
    pub(super) fn is_in_sync(&self) -> bool {
        self.is_ready() && !self.stale && !self.in_doubt
    }

    /// The connection is there, or another one in its place.
    pub(super) fn connect(&mut self, out: &mut impl Outbox) {
        self.backoff.succeed();
        self.leaving.clear();
        self.read_back(out);
        self.report.get_or_insert_default().is_asked_for = true;
    }

    pub(super) fn disconnect(&mut self) {
        self.phase = Phase::Down;
        self.backoff.succeed();
    }

    pub(super) fn read_back(&mut self, out: &mut impl Outbox) {
        self.phase = Phase::ReadingBack {
            gone: BTreeSet::new(),
        };
        self.in_doubt = false;
        self.report.get_or_insert_default();
        out.read_back(self.role);
    }

    /// What the bridge holds may not be what was sent to it. It is read back after a wait, since
    /// whatever the reason is, it may come again.
    pub(super) fn doubt(&mut self, now: Instant) {
        self.in_doubt = true;
        self.leaving.clear();
        self.backoff.fail(now);
    }

    /// Starts the transaction after which the bridge holds `wanted`; says whether it takes one.
    pub(super) fn pursue(
        &mut self,
        wanted: Program,
        counters: &mut Counters,
        out: &mut impl Outbox,
    ) -> bool {
        self.wanted = wanted.flows.len();
        let plan = reconcile::diff(&wanted, &self.installed);
        if plan.is_empty() {
            return false;
        }
        debug!(
            bridge = self.name(),
            "changes:\n{}",
            plan.text(Dialect::Names(&self.ports))
        );
        self.report.get_or_insert_default().add(&plan);
        counters.commits += 1;
        counters.flow_mods += plan.flows.len() as u64;
        counters.group_mods += plan.groups.len() as u64;
        counters.meter_mods += plan.meters.len() as u64;
        out.commit(self.role, plan.messages());
        for (key, _) in plan.flows.added.iter().chain(&plan.flows.changed) {
            self.leaving.add(key);
        }
        for (key, flow) in &plan.flows.removed {
            self.leaving.delete(key, flow);
        }
        self.installed = wanted;
        self.phase = Phase::Committing {
            later: BTreeMap::new(),
        };
        true
    }

    /// Makes one flow be as wanted, `None` being absent. Nothing is sent where it is already.
    pub(super) fn set_flow(
        &mut self,
        key: FlowKey,
        flow: Option<Flow>,
        counters: &mut Counters,
        out: &mut impl Outbox,
    ) {
        match &mut self.phase {
            Phase::Idle => {
                if self.installed.flows.get(&key) != flow.as_ref() {
                    self.send_flow(key, flow, counters, out);
                }
            }
            Phase::Committing { later } => {
                later.insert(key, flow);
            }
            // What is read back is compared with everything that is wanted by then.
            Phase::ReadingBack { .. } | Phase::Down => {}
        }
    }

    /// The transaction under way is in force. Changes that waited for it are sent whatever the
    /// bridge is thought to hold: a notice of a removed flow may have crossed the transaction.
    pub(super) fn committed(&mut self, counters: &mut Counters, out: &mut impl Outbox) {
        let Phase::Committing { later } = &mut self.phase else {
            return;
        };
        let later = std::mem::take(later);
        self.phase = Phase::Idle;
        self.backoff.succeed();
        for (key, flow) in later {
            self.send_flow(key, flow, counters, out);
        }
    }

    fn send_flow(
        &mut self,
        key: FlowKey,
        flow: Option<Flow>,
        counters: &mut Counters,
        out: &mut impl Outbox,
    ) {
        counters.flow_mods += 1;
        match flow {
            Some(flow) => {
                out.send(self.role, &reconcile::add_flow(&key, &flow));
                self.leaving.add(&key);
                self.installed.flows.insert(key, flow);
            }
            None => {
                out.send(self.role, &reconcile::delete_flow(&key));
                let flow = self.installed.flows.remove(&key);
                if let Some(flow) = flow.filter(|_| !self.in_doubt) {
                    self.leaving.delete(&key, &flow);
                }
            }
        }
    }
}
