//! A YAML text as a tree of nodes that know from where to where they stand in it.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// How deep nodes may be nested; a configuration needs eight levels.
const MAX_DEPTH: usize = 16;

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The bytes of the text that it takes, quotes and brackets included. A block collection ends
    /// with its last entry, and may begin behind its first dash.
    pub(super) range: Range<usize>,
    /// Whether it is a collection in brackets.
    pub(super) flow: bool,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar {
        text: String,
        quote: Quote,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// `*name`, which stands for a node elsewhere.
    Alias,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Plain,
    Single,
    Double,
    /// Over several lines behind `|` or `>`.
    Block,
}

impl Node {
    /// The index of the entry with this key, if it is a mapping that has one.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        let Kind::Mapping(entries) = &self.kind else {
            return None;
        };
        entries.iter().position(|(own, _)| own.is_text(key))
    }

    /// Whether it is `null`, or nothing at all, which means the same.
    pub(super) fn is_null(&self) -> bool {
        const WORDS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
        matches!(&self.kind, Kind::Scalar { text, quote: Quote::Plain } if WORDS.contains(&&**text))
    }

    fn is_text(&self, wanted: &str) -> bool {
        matches!(&self.kind, Kind::Scalar { text, .. } if text == wanted)
    }
}

/// Reads the first document of `text`; what is wrong with it if it can not be read.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let mut reader = Reader {
        text,
        events: Parser::new_from_str(text),
        offsets: match text.is_ascii() {
            true => None,
            false => Some(text.char_indices().map(|(at, _)| at).collect()),
        },
    };
    loop {
        match reader.next()? {
            (Begun::Start, _) => {}
            (begun, range) => return reader.node(begun, range, 0),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    /// Where each character begins; `None` where each is one byte.
    offsets: Option<Vec<usize>>,
}

/// An event, on its own.
#[derive(Debug)]
enum Begun {
    Scalar(String, Quote),
    Sequence,
    Mapping,
    Alias,
    /// The end of a sequence or of a mapping.
    End,
    /// The beginning of the text or of a document.
    Start,
    Other,
}

impl From<Event<'_>> for Begun {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Scalar(text, style, ..) => {
                let quote = match style {
                    ScalarStyle::Plain => Quote::Plain,
                    ScalarStyle::SingleQuoted => Quote::Single,
                    ScalarStyle::DoubleQuoted => Quote::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Quote::Block,
                };
                Self::Scalar(text.into_owned(), quote)
            }
            Event::SequenceStart(..) => Self::Sequence,
            Event::MappingStart(..) => Self::Mapping,
            Event::SequenceEnd | Event::MappingEnd => Self::End,
            Event::Alias(_) => Self::Alias,
            Event::StreamStart | Event::DocumentStart(_) => Self::Start,
            _ => Self::Other,
        }
    }
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Begun, Range<usize>), String> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let range = range(self.text, self.offsets.as_deref(), span);
                Ok((event.into(), range))
            }
            Some(Err(error)) => Err(error.info().to_owned()),
            None => Err("the text ends too early".to_owned()),
        }
    }

    /// The node that begins with an event.
    fn node(&mut self, begun: Begun, range: Range<usize>, depth: usize) -> Result<Node, String> {
        if depth == MAX_DEPTH {
            return Err(format!("this is more than {MAX_DEPTH} levels deep"));
        }
        match begun {
            Begun::Scalar(text, quote) => {
                let end = range.start + self.text[range.clone()].trim_end().len();
                Ok(Node {
                    range: range.start..end,
                    flow: false,
                    kind: Kind::Scalar { text, quote },
                })
            }
            Begun::Alias => Ok(Node {
                range,
                flow: false,
                kind: Kind::Alias,
            }),
            Begun::Sequence => {
                let mut items = Vec::new();
                let end = loop {
                    let (begun, own) = self.next()?;
                    if matches!(begun, Begun::End) {
                        break own;
                    }
                    items.push(self.node(begun, own, depth + 1)?);
                };
                let last = items.last().map(|item| item.range.end);
                Ok(self.collection(['[', ']'], range, end, last, Kind::Sequence(items)))
            }
            Begun::Mapping => {
                let mut entries = Vec::new();
                let end = loop {
                    let (begun, own) = self.next()?;
                    if matches!(begun, Begun::End) {
                        break own;
                    }
                    let key = self.node(begun, own, depth + 1)?;
                    let (begun, own) = self.next()?;
                    let value = self.node(begun, own, depth + 1)?;
                    entries.push((key, value));
                };
                let last = entries.last().map(|(_, value)| value.range.end);
                Ok(self.collection(['{', '}'], range, end, last, Kind::Mapping(entries)))
            }
            Begun::End | Begun::Start | Begun::Other => Err("a value is missing".to_owned()),
        }
    }

    fn collection(
        &self,
        [open, close]: [char; 2],
        start: Range<usize>,
        end: Range<usize>,
        last: Option<usize>,
        kind: Kind,
    ) -> Node {
        // A sequence that is not indented begins, for the reader, behind its first dash.
        let flow =
            self.text[start.start..].starts_with(open) && self.text[end.start..].starts_with(close);
        // The span of the closing bracket may go on over the blanks behind it.
        let end = match (flow, last) {
            (true, _) => end.start + 1,
            (false, last) => last.unwrap_or(start.end),
        };
        Node {
            range: start.start..end,
            flow,
            kind,
        }
    }
}

/// The bytes that a span of characters takes.
fn range(text: &str, offsets: Option<&[usize]>, span: Span) -> Range<usize> {
    let byte = |index: usize| match offsets {
        None => index.min(text.len()),
        Some(offsets) => offsets.get(index).copied().unwrap_or(text.len()),
    };
    let (start, end) = (byte(span.start.index()), byte(span.end.index()));
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of all nodes, in the order of the file.
    fn texts<'t>(text: &'t str, node: &Node, into: &mut Vec<&'t str>) {
        into.push(&text[node.range.clone()]);
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| texts(text, item, into)),
            Kind::Mapping(entries) => entries.iter().for_each(|(key, value)| {
                texts(text, key, into);
                texts(text, value, into);
            }),
            Kind::Scalar { .. } | Kind::Alias => {}
        }
    }

    #[test]
    fn every_node_knows_where_it_stands() {
        let text = "# häuser\na:   # öl\n  - { b: \"ü\", c: [1, 'x y'  ] }  # end\n  - d: e f   # g\n    h: {}\n\n# last\ni: *j\nk: l\n";
        let text = text.replace("*j", "&j m");
        let mut all = Vec::new();
        texts(&text, &read(&text).unwrap(), &mut all);
        let block = "- { b: \"ü\", c: [1, 'x y'  ] }  # end\n  - d: e f   # g\n    h: {}";
        assert!(
            all[0].starts_with("a:") && all[0].ends_with("k: l"),
            "{:?}",
            all[0]
        );
        assert_eq!(all[1..4], ["a", block, "{ b: \"ü\", c: [1, 'x y'  ] }"]);
        assert_eq!(
            all[4..10],
            ["b", "\"ü\"", "c", "[1, 'x y'  ]", "1", "'x y'"]
        );
        let second = "d: e f   # g\n    h: {}";
        assert_eq!(all[10..15], [second, "d", "e f", "h", "{}"]);
        assert_eq!(all[15], "i");
        assert_eq!(all[17..], ["k", "l"]);
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        assert!(read("a: [").is_err());
        assert!(read("").is_err());
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        assert!(read(&deep).is_err());
    }
}
