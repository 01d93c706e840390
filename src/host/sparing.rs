//! Lines that guests can cause, kept from filling the log.
//!
//! A decision about an address that changes what a guest sees is worth a line. But guests make up
//! addresses, and move them, as fast as they like.

use std::time::{Duration, Instant};

use tracing::warn;

use super::HostState;

/// How many lines may follow each other.
const LINES: u32 = 20;
/// How long it takes until as many may follow again.
const PERIOD: Duration = Duration::from_secs(10);

/// Counts such lines.
#[derive(Debug, Default)]
pub(super) struct Sparing {
    now: Option<Instant>,
    /// When the period ends that began with the first line.
    ends: Option<Instant>,
    said: u32,
    left_out: u64,
}

impl Sparing {
    /// When what was left out is to be reported.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.ends.filter(|_| self.left_out > 0)
    }

    /// Whether there is room for one more line. Where there is none it is counted.
    fn admits(&mut self) -> bool {
        self.ends = self.ends.or(self.now.map(|now| now + PERIOD));
        if self.said < LINES {
            self.said += 1;
            return true;
        }
        self.left_out += 1;
        false
    }

    /// It is `now`; how many lines were left out in a period that has ended.
    fn proceed(&mut self, now: Instant) -> u64 {
        self.now = Some(now);
        if self.ends.is_none_or(|end| now < end) {
            return 0;
        }
        self.ends = None;
        self.said = 0;
        std::mem::take(&mut self.left_out)
    }
}

impl HostState {
    /// Whether what a guest has caused may be said: in the log, and to those who follow events.
    pub(super) fn may_say(&mut self) -> bool {
        self.sparing.admits()
    }

    /// It is `now`. What was left out of the log is summed up.
    pub(super) fn proceed(&mut self, now: Instant) {
        let left_out = self.sparing.proceed(now);
        if left_out > 0 {
            warn!(
                host = self.name,
                lines = left_out,
                within = ?PERIOD,
                "more happens to addresses of guests than is said one by one"
            );
        }
    }
}
