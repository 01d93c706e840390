//! Tables for a terminal.

use std::fmt;

use super::style;

/// Rows of text, printed in columns that are as wide as they must be.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|heading| (*heading).to_owned());
        Self {
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Whether there is nothing but headings.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| style::width(cell)).max().unwrap_or(0)
        };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths);
            let line: String = cells
                .map(|(cell, width)| {
                    let room = width.saturating_sub(style::width(cell)) + 2;
                    format!("{cell}{:room$}", "")
                })
                .collect();
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell for `text`, which may be none.
pub(super) fn or_dash(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_their_colours() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["\x1b[1;31mlong\x1b[0m".to_owned(), "x".to_owned()]);
        table.row(["ü".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "A     B\n\x1b[1;31mlong\x1b[0m  x\nü\n");
    }
}
