//! Ties everything together: bridges connect, are recognised, and go to the task of their host.
//!
//! A task per host owns the state of the host and the connections of its bridges, so that a
//! frame is read, learned and answered in one place, without locks and queues. Only connections
//! change hands: once, when it is known whose they are.

mod handshakes;
mod host;
mod identify;
mod observer;
mod reception;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time;

use crate::host::HostState;
pub use crate::net::ListenError;
use crate::net::{Connection, Listener};
use crate::ports::Ports;
use crate::status::{self, Status};
use crate::topology::{Endpoint, Topology};
use host::HostTask;
use identify::{HostKey, Identity, Place};
pub use observer::Observer;
use observer::{Inquiry, Journal, News};
use reception::Reception;

/// The controller, ready to serve bridges.
#[derive(Debug)]
pub struct Controller {
    listeners: Vec<Listener>,
    topology: watch::Receiver<Arc<Topology>>,
    observer: Observer,
    inquired: mpsc::Receiver<Inquiry>,
    journal: watch::Sender<Journal>,
}

/// How long the task of a host may take to tell its state.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A bridge that was recognised, on its way to the task of its host.
#[derive(Debug)]
struct Arrival {
    identity: Identity,
    place: Place,
    ports: Ports,
    connection: Connection,
}

impl Controller {
    /// Listens where the topology says. Needs a tokio runtime around it.
    ///
    /// Later values of `topology` are followed, but for where to listen.
    ///
    /// # Errors
    ///
    /// Where an endpoint can not be listened at.
    pub fn bind(topology: watch::Receiver<Arc<Topology>>) -> Result<Self, ListenError> {
        let endpoints = topology.borrow().controller.listen.clone();
        let listeners = endpoints
            .iter()
            .map(Listener::bind)
            .collect::<Result<_, _>>()?;
        let (observer, inquired, journal) = observer::channels();
        Ok(Self {
            listeners,
            topology,
            observer,
            inquired,
            journal,
        })
    }

    /// Sees what goes on from the outside.
    pub fn observer(&self) -> Observer {
        self.observer.clone()
    }

    /// Where bridges can connect to.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        self.listeners.iter().map(Listener::endpoint)
    }

    /// Serves bridges until it is dropped. Their flows stay.
    pub async fn run(mut self) {
        let (arrivals, mut arrived) = mpsc::unbounded_channel();
        let reception = Arc::new(Reception::new(self.topology.clone(), arrivals));
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(reception::accept(listener, Arc::clone(&reception)));
        }
        let (news, told) = mpsc::unbounded_channel();
        tasks.spawn(observer::keep(self.journal, told));
        let mut hosts = Hosts {
            tasks,
            topology: self.topology,
            running: BTreeMap::new(),
            news,
        };
        loop {
            tokio::select! {
                biased;
                Some(arrival) = arrived.recv() => hosts.dispatch(arrival),
                Some(inquiry) = self.inquired.recv() => hosts.answer(inquiry),
                else => return,
            }
        }
    }
}

/// The tasks of the hosts.
struct Hosts {
    tasks: JoinSet<()>,
    topology: watch::Receiver<Arc<Topology>>,
    running: BTreeMap<HostKey, Running>,
    news: mpsc::UnboundedSender<News>,
}

/// The ends of the channels to the task of a host.
struct Running {
    arrivals: mpsc::UnboundedSender<Arrival>,
    inquiries: mpsc::UnboundedSender<oneshot::Sender<status::Host>>,
}

impl Hosts {
    /// Hands a bridge to the task of its host, which is started if there is none.
    fn dispatch(&mut self, arrival: Arrival) {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|_, task| !task.arrivals.is_closed());
        let key = arrival.place.host.clone();
        let task = self.running.entry(key).or_insert_with_key(|key| {
            let (arrivals, arrived) = mpsc::unbounded_channel();
            let (inquiries, inquired) = mpsc::unbounded_channel();
            let task = HostTask::new(
                key.clone(),
                self.topology.clone(),
                arrived,
                inquired,
                self.news.clone(),
            );
            self.tasks.spawn(task.run());
            Running {
                arrivals,
                inquiries,
            }
        });
        if let Err(mpsc::error::SendError(arrival)) = task.arrivals.send(arrival) {
            // It ended just now. The bridge will connect again, and a task will be started.
            arrival.connection.close();
        }
    }

    /// Tells the state of all hosts, as soon as their tasks have told theirs.
    fn answer(&mut self, inquiry: Inquiry) {
        self.running.retain(|_, task| !task.arrivals.is_closed());
        let topology = Arc::clone(&self.topology.borrow());
        let asked: Vec<_> = self
            .running
            .iter()
            .map(|(key, task)| {
                let (sender, answer) = oneshot::channel();
                // Where the task has just ended there is no answer.
                let _ = task.inquiries.send(sender);
                (key.host.clone(), answer)
            })
            .collect();
        self.tasks.spawn(async move {
            let deadline = time::Instant::now() + ANSWER_LIMIT;
            let mut hosts = Vec::new();
            let mut running = BTreeSet::new();
            for (host, answer) in asked {
                running.insert(host);
                // One that does not answer is left out: what it would say is not known.
                if let Ok(Ok(state)) = time::timeout_at(deadline, answer).await {
                    hosts.push(state);
                }
            }
            // Of the others no bridge was ever connected.
            for host in topology
                .hosts
                .keys()
                .filter(|host| !running.contains(*host))
            {
                let state = HostState::new(Arc::clone(&topology), host);
                hosts.push(state.status(Instant::now()));
            }
            hosts.sort_by(|a, b| a.name.cmp(&b.name));
            // Who asked may be gone.
            let _ = inquiry.send(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                hosts,
            });
        });
    }
}
