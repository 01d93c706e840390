//! What the API sees of the controller, without getting in the way of it.
//!
//! A request for the state goes to the tasks of the hosts, which answer when they have nothing more
//! urgent to do; what happens there comes here by a channel that never makes them wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time;

use super::inquiry::Inquiry;
use super::reconciling::Observed;
use crate::host::HostState;
use crate::status::{Event, Events, Happening, Macs, Plan, Ports, Run, Status};
use crate::topology::Topology;

/// How many events are kept.
const KEPT: usize = 1024;
/// How long an answer is good for the next who asks: so nobody can ask the hosts without end.
const FRESH: Duration = Duration::from_millis(100);

/// Something that happened, and on which host.
pub(super) type News = (String, Happening);

/// The state and the events of the hosts of a controller.
#[derive(Debug, Clone)]
pub struct Observer {
    inquiries: mpsc::Sender<Inquiry>,
    journal: watch::Receiver<Journal>,
    topology: watch::Receiver<Arc<Topology>>,
    status: Latest<Status>,
    macs: Latest<Macs>,
    ports: Latest<Ports>,
    observed: Latest<Vec<Observed>>,
}

/// The last answer to an inquiry, and of when it is.
type Latest<T> = Arc<Mutex<Option<(Instant, Arc<T>)>>>;

impl Observer {
    /// The state of all hosts; `None` where the controller has ended.
    pub async fn status(&self) -> Option<Arc<Status>> {
        let ask = |reply| self.ask(Inquiry::Status(reply));
        fresh(&self.status, ask, |hosts| Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hosts,
        })
        .await
    }

    /// The MAC addresses that all hosts know; `None` where the controller has ended.
    pub async fn macs(&self) -> Option<Arc<Macs>> {
        let ask = |reply| self.ask(Inquiry::Macs(reply));
        fresh(&self.macs, ask, |macs| Macs {
            macs: macs.into_iter().flatten().collect(),
        })
        .await
    }

    /// Which run of the controller this is.
    pub fn run(&self) -> Run {
        let journal = self.journal.borrow();
        Run {
            run: journal.run,
            last: journal.count,
        }
    }

    /// What comes after event number `since`, as soon as there is something; `None` at the end of the
    /// controller.
    pub async fn next(&mut self, since: u64) -> Option<Next> {
        let journal = self.journal.wait_for(|it| it.count > since).await.ok()?;
        journal.next(since)
    }

    /// The ports of all bridges; `None` where the controller has ended.
    pub async fn ports(&self) -> Option<Arc<Ports>> {
        let ask = async |reply| self.ask(Inquiry::Ports(reply)).await;
        fresh(&self.ports, ask, |ports| Ports {
            ports: ports.into_iter().flatten().collect(),
        })
        .await
    }

    /// What the bridges of each host have counted; `None` where the controller has ended.
    pub async fn observed(&self) -> Option<Arc<Vec<Observed>>> {
        let ask = async |reply| self.ask(Inquiry::Statistics(reply)).await;
        fresh(&self.observed, ask, |observed| observed).await
    }

    /// What another configuration would change; `None` where the controller has ended.
    pub async fn plan(&self, topology: &Arc<Topology>) -> Option<Plan> {
        let (reply, answer) = oneshot::channel();
        self.ask(Inquiry::Plan(Arc::clone(topology), reply)).await?;
        let mut hosts = answer.await.ok()?;
        let now = self.topology();
        for host in topology.hosts.keys() {
            if !now.hosts.contains_key(host) {
                hosts.push(HostState::new(Arc::clone(topology), host).plan(topology));
            }
        }
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Plan { hosts })
    }

    /// The configuration in force.
    pub fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.borrow())
    }

    async fn ask(&self, inquiry: Inquiry) -> Option<()> {
        self.inquiries.send(inquiry).await.ok()
    }

    /// The events after number `since`; where there are none, those that happen within `wait`.
    pub async fn events(&mut self, since: u64, wait: Duration) -> Events {
        // Where the time is over or the controller ends, none it is.
        let _ = time::timeout(wait, self.journal.wait_for(|it| it.has_after(since))).await;
        self.journal.borrow().after(since)
    }
}

/// What a reader of events gets next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Some are no longer kept.
    Missed {
        /// How many.
        count: u64,
        /// The number of the last of them.
        since: u64,
    },
    /// The next one.
    Event(Arc<Event>),
}

/// What was answered a moment ago, or else what `ask` brings, in the form that `form` gives it.
async fn fresh<T, A>(
    latest: &Latest<T>,
    ask: impl AsyncFnOnce(oneshot::Sender<A>) -> Option<()>,
    form: impl FnOnce(A) -> T,
) -> Option<Arc<T>> {
    let mut latest = latest.lock().await;
    if let Some((at, answer)) = &*latest
        && at.elapsed() < FRESH
    {
        return Some(Arc::clone(answer));
    }
    let (reply, answer) = oneshot::channel();
    ask(reply).await?;
    let answer = Arc::new(form(answer.await.ok()?));
    *latest = Some((Instant::now(), Arc::clone(&answer)));
    Some(answer)
}

/// What has happened lately.
#[derive(Debug)]
pub(super) struct Journal {
    run: f64,
    /// How many there were in this run.
    count: u64,
    events: VecDeque<Arc<Event>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            run: unix_time(),
            count: 0,
            events: VecDeque::new(),
        }
    }

    fn add(&mut self, (host, happening): News, time: f64) {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.count += 1;
        self.events.push_back(Arc::new(Event {
            sequence: self.count,
            time,
            host,
            happening,
        }));
    }

    fn has_after(&self, since: u64) -> bool {
        since != self.count && self.count > 0
    }

    fn next(&self, since: u64) -> Option<Next> {
        let oldest = self.events.front()?.sequence;
        let Some(index) = (since + 1).checked_sub(oldest) else {
            return Some(Next::Missed {
                count: oldest - 1 - since,
                since: oldest - 1,
            });
        };
        let event = self.events.get(usize::try_from(index).ok()?)?;
        Some(Next::Event(Arc::clone(event)))
    }

    /// A reader that knows more than there is comes from another run, and has seen nothing of this.
    fn after(&self, since: u64) -> Events {
        let since = if since > self.count { 0 } else { since };
        let is_new = |event: &&Arc<Event>| event.sequence > since;
        let events = self.events.iter().filter(is_new);
        Events {
            run: self.run,
            oldest: self.events.front().map_or(1, |event| event.sequence),
            events: events.map(|event| Event::clone(event)).collect(),
        }
    }
}

/// Writes down what happens, until nobody is left to whom something could.
pub(super) async fn keep(journal: watch::Sender<Journal>, mut news: mpsc::UnboundedReceiver<News>) {
    while let Some(news) = news.recv().await {
        journal.send_modify(|journal| journal.add(news, unix_time()));
    }
}

/// An observer, and the ends of its channels.
pub(super) fn channels(
    topology: watch::Receiver<Arc<Topology>>,
) -> (Observer, mpsc::Receiver<Inquiry>, watch::Sender<Journal>) {
    let (inquiries, inquired) = mpsc::channel(1);
    let (writer, journal) = watch::channel(Journal::new());
    let observer = Observer {
        inquiries,
        journal,
        topology,
        status: Arc::default(),
        macs: Arc::default(),
        ports: Arc::default(),
        observed: Arc::default(),
    };
    (observer, inquired, writer)
}

fn unix_time() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Kind;

    fn journal(count: usize) -> Journal {
        let mut journal = Journal::new();
        for number in 1..=count {
            let happening = Happening {
                kind: Kind::LinkUp,
                subject: number.to_string(),
                message: String::new(),
            };
            journal.add(("node1".to_owned(), happening), 1.5);
        }
        journal
    }

    fn numbers(events: &Events) -> Vec<u64> {
        events.events.iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn a_reader_gets_what_it_has_not_seen() {
        let journal = journal(5);
        assert_eq!(numbers(&journal.after(0)), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&journal.after(3)), [4, 5]);
        assert!(numbers(&journal.after(5)).is_empty());
        assert!(journal.has_after(4) && !journal.has_after(5));
        // It comes from another run, in which more has happened.
        assert_eq!(numbers(&journal.after(9)), [1, 2, 3, 4, 5]);
        assert!(journal.has_after(9));
        assert!(!Journal::new().has_after(9));
    }

    #[test]
    fn the_journal_is_bounded_and_a_reader_sees_what_it_has_missed() {
        let journal = journal(KEPT + 10);
        assert_eq!(journal.events.len(), KEPT);
        let events = journal.after(3);
        assert_eq!(events.oldest, 11);
        assert_eq!(numbers(&events)[0], 11);
        let missed = Next::Missed {
            count: 7,
            since: 10,
        };
        assert_eq!(journal.next(3), Some(missed));
        let number = |since| match journal.next(since) {
            Some(Next::Event(event)) => Some(event.sequence),
            _ => None,
        };
        assert_eq!((number(10), number(11)), (Some(11), Some(12)));
        let last = KEPT as u64 + 10;
        assert_eq!((number(last - 1), number(last)), (Some(last), None));
    }
}
