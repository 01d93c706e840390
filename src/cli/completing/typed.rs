//! The words that are typed.

use std::env;

use clap::ArgMatches;

/// In this variable of the environment bash hands over the line up to the cursor.
pub(super) const LINE: &str = "_BRIDGECHAIN_LINE";

/// The words of the line up to the cursor; the last one is not finished.
pub(super) fn words() -> Vec<String> {
    if let Ok(line) = env::var(LINE) {
        return split(&line);
    }
    let words = env::args().skip_while(|word| word != "--").skip(1);
    let index = env::var("_CLAP_COMPLETE_INDEX").ok();
    let index = index.and_then(|index| index.parse().ok());
    // Further words are behind the cursor.
    words
        .take(index.map_or(usize::MAX, |index: usize| index + 1))
        .collect()
}

/// What finished words say to the subcommand that is meant, as far as that is known already.
pub(super) fn given() -> Option<ArgMatches> {
    let mut words = words();
    words.pop();
    let command = super::super::command().ignore_errors(true);
    let mut matches = command.try_get_matches_from(words).ok()?;
    while let Some((_, below)) = matches.remove_subcommand() {
        matches = below;
    }
    Some(matches)
}

/// The words of a line of a shell, without the quotes; behind a blank a new one begins.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.push(word.unwrap_or_default());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        assert_eq!(split("a  b"), ["a", "b"]);
        assert_eq!(split("a b "), ["a", "b", ""]);
        assert_eq!(split("a 'b c' \"d\"e \\ f"), ["a", "b c", "de", " f"]);
        assert_eq!(split("a 52:54:"), ["a", "52:54:"]);
        assert_eq!(split("a 'b c"), ["a", "b c"], "not closed yet");
        assert_eq!(split(""), [""]);
    }
}
