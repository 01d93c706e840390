//! How long to wait before what was refused is tried again.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// A wait that doubles from 1 s to 60 s with each failure in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Something was refused. A wait that is under way goes on: many messages can be refused for
    /// one reason.
    pub(super) fn fail(&mut self, now: Instant) {
        if self.until.is_none() {
            let wait = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
            self.until = Some(now + wait);
            self.failures += 1;
        }
    }

    /// All is well: the next wait is a short one again.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// There is something new to try, so the wait is pointless.
    pub(super) fn cut_short(&mut self) {
        self.until = None;
    }

    /// Ends a wait that is over at `now`; says whether it did.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let over = self.until.is_some_and(|until| until <= now);
        if over {
            self.until = None;
        }
        over
    }

    /// The end of the wait that is under way.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_anew_after_a_success() {
        let mut now = Instant::now();
        let mut backoff = Backoff::default();
        let mut next = |backoff: &mut Backoff| {
            backoff.fail(now);
            let wait = backoff.until().unwrap() - now;
            now += wait;
            assert!(backoff.expire(now));
            wait.as_secs()
        };
        let waits: Vec<_> = (0..9).map(|_| next(&mut backoff)).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.succeed();
        assert_eq!(next(&mut backoff), 1);
    }

    #[test]
    fn failures_during_a_wait_are_one_failure() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        backoff.fail(now);
        backoff.fail(now + Duration::from_millis(500));
        assert_eq!(backoff.until(), Some(now + Duration::from_secs(1)));
        assert!(!backoff.expire(now + Duration::from_millis(999)));
    }
}
