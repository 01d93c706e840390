//! `--config FILE`: the controller that runs on a file changes it; the file is changed by itself only
//! where it is certain that none does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;

use tempfile::TempDir;

const REST: &str = "
networks: { demo: { vlan: 7 } }
hosts: { node1: { bridges: { local: l, uplink: u } } }
";
/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

/// A directory with a configuration and, maybe, an API.
struct Place {
    directory: TempDir,
    text: String,
}

impl Place {
    /// With this as `controller:`, in which `DIR` is the directory.
    fn new(controller: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().to_str().unwrap();
        let text = format!(
            "controller: {{ {} }}{REST}",
            controller.replace("DIR", path)
        );
        fs::write(directory.path().join("lab.yaml"), &text).unwrap();
        Self { directory, text }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
        command.args(arguments).args(["--config", "lab.yaml"]);
        command.current_dir(&self.directory);
        command
    }

    fn create(&self) -> Output {
        let create = ["net", "create", "x", "--vlan", "8"];
        self.command(&create).output().unwrap()
    }

    fn is_changed(&self) -> bool {
        fs::read_to_string(self.path("lab.yaml")).unwrap() != self.text
    }

    /// Nothing has been changed, for this reason.
    fn assert_left_alone(&self, output: &Output, reason: &str) {
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let start = "bridgechain: lab.yaml is left alone, as it is not known whether a controller \
                     runs on it: ";
        assert!(said.starts_with(start) && said.contains(reason), "{said}");
        assert_eq!(text(&output.stdout), "");
        assert!(!self.is_changed());
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Answers each of the first requests that come in with the same.
fn answer(socket: &mut (impl Read + Write), with: &str) {
    let mut request = [0; 4096];
    if socket.read(&mut request).unwrap() > 0 {
        socket.write_all(with.as_bytes()).unwrap();
    }
}

/// What is said where nobody answers at the API of the file.
fn note(endpoint: &str) -> String {
    format!(
        "bridgechain: no controller runs on lab.yaml (nobody answers at {endpoint}): changes are made in \
         the file alone\n"
    )
}

#[test]
fn without_a_controller_the_file_is_changed_and_that_is_said() {
    let place = Place::new("api: 'unix:DIR/api.sock'");
    let note = note(&format!("unix:{}", place.path("api.sock").display()));
    // Left behind by one that was killed, the second time.
    for is_left in [false, true] {
        if is_left {
            drop(UnixListener::bind(place.path("api.sock")).unwrap());
            fs::write(place.path("lab.yaml"), &place.text).unwrap();
        }
        let made = place.create();
        assert_eq!(
            (text(&made.stdout), text(&made.stderr)),
            ("network x created\n", note.as_str())
        );
        assert!(made.status.success() && place.is_changed());
    }
    let lines = "net.create y vlan=9\nnet.create z vlan=10\n";
    fs::write(place.path("lines"), lines).unwrap();
    let lines = fs::File::open(place.path("lines")).unwrap();
    let made = place.command(&["acli"]).stdin(lines).output().unwrap();
    assert_eq!(text(&made.stderr), note, "once");
    let listed = place.command(&["net", "list"]).output().unwrap();
    assert!(text(&listed.stdout).contains("\nz "));
    assert_eq!(text(&listed.stderr), "", "who reads needs no controller");
}

#[test]
fn a_socket_that_is_not_for_this_user_may_be_that_of_the_controller() {
    let place = Place::new("api: 'unix:DIR/sub/api.sock'");
    fs::create_dir(place.path("sub")).unwrap();
    let _controller = UnixListener::bind(place.path("sub/api.sock")).unwrap();
    let is_root = nix::unistd::geteuid().is_root();
    let as_nobody = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap()
    };
    let shut = |name, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    shut("", 0o777);
    shut("lab.yaml", 0o666);
    shut("sub", 0);
    let refused = as_nobody(&["net", "create", "x", "--vlan", "8"]);
    let listed = as_nobody(&["net", "list"]);
    shut("sub", 0o700);
    place.assert_left_alone(&refused, "is not for this user: ask as root");
    assert!(listed.status.success(), "{listed:?}");
}

#[test]
fn a_token_that_is_missing_or_wrong_is_not_taken_for_no_controller() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = Place::new(&format!(
        "api: 'tcp:{address}', api_token_file: 'DIR/token'"
    ));
    let refused = place.create();
    place.assert_left_alone(&refused, "cannot read the token from /");

    fs::write(place.path("token"), "correct-horse-battery").unwrap();
    let answering = thread::spawn(move || {
        // That of before, who left when it had no token; and both of now: one looks whether
        // somebody is there, one asks.
        for _ in 0..3 {
            let (mut socket, _) = listener.accept().unwrap();
            answer(
                &mut socket,
                "HTTP/1.0 401 Unauthorized\r\n\r\n{\"detail\":\"another token\"}",
            );
        }
    });
    let refused = place.create();
    answering.join().unwrap();
    place.assert_left_alone(&refused, "the controller refuses: another token");
    // Nobody is there any more: no token is needed for that.
    fs::remove_file(place.path("token")).unwrap();
    let made = place.create();
    assert_eq!(text(&made.stderr), note(&format!("tcp:{address}")));
}

#[test]
fn who_answers_something_else_may_be_the_controller() {
    let place = Place::new("api: 'unix:DIR/api.sock'");
    let listener = UnixListener::bind(place.path("api.sock")).unwrap();
    let answering = thread::spawn(move || {
        for with in ["hello\n", "", "HTTP/1.0 200 OK\r\n\r\n"] {
            drop(listener.accept().unwrap());
            let (mut socket, _) = listener.accept().unwrap();
            answer(&mut socket, with);
        }
    });
    for reason in ["does not speak HTTP", "HTTP", "does not say etag"] {
        let refused = place.create();
        place.assert_left_alone(&refused, reason);
    }
    answering.join().unwrap();
}
