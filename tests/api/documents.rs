//! `docs/api.md` says what there is, all of it and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::Run;
use crate::switch::Switch;

const DOCUMENT: &str = include_str!("../../docs/api.md");

fn openapi() -> Value {
    serde_json::to_value(bridgechain::api::openapi()).unwrap()
}

/// The rows of a table whose first cells begin so.
fn rows(start: &str) -> Vec<&'static str> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with(start));
    rows.collect()
}

/// The words of an enumeration in the OpenAPI document.
fn words(schema: &str) -> BTreeSet<String> {
    let document = openapi();
    let schema = &document["components"]["schemas"][schema];
    let words = schema["enum"].as_array().into_iter().flatten();
    let more = schema["oneOf"].as_array().into_iter().flatten();
    let more = more.flat_map(|one| one["enum"].as_array().into_iter().flatten());
    words
        .chain(more)
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// The words in backquotes in the paragraph that begins so.
fn quoted(start: &str) -> BTreeSet<String> {
    let (_, rest) = DOCUMENT.split_once(start).expect("the paragraph");
    let paragraph = rest.split("\n\n").next().unwrap();
    let quoted = paragraph.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_resource_has_its_row() {
    let document = openapi();
    let mut expected = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let queries = parameters.filter(|parameter| parameter["in"] == "query");
            let queries = queries.map(|query| format!("`{}`", query["name"].as_str().unwrap()));
            let queries = queries.collect::<Vec<String>>().join(", ");
            let summary = operation["summary"].as_str().unwrap().replace('\n', " ");
            expected.push(format!("| `{method} {path}` | {queries} | {summary} |"));
        }
    }
    let mut found = ["GET", "PUT", "POST", "DELETE"]
        .iter()
        .flat_map(|method| rows(&format!("| `{method} /")))
        .collect::<Vec<&str>>();
    expected.sort();
    found.sort();
    assert_eq!(
        found,
        expected,
        "the rows are to be:\n{}",
        expected.join("\n")
    );
}

#[tokio::test]
async fn every_metric_has_its_row() {
    let run = Run::start();
    let mut switch = Switch::new(0x11, "l", &["vma0"]);
    switch.connect(run.address()).await;
    switch.settle().await;
    let text = run.get_from(&mut switch, "/metrics").await;
    let metric = |line: &str| {
        let (name, help) = line.strip_prefix("# HELP ")?.split_once(' ')?;
        Some((name.to_owned(), help.to_owned()))
    };
    let kind = |name: &str| {
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")));
        kind.expect("a type").to_owned()
    };
    let metrics = text.lines().filter_map(metric);
    let expected = metrics.map(|(name, help)| (format!("| `{name}` | {} | ", kind(&name)), help));
    let expected: Vec<(String, String)> = expected.collect();
    let found = rows("| `bridgechain_");
    assert_eq!(found.len(), expected.len(), "{expected:#?}");
    for (row, (start, help)) in found.iter().zip(&expected) {
        assert!(row.starts_with(start), "{row} is to be {start}");
        assert!(
            row.ends_with(&format!(" | {help} |")),
            "{row} is to end in {help}"
        );
    }
    // The labels are those that samples have, in this order.
    for sample in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = sample.split_once('{').unwrap();
        let (labels, _) = labels.split_once('}').unwrap();
        let labels = labels
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0));
        let labels: Vec<String> = labels
            .filter(|label| *label != "le")
            .map(|label| format!("`{label}`"))
            .collect();
        let bare = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let name = bare
            .filter(|name| name.ends_with("_seconds"))
            .unwrap_or(name);
        let row = found
            .iter()
            .find(|row| row.contains(&format!("`{name}`")))
            .unwrap();
        assert!(
            row.contains(&format!("| {} |", labels.join(", "))),
            "{row}: {labels:?}"
        );
    }
    run.end();
}

#[test]
fn every_kind_of_event_and_every_cause_is_named() {
    for (schema, start) in [("Kind", "Kinds of events:"), ("Cause", "Causes:")] {
        let words = words(schema);
        assert!(!words.is_empty(), "{schema}");
        assert_eq!(quoted(start), words, "{schema}");
    }
}
