//! Questions to all hosts at once, which their tasks answer when they have nothing more urgent to do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time;

use super::Hosts;
use super::reconciling::Observed;
use crate::host::HostState;
use crate::status::{self, BridgePort, HostPlan, Mac};
use crate::topology::Topology;

/// How long the task of a host may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// What is asked of all hosts, and where the answers go, in the order of the names of the hosts.
pub(super) enum Inquiry {
    /// Their state.
    Status(oneshot::Sender<Vec<status::Host>>),
    /// The MAC addresses they know.
    Macs(oneshot::Sender<Vec<Vec<Mac>>>),
    /// What their bridges have counted.
    Statistics(oneshot::Sender<Vec<Observed>>),
    /// The ports of their bridges.
    Ports(oneshot::Sender<Vec<Vec<BridgePort>>>),
    /// What a topology would change.
    Plan(Arc<Topology>, oneshot::Sender<Vec<HostPlan>>),
}

/// What the task of a host is asked, and where the answer goes.
pub(super) enum Question {
    /// Its state.
    Status(oneshot::Sender<status::Host>),
    /// The MAC addresses it knows.
    Macs(oneshot::Sender<Vec<Mac>>),
    /// What its bridges have counted; these are asked first.
    Statistics(oneshot::Sender<Observed>),
    /// The ports of its bridges.
    Ports(oneshot::Sender<Vec<BridgePort>>),
    /// What a topology would change.
    Plan(Arc<Topology>, oneshot::Sender<HostPlan>),
}

impl Question {
    /// Answers from what is known of the host, if that will do. Otherwise it returns where the
    /// answer is to go.
    pub(super) fn answer(self, state: &HostState) -> Option<oneshot::Sender<Observed>> {
        let now = Instant::now();
        // Who asked may be gone.
        match self {
            Self::Status(reply) => {
                let _ = reply.send(state.status(now));
            }
            Self::Macs(reply) => {
                let _ = reply.send(state.mac_table(now));
            }
            Self::Ports(reply) => {
                let _ = reply.send(state.port_table());
            }
            Self::Statistics(reply) => return Some(reply),
            Self::Plan(topology, reply) => {
                let _ = reply.send(state.plan(&topology));
            }
        }
        None
    }
}

impl Hosts {
    /// Answers as soon as the tasks of all hosts have.
    pub(super) fn answer(&mut self, inquiry: Inquiry) {
        match inquiry {
            Inquiry::Status(reply) => self.collect(Question::Status, HostState::status, reply),
            Inquiry::Macs(reply) => self.collect(Question::Macs, HostState::mac_table, reply),
            Inquiry::Statistics(reply) => {
                let absent = |state: &HostState, _| Observed::of(state.statistics());
                self.collect(Question::Statistics, absent, reply);
            }
            Inquiry::Ports(reply) => {
                let absent = |state: &HostState, _| state.port_table();
                self.collect(Question::Ports, absent, reply);
            }
            Inquiry::Plan(topology, reply) => {
                let absent = Arc::clone(&topology);
                self.collect(
                    move |reply| Question::Plan(Arc::clone(&topology), reply),
                    move |state, _| state.plan(&absent),
                    reply,
                );
            }
        }
    }

    /// Asks every host, and gives all answers to `reply`. Hosts of which no bridge was ever connected
    /// have no task: `absent` answers for them.
    fn collect<T: Send + 'static>(
        &mut self,
        question: impl Fn(oneshot::Sender<T>) -> Question,
        absent: impl Fn(&HostState, Instant) -> T + Send + 'static,
        reply: oneshot::Sender<Vec<T>>,
    ) {
        self.running.retain(|_, task| !task.arrivals.is_closed());
        let topology = Arc::clone(&self.topology.borrow());
        let asked: Vec<_> = self
            .running
            .iter()
            .map(|(key, task)| {
                let (sender, answer) = oneshot::channel();
                // Where the task has just ended there is no answer.
                let _ = task.questions.send(question(sender));
                (key.host.clone(), answer)
            })
            .collect();
        self.tasks.spawn(async move {
            let deadline = time::Instant::now() + ANSWER_LIMIT;
            let mut answers = Vec::new();
            let mut running = BTreeSet::new();
            for (host, answer) in asked {
                running.insert(host.clone());
                // One that does not answer is left out: what it would say is not known.
                if let Ok(Ok(answer)) = time::timeout_at(deadline, answer).await {
                    answers.push((host, answer));
                }
            }
            for host in topology.hosts.keys() {
                if !running.contains(host) {
                    let state = HostState::new(Arc::clone(&topology), host);
                    answers.push((host.clone(), absent(&state, Instant::now())));
                }
            }
            answers.sort_by(|(a, _), (b, _)| a.cmp(b));
            // Who asked may be gone.
            let _ = reply.send(answers.into_iter().map(|(_, answer)| answer).collect());
        });
    }
}
