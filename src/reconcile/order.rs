//! A plan as a sequence of changes, in an order in which each of them is valid when its turn comes.
//!
//! 1. new and changed meters, before flows that use them: a flow with a missing meter is refused. A
//!    bundle can not have them, so they take effect by themselves;
//! 2. new groups, before flows that use them: a flow to a missing group is refused;
//! 3. groups with other buckets;
//! 4. new and changed flows, then flows to delete: where the messages take effect one by one, a
//!    frame finds the old flow or the new one, never neither;
//! 5. groups to delete, once no flow uses them: with a group the switch deletes its flows;
//! 6. meters to delete, for the same reason after all else.
//!
//! A changed flow is sent as an ADD, which replaces the entry as a whole (OpenFlow 1.3.5 §6.4).
//! MODIFY_STRICT would leave cookie, timeouts and flags as they are. For the same reason nothing is
//! lost by it: the entry is replaced in one step. Its counters go on from where they were, except where
//! it drops from then on: frames that it has passed before were not dropped.

use std::fmt;

use openflow::{
    FlowMod, FlowModCommand, FlowModFlags, GroupId, GroupMod, GroupModCommand, Message, MeterId,
    MeterMod, MeterModCommand,
};

use super::diff::{Changes, Plan};
use crate::cookie;
use crate::ofctl::Dialect;
use crate::program::{Flow, FlowKey, Group, Meter};

/// One step of a plan.
#[derive(Debug, Clone, Copy)]
struct Change<'a> {
    verb: Verb,
    entry: Entry<'a>,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Add,
    Modify,
    Delete,
}

/// The entry that a change is about: the wanted one, or the one to delete.
#[derive(Debug, Clone, Copy)]
enum Entry<'a> {
    Flow(&'a FlowKey, &'a Flow),
    Group(GroupId, &'a Group),
    Meter(MeterId, &'a Meter),
}

impl<'a> Plan<'a> {
    /// What to send, in this order.
    pub fn messages(&self) -> Vec<Message> {
        self.changes().map(Change::message).collect()
    }

    /// The plan in the syntax of `ovs-ofctl bundle`: how many changes, then a line for each. Meters,
    /// which a bundle can not have, are comments.
    pub fn text(&self, dialect: Dialect<'_>) -> impl fmt::Display {
        struct Text<'s, 'a, 'p>(&'s Plan<'a>, Dialect<'p>);

        impl fmt::Display for Text<'_, '_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(plan, dialect) = self;
                let Plan {
                    flows,
                    groups,
                    meters,
                } = plan;
                writeln!(f, "# flows {flows}; groups {groups}; meters {meters}")?;
                plan.changes()
                    .try_for_each(|change| change.write(f, *dialect))
            }
        }

        Text(self, dialect)
    }

    fn changes(&self) -> impl Iterator<Item = Change<'a>> {
        let Self {
            flows,
            groups,
            meters,
        } = self;
        let flow = |verb| {
            move |&(key, flow): &(&'a _, &'a _)| Change {
                verb,
                entry: Entry::Flow(key, flow),
            }
        };
        let group = |verb| {
            move |&(id, group): &(&'a _, &'a _)| Change {
                verb,
                entry: Entry::Group(*id, group),
            }
        };
        let meter = |verb| {
            move |&(id, meter): &(&'a _, &'a _)| Change {
                verb,
                entry: Entry::Meter(*id, meter),
            }
        };
        let new_meters = (meters.added.iter().map(meter(Verb::Add)))
            .chain(meters.changed.iter().map(meter(Verb::Modify)));
        let old_meters = meters.removed.iter().map(meter(Verb::Delete));
        let new_groups = (groups.added.iter().map(group(Verb::Add)))
            .chain(groups.changed.iter().map(group(Verb::Modify)));
        let flows = (flows
            .added
            .iter()
            .chain(&flows.changed)
            .map(flow(Verb::Add)))
        .chain(flows.removed.iter().map(flow(Verb::Delete)));
        let old_groups = groups.removed.iter().map(group(Verb::Delete));
        new_meters
            .chain(new_groups)
            .chain(flows)
            .chain(old_groups)
            .chain(old_meters)
    }
}

impl Change<'_> {
    fn message(self) -> Message {
        match (self.entry, self.verb) {
            (Entry::Flow(key, _), Verb::Delete) => delete_flow(key),
            (Entry::Flow(key, flow), Verb::Add | Verb::Modify) => add_flow(key, flow),
            (Entry::Group(group_id, group), verb) => {
                let (command, buckets) = match verb {
                    Verb::Add => (GroupModCommand::Add, group.buckets.clone()),
                    Verb::Modify => (GroupModCommand::Modify, group.buckets.clone()),
                    Verb::Delete => (GroupModCommand::Delete, Vec::new()),
                };
                Message::GroupMod(GroupMod {
                    command,
                    kind: group.kind,
                    group_id,
                    buckets,
                })
            }
            (Entry::Meter(meter_id, meter), verb) => {
                let (command, bands) = match verb {
                    Verb::Add => (MeterModCommand::Add, meter.bands.clone()),
                    Verb::Modify => (MeterModCommand::Modify, meter.bands.clone()),
                    Verb::Delete => (MeterModCommand::Delete, Vec::new()),
                };
                Message::MeterMod(MeterMod {
                    command,
                    flags: meter.flags,
                    meter_id,
                    bands,
                })
            }
        }
    }

    fn write(self, f: &mut fmt::Formatter<'_>, dialect: Dialect<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Add => "add",
            Verb::Modify => "modify",
            Verb::Delete => "delete",
        };
        match (self.entry, self.verb) {
            (Entry::Flow(key, _), Verb::Delete) => {
                let FlowKey {
                    table,
                    priority,
                    match_,
                } = key;
                let (cookie, mask) = (cookie::OURS, cookie::MASK);
                write!(f, "flow delete_strict cookie={cookie}/{mask:#x}")?;
                write!(f, ",table={table},priority={priority}")?;
                match match_.is_empty() {
                    true => writeln!(f),
                    false => writeln!(f, ",{}", dialect.match_(match_)),
                }
            }
            (Entry::Flow(key, flow), _) => writeln!(f, "flow add {}", dialect.flow(key, flow)),
            (Entry::Group(id, _), Verb::Delete) => writeln!(f, "group delete group_id={}", id.0),
            (Entry::Group(id, group), _) => {
                writeln!(f, "group {verb} {}", dialect.group(id, group))
            }
            (Entry::Meter(id, meter), _) => {
                writeln!(f, "# meter {verb} {}", dialect.meter(id, meter))
            }
        }
    }
}

/// How many: `1 added, 2 changed, 3 removed`.
impl<K, V> fmt::Display for Changes<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            added,
            changed,
            removed,
        } = self;
        let [added, changed, removed] = [added.len(), changed.len(), removed.len()];
        write!(f, "{added} added, {changed} changed, {removed} removed")
    }
}

/// Puts a flow entry there, in place of any with its key.
pub fn add_flow(key: &FlowKey, flow: &Flow) -> Message {
    let counts = match flow.cookie.0 & cookie::DROPS_MASK == cookie::DROPS.0 {
        true => FlowModFlags::RESET_COUNTS,
        false => FlowModFlags::empty(),
    };
    Message::FlowMod(FlowMod {
        table_id: key.table,
        priority: key.priority,
        match_: key.match_.clone(),
        cookie: flow.cookie,
        idle_timeout: flow.idle_timeout,
        flags: flow.flags | counts,
        instructions: flow.instructions.clone(),
        ..FlowMod::add()
    })
}

/// Deletes the flow entry with this key, provided that it is one of ours by then.
pub fn delete_flow(key: &FlowKey) -> Message {
    Message::FlowMod(FlowMod {
        command: FlowModCommand::DeleteStrict,
        table_id: key.table,
        priority: key.priority,
        match_: key.match_.clone(),
        cookie: cookie::OURS,
        cookie_mask: cookie::MASK,
        ..FlowMod::add()
    })
}
