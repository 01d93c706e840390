//! Configuration files: the examples are good, and every mistake has its message.

use std::fs;
use std::path::{Path, PathBuf};

use bridgechain::config::{self, Diagnostic, Diagnostics, Severity};
use bridgechain::health::Failed;
use bridgechain::topology::{Role, Topology};
use bridgechain::{compile, portmap, reconcile};
use openflow::{BundleAdd, BundleFlags, Message, Xid};
use proptest::prelude::*;

/// The YAML files of a directory, in order.
fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(&directory).expect("the directory is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no file in {}", directory.display());
    files
}

/// Checks a file as if it were in the working directory, so that messages are the same everywhere.
fn check(path: &Path) -> (String, Result<(Topology, Vec<Diagnostic>), Diagnostics>) {
    let name = path
        .file_name()
        .expect("a file")
        .to_string_lossy()
        .into_owned();
    let bytes = fs::read(path).expect("the file can be read");
    let result = config::parse(&name, bytes);
    (name, result)
}

fn refused(text: impl AsRef<[u8]>) -> String {
    config::parse("lab.yaml", text)
        .expect_err("a mistake")
        .to_string()
}

fn warnings(text: &str) -> String {
    let (_, warnings) =
        config::parse("lab.yaml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(
        warnings
            .iter()
            .all(|warning| warning.severity == Severity::Warning)
    );
    warnings
        .iter()
        .map(|warning| format!("{warning}\n"))
        .collect()
}

#[test]
fn every_example_is_good_without_a_warning() {
    for file in files("configs") {
        match check(&file) {
            (_, Ok((_, warnings))) => assert_eq!(warnings, [], "{}", file.display()),
            (_, Err(mistakes)) => panic!("{mistakes}"),
        }
    }
}

#[test]
fn every_example_compiles() {
    for file in files("configs") {
        let (name, result) = check(&file);
        let (topology, _) = result.expect("a good file");
        for host in topology.hosts.values() {
            for (role, bridge) in host.bridges() {
                let ports = portmap::assumed(host, role);
                let program =
                    compile::bridge(host, &topology.controller, role, &ports, &Failed::default());
                assert!(!program.flows.is_empty(), "{name}: {}", bridge.name);
            }
        }
    }
}

#[test]
fn every_mistake_has_its_message() {
    for file in files("configs/invalid") {
        let (name, result) = check(&file);
        let mistakes = result.expect_err(&name);
        if name != "many.yaml" {
            assert_eq!(mistakes.mistakes(), 1, "one mistake a file:\n{mistakes}");
        }
        insta::assert_snapshot!(name.trim_end_matches(".yaml"), mistakes);
    }
}

#[test]
fn a_wrong_vlan_mode_hides_no_other_mistake_of_the_vnic() {
    let messages = refused(
        "networks: { a: { vlan: 1 } }
hosts: { h: { bridges: { local: l, uplink: u } } }
vms:
  v:
    host: h
    nics:
      - { port: p0, vlan_mode: trunk, network: b, trunked_networks: a }
      - { port: p1, vlan_mode: acces, network: c }
      - { port: p2, network: d, trunked_networks: [e] }
",
    );
    for expected in [
        "lab.yaml:7:32: vms.v.nics[0].vlan_mode: ",
        "lab.yaml:7:48: vms.v.nics[0].network: there is no network \"b\"",
        "lab.yaml:7:69: vms.v.nics[0].trunked_networks: expected a list",
        "lab.yaml:8:32: vms.v.nics[1].vlan_mode: ",
        "lab.yaml:8:48: vms.v.nics[1].network: there is no network \"c\"",
        "lab.yaml:9:30: vms.v.nics[2].network: there is no network \"d\"",
        "lab.yaml:9:33: vms.v.nics[2].trunked_networks: an access vNIC has no trunked networks",
        "lab.yaml:9:52: vms.v.nics[2].trunked_networks[0]: there is no network \"e\"",
    ] {
        assert!(messages.contains(expected), "{expected}\n{messages}");
    }
    assert!(messages.ends_with("\n8 mistakes"), "{messages}");
}

/// A host with so many vNICs in each of two networks.
fn crowd(members: usize) -> String {
    let nics: String = (0..members)
        .map(|n| {
            format!("      - {{ port: p{n}, vlan_mode: trunked, trunked_networks: [a, b] }}\n")
        })
        .collect();
    format!(
        "networks: {{ a: {{ vlan: 1 }}, b: {{ vlan: 2 }} }}
hosts: {{ h: {{ bridges: {{ local: l, uplink: u }} }} }}
vms:
  v:
    host: h
    nics:
{nics}"
    )
}

#[test]
fn a_network_with_as_many_vnics_as_a_host_may_have_fits_the_wire() {
    let (topology, _) = config::parse("lab.yaml", crowd(4_000)).expect("a good file");
    let host = &topology.hosts["h"];
    let ports = portmap::assumed(host, Role::Local);
    let program = compile::bridge(
        host,
        &topology.controller,
        Role::Local,
        &ports,
        &Failed::default(),
    );
    for (key, flow) in &program.flows {
        let add = BundleAdd::new(1, BundleFlags::ATOMIC, reconcile::add_flow(key, flow));
        Message::BundleAdd(add)
            .encode(Xid(1), &mut Vec::new())
            .expect("it fits");
    }
}

#[test]
fn a_network_with_more_vnics_is_refused_once() {
    let messages = refused(crowd(4_002));
    assert!(
        messages.starts_with(
            "lab.yaml:4007:17: vms.v.nics[4000].port: host \"h\" has more than 4000 vNICs in the \
             network with VLAN 1; "
        ),
        "{messages}"
    );
    assert!(messages.ends_with("\n2 mistakes"), "{messages}");
}

#[test]
fn the_typed_result_of_a_complete_file() {
    let (_, result) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/complete.yaml"));
    let (topology, _) = result.expect("a good file");
    insta::assert_debug_snapshot!(topology);
}

#[test]
fn the_typed_result_of_several_hosts() {
    let (_, result) = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/hosts.yaml"));
    let (topology, _) = result.expect("a good file");
    insta::assert_debug_snapshot!(topology);
}

#[test]
fn warnings_do_not_refuse_a_file() {
    insta::assert_snapshot!(warnings(
        "\
controller:
  listen: [tcp:0.0.0.0:6653, 'tcp:[::1]:6653']
networks:
  demo3000: { vlan: 3000 }
  unused: { vlan: 4000 }
hosts:
  node1:
    bridges: { local: br0.local, service: br.nf, uplink: br0 }
    uplinks: [eth1, eth2]
  node2:
    bridges: { local: br0.local, uplink: { name: br0, datapath_id: \"00000000000000b0\" } }
vms:
  idle: { host: node1 }
  VM-A:
    host: node1
    nics: [{ port: vma0, network: demo3000 }]
  VM-B:
    host: node2
    nics: [{ port: vmb0, network: demo3000 }]
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
"
    ));
}

/// What has no effect, or an effect that was hardly meant; each once, beside its like that is fine.
#[test]
fn warnings_about_settings_without_effect() {
    insta::assert_snapshot!(warnings(
        "\
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1:
    bridges: { local: br0.local, service: br.nf, uplink: br0 }
    uplinks: [eth1]
    uplink_mode: balance
  node2:
    bridges: { local: br1.local, service: br1.nf, uplink: br1 }
    uplinks: [eth1, eth2]
    uplink_mode: separate
  node3:
    bridges: { local: br2.local, service: br2.nf, uplink: br2 }
    uplinks: [eth1, eth2]
    uplink_mode: active_backup
vms:
  VM-A:
    host: node1
    nics:
      - { port: vma0, mac: 52:54:00:00:00:0a, network: demo3000, forged_transmits: reject, max_macs: 4 }
      - { port: vma1, mac: 52:54:00:00:00:0b, network: demo3000, mac_changes: reject, max_macs: 4 }
      - { port: vma2, mac: 52:54:00:00:00:0c, network: demo3000, promiscuous: reject, max_macs: 4 }
  beside:
    host: node3
    nics:
      - { port: vmb0, network: demo3000, type: direct }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - name: ids
        mode: tap
        instances:
          - { host: node1, port: ids0, enabled: false }
          - { host: node1, port: ids1, enabled: false }
          - { host: node2, port: ids0 }
      - name: ips
        mode: inline
        instances:
          - { host: node1, ingress: ips0-in, egress: ips0-out, enabled: false }
          - { host: node1, ingress: ips1-in, egress: ips1-out }
          - { host: node2, ingress: ips0-in, egress: ips0-out, enabled: false }
      - name: far
        mode: tap
        snap_length: 1465
        instances:
          - { host: node1, port: far0, remote: { type: gre, ip: 192.0.2.9, key: 7 } }
          - { host: node1, port: far1, remote: { type: vxlan, ip: 192.0.2.9, vni: 7 } }
          - { host: node2, port: far0 }
      - name: optional
        mode: inline
        failure_policy: fail_open
        instances:
          - { host: node1, ingress: opt-in, egress: opt-out, enabled: false }
      - name: tried
        mode: inline
        shadow: true
        instances:
          - { host: node1, ingress: try-in, egress: try-out, enabled: false }
      - name: drained
        mode: inline
        enabled: false
        instances:
          - { host: node1, ingress: ips2-in, egress: ips2-out, enabled: false }
"
    ));
}

const SMALL: &str = "\
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts: { node1: { bridges: { local: br0.local, uplink: br0 } } }
vms:
  VM-A:
    host: node1
    nics:
      - { port: vma0, mac: 52:54:00:00:00:0a, network: demo3000 }
";

#[test]
fn encodings_and_line_ends_of_other_systems_are_fine() {
    let plain = config::parse("lab.yaml", SMALL).expect("a good file");
    let with_bom = format!("\u{feff}{SMALL}");
    for text in [
        with_bom.clone(),
        SMALL.replace('\n', "\r\n"),
        SMALL.replace('\n', "\r"),
    ] {
        assert_eq!(
            config::parse("lab.yaml", &text).as_ref(),
            Ok(&plain),
            "{text:?}"
        );
    }
    // Places are the same too.
    let expected = refused(SMALL.replace("demo3000 }\n", "demo }\n"));
    assert!(expected.contains("lab.yaml:7:56: "), "{expected}");
    for text in [
        with_bom,
        SMALL.replace('\n', "\r\n"),
        SMALL.replace('\n', "\r"),
    ] {
        let text = text.replace("network: demo3000", "network: demo");
        assert_eq!(refused(text), expected);
    }
}

#[test]
fn anchors_and_aliases_can_be_used() {
    let text = SMALL
        .replace("network: demo3000", "network: *net")
        .replace("demo3000:", "&net demo3000:");
    assert_eq!(
        config::parse("lab.yaml", text),
        config::parse("lab.yaml", SMALL)
    );
}

#[test]
fn empty_sections_are_sections_without_entries() {
    let (topology, _) =
        config::parse("lab.yaml", "controller:\nnetworks:\nhosts: { any: { bridges: { learning: '*' } } }\nvms:\nservice_chains:\n")
            .expect("a good file");
    assert!(topology.networks.is_empty());
}

#[test]
fn files_that_cannot_be_read_are_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing.yaml");
    for path in [missing.as_path(), directory.path()] {
        let refused = config::load(path).expect_err("no file").to_string();
        let file = path.display().to_string();
        assert!(
            refused.starts_with(&format!("{file}: cannot read this file: ")),
            "{refused}"
        );
    }
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let refused = config::load(Path::new("/dev/zero"))
        .expect_err("too long")
        .to_string();
    assert_eq!(
        refused,
        "/dev/zero: the file is longer than 16 MiB\n1 mistake"
    );
}

#[test]
fn a_large_file_is_read_and_its_last_line_checked() {
    let mut text = SMALL.to_owned();
    for vm in 0..3000 {
        text.push_str(&format!(
            "  vm{vm}: {{ host: node1, nics: [{{ port: vm{vm}, network: demo3000 }}] }}\n"
        ));
    }
    let (topology, _) = config::parse("lab.yaml", &text).expect("a good file");
    assert_eq!(topology.hosts["node1"].vnics.len(), 3001);
    text.push_str("  last: { host: node1, nics: [{ port: last, network: demo400 }] }\n");
    let refused = refused(text);
    assert!(
        refused.starts_with("lab.yaml:3008:54: vms.last.nics[0].network: "),
        "{refused}"
    );
}

/// A good file with some of it overwritten, cut out or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let examples: Vec<Vec<u8>> = files("configs")
        .iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect();
    let change = (
        any::<prop::sample::Index>(),
        0..40_usize,
        0..3_u8,
        "[ -~\n\t\u{e4}*&!<{}\\[\\]:,\"']{0,12}",
    );
    (
        prop::sample::select(examples),
        prop::collection::vec(change, 1..6),
    )
        .prop_map(|(mut text, changes)| {
            for (at, length, kind, new) in changes {
                let start = at.index(text.len() + 1);
                let end = (start + length).min(text.len());
                let new = match kind {
                    0 => new.into_bytes(),
                    1 => Vec::new(),
                    _ => text[start..end].repeat(2),
                };
                text.splice(start..end, new);
            }
            text
        })
}

/// How many vNICs the hosts of a good file have, by another way of reading it.
fn count_nics(text: &[u8]) -> usize {
    let document: serde_yaml::Value = serde_yaml::from_slice(text).expect("YAML");
    let vms = document["vms"].as_mapping().into_iter().flatten();
    vms.map(|(_, vm)| {
        let hosts = vm["host"].as_sequence().map_or(1, Vec::len);
        hosts * vm["nics"].as_sequence().map_or(0, Vec::len)
    })
    .sum()
}

proptest! {
    /// Whatever the text is, it is read or refused, with at least one mistake to show for it, and
    /// what is read is complete.
    #[test]
    fn no_text_makes_it_panic(text in mutated()) {
        match config::parse("lab.yaml", &text) {
            Ok((topology, _)) => {
                let vnics = topology.hosts.values().map(|host| host.vnics.len()).sum::<usize>();
                prop_assert_eq!(vnics, count_nics(&text));
            }
            Err(mistakes) => {
                prop_assert!(mistakes.mistakes() > 0);
                prop_assert!(mistakes.to_string().contains("lab.yaml"));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = config::parse("lab.yaml", bytes);
    }
}

#[test]
fn settings_of_the_api_that_are_doubtful_get_a_warning() {
    let of = |settings: &str| {
        warnings(&format!(
            "controller: {{ {settings} }}\nhosts: {{ any: {{ bridges: {{ learning: '*' }} }} }}"
        ))
    };
    let token = "api_token_file: /etc/bridgechain/token";
    assert!(of(token).contains("controller.api_token_file: has no effect"));
    assert_eq!(of(&format!("api: 'tcp:127.0.0.1:6680', {token}")), "");
    let open = of(&format!(
        "api: 'tcp:192.0.2.1:6680', metrics: 'tcp:192.0.2.1:9475', {token}"
    ));
    assert!(
        open.contains("tokens and answers pass the network in clear"),
        "{open}"
    );
    assert!(open.contains("whoever reaches it may read it"), "{open}");
}
