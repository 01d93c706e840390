//! That something is going on, for who waits: on stderr, where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shown until it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shows `what` is going on. Nothing is written where stderr is no terminal, and where a program
    /// is the one that waits (`--json`).
    pub(super) fn new(what: impl Into<String>, is_for_program: bool) -> Self {
        Self::show(
            ProgressBar::new_spinner(),
            None,
            what.into(),
            is_for_program,
        )
    }

    /// The same of what has so many steps; how many of them are done is shown.
    pub(super) fn steps(what: impl Into<String>, all: usize, is_for_program: bool) -> Self {
        let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
        let template = "{spinner} {msg} [{bar:20}] {pos}/{len} {elapsed}";
        Self::show(bar, Some(template), what.into(), is_for_program)
    }

    fn show(bar: ProgressBar, template: Option<&str>, what: String, is_for_program: bool) -> Self {
        if is_for_program || bar.is_hidden() {
            return Self(ProgressBar::hidden());
        }
        let style = template.and_then(|template| ProgressStyle::with_template(template).ok());
        let bar = match style {
            Some(style) => bar.with_style(style),
            None => bar,
        };
        let bar = bar.with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// One step more is done.
    pub(super) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
