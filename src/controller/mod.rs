//! Ties everything together: bridges connect, are recognised, and go to the task of their host.
//!
//! A task per host owns the state of the host and the connections of its bridges, so that a
//! frame is read, learned and answered in one place, without locks and queues. Only connections
//! change hands: once, when it is known whose they are.

mod handshakes;
mod host;
mod identify;
mod inquiry;
mod observer;
mod reception;
mod reconciling;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use crate::net::ListenError;
use crate::net::{Connection, Listener};
use crate::ports::Ports;
use crate::topology::{Endpoint, Topology};
use host::HostTask;
use identify::{HostKey, Identity, Place};
use inquiry::{Inquiry, Question};
use observer::{Journal, News};
pub use observer::{Next, Observer};
use reception::Reception;
pub use reconciling::Observed;

/// The controller, ready to serve bridges.
#[derive(Debug)]
pub struct Controller {
    listeners: Vec<Listener>,
    topology: watch::Receiver<Arc<Topology>>,
    observer: Observer,
    inquired: mpsc::Receiver<Inquiry>,
    journal: watch::Sender<Journal>,
}

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
        let (observer, inquired, journal) = observer::channels(topology.clone());
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
    questions: mpsc::UnboundedSender<Question>,
}

impl Hosts {
    /// Hands a bridge to the task of its host, which is started if there is none.
    fn dispatch(&mut self, arrival: Arrival) {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|_, task| !task.arrivals.is_closed());
        let key = arrival.place.host.clone();
        let task = self.running.entry(key).or_insert_with_key(|key| {
            let (arrivals, arrived) = mpsc::unbounded_channel();
            let (questions, asked) = mpsc::unbounded_channel();
            let task = HostTask::new(
                key.clone(),
                self.topology.clone(),
                arrived,
                asked,
                self.news.clone(),
            );
            self.tasks.spawn(task.run());
            Running {
                arrivals,
                questions,
            }
        });
        if let Err(mpsc::error::SendError(arrival)) = task.arrivals.send(arrival) {
            // It ended just now. The bridge will connect again, and a task will be started.
            arrival.connection.close();
        }
    }
}
