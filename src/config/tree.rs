//! A YAML document as a tree that knows where each of its values stands.
//!
//! `serde_yaml` reads the document and decides what each value is. Positions are not part of
//! serde's model, so a second reader, `saphyr-parser`, walks the same text in step and tells where
//! each node begins. Entries of a mapping keep their order and their duplicates, so that the checks
//! can report them.

use std::fmt;

use saphyr_parser::{Event, Parser, Span, StrInput};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How many nodes may come from aliases; a small file can otherwise stand for a huge tree.
const MAX_ALIASED_NODES: usize = 1_000_000;

/// Index of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(usize);

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
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
pub(super) struct Position {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    /// How many characters of the line it takes.
    pub(super) width: usize,
}

impl From<Span> for Position {
    fn from(span: Span) -> Self {
        let one_line = span.start.line() == span.end.line();
        Self {
            line: span.start.line(),
            column: span.start.col() + 1,
            width: if one_line {
                span.end.col().saturating_sub(span.start.col())
            } else {
                1
            },
        }
    }
}

/// Why a text could not be read as a tree.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) message: String,
    /// Line and column, both from 1, where known.
    pub(super) position: Option<(usize, usize)>,
}

impl From<serde_yaml::Error> for ReadError {
    fn from(error: serde_yaml::Error) -> Self {
        let position = error
            .location()
            .map(|location| (location.line(), location.column()));
        let mut message = error.to_string();
        if let Some((line, column)) = position {
            let suffix = format!(" at line {line} column {column}");
            message.truncate(message.trim_end_matches(&suffix).len());
        }
        Self { message, position }
    }
}

/// A whole document.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Entry>,
    root: NodeId,
}

impl Tree {
    /// Reads the one document of `text`.
    pub(super) fn read(text: &str) -> Result<Self, ReadError> {
        // Syntax first, so that it is serde_yaml that says what is wrong with it.
        for document in serde_yaml::Deserializer::from_str(text) {
            IgnoredAny::deserialize(document)?;
        }
        let mut reader = Reader {
            events: Parser::new_from_str(text),
            nodes: Vec::new(),
            alias: None,
            aliased_nodes: 0,
        };
        let mut documents = serde_yaml::Deserializer::from_str(text);
        let Some(document) = documents.next() else {
            return Err(ReadError {
                message: "the file is empty".to_owned(),
                position: None,
            });
        };
        let root = Seed {
            reader: &mut reader,
            parent: None,
        }
        .deserialize(document)?;
        if documents.next().is_some() {
            return Err(ReadError {
                message: "a second YAML document begins here; a configuration is one document"
                    .to_owned(),
                position: reader.next_document(),
            });
        }
        Ok(Self {
            nodes: reader.nodes,
            root,
        })
    }

    /// The outermost node.
    pub(super) fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// The node with this id, which must be of this tree.
    fn node(&self, id: NodeId) -> Node<'_> {
        Node { tree: self, id }
    }

    /// Where the node stands.
    pub(super) fn position(&self, id: NodeId) -> Position {
        self.nodes[id.0].position
    }

    /// The keys that lead to the node, such as `vms.VM-A.nics[0].port`. A key has the path of its
    /// value.
    pub(super) fn path(&self, id: NodeId) -> String {
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
pub(super) struct Node<'t> {
    tree: &'t Tree,
    id: NodeId,
}

impl<'t> Node<'t> {
    pub(super) fn id(self) -> NodeId {
        self.id
    }

    pub(super) fn value(self) -> &'t Value {
        &self.tree.nodes[self.id.0].value
    }

    /// The items, if it is a sequence.
    pub(super) fn items(self) -> Option<impl Iterator<Item = Node<'t>>> {
        match self.value() {
            Value::Sequence(items) => Some(items.iter().map(move |&id| self.tree.node(id))),
            _ => None,
        }
    }

    /// Keys and values, if it is a mapping.
    pub(super) fn entries(self) -> Option<impl Iterator<Item = (Node<'t>, Node<'t>)>> {
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
            Self::Float(value) => write!(f, "{value}"),
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

/// Builds the nodes while `serde_yaml` visits the document, one event of the second reader per
/// node.
struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    nodes: Vec<Entry>,
    /// The place of the alias that is being replaced by what it stands for, for which there are
    /// no events.
    alias: Option<Position>,
    aliased_nodes: usize,
}

/// What the second reader saw where `serde_yaml` is about to visit a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar,
    Sequence,
    Mapping,
    /// An alias begins here.
    Alias,
    /// Part of what an alias stands for.
    Aliased,
}

impl Reader<'_> {
    /// Where the next node stands.
    fn begin<E: Error>(&mut self) -> Result<(Position, Shape), E> {
        if let Some(position) = self.alias {
            self.aliased_nodes += 1;
            if self.aliased_nodes > MAX_ALIASED_NODES {
                return Err(E::custom(format_args!(
                    "the aliases stand for more than {MAX_ALIASED_NODES} values"
                )));
            }
            return Ok((position, Shape::Aliased));
        }
        loop {
            let (event, span) = self.next::<E>()?;
            let shape = match event {
                Event::StreamStart | Event::DocumentStart(_) => continue,
                // An empty file has no node, but serde_yaml visits "none".
                Event::Scalar(..) | Event::StreamEnd => Shape::Scalar,
                Event::SequenceStart(..) => Shape::Sequence,
                Event::MappingStart(..) => Shape::Mapping,
                Event::Alias(_) => {
                    self.alias = Some(span.into());
                    Shape::Alias
                }
                _ => return Err(ambiguous()),
            };
            return Ok((span.into(), shape));
        }
    }

    /// Takes the event that closes a sequence or mapping.
    fn end<E: Error>(&mut self, expected: &Event<'static>) -> Result<(), E> {
        if self.alias.is_some() {
            return Ok(());
        }
        let (event, _) = self.next::<E>()?;
        if event == *expected {
            Ok(())
        } else {
            Err(ambiguous())
        }
    }

    fn next<E: Error>(&mut self) -> Result<(Event<'_>, Span), E> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(E::custom(format_args!("{}", error.info()))),
            None => Err(ambiguous()),
        }
    }

    /// Where the next document begins, once the first has been read.
    fn next_document(&mut self) -> Option<(usize, usize)> {
        loop {
            let (event, span) = self.events.next_event()?.ok()?;
            if matches!(event, Event::DocumentStart(_)) {
                let position = Position::from(span);
                return Some((position.line, position.column));
            }
        }
    }
}

/// The two readers see different things. YAML has corners where its versions differ.
fn ambiguous<E: Error>() -> E {
    E::custom("YAML 1.1 and YAML 1.2 read this differently; write it in a plainer way")
}

/// Reads one node, and what is below it, into the reader.
struct Seed<'r, 't> {
    reader: &'r mut Reader<'t>,
    parent: Option<(NodeId, Step)>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = NodeId;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<NodeId, D::Error> {
        let Seed { reader, parent } = self;
        let (position, shape) = reader.begin()?;
        let id = NodeId(reader.nodes.len());
        // The place is taken now: parents come before children.
        reader.nodes.push(Entry {
            value: Value::Null,
            position,
            parent,
        });
        let value = source.deserialize_any(NodeVisitor { reader, id, shape })?;
        reader.nodes[id.0].value = value;
        if shape == Shape::Alias {
            reader.alias = None;
        }
        Ok(id)
    }
}

struct NodeVisitor<'r, 't> {
    reader: &'r mut Reader<'t>,
    id: NodeId,
    shape: Shape,
}

impl NodeVisitor<'_, '_> {
    /// Refuses the node if the second reader saw something else than `seen`.
    fn agree<E: Error>(&self, seen: Shape) -> Result<(), E> {
        let agreed = self.shape == seen || matches!(self.shape, Shape::Alias | Shape::Aliased);
        if agreed { Ok(()) } else { Err(ambiguous()) }
    }

    fn scalar<E: Error>(self, value: Value) -> Result<Value, E> {
        self.agree(Shape::Scalar)?;
        Ok(value)
    }
}

impl<'de> Visitor<'de> for NodeVisitor<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value, list or map; tags such as !name are not used here")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.scalar(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.scalar(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.scalar(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.scalar(Value::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.scalar(Value::Integer(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        self.scalar(Value::Integer(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        // Out of every range that a key here has, so only the message can tell the difference.
        self.scalar(Value::Integer(i128::try_from(value).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.scalar(Value::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.scalar(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.agree(Shape::Sequence)?;
        let Self { reader, id, .. } = self;
        let mut items = Vec::new();
        loop {
            let parent = Some((id, Step::Index(items.len())));
            match access.next_element_seed(Seed {
                reader: &mut *reader,
                parent,
            })? {
                Some(item) => items.push(item),
                None => break,
            }
        }
        reader.end(&Event::SequenceEnd)?;
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.agree(Shape::Mapping)?;
        let Self { reader, id, .. } = self;
        let mut entries = Vec::new();
        loop {
            let parent = Some((id, Step::Key));
            let Some(key) = access.next_key_seed(Seed {
                reader: &mut *reader,
                parent,
            })?
            else {
                break;
            };
            let parent = Some((id, Step::ValueOf(key)));
            entries.push((
                key,
                access.next_value_seed(Seed {
                    reader: &mut *reader,
                    parent,
                })?,
            ));
        }
        reader.end(&Event::MappingEnd)?;
        Ok(Value::Mapping(entries))
    }
}
