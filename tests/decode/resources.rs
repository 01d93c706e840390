//! What the command takes while it runs: time until an answer, memory, somebody who reads.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::command::{corpus, spawn};

/// How long an answer may take before the test gives up; much longer than it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of a command as they come.
fn answers(child: &mut Child) -> mpsc::Receiver<String> {
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn each_line_is_answered_before_the_next_one_is_written() {
    for arguments in [&[][..], &["--json"], &["--reencode"]] {
        let mut child = spawn(arguments);
        let mut stdin = child.stdin.take().expect("a pipe");
        let answers = answers(&mut child);
        for line in ["0414000800000007", "no hex", "0414000800000008"] {
            writeln!(stdin, "{line}").expect("the command reads");
            let answer = answers.recv_timeout(PATIENCE).expect("an answer");
            assert_eq!(answer.starts_with("error: "), line == "no hex", "{answer}");
        }
        drop(stdin);
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
    }
}

/// The most memory that a running process has had, in KiB.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = peak.and_then(|peak| peak.split_whitespace().next());
    number.expect("VmHWM").parse().expect("a number")
}

#[test]
fn memory_does_not_grow_with_the_input() {
    const LINES: usize = 1_000_000;
    const MOST_KIB: u64 = 64 << 10;
    let mut child = spawn(&["--json"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let answers = answers(&mut child);
    let corpus = corpus();
    let writer = thread::spawn(move || {
        // The longest message, and a line that is longer than any.
        let longest = format!("0402ffff00000001{}\n", "ab".repeat(65_535 - 8));
        let endless = format!("{}\n", "0".repeat(64 << 20));
        let short = corpus.iter().filter(|line| line.len() < 100).cycle();
        let many: Vec<u8> = short
            .take(1000)
            .flat_map(|line| format!("{line}\n").into_bytes())
            .collect();
        let lines = [longest.as_bytes(), endless.as_bytes()].into_iter();
        for lines in lines.chain(std::iter::repeat_n(&many[..], LINES / 1000)) {
            stdin.write_all(lines).expect("the command reads");
        }
        stdin
    });
    for _ in 0..LINES + 2 {
        answers.recv_timeout(PATIENCE).expect("an answer");
    }
    let stdin = writer.join().expect("all is written");
    let peak = peak_memory(&child);
    drop(stdin);
    assert!(peak < MOST_KIB, "{peak} KiB");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn ends_quietly_when_nobody_reads_any_more() {
    let mut child = spawn(&[]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    writeln!(stdin, "0414000800000007").expect("the command reads");
    stdout.read_line(&mut String::new()).expect("an answer");
    drop(stdout);
    // It notices when it writes; from then on it does not read.
    while writeln!(stdin, "0414000800000007").is_ok() {}
    let output = child.wait_with_output().expect("it ends");
    // As of a program that SIGPIPE has ended.
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn writes_everything_to_a_file() {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let corpus = corpus();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .arg("decode")
        .stdin(Stdio::piped())
        .stdout(file.try_clone().expect("a second handle"))
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(corpus.join("\n").as_bytes())
        .expect("the command reads");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(lines_of(&mut file), corpus.len());
}

fn lines_of(file: &mut File) -> usize {
    use std::io::Seek;
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("UTF-8");
    text.lines().count()
}
