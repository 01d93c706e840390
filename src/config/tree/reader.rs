//! Reads text into a [`Tree`].
//!
//! `serde_yaml` reads the document and decides what each value is. Positions are not part of
//! serde's model, so a second reader, `saphyr-parser`, walks the same text in step and tells where
//! each node begins.

use std::fmt;

use saphyr_parser::{Event, Parser, Span, StrInput};
use serde::Deserialize;
use serde::de::{DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Entry, NodeId, Position, Step, Tree, Value};

/// How many nodes may come from aliases, altogether and for each node that is written out; a small
/// file can otherwise stand for a huge tree.
const MAX_ALIASED_NODES: usize = 1_000_000;
const MAX_ALIASED_PER_NODE: usize = 50;

/// How deep nodes may be nested. A configuration needs eight levels.
const MAX_DEPTH: usize = 16;

/// Why a text could not be read as a tree.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) message: String,
    /// Line and column, both from 1, where known.
    pub(crate) position: Option<(usize, usize)>,
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

/// Reads the one document of `text`.
pub(crate) fn read(text: &str) -> Result<Tree, ReadError> {
    // Syntax first, so that it is serde_yaml that says what is wrong with it.
    for document in serde_yaml::Deserializer::from_str(text) {
        IgnoredAny::deserialize(document)?;
    }
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        nodes: Vec::new(),
        alias: None,
        aliased_nodes: 0,
        depth: 0,
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
    Ok(Tree {
        nodes: reader.nodes,
        root,
    })
}

impl From<Span> for Position {
    fn from(span: Span) -> Self {
        let (start, end) = (span.start, span.end);
        let one_line = start.line() == end.line();
        Self {
            line: start.line(),
            column: start.col() + 1,
            width: if one_line {
                end.col().saturating_sub(start.col())
            } else {
                1
            },
        }
    }
}

impl Position {
    /// Only the beginning, for what has no text of its own.
    fn start(span: Span) -> Self {
        Self {
            width: 1,
            ..span.into()
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
    depth: usize,
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
            let written = self.nodes.len() - self.aliased_nodes;
            let allowed = MAX_ALIASED_PER_NODE
                .saturating_mul(written)
                .min(MAX_ALIASED_NODES);
            if self.aliased_nodes > allowed {
                return Err(E::custom(format_args!(
                    "the aliases stand for more than {allowed} values, which is too much for a \
                     file of this size"
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
                Event::SequenceStart(..) => return Ok((Position::start(span), Shape::Sequence)),
                Event::MappingStart(..) => return Ok((Position::start(span), Shape::Mapping)),
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
        if reader.depth == MAX_DEPTH {
            return Err(D::Error::custom(format_args!(
                "this is more than {MAX_DEPTH} levels deep; does an alias contain itself?"
            )));
        }
        let (position, shape) = reader.begin()?;
        reader.depth += 1;
        let id = NodeId(reader.nodes.len());
        // The place is taken now: parents come before children.
        reader.nodes.push(Entry {
            value: Value::Null,
            position,
            parent,
        });
        let value = source.deserialize_any(NodeVisitor {
            reader: &mut *reader,
            id,
            shape,
        })?;
        reader.nodes[id.0].value = value;
        reader.depth -= 1;
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
        f.write_str("a plain value, list or map")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("tags such as !name have no meaning here"))
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
