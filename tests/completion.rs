//! What shells are offered after a beginning of a line.

mod terminal;

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use terminal::Terminal;

const CONFIG: &str = "configs/complete.yaml";
const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgechain");

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A bash that was told how the command is completed.
fn bash(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-c"]);
    command.arg(format!("source <(COMPLETE=bash {PROGRAM}); {script}"));
    command
}

/// What bash is offered at the end of a line; it puts it in the place of what is behind the last `:`
/// or `=` of it.
fn offered(line: &str) -> Vec<String> {
    let complete = format!(
        "COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDBREAKS=' =:'
         _clap_complete_bridgechain; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = bash(&complete).output().unwrap();
    assert_eq!(text(&output.stderr), "", "{line}");
    let lines = text(&output.stdout).lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.map(str::to_owned).collect()
}

#[test]
fn names_are_those_of_the_file() {
    let config = format!("--config {CONFIG}");
    for (line, names) in [
        (
            format!("net get {config} "),
            &["demo3000", "demo4000", "native"][..],
        ),
        (format!("net delete {config} demo4"), &["demo4000"]),
        (format!("vm get {config} "), &["VM-104", "VM-A"]),
        (
            format!("nic update {config} VM-104 "),
            &["52:54:00:42:34:ab", "vm104"],
        ),
        (
            format!("nic update {config} VM-104 52:54:0"),
            &["00:42:34:ab"],
        ),
        (format!("nic list {config} --network=demo3"), &["demo3000"]),
        (format!("nic list {config} --vm VM-1"), &["VM-104"]),
        (
            format!("nic update VM-A vma0 {config} --trunked-networks demo3000,dem"),
            &["demo3000,demo3000", "demo3000,demo4000"],
        ),
        (format!("chain drain {config} inspect "), &["ids", "ips"]),
        (
            format!("chain drain {config} inspect ips --instance "),
            &["ips-in"],
        ),
        (format!("flows {CONFIG} --host "), &["node1"]),
        (format!("trace {CONFIG} --to b"), &["broadcast"]),
        (format!("acli {config} vm.l"), &["vm.list"]),
        (format!("acli {config} vm.get VM-1"), &["VM-104"]),
        (
            format!("acli {config} vm.nic_update VM-A vma0 network=demo3"),
            &["demo3000"],
        ),
        ("nic upd".to_owned(), &["update"]),
        // Where there is no file, and where it has mistakes.
        ("net get --config /nowhere ".to_owned(), &[]),
        (
            "net get --config configs/invalid/syntax.yaml ".to_owned(),
            &[],
        ),
    ] {
        let line = format!("bridgechain {line}");
        assert_eq!(offered(&line), names, "{line}");
    }
}

/// By the protocols of other shells.
#[test]
fn other_shells_are_offered_them_too() {
    let ask = |shell: &str, words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let output = Command::new(PROGRAM)
            .env("COMPLETE", shell)
            .env("_CLAP_COMPLETE_INDEX", index)
            .arg("--")
            .args(words)
            .output();
        let output: Output = output.unwrap();
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout).to_owned()
    };
    let words = [
        "bridgechain",
        "nic",
        "delete",
        "--config",
        CONFIG,
        "VM-A",
        "5",
    ];
    assert_eq!(ask("fish", &words), "52:54:00:00:00:0a\tvma0\n");
    assert_eq!(ask("zsh", &words), "52\\:54\\:00\\:00\\:00\\:0a:vma0");
}

/// The text of a configuration as the API gives it.
fn config_answer(text: &str) -> String {
    let tag = "\"00000000-0000-0000-0000-000000000000\"";
    format!(
        "HTTP/1.0 200 OK\r\nETag: {tag}\r\nBridgechain-Running: {tag}\r\nBridgechain-File: /x\r\n\r\n{text}"
    )
}

#[test]
fn names_are_those_of_the_controller() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("api.sock");
    let line = format!("bridgechain net get --api unix:{} ", socket.display());
    assert!(offered(&line).is_empty(), "no controller runs");
    let listener = UnixListener::bind(&socket).unwrap();
    let answering = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = socket.read(&mut request).unwrap();
        assert!(text(&request[..length]).starts_with("GET /v1/config HTTP"));
        let config = std::fs::read_to_string(CONFIG).unwrap();
        let answer = config_answer(&config);
        socket.write_all(answer.as_bytes()).unwrap();
        listener
    });
    assert_eq!(offered(&line), ["demo3000", "demo4000", "native"]);
    // It is busy; nobody waits for it.
    let _listener = answering.join().unwrap();
    let start = Instant::now();
    assert!(offered(&line).is_empty());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// A person at a bash, who types and presses Tab.
#[test]
fn a_tab_completes_the_line() {
    let rc = TempDir::new().unwrap();
    let file = rc.path().join("rc");
    let alias = format!("PS1='> '; bridgechain() {{ {PROGRAM} \"$@\"; }}");
    std::fs::write(
        &file,
        format!("source <(COMPLETE=bash {PROGRAM}); {alias}\n"),
    )
    .unwrap();
    let mut command = Command::new("bash");
    command
        .args(["--noprofile", "--rcfile"])
        .arg(&file)
        .arg("-i");
    command.env("INPUTRC", "/dev/null");
    let mut terminal = Terminal::run(command, None);
    terminal.wait_for("prompt", |seen| seen.contains("> "));
    // The rest of the address, and the blank behind it.
    terminal.enter(&format!(
        "bridgechain nic delete --config {CONFIG} VM-104 52:5\t"
    ));
    terminal.wait_for("address", |seen| seen.contains("52:54:00:42:34:ab "));
    // The only one.
    terminal.enter("--dr\t");
    terminal.wait_for("option", |seen| seen.contains("--dry-run "));
    terminal.enter("\r");
    terminal.wait_for("answer", |seen| {
        seen.contains("dry run: nothing has changed")
    });
    terminal.enter("exit 0\r");
    assert_eq!(terminal.end(), Some(0));
}
