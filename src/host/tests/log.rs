//! What is logged.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing::Level;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

thread_local! {
    /// What this thread has logged since it began to listen.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.get_or_insert_default().extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `story` logs, information and warnings, by lines. Tests in other threads are not heard.
pub(super) fn lines(story: impl FnOnce()) -> Vec<String> {
    static LISTEN: Once = Once::new();
    // One subscriber for all threads: several that come and go lose what is logged meanwhile.
    LISTEN.call_once(|| {
        let is_heard =
            |level: &Level| *level <= Level::INFO && HEARD.with_borrow(|heard| heard.is_some());
        let filter = dynamic_filter_fn(move |metadata, _| is_heard(metadata.level()));
        let layer = fmt::layer().with_ansi(false).with_writer(|| Ear);
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        tracing::subscriber::set_global_default(subscriber).expect("the only one");
    });
    HEARD.set(Some(Vec::new()));
    story();
    let heard = HEARD.take().unwrap_or_default();
    let text = String::from_utf8(heard).expect("text");
    text.lines().map(str::to_owned).collect()
}

/// The warnings among [`lines`].
pub(super) fn warnings(story: impl FnOnce()) -> Vec<String> {
    let mut lines = lines(story);
    lines.retain(|line| line.contains(" WARN "));
    lines
}
