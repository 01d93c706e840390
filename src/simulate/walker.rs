//! Carries out flows, actions and groups on a packet.

use openflow::{Action, Bucket, GroupId, GroupType, Instruction, PortNo, Subfield, TableId};

use super::action_set::in_set_order;
use super::choice;
use super::memory::{Memory, Note};
use super::packet::Packet;
use super::walk::{Delivery, Fault, PacketIn, Pass, Step, Walk};
use super::{Bridge, Network};
use crate::program::{Flow, FlowKey, Group};
use crate::topology::Role;

/// How many bridges deep a frame may go; Open vSwitch allows the same recursion.
const MAX_DEPTH: usize = 64;
/// `in_port` of a resubmit that leaves it as it is.
const SAME_PORT: u16 = 0xfff8;
/// How many passes through bridges, and resubmits, all copies of a frame may make together.
const MAX_PASSES: usize = 4096;

pub(super) fn walk<'n>(
    network: &'n Network,
    memory: &Memory,
    role: Role,
    packet: Packet,
) -> Walk<'n> {
    let mut outcome = Outcome {
        memory: memory.clone(),
        ..Outcome::default()
    };
    let pass = outcome.pass(network, role, packet, 0);
    let Outcome {
        deliveries,
        packet_ins,
        faults,
        memory,
        ..
    } = outcome;
    Walk {
        pass,
        deliveries,
        packet_ins,
        faults,
        memory,
    }
}

/// What all copies of the frame add to.
#[derive(Default)]
struct Outcome {
    deliveries: Vec<Delivery>,
    packet_ins: Vec<PacketIn>,
    faults: Vec<Fault>,
    /// What the bridges wrote into their tables.
    memory: Memory,
    passes: usize,
}

impl Outcome {
    /// Takes a packet through one bridge, and its copies through those behind it.
    fn pass<'n>(
        &mut self,
        network: &'n Network,
        role: Role,
        packet: Packet,
        depth: usize,
    ) -> Pass<'n> {
        let (in_port, frame) = (packet.in_port, packet.frame());
        self.passes += 1;
        let steps = match network.bridges.get(&role) {
            Some(_) if depth > MAX_DEPTH || self.passes > MAX_PASSES => {
                self.fault(Fault::Loop);
                Vec::new()
            }
            Some(bridge) => {
                let mut pipeline = Pipeline {
                    action_set: Vec::new(),
                    outcome: self,
                    network,
                    bridge,
                    role,
                    depth,
                    table: TableId(0),
                };
                pipeline.run(packet)
            }
            None => Vec::new(),
        };
        Pass {
            role,
            in_port,
            frame,
            steps,
        }
    }

    /// One report of each kind of fault is enough; a loop would make thousands.
    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// The pipeline of one bridge, at work on one packet.
struct Pipeline<'w, 'n> {
    outcome: &'w mut Outcome,
    network: &'n Network,
    bridge: &'n Bridge,
    role: Role,
    depth: usize,
    table: TableId,
    action_set: Vec<&'n Action>,
}

impl<'n> Pipeline<'_, 'n> {
    /// Table after table, then the action set (§5.1).
    fn run(&mut self, mut packet: Packet) -> Vec<Step<'n>> {
        let mut steps = Vec::new();
        self.tables(TableId(0), &mut packet, &mut steps);
        let action_set = std::mem::take(&mut self.action_set);
        self.apply(in_set_order(action_set), &mut packet, &mut steps);
        steps
    }

    /// From `first` on as long as flows lead to another table.
    fn tables(&mut self, first: TableId, packet: &mut Packet, steps: &mut Vec<Step<'n>>) {
        let mut next = Some(first);
        while let Some(table) = next {
            self.table = table;
            next = self.table(packet, steps);
            if next.is_some_and(|next| next <= table) {
                let role = self.role;
                self.fault(Fault::Backward { role, table });
                return;
            }
        }
    }

    /// Looks the packet up in the current table and carries out what the flow says. Returns the
    /// table that it leads to.
    fn table(&mut self, packet: &mut Packet, steps: &mut Vec<Step<'n>>) -> Option<TableId> {
        let (role, table) = (self.role, self.table);
        let matched = self.look_up(packet);
        let priority = matched.map(|(key, _)| key.priority);
        let mut notes = self.outcome.memory.0.iter().rev();
        if let Some(note) = notes.find(|note| note.applies(role, table, priority, packet)) {
            if note.clone().apply(packet).is_none() {
                self.fault(Fault::Recall { role, table });
            }
            steps.push(Step::Recall(table));
            return None;
        }
        steps.push(Step::Lookup { table, matched });
        let mut next = None;
        for instruction in &matched?.1.instructions {
            match instruction {
                Instruction::GotoTable(table) => next = Some(*table),
                Instruction::ApplyActions(actions) => self.apply(actions, packet, steps),
                Instruction::WriteActions(actions) => self.action_set.extend(actions),
                Instruction::ClearActions => self.action_set.clear(),
                Instruction::WriteMetadata { metadata, mask } => {
                    packet.metadata = packet.metadata & !mask | metadata & mask;
                }
                Instruction::Meter(_) => {}
                _ => self.fault(Fault::Instruction { role, table }),
            }
        }
        next
    }

    /// Goes through another table, or several, and then on with what comes after the action
    /// (`NXAST_RESUBMIT_TABLE`).
    fn resubmit(&mut self, table: TableId, packet: &mut Packet, steps: &mut Vec<Step<'n>>) {
        self.outcome.passes += 1;
        if self.depth > MAX_DEPTH || self.outcome.passes > MAX_PASSES {
            self.fault(Fault::Loop);
            return;
        }
        let here = self.table;
        self.depth += 1;
        self.tables(
            if table == TableId::ALL { here } else { table },
            packet,
            steps,
        );
        self.depth -= 1;
        self.table = here;
    }

    /// The matching flow entry of highest priority (§5.3).
    fn look_up(&mut self, packet: &Packet) -> Option<(&'n FlowKey, &'n Flow)> {
        let table = self.table;
        let mut flows = self.bridge.program.table(table).rev();
        let (key, flow) = flows.find(|(key, _)| packet.matches(&key.match_))?;
        let is_ambiguous = flows
            .take_while(|(other, _)| other.priority == key.priority)
            .filter(|(other, _)| packet.matches(&other.match_))
            .any(|(_, other)| other.instructions != flow.instructions);
        if is_ambiguous {
            self.fault(Fault::Ambiguous {
                role: self.role,
                table,
                priority: key.priority,
            });
        }
        Some((key, flow))
    }

    /// Actions in the order given.
    fn apply(
        &mut self,
        actions: impl IntoIterator<Item = &'n Action>,
        packet: &mut Packet,
        steps: &mut Vec<Step<'n>>,
    ) {
        for action in actions {
            let changed = match action {
                Action::Output { port, .. } => {
                    self.output(*port, None, packet, steps);
                    continue;
                }
                Action::OutputTrunc { port, max_len } => {
                    let port = PortNo::from_16_bits(*port);
                    self.output(port, Some(*max_len), packet, steps);
                    continue;
                }
                Action::OutputReg { src, .. } => {
                    self.output_number(*src, packet, steps);
                    continue;
                }
                Action::Bundle(bundle) if bundle.dst.is_none() => {
                    match choice::member(bundle, packet, |port| self.is_up(port)) {
                        Some(port) => self.output(port, None, packet, steps),
                        None => self.unknown(action),
                    }
                    continue;
                }
                Action::Clone(actions) => {
                    let mut inside = Vec::new();
                    self.apply(actions, &mut packet.clone(), &mut inside);
                    steps.push(Step::Clone(inside));
                    continue;
                }
                Action::Group(id) => {
                    steps.push(self.group(*id, packet));
                    continue;
                }
                Action::ResubmitTable {
                    in_port: SAME_PORT,
                    table_id,
                } => {
                    self.resubmit(*table_id, packet, steps);
                    continue;
                }
                Action::Learn(learn) => Note::write(self.role, learn, packet)
                    .map(|note| self.outcome.memory.0.push(note)),
                Action::SetField(oxm) => packet.set_field(oxm),
                Action::RegMove { src, dst } => packet.move_bits(*src, *dst),
                Action::RegLoad { dst, value } => packet.load(*dst, (*value).into()),
                Action::Bundle(bundle) => bundle.dst.and_then(|dst| {
                    let member = choice::member(bundle, packet, |port| self.is_up(port))?;
                    packet.load(dst, member.0.into())
                }),
                Action::Multipath(multipath) => choice::link(multipath, packet)
                    .and_then(|link| packet.load(multipath.dst, link.into())),
                Action::PushVlan(tpid) => {
                    packet.push_tag(*tpid);
                    Some(())
                }
                Action::PopVlan => {
                    packet.pop_tag();
                    Some(())
                }
                _ => None,
            };
            match changed {
                Some(()) => steps.push(Step::Change(action)),
                None => self.unknown(action),
            }
        }
    }

    /// Output to the port whose number is in a field (`NXAST_OUTPUT_REG`).
    fn output_number(&mut self, src: Subfield, packet: &Packet, steps: &mut Vec<Step<'n>>) {
        let number = packet.bits(src).and_then(|bits| u16::try_from(bits).ok());
        match number.map(PortNo::from_16_bits) {
            Some(port) => self.output(port, None, packet, steps),
            // More than 16 bits are no port.
            None => steps.push(Step::NoSuchPort(PortNo::ANY)),
        }
    }

    /// Output to a port, real or reserved (§4.5); of at most `max_len` bytes, where that is given.
    fn output(
        &mut self,
        port: PortNo,
        max_len: Option<u32>,
        packet: &Packet,
        steps: &mut Vec<Step<'n>>,
    ) {
        match port {
            PortNo::IN_PORT => steps.push(self.send(packet.in_port, max_len, packet)),
            PortNo::ALL | PortNo::FLOOD => {
                let ports = self.bridge.ports.iter().map(|(_, port)| port);
                for port in ports.filter(|&port| port != packet.in_port) {
                    let step = self.send(port, max_len, packet);
                    steps.push(step);
                }
            }
            PortNo::CONTROLLER => {
                let packet_in = PacketIn {
                    role: self.role,
                    table: self.table,
                    in_port: packet.in_port,
                    frame: packet.frame(),
                };
                self.outcome.packet_ins.push(packet_in.clone());
                steps.push(Step::PacketIn(packet_in));
            }
            _ if port == packet.in_port => steps.push(Step::Suppress(port)),
            _ => steps.push(self.send(port, max_len, packet)),
        }
    }

    /// Sends a copy out of a real port.
    fn send(&mut self, port: PortNo, max_len: Option<u32>, packet: &Packet) -> Step<'n> {
        if let Some(&(role, peer)) = self.bridge.patches.get(&port) {
            let packet = packet.clone().patched(peer);
            let pass = self
                .outcome
                .pass(self.network, role, packet, self.depth + 1);
            return Step::Cross {
                port,
                pass: Box::new(pass),
            };
        }
        if self.bridge.ports.name(port).is_none() {
            return Step::NoSuchPort(port);
        }
        if !self.is_up(port) {
            return Step::Down(port);
        }
        let delivery = Delivery {
            role: self.role,
            port,
            frame: packet.frame(),
            max_len,
            pkt_mark: packet.pkt_mark,
        };
        self.outcome.deliveries.push(delivery.clone());
        if let Some(&leg) = self.bridge.wires.get(&port) {
            // Nothing that Open vSwitch knew of the frame survives the way outside of it.
            let packet = Packet::received(leg, packet.frame());
            let pass = self
                .outcome
                .pass(self.network, self.role, packet, self.depth + 1);
            let pass = Box::new(pass);
            return Step::Through { delivery, pass };
        }
        Step::Deliver(delivery)
    }

    /// Hands copies to the buckets of a group (§5.6.1). The packet itself stays as it is.
    fn group(&mut self, id: GroupId, packet: &Packet) -> Step<'n> {
        let mut buckets = Vec::new();
        if let Some(group) = self.bridge.program.groups.get(&id) {
            if group
                .buckets
                .iter()
                .any(|bucket| bucket.watch_group != GroupId::ANY)
            {
                self.fault(Fault::WatchGroup {
                    role: self.role,
                    id,
                });
            }
            for index in self.chosen(group, packet) {
                let mut packet = packet.clone();
                let mut steps = Vec::new();
                self.apply(
                    in_set_order(&group.buckets[index].actions),
                    &mut packet,
                    &mut steps,
                );
                buckets.push((index, steps));
            }
        } else {
            self.fault(Fault::NoSuchGroup {
                role: self.role,
                id,
            });
        }
        Step::Group { id, buckets }
    }

    /// The places of the buckets that a packet goes to.
    fn chosen(&self, group: &Group, packet: &Packet) -> Vec<usize> {
        let all = 0..group.buckets.len();
        let mut live = all
            .clone()
            .filter(|&index| self.is_live(&group.buckets[index]));
        match group.kind {
            GroupType::All => all.collect(),
            GroupType::Indirect => all.take(1).collect(),
            GroupType::FastFailover => live.next().into_iter().collect(),
            // Which bucket a hash leads to is up to the switch; that it is one of the live ones,
            // in proportion to the weights, is not.
            GroupType::Select => {
                let slots: Vec<usize> = live
                    .flat_map(|index| {
                        std::iter::repeat_n(index, group.buckets[index].weight.into())
                    })
                    .collect();
                let slot = (packet.flow_hash() as usize).checked_rem(slots.len());
                slot.map(|slot| slots[slot]).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// A bucket is live while the port that it watches is. Open vSwitch takes one that watches
    /// nothing for live.
    fn is_live(&self, bucket: &Bucket) -> bool {
        bucket.watch_port == PortNo::ANY || self.is_up(bucket.watch_port)
    }

    /// Whether there is such a port, with its link up.
    fn is_up(&self, port: PortNo) -> bool {
        self.bridge.ports.name(port).is_some() && !self.bridge.down.contains(&port)
    }

    /// Reports an action that the simulator does not know.
    fn unknown(&mut self, action: &Action) {
        self.fault(Fault::Action {
            role: self.role,
            action: action.clone(),
        });
    }

    fn fault(&mut self, fault: Fault) {
        self.outcome.fault(fault);
    }
}
