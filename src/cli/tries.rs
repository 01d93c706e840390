//! Trying again what somebody else was faster with.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

/// How long a change is made anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait before the second try, which doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest wait before any.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The tries of a change. Of all who try at a time one is always the first, so each gets through in the
/// end: what limits them is the time, and not their number.
#[derive(Debug)]
pub(super) struct Tries {
    patience: Duration,
    end: Instant,
    pause: Duration,
}

impl Tries {
    /// The first one is now.
    pub(super) fn begin() -> Self {
        Self::with_patience(PATIENCE)
    }

    fn with_patience(patience: Duration) -> Self {
        Self {
            patience,
            end: Instant::now() + patience,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits for the next one, each who tries for another while. Fails when it is too late for one.
    pub(super) fn again(&mut self) -> anyhow::Result<()> {
        let pause = self.pause.mul_f64(random());
        if Instant::now() + pause >= self.end {
            bail!(
                "others change the configuration all the time; {:?} of trying were in vain",
                self.patience
            );
        }
        thread::sleep(pause);
        self.pause = LONGEST_PAUSE.min(2 * self.pause);
        Ok(())
    }
}

/// From 0 to 1, another one for each process and call.
fn random() -> f64 {
    // Hashers are seeded at random, so that nobody can tell what they give.
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many_tries_and_an_end_of_them() {
        let (began, patience) = (Instant::now(), Duration::from_millis(600));
        let mut tries = Tries::with_patience(patience);
        let mut count = 0;
        let error = loop {
            match tries.again() {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("600ms of trying were in vain"));
        assert!(began.elapsed() >= patience - LONGEST_PAUSE);
        assert!((2..200).contains(&count), "{count}");
        let some: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(some.iter().all(|it| (0.0..=1.0).contains(it)), "{some:?}");
        assert!(some.iter().any(|it| *it < 0.5) && some.iter().any(|it| *it > 0.5));
    }
}
