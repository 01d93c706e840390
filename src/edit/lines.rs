//! Lines, columns, comments and commas of a text.

use std::ops::Range;

use super::patch::Step;

/// The beginning of the line of `at`.
pub(super) fn line_before(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The beginning of the line behind that of `at`, or the end of the text.
fn line_after(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline + 1)
}

/// How many characters stand before `at` in its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    text[line_before(text, at)..at].chars().count()
}

/// How lines end in this text.
pub(super) fn eol(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Whether there is nothing but white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Where the comment begins that is behind `at` in its line.
pub(super) fn comment(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].split('\n').next().unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    rest[blanks..].starts_with('#').then_some(at + blanks)
}

/// Behind the colon between a key and its value.
pub(super) fn colon(text: &str, key_end: usize, value: usize) -> Option<usize> {
    text[key_end..value].find(':').map(|at| key_end + at + 1)
}

/// The end of the last of the comments in the lines below `at`, up to the first other line, that are
/// indented by more than `indent`; `at` where there is none.
pub(super) fn last_comment_below(text: &str, at: usize, indent: usize) -> usize {
    let mut last = at;
    let mut line = line_after(text, at);
    while line < text.len() {
        let next = line_after(text, line);
        let content = text[line..next].trim_end();
        let trimmed = content.trim_start();
        match trimmed.starts_with('#') {
            true if content.len() - trimmed.len() > indent => last = line + content.len(),
            false if trimmed.is_empty() => {}
            _ => break,
        }
        line = next;
    }
    last
}

/// Puts `lines`, which end in a line end, behind the line of `at`.
pub(super) fn insert_after(text: &str, at: usize, lines: &str) -> (Range<usize>, String) {
    let after = line_after(text, at);
    let lines = match text[..after].ends_with('\n') {
        true => lines.to_owned(),
        // The last line had no end, and so has the new one.
        false => format!("{}{}", eol(text), lines.trim_end()),
    };
    (after..after, lines)
}

/// All lines of a part of the text.
pub(super) fn whole(text: &str, part: Range<usize>) -> Range<usize> {
    let (start, end) = (line_before(text, part.start), line_after(text, part.end));
    if text[..end].ends_with('\n') || start == 0 {
        return start..end;
    }
    // It is the last line and has no end; the one before takes its place.
    let before = &text[..start - 1];
    before.strip_suffix('\r').unwrap_or(before).len()..end
}

/// An entry in brackets, with the comma that goes with it. Comments and line ends stay.
pub(super) fn flow_part(text: &str, entries: &[Range<usize>], index: usize) -> Range<usize> {
    let own = &entries[index];
    let before = index.checked_sub(1).map(|before| entries[before].end);
    match (before, entries.get(index + 1)) {
        (Some(before), _) if !text[before..own.start].contains('\n') => before..own.end,
        (_, Some(next)) => {
            let gap = &text[own.end..next.start];
            match gap.contains('\n') {
                false => own.start..next.start,
                true => own.start..own.end + gap.find(',').map_or(0, |comma| comma + 1),
            }
        }
        _ => own.clone(),
    }
}

/// A path as messages show it.
pub(super) fn join(path: &[Step]) -> String {
    let mut joined = String::new();
    for step in path {
        if matches!(step, Step::Key(_)) && !joined.is_empty() {
            joined.push('.');
        }
        joined.push_str(&step.to_string());
    }
    joined
}
