//! The simulator against Open vSwitch itself: `ofproto/trace` of the same flows gives the same
//! copies.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bridgechain::cookie::Class;
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::simulate::{Delivery, Frame, Headers, Network};
use bridgechain::topology::{FunctionKind, Redundancy, Role};
use openflow::PortNo;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::compiled;
use crate::ovs::{Ovs, bridge_name};
use crate::scenario::{self, Scenario};
use crate::world::World;

/// How many scenarios are tried; each takes Open vSwitch a good part of a second.
const CASES: u32 = 24;

#[test]
fn open_vswitch_delivers_what_the_simulator_says() {
    let Some(ovs) = Ovs::start() else { return };
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&scenario::scenarios(), |scenario| {
        let Scenario { mut world, probes } = scenario;
        leave_one_instance(&mut world);
        let bridges: Vec<(Role, Ports)> = compiled::roles(&world)
            .into_iter()
            .map(|role| (role, compiled::ports(&world, role)))
            .collect();
        let loaded = Loaded::new(&ovs, &world, &bridges);
        let network = without_functions(&world);
        for (from, frame) in probes {
            // The port may be one of those that were left out.
            let Some(at) = compiled::location(&world, &from) else {
                continue;
            };
            let traced = loaded.trace(at.role, at.port, &frame);
            let simulated = simulated(&network, at.role, at.port, &frame);
            prop_assert_eq!(traced, simulated, "from {:?}: {}", from, frame);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Leaves one instance of each function that chooses by a hash, and every conversation to each tap:
/// Open vSwitch hashes otherwise than the simulator.
fn leave_one_instance(world: &mut World) {
    for function in world
        .host
        .chains
        .iter_mut()
        .flat_map(|chain| &mut chain.functions)
    {
        if let FunctionKind::Tap { copying, .. } = &mut function.kind {
            copying.sampling = None;
        }
        if function.redundancy == Redundancy::ActivePassive {
            continue;
        }
        match &mut function.kind {
            FunctionKind::Tap { instances, .. } => instances.truncate(1),
            FunctionKind::Inline { instances, .. } => instances.truncate(1),
        }
    }
}

/// The bridges as Open vSwitch sees them: a trace ends where a frame goes to an inline function.
fn without_functions(world: &World) -> Network {
    let mut host = world.host.clone();
    host.chains.clear();
    let bridges = compiled::programs(world).into_iter();
    let bridges = bridges.map(|(role, program)| (role, compiled::ports(world, role), program));
    let mut network = Network::new(&host, bridges);
    compiled::take_links(world, &mut network);
    network
}

/// Where a copy went, with which VLAN ids and which mark, and how long it is if it is cut off.
type Sent = (Role, PortNo, Vec<u16>, u32, Option<u32>);

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Copies {
    /// Sorted.
    sent: Vec<Sent>,
    /// How many went to the controller.
    packet_ins: usize,
}

fn simulated(network: &Network, role: Role, port: PortNo, frame: &Frame) -> Copies {
    let walk = network.inject(role, port, frame.clone());
    let copy = |delivery: &Delivery| {
        let vids = delivery.frame.tags.iter().map(|tag| tag.vid).collect();
        let Delivery {
            role,
            port,
            pkt_mark,
            max_len,
            ..
        } = *delivery;
        (role, port, vids, pkt_mark, max_len)
    };
    let mut sent: Vec<_> = walk.deliveries.iter().map(copy).collect();
    sent.sort();
    Copies {
        sent,
        packet_ins: walk.packet_ins.len(),
    }
}

/// A host's bridges on Open vSwitch, with their flows; removed in the end.
struct Loaded<'a> {
    ovs: &'a Ovs,
    world: &'a World,
    bridges: &'a [(Role, Ports)],
    /// Which port a number of the datapath belongs to.
    datapath_ports: BTreeMap<u32, (Role, PortNo)>,
}

impl<'a> Loaded<'a> {
    fn new(ovs: &'a Ovs, world: &'a World, bridges: &'a [(Role, Ports)]) -> Self {
        ovs.add_host(&world.host, bridges);
        for (role, program) in compiled::programs(world) {
            let bridge = bridge_name(&world.host, role);
            ovs.load(bridge, Dialect::Numbers, &program);
        }
        let down: Vec<_> = bridges
            .iter()
            .flat_map(|(role, ports)| ports.iter().map(|(name, number)| (*role, number, name)))
            .filter(|(.., name)| world.down.contains(*name))
            .map(|(role, number, name)| (role, number, name, false))
            .collect();
        ovs.set_links(&world.host, &down);
        let names = bridges
            .iter()
            .map(|(role, _)| (bridge_name(&world.host, *role), *role));
        let datapath_ports = datapath_ports(&ovs.appctl(&["dpif/show"]), &names.collect());
        Self {
            ovs,
            world,
            bridges,
            datapath_ports,
        }
    }

    fn trace(&self, role: Role, port: PortNo, frame: &Frame) -> Copies {
        let bridge = bridge_name(&self.world.host, role);
        let in_port = format!("in_port={port}");
        let trace = self
            .ovs
            .appctl(&["ofproto/trace", bridge, &in_port, &hex(frame)]);
        // Tracing a packet, as tracing a flow does not, carries out what the switch is to remember.
        if trace.contains("learn(") {
            self.forget();
        }
        let mut copies = Copies {
            sent: Vec::new(),
            packet_ins: 0,
        };
        let mut actions = trace
            .lines()
            .filter_map(|line| line.strip_prefix("Datapath actions: "));
        let (Some(line), None) = (actions.next(), actions.next()) else {
            panic!("not one line of datapath actions:\n{trace}");
        };
        let mut state = State {
            vids: frame.tags.iter().map(|tag| tag.vid).collect(),
            mark: 0,
            cut: None,
        };
        self.carry_out(line, &mut state, &mut copies);
        // Open vSwitch sends by a port without a link too; that is where the frame ends.
        copies.sent.retain(|(role, port, ..)| {
            let ports = compiled::ports(self.world, *role);
            let name = ports.name(*port).unwrap_or_default();
            !self.world.down.contains(name)
        });
        copies.sent.sort();
        copies
    }
}

impl Loaded<'_> {
    /// Deletes what the switch has written itself: every probe meets it as it was loaded.
    fn forget(&self) {
        let [lowest, highest] = [0, u32::MAX].map(|number| Class::remembered(number).0);
        let flows = format!("cookie={lowest:#x}/{:#x}", !(lowest ^ highest));
        for (role, _) in self.bridges {
            let bridge = bridge_name(&self.world.host, *role);
            self.ovs.ofctl("del-flows", bridge, &[&flows]);
        }
    }
}

/// A frame on its way through the datapath.
#[derive(Clone)]
struct State {
    vids: Vec<u16>,
    mark: u32,
    /// How long it is when it is sent, if it is cut off.
    cut: Option<u32>,
}

impl Loaded<'_> {
    /// Carries out the actions of the datapath.
    fn carry_out(&self, actions: &str, state: &mut State, copies: &mut Copies) {
        for action in top_level(actions) {
            let number = |prefix: &str| {
                let text = action.split(prefix).nth(1)?.split([',', ')']).next()?;
                let text = text.trim_start_matches("0x");
                let radix = if prefix == "skb_mark(" { 16 } else { 10 };
                u32::from_str_radix(text, radix).ok()
            };
            if let Ok(port) = action.parse() {
                let (role, port) = self.datapath_ports[&port];
                let copy = (role, port, state.vids.clone(), state.mark, state.cut.take());
                copies.sent.push(copy);
            } else if let Some(inside) = action.strip_prefix("clone(") {
                let inside = inside.strip_suffix(')').expect("a closing parenthesis");
                self.carry_out(inside, &mut state.clone(), copies);
            } else if let Some(vid) = number("vid=") {
                state.vids.insert(0, u16::try_from(vid).expect("12 bits"));
                state.cut = state.cut.map(|length| length + 4);
            } else if action == "pop_vlan" {
                state.vids.remove(0);
                state.cut = state.cut.map(|length| length - 4);
            } else if let Some(length) = number("trunc(") {
                state.cut = Some(length);
            } else if let Some(new) = number("skb_mark(") {
                state.mark = new;
            } else if action.contains("userspace(") && action.contains("controller(") {
                copies.packet_ins += 1;
            } else {
                let no_effect = action == "drop" || action.starts_with("meter(");
                assert!(
                    no_effect,
                    "an action that this test does not know: {actions}"
                );
            }
        }
    }
}

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        self.ovs.remove_host(&self.world.host, self.bridges);
    }
}

/// The ports in what `dpif/show` prints: `    vma0 1/7: (dummy)` below `  br0.local:`.
fn datapath_ports(shown: &str, bridges: &BTreeMap<&str, Role>) -> BTreeMap<u32, (Role, PortNo)> {
    const LOCAL: u32 = 65534;
    let mut ports = BTreeMap::new();
    let mut role = None;
    for line in shown.lines() {
        if let Some(bridge) = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'))
        {
            role = bridges.get(bridge);
        }
        let numbers = line
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.strip_suffix(':'));
        let Some((openflow, datapath)) = numbers.and_then(|numbers| numbers.split_once('/')) else {
            continue;
        };
        if let (Some(role), Ok(openflow), Ok(datapath)) = (role, openflow.parse(), datapath.parse())
        {
            let port = if openflow == LOCAL {
                PortNo::LOCAL
            } else {
                PortNo(openflow)
            };
            ports.insert(datapath, (*role, port));
        }
    }
    ports
}

/// The parts between the commas that are in no parentheses.
fn top_level(actions: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    actions
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .collect()
}

/// The frame's bytes; behind its headers are zeros.
fn hex(frame: &Frame) -> String {
    let mut bytes = [frame.dst.0, frame.src.0].concat();
    for tag in &frame.tags {
        bytes.extend(tag.tpid.to_be_bytes());
        bytes.extend((u16::from(tag.pcp) << 13 | tag.vid).to_be_bytes());
    }
    bytes.extend(frame.ethertype.to_be_bytes());
    bytes.extend(frame.headers.map(payload).unwrap_or_default());
    bytes.extend([0; 46]);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What follows the Ethernet header.
fn payload(headers: Headers) -> Vec<u8> {
    match headers {
        Headers::Arp {
            operation,
            sender,
            target,
        } => {
            // For Ethernet and IPv4.
            let mut bytes = vec![0, 1, 8, 0, 6, 4];
            bytes.extend(operation.to_be_bytes());
            bytes.extend([0; 6]);
            bytes.extend(sender.octets());
            bytes.extend([0; 6]);
            bytes.extend(target.octets());
            bytes
        }
        Headers::Ip {
            src,
            dst,
            protocol,
            ports,
        } => {
            let mut segment = match protocol {
                Headers::ICMP | Headers::ICMPV6 => ports.map(|number| number as u8).to_vec(),
                _ => ports.map(u16::to_be_bytes).concat(),
            };
            segment.resize(24, 0);
            if protocol == Headers::TCP {
                // The length of its header, in words.
                segment[12] = 5 << 4;
            }
            let length = segment.len() as u8;
            let mut bytes = match (src, dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => {
                    let mut bytes = vec![0x45, 0, 0, 20 + length, 0, 0, 0, 0, 64, protocol, 0, 0];
                    bytes.extend([src.octets(), dst.octets()].concat());
                    bytes
                }
                (IpAddr::V6(src), IpAddr::V6(dst)) => {
                    let mut bytes = vec![0x60, 0, 0, 0, 0, length, protocol, 64];
                    bytes.extend([src.octets(), dst.octets()].concat());
                    bytes
                }
                _ => panic!("two versions of IP: {headers}"),
            };
            bytes.extend(segment);
            bytes
        }
    }
}
