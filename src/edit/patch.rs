//! The four changes that all edits are made of, each by replacing as few bytes as can be.
//!
//! What comes out is read again and held against the value that it was to have: a text that is
//! written in a way that these functions do not foresee is refused, and never spoilt.

use std::fmt;

use serde_yaml::Value;

use super::lines::{self, line_before};
use super::spans::{self, Kind, Node, Quote};
use super::{EditError, emit};

/// One step from a node to one below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The value behind a key.
    Key(String),
    /// An item of a sequence.
    Item(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// A path of keys.
pub(super) fn path<const N: usize>(keys: [&str; N]) -> Vec<Step> {
    keys.iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect()
}

/// A path with one more step, an item of a sequence.
pub(super) fn item(path: &[Step], index: usize) -> Vec<Step> {
    [path, &[Step::Item(index)]].concat()
}

/// A path with one more step, a key.
pub(super) fn key(path: &[Step], key: &str) -> Vec<Step> {
    [path, &[Step::Key(key.to_owned())]].concat()
}

/// A change of a document.
#[derive(Debug, Clone)]
pub(super) enum Op<'o> {
    /// Gives a mapping a key with a value. One that is there already must be a scalar or in brackets.
    Set {
        key: &'o str,
        value: &'o Value,
        /// The key behind which a new one goes; the last one where that is missing.
        after: Option<&'o str>,
        /// How many levels of a new value are written as blocks.
        depth: usize,
    },
    /// Takes a key, which is there, out of a mapping. A comment behind it stays if it is to.
    Unset { key: &'o str, keep_comment: bool },
    /// Adds an item at the end of a sequence.
    Append { value: &'o Value },
    /// Takes an item out of a sequence.
    Remove { index: usize },
}

/// Changes the node at `path` of a document.
pub(super) fn apply(text: &str, path: &[Step], op: &Op<'_>) -> Result<String, EditError> {
    let unusual = || EditError::Unusual {
        path: lines::join(path),
    };
    let root = spans::read(text).map_err(EditError::Unreadable)?;
    let place = Place::find(text, &root, path).ok_or_else(unusual)?;
    let splices = match op {
        Op::Set {
            key,
            value,
            after,
            depth,
        } => place.set(key, value, *after, *depth),
        Op::Unset { key, keep_comment } => place.unset(key, *keep_comment),
        Op::Append { value } => place.append(value),
        Op::Remove { index } => place.remove(*index),
    };
    let mut new = text.to_owned();
    // From the end on, so that what is before stays where it is.
    for (range, replacement) in splices.ok_or_else(unusual)?.into_iter().rev() {
        new.replace_range(range, &replacement);
    }
    let value = |text: &str| serde_yaml::from_str::<Value>(text);
    let mut wanted = value(text).map_err(|error| EditError::Unreadable(error.to_string()))?;
    change(&mut wanted, path, op).ok_or_else(unusual)?;
    match value(&new) {
        Ok(found) if found == wanted => Ok(new),
        _ => Err(unusual()),
    }
}

/// What is at `path`, as a value.
pub(super) fn value(text: &str, path: &[Step]) -> Option<Value> {
    let root: Value = serde_yaml::from_str(text).ok()?;
    let mut at = &root;
    for step in path {
        at = match step {
            Step::Key(key) => at.get(key.as_str())?,
            Step::Item(index) => at.get(index)?,
        };
    }
    Some(at.clone())
}

/// Whether there is a comment in the line of a key's value, behind it.
pub(super) fn has_comment(text: &str, path: &[Step], key: &str) -> bool {
    let Ok(root) = spans::read(text) else {
        return false;
    };
    let path = self::key(path, key);
    let place = Place::find(text, &root, &path);
    place.is_some_and(|place| lines::comment(text, place.node.range.end).is_some())
}

/// The same change of the value that the text stands for.
fn change(root: &mut Value, path: &[Step], op: &Op<'_>) -> Option<()> {
    let mut at = root;
    for step in path {
        at = match step {
            Step::Key(key) => at.get_mut(key.as_str())?,
            Step::Item(index) => at.get_mut(index)?,
        };
    }
    match (op, at) {
        (Op::Set { key, value, .. }, Value::Mapping(entries)) => {
            entries.insert((*key).into(), (*value).clone());
        }
        (Op::Set { key, value, .. }, nothing @ Value::Null) => {
            let entry = (Value::from(*key), (*value).clone());
            *nothing = Value::Mapping([entry].into_iter().collect());
        }
        (Op::Unset { key, .. }, Value::Mapping(entries)) => {
            entries.remove(*key)?;
        }
        (Op::Append { value }, Value::Sequence(items)) => items.push((*value).clone()),
        (Op::Remove { index }, Value::Sequence(items)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => return None,
    }
    Some(())
}

/// Bytes and what takes their place, in the order of the text.
type Splices = Vec<(std::ops::Range<usize>, String)>;

/// A node of a document, and where it hangs.
struct Place<'t> {
    text: &'t str,
    node: &'t Node,
    /// The key whose value it is, if that is an entry of a block mapping.
    owner: Option<&'t Node>,
}

impl<'t> Place<'t> {
    fn find(text: &'t str, root: &'t Node, path: &[Step]) -> Option<Self> {
        let (mut node, mut owner) = (root, None);
        for step in path {
            (node, owner) = match (step, &node.kind) {
                (Step::Key(key), Kind::Mapping(entries)) => {
                    let (key, value) = &entries[node.position(key)?];
                    (value, (!node.flow).then_some(key))
                }
                (Step::Item(index), Kind::Sequence(items)) => (items.get(*index)?, None),
                _ => return None,
            };
        }
        Some(Self { text, node, owner })
    }

    fn eol(&self) -> &'static str {
        lines::eol(self.text)
    }

    fn set(&self, key: &str, value: &Value, after: Option<&str>, depth: usize) -> Option<Splices> {
        let none = Vec::new();
        let entries = match &self.node.kind {
            Kind::Mapping(entries) => entries,
            _ if self.node.is_null() => &none,
            _ => return None,
        };
        if let Some(index) = self.node.position(key) {
            let old = &entries[index].1;
            let quote = match (&old.kind, old.flow) {
                (Kind::Scalar { quote, .. }, _) => *quote,
                (_, true) => Quote::Plain,
                (_, false) => return None,
            };
            let new = match value {
                Value::String(text) => emit::scalar(text, quote),
                other => emit::inline(other),
            };
            return (!old.range.is_empty()).then(|| vec![(old.range.clone(), new)]);
        }
        let pair = || {
            let key = emit::scalar(key, Quote::Plain);
            format!("{key}: {}", emit::inline(value))
        };
        let behind = after.and_then(|after| self.node.position(after));
        let behind = behind.unwrap_or(entries.len().wrapping_sub(1));
        match (entries.get(behind), self.node.flow) {
            (Some((_, last)), true) => {
                let at = last.range.end;
                Some(vec![(at..at, format!(", {}", pair()))])
            }
            (Some((_, last)), false) => {
                let first = entries.first()?.0.range.start;
                let indent = lines::column(self.text, first);
                let lines = emit::entry(key, value, indent, depth, self.eol());
                Some(vec![lines::insert_after(self.text, last.range.end, &lines)])
            }
            (None, _) => match self.owner {
                Some(owner) => {
                    let indent = lines::column(self.text, owner.range.start) + 2;
                    let lines = emit::entry(key, value, indent, depth, self.eol());
                    self.unfold(owner, &lines)
                }
                None if self.node.range.is_empty() => None,
                None => Some(vec![(self.node.range.clone(), format!("{{ {} }}", pair()))]),
            },
        }
    }

    fn append(&self, value: &Value) -> Option<Splices> {
        let Kind::Sequence(items) = &self.node.kind else {
            return None;
        };
        let line = |indent: usize| {
            let blanks = " ".repeat(indent);
            format!("{blanks}- {}{}", emit::inline(value), self.eol())
        };
        match (items.last(), self.node.flow) {
            (Some(last), true) => {
                let at = last.range.end;
                Some(vec![(at..at, format!(", {}", emit::inline(value)))])
            }
            (None, true) => match self.owner {
                Some(owner) => {
                    let indent = lines::column(self.text, owner.range.start) + 2;
                    self.unfold(owner, &line(indent))
                }
                None => Some(vec![(
                    self.node.range.clone(),
                    format!("[{}]", emit::inline(value)),
                )]),
            },
            (Some(last), false) => {
                let dash = self.dash(items.first()?)?;
                let indent = lines::column(self.text, dash);
                Some(vec![lines::insert_after(
                    self.text,
                    last.range.end,
                    &line(indent),
                )])
            }
            (None, false) => None,
        }
    }

    /// Replaces empty brackets, or nothing at all, behind a key by lines below it, and below the comments
    /// there that are indented more than the key.
    fn unfold(&self, owner: &Node, lines: &str) -> Option<Splices> {
        let colon = lines::colon(self.text, owner.range.end, self.text.len())?;
        // Nothing has no place of its own.
        let end = match self.node.range.is_empty() {
            true => colon,
            false => self.node.range.end,
        };
        let indent = lines::column(self.text, owner.range.start);
        let last = lines::last_comment_below(self.text, end, indent);
        Some(vec![
            (colon..end, String::new()),
            lines::insert_after(self.text, last, lines),
        ])
    }

    fn unset(&self, key: &str, keep_comment: bool) -> Option<Splices> {
        let Kind::Mapping(entries) = &self.node.kind else {
            return None;
        };
        let index = self.node.position(key)?;
        let ranges: Vec<_> = entries
            .iter()
            .map(|(key, value)| key.range.start..value.range.end)
            .collect();
        if self.node.flow {
            return Some(vec![(
                lines::flow_part(self.text, &ranges, index),
                String::new(),
            )]);
        }
        let own = ranges[index].clone();
        if entries.len() == 1 {
            return self.fold(own, "{}");
        }
        if lines::is_blank(&self.text[line_before(self.text, own.start)..own.start]) {
            let comment = lines::comment(self.text, own.end).filter(|_| keep_comment);
            return Some(vec![match comment {
                Some(comment) => (own.start..comment, String::new()),
                None => (lines::whole(self.text, own), String::new()),
            }]);
        }
        // Behind a dash: what comes next takes its place.
        let next = ranges.get(index + 1)?;
        let gap = &self.text[own.end..next.start];
        lines::is_blank(gap).then(|| vec![(own.start..next.start, String::new())])
    }

    fn remove(&self, index: usize) -> Option<Splices> {
        let Kind::Sequence(items) = &self.node.kind else {
            return None;
        };
        let ranges: Vec<_> = items.iter().map(|item| item.range.clone()).collect();
        let item = ranges.get(index)?;
        if self.node.flow {
            return Some(vec![(
                lines::flow_part(self.text, &ranges, index),
                String::new(),
            )]);
        }
        let dash = self.dash(&items[index])?;
        match items.len() {
            1 => self.fold(dash..item.end, "[]"),
            _ => Some(vec![(
                lines::whole(self.text, dash..item.end),
                String::new(),
            )]),
        }
    }

    /// Where the dash of an item of a block sequence is, in the line where the item begins.
    fn dash(&self, item: &Node) -> Option<usize> {
        let (start, line) = (item.range.start, line_before(self.text, item.range.start));
        let dash = line + self.text[line..start].find('-')?;
        let around = [&self.text[line..dash], &self.text[dash + 1..start]];
        around
            .iter()
            .all(|text| lines::is_blank(text))
            .then_some(dash)
    }

    /// Replaces the only entry below a key by empty brackets behind it.
    fn fold(&self, entry: std::ops::Range<usize>, brackets: &str) -> Option<Splices> {
        let owner = self.owner?;
        let colon = lines::colon(self.text, owner.range.end, entry.start)?;
        let below = line_before(self.text, entry.start) > colon;
        let whole = lines::whole(self.text, entry);
        below.then(|| {
            vec![
                (colon..colon, format!(" {brackets}")),
                (whole, String::new()),
            ]
        })
    }
}
