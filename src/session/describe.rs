//! Protocol terms in words, for reasons and the log.

use openflow::{ErrorKind, ErrorMsg, ErrorType, Message};

use crate::ofctl::Dialect;
use crate::program::{Flow, FlowKey, Group};

/// How the version of a header is known: 4 is "1.3".
pub(super) fn version(wire: u8) -> String {
    match wire {
        1..=6 => format!("1.{}", wire - 1),
        _ => format!("{wire:#04x}"),
    }
}

/// What an ERROR says: its name, and the text that a failed HELLO comes with.
pub(crate) fn error(error: &ErrorMsg) -> String {
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
        Message::FlowMod(flow_mod) => {
            let key = FlowKey {
                table: flow_mod.table_id,
                priority: flow_mod.priority,
                match_: flow_mod.match_.clone(),
            };
            let flow = Flow {
                cookie: flow_mod.cookie,
                idle_timeout: flow_mod.idle_timeout,
                flags: flow_mod.flags,
                instructions: flow_mod.instructions.clone(),
            };
            let flow = Dialect::Numbers.flow(&key, &flow);
            format!("{:?} of flow {flow}", flow_mod.command)
        }
        Message::GroupMod(group_mod) => {
            let group = Group {
                kind: group_mod.kind,
                buckets: group_mod.buckets.clone(),
            };
            let group = Dialect::Numbers.group(group_mod.group_id, &group);
            format!("{:?} of group {group}", group_mod.command)
        }
        Message::MeterMod(meter) => format!("{:?} of meter {}", meter.command, meter.meter_id),
        other => format!("{other:?}"),
    }
}
