//! That something is going on, for who waits: on stderr, where that is a terminal.

use std::time::Duration;

use indicatif::ProgressBar;

/// Shown until it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shows `what` is going on. Nothing is written where stderr is no terminal.
    pub(super) fn new(what: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.into());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
