//! Probes a peer that has been silent, and gives up on one that stays so. What has a deadline of
//! its own is not silence: nothing is checked while an answer to it is awaited.

use std::time::{Duration, Instant};

/// Silence after which the peer is asked for a sign of life.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// Time that the peer has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// When the peer was last heard, and when it was asked since.
#[derive(Debug)]
pub(super) struct Keepalive {
    heard: Instant,
    probed: Option<Instant>,
}

/// What silence calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing yet.
    Short,
    /// An ECHO_REQUEST, once.
    Probe,
    /// The end of the connection.
    Gone,
}

impl Keepalive {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            probed: None,
        }
    }

    /// The peer sent something; any message is a sign of life.
    pub(super) fn heard(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// When [`check`](Self::check) has something to say, if nothing is heard until then.
    pub(super) fn timeout(&self) -> Instant {
        match self.probed {
            Some(probed) => probed + ANSWER_WITHIN,
            None => self.heard + PROBE_AFTER,
        }
    }

    pub(super) fn check(&mut self, now: Instant) -> Silence {
        if now < self.timeout() {
            Silence::Short
        } else if self.probed.is_some() {
            Silence::Gone
        } else {
            self.probed = Some(now);
            Silence::Probe
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_asked_once_and_then_given_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(start);
        assert_eq!(keepalive.timeout(), at(5));
        assert_eq!(keepalive.check(at(4)), Silence::Short);
        assert_eq!(keepalive.check(at(5)), Silence::Probe);
        assert_eq!(keepalive.timeout(), at(15));
        assert_eq!(keepalive.check(at(14)), Silence::Short);
        assert_eq!(keepalive.check(at(15)), Silence::Gone);
    }

    #[test]
    fn a_sign_of_life_starts_over() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(start);
        assert_eq!(keepalive.check(at(5)), Silence::Probe);
        keepalive.heard(at(6));
        assert_eq!(keepalive.timeout(), at(11));
        assert_eq!(keepalive.check(at(10)), Silence::Short);
        assert_eq!(keepalive.check(at(11)), Silence::Probe);
    }

    #[test]
    fn a_peer_is_asked_before_it_is_given_up_however_late_the_clock_is_read() {
        let start = Instant::now();
        let late = start + Duration::from_secs(60);
        let mut keepalive = Keepalive::new(start);
        assert_eq!(keepalive.check(late), Silence::Probe);
        assert_eq!(keepalive.check(late), Silence::Short);
        assert_eq!(keepalive.timeout(), late + Duration::from_secs(10));
    }
}
