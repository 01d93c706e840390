//! Carries out flows, actions and groups on a packet of which not everything is known.

use std::rc::Rc;

use openflow::{
    Action, Bucket, Bundle, GroupId, GroupType, HashFields, Instruction, LinkAlgorithm,
    MemberAlgorithm, MeterBand, MeterFlags, MeterId, Multipath, OxmField, PortNo, Subfield,
    TableId,
};

use super::class::{Choice, Class};
use super::explore::Explorer;
use super::memory::Note;
use super::packet::Packet;
use super::table::MISS;
use super::value::{Value, Var};
use super::{Bridge, Model};
use crate::learning::Location;
use crate::program::{Group, Meter};
use crate::simulate::{Fault, in_set_order};
use crate::topology::Role;

/// How many bridges and tables deep a frame may go; Open vSwitch allows the same recursion.
const MAX_DEPTH: usize = 64;
/// How many passes through bridges, and resubmits, all copies of a frame may make together.
const MAX_PASSES: usize = 4096;
/// `in_port` of a resubmit that leaves it as it is.
const SAME_PORT: u16 = 0xfff8;
/// The member of a bundle where none is live (`OFPP_NONE` of OpenFlow 1.0).
const NONE_LIVE: u16 = 0xffff;

/// What became of a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    /// What left the host's bridges, network functions included, in the order of sending.
    pub(crate) sent: Vec<Sent>,
    /// From where the controller was told of the frame: the bridge, the table and the port that it
    /// came in by.
    pub(crate) told: Vec<(Role, TableId, Value)>,
    /// The meters that the frame, or a copy of it, passed.
    pub(crate) metered: Vec<Metered>,
    /// What must not happen.
    pub(crate) faults: Vec<Fault>,
    /// The flows that were found, by bridge, table and number; [`MISS`] where there was none.
    pub(crate) found: Vec<(Role, TableId, u32)>,
}

/// A meter that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metered {
    /// On which bridge.
    pub(crate) role: Role,
    /// Which meter.
    pub(crate) meter: MeterId,
    /// What it lets pass; `None` where there is no such meter, or it does something else.
    pub(crate) rate: Option<Rate>,
    /// Whether what it drops is a copy only, and never the frame itself.
    pub(crate) is_copy: bool,
}

/// What a meter lets pass: what is above this rate, it drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// In kilobits per second, and not in frames.
    pub(crate) is_in_kilobits: bool,
    pub(crate) rate: u32,
    /// How much may come at once.
    pub(crate) burst: u32,
}

impl Rate {
    fn of(meter: &Meter) -> Option<Self> {
        let [MeterBand::Drop { rate, burst_size }] = meter.bands[..] else {
            return None;
        };
        let is_in_kilobits = match meter.flags {
            flags if flags == MeterFlags::KBPS | MeterFlags::BURST => true,
            flags if flags == MeterFlags::PKTPS | MeterFlags::BURST => false,
            _ => return None,
        };
        Some(Self {
            is_in_kilobits,
            rate,
            burst: burst_size,
        })
    }
}

/// A copy of a frame that left the host's bridges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    /// By which port.
    pub(crate) at: Location,
    /// As it left.
    pub(crate) packet: Packet,
    /// After how many bytes it is cut off, where it is.
    pub(crate) max_len: Option<u32>,
    /// The meters that it has passed, and not the frame itself.
    pub(crate) metered: Vec<Metered>,
}

pub(super) fn walk(
    model: &Model<'_>,
    role: Role,
    packet: Packet,
    explorer: &mut Explorer,
) -> Outcome {
    let mut walk = Walk {
        model,
        explorer,
        outcome: Outcome::default(),
        notes: Vec::new(),
        passes: 0,
    };
    walk.pass(role, packet, 0);
    walk.outcome
}

/// What all copies of the frame share.
struct Walk<'w, 'p> {
    model: &'w Model<'p>,
    explorer: &'w mut Explorer,
    outcome: Outcome,
    /// What the bridges wrote into their tables, the latest last.
    notes: Vec<Note>,
    passes: usize,
}

impl<'p> Walk<'_, 'p> {
    /// Takes a packet through one bridge, and its copies through those behind it.
    fn pass(&mut self, role: Role, mut packet: Packet, depth: usize) {
        self.passes += 1;
        if depth > MAX_DEPTH || self.passes > MAX_PASSES {
            self.fault(Fault::Loop);
            return;
        }
        let model = self.model;
        let Some(bridge) = model.bridges.get(&role) else {
            return;
        };
        let mut pipeline = Pipeline {
            bridge,
            role,
            depth,
            table: TableId(0),
            action_set: Vec::new(),
            is_copy: false,
            metered: Vec::new(),
        };
        pipeline.tables(self, TableId(0), &mut packet);
        let actions = in_set_order(pipeline.action_set.drain(..).collect::<Vec<_>>());
        pipeline.apply(self, actions, &mut packet);
    }

    /// One report of each kind of fault is enough; a loop would make thousands.
    fn fault(&mut self, fault: Fault) {
        if !self.outcome.faults.contains(&fault) {
            self.outcome.faults.push(fault);
        }
    }

    /// Whether two values are equal; `None` where nothing is known of how they relate.
    fn are_equal(&mut self, one: Value, other: Value, bits: u16) -> Option<bool> {
        let mask = super::set::ones(bits.min(128) as u8);
        if one == other {
            return Some(true);
        }
        match (one.as_number(), other.as_number()) {
            (Some(number), _) => Some(self.explorer.is(other, number, mask)),
            (_, Some(number)) => Some(self.explorer.is(one, number, mask)),
            _ => None,
        }
    }
}

/// The pipeline of one bridge, at work on one packet.
struct Pipeline<'w, 'p> {
    bridge: &'w Bridge<'p>,
    role: Role,
    depth: usize,
    table: TableId,
    action_set: Vec<&'p Action>,
    /// Whether it is a copy of the packet that is at work, in the datapath too.
    is_copy: bool,
    /// The meters that the copy has passed.
    metered: Vec<Metered>,
}

impl<'p> Pipeline<'_, 'p> {
    /// From `first` on as long as flows lead to another table.
    fn tables(&mut self, walk: &mut Walk<'_, 'p>, first: TableId, packet: &mut Packet) {
        let mut next = Some(first);
        while let Some(table) = next {
            self.table = table;
            next = self.table(walk, packet);
            if next.is_some_and(|next| next <= table) {
                let role = self.role;
                walk.fault(Fault::Backward { role, table });
                return;
            }
        }
    }

    /// Looks the packet up in the current table and carries out what the flow says. Returns the
    /// table that it leads to.
    fn table(&mut self, walk: &mut Walk<'_, 'p>, packet: &mut Packet) -> Option<TableId> {
        let (role, table) = (self.role, self.table);
        let found = self.look_up(walk, packet);
        let priority = found.map(|(key, _)| key.priority);
        if self.recall(walk, priority, packet) {
            return None;
        }
        let mut next = None;
        for instruction in &found?.1.instructions {
            match instruction {
                Instruction::GotoTable(table) => next = Some(*table),
                Instruction::ApplyActions(actions) => self.apply(walk, actions, packet),
                Instruction::WriteActions(actions) => self.action_set.extend(actions),
                Instruction::ClearActions => self.action_set.clear(),
                Instruction::WriteMetadata { metadata, mask } => {
                    packet.write_metadata(*metadata, *mask);
                }
                Instruction::Meter(meter) => {
                    let metered = Metered {
                        role,
                        meter: *meter,
                        rate: self.bridge.meters.get(meter).and_then(Rate::of),
                        is_copy: self.is_copy,
                    };
                    walk.outcome.metered.push(metered);
                    self.metered.extend(self.is_copy.then_some(metered));
                }
                _ => walk.fault(Fault::Instruction { role, table }),
            }
        }
        next
    }

    /// The matching flow entry of highest priority (§5.3).
    fn look_up(
        &self,
        walk: &mut Walk<'_, 'p>,
        packet: &Packet,
    ) -> Option<(&'p crate::program::FlowKey, &'p crate::program::Flow)> {
        let (role, id) = (self.role, self.table);
        let Some(table) = self.bridge.tables.get(&id) else {
            walk.outcome.found.push((role, id, MISS));
            return None;
        };
        let number = walk
            .explorer
            .case(|class, memo| table.look_up(packet, class, memo));
        walk.outcome.found.push((role, id, number));
        if number == MISS {
            return None;
        }
        let (key, flow) = table.flow(number)?;
        for rival in table.rivals(number) {
            let questions = table.rival_questions(*rival, packet);
            if questions.is_some_and(|all| all.into_iter().all(|one| walk.explorer.ask(one))) {
                walk.fault(Fault::Ambiguous {
                    role,
                    table: id,
                    priority: key.priority,
                });
            }
        }
        Some((key, flow))
    }

    /// Carries out what the bridge itself has written into the table, while this frame passed or
    /// before, where that applies rather than a flow of this priority.
    fn recall(
        &mut self,
        walk: &mut Walk<'_, 'p>,
        priority: Option<u16>,
        packet: &mut Packet,
    ) -> bool {
        let (role, table) = (self.role, self.table);
        for index in (0..walk.notes.len()).rev() {
            let note = &walk.notes[index];
            if (note.role, note.table) != (role, table) || Some(note.priority) < priority {
                continue;
            }
            let note = note.clone();
            let applies = note.conditions.iter().all(|(part, value)| {
                let equal = packet
                    .bits(*part)
                    .and_then(|found| walk.are_equal(found, *value, part.bits));
                equal.unwrap_or_else(|| {
                    walk.fault(Fault::Recall { role, table });
                    false
                })
            });
            if applies {
                self.load(walk, note.loads, packet);
                return true;
            }
        }
        let memories = self.bridge.memories.iter();
        for (_, memory) in memories.filter(|(id, _)| *id == table) {
            if Some(memory.priority) < priority {
                continue;
            }
            let key = memory
                .conditions
                .iter()
                .map(|part| Some((*part, packet.bits(*part)?)));
            // A frame without these fields does not match.
            let Some(key) = key.collect::<Option<Vec<_>>>() else {
                continue;
            };
            if let Some(value) = walk.explorer.recall(role, &key) {
                let mut start = 0;
                let loads = memory.loads.iter().map(|part| {
                    start += part.bits;
                    (*part, value.part(start - part.bits, part.bits))
                });
                self.load(walk, loads.collect(), packet);
                return true;
            }
        }
        false
    }

    fn load(&self, walk: &mut Walk<'_, 'p>, loads: Vec<(Subfield, Value)>, packet: &mut Packet) {
        let (role, table) = (self.role, self.table);
        for (part, value) in loads {
            if packet.load(part, value).is_none() {
                walk.fault(Fault::Recall { role, table });
            }
        }
    }

    /// Actions in the order given.
    fn apply(
        &mut self,
        walk: &mut Walk<'_, 'p>,
        actions: impl IntoIterator<Item = &'p Action>,
        packet: &mut Packet,
    ) {
        for action in actions {
            let done = match action {
                Action::Output { port, .. } => {
                    self.output(walk, *port, None, packet);
                    Some(())
                }
                Action::OutputTrunc { port, max_len } => {
                    let port = PortNo::from_16_bits(*port);
                    self.output(walk, port, Some(*max_len), packet);
                    Some(())
                }
                Action::OutputReg { src, .. } | Action::OutputReg2 { src, .. } => {
                    self.output_number(walk, *src, packet)
                }
                Action::Controller { .. } | Action::Controller2(_) => {
                    self.output(walk, PortNo::CONTROLLER, None, packet);
                    Some(())
                }
                Action::Group(id) => self.group(walk, *id, packet),
                Action::ResubmitTable {
                    in_port: SAME_PORT,
                    table_id,
                } => {
                    self.resubmit(walk, *table_id, packet);
                    Some(())
                }
                Action::Clone(actions) => {
                    let (was_copy, passed) = (self.is_copy, self.metered.len());
                    self.is_copy |= is_set_apart(actions);
                    self.apply(walk, actions, &mut packet.clone());
                    self.is_copy = was_copy;
                    self.metered.truncate(passed);
                    Some(())
                }
                Action::Learn(learn) => {
                    Note::write(self.role, learn, packet).map(|note| walk.notes.push(note))
                }
                Action::SetField(oxm) => packet.set_field(oxm.field, oxm.value, oxm.mask),
                Action::RegLoad2(oxm) => packet.set_field(oxm.field, oxm.value, oxm.mask),
                Action::RegMove { src, dst } | Action::CopyField { src, dst } => {
                    packet.move_bits(*src, *dst)
                }
                Action::RegLoad { dst, value } => packet.load(*dst, Value::number((*value).into())),
                Action::WriteMetadata { metadata, mask } => packet.write_metadata(*metadata, *mask),
                Action::Bundle(bundle) => self.bundle(walk, bundle, packet),
                Action::Multipath(multipath) => link(walk.explorer, multipath, packet),
                Action::PushVlan(tpid) => {
                    packet.push_tag(*tpid);
                    Some(())
                }
                Action::PopVlan => {
                    packet.pop_tag();
                    Some(())
                }
                Action::Note(_) => Some(()),
                _ => None,
            };
            if done.is_none() {
                walk.fault(Fault::Action {
                    role: self.role,
                    action: action.clone(),
                });
            }
        }
    }

    /// Goes through another table, or several, and then on with what comes after the action
    /// (`NXAST_RESUBMIT_TABLE`).
    fn resubmit(&mut self, walk: &mut Walk<'_, 'p>, table: TableId, packet: &mut Packet) {
        walk.passes += 1;
        if self.depth > MAX_DEPTH || walk.passes > MAX_PASSES {
            walk.fault(Fault::Loop);
            return;
        }
        let here = self.table;
        self.depth += 1;
        let there = if table == TableId::ALL { here } else { table };
        self.tables(walk, there, packet);
        self.depth -= 1;
        self.table = here;
    }

    /// Output to a port, real or reserved (§4.5).
    fn output(&self, walk: &mut Walk<'_, 'p>, port: PortNo, max_len: Option<u32>, packet: &Packet) {
        let is_in_port = |walk: &mut Walk<'_, 'p>, port: PortNo| {
            walk.explorer
                .is(packet.in_port, port.0.into(), u32::MAX.into())
        };
        match port {
            PortNo::IN_PORT => {
                let all = self.bridge.ports.iter().map(|(_, port)| port);
                for port in all.collect::<Vec<_>>() {
                    if is_in_port(walk, port) {
                        self.send(walk, port, max_len, packet);
                        return;
                    }
                }
            }
            PortNo::ALL | PortNo::FLOOD => {
                let all = self.bridge.ports.iter().map(|(_, port)| port);
                for port in all.collect::<Vec<_>>() {
                    if !is_in_port(walk, port) {
                        self.send(walk, port, max_len, packet);
                    }
                }
            }
            PortNo::CONTROLLER => {
                walk.outcome
                    .told
                    .push((self.role, self.table, packet.in_port));
            }
            _ if self.bridge.ports.name(port).is_none() => {}
            _ if is_in_port(walk, port) => {}
            _ => self.send(walk, port, max_len, packet),
        }
    }

    /// Output to the port whose number is in a field (`NXAST_OUTPUT_REG`).
    fn output_number(&self, walk: &mut Walk<'_, 'p>, src: Subfield, packet: &Packet) -> Option<()> {
        let number = packet.bits(src)?.as_number()?;
        // More than 16 bits are no port.
        if let Ok(port) = u16::try_from(number) {
            self.output(walk, PortNo::from_16_bits(port), None, packet);
        }
        Some(())
    }

    /// Sends a copy out of a real port.
    fn send(&self, walk: &mut Walk<'_, 'p>, port: PortNo, max_len: Option<u32>, packet: &Packet) {
        if let Some(&(role, peer)) = self.bridge.patches.get(&port) {
            walk.pass(role, packet.patched(peer), self.depth + 1);
            return;
        }
        let at = Location {
            role: self.role,
            port,
        };
        let wire = self.bridge.wires.get(&port);
        // Where nothing else depends on it, ports are taken to be up.
        let is_up = match wire {
            Some(_) => self.is_up(walk, port),
            None => walk.explorer.class().port(at) != Some(false),
        };
        if !is_up {
            return;
        }
        walk.outcome.sent.push(Sent {
            at,
            packet: packet.clone(),
            max_len,
            metered: self.metered.clone(),
        });
        if let Some(&leg) = wire
            && self.is_up(walk, leg)
        {
            let packet = packet.returned(leg, walk.explorer);
            walk.pass(self.role, packet, self.depth + 1);
        }
    }

    /// Hands copies to the buckets of a group (§5.6.1). The packet itself stays as it is.
    fn group(&mut self, walk: &mut Walk<'_, 'p>, id: GroupId, packet: &Packet) -> Option<()> {
        let role = self.role;
        let Some(group) = self.bridge.groups.get(&id) else {
            walk.fault(Fault::NoSuchGroup { role, id });
            return Some(());
        };
        let mut watched = group.buckets.iter().map(|bucket| bucket.watch_group);
        if watched.any(|group| group != GroupId::ANY) {
            walk.fault(Fault::WatchGroup { role, id });
        }
        for index in self.chosen(walk, id, group) {
            let actions = in_set_order(&group.buckets[index].actions);
            self.apply(walk, actions, &mut packet.clone());
        }
        Some(())
    }

    /// The places of the buckets that a packet goes to.
    fn chosen(&self, walk: &mut Walk<'_, 'p>, id: GroupId, group: &Group) -> Vec<usize> {
        let all = 0..group.buckets.len();
        match group.kind {
            GroupType::All => all.collect(),
            GroupType::Indirect => all.take(1).collect(),
            GroupType::FastFailover => {
                let live = all
                    .into_iter()
                    .find(|index| self.is_live(walk, &group.buckets[*index]));
                live.into_iter().collect()
            }
            GroupType::Select => {
                let place = Location {
                    role: self.role,
                    port: PortNo(id.0),
                };
                let members = group.buckets.iter().map(|bucket| match bucket.watch_port {
                    _ if bucket.weight == 0 => Member::Never,
                    PortNo::ANY => Member::Always,
                    port => self.member(port),
                });
                let members: Vec<Member> = members.collect();
                choose(walk.explorer, Choice::Group(place), &members)
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// A bucket is live while the port that it watches is. Open vSwitch takes one that watches
    /// nothing for live.
    fn is_live(&self, walk: &mut Walk<'_, 'p>, bucket: &Bucket) -> bool {
        bucket.watch_port == PortNo::ANY || self.is_up(walk, bucket.watch_port)
    }

    /// Whether there is such a port, with its link up.
    fn is_up(&self, walk: &mut Walk<'_, 'p>, port: PortNo) -> bool {
        match self.member(port) {
            Member::Always => true,
            Member::Never => false,
            Member::While(at) => walk.explorer.is_up(at),
        }
    }

    /// When a port is live. Patch ports always are.
    fn member(&self, port: PortNo) -> Member {
        match self.bridge.ports.name(port) {
            // What is no port at all counts as live on Open vSwitch (`member_enabled_cb`).
            None if port == PortNo::ANY => Member::Always,
            None => Member::Never,
            Some(_) if self.bridge.patches.contains_key(&port) => Member::Always,
            Some(_) => Member::While(Location {
                role: self.role,
                port,
            }),
        }
    }

    /// Chooses a port, and outputs to it or loads its number (`NXAST_BUNDLE`).
    fn bundle(&self, walk: &mut Walk<'_, 'p>, bundle: &Bundle, packet: &mut Packet) -> Option<()> {
        let in_order = match bundle.algorithm {
            MemberAlgorithm::ActiveBackup => true,
            MemberAlgorithm::Hrw => false,
            _ => return None,
        };
        if bundle.member_kind != Bundle::PORTS {
            return None;
        }
        let members: Vec<Member> = bundle
            .members
            .iter()
            .map(|port| self.member(PortNo::from_16_bits(*port)))
            .collect();
        let chosen = if in_order {
            first(walk.explorer, &members)
        } else {
            let address = match bundle.fields {
                HashFields::EthSrc => {
                    Some(walk.explorer.class().name(packet.read(OxmField::EthSrc)?))
                }
                _ => None,
            };
            let choice = Choice::Members {
                role: self.role,
                fields: bundle.fields.into(),
                basis: bundle.basis,
                algorithm: bundle.algorithm.into(),
                members: bundle.members.clone(),
                address,
            };
            choose(walk.explorer, choice, &members)
        };
        let port = chosen.map_or(NONE_LIVE, |index| bundle.members[index]);
        match bundle.dst {
            Some(dst) => packet.load(dst, Value::number(port.into())),
            None => {
                self.output(walk, PortNo::from_16_bits(port), None, packet);
                Some(())
            }
        }
    }
}

/// Whether a clone of these actions is one in the datapath. Where Open vSwitch can undo all of them it
/// makes none, and what a meter drops is the packet itself. It can not undo that a packet is cut off.
fn is_set_apart(actions: &[Action]) -> bool {
    let cut = |action: &Action| matches!(action, Action::OutputTrunc { .. });
    actions.iter().any(cut)
}

/// When something can be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member {
    Always,
    Never,
    /// While this port is up.
    While(Location),
}

/// The first member that is live.
fn first(explorer: &mut Explorer, members: &[Member]) -> Option<usize> {
    members.iter().position(|member| match member {
        Member::Always => true,
        Member::Never => false,
        Member::While(at) => explorer.is_up(*at),
    })
}

/// The member that a hash chooses, of those that are live: any of them.
pub(crate) fn choose(explorer: &mut Explorer, choice: Choice, members: &[Member]) -> Option<usize> {
    const NONE: u32 = u32::MAX;
    if let Some((_, chosen)) = explorer.class().choice(&choice) {
        return (chosen != NONE_LIVE).then_some(chosen.into());
    }
    let choice = Rc::new(choice);
    let up = |class: &Class, member: Member, is_up: bool| match member {
        Member::Always => is_up.then(|| class.clone()),
        Member::Never => (!is_up).then(|| class.clone()),
        Member::While(at) => match class.port(at) {
            Some(known) => (known == is_up).then(|| class.clone()),
            None => Some(class.with_port(at, is_up)),
        },
    };
    let case = explorer.case(|class, _| {
        let mut cases = Vec::new();
        // What is left where none of the members so far is live.
        let mut none = Some(Class::clone(class));
        for (index, member) in members.iter().enumerate() {
            if let Some(live) = up(class, *member, true) {
                let live = live.with_choice(&choice, index as u16);
                cases.push((index as u32, Rc::new(live)));
            }
            none = none.and_then(|class| up(&class, *member, false));
        }
        let none = none.map(|class| class.with_choice(&choice, NONE_LIVE));
        cases.extend(none.map(|class| (NONE, Rc::new(class))));
        cases
    });
    (case != NONE).then_some(case as usize)
}

/// Writes the link that a hash chooses into a field (`NXAST_MULTIPATH`). All that is known of it is
/// that equal hashes give equal links.
fn link(explorer: &mut Explorer, multipath: &Multipath, packet: &mut Packet) -> Option<()> {
    if multipath.algorithm != LinkAlgorithm::ModuloN {
        return None;
    }
    if multipath.max_link == 0 {
        return packet.load(multipath.dst, Value::number(0));
    }
    let choice = Choice::Links {
        fields: multipath.fields.into(),
        basis: multipath.basis,
        algorithm: (
            multipath.algorithm.into(),
            multipath.arg,
            multipath.max_link,
        ),
    };
    let number = match explorer.class().choice(&choice) {
        Some((number, _)) => number,
        None => {
            let choice = Rc::new(choice);
            let links = u32::from(multipath.max_link) + 1;
            explorer.case(|class, _| vec![(0, Rc::new(class.with_link(&choice, links)))]);
            explorer.class().choice(&choice)?.0
        }
    };
    packet.load(
        multipath.dst,
        Value::var(Var::Hash(number)).part(0, multipath.dst.bits),
    )
}
