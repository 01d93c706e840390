//! The configuration by the API of a running controller: read, written, refused.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// How long to wait for anything; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(20);

const REST: &str = "
networks:
  demo: { vlan: 7 }   # a comment
hosts:
  node1: { bridges: { local: l, service: s, uplink: u }, uplinks: [eth1] }
vms:
  A: { host: node1, nics: [{ port: a0, mac: '52:54:00:00:00:0a', network: demo }] }
";

/// A running controller.
struct Run {
    child: Child,
    directory: TempDir,
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Run {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().display();
        let text = format!(
            "controller: {{ listen: ['unix:{path}/of.sock'], api: 'unix:{path}/api.sock' }}\n{REST}"
        );
        fs::write(directory.path().join("lab.yaml"), text).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
            .arg("run")
            .arg(directory.path().join("lab.yaml"))
            .env_remove("RUST_LOG")
            .stderr(log)
            .spawn()
            .unwrap();
        let run = Self { child, directory };
        run.wait_for_log("the API is served", 1);
        run
    }

    fn wait_for_log(&self, text: &str, times: usize) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let log = fs::read_to_string(self.directory.path().join("log")).unwrap();
            if log.matches(text).count() >= times {
                return;
            }
            assert!(Instant::now() < deadline, "no {text:?} in {log}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("lab.yaml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    fn request(&self, method: &str, resource: &str, headers: &str, body: &str) -> Answer {
        let mut socket = UnixStream::connect(self.directory.path().join("api.sock")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        // In one piece: it may be refused as soon as its head is there.
        let length = body.len();
        let request = format!(
            "{method} {resource} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self) -> Answer {
        self.request("GET", "/v1/config", "", "")
    }

    fn put(&self, query: &str, tag: &str, body: &str) -> Answer {
        let resource = format!("/v1/config{query}");
        self.request("PUT", &resource, &format!("If-Match: {tag}\r\n"), body)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
        let api = format!("unix:{}/api.sock", self.directory.path().display());
        command.args(arguments).args(["--api", &api]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn running(&self) -> String {
        self.request("GET", "/v1/config?running=true", "", "").body
    }
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_text_is_put_in_force_if_it_is_made_from_the_one_that_is_there() {
    let run = Run::start();
    let path = run.config();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let (seen, old) = (run.get(), run.text());
    assert_eq!((seen.status, &seen.body), (200, &old));
    assert_eq!(seen.header("content-type"), "text/yaml; charset=utf-8");
    assert_eq!(seen.header("bridgechain-file"), path.to_str().unwrap());
    let tag = seen.header("etag");
    assert_eq!(seen.header("bridgechain-running"), tag);
    let new = old.replace("  demo:", "  more: { vlan: 8 }\n  demo:");

    let answer = run.request("PUT", "/v1/config", "", &new);
    assert_eq!(answer.status, 428);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("If-Match")
    );
    assert_eq!(run.put("", "x", &new).status, 400);
    assert_eq!(run.put("?dry=true", tag, &new).status, 400);
    let other = run.put("", "\"x\"", &new);
    assert_eq!(other.status, 412, "{other:?}");
    let dry = run.put("?dry_run=true", tag, &new);
    assert_eq!((dry.status, dry.header("etag")), (200, tag));
    assert_eq!(
        (&dry.json()["dry_run"], &dry.json()["changed"]),
        (&true.into(), &true.into())
    );
    assert_eq!(run.text(), old, "nothing has changed yet");
    assert_eq!(run.running(), old);

    let put = run.put("", tag, &new);
    assert_eq!(put.status, 200, "{put:?}");
    assert_ne!(put.header("etag"), tag);
    let plan = &put.json()["plan"]["hosts"][0];
    assert_eq!(plan["name"], "node1");
    assert_eq!(plan["bridges"][0]["state"], "disconnected");
    assert_eq!((run.text(), run.running()), (new.clone(), new.clone()));
    assert_eq!(run.get().header("etag"), put.header("etag"));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o604);
    run.wait_for_log(": reloaded", 1);
    // The tag of before is of no use any more.
    assert_eq!(run.put("", tag, &old).status, 412);
    let names = fs::read_dir(run.directory.path()).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "nothing is left behind: {names:?}");
}

/// Several headers of the name are one list (RFC 9110, 5.3 and 13.1.1).
#[test]
fn any_of_the_tags_that_are_named_may_be_that_of_the_file() {
    let run = Run::start();
    let (text, tag) = (run.text(), run.get().header("etag").to_owned());
    let put = |values: &[&str]| {
        let headers = values.iter().map(|it| format!("If-Match: {it}\r\n"));
        let headers: String = headers.collect();
        let resource = "/v1/config?dry_run=true";
        run.request("PUT", resource, &headers, &text).status
    };
    let both = format!("\"x\", {tag}");
    let weak = format!("W/{tag}");
    for (values, status) in [
        (&[&*tag][..], 200),
        (&["\"x\"", &tag], 200),
        (&[&tag, "\"x\""], 200),
        (&["\"x\"", "\"y\", \"z\"", &both], 200),
        (&["*"], 200),
        (&["\"x\"", "\"y\""], 412),
        (&[&weak], 412),
        (&["\"x\"", &weak], 412),
        (&[&tag, "*"], 400),
        (&[&tag, "y"], 400),
        (&[""], 400),
    ] {
        assert_eq!(put(values), status, "{values:?}");
    }
}

#[test]
fn a_bad_text_changes_nothing_and_all_mistakes_are_told() {
    let run = Run::start();
    let (old, tag) = (run.text(), run.get().header("etag").to_owned());
    let bad = old
        .replace("network: demo", "network: demp")
        .replace("vlan: 7", "vlan: 7777");
    for query in ["", "?dry_run=true"] {
        let answer = run.put(query, &tag, &bad);
        assert_eq!(answer.status, 422);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let mistakes = answer.json();
        assert_eq!(mistakes["detail"], "the configuration has 2 mistakes");
        let first = &mistakes["diagnostics"][0];
        assert_eq!(
            (&first["line"], &first["path"]),
            (&4.into(), &"networks.demo.vlan".into())
        );
        assert!(first["message"].as_str().unwrap().contains("7777"));
    }
    assert_eq!((run.text(), run.running()), (old.clone(), old.clone()));
    // Neither does a command with a mistake, or one that would make one.
    for arguments in [
        &["net", "delete", "demo"][..],
        &["nic", "create", "A", "eth1", "--network", "demo"],
        &["nic", "list", "--vm", "B"],
        &["nic", "list", "--network", "8"],
        &["acli", "net.create", "x", "vlan=7"],
    ] {
        let output = run.run_acli_aware(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(run.text(), old);
}

/// What a command shows of a text that is not in the file is not said to be of the file.
#[test]
fn lines_are_those_of_the_file_or_of_the_file_as_it_would_be() {
    let run = Run::start();
    let refused = run.run(&["nic", "create", "A", "eth1", "--network", "demo"]);
    let place = format!("{} (as it would be):8:", run.config().display());
    assert!(stderr(&refused).contains(&place), "{refused:?}");
    let lonely = ["net", "create", "a", "--vlan", "9"];
    let vm = ["vm", "create", "B", "--host", "node1"];
    assert!(run.run(&lonely).status.success() && run.run(&vm).status.success());
    let alone = ["nic", "update", "A", "a0", "--network", "a"];
    for (arguments, place) in [
        (
            &[&alone[..], &["--dry-run"]].concat(),
            "lab.yaml (as it would be):4:3: warning: ",
        ),
        (&alone.to_vec(), "lab.yaml:4:3: warning: "),
    ] {
        let output = run.run(arguments);
        assert!(output.status.success(), "{output:?}");
        assert!(stderr(&output).contains(place), "{output:?}");
    }
}

/// The mistakes take many times the room of the text.
#[test]
fn of_very_many_mistakes_the_first_are_told() {
    let run = Run::start();
    let tag = run.get().header("etag").to_owned();
    let (mut bad, warnings) = (run.text(), "  w: { host: node1, nics: [] }\n");
    for number in 0..1200 {
        bad.push_str(&format!("  x{number}: {{ host: nowhere, nics: [] }}\n"));
    }
    bad.push_str(warnings);
    let answer = run.put("?dry_run=true", &tag, &bad);
    assert_eq!(answer.status, 422);
    let mistakes = answer.json();
    assert_eq!(
        mistakes["detail"],
        "the configuration has 1200 mistakes, of which these are the first 1000"
    );
    let told = mistakes["diagnostics"].as_array().unwrap();
    assert_eq!(told.len(), 1000);
    assert!(told.iter().all(|it| it["severity"] == "mistake"));
}

/// A text is parsed to its end, whoever waits for it: no client has more than one parsed at a time.
#[test]
fn texts_that_nobody_waits_for_are_parsed_one_after_the_other() {
    let run = Run::start();
    // It takes a second or so.
    let text = "[".repeat(30_000);
    for _ in 0..20 {
        let mut socket = UnixStream::connect(run.directory.path().join("api.sock")).unwrap();
        write!(
            socket,
            "PUT /v1/config HTTP/1.0\r\nIf-Match: *\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )
        .unwrap();
        // So that it is read before it is given up.
        thread::sleep(Duration::from_millis(20));
    }
    // The workers, what parses, and what reads files meanwhile.
    let threads = fs::read_dir(format!("/proc/{}/task", run.child.id())).unwrap();
    let workers = thread::available_parallelism().unwrap().get();
    let threads = threads.count();
    assert!(threads <= workers + 5, "{threads} threads");
    // A change is possible nevertheless.
    let tag = run.get().header("etag").to_owned();
    assert_eq!(run.put("?dry_run=true", &tag, &run.text()).status, 200);
}

impl Run {
    /// The options of `acli` come before its words.
    fn run_acli_aware(&self, arguments: &[&str]) -> Output {
        match arguments {
            ["acli", words @ ..] => {
                let api = format!("unix:{}/api.sock", self.directory.path().display());
                Command::new(env!("CARGO_BIN_EXE_bridgechain"))
                    .args(["acli", "--api", &api])
                    .args(words)
                    .output()
                    .unwrap()
            }
            _ => self.run(arguments),
        }
    }
}

/// The name of a network may be the VLAN of another one: then nobody guesses which one is meant.
#[test]
fn a_network_is_named_by_name_vlan_or_uuid_by_one_rule() {
    let run = Run::start();
    let (old, tag) = (run.text(), run.get().header("etag").to_owned());
    let more = "  '9': { vlan: 8 }\n  nine: { vlan: 9 }\n  demo:";
    assert_eq!(run.put("", &tag, &old.replace("  demo:", more)).status, 200);
    let done = |arguments: &[&str]| {
        let output = run.run_acli_aware(arguments);
        assert!(output.status.success(), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let uuid = |name: &str| {
        let shown: Value = serde_json::from_str(&done(&["net", "get", name, "--json"])).unwrap();
        shown["uuid"].as_str().unwrap().to_owned()
    };
    let (of_name, of_vlan) = (uuid("8"), uuid("nine"));
    for arguments in [
        &["net", "get", "9"][..],
        &["net", "delete", "9"],
        &["nic", "create", "A", "a1", "--network", "9"],
        &["nic", "update", "A", "a0", "--trunked-networks", "7,9"],
        &["mac", "list", "--network", "9"],
        &["acli", "net.list_vms", "9"],
        &["acli", "vm.nic_create", "A", "network=9"],
    ] {
        let refused = run.run_acli_aware(arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let said = stderr(&refused);
        assert!(
            said.contains(&of_name) && said.contains(&of_vlan),
            "{arguments:?} {said}"
        );
    }
    for resource in [
        "/v1/networks/9",
        "/v1/macs?network=9",
        "/v1/vnics?network=9",
    ] {
        let refused = run.request("GET", resource, "", "");
        assert_eq!(refused.status, 400, "{resource}");
    }
    let network = |word: &str| {
        run.request("GET", &format!("/v1/networks/{word}"), "", "")
            .json()
    };
    assert_eq!(network(&of_name)["name"], "9");
    assert_eq!(network("8")["name"], "9");
    assert_eq!(network(&of_vlan)["name"], "nine");
    let named = run.request("GET", "/v1/networks/10", "", "");
    assert_eq!(named.status, 404);

    done(&["nic", "create", "A", "a1", "--network", &of_vlan]);
    assert!(
        run.text().contains("{ port: a1, network: nine }"),
        "{}",
        run.text()
    );
    let vnics = run.request("GET", "/v1/vnics?network=nine", "", "").json();
    assert_eq!(vnics["vnics"][0]["port"], "a1");
    done(&["acli", "vm.nic_update", "A", "a1", "network=7"]);
    assert!(
        run.text().contains("{ port: a1, network: demo }"),
        "{}",
        run.text()
    );
    done(&["net", "delete", "8"]);
    assert!(!run.text().contains("'9'"));
    done(&["net", "delete", "9"]);
    assert!(!run.text().contains("nine"));
}

#[test]
fn of_two_who_write_at_a_time_none_loses_what_the_other_did() {
    let run = Run::start();
    let (old, tag) = (run.text(), run.get().header("etag").to_owned());
    let texts = ["a", "b", "c", "d"]
        .map(|name| old.replace("  demo:", &format!("  {name}: {{ vlan: 8 }}\n  demo:")));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let writers = texts.each_ref().map(|text| {
            let (run, tag) = (&run, &tag);
            scope.spawn(move || run.put("", tag, text).status)
        });
        writers.map(|writer| writer.join().unwrap()).into()
    });
    let count = |wanted| statuses.iter().filter(|&&status| status == wanted).count();
    assert_eq!((count(200), count(412)), (1, 3), "{statuses:?}");
    assert!(texts.contains(&run.text()));
    assert_eq!(run.text(), run.running());

    // Commands try again, so all of them come through, however many they are, and whoever puts the file
    // in force meanwhile as he has read it.
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..12 {
                let output = run.run(&["apply", run.config().to_str().unwrap()]);
                assert!(output.status.success(), "{output:?}");
            }
        });
        for vlan in 100..116 {
            let run = &run;
            scope.spawn(move || {
                let (name, vlan) = (format!("net{vlan}"), vlan.to_string());
                let output = run.run(&["net", "create", &name, "--vlan", &vlan]);
                assert!(output.status.success(), "{output:?}");
            });
        }
    });
    for vlan in 100..116 {
        assert!(
            run.text()
                .contains(&format!("net{vlan}: {{ vlan: {vlan} }}"))
        );
    }
    assert!(run.text().contains("# a comment"));
    assert_eq!(run.text(), run.running());
}

/// What is asked at a terminal is not taken for granted elsewhere.
#[test]
fn a_vm_is_deleted_where_that_was_confirmed() {
    let run = Run::start();
    let old = run.text();
    let acli = |arguments: &[&str], input: &str| {
        let api = format!("unix:{}/api.sock", run.directory.path().display());
        let mut child = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
            .args(["acli", "--api", &api])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended before it has read that.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    for (arguments, input) in [
        (&["vm.delete", "A"][..], "yes\n"),
        (&[], "vm.delete A\nyes\n"),
    ] {
        let refused = acli(arguments, input);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = stderr(&refused);
        assert!(
            said.contains("Delete \"A\" with 1 vNIC? Nobody can be asked here"),
            "{said}"
        );
        assert!(said.contains("`bridgechain acli --yes`"), "{said}");
    }
    assert_eq!(run.text(), old);
    let unknown = acli(&["--yes", "vm.delete", "B"], "");
    assert!(
        stderr(&unknown).contains("there is no VM \"B\""),
        "{unknown:?}"
    );
    let done = acli(&["-y"], "vm.delete A\n");
    assert!(done.status.success(), "{done:?}");
    assert!(run.text().ends_with("vms: {}\n"), "{}", run.text());
    let made = run.run(&["vm", "create", "A"]);
    assert!(made.status.success(), "{made:?}");
    assert!(
        run.text()
            .ends_with("vms:\n  A:\n    host: node1\n    nics: []\n"),
        "{}",
        run.text()
    );
}

#[test]
fn a_vnic_that_is_found_needs_no_port() {
    let run = Run::start();
    for (arguments, what, line) in [
        (
            &["--match", "iface_id=3f6c,vm_id=8f2d"][..],
            "3f6c",
            "{ match: { iface_id: \"3f6c\", vm_id: \"8f2d\" }, network: demo }",
        ),
        (
            &[
                "--match",
                "mac=52:54:00:00:00:0B",
                "--mac",
                "52:54:00:00:00:0b",
            ],
            "52:54:00:00:00:0b",
            "{ match: { mac: \"52:54:00:00:00:0b\" }, mac: \"52:54:00:00:00:0b\", network: demo }",
        ),
        (
            &["--mac", "52:54:00:00:00:0c"],
            "52:54:00:00:00:0c",
            "{ mac: \"52:54:00:00:00:0c\", network: demo }",
        ),
    ] {
        let create = [&["nic", "create", "A", "--network", "demo"], arguments].concat();
        let made = run.run(&create);
        assert!(made.status.success(), "{made:?}");
        let said = String::from_utf8(made.stdout).unwrap();
        assert!(
            said.starts_with(&format!("vNIC {what} of A created\n")),
            "{said}"
        );
        assert!(run.text().contains(line), "{}", run.text());
    }
    for (arguments, status, message) in [
        (&[][..], 1, "a vNIC needs a port"),
        (&["p", "--match", "vm_id=x"], 2, "cannot be used with"),
        (
            &["--match", "id=x"],
            2,
            "is none of mac=, iface_id= and vm_id=",
        ),
        (&["--match", "mac=x"], 2, "mac"),
        (&["--match", "vm_id=x,vm_id=y"], 2, "vm_id is there twice"),
        (&["--match", "vm_id="], 2, "vm_id has no value"),
    ] {
        let create = [&["nic", "create", "A", "--network", "demo"], arguments].concat();
        let refused = run.run(&create);
        assert_eq!(refused.status.code(), Some(status), "{refused:?}");
        assert!(stderr(&refused).contains(message), "{refused:?}");
    }
    // By whatever it is called it is found again.
    let deleted = run.run(&["nic", "delete", "A", "3f6c"]);
    assert!(
        deleted.status.success() && !run.text().contains("3f6c"),
        "{deleted:?}"
    );
}

/// A controller whose file somebody else changes before every PUT, as often as that; what it has been
/// asked to put in the end.
fn hasty(listener: &UnixListener, times: usize) -> String {
    let tag = |number: usize| format!("\"00000000-0000-5000-8000-{number:012}\"");
    let mut changes = 0;
    loop {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            head.push_str(&std::mem::take(&mut line));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let seen = tag(changes);
        let headers =
            format!("ETag: {seen}\r\nBridgechain-Running: {seen}\r\nBridgechain-File: x\r\n");
        if head.starts_with("GET") {
            let text = format!("{REST}# {changes}\n");
            write!(socket, "HTTP/1.0 200 OK\r\n{headers}\r\n{text}").unwrap();
            continue;
        }
        assert!(head.contains(&format!("If-Match: {seen}\r\n")), "{head}");
        if changes == times {
            let done = r#"{"dry_run":false,"changed":true,"warnings":[],"plan":{"hosts":[]}}"#;
            write!(socket, "HTTP/1.0 200 OK\r\n{headers}\r\n{done}").unwrap();
            return String::from_utf8(body).unwrap();
        }
        changes += 1;
        write!(socket, "HTTP/1.0 412 Precondition Failed\r\n\r\n").unwrap();
    }
}

/// However often others are faster; what is put is made from what is there by then.
#[test]
fn a_change_is_made_anew_until_it_gets_through() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = thread::spawn(move || hasty(&listener, 14));
    let api = format!("unix:{}", socket.display());
    let output = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .args(["net", "create", "x", "--vlan", "8", "--api", &api])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = server.join().unwrap();
    assert!(
        text.contains("x: { vlan: 8 }") && text.ends_with("# 14\n"),
        "{text}"
    );
}

/// What was changed while another file is put in its place, nobody has looked at.
#[test]
fn apply_of_another_file_undoes_nothing_that_comes_in_between() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || hasty(&listener, 1));
    let other = directory.path().join("other.yaml");
    fs::write(&other, format!("{REST}# mine\n")).unwrap();
    let api = format!("unix:{}", socket.display());
    let output = Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .args(["apply", other.to_str().unwrap(), "--api", &api])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("nothing was applied: look at"),
        "{output:?}"
    );
}

/// Whenever a client goes away: the file is what is in force, so that the next change is possible.
#[test]
fn a_change_that_nobody_waits_for_is_whole_or_none() {
    let run = Run::start();
    let mut written = 0;
    for round in 0..120_u64 {
        let (old, tag) = (run.text(), run.get().header("etag").to_owned());
        let new = format!("{old}# {round}\n");
        let mut socket = UnixStream::connect(run.directory.path().join("api.sock")).unwrap();
        write!(
            socket,
            "PUT /v1/config HTTP/1.0\r\nIf-Match: {tag}\r\nContent-Length: {}\r\n\r\n{new}",
            new.len()
        )
        .unwrap();
        // Another moment in each round.
        thread::sleep(Duration::from_micros(100 * round));
        drop(socket);
        let deadline = Instant::now() + LIMIT;
        while run.text() != run.running() {
            assert!(Instant::now() < deadline, "the file is not in force");
            thread::sleep(Duration::from_millis(1));
        }
        written += u32::from(run.text() == new);
    }
    assert!(written > 0, "no change got so far");
}

#[test]
fn a_file_that_was_changed_by_hand_is_noticed() {
    let run = Run::start();
    let (old, tag) = (run.text(), run.get().header("etag").to_owned());
    let by_hand = old.replace("vlan: 7", "vlan: 9");
    fs::write(run.config(), &by_hand).unwrap();

    let seen = run.get();
    assert_eq!(seen.body, by_hand);
    assert_eq!(seen.header("bridgechain-running"), tag);
    assert_eq!(run.put("", &tag, &old).status, 412);
    let refused = run.run(&["net", "create", "x", "--vlan", "8"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("was changed by hand"),
        "{refused:?}"
    );
    let other = run.directory.path().join("other.yaml");
    fs::write(&other, old.replace("vlan: 7", "vlan: 10")).unwrap();
    let refused = run.run(&["apply", other.to_str().unwrap()]);
    assert!(
        stderr(&refused).contains("was changed by hand"),
        "{refused:?}"
    );
    assert_eq!((run.text(), run.running()), (by_hand.clone(), old.clone()));

    let shown = run.run(&["diff"]);
    assert_eq!(shown.status.code(), Some(1));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("\n-  demo: { vlan: 7 }   # a comment\n+  demo: { vlan: 9 }"),
        "{shown}"
    );
    assert!(!shown.contains('\x1b'), "no colours where nobody looks");

    // It comes in force by its own name, or by SIGHUP, and then commands go on.
    let applied = run.run(&["apply", run.config().to_str().unwrap()]);
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(
        (run.text(), run.running()),
        (by_hand.clone(), by_hand.clone())
    );
    assert_eq!(run.run(&["diff"]).status.code(), Some(0));
    fs::write(run.config(), &old).unwrap();
    kill(
        Pid::from_raw(run.child.id().try_into().unwrap()),
        Signal::SIGHUP,
    )
    .unwrap();
    run.wait_for_log(": reloaded", 2);
    assert_eq!(run.running(), old);
    let made = run.run(&["net", "create", "x", "--vlan", "8"]);
    assert!(made.status.success(), "{made:?}");
    // Undone on purpose.
    fs::write(run.config(), &by_hand).unwrap();
    let forced = run.run(&["apply", "--force", other.to_str().unwrap()]);
    assert!(forced.status.success(), "{forced:?}");
    assert!(run.text().contains("vlan: 10"));
}

#[test]
fn a_file_is_changed_through_the_controller_that_runs_on_it_and_no_other() {
    let run = Run::start();
    let config = run.config();
    let config = config.to_str().unwrap();
    let bridgechain = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bridgechain"));
        command.args(arguments).output().unwrap()
    };
    let made = bridgechain(&["net", "create", "x", "--vlan", "8", "--config", config]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(run.text(), run.running());
    assert!(run.running().contains("x: { vlan: 8 }"));

    let copy = run.directory.path().join("copy.yaml");
    fs::write(&copy, run.text()).unwrap();
    let copy = copy.to_str().unwrap();
    let made = bridgechain(&["net", "create", "z1", "--vlan", "9", "--config", copy]);
    assert_eq!(
        String::from_utf8(made.stdout).unwrap(),
        "network z1 created\n"
    );
    let note = String::from_utf8(made.stderr).unwrap();
    let expected =
        format!("/api.sock runs on {config}, none on {copy}: changes are made in the file alone\n");
    assert!(note.ends_with(&expected), "{note}");
    assert!(
        fs::read_to_string(copy)
            .unwrap()
            .contains("z1: { vlan: 9 }")
    );
    assert!(!run.running().contains("z1: { vlan: 9 }"));
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// Whose file is replaced is said before and after it.
#[test]
fn apply_names_the_controller_and_its_file() {
    let run = Run::start();
    let (config, old) = (run.config().display().to_string(), run.text());
    let other = run.directory.path().join("other.yaml");
    fs::write(&other, old.replace("vlan: 7", "vlan: 10")).unwrap();
    let other = other.to_str().unwrap();
    let at = format!(
        "the controller at unix:{}/api.sock",
        run.directory.path().display()
    );
    let said = |arguments: &[&str]| {
        let output = run.run(arguments);
        assert!(output.status.success(), "{output:?}");
        let text = stdout(&output).trim_end().to_owned();
        let (first, rest) = text.split_once('\n').unwrap();
        let last = rest.lines().last().unwrap();
        (first.to_owned(), last.to_owned())
    };
    let replaces = format!("{at}: {other} in the place of {config}");
    let dry = said(&["apply", other, "--dry-run"]);
    let stays = format!("dry run: {config} stays as it is, and what is in force too");
    assert_eq!(dry, (replaces.clone(), stays));
    let done = format!("applied: {config} is in force at {at}");
    assert_eq!(said(&["apply", other]), (replaces.clone(), done.clone()));
    let none = format!("no change of {config}, {at}");
    assert_eq!(said(&["apply", other]), (replaces, none));
    fs::write(run.config(), &old).unwrap();
    assert_eq!(
        said(&["apply", &config]),
        (format!("{at}: {config} as it is now"), done)
    );
}

/// Of a wrong file that is easily overlooked.
#[test]
fn apply_warns_where_hosts_are_taken_away() {
    let run = Run::start();
    let old = run.text();
    let other = run.directory.path().join("other.yaml");
    let apply = |text: &str| {
        fs::write(&other, text).unwrap();
        let output = run.run(&["apply", "--dry-run", other.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        output
    };
    let (rest, hosts) = old.split_once("hosts:").unwrap();
    assert!(hosts.contains("node1"));
    let lost = "takes away all hosts, node1: the controller serves them no longer";
    let none = apply(&format!("{rest}hosts: {{}}\n"));
    assert!(stderr(&none).contains(lost), "{none:?}");
    let gone = "\nnode1: no longer configured; the flows of its bridges stay\n";
    assert!(stdout(&none).contains(gone), "{none:?}");
    let others = apply(&format!(
        "{rest}hosts: {{ node2: {{ bridges: {{ local: l, uplink: u }} }} }}\n"
    ));
    assert!(stderr(&others).contains("takes away node1: "), "{others:?}");
    let more = old.replace(
        "hosts:",
        "hosts:\n  node2: { bridges: { local: l, uplink: u } }",
    );
    assert!(!stderr(&apply(&more)).contains("takes away"));
}

/// As long as the controller has not been started with them, whatever else is changed.
#[test]
fn settings_that_are_read_at_start_only_are_named() {
    let run = Run::start();
    let (old, tag) = (run.text(), run.get().header("etag").to_owned());
    let answer = run.put("?dry_run=true", &tag, &old.replace("vlan: 7", "vlan: 9"));
    assert_eq!(answer.json()["needs_restart"], Value::Array(Vec::new()));
    let new = old.replace("/of.sock", "/of2.sock").replace(
        "{ listen",
        "{ mac_age: 9, metrics: 'tcp:127.0.0.1:1', listen",
    );
    let answer = run.put("?dry_run=true", &tag, &new);
    let settings = Value::from(vec!["listen", "metrics"]);
    assert_eq!(answer.json()["needs_restart"], settings);
    let other = run.directory.path().join("other.yaml");
    fs::write(&other, &new).unwrap();
    let other = other.to_str().unwrap();
    let later = "\ncontroller.listen, controller.metrics: takes effect when the controller is started \
                 again\n";
    for arguments in [
        &["diff", other][..],
        &["apply", "--dry-run", other],
        &["apply", other],
    ] {
        let said = run.run(arguments);
        assert!(stdout(&said).contains(later), "{said:?}");
    }
    let tag = run.get().header("etag").to_owned();
    let answer = run.put("?dry_run=true", &tag, &new.replace("vlan: 7", "vlan: 9"));
    assert_eq!(answer.json()["needs_restart"], settings, "still");
    let answer = run.put("?dry_run=true", &tag, &old);
    assert_eq!(answer.json()["needs_restart"], Value::Array(Vec::new()));
}

#[test]
fn reads_are_there_for_programs() {
    let run = Run::start();
    let json = |arguments: &[&str]| -> Value {
        let output = run.run(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let networks = json(&["net", "list", "--json"]);
    assert_eq!(
        (&networks[0]["name"], &networks[0]["vlan"]),
        (&"demo".into(), &7.into())
    );
    assert_eq!(networks[0]["members"][0]["mac"], "52:54:00:00:00:0a");
    let nics = json(&["nic", "list", "--json"]);
    assert_eq!(
        (&nics[0]["vm"], &nics[0]["port"]),
        (&"A".into(), &"a0".into())
    );
    let vm = json(&["vm", "get", "A", "--json"]);
    assert_eq!(vm["nics"][0]["vlan_mode"], "access");
    assert_eq!(json(&["vm", "list", "--json"])[0], vm);
    assert_eq!(json(&["net", "get", "demo", "--json"]), networks[0]);
    assert_eq!(json(&["chain", "list", "--json"]), Value::Array(Vec::new()));
}
