//! Writing named values, as text for people or as JSON for programs.
//!
//! What a message consists of is said once, with [`Fields`]; this file alone knows how it looks.

use std::fmt::{self, Display, Write};

use super::values::Name;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `key=value`, reserved numbers and flags by name.
    Text,
    /// One JSON object: numbers as numbers, bytes as hex.
    Json,
}

/// Something that can stand to the right of a name.
pub(crate) trait Value {
    fn write(&self, out: &mut Writer);
}

/// A structure: named values in order.
pub(crate) trait Fields {
    fn fields(&self, record: &mut Record<'_>);
}

impl<T: Fields> Value for T {
    fn write(&self, out: &mut Writer) {
        out.record(|record| self.fields(record));
    }
}

impl<T: Value> Value for [T] {
    fn write(&self, out: &mut Writer) {
        out.list(self, |out, value| value.write(out));
    }
}

impl<T: Value> Value for Vec<T> {
    fn write(&self, out: &mut Writer) {
        out.list(self, |out, value| value.write(out));
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn write(&self, out: &mut Writer) {
        out.list(self, |out, value| value.write(out));
    }
}

/// A line in the making.
#[derive(Debug)]
pub(crate) struct Writer {
    line: String,
    style: Style,
}

impl Writer {
    pub(crate) fn new(style: Style) -> Self {
        let line = String::new();
        Self { line, style }
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// The line; the next one begins empty.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Drops the line but keeps its room.
    pub(crate) fn clear(&mut self) {
        self.line.clear();
    }

    /// Appends what the style has no influence on.
    pub(crate) fn raw(&mut self, text: impl Display) {
        // A String takes everything.
        let _ = write!(self.line, "{text}");
    }

    /// A number, which `text` shows as people write it.
    pub(crate) fn number(&mut self, number: impl Display, text: impl Display) {
        match self.style {
            Style::Text => self.raw(text),
            Style::Json => self.raw(number),
        }
    }

    /// A text of letters, digits and signs that need no escaping in JSON: names, addresses.
    pub(crate) fn word(&mut self, word: impl Display) {
        match self.style {
            Style::Text => self.raw(word),
            Style::Json => self.raw(format_args!("\"{word}\"")),
        }
    }

    /// Any text, quoted. It stays on one line whatever is in it.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.line.push('"');
        for char in text.chars() {
            match char {
                '"' => self.line.push_str("\\\""),
                '\\' => self.line.push_str("\\\\"),
                // Not only what JSON asks for, but also the line breaks of Unicode.
                char if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') => {
                    self.raw(format_args!("\\u{:04x}", u32::from(char)));
                }
                char => self.line.push(char),
            }
        }
        self.line.push('"');
    }

    pub(crate) fn hex(&mut self, bytes: &[u8]) {
        self.word(Hex(bytes));
    }

    pub(crate) fn list<T>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.line.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.line.push_str(match self.style {
                    Style::Text => ", ",
                    Style::Json => ",",
                });
            }
            write(self, value);
        }
        self.line.push(']');
    }

    pub(crate) fn record(&mut self, fill: impl FnOnce(&mut Record<'_>)) {
        self.line.push('{');
        fill(&mut Record::new(self));
        self.line.push('}');
    }

    /// A record that is the whole line: text has no braces around it.
    pub(crate) fn top(&mut self, fill: impl FnOnce(&mut Record<'_>)) {
        match self.style {
            Style::Text => fill(&mut Record::new(self)),
            Style::Json => self.record(fill),
        }
    }
}

/// Named values, one after the other.
#[derive(Debug)]
pub(crate) struct Record<'w> {
    out: &'w mut Writer,
    is_first: bool,
}

impl<'w> Record<'w> {
    fn new(out: &'w mut Writer) -> Self {
        let is_first = true;
        Self { out, is_first }
    }

    /// What the record is: in text the value stands there without the name.
    pub(crate) fn head(&mut self, name: &'static str, value: &impl Value) -> &mut Self {
        match self.out.style {
            Style::Text => {
                self.separate();
                value.write(self.out);
                self
            }
            Style::Json => self.field(name, value),
        }
    }

    /// A head that is a `type` with a name.
    pub(crate) fn kind(&mut self, name: &'static str) -> &mut Self {
        self.head("type", &Name(name))
    }

    /// `name` is a word as [`Writer::word`] takes it.
    pub(crate) fn field(&mut self, name: impl Display, value: &impl Value) -> &mut Self {
        self.entry(name, |out| value.write(out))
    }

    /// A field that `ovs-ofctl` calls otherwise than the specification.
    pub(crate) fn named(
        &mut self,
        name: &'static str,
        in_text: &'static str,
        value: &impl Value,
    ) -> &mut Self {
        match self.out.style {
            Style::Text => self.field(in_text, value),
            Style::Json => self.field(name, value),
        }
    }

    /// A field that may be missing.
    pub(crate) fn optional(&mut self, name: &'static str, value: Option<&impl Value>) -> &mut Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// The fields of another structure, as if they were this one's.
    pub(crate) fn with(&mut self, fields: &impl Fields) -> &mut Self {
        fields.fields(self);
        self
    }

    /// A value that has come up since its kind was given names here, as the codec shows it.
    pub(crate) fn debug(&mut self, value: &impl fmt::Debug) -> &mut Self {
        self.entry("debug", |out| out.quoted(&format!("{value:?}")))
    }

    /// A field whose value `write` writes.
    pub(crate) fn entry(
        &mut self,
        name: impl Display,
        write: impl FnOnce(&mut Writer),
    ) -> &mut Self {
        self.separate();
        match self.out.style {
            Style::Text => self.out.raw(format_args!("{name}=")),
            Style::Json => self.out.raw(format_args!("\"{name}\":")),
        }
        write(self.out);
        self
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.line.push(match self.out.style {
                Style::Text => ' ',
                Style::Json => ',',
            });
        }
    }

    /// A field that people need not see where it has its usual value, which means "not used".
    pub(crate) fn unless<T: Value + PartialEq>(
        &mut self,
        usual: T,
        name: &'static str,
        value: &T,
    ) -> &mut Self {
        match self.out.style {
            Style::Text if *value == usual => self,
            _ => self.field(name, value),
        }
    }
}

/// Two hex digits a byte.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_stays_one_line_of_valid_json() {
        let text = "a\"b\\c\n\r\u{0}\u{7f}\u{85}\u{2028}\u{2029}é";
        let mut out = Writer::new(Style::Json);
        out.quoted(text);
        assert_eq!(out.line().lines().count(), 1);
        assert!(!out.line().contains(['\u{85}', '\u{2028}', '\u{2029}']));
        let parsed: String = serde_json::from_str(out.line()).expect("a JSON string");
        assert_eq!(parsed, text);
    }
}
