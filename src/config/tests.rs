//! What the keys of a file become.

use std::num::NonZeroU16;

use super::{Diagnostic, parse};
use crate::topology::{
    Attachment, CopyScope, CopyTag, Copying, FailurePolicy, Function, FunctionKind, HealthCheck,
    Permission, PortSecurity, Prefix, Promiscuous, Protocol, RateLimit, Redundancy, Remote,
    SkipRule, Topology, Tunnel, UplinkMode, Vlan, Vnic,
};

/// A file in which parts can be replaced.
const LAB: &str = "\
networks: { demo: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1:
    bridges: { local: br0.local, service: br.nf, uplink: br0 }
    uplinks: [eth1, eth2]
    uplink_mode: separate
  node2:
    bridges: { local: br1.local, service: br1.nf, uplink: br1 }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: 52:54:00:00:00:0a, network: demo }] }
  VM-B: { host: node2, nics: [{ port: vmb0, network: demo }] }
service_chains:
  inspect:
    networks: [demo]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: ips-in, egress: ips-out }] }
";

/// The lab with some parts replaced.
fn lab(changes: &[(&str, &str)]) -> String {
    let mut text = LAB.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        text = text.replace(from, to);
    }
    text
}

fn good(changes: &[(&str, &str)]) -> Topology {
    match parse("lab.yaml", lab(changes)) {
        Ok((topology, _)) => topology,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// VM-A's vNIC, with more keys.
fn vnic(keys: &str) -> Vnic {
    let keys = format!("mac: 52:54:00:00:00:0a, {keys}");
    let topology = good(&[("mac: 52:54:00:00:00:0a,", &keys)]);
    topology.hosts["node1"].vnics[0].clone()
}

/// A function of the one chain, by position.
fn function(topology: &Topology, position: usize) -> Function {
    topology.hosts["node1"].chains[0].functions[position].clone()
}

/// The tap, with more keys.
fn tap(keys: &str) -> Function {
    function(&good(&[("mode: tap,", &format!("mode: tap, {keys}"))]), 0)
}

fn copying(keys: &str) -> Copying {
    match tap(keys).kind {
        FunctionKind::Tap { copying, .. } => copying,
        FunctionKind::Inline { .. } => panic!("no tap"),
    }
}

#[test]
fn a_vnic_is_limited_only_where_the_file_says_so() {
    let plain = vnic("");
    assert_eq!(plain.attachment, Attachment::Normal);
    assert_eq!(plain.promiscuous, Promiscuous::Bum);
    assert_eq!(plain.security, PortSecurity::default());
    assert!(!plain.roams);
    let limited = vnic(
        "type: direct, promiscuous: reject, forged_transmits: reject, mac_changes: accept, \
         max_macs: 4, storm_limit: 1000,",
    );
    assert_eq!(limited.attachment, Attachment::Direct);
    assert_eq!(limited.promiscuous, Promiscuous::Reject);
    assert_eq!(
        limited.security,
        PortSecurity {
            forged_transmits: Permission::Reject,
            mac_changes: Permission::Accept,
            max_macs: Some(4),
            storm_limit: Some(1000),
        }
    );
    let held = vnic("promiscuous: accept, forged_transmits: accept, mac_changes: reject,");
    assert_eq!(held.promiscuous, Promiscuous::Accept);
    assert_eq!(held.security.forged_transmits, Permission::Accept);
    assert_eq!(held.security.mac_changes, Permission::Reject);
}

#[test]
fn a_vm_on_several_hosts_has_its_vnics_on_each() {
    let topology = good(&[("VM-A: { host: node1", "VM-A: { host: [node2, node1]")]);
    let on = |host: &str| topology.hosts[host].vnics.clone();
    let roaming = on("node1");
    assert_eq!(roaming.len(), 1);
    assert!(roaming[0].roams);
    assert_eq!(on("node2")[0], roaming[0]);
    assert!(!on("node2")[1].roams, "VM-B stays where it is");
    let one = good(&[("VM-A: { host: node1", "VM-A: { host: [node1]")]);
    assert_eq!(one, good(&[]), "a list of one is that one");
}

#[test]
fn a_vnic_without_an_address_and_a_vm_of_a_chain_may_roam() {
    let topology = good(&[("VM-B: { host: node2", "VM-B: { host: [node1, node2]")]);
    assert!(topology.hosts["node1"].vnics[1].roams);
    let topology = good(&[
        ("VM-A: { host: node1", "VM-A: { host: [node1, node2]"),
        ("networks: [demo]", "vms: [VM-A]"),
    ]);
    assert!(topology.hosts["node1"].chains[0].vms.contains("VM-A"));
}

#[test]
fn uplinks_and_limits_of_networks_are_those_of_every_host() {
    for (word, mode) in [
        ("separate", UplinkMode::Separate),
        ("active_backup", UplinkMode::ActiveBackup),
        ("balance", UplinkMode::Balance),
    ] {
        let topology = good(&[("uplink_mode: separate", &format!("uplink_mode: {word}"))]);
        assert_eq!(topology.hosts["node1"].uplink_mode, mode, "{word}");
        assert_eq!(topology.hosts["node2"].uplink_mode, UplinkMode::Separate);
    }
    assert!(good(&[]).hosts["node1"].max_macs.is_empty());
    let topology = good(&[("vlan: 3000", "vlan: 3000, max_macs: 100")]);
    for host in topology.hosts.values() {
        let limits: Vec<(u16, u32)> = host
            .max_macs
            .iter()
            .map(|(vlan, limit)| (vlan.id(), *limit))
            .collect();
        assert_eq!(limits, [(3000, 100)], "{}", host.name);
    }
}

#[test]
fn a_function_is_in_service_and_in_the_way_unless_the_file_says_otherwise() {
    let topology = good(&[]);
    let (ids, ips) = (function(&topology, 0), function(&topology, 1));
    for function in [&ids, &ips] {
        assert!(function.enabled);
        assert_eq!(function.redundancy, Redundancy::ActiveActive);
    }
    let FunctionKind::Tap { copying, instances } = &ids.kind else {
        panic!("no tap");
    };
    assert_eq!(*copying, Copying::default());
    assert!(instances[0].enabled && instances[0].remote.is_none());
    let FunctionKind::Inline {
        shadow, instances, ..
    } = &ips.kind
    else {
        panic!("not inline");
    };
    assert!(!shadow && instances[0].enabled);

    assert!(tap("enabled: true,").enabled);
    assert!(!tap("enabled: false,").enabled);
    let passive = tap("redundancy: active_passive,");
    assert_eq!(passive.redundancy, Redundancy::ActivePassive);
    let active = tap("redundancy: active_active,");
    assert_eq!(active.redundancy, Redundancy::ActiveActive);
}

#[test]
fn inline_instances_share_a_host_and_are_drained_one_by_one() {
    let topology = good(&[
        (
            "mode: inline,",
            "mode: inline, shadow: true, failure_policy: fail_open, health_check: {}, enabled: \
             false, redundancy: active_passive,",
        ),
        (
            "{ host: node1, ingress: ips-in, egress: ips-out }",
            "{ host: node1, ingress: i0, egress: e0, enabled: false }, { host: node1, ingress: i1, \
             egress: e1, enabled: true }, { host: node2, ingress: i0, egress: e0 }, { host: node1, \
             ingress: i2, enabled: false }",
        ),
        ("port: ids0", "port: ids0, enabled: false"),
    ]);
    let ips = function(&topology, 1);
    assert!(!ips.enabled);
    assert_eq!(ips.redundancy, Redundancy::ActivePassive);
    let FunctionKind::Inline {
        shadow,
        failure_policy,
        health_check,
        instances,
        waiting,
    } = ips.kind
    else {
        panic!("not inline");
    };
    assert!(shadow);
    assert_eq!(failure_policy, FailurePolicy::FailOpen);
    assert!(matches!(
        health_check,
        Some(HealthCheck {
            failure_threshold: 1,
            ..
        })
    ));
    let legs: Vec<(&str, &str, bool)> = instances
        .iter()
        .map(|legs| (&*legs.ingress, &*legs.egress, legs.enabled))
        .collect();
    assert_eq!(legs, [("i0", "e0", false), ("i1", "e1", true)]);
    // One that has no egress leg yet, and is drained until then.
    assert_eq!(waiting, ["i2"]);
    let FunctionKind::Tap { instances, .. } = function(&topology, 0).kind else {
        panic!("no tap");
    };
    assert!(!instances[0].enabled);
}

/// Frames of a function that fails closed do not pass while its only instance waits for a leg.
#[test]
fn a_function_of_which_one_leg_is_there_is_there() {
    let (topology, warnings) = parse(
        "lab.yaml",
        lab(&[
            ("mode: inline,", "mode: inline, redundancy: active_passive,"),
            (
                "ingress: ips-in, egress: ips-out",
                "ingress: ips-in, enabled: false",
            ),
        ]),
    )
    .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let ips = function(&topology, 1);
    assert_eq!(ips.kind.ports(), ["ips-in"]);
    assert!(ips.kind.instances().is_empty());
    let stops = |warning: &&Diagnostic| warning.message.contains("frames stop there (fail_close)");
    assert_eq!(warnings.iter().filter(stops).count(), 1, "{warnings:?}");
}

#[test]
fn what_is_copied_is_read() {
    let all = copying(
        "direction: east_west, filter: [{ skip: { protocol: tcp, ports: [443, 8000-8010, 9-9], \
         prefixes: [10.0.0.0/8, \"2001:db8::/32\"] } }, { skip: { ports: [0-65535] } }], \
         snap_length: 128, sampling: 10, rate_limit: { kbps: 10000 }, tag: { to_uplink: 101, \
         to_guests: 102 },",
    );
    let prefix = |address: &str, length| Prefix {
        address: address.parse().expect("an address"),
        length,
    };
    let expected = Copying {
        skip: vec![
            SkipRule {
                protocol: Some(Protocol::Ip(6)),
                ports: vec![443..=443, 8000..=8010, 9..=9],
                prefixes: vec![prefix("10.0.0.0", 8), prefix("2001:db8::", 32)],
            },
            SkipRule {
                protocol: None,
                ports: vec![0..=65535],
                prefixes: vec![],
            },
        ],
        scope: CopyScope::EastWest,
        snap_length: Some(128),
        sampling: NonZeroU16::new(10),
        rate_limit: Some(RateLimit::Kbps(10_000)),
        tag: CopyTag::Outer {
            to_uplink: Vlan::new(101).expect("a VLAN"),
            to_guests: Vlan::new(102).expect("a VLAN"),
        },
    };
    assert_eq!(all, expected);
    assert_eq!(
        copying("direction: all, filter: [], tag: keep,"),
        Copying::default()
    );
    let other = copying("rate_limit: { pps: 1000 }, tag: strip,");
    assert_eq!(other.rate_limit, Some(RateLimit::Pps(1000)));
    assert_eq!(other.tag, CopyTag::Strip);
}

#[test]
fn protocols_have_the_numbers_that_iana_gave_them() {
    for (word, protocol) in [
        ("tcp", Protocol::Ip(6)),
        ("udp", Protocol::Ip(17)),
        ("sctp", Protocol::Ip(132)),
        ("icmp", Protocol::Ip(1)),
        ("icmpv6", Protocol::Ip(58)),
        ("gre", Protocol::Ip(47)),
        ("esp", Protocol::Ip(50)),
        ("arp", Protocol::Arp),
        ("0", Protocol::Ip(0)),
        ("255", Protocol::Ip(255)),
    ] {
        let copying = copying(&format!("filter: [{{ skip: {{ protocol: {word} }} }}],"));
        assert_eq!(copying.skip[0].protocol, Some(protocol), "{word}");
    }
}

/// The lab with a tap of these remote instances.
fn sinks(remotes: &[(&str, &str)]) -> Topology {
    let instances: Vec<String> = remotes
        .iter()
        .enumerate()
        .map(|(n, (host, remote))| {
            format!("{{ host: {host}, port: sink{n}, remote: {{ {remote} }} }}")
        })
        .collect();
    good(&[("{ host: node1, port: ids0 }", &instances.join(", "))])
}

#[test]
fn remote_sinks_are_tunnels() {
    let topology = sinks(&[
        ("node1", "type: vxlan, ip: 192.0.2.9, vni: 5000"),
        ("node1", "type: gre, ip: 192.0.2.9, key: 7"),
        ("node1", "type: gre, ip: \"2001:db8::9\""),
        ("node1", "type: erspan, ip: 192.0.2.9, session: 7, index: 1"),
        ("node1", "type: erspan, ip: 192.0.2.9, session: 8"),
    ]);
    let FunctionKind::Tap { instances, .. } = function(&topology, 0).kind else {
        panic!("no tap");
    };
    let remotes: Vec<Remote> = instances.into_iter().filter_map(|tap| tap.remote).collect();
    let remote = |tunnel, ip: &str| Remote {
        tunnel,
        ip: ip.parse().expect("an address"),
    };
    let (session, index) = (7, 1);
    assert_eq!(
        remotes,
        [
            remote(Tunnel::Vxlan { vni: 5000 }, "192.0.2.9"),
            remote(Tunnel::Gre { key: Some(7) }, "192.0.2.9"),
            remote(Tunnel::Gre { key: None }, "2001:db8::9"),
            remote(Tunnel::Erspan { session, index }, "192.0.2.9"),
            remote(
                Tunnel::Erspan {
                    session: 8,
                    index: 0
                },
                "192.0.2.9"
            ),
        ]
    );
}

#[test]
fn tunnels_that_differ_in_anything_open_vswitch_looks_at_are_fine() {
    sinks(&[
        ("node1", "type: vxlan, ip: 192.0.2.9, vni: 7"),
        ("node1", "type: vxlan, ip: 192.0.2.9, vni: 8"),
        ("node1", "type: vxlan, ip: 192.0.2.10, vni: 7"),
        ("node1", "type: gre, ip: 192.0.2.9, key: 7"),
        ("node1", "type: gre, ip: 192.0.2.9"),
        ("node1", "type: erspan, ip: 192.0.2.9, session: 7"),
        ("node2", "type: vxlan, ip: 192.0.2.9, vni: 7"),
    ]);
}

/// Every number has its limits, and those themselves are within.
#[test]
fn limits_are_good_and_what_is_beyond_is_not() {
    let remote = "port: ids0 }";
    for (from, to, low, high) in [
        ("vlan: 3000", "vlan: 3000, max_macs: #", 1, 16_384),
        (
            "network: demo }] }\n  VM-B",
            "network: demo, max_macs: # }] }\n  VM-B",
            1,
            16_384,
        ),
        (
            "network: demo }] }\n  VM-B",
            "network: demo, storm_limit: # }] }\n  VM-B",
            1,
            4_294_967_295,
        ),
        ("mode: tap,", "mode: tap, snap_length: #,", 14, 65_535),
        ("mode: tap,", "mode: tap, sampling: #,", 2, 65_535),
        (
            "mode: tap,",
            "mode: tap, rate_limit: { kbps: # },",
            1,
            4_294_967_295,
        ),
        (
            "mode: tap,",
            "mode: tap, rate_limit: { pps: # },",
            1,
            4_294_967_295,
        ),
        (
            "mode: tap,",
            "mode: tap, tag: { to_uplink: #, to_guests: 1 },",
            1,
            4_094,
        ),
        (
            "mode: tap,",
            "mode: tap, tag: { to_uplink: 1, to_guests: # },",
            1,
            4_094,
        ),
        (
            "mode: tap,",
            "mode: tap, filter: [{ skip: { protocol: # } }],",
            0,
            255,
        ),
        (
            "mode: tap,",
            "mode: tap, filter: [{ skip: { ports: [#] } }],",
            0,
            65_535,
        ),
        (
            remote,
            "port: x, remote: { type: vxlan, ip: 192.0.2.9, vni: # } }",
            0,
            16_777_215,
        ),
        (
            remote,
            "port: x, remote: { type: gre, ip: 192.0.2.9, key: # } }",
            0,
            4_294_967_295,
        ),
        (
            remote,
            "port: x, remote: { type: erspan, ip: 192.0.2.9, session: # } }",
            0,
            1_023,
        ),
        (
            remote,
            "port: x, remote: { type: erspan, ip: 192.0.2.9, session: 1, index: # } }",
            0,
            1_048_575,
        ),
    ] {
        let with = |number: i64| lab(&[(from, &to.replace('#', &number.to_string()))]);
        for within in [low, high] {
            let text = with(within);
            assert!(parse("lab.yaml", &text).is_ok(), "{text}");
        }
        for beyond in [low - 1, high + 1] {
            let text = with(beyond);
            let mistakes = parse("lab.yaml", &text).expect_err(&text);
            assert_eq!(mistakes.mistakes(), 1, "{mistakes}");
        }
    }
}

#[test]
fn a_chain_has_as_many_functions_as_it_may_have() {
    let taps = |count: usize| {
        let taps: String = (0..count)
            .map(|n| format!("      - {{ name: f{n}, mode: tap, instances: [{{ host: node2, port: f{n} }}] }}\n"))
            .collect();
        lab(&[("    functions:\n", &format!("    functions:\n{taps}"))])
    };
    let (topology, _) = parse("lab.yaml", taps(30)).expect("a good file");
    assert_eq!(topology.hosts["node2"].chains[0].functions.len(), 30);
    assert!(parse("lab.yaml", taps(31)).is_err());
}
