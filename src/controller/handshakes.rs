//! How many peers may be connected without having said which bridge they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::warn;

/// Between two lines of the log about peers that had to give way.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Places for connections in handshake. When all are taken, the oldest one gives way to a new one:
/// a bridge answers at once, so that those that linger are the ones nobody will miss.
#[derive(Debug)]
pub(super) struct Handshakes {
    limit: usize,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    last: u64,
    /// By age, the oldest first. To drop a sender tells that its connection has to go.
    taken: BTreeMap<u64, oneshot::Sender<()>>,
    log: Log,
}

/// One's place, until it is dropped or somebody else's.
#[derive(Debug)]
pub(super) struct Handshake {
    number: u64,
    displaced: oneshot::Receiver<()>,
    all: Arc<Handshakes>,
}

impl Handshakes {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            places: Mutex::default(),
        }
    }

    /// Takes a place, if need be that of the oldest.
    pub(super) fn begin(self: &Arc<Self>, now: Instant) -> Handshake {
        let mut places = self.places();
        if places.taken.len() >= self.limit {
            places.taken.pop_first();
            if let Some(count) = places.log.count(now) {
                warn!(
                    count,
                    limit = self.limit,
                    "too many peers do not say which bridge they are: the oldest gave way"
                );
            }
        }
        places.last += 1;
        let number = places.last;
        let (sender, displaced) = oneshot::channel();
        places.taken.insert(number, sender);
        Handshake {
            number,
            displaced,
            all: Arc::clone(self),
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // No state of it is half done where a panic could come from.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handshake {
    /// Waits until the place is somebody else's.
    pub(super) async fn displaced(&mut self) {
        // Nothing is ever sent; the sender is dropped.
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.all.places().taken.remove(&self.number);
    }
}

/// Counts what is not worth a line each.
#[derive(Debug, Default)]
struct Log {
    count: u64,
    next: Option<Instant>,
}

impl Log {
    /// Counts one more; how many there were since the last line, if it is time for another.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now + LOG_PAUSE);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_displaced(handshake: &mut Handshake) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        pin!(handshake.displaced()).poll(cx).is_ready()
    }

    #[test]
    fn the_oldest_gives_way_when_all_places_are_taken() {
        let (handshakes, now) = (Arc::new(Handshakes::new(2)), Instant::now());
        let mut first = handshakes.begin(now);
        let mut second = handshakes.begin(now);
        assert!(!is_displaced(&mut first));
        let mut third = handshakes.begin(now);
        assert!(is_displaced(&mut first));
        assert!(!is_displaced(&mut second));
        // Whose place it no longer was frees none.
        drop(first);
        let mut fourth = handshakes.begin(now);
        assert!(is_displaced(&mut second));
        assert!(!is_displaced(&mut third));
        assert!(!is_displaced(&mut fourth));
    }

    #[test]
    fn nobody_gives_way_for_a_place_that_is_free_again() {
        let (handshakes, now) = (Arc::new(Handshakes::new(2)), Instant::now());
        let mut first = handshakes.begin(now);
        drop(handshakes.begin(now));
        let _third = handshakes.begin(now);
        assert!(!is_displaced(&mut first));
    }

    #[test]
    fn a_crowd_takes_a_line_of_the_log_now_and_then() {
        let (mut log, start) = (Log::default(), Instant::now());
        assert_eq!(log.count(start), Some(1));
        assert_eq!(log.count(start), None);
        let later = start + LOG_PAUSE;
        assert_eq!(log.count(later - Duration::from_nanos(1)), None);
        assert_eq!(log.count(later), Some(3));
        assert_eq!(log.count(later), None);
    }
}
