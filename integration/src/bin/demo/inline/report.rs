//! What was measured, and whether it is as it must be.

use std::fmt;
use std::time::Duration;

use super::failures::{Failure, Outcome};
use crate::Holds;

/// Something measured, in words.
pub(super) struct Cell {
    text: String,
    /// What it must be, where it is not.
    instead_of: Option<String>,
}

impl Cell {
    /// The copies of a packet that arrived somewhere.
    pub(super) fn copies(count: usize, expected: usize) -> Self {
        let words = |count| match count {
            0 => "no".to_owned(),
            1 => "once".to_owned(),
            several => format!("{several} times"),
        };
        Self::expected(&words(count), &words(expected))
    }

    pub(super) fn expected(text: &str, expected: &str) -> Self {
        Self {
            text: text.to_owned(),
            instead_of: (text != expected).then(|| expected.to_owned()),
        }
    }

    /// How long something took, which is not to be longer than that.
    pub(super) fn time(time: Duration, limit: Duration) -> Self {
        Self {
            text: format!("{} ms", time.as_millis()),
            instead_of: (time > limit).then(|| format!("at most {} ms", limit.as_millis())),
        }
    }
}

/// A table with a row for each thing that was done.
struct Table<const N: usize> {
    title: &'static str,
    first: &'static str,
    columns: [&'static str; N],
    rows: Vec<(String, [Cell; N])>,
}

/// Everything that the demo has measured.
pub(crate) struct Report {
    ips: String,
    packets: Table<4>,
    failures: Table<5>,
}

impl Report {
    pub(super) fn new(ips: String) -> Self {
        Self {
            ips,
            packets: Table {
                title: "Who saw which packet",
                first: "packet",
                columns: ["IDS (tap)", "IPS", "second IPS", "destination"],
                rows: Vec::new(),
            },
            failures: Table {
                title: "What becomes of a stream from VM-A to VM-B",
                first: "failure_policy, and what happens",
                columns: [
                    "VM-B gets",
                    "inspected by",
                    "noticed after",
                    "IPS back after",
                    "twice",
                ],
                rows: Vec::new(),
            },
        }
    }

    pub(super) fn packet(&mut self, payload: &str, cells: [Cell; 4]) {
        self.packets.rows.push((payload.to_owned(), cells));
    }

    pub(super) fn failure(&mut self, outcome: Outcome, failure: Failure, cells: [Cell; 5]) {
        let row = format!("{}: {}", outcome.config(), failure.words());
        self.failures.rows.push((row, cells));
    }

    fn mistakes(&self) -> Vec<String> {
        [self.packets.mistakes(), self.failures.mistakes()].concat()
    }
}

impl Holds for Report {
    fn holds(&self) -> bool {
        self.mistakes().is_empty()
    }
}

impl<const N: usize> Table<N> {
    fn mistakes(&self) -> Vec<String> {
        let rows = self.rows.iter();
        let cells = rows.flat_map(|(row, cells)| {
            let named = self.columns.iter().zip(cells);
            named.map(move |(column, cell)| (row, column, cell))
        });
        let wrong = cells.filter_map(|(row, column, Cell { text, instead_of })| {
            let expected = instead_of.as_ref()?;
            Some(format!("{row}, {column}: {text}; expected: {expected}"))
        });
        wrong.collect()
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|(row, _)| row.len());
        let first = names.chain([self.first.len()]).max().unwrap_or(0);
        let widths = self.columns.map(|column| column.len().max(14));
        let mut line = |name: &str, cells: [&str; N]| {
            let mut text = format!("{name:<first$}");
            for (cell, width) in cells.into_iter().zip(widths) {
                text.push_str(&format!("  {cell:<width$}"));
            }
            writeln!(f, "{}", text.trim_end())
        };
        line(self.first, self.columns)?;
        let dashes = widths.map(|width| "-".repeat(width));
        line(&"-".repeat(first), dashes.each_ref().map(String::as_str))?;
        for (row, cells) in &self.rows {
            line(row, cells.each_ref().map(|cell| &*cell.text))?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The IPS is {}.\n", self.ips)?;
        writeln!(f, "{}:\n\n{}", self.packets.title, self.packets)?;
        writeln!(f, "{}:\n\n{}", self.failures.title, self.failures)?;
        let mistakes = self.mistakes();
        for mistake in &mistakes {
            writeln!(f, "WRONG  {mistake}")?;
        }
        match mistakes.len() {
            0 => write!(f, "All as it must be."),
            wrong => write!(f, "{wrong} of these are not as they must be."),
        }
    }
}
