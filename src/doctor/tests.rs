use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::*;
use crate::config;
use crate::portmap;
use crate::setup;

const CONFIG: &str = "
networks: { a: { vlan: 100 }, b: { vlan: 200 } }
hosts: { node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1],
                  ovsdb: 'tcp:127.0.0.1:6640' } }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, network: a }] }
  VM-T: { host: node1, nics: [{ port: vmt0, vlan_mode: trunked, trunked_networks: [a, b] }] }
  VM-R: { host: [node1], nics: [{ port: vmr0, mac: '52:54:00:00:00:01', network: a }] }
service_chains:
  c:
    networks: [a]
    functions:
      - { name: ids, mode: tap, tag: { to_uplink: 10, to_guests: 11 }, instances: [{ host: node1, port: ids0 }] }
      - { name: far, mode: tap, instances: [{ host: node1, port: vx0, remote: { type: vxlan, ip: 192.0.2.9, vni: 7 } }] }
      - { name: old, mode: tap, enabled: false, instances: [{ host: node1, port: old0 }] }
      - name: ips
        mode: inline
        health_check: {}
        instances: [{ host: node1, ingress: ips-in, egress: ips-out }]
";

fn topology() -> Topology {
    match config::parse("lab.yaml", CONFIG) {
        Ok((topology, _)) => topology,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn tools() -> Tools {
    Tools {
        config: Some("lab.yaml".to_owned()),
        ..Tools::default()
    }
}

/// A machine on which all is well.
fn healthy(topology: &Topology) -> Facts {
    let host = &topology.hosts["node1"];
    let text = str::to_owned;
    let mut facts = Facts::default();
    for (role, known) in host.bridges() {
        let mut bridge = Bridge {
            fail_mode: Some(text("secure")),
            datapath_id: Some(known.datapath_id.to_string()),
            datapath_type: text("netdev"),
            controllers: vec![Controller {
                target: text("tcp:127.0.0.1:6653"),
                is_connected: true,
                connection_mode: Some(text("out-of-band")),
                last_error: None,
            }],
            ..Bridge::default()
        };
        let id = known.datapath_id.to_string();
        bridge.other_config.insert(text("datapath-id"), id);
        for name in portmap::configured(host, role) {
            let port = Port {
                row: text(name),
                has_link: Some(true),
                is_up: Some(true),
                mtu: Some(if name == "ids0" { 1504 } else { 1500 }),
                ..Port::default()
            };
            facts.devices.insert(text(name), Device::default());
            bridge.ports.insert(text(name), port);
        }
        let mac = Some(text("02:00:00:00:00:01"));
        let own = Port {
            mac: mac.clone(),
            ..Port::default()
        };
        bridge.ports.insert(known.name.clone(), own);
        let device = Device {
            mac,
            ..Device::default()
        };
        facts.devices.insert(known.name.clone(), device);
        facts.bridges.insert(known.name.clone(), bridge);
        let holds = Holds {
            ofctl_name: known.name.clone(),
            has_ours: true,
            ..Holds::default()
        };
        facts
            .contents
            .insert(known.name.clone(), Contents::Read(holds));
    }
    for (port, peer) in [
        ("local-nf", "nf-local"),
        ("nf-local", "local-nf"),
        ("nf-uplink", "uplink-nf"),
        ("uplink-nf", "nf-uplink"),
    ] {
        let port = port_mut(&mut facts, port);
        port.kind = text("patch");
        port.options.insert(text("peer"), text(peer));
    }
    let bridges = facts.bridges.iter();
    let ids = bridges.map(|(name, bridge)| (name.clone(), bridge.datapath_id.clone()));
    facts.ovsdb = Some(Ok(ids.collect()));
    for (name, remote) in host.remotes() {
        let (kind, options) = setup::tunnel_options(remote);
        let port = port_mut(&mut facts, name);
        port.kind = text(kind);
        let options = options.into_iter();
        port.options = options
            .filter_map(|(key, value)| Some((text(key), value?)))
            .collect();
        facts.routes.insert(remote.ip, text("br0"));
    }
    facts
}

fn port_mut<'f>(facts: &'f mut Facts, name: &str) -> &'f mut Port {
    let mut bridges = facts.bridges.values_mut();
    bridges
        .find_map(|bridge| bridge.ports.get_mut(name))
        .expect("a port")
}

fn bridge_mut<'f>(facts: &'f mut Facts, name: &str) -> &'f mut Bridge {
    facts.bridges.get_mut(name).expect("a bridge")
}

fn holds_mut<'f>(facts: &'f mut Facts, name: &str) -> &'f mut Holds {
    match facts.contents.get_mut(name) {
        Some(Contents::Read(holds)) => holds,
        _ => panic!("no contents"),
    }
}

fn remove(facts: &mut Facts, name: &str) -> Port {
    let mut bridges = facts.bridges.values_mut();
    bridges
        .find_map(|bridge| bridge.ports.remove(name))
        .expect("a port")
}

/// What is wrong, a line each: level, check, subject, and the command.
fn wrong(topology: &Topology, tools: &Tools, facts: &Facts) -> Vec<String> {
    let findings = examine(topology, &topology.hosts["node1"], tools, facts);
    let wrong = findings.iter().filter(|it| it.level != Level::Ok);
    wrong
        .map(|it| {
            let subject = it.subject.as_deref().unwrap_or("-");
            let mend = it.mend.as_deref().unwrap_or("-");
            format!("{} {} {subject}: {mend}", it.level, it.check)
        })
        .collect()
}

#[test]
fn where_all_is_well_every_check_says_so() {
    let topology = topology();
    let facts = healthy(&topology);
    let findings = examine(&topology, &topology.hosts["node1"], &tools(), &facts);
    let checks: Vec<Check> = findings.iter().map(|it| it.check).collect();
    assert_eq!(checks, Check::ALL);
    assert!(
        findings.iter().all(|it| it.level == Level::Ok),
        "{findings:#?}"
    );
}

/// Gives a bridge another datapath id, which the database that is named has as well: it is the same one.
fn renumber(facts: &mut Facts, bridge: &str, id: &str) {
    bridge_mut(facts, bridge).datapath_id = Some(id.to_owned());
    if let Some(Ok(ids)) = &mut facts.ovsdb {
        ids.insert(bridge.to_owned(), Some(id.to_owned()));
    }
}

/// Plugs in a guest that the configuration does not know, with this noted of it.
fn plug_guest(facts: &mut Facts, key: &str) {
    let port = Port {
        row: "tap0".to_owned(),
        external_ids: BTreeMap::from([(key.to_owned(), "x".to_owned())]),
        ..Port::default()
    };
    let bridge = bridge_mut(facts, "br0.local");
    bridge.ports.insert("tap0".to_owned(), port);
}

/// Makes these the members of one bond, on the bridge of the first; the others are new.
fn bond(facts: &mut Facts, members: &[&str]) {
    let mut bridges = facts.bridges.values_mut();
    let bridge = bridges
        .find(|bridge| bridge.ports.contains_key(members[0]))
        .expect("a bridge");
    for name in members {
        let port = bridge.ports.entry((*name).to_owned()).or_default();
        port.row = "bond0".to_owned();
    }
}

type Case = (fn(&mut Facts), &'static [&'static str]);

/// What is done to a healthy machine, and all that is found then.
const CASES: &[Case] = &[
    (
        |it| drop(it.bridges.remove("br.nf")),
        &["error bridge br.nf: bridgechain setup lab.yaml --host node1 --datapath-type netdev"],
    ),
    (
        |it| {
            let why = Contents::Unreadable("no answer".to_owned());
            it.contents.insert("br0".to_owned(), why);
        },
        &["error answer br0: /usr/share/openvswitch/scripts/ovs-ctl start"],
    ),
    (
        |it| it.ovsdb = Some(Err("refused".to_owned())),
        &["error ovsdb node1: ovs-vsctl -- --id=@m create Manager \
           'target=\"ptcp:6640:127.0.0.1\"' -- add Open_vSwitch . manager_options @m"],
    ),
    (
        |it| match &mut it.ovsdb {
            Some(Ok(ids)) => drop(ids.insert("br0".to_owned(), Some("1".to_owned()))),
            _ => panic!("no database"),
        },
        &["error ovsdb node1: -"],
    ),
    (
        |it| match &mut it.ovsdb {
            Some(Ok(ids)) => drop(ids.remove("br.nf")),
            _ => panic!("no database"),
        },
        &["error ovsdb node1: -"],
    ),
    (
        |it| bridge_mut(it, "br0").fail_mode = None,
        &["error fail-mode br0: ovs-vsctl set-fail-mode br0 secure"],
    ),
    (
        |it| renumber(it, "br0", "00000612555c2d48"),
        &[
            "warning datapath-id br0: ovs-vsctl set Bridge br0 other-config:datapath-id=eba553d1e6664f33",
        ],
    ),
    (
        |it| bridge_mut(it, "br0").other_config.clear(),
        &[
            "warning datapath-id br0: ovs-vsctl set Bridge br0 other-config:datapath-id=eba553d1e6664f33",
        ],
    ),
    (
        |it| bridge_mut(it, "br0").controllers[0].connection_mode = None,
        &["warning in-band br0: ovs-vsctl set Bridge br0 other-config:disable-in-band=true"],
    ),
    (
        |it| bridge_mut(it, "br0").controllers.clear(),
        &[
            "error controller br0: ovs-vsctl set-controller br0 tcp:127.0.0.1:6653 -- \
           set Controller br0 connection_mode=out-of-band",
        ],
    ),
    (
        |it| bridge_mut(it, "br0").controllers[0].target = "tcp:192.0.2.1:6653".to_owned(),
        &[
            "error controller br0: ovs-vsctl set-controller br0 tcp:127.0.0.1:6653 -- \
           set Controller br0 connection_mode=out-of-band",
        ],
    ),
    (
        |it| {
            let controllers = &mut bridge_mut(it, "br0").controllers;
            let target = "tcp:192.0.2.1:6653".to_owned();
            controllers.push(Controller {
                target,
                ..controllers[0].clone()
            });
        },
        &[
            "warning controller br0: ovs-vsctl set-controller br0 tcp:127.0.0.1:6653 -- \
           set Controller br0 connection_mode=out-of-band",
        ],
    ),
    (
        |it| bridge_mut(it, "br0").controllers[0].is_connected = false,
        &["error connected br0: bridgechain run lab.yaml"],
    ),
    (
        |it| bridge_mut(it, "br0").protocols = BTreeSet::from(["OpenFlow10".to_owned()]),
        &["error protocols br0: ovs-vsctl add Bridge br0 protocols OpenFlow13"],
    ),
    (
        |it| bridge_mut(it, "br.nf").datapath_type.clear(),
        &["error datapath-type br.nf: ovs-vsctl set Bridge br.nf datapath_type=netdev"],
    ),
    (
        |it| bridge_mut(it, "br0").has_spanning_tree = true,
        &["warning spanning-tree br0: ovs-vsctl set Bridge br0 stp_enable=false rstp_enable=false"],
    ),
    (
        |it| bridge_mut(it, "br0").mirrors = 1,
        &["warning mirror br0: ovs-vsctl clear Bridge br0 mirrors"],
    ),
    (
        |it| it.vlan_limit = Some("2".to_owned()),
        &[
            "warning vlan-limit Open_vSwitch: ovs-vsctl remove Open_vSwitch . other_config vlan-limit",
        ],
    ),
    (
        |it| drop(remove(it, "nf-local")),
        &[
            "error patch nf-local: ovs-vsctl --may-exist add-port br.nf nf-local -- \
           set Interface nf-local type=patch options:peer=local-nf",
        ],
    ),
    (
        |it| port_mut(it, "nf-local").kind.clear(),
        &[
            "error patch nf-local: ovs-vsctl --may-exist add-port br.nf nf-local -- \
           set Interface nf-local type=patch options:peer=local-nf",
        ],
    ),
    (
        |it| {
            drop(
                port_mut(it, "uplink-nf")
                    .options
                    .insert("peer".to_owned(), "x".to_owned()),
            )
        },
        &[
            "error patch uplink-nf: ovs-vsctl --may-exist add-port br0 uplink-nf -- \
           set Interface uplink-nf type=patch options:peer=nf-uplink",
        ],
    ),
    (
        |it| {
            drop(
                port_mut(it, "vx0")
                    .options
                    .insert("key".to_owned(), "8".to_owned()),
            )
        },
        &[
            "error tunnel vx0: ovs-vsctl --may-exist add-port br.nf vx0 -- \
           set Interface vx0 type=vxlan options:remote_ip=192.0.2.9 options:key=7 -- \
           remove Interface vx0 options erspan_ver erspan_idx",
        ],
    ),
    (|it| it.routes.clear(), &["error route vx0: -"]),
    // Seen from another network namespace: what is of devices is not known.
    (
        |it| {
            it.devices.retain(|name, _| name == "br0");
            it.devices.get_mut("br0").expect("a device").mac = Some("02:00:00:00:00:02".to_owned());
            it.routes.clear();
            port_mut(it, "vma0").is_up = Some(false);
        },
        &[
            "warning namespace br.nf, br0, br0.local: -",
            "warning link vma0: -",
        ],
    ),
    // A vNIC that is there, a stopped VM, and a VM that is elsewhere.
    (
        |it| drop(remove(it, "vma0")),
        &["warning port vma0: ovs-vsctl --may-exist add-port br0.local vma0"],
    ),
    (
        |it| {
            remove(it, "vma0");
            it.devices.remove("vma0");
        },
        &["warning port vma0: -"],
    ),
    (
        |it| drop(remove(it, "vmr0")),
        &["warning port vmr0: ovs-vsctl --may-exist add-port br0.local vmr0"],
    ),
    (
        |it| drop(remove(it, "eth1")),
        &["error port eth1: ovs-vsctl --may-exist add-port br0 eth1"],
    ),
    // The machine is reached by it.
    (
        |it| {
            remove(it, "eth1");
            let device = it.devices.get_mut("eth1").expect("a device");
            device.user = Some("192.0.2.1".to_owned());
        },
        &["error port eth1: -"],
    ),
    (
        |it| drop(it.devices.remove("ids0")),
        &["error device ids0: -"],
    ),
    (
        |it| drop(remove(it, "ids0")),
        &["error port ids0: ovs-vsctl --may-exist add-port br.nf ids0"],
    ),
    (
        |it| drop(remove(it, "old0")),
        &["warning port old0: ovs-vsctl --may-exist add-port br.nf old0"],
    ),
    (
        |it| {
            let mut port = remove(it, "ids0");
            port.external_ids = BTreeMap::from([("vm-id".to_owned(), "a:b".to_owned())]);
            it.bridges.insert("other".to_owned(), Bridge::default());
            bridge_mut(it, "other")
                .ports
                .insert("ids0".to_owned(), port);
        },
        &[
            r#"error port ids0: ovs-vsctl del-port other ids0 -- add-port br.nf ids0 -- set Interface ids0 'external_ids:"vm-id"="a:b"'"#,
        ],
    ),
    (
        |it| {
            let port = remove(it, "nf-local");
            it.bridges.insert("other".to_owned(), Bridge::default());
            bridge_mut(it, "other")
                .ports
                .insert("nf-local".to_owned(), port);
        },
        &[
            "error patch nf-local: ovs-vsctl del-port other nf-local -- --may-exist add-port br.nf \
           nf-local -- set Interface nf-local type=patch options:peer=local-nf",
        ],
    ),
    (
        |it| {
            it.devices.remove("vma0");
            port_mut(it, "vma0").has_link = Some(false);
        },
        &["warning device vma0: ovs-vsctl del-port br0.local vma0"],
    ),
    (
        |it| port_mut(it, "eth1").error = Some("No such device".to_owned()),
        &["error device eth1: -"],
    ),
    (
        |it| {
            let port = port_mut(it, "ips-in");
            port.is_up = Some(false);
            port.has_link = Some(false);
        },
        &["error link ips-in: ip link set dev ips-in up"],
    ),
    (
        |it| port_mut(it, "eth1").has_link = Some(false),
        &["error link eth1: -"],
    ),
    (
        |it| port_mut(it, "vma0").has_link = Some(false),
        &["warning link vma0: -"],
    ),
    (
        |it| holds_mut(it, "br.nf").failed = vec!["ips-in".to_owned()],
        &["error health ips-in: -"],
    ),
    (
        |it| {
            let row = "bond 0".to_owned();
            let port = Port {
                row,
                ..Port::default()
            };
            bridge_mut(it, "br0").ports.insert("eth9".to_owned(), port);
        },
        &["warning stray eth9: ovs-vsctl del-port br0 'bond 0'"],
    ),
    // The same, while the bridge does what another configuration says; and one that has a device.
    (
        |it| {
            let port = Port {
                row: "eth9".to_owned(),
                ..Port::default()
            };
            bridge_mut(it, "br0").ports.insert("eth9".to_owned(), port);
            holds_mut(it, "br0").wrong = vec!["superfluous: x".to_owned()];
        },
        &["error flows br0: -", "warning stray eth9: -"],
    ),
    (
        |it| {
            let port = Port {
                row: "tap9".to_owned(),
                ..Port::default()
            };
            bridge_mut(it, "br0").ports.insert("tap9".to_owned(), port);
            it.devices.insert("tap9".to_owned(), Device::default());
        },
        &["warning stray tap9: -"],
    ),
    // A guest's, which the configuration does not know.
    (
        |it| plug_guest(it, "attached-mac"),
        &["warning stray tap0: -"],
    ),
    (|it| plug_guest(it, "iface-id"), &["warning stray tap0: -"]),
    (|it| plug_guest(it, "vm-id"), &["warning stray tap0: -"]),
    (|it| plug_guest(it, "vm-uuid"), &["warning stray tap0: -"]),
    // What is left over of a guest that the configuration names.
    (
        |it| {
            it.devices.remove("vma0");
            let ids = [("attached-mac".to_owned(), "52:54:00:00:00:0a".to_owned())];
            port_mut(it, "vma0").external_ids = ids.into();
        },
        &["warning device vma0: -"],
    ),
    // One at another bridge of the host is moved, once.
    (
        |it| {
            let port = remove(it, "vma0");
            bridge_mut(it, "br0").ports.insert("vma0".to_owned(), port);
        },
        &["error port vma0: ovs-vsctl del-port br0 vma0 -- add-port br0.local vma0"],
    ),
    // A bond, of which one member is in the configuration, or none but its own name.
    (
        |it| {
            bond(it, &["eth1", "x0"]);
        },
        &["warning stray x0: -"],
    ),
    (
        |it| {
            bond(it, &["eth1", "x0"]);
            let bond = std::mem::take(&mut bridge_mut(it, "br0").ports);
            it.bridges.insert("other".to_owned(), Bridge::default());
            let (members, rest) = bond.into_iter().partition(|(_, port)| port.row == "bond0");
            bridge_mut(it, "br0").ports = rest;
            bridge_mut(it, "other").ports = members;
        },
        &["error port eth1: -"],
    ),
    (
        |it| {
            bond(it, &["ids0", "x0"]);
            it.devices.remove("ids0");
        },
        &["error device ids0: -", "warning stray x0: -"],
    ),
    (
        |it| {
            let mut port = remove(it, "eth1");
            port.row = "eth1".to_owned();
            for name in ["x0", "x1"] {
                bridge_mut(it, "br0")
                    .ports
                    .insert(name.to_owned(), port.clone());
            }
        },
        &["error port eth1: -"],
    ),
    // Guests with longer frames: everything must have room for them.
    (
        |it| port_mut(it, "vmt0").mtu = Some(9000),
        &[
            "warning mtu eth1: ovs-vsctl set Interface eth1 mtu_request=9000",
            "warning mtu ids0: ovs-vsctl set Interface ids0 mtu_request=9004",
            "warning mtu old0: ovs-vsctl set Interface old0 mtu_request=9000",
            "warning mtu ips-in: ovs-vsctl set Interface ips-in mtu_request=9000",
            "warning mtu ips-out: ovs-vsctl set Interface ips-out mtu_request=9000",
        ],
    ),
    // The outer tag is the second one.
    (
        |it| port_mut(it, "ids0").mtu = Some(1500),
        &["warning mtu ids0: ovs-vsctl set Interface ids0 mtu_request=1504"],
    ),
    // Copies travel by another device.
    (
        |it| {
            let device = Device {
                mtu: Some(1450),
                ..Device::default()
            };
            it.devices.insert("wg0".to_owned(), device);
            it.routes
                .insert(IpAddr::from([192, 0, 2, 9]), "wg0".to_owned());
        },
        &["warning mtu wg0: ip link set dev wg0 mtu 1500"],
    ),
    (
        |it| {
            let on = ["generic-receive-offload", "tcp-segmentation-offload"];
            for name in ["eth1", "vma0"] {
                let device = it.devices.get_mut(name).expect("a device");
                device.offloads = on.map(str::to_owned).into();
            }
        },
        &["warning offload eth1: ethtool -K eth1 gro off"],
    ),
    (
        |it| {
            for bridge in it.bridges.values_mut() {
                bridge.datapath_type = "system".to_owned();
            }
            let on = [
                "generic-receive-offload",
                "large-receive-offload",
                "tcp-segmentation-offload",
                "generic-segmentation-offload",
            ];
            for name in ["eth1", "ids0"] {
                let device = it.devices.get_mut(name).expect("a device");
                device.offloads = on.map(str::to_owned).into();
            }
        },
        &[
            "warning offload ids0: ethtool -K ids0 lro off tso off gso off",
            "warning offload eth1: ethtool -K eth1 lro off",
        ],
    ),
    (
        |it| {
            let example = "table=0,priority=9 actions=drop".to_owned();
            let holds = holds_mut(it, "br0");
            holds.ofctl_name = "unix:/tmp/br0.mgmt".to_owned();
            holds.foreign = vec![
                Foreign::Flows {
                    cookie: 0xbad,
                    count: 2,
                    example,
                },
                Foreign::Group(7),
                Foreign::Meter(8),
            ];
        },
        &[
            "warning foreign br0: ovs-ofctl -O OpenFlow13 del-flows unix:/tmp/br0.mgmt cookie=0xbad/-1",
            "warning foreign br0: ovs-ofctl -O OpenFlow13 del-groups unix:/tmp/br0.mgmt group_id=7",
            "warning foreign br0: ovs-ofctl -O OpenFlow13 del-meter unix:/tmp/br0.mgmt meter=8",
        ],
    ),
    (
        |it| holds_mut(it, "br0").wrong = vec!["missing: x".to_owned()],
        &["error flows br0: -"],
    ),
    (
        |it| {
            holds_mut(it, "br0").wrong = vec!["missing: x".to_owned()];
            bridge_mut(it, "br0").controllers[0].is_connected = false;
        },
        &[
            "error connected br0: bridgechain run lab.yaml",
            "error flows br0: bridgechain run lab.yaml",
        ],
    ),
];

#[test]
fn that_a_drained_instance_does_not_forward_harms_nobody() {
    let drained = CONFIG.replace("egress: ips-out }", "egress: ips-out, enabled: false }");
    let topology = config::parse("lab.yaml", drained).unwrap().0;
    let mut facts = healthy(&topology);
    holds_mut(&mut facts, "br.nf").failed = vec!["ips-in".to_owned()];
    let found = wrong(&topology, &tools(), &facts);
    assert_eq!(found, ["warning health ips-in: -"]);
}

#[test]
fn every_fault_is_found_and_nothing_else() {
    let topology = topology();
    let mut found = BTreeSet::new();
    for (place, (fault, expected)) in CASES.iter().enumerate() {
        let mut facts = healthy(&topology);
        fault(&mut facts);
        assert_eq!(
            wrong(&topology, &tools(), &facts),
            *expected,
            "case {place}"
        );
        let checks = expected.iter().filter_map(|line| line.split(' ').nth(1));
        found.extend(checks);
    }
    for check in Check::ALL {
        assert!(found.contains(check.name()), "no case finds {check}");
    }
}

#[test]
fn a_bridge_that_is_known_by_its_datapath_id_alone_must_have_it() {
    let two = CONFIG.replace(
        "hosts: {",
        "hosts: { node2: { bridges: { local: br0.local, uplink: br0 } },",
    );
    let topology = match config::parse("lab.yaml", two) {
        Ok((topology, _)) => topology,
        Err(mistakes) => panic!("{mistakes}"),
    };
    let mut facts = healthy(&topology);
    for name in ["br0", "br.nf"] {
        renumber(&mut facts, name, "1");
    }
    let lines = wrong(&topology, &tools(), &facts);
    let starts: Vec<&str> = lines.iter().filter_map(|it| it.split(':').next()).collect();
    assert_eq!(
        starts,
        ["error datapath-id br0", "warning datapath-id br.nf"]
    );
}

#[test]
fn a_vnic_that_may_be_elsewhere_is_not_missed() {
    let roaming = CONFIG
        .replace("host: [node1]", "host: [node1, node2]")
        .replace(
            "hosts: {",
            "hosts: { node2: { bridges: { local: l, uplink: u } },",
        );
    let topology = match config::parse("lab.yaml", roaming) {
        Ok((topology, _)) => topology,
        Err(mistakes) => panic!("{mistakes}"),
    };
    let mut facts = healthy(&topology);
    remove(&mut facts, "vmr0");
    assert_eq!(wrong(&topology, &tools(), &facts), [""; 0]);
}

#[test]
fn a_vnic_that_is_found_by_what_the_database_says_is_looked_at_where_it_is() {
    let found = CONFIG.replace("port: vmr0, ", "");
    let topology = match config::parse("lab.yaml", found) {
        Ok((topology, _)) => topology,
        Err(mistakes) => panic!("{mistakes}"),
    };
    let mut facts = healthy(&topology);
    // The VM does not run, and nobody misses it.
    let mut port = remove(&mut facts, "external_ids:attached-mac=52:54:00:00:00:01");
    assert_eq!(wrong(&topology, &tools(), &facts), [""; 0]);
    port.row = "vnet3".to_owned();
    port.is_up = Some(false);
    let ids = [("attached-mac", "52:54:00:00:00:01")];
    port.external_ids = ids
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    facts.devices.insert("vnet3".to_owned(), Device::default());
    let bridge = bridge_mut(&mut facts, "br0.local");
    bridge.ports.insert("vnet3".to_owned(), port.clone());
    assert_eq!(
        wrong(&topology, &tools(), &facts),
        ["warning link vnet3: ip link set dev vnet3 up"]
    );
    // It left a row behind, once, that was never a port again; or is it a second guest?
    let left = Port {
        row: "vnet9".to_owned(),
        ..port.clone()
    };
    port.ofport = Some(7);
    port.is_up = Some(true);
    for (ofport, expected) in [
        (None, ["warning stray vnet9: -", ""]),
        (Some(6), ["warning port node1: -", "warning stray vnet9: -"]),
    ] {
        let left = Port {
            ofport,
            ..left.clone()
        };
        let bridge = bridge_mut(&mut facts, "br0.local");
        bridge.ports.insert("vnet9".to_owned(), left);
        bridge.ports.insert("vnet3".to_owned(), port.clone());
        note(&mut facts, "vnet3");
        let expected: Vec<&str> = expected.into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(wrong(&topology, &tools(), &facts), expected);
    }
    bridge_mut(&mut facts, "br0.local").ports.remove("vnet9");
    // The controller serves it nowhere, or at another port.
    holds_mut(&mut facts, "br0.local").bound.clear();
    assert_eq!(wrong(&topology, &tools(), &facts), ["error port vnet3: -"]);
    let findings = examine(&topology, &topology.hosts["node1"], &tools(), &facts);
    assert_eq!(
        findings[0].what,
        "vNIC of VM VM-R (external_ids:attached-mac=52:54:00:00:00:01) is at vnet3 by the database, the \
         controller does not know: does it reach the database? See \"ovsdb\" of this host"
    );
    note(&mut facts, "vnet4");
    assert_eq!(wrong(&topology, &tools(), &facts), ["error port vnet3: -"]);
    note(&mut facts, "vnet3");
    assert_eq!(wrong(&topology, &tools(), &facts), [""; 0]);
    port_mut(&mut facts, "vnet3").external_ids.clear();
    assert_eq!(
        wrong(&topology, &tools(), &facts),
        ["error port vnet3: -", "warning stray vnet3: -"]
    );
    holds_mut(&mut facts, "br0.local").bound.clear();
    bridge_mut(&mut facts, "br0.local").ports.remove("vnet3");
    bridge_mut(&mut facts, "br0")
        .ports
        .insert("vnet3".to_owned(), port);
    let lines = wrong(&topology, &tools(), &facts);
    assert_eq!(lines[0], "warning port node1: -", "{lines:?}");
    assert_eq!(lines[1], "warning stray vnet3: -", "{lines:?}");
}

/// The controller has noted where the vNIC of VM-R is.
fn note(facts: &mut Facts, interface: &str) {
    let name = "external_ids:attached-mac=52:54:00:00:00:01".to_owned();
    let bound = &mut holds_mut(facts, "br0.local").bound;
    bound.insert(name, interface.to_owned());
}

#[test]
fn commands_are_told_where_things_are() {
    let topology = topology();
    let tools = Tools {
        config: Some("my lab.yaml".to_owned()),
        db: Some("unix:/tmp/db.sock".to_owned()),
        controller: Some("tcp:192.0.2.1:6653".to_owned()),
        datapath_type: Some("system".to_owned()),
    };
    let mut facts = healthy(&topology);
    facts.bridges.remove("br.nf");
    facts.bridges.remove("br0.local");
    let bridge = bridge_mut(&mut facts, "br0");
    bridge.controllers[0].target = "tcp:192.0.2.1:6653".to_owned();
    bridge.fail_mode = Some("standalone".to_owned());
    assert_eq!(
        wrong(&topology, &tools, &facts),
        [
            "error bridge br0.local: bridgechain setup 'my lab.yaml' --host node1 --datapath-type \
             system --controller tcp:192.0.2.1:6653 --db unix:/tmp/db.sock",
            "error bridge br.nf: bridgechain setup 'my lab.yaml' --host node1 --datapath-type \
             system --controller tcp:192.0.2.1:6653 --db unix:/tmp/db.sock",
            "error fail-mode br0: ovs-vsctl --db=unix:/tmp/db.sock set-fail-mode br0 secure",
            "error datapath-type br0: ovs-vsctl --db=unix:/tmp/db.sock set Bridge br0 \
             datapath_type=system",
        ]
    );
}

#[test]
fn a_controller_at_any_address_is_found_at_each() {
    let listen = |text: &str| {
        let text = format!("controller: {{ listen: ['{text}'] }}\nhosts: {{}}");
        let (topology, _) = config::parse("lab.yaml", text).expect("a good file");
        topology.controller.listen
    };
    let tools = tools();
    let any = listen("tcp:0.0.0.0:6653");
    assert!(tools.reaches("tcp:192.0.2.1:6653", &any));
    assert!(tools.reaches("tcp:127.0.0.1:6653", &any));
    assert!(!tools.reaches("tcp:192.0.2.1:6654", &any));
    assert!(!tools.reaches("ssl:192.0.2.1:6653", &any));
    let one = listen("tcp:192.0.2.1:6653");
    assert!(tools.reaches("tcp:192.0.2.1:6653", &one));
    assert!(!tools.reaches("tcp:127.0.0.1:6653", &one));
}

#[test]
fn without_a_configuration_every_bridge_with_a_controller_is_looked_at() {
    let text = "hosts: { node1: { bridges: { learning: '*' } } }";
    let (any, _) = config::parse("lab.yaml", text).expect("a good file");
    let mut facts = healthy(&topology());
    for bridge in facts.bridges.values_mut() {
        bridge.controllers[0].target = "tcp:192.0.2.1:1".to_owned();
    }
    bridge_mut(&mut facts, "br0").fail_mode = None;
    let plain = bridge_mut(&mut facts, "br.nf");
    plain.fail_mode = None;
    plain.controllers.clear();
    assert_eq!(
        wrong(&any, &Tools::default(), &facts),
        ["error fail-mode br0: ovs-vsctl set-fail-mode br0 secure"]
    );
    for bridge in facts.bridges.values_mut() {
        bridge.controllers.clear();
    }
    assert_eq!(
        wrong(&any, &Tools::default(), &facts),
        ["error bridge node1: -"]
    );
}

#[test]
fn without_a_configuration_what_is_somebody_elses_is_left_alone() {
    let text = "hosts: { node1: { bridges: { learning: '*' } } }";
    let (any, _) = config::parse("lab.yaml", text).expect("a good file");
    let mut facts = healthy(&topology());
    for name in ["br0", "br.nf"] {
        let bridge = bridge_mut(&mut facts, name);
        bridge.fail_mode = None;
        bridge.has_spanning_tree = true;
        holds_mut(&mut facts, name).foreign = vec![Foreign::Group(7)];
    }
    holds_mut(&mut facts, "br0").has_ours = false;
    assert_eq!(
        wrong(&any, &Tools::default(), &facts),
        [
            "error fail-mode br.nf: ovs-vsctl set-fail-mode br.nf secure",
            "error fail-mode br0: -",
            "warning spanning-tree br.nf: -",
            "warning spanning-tree br0: -",
            "warning foreign br.nf: -",
            "warning foreign br0: -",
        ]
    );
}

#[test]
fn of_any_bridges_only_those_of_this_controller_are_mended_and_nobody_elses_work_is_undone() {
    let text = "hosts: { node1: { bridges: { learning: '*' } } }";
    let (any, _) = config::parse("lab.yaml", text).expect("a good file");
    let mut facts = healthy(&topology());
    for bridge in facts.bridges.values_mut() {
        bridge.fail_mode = None;
        bridge.mirrors = 1;
    }
    // One connects to this controller, one holds its flows, one has nothing to do with it.
    let elsewhere = "tcp:192.0.2.1:6653";
    for name in ["br.nf", "br0.local"] {
        bridge_mut(&mut facts, name).controllers[0].target = elsewhere.to_owned();
    }
    for name in ["br0", "br0.local"] {
        holds_mut(&mut facts, name).has_ours = false;
    }
    let other = bridge_mut(&mut facts, "br.nf").controllers[0].clone();
    bridge_mut(&mut facts, "br0").controllers.push(other);
    assert_eq!(
        wrong(&any, &tools(), &facts),
        [
            "error fail-mode br.nf: ovs-vsctl set-fail-mode br.nf secure",
            "error fail-mode br0: ovs-vsctl set-fail-mode br0 secure",
            "error fail-mode br0.local: -",
            "error controller br.nf: -",
            "error controller br0.local: -",
            "warning controller br0: -",
            "warning mirror br.nf: -",
            "warning mirror br0: -",
            "warning mirror br0.local: -",
        ]
    );
    for bridge in facts.bridges.values_mut() {
        bridge.controllers.clear();
    }
    assert_eq!(wrong(&any, &tools(), &facts), ["error bridge node1: -"]);
}

#[test]
fn an_uplink_that_is_a_bond_is_told_by_its_members() {
    let (topology, _) = config::parse("lab.yaml", CONFIG.replace("[eth1]", "[bond0]"))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut facts = healthy(&topology);
    let port = remove(&mut facts, "bond0");
    for name in ["eth1", "x0"] {
        let ports = &mut bridge_mut(&mut facts, "br0").ports;
        ports.insert(name.to_owned(), port.clone());
    }
    assert_eq!(wrong(&topology, &tools(), &facts), ["error port bond0: -"]);
    let findings = examine(&topology, &topology.hosts["node1"], &tools(), &facts);
    assert_eq!(
        findings[0].what,
        "it is an OVS bond: OpenFlow sees its members; list these under uplinks: eth1, x0"
    );
}

#[test]
fn the_document_has_every_check() {
    let document = include_str!("../../docs/doctor.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(documented, Check::ALL.map(Check::name));
}
