//! Which of several instances of a function gets a frame, for every combination of links that are
//! up and down.

use std::collections::{BTreeMap, BTreeSet};

use bridgechain::simulate::Frame;
use bridgechain::topology::{
    Chain, Copying, FailurePolicy, Function, FunctionKind, Host, InlineInstance, Membership,
    Redundancy, TapInstance, Vlan,
};
use openflow::MacAddr;

use crate::world::{Heard, Outcome, Station, World};
use crate::{compiled, rule, scenario};

const GUEST: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0]);
const OUTSIDE: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x77]);
const INSTANCES: usize = 3;
/// How many conversations there are.
const CONVERSATIONS: u32 = 24;

/// A host with a guest, and one function with three instances in front of it.
fn world(kind: FunctionKind, redundancy: Redundancy) -> World {
    let vlan = Vlan::new(10).expect("a VLAN");
    let functions = vec![Function {
        name: "function".to_owned(),
        enabled: true,
        redundancy,
        kind,
    }];
    let host = Host {
        uplinks: vec!["eth0".to_owned()],
        networks: [vlan].into(),
        vnics: vec![scenario::plain_vnic(
            "vm0",
            Some(GUEST),
            Membership::Access(vlan),
        )],
        chains: vec![Chain {
            name: "chain".to_owned(),
            networks: [vlan].into(),
            vms: BTreeSet::new(),
            functions,
        }],
        ..scenario::bare_host()
    };
    World {
        host,
        absent: BTreeSet::new(),
        down: BTreeSet::new(),
        failed: BTreeSet::new(),
        strays: Vec::new(),
        heard: vec![Heard {
            vlan,
            mac: OUTSIDE,
            at: Station::Uplink("eth0".to_owned()),
        }],
    }
}

fn inline(shadow: bool, failure_policy: FailurePolicy) -> FunctionKind {
    FunctionKind::Inline {
        shadow,
        failure_policy,
        health_check: None,
        instances: (0..INSTANCES)
            .map(|instance| InlineInstance {
                ingress: format!("in{instance}"),
                egress: format!("out{instance}"),
                enabled: true,
            })
            .collect(),
        waiting: Vec::new(),
    }
}

fn tap() -> FunctionKind {
    FunctionKind::Tap {
        copying: Copying::default(),
        instances: (0..INSTANCES)
            .map(|instance| TapInstance {
                port: format!("in{instance}"),
                enabled: true,
                remote: None,
            })
            .collect(),
    }
}

/// A frame of a conversation, from the guest or to it.
fn frame(conversation: u32, from_guest: bool) -> (Station, Frame) {
    let (from, frame) = match from_guest {
        true => (Station::Vnic("vm0".to_owned()), Frame::new(GUEST, OUTSIDE)),
        false => (
            Station::Uplink("eth0".to_owned()),
            Frame::new(OUTSIDE, GUEST).tagged(10),
        ),
    };
    let flow_hash = conversation.wrapping_mul(0x9e37_79b1);
    (from, Frame { flow_hash, ..frame })
}

/// The instance that each conversation goes to, in either direction the same; `None` where it goes
/// to none.
fn shares(world: &World) -> BTreeMap<u32, Option<String>> {
    let network = compiled::network(world);
    let instance = |conversation, from_guest| {
        let (from, frame) = frame(conversation, from_guest);
        let at = compiled::location(world, &from).expect("it is there");
        let walk = network.inject(at.role, at.port, frame);
        assert_eq!(walk.faults, []);
        let ports = compiled::ports(world, bridgechain::topology::Role::Service);
        let seen: Vec<&str> = walk
            .deliveries
            .iter()
            .filter(|copy| copy.role == bridgechain::topology::Role::Service)
            .filter_map(|copy| ports.name(copy.port))
            .collect();
        assert!(seen.len() <= 1, "{seen:?}");
        seen.first()
            .map(|port| port.trim_start_matches(char::is_alphabetic).to_owned())
    };
    (0..CONVERSATIONS)
        .map(|conversation| {
            let [to_right, to_left] = [true, false].map(|way| instance(conversation, way));
            assert_eq!(to_right, to_left, "conversation {conversation}, {world:?}");
            (conversation, to_right)
        })
        .collect()
}

/// All sets of ports of the function.
fn sets(world: &World) -> Vec<BTreeSet<String>> {
    let ports: Vec<&str> = world.host.function_ports().collect();
    (0..1_u32 << ports.len())
        .map(|set| {
            let chosen = ports.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| set & (1 << place) != 0);
            chosen.map(|(_, port)| (*port).to_owned()).collect()
        })
        .collect()
}

fn kinds() -> Vec<FunctionKind> {
    vec![
        tap(),
        inline(false, FailurePolicy::FailOpen),
        inline(false, FailurePolicy::FailClose),
        inline(true, FailurePolicy::FailClose),
    ]
}

const REDUNDANCIES: [Redundancy; 2] = [Redundancy::ActiveActive, Redundancy::ActivePassive];

/// The instances that are not in service by themselves, given what is wrong with some ports.
fn out_of_service(world: &World, ports: &BTreeSet<String>) -> BTreeSet<String> {
    let function = &world.host.chains[0].functions[0];
    (0..INSTANCES)
        .map(|instance| instance.to_string())
        .filter(|instance| {
            function
                .kind
                .ports()
                .iter()
                .any(|port| port.ends_with(instance) && ports.contains(*port))
        })
        .collect()
}

#[test]
fn frames_see_one_instance_whatever_links_are_down() {
    for kind in kinds() {
        for redundancy in REDUNDANCIES {
            let whole = world(kind.clone(), redundancy);
            for down in sets(&whole) {
                let world = World {
                    down,
                    ..whole.clone()
                };
                let network = compiled::network(&world);
                for conversation in 0..CONVERSATIONS {
                    for from_guest in [true, false] {
                        let (from, frame) = frame(conversation, from_guest);
                        let expected: Outcome = rule::outcome(&world, &from, &frame, &|_| true);
                        let found = compiled::outcome(&world, &network, &from, &frame);
                        assert_eq!(found, expected, "from {from:?}: {world:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn only_the_share_of_what_goes_out_of_service_moves() {
    for kind in kinds() {
        let whole = world(kind, Redundancy::ActiveActive);
        let before = shares(&whole);
        let in_use: BTreeSet<_> = before.values().flatten().collect();
        assert_eq!(in_use.len(), INSTANCES, "all have a share: {before:?}");
        for ports in sets(&whole) {
            let out = out_of_service(&whole, &ports);
            let mut drained = whole.clone();
            drain(&mut drained.host.chains[0].functions[0].kind, &out);
            let by_link = World {
                down: ports.clone(),
                ..whole.clone()
            };
            let by_port = World {
                absent: ports.clone(),
                ..whole.clone()
            };
            let by_health = World {
                failed: out.iter().map(|it| format!("in{it}")).collect(),
                ..whole.clone()
            };
            let is_tap = matches!(
                whole.host.chains[0].functions[0].kind,
                FunctionKind::Tap { .. }
            );
            let mut worlds = vec![drained, by_link, by_port];
            if !is_tap {
                worlds.push(by_health);
            }
            for world in worlds {
                for (conversation, now) in shares(&world) {
                    let at_first = before[&conversation].as_ref().expect("all are up");
                    match now {
                        Some(now) if out.contains(at_first) => assert!(!out.contains(&now)),
                        now if out.len() < INSTANCES => assert_eq!(now.as_ref(), Some(at_first)),
                        now => assert_eq!(now, None),
                    }
                }
            }
        }
    }
}

/// Drains these instances.
fn drain(kind: &mut FunctionKind, out: &BTreeSet<String>) {
    let is_in = |place: usize| !out.contains(&place.to_string());
    match kind {
        FunctionKind::Tap { instances, .. } => {
            for (place, instance) in instances.iter_mut().enumerate() {
                instance.enabled = is_in(place);
            }
        }
        FunctionKind::Inline { instances, .. } => {
            for (place, instance) in instances.iter_mut().enumerate() {
                instance.enabled = is_in(place);
            }
        }
    }
}

#[test]
fn of_active_and_passive_instances_the_first_in_service_has_all() {
    for kind in kinds() {
        let whole = world(kind, Redundancy::ActivePassive);
        for down in sets(&whole) {
            let out = out_of_service(&whole, &down);
            let first = (0..INSTANCES)
                .map(|instance| instance.to_string())
                .find(|instance| !out.contains(instance));
            let world = World {
                down,
                ..whole.clone()
            };
            let all: BTreeSet<_> = shares(&world).into_values().collect();
            assert_eq!(all, [first].into());
        }
    }
}
