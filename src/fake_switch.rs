//! A model of a switch for tests: the tables of Open vSwitch without the frames.

use openflow::{
    Action, Cookie, FlowMod, FlowModCommand, FlowModFlags, FlowRemoved, FlowRemovedReason,
    FlowStats, GroupDesc, GroupMod, GroupModCommand, Instruction, Match, Message, MeterConfig,
    MeterId, MeterMod, MeterModCommand, TableId,
};

use crate::program::{Flow, FlowKey, Group, Meter, Program};
use crate::session::Snapshot;

/// The entries of one bridge, those of others included, and what it says about them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeSwitch {
    pub(crate) program: Program,
    /// Notices of removed flows, which nobody took yet.
    pub(crate) removed: Vec<FlowRemoved>,
}

impl FakeSwitch {
    /// Carries out one message, or says why not.
    pub(crate) fn apply(&mut self, message: &Message) -> Result<(), String> {
        match message {
            Message::FlowMod(flow_mod) => self.flow_mod(flow_mod),
            Message::GroupMod(group_mod) => self.group_mod(group_mod),
            Message::MeterMod(meter_mod) => self.meter_mod(meter_mod),
            // A frame changes nothing here.
            Message::PacketOut(_) => Ok(()),
            other => Err(format!("not a change: {other:?}")),
        }
    }

    /// Carries out a transaction as a session sends it: the bundle all or nothing, before it meters
    /// one by one, and after it those that are deleted.
    pub(crate) fn commit(&mut self, messages: &[Message]) -> Result<(), String> {
        let is_meter = |message: &&Message| matches!(message, Message::MeterMod(_));
        let is_late = |message: &&Message| matches!(message, Message::MeterMod(MeterMod { command, .. }) if *command == MeterModCommand::Delete);
        for message in messages.iter().filter(is_meter) {
            if !is_late(&message) {
                self.apply(message)?;
            }
        }
        let mut changed = self.clone();
        for message in messages.iter().filter(|message| !is_meter(message)) {
            changed.apply(message)?;
        }
        *self = changed;
        for message in messages.iter().filter(is_late) {
            self.apply(message)?;
        }
        Ok(())
    }

    /// All it holds, with the fields of each match in another order than they were sent in.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let Program {
            flows,
            groups,
            meters,
        } = self.program.clone();
        Snapshot {
            flows: flows.into_iter().map(flow_stats).collect(),
            groups: groups
                .into_iter()
                .map(|(group_id, Group { kind, buckets })| GroupDesc {
                    group_id,
                    kind,
                    buckets,
                })
                .collect(),
            meters: meters
                .into_iter()
                .map(|(meter_id, Meter { flags, bands })| MeterConfig {
                    meter_id,
                    flags,
                    bands,
                })
                .collect(),
        }
    }

    /// Takes a flow out for `reason`, as the switch does by itself or for another controller.
    pub(crate) fn remove(&mut self, key: &FlowKey, reason: FlowRemovedReason) {
        if let Some(flow) = self.program.flows.remove(key)
            && flow.flags.contains(FlowModFlags::SEND_FLOW_REM)
        {
            self.removed.push(flow_removed(key, &flow, reason));
        }
    }

    /// `ovs-ofctl del-flows`, for the cookies that `of` is true of.
    pub(crate) fn del_flows(&mut self, of: impl Fn(Cookie) -> bool) {
        self.remove_where(FlowRemovedReason::Delete, |_, flow| of(flow.cookie));
    }

    fn remove_where(
        &mut self,
        reason: FlowRemovedReason,
        mut which: impl FnMut(&FlowKey, &Flow) -> bool,
    ) {
        let keys: Vec<_> = self
            .program
            .flows
            .iter()
            .filter(|(key, flow)| which(key, flow))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.remove(&key, reason);
        }
    }

    fn flow_mod(&mut self, flow_mod: &FlowMod) -> Result<(), String> {
        let key = FlowKey {
            table: flow_mod.table_id,
            priority: flow_mod.priority,
            match_: flow_mod.match_.canonical(),
        };
        let covered = |flow: &Flow| (flow.cookie.0 ^ flow_mod.cookie.0) & flow_mod.cookie_mask == 0;
        match flow_mod.command {
            FlowModCommand::Add if flow_mod.table_id == TableId::ALL => {
                Err("a flow in all tables".to_owned())
            }
            FlowModCommand::Add => {
                if let Some(missing) = groups_of(&flow_mod.instructions)
                    .find(|id| !self.program.groups.contains_key(id))
                {
                    return Err(format!("there is no group {missing}"));
                }
                if let Some(missing) = meters_of(&flow_mod.instructions)
                    .find(|id| !self.program.meters.contains_key(id))
                {
                    return Err(format!("there is no meter {missing}"));
                }
                self.program.flows.insert(
                    key,
                    Flow {
                        cookie: flow_mod.cookie,
                        idle_timeout: flow_mod.idle_timeout,
                        flags: flow_mod.flags,
                        instructions: flow_mod.instructions.clone(),
                    },
                );
                Ok(())
            }
            FlowModCommand::DeleteStrict => {
                self.remove_where(FlowRemovedReason::Delete, |other, flow| {
                    *other == key && covered(flow)
                });
                Ok(())
            }
            other => Err(format!("{other:?} is not modelled")),
        }
    }

    fn group_mod(&mut self, group_mod: &GroupMod) -> Result<(), String> {
        let id = group_mod.group_id;
        let there = self.program.groups.contains_key(&id);
        match (group_mod.command, there) {
            (GroupModCommand::Add, false) | (GroupModCommand::Modify, true) => {
                let group = Group {
                    kind: group_mod.kind,
                    buckets: group_mod.buckets.clone(),
                };
                self.program.groups.insert(id, group);
                Ok(())
            }
            (GroupModCommand::Delete, _) => {
                self.program.groups.remove(&id);
                self.remove_where(FlowRemovedReason::GroupDelete, |_, flow| {
                    groups_of(&flow.instructions).any(|used| used == id)
                });
                Ok(())
            }
            (command, there) => Err(format!("{command:?} of group {id}, there: {there}")),
        }
    }

    fn meter_mod(&mut self, meter_mod: &MeterMod) -> Result<(), String> {
        let id = meter_mod.meter_id;
        let there = self.program.meters.contains_key(&id);
        match (meter_mod.command, there) {
            (MeterModCommand::Add, false) | (MeterModCommand::Modify, true) => {
                let meter = Meter {
                    flags: meter_mod.flags,
                    bands: meter_mod.bands.clone(),
                };
                self.program.meters.insert(id, meter);
                Ok(())
            }
            (MeterModCommand::Delete, _) => {
                self.program.meters.remove(&id);
                // OpenFlow 1.3 has no reason of its own for that.
                self.remove_where(FlowRemovedReason::Delete, |_, flow| {
                    meters_of(&flow.instructions).any(|used| used == id)
                });
                Ok(())
            }
            (command, there) => Err(format!("{command:?} of meter {id}, there: {there}")),
        }
    }
}

fn groups_of(instructions: &[Instruction]) -> impl Iterator<Item = openflow::GroupId> {
    instructions
        .iter()
        .flat_map(|instruction| match instruction {
            Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => &actions[..],
            _ => &[],
        })
        .filter_map(|action| match action {
            Action::Group(id) => Some(*id),
            _ => None,
        })
}

fn meters_of(instructions: &[Instruction]) -> impl Iterator<Item = MeterId> {
    instructions
        .iter()
        .filter_map(|instruction| match instruction {
            Instruction::Meter(id) => Some(*id),
            _ => None,
        })
}

fn reversed(match_: &Match) -> Match {
    let mut reversed = Match::new();
    for entry in match_.entries().iter().rev() {
        reversed.push(entry.clone());
    }
    reversed
}

fn flow_stats((key, flow): (FlowKey, Flow)) -> FlowStats {
    FlowStats {
        table_id: key.table,
        duration_sec: 1,
        duration_nsec: 2,
        priority: key.priority,
        idle_timeout: flow.idle_timeout,
        hard_timeout: 0,
        flags: flow.flags,
        cookie: flow.cookie,
        packet_count: 3,
        byte_count: 4,
        match_: reversed(&key.match_),
        instructions: flow.instructions,
    }
}

fn flow_removed(key: &FlowKey, flow: &Flow, reason: FlowRemovedReason) -> FlowRemoved {
    FlowRemoved {
        cookie: flow.cookie,
        priority: key.priority,
        reason,
        table_id: key.table,
        duration_sec: 1,
        duration_nsec: 2,
        idle_timeout: flow.idle_timeout,
        hard_timeout: 0,
        packet_count: 3,
        byte_count: 4,
        match_: reversed(&key.match_),
    }
}
