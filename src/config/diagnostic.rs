//! What the checks have to say about a file, made to be read by a person.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long the shown part of a line may be, in characters.
const EXCERPT_WIDTH: usize = 100;

/// A mistake or a warning, with the place it is about.
///
/// Displayed as
///
/// ```text
/// lab.yaml:12:16: vms.VM-A.nics[0].network: there is no network "demo300"; did you mean "demo3000"?
///   12 |       network: demo300
///      |                ^^^^^^^
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// Whether the file is refused because of it.
    pub severity: Severity,
    /// The file, as it was named to [`super::load`].
    pub file: String,
    /// Where in the file; `None` where the file as a whole is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Whether a file is refused because of a [`Diagnostic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Mistake,
    /// The file is accepted, though probably not what was meant.
    Warning,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The keys that lead there, such as `vms.VM-A.nics[0].network`; empty for the whole file
    /// and where the text is not YAML.
    pub path: String,
    /// The line itself, for showing.
    #[serde(skip)]
    pub excerpt: Excerpt,
}

/// A line, or the part of a long one, with the columns that are meant.
///
/// Every character takes one column: tabs became blanks, and characters that would control the
/// terminal became U+FFFD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// Characters before the marked ones.
    indent: usize,
    /// How many characters are marked; at least one.
    width: usize,
}

impl Excerpt {
    /// The part of `line` around `width` characters from `column` (from 1) on.
    pub(super) fn new(line: &str, column: usize, width: usize) -> Self {
        let mut characters: Vec<char> = line.trim_end().chars().map(visible).collect();
        let target = column.saturating_sub(1).min(characters.len());
        let last_start = characters.len().saturating_sub(EXCERPT_WIDTH);
        let start = target.saturating_sub(EXCERPT_WIDTH / 2).min(last_start);
        let end = characters.len().min(start + EXCERPT_WIDTH);
        if start > 0 {
            characters[start] = '…';
        }
        if end < characters.len() {
            characters[end - 1] = '…';
        }
        Self {
            text: characters[start..end].iter().collect(),
            indent: target - start,
            width: width.clamp(1, (end - target).max(1)),
        }
    }
}

/// The character that stands for `character` in an [`Excerpt`].
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        let Some(place) = &self.place else {
            return f.write_str(&self.message);
        };
        if !place.path.is_empty() {
            write!(f, "{}: ", place.path)?;
        }
        let Excerpt {
            text,
            indent,
            width,
        } = &place.excerpt;
        let margin = place.line.to_string().len();
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {} | {text}", place.line)?;
        write!(f, "  {:margin$} | {:indent$}{:^>width$}", "", "", "")
    }
}

/// Everything that is to be said about a refused file; at least one [`Severity::Mistake`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub(super) Vec<Diagnostic>);

impl Diagnostics {
    /// Mistakes and warnings in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// How many mistakes there are, warnings not counted.
    pub fn mistakes(&self) -> usize {
        self.iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Mistake)
            .count()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in self.iter() {
            writeln!(f, "{diagnostic}")?;
        }
        match self.mistakes() {
            1 => f.write_str("1 mistake"),
            mistakes => write!(f, "{mistakes} mistakes"),
        }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str, column: usize, width: usize) -> String {
        Diagnostic {
            severity: Severity::Mistake,
            file: "lab.yaml".to_owned(),
            place: Some(Place {
                line: 12,
                column,
                path: "a.b".to_owned(),
                excerpt: Excerpt::new(line, column, width),
            }),
            message: "is wrong".to_owned(),
        }
        .to_string()
    }

    #[test]
    fn the_caret_stands_below_the_marked_text() {
        assert_eq!(
            at("\ta: wörd # \u{1b}[31m", 5, 4),
            "lab.yaml:12:5: a.b: is wrong\n  12 |  a: wörd # \u{fffd}[31m\n     |     ^^^^"
        );
    }

    #[test]
    fn of_a_long_line_the_part_around_the_mark_is_shown() {
        let line = format!("{}HERE{}", "x".repeat(1000), "y".repeat(1000));
        let shown = at(&line, 1001, 4);
        assert!(
            shown.lines().all(|line| line.chars().count() < 120),
            "{shown}"
        );
        let mut lines = shown.lines().skip(1);
        let (text, caret) = (
            lines.next().unwrap_or_default(),
            lines.next().unwrap_or_default(),
        );
        assert_eq!(
            text.find("HERE").map(|at| text[..at].chars().count()),
            caret.find("^^^^")
        );
        assert!(text.contains("…x") && text.ends_with("y…"), "{text}");
    }

    #[test]
    fn a_mark_outside_the_line_is_moved_into_it() {
        assert_eq!(
            at("ab", 9, 7),
            "lab.yaml:12:9: a.b: is wrong\n  12 | ab\n     |   ^"
        );
        assert_eq!(
            at("", 1, 0),
            "lab.yaml:12:1: a.b: is wrong\n  12 | \n     | ^"
        );
    }
}
