//! The hosts that the tests are about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openflow::{DatapathId, MacAddr};

use super::lab::Lab;
use crate::topology::{
    Attachment, Bridge, Bridges, Chain, ChainBridges, Controller, Copying, FailurePolicy, Function,
    FunctionKind, HealthCheck, Host, InlineInstance, Membership, Patch, PortSecurity, Promiscuous,
    Redundancy, Role, TapInstance, Topology, UplinkMode, Vlan, Vnic,
};

pub(super) const NETWORK: u16 = 3000;
pub(super) const OTHER: u16 = 4000;

/// The ports of `chain()`. 0xfffffffe is LOCAL.
pub(super) const LOCAL_PORTS: &[(&str, u32)] = &[
    ("br0.local", 0xffff_fffe),
    ("guest1", 1),
    ("guest2", 2),
    ("pinned", 3),
    ("monitor", 4),
    ("local-nf", 9),
];
pub(super) const SERVICE_PORTS: &[(&str, u32)] = &[
    ("br.nf", 0xffff_fffe),
    ("nf-local", 1),
    ("nf-uplink", 2),
    ("ids0", 3),
    ("ids1", 4),
    ("ips-in", 5),
    ("ips-out", 6),
];
pub(super) const UPLINK_PORTS: &[(&str, u32)] = &[
    ("br0", 0xffff_fffe),
    ("uplink-nf", 1),
    ("eth1", 2),
    ("direct", 3),
];

pub(super) const CHAIN: [Role; 3] = [Role::Local, Role::Service, Role::Uplink];

/// A host with all three bridges, none of them connected.
pub(super) fn chain_lab() -> Lab {
    lab(chain())
}

/// A host with these bridges, none of them connected.
pub(super) fn lab(topology: Topology) -> Lab {
    Lab::new(
        topology,
        &[
            (Role::Local, LOCAL_PORTS),
            (Role::Service, SERVICE_PORTS),
            (Role::Uplink, UPLINK_PORTS),
        ],
    )
}

/// The same, in sync.
pub(super) fn running_lab() -> Lab {
    running(chain())
}

/// A host like `chain()`, in sync.
pub(super) fn running(topology: Topology) -> Lab {
    let mut lab = lab(topology);
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    lab.assert_in_sync();
    lab.take_sent();
    lab
}

/// A host with all three bridges: two guests whose addresses are learned, one whose address is
/// pinned, one that sees everything, and two taps that share the load.
pub(super) fn chain() -> Topology {
    let bridge = |name: &str| Bridge {
        name: name.to_owned(),
        datapath_id: DatapathId(1),
    };
    let patch = |left: &str, right: &str| Patch {
        left: left.to_owned(),
        right: right.to_owned(),
    };
    let mut host = host(Bridges::Chain(ChainBridges {
        local: bridge("br0.local"),
        service: Some(bridge("br.nf")),
        uplink: bridge("br0"),
        patches: vec![
            patch("local-nf", "nf-local"),
            patch("nf-uplink", "uplink-nf"),
        ],
    }));
    host.uplinks = vec!["eth1".to_owned()];
    host.vnics = vec![
        vnic("guest1", NETWORK),
        vnic("guest2", NETWORK),
        Vnic {
            mac: Some(MacAddr::from_u64(PINNED)),
            ..vnic("pinned", NETWORK)
        },
        Vnic {
            promiscuous: Promiscuous::Accept,
            ..vnic("monitor", NETWORK)
        },
    ];
    host.chains = vec![Chain {
        name: "inspect".to_owned(),
        networks: [vlan(NETWORK)].into(),
        vms: BTreeSet::new(),
        functions: vec![Function {
            name: "ids".to_owned(),
            enabled: true,
            redundancy: Redundancy::default(),
            kind: FunctionKind::Tap {
                copying: Copying::default(),
                instances: ["ids0", "ids1"].map(tap_instance).into(),
            },
        }],
    }];
    topology(host)
}

/// The same with an inline function, so that there are groups.
pub(super) fn inline_chain() -> Topology {
    with_inline(false)
}

/// The same with an inline function, which may be in shadow mode.
pub(super) fn with_inline(shadow: bool) -> Topology {
    let ips = Function {
        name: "ips".to_owned(),
        enabled: true,
        redundancy: Redundancy::default(),
        kind: FunctionKind::Inline {
            shadow,
            failure_policy: FailurePolicy::FailOpen,
            health_check: None,
            instances: vec![InlineInstance {
                ingress: "ips-in".to_owned(),
                egress: "ips-out".to_owned(),
                enabled: true,
            }],
            waiting: Vec::new(),
        },
    };
    changed(&chain(), |host| host.chains[0].functions.push(ips))
}

/// The same with the inline function probed: two losses in a row and it is down, two passes and it is
/// up.
pub(super) fn probed() -> Topology {
    changed(&inline_chain(), |host| {
        if let FunctionKind::Inline { health_check, .. } = &mut host.chains[0].functions[1].kind {
            *health_check = Some(HealthCheck {
                interval: Duration::from_secs(5),
                timeout: Duration::from_secs(3),
                success_threshold: 2,
                failure_threshold: 2,
            });
        }
    })
}

/// The same with a vNIC on the uplink bridge, whose addresses are learned.
pub(super) fn chain_and_direct() -> Topology {
    changed(&chain(), |host| {
        host.vnics.push(Vnic {
            attachment: Attachment::Direct,
            ..vnic("direct", NETWORK)
        });
    })
}

/// The address of the vNIC `pinned`.
pub(super) const PINNED: u64 = 0x5254_0000_00aa;

/// Every bridge that connects, as a learning switch.
pub(super) fn any_learning() -> Topology {
    topology(host(Bridges::AnyLearning))
}

pub(super) fn vlan(id: u16) -> Vlan {
    Vlan::new(id).unwrap()
}

fn tap_instance(port: &str) -> TapInstance {
    TapInstance {
        port: port.to_owned(),
        enabled: true,
        remote: None,
    }
}

pub(super) fn vnic(port: &str, network: u16) -> Vnic {
    Vnic {
        vm: format!("vm-{port}"),
        port: port.to_owned(),
        mac: None,
        membership: Membership::Access(vlan(network)),
        promiscuous: Promiscuous::Bum,
        attachment: Attachment::default(),
        security: PortSecurity::default(),
        found_by: None,
        roams: false,
    }
}

fn host(bridges: Bridges) -> Host {
    Host {
        name: "node1".to_owned(),
        bridges,
        uplinks: Vec::new(),
        uplink_mode: UplinkMode::default(),
        max_macs: BTreeMap::new(),
        ovsdb: None,
        ovsdb_tls: None,
        vm_macs: BTreeSet::new(),
        networks: [vlan(NETWORK), vlan(OTHER), Vlan::UNTAGGED].into(),
        vnics: Vec::new(),
        chains: Vec::new(),
        found_functions: BTreeMap::new(),
    }
}

fn topology(host: Host) -> Topology {
    Topology {
        controller: Controller::default(),
        networks: BTreeMap::from([
            ("demo3000".to_owned(), vlan(NETWORK)),
            ("demo4000".to_owned(), vlan(OTHER)),
            ("native".to_owned(), Vlan::UNTAGGED),
        ]),
        hosts: [("node1".to_owned(), host)].into(),
    }
}

/// `topology` with its one host changed.
pub(super) fn changed(topology: &Topology, change: impl FnOnce(&mut Host)) -> Topology {
    let mut topology = topology.clone();
    topology.hosts.values_mut().for_each({
        let mut change = Some(change);
        move |host| {
            if let Some(change) = change.take() {
                change(host);
            }
        }
    });
    topology
}
