//! Running the command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value;

/// The command with all its standard streams as pipes.
pub(crate) fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}

/// What the command makes of `input`.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = spawn(arguments);
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // In a thread, since the command answers while it reads. It may end before it has read all.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the command ends");
    writer.join().expect("the writer does not panic");
    output
}

/// The lines that it wrote, and its exit status; nothing must be on stderr.
pub(crate) fn lines(arguments: &[&str], input: &[u8]) -> (Vec<String>, Option<i32>) {
    let output = run(arguments, input);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (
        text.lines().map(str::to_owned).collect(),
        output.status.code(),
    )
}

/// The JSON objects that it wrote; everything must be decoded.
pub(crate) fn objects(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let arguments = [&["--json"], arguments].concat();
    let (lines, status) = lines(&arguments, input);
    assert_eq!(status, Some(0), "{lines:?}");
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The one JSON object that `line` becomes.
pub(crate) fn object(line: &str) -> Value {
    let mut objects = objects(&[], line.as_bytes());
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

/// A file beside these tests.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/decode/data")
        .join(name)
}

/// The messages that the codec is tested on, as lines of hex: what Open vSwitch and its tools sent.
pub(crate) fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openflow/tests/corpus");
    let mut lines = Vec::new();
    for entry in folder.read_dir().expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        let text = std::fs::read_to_string(path).expect("a readable file");
        let messages = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.extend(messages.map(str::to_owned));
    }
    assert!(lines.len() > 300, "{} messages", lines.len());
    lines
}
