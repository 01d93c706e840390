//! Waiting for a condition, with a bound.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long the lab waits for anything before it says that it did not happen.
///
/// No measurement depends on it: a test that passes never waits this long.
pub const LIMIT: Duration = Duration::from_secs(15);

/// How often a condition that cannot wake us up is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer.
///
/// # Errors
///
/// The question itself fails, or there is no answer within [`LIMIT`]; the error then says what was
/// waited for.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for: {what}", LIMIT.as_secs());
        }
        std::thread::sleep(INTERVAL);
    }
}
