//! The health of one instance of a function: rounds of probes, and what they come to.

use std::time::{Duration, Instant};

use openflow::PortNo;

use super::probe::Path;
use crate::topology::HealthCheck;

/// What health checks have found of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Nothing yet. It counts as up.
    #[default]
    Unknown,
    /// It does its work.
    Up,
    /// It does not.
    Down,
}

/// The health of an instance, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// What holds at the moment.
    pub verdict: Verdict,
    /// Since when; `None` where that was before this run of the controller.
    pub since: Option<Instant>,
    /// Rounds in which both probes came back in time.
    pub passes: u64,
    /// Rounds in which one did not.
    pub losses: u64,
    /// How long the slower of the two probes took when both came back last.
    pub round_trip: Option<Duration>,
}

/// Where the legs of an instance are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Legs {
    pub(super) ingress: PortNo,
    pub(super) egress: PortNo,
}

/// An instance that is probed.
#[derive(Debug)]
pub(super) struct Instance {
    /// The OVS interface name of the other leg.
    pub(super) egress: String,
    pub(super) check: HealthCheck,
    pub(super) legs: Option<Legs>,
    /// When the next round is due; `None` before that was decided.
    pub(super) next: Option<Instant>,
    pub(super) round: Option<Round>,
    pub(super) record: Record,
    /// Rounds in a row that ended like the last one.
    pub(super) streak: u32,
    last_passed: bool,
}

/// Probes under way.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) sequence: u64,
    sent: Instant,
    /// When the switch was heard to have handled the probes.
    handled: Option<Instant>,
    right: Option<Duration>,
    left: Option<Duration>,
    /// The bridge had other work meanwhile, so that what is late may be no fault of the function.
    pub(super) excused: bool,
}

impl Round {
    pub(super) fn new(sequence: u64, sent: Instant) -> Self {
        Self {
            sequence,
            sent,
            handled: None,
            right: None,
            left: None,
            excused: false,
        }
    }
}

impl Instance {
    pub(super) fn new(egress: &str, check: HealthCheck) -> Self {
        Self {
            egress: egress.to_owned(),
            check,
            legs: None,
            next: None,
            round: None,
            record: Record::default(),
            streak: 0,
            last_passed: false,
        }
    }

    /// Probes that are under way count for nothing, nor does how the last ones ended. The verdict
    /// stays.
    pub(super) fn start_anew(&mut self) {
        self.round = None;
        self.next = None;
        self.streak = 0;
    }

    /// When the round under way is over, whatever is still missing.
    ///
    /// The function has all its time from when the switch has handled the probes; before that,
    /// nothing can be said of it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let round = self.round.as_ref()?;
        Some(round.handled.unwrap_or(round.sent) + self.check.timeout)
    }

    /// Decides when the first round is due, if that is not decided yet: `share` of an interval, in
    /// 1,024ths, from `now`.
    pub(super) fn schedule(&mut self, now: Instant, share: u32) {
        self.next
            .get_or_insert_with(|| now + self.check.interval / 1024 * share);
    }

    /// Whether a round is to begin at `now`. The one after it is due at the next full interval that
    /// is still ahead, so that instances stay as spread out as they are.
    pub(super) fn begin_round(&mut self, now: Instant) -> bool {
        let Some(next) = self
            .next
            .filter(|next| *next <= now && self.round.is_none())
        else {
            return false;
        };
        let interval = self.check.interval.as_nanos().max(1);
        let over = u64::try_from((now - next).as_nanos() % interval).unwrap_or(0);
        self.next = Some(now - Duration::from_nanos(over) + self.check.interval);
        true
    }

    /// A probe of the round under way came back; says whether the round has passed by that.
    pub(super) fn returned(&mut self, now: Instant, path: Path) -> bool {
        let Some(round) = &mut self.round else {
            return false;
        };
        let took = now.saturating_duration_since(round.sent);
        match path {
            Path::Right => round.right = round.right.or(Some(took)),
            Path::Left => round.left = round.left.or(Some(took)),
            Path::Switch => round.handled = round.handled.or(Some(now)),
        }
        let Some(round_trip) = round.right.zip(round.left).map(|(a, b)| a.max(b)) else {
            return false;
        };
        self.round = None;
        self.record.round_trip = Some(round_trip);
        true
    }

    /// Ends the round under way, if its time is over at `now`; says whether that is a loss.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return false;
        }
        let round = self.round.take();
        round.is_some_and(|round| round.handled.is_some() && !round.excused)
    }

    /// Counts a round that has passed or was lost; says whether the verdict is another one by that.
    pub(super) fn count(&mut self, now: Instant, passed: bool) -> bool {
        let record = &mut self.record;
        let (total, threshold, verdict) = if passed {
            let threshold = self.check.success_threshold;
            (&mut record.passes, threshold, Verdict::Up)
        } else {
            let threshold = self.check.failure_threshold;
            (&mut record.losses, threshold, Verdict::Down)
        };
        *total += 1;
        if self.last_passed != passed {
            self.streak = 0;
            self.last_passed = passed;
        }
        self.streak = self.streak.saturating_add(1);
        let news = self.streak >= threshold && record.verdict != verdict;
        if news {
            record.verdict = verdict;
            record.since = Some(now);
        }
        news
    }
}
