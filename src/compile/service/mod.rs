//! The service bridge: every frame of the host's guests passes here, and the network functions of
//! its chain get theirs.
//!
//! A frame goes through tables forward only:
//!
//! ```text
//! classify -> select -> enter -> stage -> stage -> ... -> out on the far side
//!   port      chain    stage      |  \
//!                                tap  inline: out by one leg, in again by the other (classify)
//! ```
//!
//! What is before the stages is one flow for each network and address of a chain and each port;
//! from there on flows are by chain. See [`stage`] for what stands where.

mod copying;
mod filter;
mod inline;
mod selectors;
mod stage;
mod taps;

use std::collections::{BTreeMap, BTreeSet};

use openflow::{Action, Match, OxmField, PortNo};

use self::inline::Inline;
pub(super) use self::stage::CHAIN;
use self::stage::{Direction, SAVED_MARK, Stage};
use super::builder::{self, Builder, apply, apply_then, from_port, reserved_multicast};
use super::tables::{Table, priority};
use super::{bound, mark, probe};
use crate::cookie::Class;
use crate::health::Failed;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{Chain, ChainBridges, Controller, Function, FunctionKind, Host, Role, Vlan};

pub(super) fn compile(
    host: &Host,
    chain: &ChainBridges,
    settings: &Controller,
    ports: &Ports,
    failed: &Failed,
) -> Program {
    let mut builder = Builder::default();
    probe::add_to(&mut builder, host, settings, ports, failed);
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
    bound::note(&mut builder, host, Role::Service, ports);
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
    // What a guest sends is handed to the functions on its way to the uplink, and not again if it
    // comes back because its destination is on the same host.
    select(&mut builder, from_port(left));
    select(
        &mut builder,
        from_port(right).with(OxmField::PktMark, mark::FROM_UPLINK),
    );
    pass(&mut builder, Table::Classify, right, left);
    builder.flow(
        stage::SELECT,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        apply_then(Vec::new(), stage::ENTER),
    );
    // Frames of no chain.
    pass(&mut builder, stage::ENTER, left, right);
    pass(&mut builder, stage::ENTER, right, left);
    for (id, chain) in numbered(&host.chains, |chain| &chain.name) {
        Insertion {
            id,
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

/// Looks for the chain of a frame.
fn select(builder: &mut Builder, from: Match) {
    builder.flow(
        Table::Classify,
        priority::SPECIFIC,
        from,
        Class::Pipeline,
        apply_then(Vec::new(), stage::SELECT),
    );
}

/// Hands frames from one side to the other.
fn pass(builder: &mut Builder, table: impl Into<openflow::TableId>, from: PortNo, to: PortNo) {
    builder.flow(
        table,
        priority::DEFAULT,
        from_port(from),
        Class::Pipeline,
        apply(vec![Action::output(to)]),
    );
}

/// The items with a number for each, made from its name so that the others keep theirs when one is
/// added. 0 is none.
fn numbered<T>(items: &[T], name: impl Fn(&T) -> &str) -> Vec<(u32, &T)> {
    let mut numbers = BTreeMap::new();
    for item in items {
        let mut id = builder::hash(name(item)).max(1);
        while numbers.contains_key(&id) {
            id = id.wrapping_add(1).max(1);
        }
        numbers.insert(id, item);
    }
    numbers.into_iter().collect()
}

/// The chain, and of its taps the one, whose frames alone `match_` selects on the service bridge of
/// `host`: by their names.
pub fn names_of<'h>(host: &'h Host, match_: &Match) -> Option<(&'h str, Option<&'h str>)> {
    let number = |field| match_.get(field).map(|(number, _)| number);
    let chain = named(&host.chains, |chain| &chain.name, number(CHAIN)?)?;
    let tap = number(copying::TAP)
        .and_then(|tap| named(&chain.functions, |function| &function.name, tap));
    Some((&chain.name, tap.map(|tap| tap.name.as_str())))
}

/// The chain to whose frames a flow of a stage applies, and the function that comes next there.
pub(super) fn function_at<'h>(
    host: &'h Host,
    table: openflow::TableId,
    match_: &Match,
) -> Option<(&'h str, Option<&'h str>)> {
    let (number, _) = match_.get(CHAIN)?;
    let chain = named(&host.chains, |chain| &chain.name, number)?;
    let (position, _) = Stage::at(table)?.ahead(chain.functions.len())?;
    let function = chain.functions.get(position)?;
    Some((&chain.name, Some(&function.name)))
}

/// The item with a number.
fn named<T>(items: &[T], name: impl Fn(&T) -> &str, number: u128) -> Option<&T> {
    let (_, item) = numbered(items, name)
        .into_iter()
        .find(|(id, _)| u128::from(*id) == number)?;
    Some(item)
}

/// One chain on the service bridge.
struct Insertion<'a> {
    /// In [`CHAIN`] while a frame passes it.
    id: u32,
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
        self.enter(builder);
        for direction in [Direction::Right, Direction::Left] {
            for position in 0..=self.chain.functions.len() {
                self.stage(
                    builder,
                    Stage {
                        direction,
                        position,
                    },
                );
            }
        }
    }

    /// Finds the frames of the chain, and the stage at which each comes to it: from one of the two
    /// sides, or out of a function.
    fn enter(&self, builder: &mut Builder) {
        for selected in selectors::of(self.host, self.chain) {
            builder.flow(
                stage::SELECT,
                priority::SPECIFIC,
                selected,
                Class::Function,
                apply_then(vec![Action::set_field(CHAIN, self.id)], stage::ENTER),
            );
        }
        let functions = &self.chain.functions;
        for (port, direction, position) in [
            (self.left, Direction::Right, 0),
            (self.right, Direction::Left, functions.len()),
        ] {
            self.enter_at(
                builder,
                port,
                vec![stage::save_mark()],
                Stage {
                    direction,
                    position,
                },
            );
        }
        for (position, function) in functions.iter().enumerate() {
            for (leg, direction) in self.exits(function) {
                // Having left Open vSwitch a frame has lost its mark.
                let (position, mark) = match direction {
                    Direction::Right => (position + 1, mark::INSPECTED),
                    Direction::Left => (position, mark::FROM_UPLINK),
                };
                select(builder, from_port(leg));
                builder.drop(
                    stage::ENTER,
                    priority::DEFAULT,
                    from_port(leg),
                    Class::DropFunction,
                );
                self.enter_at(
                    builder,
                    leg,
                    vec![Action::set_field(SAVED_MARK, mark)],
                    Stage {
                        direction,
                        position,
                    },
                );
            }
        }
    }

    fn enter_at(&self, builder: &mut Builder, port: PortNo, mut actions: Vec<Action>, at: Stage) {
        actions.push(builder::clear_mark());
        builder.flow(
            stage::ENTER,
            priority::SPECIFIC,
            from_port(port).with(CHAIN, self.id),
            Class::Function,
            apply_then(actions, at.table()),
        );
    }

    /// The legs by which frames come out of a function, with the direction in which they travel.
    fn exits(&self, function: &Function) -> Vec<(PortNo, Direction)> {
        let FunctionKind::Inline {
            shadow: false,
            instances,
            ..
        } = &function.kind
        else {
            return Vec::new();
        };
        instances
            .iter()
            .flat_map(|legs| {
                [
                    (&legs.ingress, Direction::Left),
                    (&legs.egress, Direction::Right),
                ]
            })
            .filter_map(|(leg, direction)| Some((self.ports.get(leg)?, direction)))
            .collect()
    }

    /// What happens to a frame at a stage: the next function gets it, or a copy of it; or it goes
    /// out on the far side with its mark.
    fn stage(&self, builder: &mut Builder, at: Stage) {
        let Some((position, next)) = at.ahead(self.chain.functions.len()) else {
            let far_side = match at.direction {
                Direction::Right => self.right,
                Direction::Left => self.left,
            };
            let actions = vec![stage::restore_mark(), Action::output(far_side)];
            self.flow(builder, at, apply(actions));
            return;
        };
        let function = &self.chain.functions[position];
        match &function.kind {
            FunctionKind::Tap { copying, instances } => {
                let copies = self.copies(builder, at.direction, function, copying, instances);
                self.flow(builder, at, apply_then(copies, next.table()));
            }
            FunctionKind::Inline {
                shadow,
                failure_policy,
                instances,
                ..
            } => {
                let inline = Inline {
                    at,
                    next,
                    function,
                    shadow: *shadow,
                    failure_policy: *failure_policy,
                    instances,
                };
                self.through(builder, &inline);
            }
        }
    }

    /// The flow of this chain at a stage.
    fn flow(&self, builder: &mut Builder, at: Stage, instructions: Vec<openflow::Instruction>) {
        builder.flow(
            at.table(),
            priority::SPECIFIC,
            self.of_chain(),
            Class::Function,
            instructions,
        );
    }

    /// Frames that pass this chain.
    fn of_chain(&self) -> Match {
        Match::new().with(CHAIN, self.id)
    }

    /// The networks that frames of this chain are of.
    fn networks(&self) -> BTreeSet<Vlan> {
        let of_vms = self
            .host
            .vnics
            .iter()
            .filter(|vnic| self.chain.vms.contains(&vnic.vm));
        let of_vms = of_vms.flat_map(|vnic| vnic.membership.vlans());
        self.chain.networks.iter().copied().chain(of_vms).collect()
    }
}
