//! The examples of `docs/commands.md` are what the commands do and say.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long to wait for anything; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(20);

const START: &str = "bridgechain run lab.yaml &";

/// Where the examples are run.
struct Place {
    directory: TempDir,
    controller: Option<Child>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(controller) = &mut self.controller {
            let _ = controller.kill();
            let _ = controller.wait();
        }
    }
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("api.sock");
        let text = fs::read_to_string("configs/complete.yaml").unwrap();
        let old = "/run/bridgechain/api.sock";
        assert!(text.contains(old));
        let text = text.replace(old, socket.to_str().unwrap());
        let port = "tcp:127.0.0.1:6653";
        assert!(text.contains(port));
        let text = text.replace(port, "tcp:127.0.0.1:0");
        for name in ["lab.yaml", "complete.yaml"] {
            fs::write(directory.path().join(name), &text).unwrap();
        }
        Self {
            directory,
            controller: None,
        }
    }

    fn start(&mut self) {
        let controller = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
            .args(["run", "lab.yaml"])
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.controller = Some(controller);
        let socket = self.directory.path().join("api.sock");
        let deadline = Instant::now() + LIMIT;
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < deadline, "no API");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What a line of the shell prints, stdout and stderr as on a terminal.
    fn run(&mut self, line: &str) -> String {
        if line == START {
            self.start();
            return String::new();
        }
        let programs = Path::new(env!("CARGO_BIN_EXE_bridgechain"))
            .parent()
            .unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .current_dir(self.directory.path())
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", self.directory.path())
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let directory = self.directory.path().to_str().unwrap();
        text.replace(&format!("{directory}/"), "")
            .replace("unix:api.sock", "unix:/run/bridgechain/api.sock")
    }
}

/// The page, with what its examples print.
fn with_output(page: &str) -> String {
    let mut place = Place::new();
    let mut new = String::new();
    let mut is_example = false;
    for line in page.lines() {
        match (is_example, line.strip_prefix("$ ")) {
            (true, Some(command)) => {
                let output = place.run(command);
                new.push_str(&format!("{line}\n{output}"));
            }
            (true, None) if line != "```" => {}
            _ => {
                is_example = line == "```console";
                new.push_str(line);
                new.push('\n');
            }
        }
    }
    new
}

/// With `UPDATE_DOCS` in the environment, writes what they print there.
#[test]
fn the_examples_of_the_page_are_what_the_commands_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let page = fs::read_to_string(&path).unwrap();
    let new = with_output(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, new).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(&page, &new);
    let diff = diff.unified_diff().to_string();
    assert!(
        diff.is_empty(),
        "stale: run `UPDATE_DOCS=1 cargo test --test commands`\n{diff}"
    );
}
