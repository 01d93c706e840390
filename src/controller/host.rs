//! The task of one host: its state, and the connections of its bridges.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use openflow::{Message, MultipartRequestBody};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{Span, info, info_span, warn};

use super::Arrival;
use super::identify::{HostKey, Identity, Place};
use super::inquiry::Question;
use super::observer::News;
use super::reconciling::{Observed, Times, Watch};
use crate::host::{HostState, Outbox};
use crate::net::{Connection, sleep_until};
use crate::ovsdb;
use crate::topology::{Role, Topology};

/// How long bridges may take to say what they have counted.
const SURVEY_LIMIT: Duration = Duration::from_millis(1500);

/// Serves the bridges of one host.
pub(super) struct HostTask {
    key: HostKey,
    state: HostState,
    bridges: Bridges,
    topology: watch::Receiver<Arc<Topology>>,
    /// The database of the host, where any vNIC is found by it.
    database: Option<ovsdb::Watch>,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    questions: mpsc::UnboundedReceiver<Question>,
    news: mpsc::UnboundedSender<News>,
    times: Times,
    /// Who waits for what bridges have counted.
    waiting: Vec<oneshot::Sender<Observed>>,
    /// When these are answered, whatever bridges have said.
    survey_ends: Option<Instant>,
    /// The host is not in the configuration any more.
    removed: bool,
}

type Bridges = BTreeMap<Role, Bridge>;

/// A connected bridge.
struct Bridge {
    identity: Identity,
    connection: Connection,
    span: Span,
    watch: Watch,
}

/// The sessions of the bridges, at one moment.
struct Sessions<'a> {
    now: Instant,
    bridges: &'a mut Bridges,
}

impl Outbox for Sessions<'_> {
    fn send(&mut self, role: Role, message: &Message) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.connection.session().send(message);
        }
    }

    fn commit(&mut self, role: Role, changes: Vec<Message>) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.watch.start(self.now);
            bridge.connection.session().commit(self.now, changes);
        }
    }

    fn read_back(&mut self, role: Role) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.watch.start(self.now);
            bridge.connection.session().read_back(self.now);
        }
    }

    fn survey(&mut self, role: Role, requests: Vec<MultipartRequestBody>) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.connection.session().survey(requests);
        }
    }
}

impl HostTask {
    pub(super) fn new(
        key: HostKey,
        mut topology: watch::Receiver<Arc<Topology>>,
        arrivals: mpsc::UnboundedReceiver<Arrival>,
        questions: mpsc::UnboundedReceiver<Question>,
        news: mpsc::UnboundedSender<News>,
    ) -> Self {
        let state = HostState::new(Arc::clone(&topology.borrow_and_update()), &key.host);
        Self {
            key,
            state,
            bridges: BTreeMap::new(),
            topology,
            database: None,
            arrivals,
            questions,
            news,
            times: Times::default(),
            waiting: Vec::new(),
            survey_ends: None,
            removed: false,
        }
    }

    /// Serves until the host is no longer in the configuration, or, where any bridge is a host
    /// of its own, until that bridge is gone.
    pub(super) async fn run(mut self) {
        self.watch_database();
        loop {
            let timeout = self.timeout();
            let mut question = None;
            let database = self.database.as_mut();
            tokio::select! {
                biased;
                Some(arrival) = self.arrivals.recv() => self.attach(arrival),
                Ok(()) = self.topology.changed() => self.reload(),
                feed = next_feed(database) => self.hear(&feed),
                () = poll_fn(|cx| poll(&mut self.bridges, cx)) => {}
                Some(asked) = self.questions.recv() => question = Some(asked),
                () = sleep_until(timeout) => {}
            }
            self.handle_events();
            // Only now, when what has come in is known: a busy task must not blame its peers.
            self.handle_timeouts();
            self.handle_events();
            self.tell(question);
            if self.is_over() {
                return;
            }
        }
    }

    /// Tells what has happened, and answers what was asked.
    fn tell(&mut self, question: Option<Question>) {
        for happening in self.state.take_happenings() {
            // At the end of the controller nobody writes it down any more.
            let _ = self.news.send((self.key.host.clone(), happening));
        }
        let more = self.questions.try_recv().ok();
        for question in question.into_iter().chain(more) {
            let Some(reply) = question.answer(&self.state) else {
                continue;
            };
            let now = Instant::now();
            self.waiting.push(reply);
            self.survey_ends.get_or_insert(now + SURVEY_LIMIT);
            let mut out = Sessions {
                now,
                bridges: &mut self.bridges,
            };
            self.state.survey(now, &mut out);
        }
        self.tell_statistics();
    }

    /// Tells what bridges have counted, once they have said it or time is over.
    fn tell_statistics(&mut self) {
        let is_over = self.survey_ends.is_some_and(|end| Instant::now() >= end);
        if self.waiting.is_empty() || (self.state.is_surveying() && !is_over) {
            return;
        }
        self.survey_ends = None;
        let observed = Observed {
            statistics: self.state.statistics(),
            read_backs: self.times.read_backs.clone(),
            transactions: self.times.transactions.clone(),
        };
        for reply in self.waiting.drain(..) {
            // Who asked may be gone.
            let _ = reply.send(observed.clone());
        }
    }

    fn is_over(&self) -> bool {
        // A bridge that comes back at once may be on its way while its old connection ends.
        let deserted = self.bridges.is_empty() && self.arrivals.is_empty();
        self.removed || (self.key.instance.is_some() && deserted)
    }

    /// Takes a bridge in. The newest connection of a bridge is the one that counts.
    fn attach(&mut self, arrival: Arrival) {
        let Arrival {
            identity,
            place,
            ports,
            connection,
        } = arrival;
        let topology = Arc::clone(&self.topology.borrow());
        let role = place.role;
        if identity.place(&topology) != Some(place) {
            // The configuration has changed meanwhile; the bridge will come again.
            connection.close();
            return;
        }
        let span = info_span!("datapath", id = %identity.datapath_id);
        let _entered = span.enter();
        if let Some(other) = self.bridges.get(&role)
            && other.identity.datapath_id != identity.datapath_id
            && !identity.is_known_by_datapath_id(&topology)
        {
            warn!(
                host = self.key.host, bridge = identity.name(), peer = connection.peer(),
                other = %other.identity.datapath_id,
                "refused: another bridge of this name is connected; give each its datapath_id"
            );
            connection.close();
            return;
        }
        if self.bridges.contains_key(&role) {
            self.detach(role, "a newer connection takes its place");
        }
        info!(host = self.key.host, bridge = identity.name(), %role, peer = connection.peer(), "bridge connected");
        let span = span.clone();
        let datapath_id = identity.datapath_id;
        self.bridges.insert(
            role,
            Bridge {
                identity,
                connection,
                span,
                watch: Watch::default(),
            },
        );
        let mut out = Sessions {
            now: Instant::now(),
            bridges: &mut self.bridges,
        };
        self.state
            .bridge_up(role, Some(datapath_id), ports, &mut out);
    }

    /// Lets go of a bridge. Its flows stay.
    fn detach(&mut self, role: Role, reason: impl std::fmt::Display) {
        if let Some(Bridge {
            identity,
            connection,
            span,
            ..
        }) = self.bridges.remove(&role)
        {
            let _entered = span.enter();
            warn!(
                host = self.key.host, bridge = identity.name(), peer = connection.peer(), %reason,
                "bridge disconnected"
            );
            connection.close();
            self.state.bridge_down(role);
        }
    }

    /// Follows the configuration.
    fn reload(&mut self) {
        let topology = Arc::clone(&self.topology.borrow_and_update());
        let moved: Vec<Role> = self
            .bridges
            .iter()
            .filter(|&(&role, bridge)| {
                bridge.identity.place(&topology)
                    != Some(Place {
                        host: self.key.clone(),
                        role,
                    })
            })
            .map(|(&role, _)| role)
            .collect();
        for role in moved {
            self.detach(role, "it has another place in the configuration, or none");
        }
        if topology.hosts.contains_key(&self.key.host) {
            let now = Instant::now();
            let mut out = Sessions {
                now,
                bridges: &mut self.bridges,
            };
            self.state.reload(now, topology, &mut out);
            self.watch_database();
        } else {
            self.removed = true;
            warn!(
                host = self.key.host,
                "host is not in the configuration any more; its flows stay"
            );
        }
    }

    /// Watches the database where the configuration says it is, if any vNIC is found by it.
    fn watch_database(&mut self) {
        let topology = Arc::clone(&self.topology.borrow());
        let host = topology.hosts.get(&self.key.host);
        let needed = host.filter(|host| host.found_ports().next().is_some());
        let access = needed.map(ovsdb::Access::of);
        if self.database.as_ref().map(|watch| &watch.access) == access.as_ref() {
            return;
        }
        let endpoint = access.as_ref().map(ovsdb::Access::endpoint);
        self.state.change_database(endpoint);
        self.database = access.map(ovsdb::watch);
    }

    /// Handles what there is to tell of the database.
    fn hear(&mut self, feed: &ovsdb::Feed) {
        let mut out = Sessions {
            now: Instant::now(),
            bridges: &mut self.bridges,
        };
        self.state.database(feed, &mut out);
    }

    /// Handles what the sessions have to tell, until they are silent: what is told to one bridge
    /// may lead to an event of another.
    fn handle_events(&mut self) {
        let roles: Vec<Role> = self.bridges.keys().copied().collect();
        loop {
            let silent = roles.iter().all(|&role| !self.handle_events_of(role));
            if silent {
                return;
            }
        }
    }

    /// Handles the events of one bridge; says whether there were any.
    fn handle_events_of(&mut self, role: Role) -> bool {
        let now = Instant::now();
        let Some(bridge) = self.bridges.get(&role) else {
            return false;
        };
        let _entered = bridge.span.clone().entered();
        let mut any = false;
        while let Some(bridge) = self.bridges.get_mut(&role) {
            match bridge.connection.next_event(now) {
                Ok(Some(event)) => {
                    bridge.watch.note(now, &event, &mut self.times);
                    let mut out = Sessions {
                        now,
                        bridges: &mut self.bridges,
                    };
                    self.state.handle_event(now, role, event, &mut out);
                    any = true;
                }
                Ok(None) => break,
                Err(reason) => self.detach(role, reason),
            }
        }
        any
    }

    fn timeout(&mut self) -> Option<Instant> {
        let bridges = self
            .bridges
            .values_mut()
            .filter_map(|bridge| bridge.connection.timeout());
        bridges
            .chain(self.state.poll_timeout())
            .chain(self.survey_ends)
            .min()
    }

    fn handle_timeouts(&mut self) {
        let now = Instant::now();
        for bridge in self.bridges.values_mut() {
            bridge.connection.handle_timeout(now);
        }
        if self.state.poll_timeout().is_some_and(|due| now >= due) {
            let mut out = Sessions {
                now,
                bridges: &mut self.bridges,
            };
            self.state.handle_timeout(now, &mut out);
        }
    }
}

/// What is known from a database, when that is news; never without one.
async fn next_feed(database: Option<&mut ovsdb::Watch>) -> ovsdb::Feed {
    if let Some(watch) = database
        && watch.feed.changed().await.is_ok()
    {
        return watch.feed.borrow_and_update().clone();
    }
    std::future::pending().await
}

/// Writes to and reads from all bridges; ready when there is something to handle.
fn poll(bridges: &mut Bridges, cx: &mut Context<'_>) -> Poll<()> {
    let now = Instant::now();
    let mut result = Poll::Pending;
    for bridge in bridges.values_mut() {
        if bridge.connection.poll(cx, now).is_ready() {
            result = Poll::Ready(());
        }
    }
    result
}
