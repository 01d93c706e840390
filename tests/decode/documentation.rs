//! The examples of `docs/decode.md` are what the command says.

use std::fmt::Write;
use std::path::Path;

use crate::command::{data, lines};

const MARK: &str = "<!-- examples -->\n";

/// The examples as a part of a page.
fn examples() -> String {
    let source = std::fs::read_to_string(data("examples.hex")).expect("the examples");
    // Titles and messages alternate behind the first line, which says what the file is.
    let titles = source
        .lines()
        .skip(1)
        .filter_map(|line| line.strip_prefix("# "));
    let (text, status) = lines(&[], source.as_bytes());
    let (json, _) = lines(&["--json"], source.as_bytes());
    assert_eq!(status, Some(0), "{text:?}");
    assert_eq!(titles.clone().count(), text.len());
    let mut page = String::new();
    for ((title, text), json) in titles.zip(text).zip(json) {
        // A String takes everything.
        let _ = write!(
            page,
            "\n### {title}\n\n```text\n{text}\n```\n\n```json\n{json}\n```\n"
        );
    }
    page
}

/// With `UPDATE_DOCS` in the environment, writes them there.
#[test]
fn the_examples_of_the_page_are_what_the_command_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decode.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (words, written) = page.split_once(MARK).expect("a mark before the examples");
    let examples = examples();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{words}{MARK}{examples}")).expect("the page can be written");
        return;
    }
    assert!(
        written == examples,
        "stale: run `UPDATE_DOCS=1 cargo test --test decode documentation`"
    );
}

#[test]
fn there_is_an_example_of_every_type() {
    let examples = examples();
    for kind in crate::oracle::TYPES {
        // Of messages that come unknown there is one more, under this name.
        let kind = if kind == "EXPERIMENTER" {
            "EXPERIMENTER that"
        } else {
            kind
        };
        assert!(examples.contains(&format!("\n### {kind}")), "{kind}");
    }
}
