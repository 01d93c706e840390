use openflow::PortNo;

use super::*;
use crate::config;

const FILE: &str = "
networks: { demo: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  a: { host: node1, nics: [{ mac: 52:54:00:00:00:0a, network: demo }] }
  b: { host: node1, nics: [{ match: { iface_id: i-b }, network: demo }] }
  c:
    host: node1
    nics:
      - { match: { vm_id: v-c, mac: 52:54:00:00:00:c0 }, network: demo }
      - { match: { vm_id: v-c, mac: 52:54:00:00:00:c1 }, network: demo, type: direct }
  d: { host: node1, nics: [{ port: vmd0, network: demo }] }
";

const ID: DatapathId = DatapathId(0xa);

/// Interfaces with their bridges and `external_ids`.
type Rows<'a> = &'a [(&'a str, &'a str, &'a [(&'a str, &'a str)])];

fn host() -> Host {
    let (topology, _) =
        config::parse("lab.yaml", FILE).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    topology.hosts["node1"].clone()
}

/// What is bound, as `VM at INTERFACE`, and what is odd; with these ports on the local bridge, of which
/// the database knows.
fn bound(rows: Rows<'_>, ports: &[(&str, u32)]) -> (Vec<String>, Vec<String>) {
    bound_if_told(rows, ports, ports)
}

/// The same, if the database has these numbers of ports.
fn bound_if_told(
    rows: Rows<'_>,
    told: &[(&str, u32)],
    ports: &[(&str, u32)],
) -> (Vec<String>, Vec<String>) {
    let interfaces = rows.iter().map(|(name, bridge, ids)| {
        let ids = ids
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let interface = Interface {
            bridge: (!bridge.is_empty()).then(|| (*bridge).to_owned()),
            external_ids: ids.collect(),
            ofport: told
                .iter()
                .find(|(it, _)| it == name)
                .map(|it| PortNo(it.1)),
        };
        ((*name).to_owned(), interface)
    });
    let database = Database {
        bridges: [("br0.local", Some(ID)), ("br0", Some(ID)), ("br-int", None)]
            .map(|(name, id)| (name.to_owned(), id))
            .into(),
        interfaces: interfaces.collect(),
    };
    let ports: Ports = ports
        .iter()
        .map(|(name, number)| ((*name).to_owned(), PortNo(*number)))
        .collect();
    let site = |name| Site {
        name,
        datapath_id: Some(ID),
        ports: Some(&ports),
    };
    let sites = BTreeMap::from([
        (Role::Local, site("br0.local")),
        (Role::Uplink, site("br0")),
    ]);
    let host = host();
    let binding = bind(&host, &database, &sites);
    let at = |(interface, name): (&String, &String)| {
        let vnic = host.vnic(name).expect("a vNIC");
        format!("{} at {interface}", vnic.vm)
    };
    (
        binding.names.values().flatten().map(at).collect(),
        binding.problems.iter().map(Problem::to_string).collect(),
    )
}

#[test]
fn vnics_are_found_by_what_hypervisors_write() {
    let libvirt = [
        ("attached-mac", "52:54:00:00:00:0a"),
        ("iface-id", "0a3b"),
        ("iface-status", "active"),
        ("vm-id", "f00d"),
    ];
    let openstack = [
        ("attached-mac", "fa:16:3e:00:00:01"),
        ("iface-id", "i-b"),
        ("vm-uuid", "beef"),
    ];
    let by_vm = [("attached-mac", "52-54-00-00-00-C0"), ("vm-uuid", "v-c")];
    let direct = [("attached-mac", "52:54:00:00:00:c1"), ("vm-id", "v-c")];
    let rows: Rows<'_> = &[
        ("vnet0", "br0.local", &libvirt),
        ("tap-b", "br0.local", &openstack),
        ("vnet1", "br0.local", &by_vm),
        ("vnet2", "br0", &direct),
        (
            "vnet3",
            "br0.local",
            &[("attached-mac", "52:54:00:00:00:0f")],
        ),
        // XenServer has two interfaces for one vNIC, and says which is in use.
        (
            "vif1",
            "br0.local",
            &[("iface-id", "i-b"), ("iface-status", "inactive")],
        ),
        (
            "vnet4",
            "br0.local",
            &[("attached-mac", "what is this"), ("vm-id", "v-c")],
        ),
    ];
    let expected = ["b at tap-b", "a at vnet0", "c at vnet1", "c at vnet2"];
    let names = ["vnet0", "tap-b", "vnet1", "vnet2", "vnet3", "vif1", "vnet4"];
    let ports: Vec<_> = names.into_iter().zip(1..).collect();
    assert_eq!(
        bound(rows, &ports),
        (expected.map(str::to_owned).into(), Vec::new())
    );
}

#[test]
fn only_a_port_on_which_the_database_and_the_bridge_agree_is_bound() {
    let a: &[(&str, &str)] = &[("attached-mac", "52:54:00:00:00:0a")];
    let rows: Rows<'_> = &[("vnet0", "br0.local", a), ("vnet1", "br0.local", a)];
    type Numbers<'a> = &'a [(&'a str, u32)];
    let cases: [(Numbers<'_>, Numbers<'_>, &[&str]); 5] = [
        (&[("vnet0", 5)], &[("vnet0", 5)], &["a at vnet0"]),
        // Told of the port before, or of the next; not told yet; not there yet.
        (&[("vnet0", 5)], &[("vnet0", 7)], &[]),
        (&[], &[("vnet0", 7)], &[]),
        (&[("vnet0", 7)], &[], &[]),
        // The one with the highest number is not the one that it was.
        (
            &[("vnet0", 5), ("vnet1", 6)],
            &[("vnet0", 5), ("vnet1", 8)],
            &["a at vnet0"],
        ),
    ];
    for (told, ports, expected) in cases {
        let bound = bound_if_told(rows, told, ports);
        assert_eq!(bound, (owned(expected), Vec::new()), "{told:?}, {ports:?}");
    }
}

#[test]
fn what_is_odd_is_told() {
    let a: &[(&str, &str)] = &[("attached-mac", "52:54:00:00:00:0a")];
    let cases: [(Rows<'_>, &[&str], &[&str]); 6] = [
        // Two ports; the row without one is a leftover.
        (
            &[
                ("vnet0", "br0.local", a),
                ("vnet1", "br0.local", a),
                ("vnet9", "br0.local", a),
            ],
            &["a at vnet1"],
            &[
                "vNIC of VM a (external_ids:attached-mac=52:54:00:00:00:0a): vnet1 and vnet0 all claim to \
               be it; vnet1, the one with the highest port number, is taken",
            ],
        ),
        (
            &[("vnet0", "br-int", a)],
            &[],
            &[
                "vNIC of VM a (external_ids:attached-mac=52:54:00:00:00:0a): vnet0 is on br-int, and belongs \
               on br0.local",
            ],
        ),
        (
            &[("vnet0", "br-int", a), ("vnet1", "br0.local", a)],
            &["a at vnet1"],
            &[],
        ),
        // On no bridge: about to be deleted.
        (&[("vnet0", "", a)], &[], &[]),
        (
            &[("vmd0", "br0.local", a)],
            &[],
            &[
                "vNIC of VM a (external_ids:attached-mac=52:54:00:00:00:0a): vmd0 claims to be it, but the \
               configuration names that port as something else",
            ],
        ),
        (
            &[(
                "vnet0",
                "br0.local",
                &[("attached-mac", "52:54:00:00:00:0a"), ("iface-id", "i-b")],
            )],
            &[],
            &[
                "vnet0 is left alone: it may be vNIC of VM a (external_ids:attached-mac=52:54:00:00:00:0a) or \
               vNIC of VM b (external_ids:iface-id=i-b)",
            ],
        ),
    ];
    for (rows, expected, problems) in cases {
        let (names, odd) = bound(rows, &[("vnet0", 7), ("vnet1", 8), ("vmd0", 1)]);
        assert_eq!((names, odd), (owned(expected), owned(problems)), "{rows:?}");
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The ports of functions are found on the service bridge, and there alone.
#[test]
fn functions_are_found_on_the_service_bridge() {
    let file = format!(
        "{FILE}service_chains:
  x:
    networks: [demo]
    functions:
      - {{ name: ids, mode: tap, instances: [{{ host: node1, match: {{ vm_id: v-ids }} }}] }}
      - name: ips
        mode: inline
        instances: [{{ host: node1, ingress_match: {{ iface_id: i-in }}, egress: out0 }}]
"
    );
    let (topology, _) =
        config::parse("lab.yaml", &file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let interface = |bridge: &str, key: &str, id: &str| Interface {
        bridge: Some(bridge.to_owned()),
        external_ids: [(key.to_owned(), id.to_owned())].into(),
        ofport: Some(PortNo(7)),
    };
    let database = Database {
        bridges: ["br0.local", "br.nf", "br0"]
            .map(|name| (name.to_owned(), None))
            .into(),
        interfaces: [
            ("vnet3", interface("br.nf", "vm-id", "v-ids")),
            ("vnet4", interface("br0.local", "iface-id", "i-in")),
            ("vnet5", interface("br.nf", "iface-id", "i-b")),
            // The function's VM is one of the file, too: this is its vNIC.
            (
                "vnet6",
                Interface {
                    external_ids: [("vm-id", "v-ids"), ("attached-mac", "52:54:00:00:00:0a")]
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .into(),
                    ..interface("br0.local", "", "")
                },
            ),
        ]
        .map(|(name, interface)| (name.to_owned(), interface))
        .into(),
    };
    let (named, binding) = as_named(&topology.hosts["node1"], &database);
    let ports: Vec<&str> = named.function_ports().collect();
    assert_eq!(ports, ["vnet3", "external_ids:iface-id=i-in", "out0"]);
    let vnic = named.vnics.iter().find(|vnic| vnic.vm == "a");
    assert_eq!(vnic.map(|vnic| vnic.port.as_str()), Some("vnet6"));
    let problems: Vec<String> = binding.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        problems,
        [
            "port of function ips (external_ids:iface-id=i-in): vnet4 is on br0.local, and belongs on \
             br.nf",
            "vNIC of VM b (external_ids:iface-id=i-b): vnet5 is on br.nf, and belongs on br0.local",
        ]
    );
}
