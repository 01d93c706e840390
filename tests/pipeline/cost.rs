//! How many classes of frames there are, and how long a proof takes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bridgechain::health::Failed;
use bridgechain::prove::{self, Known, Proof, Subject};
use bridgechain::topology::{
    Chain, Controller, Copying, FailurePolicy, Function, FunctionKind, Host, InlineInstance,
    Membership, Prefix, Protocol, Redundancy, SkipRule, TapInstance, Vlan,
};
use openflow::MacAddr;

use crate::scenario;

/// A host with so many vNICs in one network, and a chain.
fn host(vnics: u16, functions: Vec<Function>) -> Host {
    let vlan = Vlan::new(10).expect("a VLAN");
    let vnic = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let mac = MacAddr([0x52, 0x54, 0, 0, high, low]);
        let membership = Membership::Access(vlan);
        scenario::plain_vnic(&format!("vm{number}"), Some(mac), membership)
    };
    Host {
        uplinks: vec!["eth0".to_owned()],
        networks: [vlan].into(),
        vnics: (0..vnics).map(vnic).collect(),
        chains: vec![Chain {
            name: "chain".to_owned(),
            networks: [vlan].into(),
            vms: BTreeSet::new(),
            functions,
        }],
        ..scenario::bare_host()
    }
}

fn function(name: String, kind: FunctionKind) -> Function {
    Function {
        name,
        enabled: true,
        redundancy: Redundancy::ActiveActive,
        kind,
    }
}

/// A tap that wants to see nothing of some TCP ports, of a UDP port, and of a prefix; no two alike.
fn tap(number: u8, filters: bool) -> Function {
    let port = 100 * u16::from(number);
    let prefix = Prefix {
        address: [10, number, 0, 0].into(),
        length: 16,
    };
    let skip = [
        SkipRule {
            protocol: Some(Protocol::Ip(6)),
            ports: vec![port + 1..=port + 12, port + 43..=port + 43],
            prefixes: Vec::new(),
        },
        SkipRule {
            protocol: Some(Protocol::Ip(17)),
            ports: vec![port + 53..=port + 53],
            prefixes: Vec::new(),
        },
        SkipRule {
            prefixes: vec![prefix],
            ..SkipRule::default()
        },
    ];
    let copying = Copying {
        skip: skip.into_iter().filter(|_| filters).collect(),
        ..Copying::default()
    };
    let instances = vec![TapInstance {
        port: format!("ids{number}"),
        enabled: true,
        remote: None,
    }];
    function(
        format!("tap{number}"),
        FunctionKind::Tap { copying, instances },
    )
}

fn inline() -> Function {
    let kind = FunctionKind::Inline {
        shadow: false,
        failure_policy: FailurePolicy::FailClose,
        health_check: None,
        instances: vec![InlineInstance {
            ingress: "ips-in".to_owned(),
            egress: "ips-out".to_owned(),
            enabled: true,
        }],
        waiting: Vec::new(),
    };
    function("ips".to_owned(), kind)
}

fn proof(host: &Host) -> (Proof, Duration) {
    let failed = Failed::default();
    let settings = Controller::default();
    let ports = prove::assumed_ports(host);
    let scenario = prove::compiled(host, &settings, ports, &failed, Known::OneEverywhere);
    let subject = Subject {
        host,
        bridges: &scenario.bridges,
        failed: &failed,
        learned: &scenario.learned,
    };
    let start = Instant::now();
    let proof = prove::prove(&subject, usize::MAX);
    (proof, start.elapsed())
}

#[test]
#[ignore = "measures, and takes its time"]
fn what_a_proof_costs() {
    let filters = (0..=4).map(|taps| {
        let functions = (0..taps).map(|number| tap(number, true)).collect();
        (
            format!("3 vNICs, {taps} taps with filters"),
            host(3, functions),
        )
    });
    let many = host(300, vec![tap(0, false), inline()]);
    let all = filters.chain([("300 vNICs, a tap and an inline function".to_owned(), many)]);
    for (name, host) in all {
        let (proof, took) = proof(&host);
        assert!(proof.holds(), "{name}");
        println!("{name}: {} classes, {took:.2?}", proof.classes);
    }
}

/// A tap with a filter doubles the classes at the most, however much the filter asks.
#[test]
fn filters_divide_classes_in_two() {
    let classes: Vec<usize> = (0..4)
        .map(|taps| {
            let functions = (0..taps).map(|number| tap(number, true)).collect();
            let (proof, _) = proof(&host(2, functions));
            assert!(proof.holds());
            proof.classes
        })
        .collect();
    for pair in classes.windows(2) {
        assert!(pair[1] <= 2 * pair[0], "{classes:?}");
    }
}
