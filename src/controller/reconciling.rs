//! How long it takes to bring a bridge to what it is to hold.

use std::time::Instant;

use crate::histogram::Histogram;
use crate::host::Statistics;
use crate::session::Event;

/// What the bridges of a host have counted, and how long they took for changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// What they have counted.
    pub statistics: Statistics,
    /// From asking for all that a bridge holds to its answer.
    pub read_backs: Histogram,
    /// From sending changes to when they are in force, or refused.
    pub transactions: Histogram,
}

impl Observed {
    /// Of a host whose bridges have done nothing yet.
    pub(super) fn of(statistics: Statistics) -> Self {
        Self {
            statistics,
            ..Self::default()
        }
    }
}

/// The times that the bridges of a host took.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    pub(super) read_backs: Histogram,
    pub(super) transactions: Histogram,
}

/// What is under way on a bridge, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Watch(Option<Instant>);

impl Watch {
    /// Something begins.
    pub(super) fn start(&mut self, now: Instant) {
        self.0 = Some(now);
    }

    /// Takes note of an event that ends it.
    pub(super) fn note(&mut self, now: Instant, event: &Event, times: &mut Times) {
        let histogram = match event {
            Event::ReadBack(_) => &mut times.read_backs,
            Event::Committed | Event::Rejected(_) => &mut times.transactions,
            _ => return,
        };
        let took = |began| now.saturating_duration_since(began);
        if let Some(time) = self.0.take().map(took) {
            histogram.observe(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_ends_is_counted_by_what_it_was() {
        let (began, mut times, mut watch) = (Instant::now(), Times::default(), Watch::default());
        let after = |milliseconds| began + Duration::from_millis(milliseconds);
        watch.note(after(1), &Event::Committed, &mut times);
        watch.start(began);
        let surveyed = Event::Surveyed {
            answers: Vec::new(),
            is_whole: true,
        };
        watch.note(after(4), &surveyed, &mut times);
        watch.note(after(7), &Event::Committed, &mut times);
        watch.start(after(10));
        watch.note(after(60), &Event::ReadBack(Default::default()), &mut times);
        let counts = |histogram: &Histogram| (histogram.count(), histogram.sum());
        assert_eq!(counts(&times.transactions), (1, 0.007));
        assert_eq!(counts(&times.read_backs), (1, 0.05));
    }
}
