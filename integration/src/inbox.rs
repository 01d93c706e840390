//! What a background reader has received so far, for others to look at and wait for.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::wait;

/// A growing list that one thread fills and others wait on.
#[derive(Debug)]
pub struct Inbox<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    items: Mutex<Vec<T>>,
    changed: Condvar,
}

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        let shared = Shared {
            items: Mutex::new(Vec::new()),
            changed: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<T> Inbox<T> {
    /// Adds an item and wakes up who waits.
    pub fn push(&self, item: T) {
        self.items().push(item);
        self.shared.changed.notify_all();
    }

    /// Looks at everything received so far.
    pub fn read<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.items())
    }

    /// Waits, at most [`wait::LIMIT`], until a look at everything received gives an answer.
    pub fn wait<R>(&self, mut look: impl FnMut(&[T]) -> Option<R>) -> Option<R> {
        let deadline = Instant::now() + wait::LIMIT;
        let mut items = self.items();
        loop {
            if let Some(answer) = look(&items) {
                return Some(answer);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.shared.changed.wait_timeout(items, left);
            items = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A reader that panicked must not hide what came before it.
    fn items(&self) -> MutexGuard<'_, Vec<T>> {
        self.shared
            .items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox<String> {
    /// Collects the lines of a stream, in a thread that ends with the stream.
    pub fn lines(stream: impl Read + Send + 'static) -> Self {
        let inbox = Self::default();
        let filled = inbox.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|length| length > 0)
            {
                filled.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
        inbox
    }

    /// Everything received so far as one text.
    pub fn text(&self) -> String {
        self.read(|lines| lines.join("\n"))
    }
}
