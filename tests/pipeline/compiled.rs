//! What the compiled flows do, in the words of the rule.

use std::collections::BTreeMap;

use bridgechain::compile;
use bridgechain::health::Failed;
use bridgechain::learning::{Learned, LearnedMac, Limits, Location, MacTable};
use bridgechain::portmap;
use bridgechain::ports::Ports;
use bridgechain::program::{Flow, FlowKey, Program};
use bridgechain::simulate::{Delivery, Frame, Network, Step};
use bridgechain::topology::{Bridges, Controller, Role};
use openflow::{
    Action, Bundle, Cookie, FlowModFlags, HashFields, Instruction, MacAddr, Match, MemberAlgorithm,
    PortNo, TableId,
};

use crate::world::{Heard, Look, Outcome, Station, World};

/// The flows of all bridges of the host, with everything learned that may be.
pub(crate) fn programs(world: &World) -> Vec<(Role, Program)> {
    let settings = Controller::default();
    let ports_of: BTreeMap<Role, Ports> = roles(world)
        .into_iter()
        .map(|role| (role, ports(world, role)))
        .collect();
    let mut macs = MacTable::default();
    macs.set_limits(Limits::new(&world.host, |role| ports_of.get(&role)));
    for heard in world.heard.iter().filter(|heard| admits(world, heard)) {
        let entry = learned_mac(world, heard).expect("what is admitted has a port");
        assert_eq!(macs.learn(entry), Learned::New, "within the limits");
    }
    let program = |role| {
        let ports = &ports_of[&role];
        let mut program = compile::bridge(&world.host, &settings, role, ports, &failed(world));
        let addresses = compile::addresses(&world.host, &settings, role, ports, &macs);
        program.flows.extend(addresses);
        program
    };
    roles(world)
        .into_iter()
        .map(|role| (role, program(role)))
        .collect()
}

/// The same, to be walked.
pub(crate) fn network(world: &World) -> Network {
    let bridges = programs(world).into_iter();
    let bridges = bridges.map(|(role, program)| (role, ports(world, role), program));
    let mut network = Network::new(&world.host, bridges);
    take_links(world, &mut network);
    network
}

/// Takes the links away that are down.
pub(crate) fn take_links(world: &World, network: &mut Network) {
    for role in [Role::Service, outside_at(world)] {
        let ports = ports(world, role);
        for port in world.down.iter().filter_map(|port| ports.get(port)) {
            network.set_down(role, port);
        }
    }
}

pub(crate) fn failed(world: &World) -> Failed {
    let mut failed = Failed::default();
    for ingress in &world.failed {
        failed.set(ingress, true);
    }
    failed
}

/// The uplink that a hash over `mac` chooses, as a bundle over all of them does: those that are
/// not there keep their places.
pub(crate) fn balanced(world: &World, mac: MacAddr) -> Option<Station> {
    let role = outside_at(world);
    let number = |uplink: &String| {
        ports(world, role)
            .get(uplink)
            .map_or(0, |port| port.0 as u16)
    };
    let choice = Action::Bundle(Box::new(Bundle {
        algorithm: MemberAlgorithm::Hrw,
        fields: HashFields::EthSrc,
        basis: 0,
        member_kind: Bundle::PORTS,
        members: world.host.uplinks.iter().map(number).collect(),
        dst: None,
    }));
    let key = FlowKey {
        table: TableId(0),
        priority: 0,
        match_: Match::new(),
    };
    let flow = Flow {
        cookie: Cookie(0),
        idle_timeout: 0,
        flags: FlowModFlags::empty(),
        instructions: vec![Instruction::ApplyActions(vec![choice])],
    };
    let mut program = Program::default();
    program.flows.insert(key, flow);
    let mut network = Network::new(&world.host, [(role, ports(world, role), program)]);
    take_links(world, &mut network);
    let walk = network.inject(role, PortNo(0), Frame::new(mac, MacAddr::BROADCAST));
    walk.deliveries.first().map(|copy| station(world, copy))
}

/// Whether the compiler takes `heard` over.
pub(crate) fn admits(world: &World, heard: &Heard) -> bool {
    learned_mac(world, heard)
        .is_some_and(|entry| compile::admits(&world.host, &ports(world, entry.at.role), &entry))
}

/// What became of a frame, by walking it through the flows.
pub(crate) fn outcome(world: &World, network: &Network, from: &Station, frame: &Frame) -> Outcome {
    let at = location(world, from).expect("senders are there");
    let walk = network.inject(at.role, at.port, frame.clone());
    assert_eq!(walk.faults, [], "from {from:?}: {frame}");
    assert!(
        walk.packet_ins.len() <= 1,
        "more than one report: {:?}",
        walk.packet_ins
    );
    let mut outcome = Outcome {
        reported: !walk.packet_ins.is_empty(),
        metered: walk.pass.steps.iter().any(is_metered),
        ..Outcome::default()
    };
    for copy in &walk.deliveries {
        assert_eq!(copy.pkt_mark, 0, "a mark leaves the host: {copy:?}");
        let as_sent = Frame {
            tags: frame.tags.clone(),
            ..copy.frame.clone()
        };
        assert_eq!(as_sent, *frame, "more than the tags has changed: {copy:?}");
        let look = Look {
            vids: copy.frame.tags.iter().map(|tag| tag.vid).collect(),
            length: copy.max_len,
        };
        *outcome
            .seen
            .entry((station(world, copy), look))
            .or_default() += 1;
    }
    outcome
}

/// Whether a step on the bridge where a frame comes in applies a meter to it.
fn is_metered(step: &Step<'_>) -> bool {
    let Step::Lookup {
        matched: Some((_, flow)),
        ..
    } = step
    else {
        return false;
    };
    let is_meter = |it: &Instruction| matches!(it, Instruction::Meter(_));
    flow.instructions.iter().any(is_meter)
}

pub(crate) fn roles(world: &World) -> Vec<Role> {
    match &world.host.bridges {
        Bridges::AnyLearning => vec![Role::Learning],
        _ => world.host.bridges().map(|(role, _)| role).collect(),
    }
}

/// The ports that a bridge has, those beyond the configuration behind the others.
pub(crate) fn ports(world: &World, role: Role) -> Ports {
    let mut ports = portmap::assumed(&world.host, role);
    let absent: Vec<PortNo> = ports
        .iter()
        .filter(|(name, _)| !world.is_there(name))
        .map(|(_, number)| number)
        .collect();
    for number in absent {
        ports.remove(number);
    }
    if let Bridges::AnyLearning = world.host.bridges {
        ports.insert("br0".to_owned(), PortNo::LOCAL);
    }
    if role == guests_at(world) {
        for (number, stray) in (100..).zip(&world.strays) {
            ports.insert(stray.clone(), PortNo(number));
        }
    }
    ports
}

fn guests_at(world: &World) -> Role {
    match world.host.bridges {
        Bridges::Chain(_) => Role::Local,
        _ => Role::Learning,
    }
}

pub(crate) fn outside_at(world: &World) -> Role {
    match world.host.bridges {
        Bridges::Chain(_) => Role::Uplink,
        _ => Role::Learning,
    }
}

fn learned_mac(world: &World, heard: &Heard) -> Option<LearnedMac> {
    let at = location(world, &heard.at)?;
    Some(LearnedMac {
        vlan: heard.vlan,
        mac: heard.mac,
        at,
    })
}

/// The port behind which `station` is, if there is one.
pub(crate) fn location(world: &World, station: &Station) -> Option<Location> {
    let (role, name) = match station {
        Station::Vnic(name) => (world.host.bridge_of(world.host.vnic(name)?), name),
        Station::Stray(name) => (guests_at(world), name),
        Station::Uplink(name) => (outside_at(world), name),
        Station::FunctionPort(name) => (Role::Service, name),
        Station::HostItself => {
            return Some(Location {
                role: outside_at(world),
                port: PortNo::LOCAL,
            });
        }
        Station::Function(_) => return None,
    };
    let port = ports(world, role).get(name)?;
    Some(Location { role, port })
}

/// Who gets what leaves by a port.
pub(crate) fn station(world: &World, copy: &Delivery) -> Station {
    if copy.port == PortNo::LOCAL && copy.role == outside_at(world) {
        return Station::HostItself;
    }
    let ports = ports(world, copy.role);
    let name = ports
        .name(copy.port)
        .expect("frames leave by ports that exist")
        .to_owned();
    if copy.role == Role::Service {
        return Station::Function(world.share_of(&name));
    }
    match &world.host {
        host if host.vnic(&name).is_some() => Station::Vnic(name),
        host if host.uplinks.contains(&name) => Station::Uplink(name),
        _ => Station::Stray(name),
    }
}
