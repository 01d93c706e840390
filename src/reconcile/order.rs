//! A plan as messages, in an order in which each of them is valid when its turn comes.
//!
//! 1. meters, which can not be part of a bundle and which no flow of ours refers to;
//! 2. new groups, before flows that use them: a flow to a missing group is refused;
//! 3. groups with other buckets;
//! 4. new and changed flows, then flows to delete: where the messages take effect one by one, a
//!    frame finds the old flow or the new one, never neither;
//! 5. groups to delete, once no flow uses them: with a group the switch deletes its flows.
//!
//! A changed flow is sent as an ADD, which replaces the entry as a whole (OpenFlow 1.3.5 §6.4).
//! MODIFY_STRICT would leave cookie, timeouts and flags as they are. For the same reason nothing is
//! lost by it: the entry is replaced in one step, and only its counters start anew.

use openflow::{
    FlowMod, FlowModCommand, GroupId, GroupMod, GroupModCommand, Message, MeterId, MeterMod,
    MeterModCommand,
};

use super::diff::Plan;
use crate::cookie;
use crate::program::{Flow, FlowKey, Group, Meter};

impl Plan<'_> {
    /// What to send, in this order.
    pub fn messages(&self) -> Vec<Message> {
        let Self {
            flows,
            groups,
            meters,
        } = self;
        let meter =
            |command| move |(id, content): &(&MeterId, &Meter)| meter_mod(command, **id, content);
        let group =
            |command| move |(id, content): &(&GroupId, &Group)| group_mod(command, **id, content);
        let mut messages = Vec::with_capacity(flows.len() + groups.len() + meters.len());
        messages.extend(meters.removed.iter().map(meter(MeterModCommand::Delete)));
        messages.extend(meters.added.iter().map(meter(MeterModCommand::Add)));
        messages.extend(meters.changed.iter().map(meter(MeterModCommand::Modify)));
        messages.extend(groups.added.iter().map(group(GroupModCommand::Add)));
        messages.extend(groups.changed.iter().map(group(GroupModCommand::Modify)));
        messages.extend(
            flows
                .added
                .iter()
                .chain(&flows.changed)
                .map(|(key, flow)| add_flow(key, flow)),
        );
        messages.extend(flows.removed.iter().map(|(key, _)| delete_flow(key)));
        messages.extend(groups.removed.iter().map(group(GroupModCommand::Delete)));
        messages
    }
}

/// Puts a flow entry there, in place of any with its key.
pub fn add_flow(key: &FlowKey, flow: &Flow) -> Message {
    Message::FlowMod(FlowMod {
        table_id: key.table,
        priority: key.priority,
        match_: key.match_.clone(),
        cookie: flow.cookie,
        idle_timeout: flow.idle_timeout,
        flags: flow.flags,
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

fn group_mod(command: GroupModCommand, group_id: GroupId, group: &Group) -> Message {
    let buckets = match command {
        GroupModCommand::Delete => Vec::new(),
        _ => group.buckets.clone(),
    };
    Message::GroupMod(GroupMod {
        command,
        kind: group.kind,
        group_id,
        buckets,
    })
}

fn meter_mod(command: MeterModCommand, meter_id: MeterId, meter: &Meter) -> Message {
    let bands = match command {
        MeterModCommand::Delete => Vec::new(),
        _ => meter.bands.clone(),
    };
    Message::MeterMod(MeterMod {
        command,
        flags: meter.flags,
        meter_id,
        bands,
    })
}
