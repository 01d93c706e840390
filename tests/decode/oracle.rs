//! A program that others wrote reads the same messages: tshark on the capture of a real session.

use std::io::{ErrorKind, Write};
use std::process::Command;

use serde_json::Value;

use crate::command::{data, objects};

/// `ofp_type`, in the order of its numbers.
pub(crate) const TYPES: [&str; 30] = [
    "HELLO",
    "ERROR",
    "ECHO_REQUEST",
    "ECHO_REPLY",
    "EXPERIMENTER",
    "FEATURES_REQUEST",
    "FEATURES_REPLY",
    "GET_CONFIG_REQUEST",
    "GET_CONFIG_REPLY",
    "SET_CONFIG",
    "PACKET_IN",
    "FLOW_REMOVED",
    "PORT_STATUS",
    "PACKET_OUT",
    "FLOW_MOD",
    "GROUP_MOD",
    "PORT_MOD",
    "TABLE_MOD",
    "MULTIPART_REQUEST",
    "MULTIPART_REPLY",
    "BARRIER_REQUEST",
    "BARRIER_REPLY",
    "QUEUE_GET_CONFIG_REQUEST",
    "QUEUE_GET_CONFIG_REPLY",
    "ROLE_REQUEST",
    "ROLE_REPLY",
    "GET_ASYNC_REQUEST",
    "GET_ASYNC_REPLY",
    "SET_ASYNC",
    "METER_MOD",
];

/// A field of tshark; which messages have it, by `type` or `multipart`, all if empty; and where it
/// is in them, with `*` for each element of a list.
const FIELDS: [(&str, &str, &str); 34] = [
    ("xid", "", "xid"),
    ("type", "", "type"),
    (
        "switch_features.datapath_id",
        "FEATURES_REPLY",
        "datapath_id",
    ),
    ("switch_features.n_tables", "FEATURES_REPLY", "n_tables"),
    (
        "switch_features.capabilities",
        "FEATURES_REPLY",
        "capabilities",
    ),
    ("flowmod.cookie", "FLOW_MOD", "cookie"),
    ("flowmod.cookie_mask", "FLOW_MOD", "cookie_mask"),
    ("flowmod.table_id", "FLOW_MOD", "table_id"),
    ("flowmod.idle_timeout", "FLOW_MOD", "idle_timeout"),
    ("flowmod.priority", "FLOW_MOD", "priority"),
    ("flowmod.buffer_id", "FLOW_MOD", "buffer_id"),
    ("flowmod.out_port", "FLOW_MOD", "out_port"),
    ("flowmod.out_group", "FLOW_MOD", "out_group"),
    ("flowmod.flags", "FLOW_MOD", "flags"),
    ("groupmod.group_id", "GROUP_MOD", "group_id"),
    ("metermod.meter_id", "METER_MOD", "meter_id"),
    ("metermod.flags", "METER_MOD", "flags"),
    ("packet_out.in_port", "PACKET_OUT", "in_port"),
    ("packet_out.buffer_id", "PACKET_OUT", "buffer_id"),
    ("multipart_request.flags", "MULTIPART_REQUEST", "flags"),
    ("multipart_reply.flags", "MULTIPART_REPLY", "flags"),
    ("port.port_no", "PORT_DESC", "body.*.port_no"),
    ("port.hw_addr", "PORT_DESC", "body.*.hw_addr"),
    ("port.name", "PORT_DESC", "body.*.name"),
    ("port.curr_speed", "PORT_DESC", "body.*.curr_speed"),
    ("port_stats.port_no", "PORT_STATS", "body.*.port_no"),
    ("flow_stats.table_id", "FLOW", "body.*.table_id"),
    ("flow_stats.priority", "FLOW", "body.*.priority"),
    ("flow_stats.hard_timeout", "FLOW", "body.*.hard_timeout"),
    ("flow_stats.idle_timeout", "FLOW", "body.*.idle_timeout"),
    ("flow_stats.cookie", "FLOW", "body.*.cookie"),
    ("group_stats.ref_count", "GROUP", "body.*.ref_count"),
    ("aggregate_stats.flow_count", "AGGREGATE", "body.flow_count"),
    ("switch_description.mfr_desc", "DESC", "body.mfr_desc"),
];

#[test]
fn tshark_reads_the_same_values_out_of_a_session() {
    let names: Vec<String> = FIELDS
        .iter()
        .map(|(name, ..)| format!("openflow_v4.{name}"))
        .collect();
    let Some(rows) = tshark(&names) else {
        skipped("tshark");
        return;
    };
    let capture = data("ovs-session.pcap");
    let objects = objects(&["--pcap", capture.to_str().expect("UTF-8")], b"");
    assert!(objects.len() > 70, "{} messages", objects.len());
    for (index, (name, kind, path)) in FIELDS.into_iter().enumerate() {
        let theirs: Vec<&String> = rows.iter().flat_map(|row| &row[index]).collect();
        let mut ours = Vec::new();
        for object in &objects {
            if kind.is_empty() || object["type"] == kind || object["multipart"] == kind {
                collect(object, path, &mut ours);
            }
        }
        let ours: Vec<String> = ours.into_iter().map(as_tshark_writes).collect();
        assert!(!ours.is_empty(), "{name}");
        let theirs: Vec<String> = theirs.into_iter().map(|text| decimal(text)).collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

/// The values of each field in each packet, or `None` where tshark is not installed.
fn tshark(fields: &[String]) -> Option<Vec<Vec<Vec<String>>>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(data("ovs-session.pcap"));
    command.args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.expect("tshark runs"),
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let values = |text: &str| {
        text.split(';')
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Some(
        text.lines()
            .map(|line| line.split('|').map(values).collect())
            .collect(),
    )
}

fn collect<'a>(value: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        _ if step.is_empty() => found.push(value),
        Value::Array(values) => values.iter().for_each(|value| collect(value, rest, found)),
        // Requests of a kind have another body than replies, or none.
        value => value
            .get(step)
            .into_iter()
            .for_each(|value| collect(value, rest, found)),
    }
}

fn as_tshark_writes(value: &Value) -> String {
    match value {
        Value::String(text) => match TYPES.iter().position(|name| name == text) {
            Some(number) => number.to_string(),
            None => text.clone(),
        },
        number => number.to_string(),
    }
}

/// Hexadecimal numbers in decimal.
fn decimal(text: &str) -> String {
    let number = text
        .strip_prefix("0x")
        .map(|digits| u64::from_str_radix(digits, 16));
    number.map_or_else(
        || text.to_owned(),
        |number| number.expect("hex digits").to_string(),
    )
}

/// Says that the running test is skipped for lack of `what`: past the test harness, which keeps what
/// a passing test prints to itself. `integration/test` counts these lines.
fn skipped(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(
        std::io::stderr(),
        "\nSKIPPED: {test}: {what} is not installed"
    )
    .expect("stderr can be written");
}
