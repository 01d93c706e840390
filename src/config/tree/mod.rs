//! A YAML document as a tree that knows where each of its values stands.
//!
//! Entries of a mapping keep their order and their duplicates, so that the checks can report them.

mod reader;

use std::fmt;

pub(super) use self::reader::{ReadError, read};

/// Index of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(usize);

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Sequence(Vec<NodeId>),
    /// Keys and values in the order of the file, duplicates included.
    Mapping(Vec<(NodeId, NodeId)>),
}

/// How a node hangs below its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Item of a sequence.
    Index(usize),
    /// Key of a mapping.
    Key,
    /// Value behind the key with this id.
    ValueOf(NodeId),
}

#[derive(Debug)]
struct Entry {
    value: Value,
    position: Position,
    parent: Option<(NodeId, Step)>,
}

/// Where a node stands in the text. A node that comes from an alias stands where the alias does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// How many characters of the line it takes.
    pub(crate) width: usize,
}

/// A whole document.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Entry>,
    root: NodeId,
}

impl Tree {
    /// The outermost node.
    pub(crate) fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// The node with this id, which must be of this tree.
    fn node(&self, id: NodeId) -> Node<'_> {
        Node { tree: self, id }
    }

    /// The key and the value of an entry of the mapping behind these keys.
    pub(crate) fn entry(&self, path: &[&str]) -> Option<(Node<'_>, Node<'_>)> {
        let (last, before) = path.split_last()?;
        let mapping = match before {
            [] => self.root(),
            path => self.entry(path)?.1,
        };
        let is_it = |key: &Node<'_>| matches!(key.value(), Value::Text(text) if text == last);
        mapping.entries()?.find(|(key, _)| is_it(key))
    }

    /// Where the node stands.
    pub(crate) fn position(&self, id: NodeId) -> Position {
        self.nodes[id.0].position
    }

    /// The keys that lead to the node, such as `vms.VM-A.nics[0].port`. A key has the path of its
    /// value.
    pub(crate) fn path(&self, id: NodeId) -> String {
        let Some((parent, step)) = self.nodes[id.0].parent else {
            return String::new();
        };
        let mut path = self.path(parent);
        let key = match step {
            Step::Index(index) => {
                path.push_str(&format!("[{index}]"));
                return path;
            }
            Step::Key => id,
            Step::ValueOf(key) => key,
        };
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&match self.node(key).value() {
            Value::Text(text) if is_plain(text) => text.clone(),
            other => other.to_string(),
        });
        path
    }
}

/// Whether a key can stand in a path without quotes.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// A node of a [`Tree`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'t> {
    tree: &'t Tree,
    id: NodeId,
}

impl<'t> Node<'t> {
    pub(crate) fn id(self) -> NodeId {
        self.id
    }

    pub(crate) fn value(self) -> &'t Value {
        &self.tree.nodes[self.id.0].value
    }

    /// The items, if it is a sequence.
    pub(crate) fn items(self) -> Option<impl Iterator<Item = Node<'t>>> {
        match self.value() {
            Value::Sequence(items) => Some(items.iter().map(move |&id| self.tree.node(id))),
            _ => None,
        }
    }

    /// Keys and values, if it is a mapping.
    pub(crate) fn entries(self) -> Option<impl Iterator<Item = (Node<'t>, Node<'t>)>> {
        let node =
            move |&(key, value): &(NodeId, NodeId)| (self.tree.node(key), self.tree.node(value));
        match self.value() {
            Value::Mapping(entries) => Some(entries.iter().map(node)),
            _ => None,
        }
    }
}

/// Names the value in a message: "found …".
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            // With a point or exponent, unlike an integer.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) if text.chars().count() > SHOWN => {
                let start: String = text.chars().take(SHOWN).collect();
                write!(f, "{:?}", start + "…")
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Sequence(_) => f.write_str("a list"),
            Self::Mapping(_) => f.write_str("a map"),
        }
    }
}
