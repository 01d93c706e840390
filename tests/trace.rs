//! `bridgechain trace`: the table of who sees which frame, cell by cell, and what the command says
//! when it is asked for something that is not there.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

const CONFIG: &str = "tests/fixtures/visibility.yaml";

fn trace(config: &str, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bridgechain"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["trace", config])
        .args(arguments.split_whitespace())
        .output()
        .expect("the command can be run")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// Who sees the frame, by port: `untagged x1`. Ports that see nothing are left out, though they
/// must be in the table.
fn seen(arguments: &str) -> BTreeMap<String, String> {
    seen_of(CONFIG, arguments, 12)
}

fn seen_of(config: &str, arguments: &str, ports: usize) -> BTreeMap<String, String> {
    let output = trace(config, &format!("{arguments} --json"));
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments}: {}",
        stderr(&output)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sightings = report["sightings"].as_array().expect("a list");
    assert_eq!(sightings.len(), ports, "{arguments}: {sightings:#?}");
    let mut seen = BTreeMap::new();
    for sighting in sightings {
        for copies in sighting["copies"].as_array().expect("a list") {
            let port = sighting["port"].as_str().expect("text").to_owned();
            let tags = copies["tags"].as_str().expect("text");
            let how = format!("{tags} x{}", copies["count"]);
            assert_eq!(
                seen.insert(port, how),
                None,
                "{arguments}: two kinds of copies"
            );
        }
    }
    seen
}

/// `vma0: untagged, ids0: tagged 3000`, each once.
fn once(expected: &str) -> BTreeMap<String, String> {
    let pairs = expected
        .split(", ")
        .map(|pair| pair.split_once(": ").expect("PORT: TAGS"));
    pairs
        .map(|(port, tags)| (port.to_owned(), format!("{tags} x1")))
        .collect()
}

/// All of demo3000 but its senders, the tap among them; and those of the other VLAN.
const BUM_3000: &str = "vmb0: untagged, acc0: untagged, trunk0: tagged 3000, all0: untagged, \
                        rt0: untagged, ids0: tagged 3000, eth1: tagged 3000";
const BUM_4000: &str = "vmd0: untagged, trunk0: tagged 4000, rt1: untagged, ids0: tagged 4000, \
                        eth1: tagged 4000";

#[test]
fn unicast_is_seen_by_its_destination_the_tap_and_who_accepts_all() {
    assert_eq!(
        seen("--from VM-A --to VM-B"),
        once("vmb0: untagged, all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-A --to access"),
        once("acc0: untagged, all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-A --to trunk"),
        once("trunk0: tagged 3000, all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-A --to accept"),
        once("all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-C --to VM-D"),
        once("vmd0: untagged, ids0: tagged 4000")
    );
    assert_eq!(
        seen("--from trunk --vlan 4000 --to VM-D"),
        once("vmd0: untagged, ids0: tagged 4000")
    );
}

#[test]
fn broadcast_unknown_unicast_and_multicast_are_seen_by_all_of_the_network() {
    for to in ["broadcast", "unknown", "multicast", "02:00:00:00:00:77"] {
        assert_eq!(
            seen(&format!("--from VM-A --to {to}")),
            once(BUM_3000),
            "{to}"
        );
        assert_eq!(
            seen(&format!("--from VM-C --to {to}")),
            once(BUM_4000),
            "{to}"
        );
    }
}

#[test]
fn frames_to_and_from_outside_pass_the_tap() {
    assert_eq!(
        seen("--from VM-A --to outside"),
        once("all0: untagged, ids0: tagged 3000, eth1: tagged 3000")
    );
    assert_eq!(
        seen("--from uplink --vlan 3000 --to VM-B"),
        once("vmb0: untagged, all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(seen("--from host --to outside"), once("eth1: untagged"));
    assert_eq!(seen("--from uplink --to host"), once("LOCAL: untagged"));
    assert_eq!(
        seen("--from uplink --vlan 3000 --to outside"),
        BTreeMap::new()
    );
}

#[test]
fn what_is_refused_is_seen_by_nobody() {
    for arguments in [
        "--from VM-A --to VM-B --vlan 3000",
        "--from VM-A --to VM-B --src 52:54:00:00:00:0c",
        "--from VM-A --to 01:80:c2:00:00:0e",
        "--from VM-A --to broadcast --src 01:00:5e:00:00:01",
        "--from trunk --vlan 7 --to broadcast",
        "--from ids0 --to broadcast",
        "--from uplink --vlan 3000 --to VM-B --src 52:54:00:00:00:0a",
    ] {
        assert_eq!(seen(arguments), BTreeMap::new(), "{arguments}");
    }
}

#[test]
fn addresses_are_known_where_they_were_learned() {
    assert_eq!(
        seen("--from VM-A --to 02:00:00:00:00:77 --learned 02:00:00:00:00:77@vmb0"),
        once("vmb0: untagged, all0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-A --to router/rt0"),
        once("rt0: untagged, all0: untagged, ids0: tagged 3000")
    );
}

#[test]
fn of_several_vnics_the_one_of_the_frames_network_is_meant() {
    assert_eq!(
        seen("--from VM-C --to router"),
        once("rt1: untagged, ids0: tagged 4000")
    );
}

#[test]
fn a_new_source_is_reported_and_a_known_one_is_not() {
    let told = |arguments| stdout(&trace(CONFIG, arguments)).contains("the controller is told");
    assert!(!told("--from VM-A --to broadcast"));
    assert!(!told("--from router/rt0 --to broadcast"));
    assert!(told("--from VM-A --to broadcast --src 02:00:00:00:00:77"));
}

#[test]
fn the_path_is_printed_table_by_table() {
    let output = trace(CONFIG, "--from VM-A --to VM-B");
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(stdout(&output));
    let output = trace(CONFIG, "--from VM-A --to VM-B --vlan 3000");
    insta::assert_snapshot!(stdout(&output));
}

#[test]
fn absent_ports_are_those_that_a_file_of_numbers_lacks() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ports = directory.path().join("ports.yaml");
    let numbers = "vma0: 11\nvmb0: 12\nlocal-nf: 13\nnf-local: 1\nnf-uplink: 2\nuplink-nf: 3\n";
    fs::write(&ports, format!("{numbers}eth1: 4\n")).expect("a file");
    let arguments = format!("--from VM-A --to broadcast --ports {}", ports.display());
    assert_eq!(
        seen_of(CONFIG, &arguments, 4),
        once("vmb0: untagged, eth1: tagged 3000")
    );
    let complaints = trace(CONFIG, &arguments);
    assert!(stderr(&complaints).contains("port ids0 has no number and is taken as absent"));
}

#[test]
fn a_learning_switch_takes_any_ports() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ports = directory.path().join("ports.json");
    fs::write(&ports, r#"{"p1": 1, "p2": 2, "p3": 3}"#).expect("a file");
    let seen = |arguments: &str| {
        let arguments = format!("{arguments} --ports {}", ports.display());
        seen_of("configs/learning-any.yaml", &arguments, 3)
    };
    assert_eq!(
        seen("--from p1 --to broadcast --vlan 7"),
        once("p2: tagged 7, p3: tagged 7")
    );
    assert_eq!(
        seen("--from p1 --to 02:00:00:00:00:77 --learned 02:00:00:00:00:77@p3"),
        once("p3: untagged")
    );
}

#[test]
fn mistakes_are_said_with_what_would_be_right() {
    for (arguments, message) in [
        (
            "--from VM-X --to VM-A",
            "there is no VM and no port \"VM-X\"; did you mean \"VM-A\"?",
        ),
        (
            "--from eth11 --to VM-A",
            "there is no VM and no port \"eth11\"; did you mean \"eth1\"?",
        ),
        (
            "--from router --to VM-A",
            "say router/rt0 (on node1) or router/rt1 (on node1)",
        ),
        (
            "--from VM-A/52:54:00:00:00:0b --to VM-B",
            "VM-A has no vNIC \"VM-A/52:54:00:00:00:0b\"; say VM-A/52:54:00:00:00:0a",
        ),
        ("--from VM-A --to brodcast", "did you mean \"broadcast\"?"),
        (
            "--from VM-A --to VM-B --host node2",
            "there is no host \"node2\"; did you mean \"node1\"?",
        ),
        (
            "--from VM-A --to VM-B --learned 02:00:00:00:00:77@vmb",
            "host node1 has no port \"vmb\"; did you mean",
        ),
        (
            "--from VM-A --to VM-B --learned 52:54:00:00:00:0b@eth1",
            "52:54:00:00:00:0b is never learned at eth1: it is pinned to VM-B (vmb0)",
        ),
        (
            "--from VM-A --to VM-B --learned 02:00:00:00:00:77@vmc0",
            "02:00:00:00:00:77 is never learned at vmc0: no frame of VLAN 3000 is admitted there",
        ),
    ] {
        let output = trace(CONFIG, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        assert_eq!(stdout(&output), "", "{arguments}");
        assert!(
            stderr(&output).contains(message),
            "{arguments}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn wrong_arguments_are_a_matter_of_usage() {
    for (arguments, message) in [
        ("--from VM-A", "--to <WHO>"),
        (
            "--from VM-A --to VM-B --vlan 4096",
            "4096 is not in 0..4096",
        ),
        (
            "--from VM-A --to VM-B --src 52:54",
            "a MAC address has 6 parts",
        ),
        (
            "--from VM-A --to VM-B --learned 52:54:00:00:00:0b",
            "expected MAC@PORT",
        ),
    ] {
        let output = trace(CONFIG, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(
            stderr(&output).contains(message),
            "{arguments}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn hosts_are_told_apart_by_name() {
    let output = trace("configs/hosts.yaml", "--from uplink --to broadcast");
    assert!(
        stderr(&output).contains("say --host node1 or --host node2"),
        "{}",
        stderr(&output)
    );
    let output = trace(
        "configs/hosts.yaml",
        "--from uplink --to broadcast --host node2",
    );
    assert!(
        stdout(&output).starts_with("host node2: "),
        "{}",
        stderr(&output)
    );
}

/// A VM that may be on two hosts, and a guest on each of these.
const ROAMING: &str = "tests/fixtures/roaming.yaml";

#[test]
fn a_vm_that_may_be_on_several_hosts_is_taken_to_be_where_the_frame_is_sent() {
    let seen = |arguments: &str| seen_of(ROAMING, arguments, 4);
    for (vm, host) in [("VM-A", "node1"), ("VM-B", "node2")] {
        assert_eq!(
            seen(&format!("--from {vm} --to VM-R")),
            once("vmr0: untagged")
        );
        let to_a_guest = format!("--from VM-R --to {vm} --host {host}");
        let port = vm.to_lowercase().replace('-', "");
        assert_eq!(seen(&to_a_guest), once(&format!("{port}0: untagged")));
    }
    let by_address = "--from VM-A --to 52:54:00:00:00:0e";
    assert_eq!(seen(by_address), once("vmr0: untagged"));

    // It is on the other host.
    let away = "--from VM-A --to VM-R --learned 52:54:00:00:00:0e@eth1";
    assert_eq!(seen(away), once("eth1: tagged 3000"));

    let ambiguous = trace(ROAMING, "--from VM-R --to broadcast");
    let says = "VM-R may be on several hosts; say --host node1 or --host node2";
    assert!(stderr(&ambiguous).contains(says), "{}", stderr(&ambiguous));
    let stolen = trace(
        ROAMING,
        "--from VM-A --to VM-R --learned 52:54:00:00:00:0e@vma0",
    );
    let says = "never learned at vma0: it belongs to VM-R (vmr0)";
    assert!(stderr(&stolen).contains(says), "{}", stderr(&stolen));
}

/// What a tap gets of frames from VM-A to VM-B, with the example of what is copied.
fn copied(tap: &str, arguments: &str) -> Option<String> {
    let arguments = format!("--from VM-A --to VM-B {arguments}");
    seen_of("configs/copying.yaml", &arguments, 7).remove(tap)
}

#[test]
fn a_tap_gets_what_its_filter_leaves() {
    let whole = Some("tagged 3000 x1".to_owned());
    for (carrying, expected) in [
        ("", &whole),
        ("--protocol tcp --port-dst 443", &None),
        ("--protocol tcp --port-src 8449", &None),
        ("--protocol tcp --port-src 8450", &whole),
        ("--protocol udp --port-dst 443", &whole),
        ("--protocol tcp --ip-dst 10.9.8.7", &None),
        ("--ip-src 2001:db8:9::1", &None),
        ("--ip-src 2001:db8:a::1", &whole),
        ("--protocol arp --ip-dst 10.9.8.7", &whole),
    ] {
        assert_eq!(copied("ids0", carrying), *expected, "{carrying}");
    }
    let outer = Some("tagged 101, tagged 3000 x1".to_owned());
    assert_eq!(copied("rec0", ""), outer);
}

#[test]
fn where_copies_are_cut_off_is_said() {
    let output = trace("configs/remote-sinks.yaml", "--from VM-A --to broadcast");
    let text = stdout(&output);
    for part in [
        "(chain inspect, tap analyser)",
        "OUT by sink3, tagged 3000, of 256 bytes at the most",
        "tap recorder (inspect)  sink2  tagged 3000, 1452 bytes  1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_no_frame_carries_is_refused() {
    for (carrying, why) in [
        (
            "--protocol icmp --port-dst 80",
            "only tcp, udp and sctp have ports",
        ),
        (
            "--ip-src 10.0.0.1 --ip-dst ::1",
            "are of two versions of IP",
        ),
        ("--protocol arp --ip-src ::1", "arp is about IPv4 addresses"),
    ] {
        let arguments = format!("--from VM-A --to VM-B {carrying}");
        let output = trace("configs/copying.yaml", &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
}

/// Normal and direct vNICs, some of which may not do everything.
const SECURITY: &str = "tests/fixtures/security.yaml";

#[test]
fn a_direct_vnic_is_traced_past_the_chain() {
    let seen = |arguments: &str| seen_of(SECURITY, arguments, 10);
    assert_eq!(seen("--from direct --to second"), once("direct1: untagged"));
    assert_eq!(seen("--from second --to direct"), once("direct0: untagged"));
    assert_eq!(
        seen("--from direct --to outside"),
        once("eth1: tagged 3000")
    );
    let arguments = "--from uplink --vlan 3000 --to direct";
    assert_eq!(seen(arguments), once("direct0: untagged"));
    assert_eq!(
        seen("--from direct --to VM-A"),
        once("vma0: untagged, ids0: tagged 3000")
    );
    assert_eq!(
        seen("--from VM-A --to second"),
        once("direct1: untagged, ids0: tagged 3000")
    );
    let path = trace(SECURITY, "--from direct --to second");
    assert!(stdout(&path).contains("br0, in by direct0, untagged"));
    assert!(!stdout(&path).contains("br.nf, in by"));
}

#[test]
fn why_port_security_drops_a_frame_is_said() {
    let other = "02:00:00:00:00:77";
    let why = |arguments: &str| {
        let output = trace(SECURITY, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}");
        let dropped = stdout(&output)
            .lines()
            .find(|line| line.contains("dropped, "));
        dropped.map(|line| {
            let (_, why) = line.split_once("dropped, ").unwrap_or_default();
            // Behind it is the line of the configuration.
            let (why, source) = why.split_once("  # ").unwrap_or_default();
            assert!(source.starts_with(SECURITY), "{line}");
            why.to_owned()
        })
    };
    assert_eq!(
        why(&format!("--from held --to VM-A --src {other}")).as_deref(),
        Some("its vNIC may send from no other address than the one pinned to it")
    );
    assert_eq!(why(&format!("--from few --to VM-A --src {other}")), None);
    let full = format!("--from few --to VM-A --src {other} --learned 02:00:00:00:00:78@few0");
    assert_eq!(
        why(&full).as_deref(),
        Some("its vNIC or its network has as many addresses as it may have")
    );
    let told =
        |arguments: &str| stdout(&trace(SECURITY, arguments)).contains("the controller is told");
    assert!(told(&format!("--from VM-A --to held --src {other}")));
    assert!(!told(&format!("--from fixed --to held --src {other}")));

    let unknown = seen_of(SECURITY, "--from VM-A --to unknown", 10);
    assert!(unknown.contains_key("held0") && !unknown.contains_key("quiet0"));
    let broadcast = seen_of(SECURITY, "--from VM-A --to broadcast", 10);
    assert!(broadcast.contains_key("quiet0") && broadcast.contains_key("direct0"));

    let complaint = |learned: &str| {
        let output = trace(SECURITY, &format!("--from VM-A --to held {learned}"));
        assert_eq!(output.status.code(), Some(1));
        stderr(&output).to_owned()
    };
    let text = complaint(&format!("--learned {other}@fixed0"));
    let message = format!("{other} is never learned at fixed0: no address but its own is");
    assert!(text.contains(&message), "{text}");
    let text = complaint(&format!(
        "--learned 02:00:00:00:00:78@few0 --learned {other}@few0"
    ));
    let message =
        format!("{other} is not learned at few0: its vNIC or its network may have no more");
    assert!(text.contains(&message), "{text}");
}
