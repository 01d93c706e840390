//! The service bridge: every frame of the host's guests passes here, and the network functions of
//! its chain get theirs.

use std::fmt;

use openflow::{Action, Bucket, GroupId, GroupType, Match, OxmField, PortNo, Subfield, TableId};

use super::builder::{self, Builder, apply, flow, from_port, reserved_multicast};
use super::tables::{Table, priority};
use super::{mark, vlan};
use crate::cookie::Class;
use crate::health::Failed;
use crate::ports::Ports;
use crate::program::{Group, Program};
use crate::topology::{
    Chain, ChainBridges, FailurePolicy, Function, FunctionKind, Host, TapInstance,
};

pub(super) fn compile(
    host: &Host,
    chain: &ChainBridges,
    ports: &Ports,
    failed: &Failed,
) -> Program {
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
    // They have nothing to say of their own.
    for port in host.function_ports().filter_map(|name| ports.get(name)) {
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
        Insertion {
            host,
            chain,
            ports,
            failed,
            left,
            right,
        }
        .compile(&mut builder);
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

/// The way of a frame along the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From the guests to the uplink.
    Right,
    /// From the uplink to the guests.
    Left,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Right => "right",
            Self::Left => "left",
        })
    }
}

/// One chain on the service bridge.
///
/// A frame passes it in stretches: from where it enters the bridge past the taps to the next
/// inline function, out to that and in again by the other leg, until it leaves on the far side.
/// Each stretch is one flow.
struct Insertion<'a> {
    host: &'a Host,
    chain: &'a Chain,
    ports: &'a Ports,
    failed: &'a Failed,
    /// The patch port to the local bridge.
    left: PortNo,
    /// The patch port to the uplink bridge.
    right: PortNo,
}

impl Insertion<'_> {
    fn compile(&self, builder: &mut Builder) {
        // What a guest sends is handed to the functions on its way to the uplink, and not again
        // if it comes back because its destination is on the same host.
        let from_outside = from_port(self.right).with(OxmField::PktMark, mark::FROM_UPLINK);
        let entries = [
            (Direction::Right, 0, from_port(self.left)),
            (Direction::Left, self.chain.functions.len(), from_outside),
        ];
        for (direction, position, entry) in entries {
            let mut actions = vec![save_mark(), builder::clear_mark()];
            actions.extend(self.onward(builder, direction, position));
            self.stretch(builder, Table::Classify.into(), &entry, actions);
        }
        for (position, function) in self.chain.functions.iter().enumerate() {
            let Some(legs) = self.legs(function) else {
                continue;
            };
            let beyond = [
                (Direction::Right, position + 1, legs.egress, mark::INSPECTED),
                (Direction::Left, position, legs.ingress, mark::FROM_UPLINK),
            ];
            for (direction, position, leg, mark) in beyond {
                let mut actions = vec![builder::clear_mark(), Action::set_field(SAVED_MARK, mark)];
                actions.extend(self.onward(builder, direction, position));
                self.stretch(builder, Table::Classify.into(), &from_port(leg), actions);
            }
        }
    }

    /// Applies `actions` to the frames of this chain among `entry`.
    fn stretch(&self, builder: &mut Builder, table: TableId, entry: &Match, actions: Vec<Action>) {
        for selected in selectors(self.host, self.chain, entry) {
            builder.add(flow(
                table,
                priority::SPECIFIC,
                selected,
                Class::Function,
                apply(actions.clone()),
            ));
        }
    }

    /// What happens to a frame that has passed the functions before `position`, or, on its way to
    /// the guests, those from `position` on: a copy to each tap up to the next inline function,
    /// then into that; or out on the far side with its mark.
    fn onward(&self, builder: &mut Builder, direction: Direction, position: usize) -> Vec<Action> {
        let functions = &self.chain.functions;
        let (ahead, far_side): (Vec<usize>, PortNo) = match direction {
            Direction::Right => ((position..functions.len()).collect(), self.right),
            Direction::Left => ((0..position).rev().collect(), self.left),
        };
        let mut actions = Vec::new();
        for next in ahead {
            match &functions[next].kind {
                FunctionKind::Tap { instances, .. } => {
                    actions.extend(self.copy_to(builder, &functions[next], instances));
                }
                FunctionKind::Inline { .. } => {
                    actions.extend(self.through(builder, direction, next));
                    return actions;
                }
            }
        }
        actions.extend([restore_mark(), Action::output(far_side)]);
        actions
    }

    /// A copy to a tap. Several instances share the load: the switch chooses by the addresses of
    /// the conversation.
    fn copy_to(
        &self,
        builder: &mut Builder,
        tap: &Function,
        instances: &[TapInstance],
    ) -> Option<Action> {
        let ports: Vec<PortNo> = instances
            .iter()
            .filter_map(|instance| self.ports.get(&instance.port))
            .collect();
        match ports.as_slice() {
            [] => None,
            [only] => Some(Action::output(*only)),
            several => {
                let buckets = several
                    .iter()
                    .map(|port| Bucket {
                        weight: 1,
                        ..live(*port, Action::output(*port))
                    })
                    .collect();
                Some(self.group(builder, &tap.name, GroupType::Select, buckets))
            }
        }
    }

    /// Into the inline function at `position`, as long as both its legs are up; else past it, or
    /// nowhere, as its failure policy says.
    ///
    /// A bucket of a fast-failover group watches one port, so there is a group for each leg. The
    /// switch fails over by itself.
    fn through(&self, builder: &mut Builder, direction: Direction, position: usize) -> Vec<Action> {
        let function = &self.chain.functions[position];
        let bypass = self.bypass(builder, direction, position);
        let Some(legs) = self.legs(function) else {
            return bypass.into_iter().collect();
        };
        let (entry, exit) = match direction {
            Direction::Right => (legs.ingress, legs.egress),
            Direction::Left => (legs.egress, legs.ingress),
        };
        let mut failover = |watched: PortNo, stage: &str, action: Action| {
            let mut buckets = vec![live(watched, action)];
            // This one must always count as live: it watches a patch port, which always is.
            buckets.extend(bypass.clone().map(|action| live(self.left, action)));
            let name = format!("{}/{direction}/{stage}", function.name);
            self.group(builder, &name, GroupType::FastFailover, buckets)
        };
        let enter = failover(entry, "enter", Action::output(entry));
        vec![failover(exit, "exit", enter)]
    }

    /// The way past the inline function at `position`, where its failure policy has one.
    ///
    /// A bucket holds a set of actions with at most one output, so what comes next stands in a
    /// table of its own, one for each function and direction.
    fn bypass(
        &self,
        builder: &mut Builder,
        direction: Direction,
        position: usize,
    ) -> Option<Action> {
        let FunctionKind::Inline {
            failure_policy: FailurePolicy::FailOpen,
            ..
        } = self.chain.functions[position].kind
        else {
            return None;
        };
        let (table, next) = match direction {
            Direction::Right => (2 * position + 1, position + 1),
            Direction::Left => (2 * position + 2, position),
        };
        let table = TableId(u8::try_from(table).ok()?);
        let actions = self.onward(builder, direction, next);
        self.stretch(builder, table, &Match::new(), actions);
        Some(builder::resubmit(table))
    }

    /// A group of this chain, called `name` in it.
    fn group(
        &self,
        builder: &mut Builder,
        name: &str,
        kind: GroupType,
        buckets: Vec<Bucket>,
    ) -> Action {
        Action::Group(builder.group(
            &format!("{}/{name}", self.chain.name),
            Group { kind, buckets },
        ))
    }

    /// The legs of an inline function that is there, with both legs.
    fn legs(&self, function: &Function) -> Option<Legs> {
        let FunctionKind::Inline { instances, .. } = &function.kind else {
            return None;
        };
        let instance = instances.first()?;
        if self.failed.contains(&instance.ingress) {
            return None;
        }
        Some(Legs {
            ingress: self.ports.get(&instance.ingress)?,
            egress: self.ports.get(&instance.egress)?,
        })
    }
}

/// The ports of an inline function.
struct Legs {
    /// Faces the guests.
    ingress: PortNo,
    /// Faces the uplink.
    egress: PortNo,
}

/// A bucket that counts as live while `watched` is up.
fn live(watched: PortNo, action: Action) -> Bucket {
    Bucket {
        weight: 0,
        watch_port: watched,
        watch_group: GroupId::ANY,
        actions: vec![action],
    }
}

/// The register that keeps a frame's mark while copies leave Open vSwitch without it.
const SAVED_MARK: OxmField = OxmField::Reg0;

fn save_mark() -> Action {
    Action::RegMove {
        src: Subfield::whole(OxmField::PktMark),
        dst: Subfield::whole(SAVED_MARK),
    }
}

fn restore_mark() -> Action {
    Action::RegMove {
        src: Subfield::whole(SAVED_MARK),
        dst: Subfield::whole(OxmField::PktMark),
    }
}

/// `from` restricted to the frames of `chain`: those of its networks, and those with one of its
/// VMs at either end, to which multicast belongs in every network of the VM. That these VMs use no
/// other addresses is seen to on the local bridge.
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
            selectors.push(builder::multicast(of_network, OxmField::EthDst));
        }
    }
    selectors
}
