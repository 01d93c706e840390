//! `acli`: its help, exit status, JSON, and the prompt.

mod terminal;

use std::fs;
use std::process::{Command, Output};

use bridgechain::acli::COMMANDS;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::Terminal;

const CONFIG: &str = "configs/complete.yaml";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Runs it on the example as it is.
fn acli(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .args(["acli", "--config", CONFIG])
        .args(words)
        .output()
        .unwrap()
}

/// What it prints, where all is well.
fn said(words: &[&str]) -> String {
    let output = acli(words);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).to_owned()
}

#[test]
fn the_help_lists_all_words_a_line_each() {
    let help = said(&["help"]);
    let first = help.lines().next().unwrap();
    assert!(first.starts_with("net.create NAME vlan=ID  "), "{help}");
    // And `help` itself.
    assert_eq!(help.lines().count(), COMMANDS.len() + 1);
    for how in ["--help", "-h"] {
        let all = said(&[how]);
        for line in help.lines() {
            assert!(all.contains(line), "{line} is not in {all}");
        }
        assert!(
            all.contains("Exit status: 0 done, 1 failed, 2 wrong"),
            "{all}"
        );
    }
    let one = said(&["help", "net.delete"]);
    assert_eq!(
        one,
        "net.delete NETWORK\n    delete a network that nobody uses\n"
    );
    let wrong = acli(&["help", "vm.nic_delet"]);
    assert!(text(&wrong.stderr).contains("did you mean \"vm.nic_delete\"?"));
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn wrong_words_are_a_matter_of_usage_and_names_are_not() {
    for (words, status) in [
        (&["net.lst"][..], 2),
        (&["net.create", "x"], 2),
        (&["vm.get"], 2),
        (&["vm.nic_update", "VM-A", "vma0", "vlan_mode=kAccess"], 2),
        (&["vm.get", "'VM-A"], 1),
        (&["vm.get", "VM-B"], 1),
        (&["net.delete", "demo3000"], 1),
    ] {
        let output = acli(words);
        assert_eq!(output.status.code(), Some(status), "{words:?}: {output:?}");
        assert!(text(&output.stderr).starts_with("bridgechain: "));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn what_is_asked_is_told_to_programs() {
    let json = |words: &[&str]| -> Value { serde_json::from_str(&said(words)).unwrap() };
    let networks = json(&["--json", "net.list"]);
    assert_eq!(
        networks[0],
        json!({
            "name": "demo3000", "uuid": "2fbcebcc-c109-5e19-859c-ea3c49453572",
            "type": "kBridged", "identifier": 3000,
        })
    );
    let vm = json(&["vm.get", "VM-104", "--json"]);
    assert_eq!(vm["config"]["name"], "VM-104");
    assert_eq!(vm["host_name"], json!(["node1"]));
    let nic = &vm["config"]["nic_list"][0];
    assert_eq!(nic["trunked_networks"], json!([3000, 4000]));
    assert_eq!(nic["vlan_mode"], "kTrunked");
    assert_eq!(json(&["--json", "vm.list"])[0]["name"], "VM-104");
    let members = json(&["--json", "net.list_vms", "3000"]);
    assert_eq!(members[0]["mac_addr"], "52:54:00:42:34:ab");
    // There is nothing to tell of a change but that it is made.
    let refused = acli(&["--json", "net.create", "x", "vlan=8"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--json is for commands that ask: net.list,"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let config = directory.path().join("lab.yaml");
    let socket = directory.path().join("api.sock").display().to_string();
    let old = fs::read_to_string(CONFIG).unwrap();
    let old = old.replace("/run/bridgechain/api.sock", &socket);
    fs::write(&config, &old).unwrap();
    let acli = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
        command.arg("acli").arg("--config").arg(&config).args(words);
        command.output().unwrap()
    };
    let dry = acli(&["net.create", "x", "vlan=8", "--dry-run"]);
    assert!(dry.status.success(), "{dry:?}");
    let said = "NetworkCreate: complete (dry run: nothing has changed)\n";
    assert_eq!(text(&dry.stdout), said);
    assert_eq!(fs::read_to_string(&config).unwrap(), old);
    let made = acli(&["net.create", "x", "vlan=8"]);
    assert!(made.status.success(), "{made:?}");
    assert_ne!(fs::read_to_string(&config).unwrap(), old);
}

/// What a person gets to see who types a line at the prompt whenever there is a new one; and the exit
/// status.
fn at_the_prompt(lines: &[&str], home: Option<&str>) -> (String, Option<i32>) {
    const PROMPT: &str = "<bridgechain> ";
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
    command
        .args(["acli", "--config", CONFIG])
        .env_remove("XDG_STATE_HOME")
        .env_remove("HOME")
        .envs(home.map(|home| ("HOME", home)));
    let mut terminal = Terminal::run(command, None);
    terminal.wait_for("prompt", |seen| seen.contains(PROMPT));
    for line in lines {
        terminal.enter(&format!("{line}\r"));
        if *line == "exit" {
            break;
        }
        // Behind what is typed there is a line end, and a prompt behind what it leads to.
        terminal.wait_for("prompt", |seen| {
            let parts = seen.rsplit_once(PROMPT);
            parts.is_some_and(|(before, after)| before.contains('\n') && !after.contains('\n'))
        });
    }
    let status = terminal.end();
    (std::mem::take(&mut terminal.seen), status)
}

#[test]
fn the_prompt_works_without_a_history() {
    for (home, note) in [(None, false), (Some("/dev/null"), true)] {
        let (seen, status) = at_the_prompt(&["net.list", "vm.gt", "exit"], home);
        assert!(seen.contains("demo3000      2fbcebcc"), "{seen}");
        assert!(seen.contains("did you mean \"vm.get\"?"), "{seen}");
        let kept = "these lines are not kept for the next time in /dev/null/";
        assert_eq!(seen.contains(kept), note, "{home:?}: {seen}");
        assert_eq!(status, Some(0), "{home:?}: {seen}");
    }
}

#[test]
fn the_prompt_keeps_its_lines() {
    let home = TempDir::new().unwrap();
    let (seen, status) = at_the_prompt(&["net.list", "exit"], home.path().to_str());
    assert_eq!(status, Some(0), "{seen}");
    let history = home.path().join(".local/state/bridgechain/acli_history");
    let history = fs::read_to_string(history).unwrap();
    assert!(history.contains("net.list\n"), "{history}");
}
