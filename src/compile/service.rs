//! The service bridge: every frame of the host's guests passes here, and the network functions of
//! its chain get theirs.

use openflow::{Action, Bucket, GroupId, GroupType, Match, OxmField, PortNo};

use super::builder::{self, Builder, apply, from_port, reserved_multicast};
use super::tables::{Table, priority};
use super::{mark, vlan};
use crate::cookie::Class;
use crate::ports::Ports;
use crate::program::{Group, Program};
use crate::topology::{Chain, ChainBridges, Function, FunctionKind, Host};

pub(super) fn compile(host: &Host, chain: &ChainBridges, ports: &Ports) -> Program {
    let mut builder = Builder::default();
    builder.drop(
        Table::Classify,
        priority::ALWAYS,
        reserved_multicast(),
        Class::DropReserved,
    );
    builder.drop(
        Table::Classify,
        priority::MISS,
        Match::new(),
        Class::DropPort,
    );
    for port in function_ports(host, ports) {
        builder.drop(
            Table::Classify,
            priority::DEFAULT,
            from_port(port),
            Class::DropFunction,
        );
    }
    let [right_of_local, left_of_uplink] = chain.patches.as_slice() else {
        return builder.finish();
    };
    let (Some(left), Some(right)) = (
        ports.get(&right_of_local.right),
        ports.get(&left_of_uplink.left),
    ) else {
        return builder.finish();
    };
    pass(&mut builder, left, right);
    pass(&mut builder, right, left);
    for chain in &host.chains {
        let taps = taps(&mut builder, chain, ports);
        if !taps.is_empty() {
            tap(&mut builder, host, chain, &taps, left, right);
        }
    }
    builder.finish()
}

/// Hands frames of no chain from one side to the other.
fn pass(builder: &mut Builder, from: PortNo, to: PortNo) {
    builder.flow(
        Table::Classify,
        priority::DEFAULT,
        from_port(from),
        Class::Pipeline,
        apply(vec![Action::output(to)]),
    );
}

/// Copies the frames of `chain` to its taps, each once: on their way to the uplink always, on
/// their way to the guests only those that did not come from a guest.
fn tap(
    builder: &mut Builder,
    host: &Host,
    chain: &Chain,
    taps: &[Action],
    left: PortNo,
    right: PortNo,
) {
    // The frame goes on first, with its mark; the copies leave Open vSwitch without it.
    let copies = |to| {
        let mut actions = vec![Action::output(to), builder::clear_mark()];
        actions.extend_from_slice(taps);
        apply(actions)
    };
    let from_guests = from_port(left);
    let from_outside = from_port(right).with(OxmField::PktMark, mark::FROM_UPLINK);
    for (from, to) in [(from_guests, right), (from_outside, left)] {
        for selected in selectors(host, chain, &from) {
            builder.flow(
                Table::Classify,
                priority::SPECIFIC,
                selected,
                Class::Function,
                copies(to),
            );
        }
    }
}

/// `from` restricted to the frames of `chain`: those of its networks, and those with one of its
/// VMs at either end, to which multicast belongs in every network of the VM.
fn selectors(host: &Host, chain: &Chain, from: &Match) -> Vec<Match> {
    let mut selectors: Vec<Match> = chain
        .networks
        .iter()
        .map(|network| vlan::of(from.clone(), *network))
        .collect();
    for vnic in host
        .vnics
        .iter()
        .filter(|vnic| chain.vms.contains(&vnic.vm))
    {
        for network in vnic.membership.vlans() {
            let of_network = vlan::of(from.clone(), network);
            if let Some(mac) = vnic.mac {
                selectors.push(of_network.clone().with(OxmField::EthSrc, mac));
                selectors.push(of_network.clone().with(OxmField::EthDst, mac));
            }
            selectors.push(of_network.with_masked(
                OxmField::EthDst,
                0x0100_0000_0000_u64,
                0x0100_0000_0000_u64,
            ));
        }
    }
    selectors
}

/// The actions that give each tap of `chain` its copy. Instances of one tap share the load: the
/// switch chooses by the addresses of the conversation.
fn taps(builder: &mut Builder, chain: &Chain, ports: &Ports) -> Vec<Action> {
    chain
        .functions
        .iter()
        .filter_map(|function| tap_action(builder, chain, function, ports))
        .collect()
}

fn tap_action(
    builder: &mut Builder,
    chain: &Chain,
    function: &Function,
    ports: &Ports,
) -> Option<Action> {
    let FunctionKind::Tap { instances } = &function.kind else {
        return None;
    };
    let instances: Vec<PortNo> = instances
        .iter()
        .filter_map(|name| ports.get(name))
        .collect();
    match instances.as_slice() {
        [] => None,
        [only] => Some(Action::output(*only)),
        several => {
            let name = format!("{}/{}", chain.name, function.name);
            Some(Action::Group(share(builder, &name, several)))
        }
    }
}

/// A group that shares the frames for `function` between `ports`.
fn share(builder: &mut Builder, function: &str, ports: &[PortNo]) -> GroupId {
    let id = builder.unused_group(function);
    let buckets = ports
        .iter()
        .map(|port| Bucket {
            weight: 1,
            watch_port: *port,
            watch_group: GroupId::ANY,
            actions: vec![Action::output(*port)],
        })
        .collect();
    builder.group(
        id,
        Group {
            kind: GroupType::Select,
            buckets,
        },
    );
    id
}

/// The ports of all network functions, each with nothing to say of its own.
fn function_ports(host: &Host, ports: &Ports) -> Vec<PortNo> {
    host.chains
        .iter()
        .flat_map(|chain| &chain.functions)
        .flat_map(|function| match &function.kind {
            FunctionKind::Tap { instances } => {
                instances.iter().map(String::as_str).collect::<Vec<_>>()
            }
            FunctionKind::Inline { instances, .. } => instances
                .iter()
                .flat_map(|legs| [legs.ingress.as_str(), legs.egress.as_str()])
                .collect(),
        })
        .filter_map(|name| ports.get(name))
        .collect()
}
