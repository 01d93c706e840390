//! Plants faults in a program, one at a time.

use std::collections::{BTreeMap, BTreeSet};

use bridgechain::ports::Ports;
use bridgechain::program::{Flow, FlowKey, Group, Meter, Program};
use openflow::{
    Action, GroupId, GroupType, HashFields, Instruction, Match, MatchEntry, MemberAlgorithm,
    MeterBand, MeterFlags, MeterId, Oxm, OxmField, PortNo, TableId,
};

/// A fault for a program.
pub(crate) struct Mutant<'p> {
    /// What it is.
    pub(crate) what: String,
    change: Box<dyn Fn(&mut Program) + 'p>,
}

impl Mutant<'_> {
    /// The program with the fault; `None` where that makes no difference to it.
    pub(crate) fn planted_in(&self, program: &Program) -> Option<Program> {
        let mut changed = program.clone();
        (self.change)(&mut changed);
        (changed != *program).then_some(changed)
    }
}

/// `vlan_vid` says that there is a tag.
const PRESENT: u128 = 0x1000;
/// Above all priorities that are used.
const TOP: u16 = 60_000;

/// Every mutant of `program`.
pub(crate) fn mutants<'p>(
    program: &'p Program,
    ports: &Ports,
    vlans: &'p [u16],
) -> Vec<Mutant<'p>> {
    let mut planter = Planter {
        program,
        ports: ports.iter().map(|(_, port)| port).collect(),
        vlans,
        mutants: Vec::new(),
    };
    let tables: BTreeSet<TableId> = program.flows.keys().map(|key| key.table).collect();
    for (key, flow) in &program.flows {
        planter.remove(key);
        planter.reprioritise(key, flow);
        planter.alter_match(key, flow);
        planter.alter_instructions(key, flow, &tables);
    }
    for (id, group) in &program.groups {
        planter.alter_group(*id, group);
    }
    // What the controller is told of, and no frame, depends on its own meter.
    let of_frames = |id: &&MeterId| **id != MeterId::CONTROLLER;
    for id in program.meters.keys().filter(of_frames) {
        let meter = &program.meters[id];
        planter.alter_meter(*id, meter);
    }
    planter.mutants
}

struct Planter<'p> {
    program: &'p Program,
    ports: Vec<PortNo>,
    vlans: &'p [u16],
    mutants: Vec<Mutant<'p>>,
}

impl<'p> Planter<'p> {
    fn add(&mut self, what: String, change: impl Fn(&mut Program) + 'p) {
        let change = Box::new(change);
        self.mutants.push(Mutant { what, change });
    }

    fn remove(&mut self, key: &'p FlowKey) {
        self.add(format!("without {}", name(key)), move |program| {
            program.flows.remove(key);
        });
    }

    /// The flow under another key, unless there is one already.
    fn rekey(&mut self, what: &str, key: &'p FlowKey, flow: &'p Flow, new: FlowKey) {
        if self.program.flows.contains_key(&new) {
            return;
        }
        self.add(format!("{what}: {}", name(key)), move |program| {
            program.flows.remove(key);
            program.flows.insert(new.clone(), flow.clone());
        });
    }

    /// On top, at the bottom, and in the place of the nearest flows of other priorities.
    fn reprioritise(&mut self, key: &'p FlowKey, flow: &'p Flow) {
        for (what, priority) in [("first", TOP), ("last", 0)] {
            let new = FlowKey {
                priority,
                ..key.clone()
            };
            self.rekey(what, key, flow, new);
        }
        let program: &'p Program = self.program;
        let others: BTreeMap<u16, &'p FlowKey> = program
            .flows
            .keys()
            .filter(|other| other.table == key.table)
            .map(|other| (other.priority, other))
            .collect();
        let above = others.range(key.priority + 1..).next();
        let (Some((_, &other)), program) = (above, self.program) else {
            return;
        };
        let swapped = [(key, other.priority), (other, key.priority)].map(|(key, priority)| {
            let new = FlowKey {
                priority,
                ..key.clone()
            };
            (new, program.flows[key].clone())
        });
        if swapped
            .iter()
            .any(|(new, _)| program.flows.contains_key(new))
        {
            return;
        }
        self.add(
            format!("swapped: {} and {}", name(key), name(other)),
            move |program| {
                program.flows.remove(key);
                program.flows.remove(other);
                program.flows.extend(swapped.clone());
            },
        );
    }

    /// Each field left out, and each with another value.
    fn alter_match(&mut self, key: &'p FlowKey, flow: &'p Flow) {
        let entries = key.match_.entries();
        for (position, entry) in entries.iter().enumerate() {
            let MatchEntry::Oxm(oxm) = entry else {
                continue;
            };
            let others = |new: Option<Oxm>| {
                let mut match_ = Match::new();
                for (place, entry) in entries.iter().enumerate() {
                    match new {
                        Some(oxm) if place == position => match_.push(oxm),
                        None if place == position => {}
                        _ => match_.push(entry.clone()),
                    }
                }
                FlowKey {
                    match_: match_.canonical(),
                    ..key.clone()
                }
            };
            let field = oxm.field.name();
            self.rekey(&format!("any {field}"), key, flow, others(None));
            for value in self.other_values(oxm) {
                let new = Oxm { value, ..*oxm };
                self.rekey(&format!("other {field}"), key, flow, others(Some(new)));
            }
        }
    }

    fn other_values(&self, oxm: &Oxm) -> Vec<u128> {
        match oxm.field {
            OxmField::VlanVid => {
                let vids = self.vlans.iter().map(|vid| match vid {
                    0 => 0,
                    vid => PRESENT | u128::from(*vid),
                });
                vids.chain([PRESENT])
                    .filter(|vid| *vid != oxm.value)
                    .take(2)
                    .collect()
            }
            OxmField::InPort => self.other_ports(PortNo(oxm.value as u32), 1),
            _ => vec![oxm.value ^ 1 << (oxm.value.trailing_zeros() % u32::from(oxm.field.bits()))],
        }
    }

    /// Some other ports.
    fn other_ports(&self, port: PortNo, count: usize) -> Vec<u128> {
        let mut others: Vec<PortNo> = self.ports.clone();
        others.retain(|other| *other != port);
        let place = others.iter().position(|other| *other > port).unwrap_or(0);
        if !others.is_empty() {
            others.rotate_left(place);
        }
        others
            .into_iter()
            .take(count)
            .map(|port| port.0.into())
            .collect()
    }

    fn alter_instructions(&mut self, key: &'p FlowKey, flow: &'p Flow, tables: &BTreeSet<TableId>) {
        for (position, instruction) in flow.instructions.iter().enumerate() {
            let with = |what: String, new: Option<Instruction>| (what, new);
            let mut altered = vec![with(format!("without {instruction}"), None)];
            match instruction {
                Instruction::GotoTable(table) => {
                    let later = tables.iter().filter(|other| **other > key.table);
                    let others = later.filter(|other| *other != table);
                    altered.extend(others.map(|other| {
                        let new = Instruction::GotoTable(*other);
                        with(format!("{new} for {instruction}"), Some(new))
                    }));
                }
                Instruction::ApplyActions(actions) => {
                    altered.extend(self.alter_actions(actions).into_iter().map(
                        |(what, actions)| {
                            with(
                                what,
                                (!actions.is_empty()).then_some(Instruction::ApplyActions(actions)),
                            )
                        },
                    ));
                }
                _ => {}
            }
            for (what, new) in altered {
                self.add(format!("{what}: {}", name(key)), move |program| {
                    let flow = program.flows.get_mut(key).expect("it is there");
                    match &new {
                        Some(new) => flow.instructions[position] = new.clone(),
                        None => {
                            flow.instructions.remove(position);
                        }
                    }
                });
            }
        }
        if flow.instructions.is_empty() {
            // A flow that drops lets pass.
            let later = tables.iter().copied().filter(|table| *table > key.table);
            for table in later.take(2) {
                self.add(format!("passes: {}", name(key)), move |program| {
                    let flow = program.flows.get_mut(key).expect("it is there");
                    flow.instructions = vec![Instruction::GotoTable(table)];
                });
            }
        }
    }

    /// Each action left out, carried out twice, exchanged with the next, and changed.
    fn alter_actions(&self, actions: &[Action]) -> Vec<(String, Vec<Action>)> {
        let mut altered = Vec::new();
        for (position, action) in actions.iter().enumerate() {
            let mut less = actions.to_vec();
            less.remove(position);
            altered.push((format!("without {action}"), less));
            let mut more = actions.to_vec();
            more.insert(position, action.clone());
            altered.push((format!("twice {action}"), more));
            if position + 1 < actions.len() {
                let mut exchanged = actions.to_vec();
                exchanged.swap(position, position + 1);
                altered.push((format!("{action} late"), exchanged));
            }
            for new in self.other_actions(action) {
                let mut others = actions.to_vec();
                let what = format!("{new} for {action}");
                others[position] = new;
                altered.push((what, others));
            }
        }
        altered
    }

    fn other_actions(&self, action: &Action) -> Vec<Action> {
        match action {
            Action::Output { port, max_len } => {
                let mut ports: Vec<PortNo> = self
                    .other_ports(*port, 2)
                    .into_iter()
                    .map(|port| PortNo(port as u32))
                    .collect();
                ports.push(PortNo::IN_PORT);
                ports.retain(|other| other != port);
                let output = |port| Action::Output {
                    port,
                    max_len: *max_len,
                };
                ports.into_iter().map(output).collect()
            }
            Action::SetField(oxm) => {
                let values = self.other_values(oxm).into_iter();
                values
                    .map(|value| Action::SetField(Oxm { value, ..*oxm }))
                    .collect()
            }
            Action::RegLoad { dst, value } => vec![Action::RegLoad {
                dst: *dst,
                value: value ^ 1,
            }],
            Action::RegMove { src, dst } => vec![Action::RegMove {
                src: *dst,
                dst: *src,
            }],
            Action::ResubmitTable { in_port, table_id } => vec![Action::ResubmitTable {
                in_port: *in_port,
                table_id: TableId(table_id.0 + 1),
            }],
            Action::Bundle(bundle) => {
                let mut others = Vec::new();
                let mut with = |change: &dyn Fn(&mut openflow::Bundle)| {
                    let mut new = bundle.clone();
                    change(&mut new);
                    others.push(Action::Bundle(new));
                };
                with(&|new| new.members.reverse());
                with(&|new| new.fields = HashFields::EthSrc);
                with(&|new| new.basis += 1);
                with(&|new| {
                    new.algorithm = match new.algorithm {
                        MemberAlgorithm::Hrw => MemberAlgorithm::ActiveBackup,
                        _ => MemberAlgorithm::Hrw,
                    }
                });
                for place in 0..bundle.members.len() {
                    with(&|new| {
                        new.members.remove(place);
                    });
                }
                others
            }
            Action::Clone(actions) => {
                let altered = self.alter_actions(actions).into_iter();
                altered.map(|(_, actions)| Action::Clone(actions)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn alter_group(&mut self, id: GroupId, group: &Group) {
        let other_kind = match group.kind {
            GroupType::FastFailover => GroupType::All,
            _ => GroupType::FastFailover,
        };
        self.regroup(id, "other kind", move |group| group.kind = other_kind);
        self.regroup(id, "buckets turned round", |group| group.buckets.reverse());
        for (place, bucket) in group.buckets.iter().enumerate() {
            self.regroup(id, &format!("no bucket {place}"), move |group| {
                group.buckets.remove(place);
            });
            let what = format!("bucket {place} watches nothing");
            self.regroup(id, &what, move |group| {
                group.buckets[place].watch_port = PortNo::ANY;
            });
            self.regroup(id, &format!("bucket {place} empty"), move |group| {
                group.buckets[place].actions.clear();
            });
            for (what, actions) in self.alter_actions(&bucket.actions) {
                self.regroup(id, &format!("bucket {place}: {what}"), move |group| {
                    group.buckets[place].actions.clone_from(&actions);
                });
            }
            for port in self.other_ports(bucket.watch_port, 1) {
                let port = PortNo(port as u32);
                self.regroup(
                    id,
                    &format!("bucket {place} watches {port}"),
                    move |group| {
                        group.buckets[place].watch_port = port;
                    },
                );
            }
        }
    }

    fn alter_meter(&mut self, id: MeterId, meter: &Meter) {
        self.add(format!("without meter {id}"), move |program| {
            program.meters.remove(&id);
        });
        let other_unit = Meter {
            flags: meter.flags ^ (MeterFlags::KBPS | MeterFlags::PKTPS),
            ..meter.clone()
        };
        let altered = [
            ("other unit", other_unit),
            ("other rate", altered_bands(meter, |rate, _| *rate += 1)),
            ("other burst", altered_bands(meter, |_, burst| *burst = 1)),
            (
                "no band",
                Meter {
                    bands: Vec::new(),
                    ..meter.clone()
                },
            ),
        ];
        for (what, new) in altered {
            self.add(format!("meter {id}: {what}"), move |program| {
                program.meters.insert(id, new.clone());
            });
        }
    }

    fn regroup(&mut self, id: GroupId, what: &str, change: impl Fn(&mut Group) + 'p) {
        self.add(format!("group {id}: {what}"), move |program| {
            change(program.groups.get_mut(&id).expect("it is there"));
        });
    }
}

fn altered_bands(meter: &Meter, change: impl Fn(&mut u32, &mut u32)) -> Meter {
    let mut altered = meter.clone();
    for band in &mut altered.bands {
        if let MeterBand::Drop { rate, burst_size } = band {
            change(rate, burst_size);
        }
    }
    altered
}

fn name(key: &FlowKey) -> String {
    let FlowKey {
        table,
        priority,
        match_,
    } = key;
    format!("table={table},priority={priority},{match_}")
}
