//! Reads the nodes of a [`Tree`](super::tree::Tree) as what the configuration wants them to be.
//!
//! Every function here returns `None` once it has reported why.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::names::suggestion;
use super::report::Report;
use super::tree::{Node, NodeId, Value};

/// A value and the node it was read from.
#[derive(Debug, Clone)]
pub(super) struct Spanned<T> {
    pub(super) at: NodeId,
    pub(super) value: T,
}

/// What a map of fixed keys may hold.
pub(super) struct Schema {
    /// What the map describes, with its article: "a network".
    pub(super) what: &'static str,
    /// Each key with what belongs there.
    pub(super) keys: &'static [(&'static str, &'static str)],
}

impl Schema {
    fn meaning(&self, key: &str) -> Option<&'static str> {
        self.keys
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, meaning)| *meaning)
    }
}

/// A map with the keys of a [`Schema`].
pub(super) struct Fields<'t> {
    node: Node<'t>,
    schema: &'static Schema,
    values: BTreeMap<&'t str, (Node<'t>, Node<'t>)>,
}

impl<'t> Fields<'t> {
    /// Reports unknown and duplicate keys; what is left can be asked for by key.
    pub(super) fn read(
        node: Node<'t>,
        schema: &'static Schema,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let keys = || schema.keys.iter().map(|(key, _)| *key);
        let mut values = BTreeMap::new();
        for (name, key, value) in unique_entries(node, schema.what, report)? {
            if schema.meaning(name).is_some() {
                values.insert(name, (key, value));
            } else if name == "<<" {
                report.mistake(
                    key.id(),
                    "merge keys are not supported; write the keys out, or use an alias for a \
                     whole value",
                );
            } else {
                let what = schema.what;
                let hint = suggestion(name, keys(), "its keys are");
                report.mistake(key.id(), format!("{what} has no key {name:?}{hint}"));
            }
        }
        Some(Self {
            node,
            schema,
            values,
        })
    }

    /// The node of the map itself.
    pub(super) fn id(&self) -> NodeId {
        self.node.id()
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<Node<'t>> {
        self.values.get(key).map(|(_, value)| *value)
    }

    /// Whether nothing at all is written there.
    pub(super) fn is_blank(&self) -> bool {
        self.node
            .entries()
            .is_some_and(|mut entries| entries.next().is_none())
    }

    /// The node of the key itself, if it is there.
    pub(super) fn key(&self, key: &str) -> Option<NodeId> {
        self.values.get(key).map(|(node, _)| node.id())
    }

    /// The value of `key`, which has to be there.
    pub(super) fn require(&self, key: &str, report: &mut Report<'_>) -> Option<Node<'t>> {
        let value = self.get(key);
        if value.is_none() {
            let what = self.schema.what;
            let meaning = self.schema.meaning(key).unwrap_or("a value");
            report.mistake(self.id(), format!("{what} needs {key:?}: {meaning}"));
        }
        value
    }

    /// One of a closed list of words, behind `key`; the default where there is none that is right.
    pub(super) fn word<T: Clone + Default>(
        &self,
        key: &str,
        words: &[(&str, T)],
        report: &mut Report<'_>,
    ) -> T {
        self.get(key)
            .and_then(|node| one_of(node, &format!("{key:?}"), words, report))
            .unwrap_or_default()
    }

    /// A whole number in `range`, behind `key`; `what` names it in messages.
    pub(super) fn number<T>(
        &self,
        key: &str,
        what: &str,
        range: RangeInclusive<T>,
        report: &mut Report<'_>,
    ) -> Option<T>
    where
        T: Copy + Display + Into<i128> + TryFrom<i128>,
    {
        let node = self.get(key)?;
        integer(node, what, range, report).map(|number| number.value)
    }

    /// Yes or no, behind `key`; `default` where there is none that is right.
    pub(super) fn flag(&self, key: &str, default: bool, report: &mut Report<'_>) -> bool {
        let Some(node) = self.get(key) else {
            return default;
        };
        if let Value::Bool(flag) = node.value() {
            return *flag;
        }
        let found = node.value();
        report.mistake(
            node.id(),
            format!("{key:?} is true or false, found {found}"),
        );
        default
    }
}

/// The entries of a map from names to something, without duplicates and keys that are no names.
pub(super) fn named<'t>(
    node: Node<'t>,
    what: &str,
    report: &mut Report<'_>,
) -> Vec<(Spanned<String>, Node<'t>)> {
    // A section of which all entries were commented out.
    if *node.value() == Value::Null {
        return Vec::new();
    }
    unique_entries(node, what, report)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, key, value)| {
            if let Some(wrong) = wrong_name(name) {
                report.mistake(
                    key.id(),
                    format!("{name:?} cannot be a name here: it {wrong}"),
                );
                return None;
            }
            Some((
                Spanned {
                    at: key.id(),
                    value: name.to_owned(),
                },
                value,
            ))
        })
        .collect()
}

/// What keeps `name` from being the name of a network, host, VM, chain or function.
///
/// They stand in output, on the command line (`VM/MAC`) and in log lines.
fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.trim() != name {
        Some("begins or ends with a blank")
    } else if name.contains('/') {
        Some("contains a slash")
    } else if name.chars().any(char::is_control) {
        Some("contains a control character")
    } else if name == "<<" {
        Some("is YAML's merge key, which is not supported")
    } else {
        None
    }
}

fn unique_entries<'t>(
    node: Node<'t>,
    what: &str,
    report: &mut Report<'_>,
) -> Option<Vec<(&'t str, Node<'t>, Node<'t>)>> {
    let Some(entries) = node.entries() else {
        let found = node.value();
        report.mistake(node.id(), format!("expected {what} (a map), found {found}"));
        return None;
    };
    let mut first: BTreeMap<&str, NodeId> = BTreeMap::new();
    let mut unique = Vec::new();
    for (key, value) in entries {
        let Value::Text(name) = key.value() else {
            let found = key.value();
            report.mistake(
                key.id(),
                format!("a key here is text, found {found}{}", quoting_hint(found)),
            );
            continue;
        };
        if let Some(&at) = first.get(name.as_str()) {
            let line = report.line(at);
            report.mistake(
                key.id(),
                format!("the key {name:?} is here twice, the first time in line {line}"),
            );
            continue;
        }
        first.insert(name, key.id());
        unique.push((name.as_str(), key, value));
    }
    Some(unique)
}

/// How to write `found` where text is expected.
fn quoting_hint(found: &Value) -> String {
    match found {
        Value::Bool(_) | Value::Integer(_) => format!("; as text it is written \"{found}\""),
        _ => String::new(),
    }
}

/// Text, which `what` names in messages.
pub(super) fn text(node: Node<'_>, what: &str, report: &mut Report<'_>) -> Option<Spanned<String>> {
    match node.value() {
        Value::Text(text) => Some(Spanned {
            at: node.id(),
            value: text.clone(),
        }),
        found => {
            let hint = quoting_hint(found);
            report.mistake(node.id(), format!("expected {what}, found {found}{hint}"));
            None
        }
    }
}

/// The name that something has here (not a reference to something else).
pub(super) fn name(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    let name = text(node, "a name", report)?;
    if let Some(wrong) = wrong_name(&name.value) {
        report.mistake(
            name.at,
            format!("{:?} cannot be a name here: it {wrong}", name.value),
        );
        return None;
    }
    Some(name)
}

/// The items of a list, of which `what` says what they are.
pub(super) fn list<'t>(
    node: Node<'t>,
    what: &str,
    report: &mut Report<'_>,
) -> Option<Vec<Node<'t>>> {
    let items = node.items().map(Iterator::collect);
    if items.is_none() {
        let found = node.value();
        let hint = match found {
            Value::Text(text) => format!("; a list of one is written [{text}]"),
            _ => String::new(),
        };
        report.mistake(node.id(), format!("expected {what}, found {found}{hint}"));
    }
    items
}

/// The items of a list that has to have one.
pub(super) fn filled<'t>(node: Node<'t>, what: &str, report: &mut Report<'_>) -> Vec<Node<'t>> {
    let items = list(node, what, report);
    if items.as_ref().is_some_and(Vec::is_empty) {
        report.mistake(node.id(), format!("expected {what}, found none"));
    }
    items.unwrap_or_default()
}

/// The items of a list of names, each of them once. Those that are wrong are left out.
pub(super) fn names(node: Node<'_>, what: &str, report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let items = list(node, what, report).unwrap_or_default();
    let mut names: Vec<Spanned<String>> = Vec::new();
    for item in items {
        let Some(name) = text(item, "a name", report) else {
            continue;
        };
        if names.iter().any(|earlier| earlier.value == name.value) {
            report.mistake(name.at, format!("{:?} is in this list twice", name.value));
        } else {
            names.push(name);
        }
    }
    names
}

/// A whole number in `range`, which `what` names in messages.
pub(super) fn integer<T>(
    node: Node<'_>,
    what: &str,
    range: RangeInclusive<T>,
    report: &mut Report<'_>,
) -> Option<Spanned<T>>
where
    T: Copy + Display + Into<i128> + TryFrom<i128>,
{
    let (low, high) = (*range.start(), *range.end());
    let expected = format!("{what} is a whole number from {low} to {high}");
    match node.value() {
        Value::Integer(number) if (low.into()..=high.into()).contains(number) => {
            let value = T::try_from(*number).ok()?;
            return Some(Spanned {
                at: node.id(),
                value,
            });
        }
        found @ Value::Text(text) => {
            let hint = match text.trim().parse::<i128>() {
                Ok(number) => format!("; as a number it is written {number}"),
                Err(_) => String::new(),
            };
            report.mistake(node.id(), format!("{expected}, found {found}{hint}"));
        }
        found => report.mistake(node.id(), format!("{expected}, found {found}")),
    }
    None
}

/// One of a closed list of words.
pub(super) fn one_of<T: Clone>(
    node: Node<'_>,
    what: &str,
    words: &[(&str, T)],
    report: &mut Report<'_>,
) -> Option<T> {
    let value = match node.value() {
        Value::Text(text) => words.iter().find(|(word, _)| word == text),
        _ => None,
    };
    if value.is_none() {
        let found = node.value();
        let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let allowed = match allowed.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => allowed.concat(),
        };
        report.mistake(node.id(), format!("{what} is {allowed}, found {found}"));
    }
    value.map(|(_, value)| value.clone())
}
