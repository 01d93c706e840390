//! Reads a configuration file and checks all of it.
//!
//! ```text
//! text --tree--> values with positions --raw--> typed values --validate--> Topology
//! ```
//!
//! Every step reports what it finds and goes on, so that one run shows all mistakes. `README.md` in
//! `configs/` describes every key.

mod diagnostic;
mod fields;
mod files;
mod lines;
mod names;
mod raw;
mod report;
#[cfg(test)]
mod tests;
mod tree;
mod validate;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use self::diagnostic::{Diagnostic, Diagnostics, Excerpt, Place, Severity};
pub(crate) use self::files::is_exposed;
pub use self::lines::Lines;
pub use self::names::suggestion;
use self::report::{Report, lines};
use self::tree::ReadError;
use crate::topology::Topology;

/// How long a file may be, in bytes; room for some 100,000 VMs.
pub const MAX_SIZE: usize = 16 << 20;

/// Reads and checks the file at `path`: its topology and the warnings about it.
///
/// # Errors
///
/// Everything that is wrong with the file, or that it could not be read.
pub fn load(path: &Path) -> Result<(Topology, Vec<Diagnostic>), Diagnostics> {
    let file = path.display().to_string();
    match read(path) {
        Ok(bytes) => parse(&file, &bytes),
        Err(error) => Err(unread(&file, &error)),
    }
}

/// The same as [`load`], and the files that it names can be used on this machine.
///
/// # Errors
///
/// Those of [`load`], and everything that is wrong with such files.
pub fn load_with_files(path: &Path) -> Result<(Topology, Vec<Diagnostic>), Diagnostics> {
    let file = path.display().to_string();
    match read(path) {
        Ok(bytes) => parse_with_files(&file, &bytes),
        Err(error) => Err(unread(&file, &error)),
    }
}

/// The one thing to be said about a file that could not be read.
pub fn unread(file: &str, error: &io::Error) -> Diagnostics {
    whole_file(file, format!("cannot read this file: {error}"))
}

/// The bytes of the file at `path`, but at most one more than a configuration may have, whatever the
/// file is.
///
/// # Errors
///
/// The system does not let us.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_SIZE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks the text of a configuration, which `file` names in messages: its topology and the
/// warnings about it.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(
    file: &str,
    text: impl AsRef<[u8]>,
) -> Result<(Topology, Vec<Diagnostic>), Diagnostics> {
    parse_and(file, text.as_ref(), |_, _| {})
}

/// The same as [`parse`], and the files that the configuration names can be used on this machine.
///
/// # Errors
///
/// Those of [`parse`], and everything that is wrong with such files.
pub fn parse_with_files(
    file: &str,
    text: impl AsRef<[u8]>,
) -> Result<(Topology, Vec<Diagnostic>), Diagnostics> {
    parse_and(file, text.as_ref(), files::check)
}

/// Parses a text, with more to be looked at than what it says by itself.
fn parse_and(
    file: &str,
    bytes: &[u8],
    check: impl FnOnce(&raw::Config, &mut Report<'_>),
) -> Result<(Topology, Vec<Diagnostic>), Diagnostics> {
    if bytes.len() > MAX_SIZE {
        return Err(whole_file(
            file,
            format!("the file is longer than {} MiB", MAX_SIZE >> 20),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (valid, _) = bytes.split_at(error.valid_up_to());
        not_utf8(file, &String::from_utf8_lossy(valid))
    })?;
    // A byte order mark is no part of the first key.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = tree::read(text).map_err(|error| unreadable(file, text, error))?;
    let mut report = Report::new(&tree);
    let config = raw::read(tree.root(), &mut report);
    let topology = config.map(|config| {
        check(&config, &mut report);
        validate::topology(&config, &mut report)
    });
    let refused = report.has_mistakes();
    let diagnostics = report.into_diagnostics(file, text);
    match topology {
        Some(topology) if !refused => Ok((topology, diagnostics)),
        _ => Err(Diagnostics(diagnostics)),
    }
}

/// The text is no YAML, or none that is used here.
fn unreadable(file: &str, text: &str, error: ReadError) -> Diagnostics {
    let ReadError { message, position } = error;
    let Some((line, column)) = position else {
        return whole_file(file, message);
    };
    let mut here = lines(text)
        .nth(line.saturating_sub(1))
        .unwrap_or_default()
        .chars();
    let here = here.by_ref().skip(column.saturating_sub(2)).take(2);
    let hint = match here.collect::<String>() {
        near if near.contains('\t') => "; YAML indents with blanks, not with tabs",
        near if near.contains('*') => "; text that begins with a star is written in quotes",
        _ => "",
    };
    at(file, text, line, column, format!("{message}{hint}"))
}

/// `valid` is what comes before the first byte that is not UTF-8.
fn not_utf8(file: &str, valid: &str) -> Diagnostics {
    let (line, last) = lines(valid).enumerate().last().unwrap_or_default();
    let message = "the file is not UTF-8 text from here on".to_owned();
    at(file, valid, line + 1, last.chars().count() + 1, message)
}

fn at(file: &str, text: &str, line: usize, column: usize, message: String) -> Diagnostics {
    let shown = lines(text).nth(line.saturating_sub(1)).unwrap_or_default();
    Diagnostics(vec![Diagnostic {
        severity: Severity::Mistake,
        file: file.to_owned(),
        place: Some(Place {
            line,
            column,
            path: String::new(),
            excerpt: Excerpt::new(shown, column, 1),
        }),
        message,
    }])
}

fn whole_file(file: &str, message: String) -> Diagnostics {
    Diagnostics(vec![Diagnostic {
        severity: Severity::Mistake,
        file: file.to_owned(),
        place: None,
        message,
    }])
}
