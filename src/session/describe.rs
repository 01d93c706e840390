//! Protocol terms in words, for reasons and the log.

use std::fmt::Display;

use openflow::{ErrorKind, ErrorMsg, ErrorType, FlowMod, GroupMod, Instruction, Message};

/// How the version of a header is known: 4 is "1.3".
pub(super) fn version(wire: u8) -> String {
    match wire {
        1..=6 => format!("1.{}", wire - 1),
        _ => format!("{wire:#04x}"),
    }
}

/// What an ERROR says: its name, and the text that a failed HELLO comes with.
pub(super) fn error(error: &ErrorMsg) -> String {
    match error.error {
        ErrorKind::Standard(code) if code.kind == ErrorType::HelloFailed => {
            let text = String::from_utf8_lossy(&error.data);
            let text = text.trim_end_matches('\0');
            if text.is_empty() {
                code.to_string()
            } else {
                format!("{code}: {}", text.escape_debug())
            }
        }
        ErrorKind::Standard(code) => code.to_string(),
        ErrorKind::Experimenter {
            experimenter,
            exp_type,
        } => {
            format!("error {exp_type} of experimenter {experimenter:#010x}")
        }
    }
}

/// A change of a transaction, in the syntax of `ovs-ofctl`.
pub(super) fn change(change: &Message) -> String {
    match change {
        Message::FlowMod(flow) => flow_mod(flow),
        Message::GroupMod(group) => group_mod(group),
        Message::MeterMod(meter) => format!("{:?} of meter {}", meter.command, meter.meter_id),
        other => format!("{other:?}"),
    }
}

fn flow_mod(flow: &FlowMod) -> String {
    let FlowMod {
        command,
        table_id,
        priority,
        match_,
        instructions,
        ..
    } = flow;
    let comma = if match_.is_empty() { "" } else { "," };
    let actions: Vec<String> = instructions.iter().map(instruction).collect();
    format!(
        "{command:?} of flow table={table_id},priority={priority}{comma}{match_} actions={}",
        actions.join(",")
    )
}

fn instruction(instruction: &Instruction) -> String {
    match instruction {
        Instruction::ApplyActions(actions) => list(actions),
        Instruction::GotoTable(table) => format!("goto_table:{table}"),
        other => format!("{other:?}"),
    }
}

fn group_mod(group: &GroupMod) -> String {
    let GroupMod {
        command,
        kind,
        group_id,
        buckets,
    } = group;
    let buckets: Vec<String> = buckets
        .iter()
        .map(|bucket| format!(",bucket={}", list(&bucket.actions)))
        .collect();
    format!(
        "{command:?} of group group_id={group_id},type={kind:?}{}",
        buckets.concat()
    )
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}
