//! Lines that guests can cause, kept from filling the log.
//!
//! A decision about an address that changes what a guest sees is worth a line. But guests make up
//! addresses, and move them, as fast as they like. So there are few lines for each port and topic: who
//! is noisy leaves out what is its own, and hides nothing of others. Memory is bounded by the number of
//! ports, of which guests make none.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tracing::warn;

use super::HostState;
use crate::learning::Location;
use crate::status::Kind;
use crate::topology::Vlan;

/// How many lines about one topic at one port may follow each other.
const EACH: u32 = 5;
/// How many lines may follow each other in all; beyond them it is one for each topic and port.
const ALL: u32 = 50;
/// How long it takes until as many may follow again.
const PERIOD: Duration = Duration::from_secs(10);

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// An address that has moved.
    Move,
    /// An address that flaps.
    Flap,
    /// A vNIC that has as many addresses as it may have.
    Limit,
    /// A network that has.
    NetworkLimit(Vlan),
    /// A link that came or went.
    Link,
    /// What somebody else has done to a bridge.
    Repair,
}

/// Counts such lines.
#[derive(Debug, Default)]
pub(super) struct Sparing {
    now: Option<Instant>,
    /// When the period ends that began with the first line.
    ends: Option<Instant>,
    said: u32,
    /// How many were not.
    left_out: u64,
    by: BTreeMap<(Topic, Option<Location>), Lines>,
}

/// Lines about one topic at one port.
#[derive(Debug, Clone, Copy, Default)]
struct Lines {
    said: u32,
    left_out: u64,
}

/// What was left out in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LeftOut {
    lines: u64,
    /// The port that most of them were about, and how many.
    most: (Option<Location>, u64),
}

impl Sparing {
    /// When what was left out is to be reported. Asked for again and again, so nothing is summed up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.ends.filter(|_| self.left_out > 0)
    }

    /// Whether there is room for one more line. Where there is none it is counted.
    fn admits(&mut self, topic: Topic, at: Option<Location>) -> bool {
        self.ends = self.ends.or(self.now.map(|now| now + PERIOD));
        let lines = self.by.entry((topic, at)).or_default();
        let has_room = lines.said == 0 || (lines.said < EACH && self.said < ALL);
        if has_room {
            lines.said += 1;
            self.said += 1;
        } else {
            lines.left_out += 1;
            self.left_out += 1;
        }
        has_room
    }

    /// It is `now`; what was left out in a period that has ended.
    fn proceed(&mut self, now: Instant) -> Option<LeftOut> {
        self.now = Some(now);
        if self.ends.is_none_or(|end| now < end) {
            return None;
        }
        let left_out = self.left_out();
        self.ends = None;
        self.said = 0;
        self.left_out = 0;
        self.by.clear();
        left_out
    }

    fn left_out(&self) -> Option<LeftOut> {
        let mut ports: BTreeMap<Option<Location>, u64> = BTreeMap::new();
        for ((_, at), lines) in &self.by {
            *ports.entry(*at).or_default() += lines.left_out;
        }
        let most = ports.into_iter().max_by_key(|(_, lines)| *lines)?;
        let lines = self.left_out;
        (lines > 0).then_some(LeftOut { lines, most })
    }
}

impl HostState {
    /// Whether what a guest has caused `at` a port may be said: in the log, and to those who follow
    /// events.
    pub(super) fn may_say(&mut self, topic: Topic, at: Option<Location>) -> bool {
        self.sparing.admits(topic, at)
    }

    /// It is `now`. What was left out is summed up.
    pub(super) fn proceed(&mut self, now: Instant) {
        let Some(LeftOut { lines, most }) = self.sparing.proceed(now) else {
            return;
        };
        let (at, its_lines) = most;
        let port = at.map(|at| self.port_name(at).to_owned());
        warn!(
            host = self.name,
            lines,
            port,
            of_port = its_lines,
            within = ?PERIOD,
            "more happens to addresses and links than is said one by one"
        );
        let within = PERIOD.as_secs();
        let mut message = format!("{lines} more within {within} s are not told one by one");
        if let Some(port) = port {
            message += &format!(", {its_lines} of them about port {port}");
        }
        self.happened(Kind::LeftOut, self.name.clone(), message);
    }
}
