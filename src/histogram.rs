//! How long things take, in the form that Prometheus adds up.

use std::time::Duration;

/// Durations, counted by how long they were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// How many were at most as long as each of [`Self::BOUNDS`] and longer than the one before; and
    /// those that were longer than all.
    counts: [u64; Self::BOUNDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// In seconds: from the few milliseconds that a small change takes to the time after which a
    /// bridge is given up.
    pub const BOUNDS: [f64; 11] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
    ];

    /// Counts one more.
    pub fn observe(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let index = Self::BOUNDS.iter().take_while(|bound| seconds > **bound);
        self.counts[index.count()] += 1;
        self.sum += time;
    }

    /// How many were at most as long as each bound, in seconds; infinity is the last.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = Self::BOUNDS.into_iter().chain([f64::INFINITY]);
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        bounds.zip(sums)
    }

    /// How long they were together, in seconds.
    pub fn sum(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_in_all_bounds_that_it_keeps() {
        let mut histogram = Histogram::default();
        for milliseconds in [1, 2, 700, 60_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let cumulative: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative, [1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4]);
        assert_eq!((histogram.count(), histogram.sum()), (4, 60.703));
        assert_eq!(histogram.cumulative().last(), Some((f64::INFINITY, 4)));
    }
}
