//! Values as they are written into a configuration.

use serde_yaml::Value;

use super::spans::Quote;

/// `value` in one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text, Quote::Plain),
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Mapping(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| format!("{}: {}", inline(key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Tagged(_) => "null".to_owned(),
    }
}

/// An entry of a block mapping, its lines indented by so many blanks, the outermost `depth` levels
/// of its value on lines of their own.
pub(super) fn entry(key: &str, value: &Value, indent: usize, depth: usize, eol: &str) -> String {
    let key = scalar(key, Quote::Plain);
    let blanks = " ".repeat(indent);
    match value {
        Value::Mapping(entries) if depth > 0 && !entries.is_empty() => {
            let entries = entries.iter().map(|(key, value)| {
                let key = key.as_str().unwrap_or_default();
                entry(key, value, indent + 2, depth - 1, eol)
            });
            format!("{blanks}{key}:{eol}{}", entries.collect::<String>())
        }
        _ => format!("{blanks}{key}: {}{eol}", inline(value)),
    }
}

/// A text as a scalar, in quotes of a kind that it had before if it can be, and at any rate where it
/// needs some.
pub(super) fn scalar(text: &str, quote: Quote) -> String {
    match quote {
        Quote::Plain | Quote::Block if is_plain(text) => text.to_owned(),
        Quote::Single if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        // JSON's escapes are among those of YAML.
        _ => serde_json::Value::from(text).to_string(),
    }
}

/// Whether every reader takes the text, without quotes, for text, in brackets too.
fn is_plain(text: &str) -> bool {
    const OTHERS: [&str; 12] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "none",
    ];
    let first = text.chars().next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !OTHERS.contains(&&*text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_whoever_reads_it() {
        for (text, written) in [
            ("demo3000", "demo3000"),
            ("br0.local", "br0.local"),
            ("52:54:00:00:00:0a", "\"52:54:00:00:00:0a\""),
            ("on", "\"on\""),
            ("3000", "\"3000\""),
            ("a b", "\"a b\""),
            ("a\"b\n", "\"a\\\"b\\n\""),
            ("-", "\"-\""),
            ("", "\"\""),
            ("käse", "\"käse\""),
        ] {
            assert_eq!(scalar(text, Quote::Plain), written);
            for quote in [Quote::Plain, Quote::Single, Quote::Double] {
                let written = format!("[{}]", scalar(text, quote));
                let read: Vec<String> = serde_yaml::from_str(&written).unwrap();
                assert_eq!(read, [text], "{written}");
            }
        }
        assert_eq!(scalar("it's", Quote::Single), "'it''s'");
    }

    #[test]
    fn maps_are_written_in_one_line_or_as_a_block() {
        let value: Value =
            serde_yaml::from_str("{ host: [a, b], nics: [], m: { v: 1, w: true } }").unwrap();
        assert_eq!(
            inline(&value),
            "{ host: [a, b], nics: [], m: { v: 1, w: true } }"
        );
        assert_eq!(
            entry("VM", &value, 2, 1, "\n"),
            "  VM:\n    host: [a, b]\n    nics: []\n    m: { v: 1, w: true }\n"
        );
    }
}
