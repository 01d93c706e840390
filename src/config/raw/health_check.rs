//! `health_check:` of an inline function.

use std::time::Duration;

use crate::config::fields::{Fields, Schema, integer};
use crate::config::report::Report;
use crate::config::tree::{Node, NodeId, Value};
use crate::topology::HealthCheck;

pub(super) const HEALTH_CHECK: Schema = Schema {
    what: "a health check",
    keys: &[
        ("interval", "seconds between probes"),
        ("timeout", "seconds that a probe may take"),
        ("success_threshold", "probes in a row"),
        ("failure_threshold", "probes in a row"),
    ],
};

/// Longest time between probes, in seconds: a day. It also keeps the sums of times in range.
const LONGEST_INTERVAL: f64 = 86_400.0;

pub(super) fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<HealthCheck> {
    let fields = Fields::read(node, &HEALTH_CHECK, report)?;
    let mut seconds = |key, default| match fields.get(key) {
        Some(node) => seconds(node, report),
        None => Some(Duration::from_secs(default)),
    };
    let interval = seconds("interval", 5);
    let timeout = seconds("timeout", 3);
    let mut threshold = |key| match fields.get(key) {
        Some(node) => integer(node, "a threshold", 1..=u32::MAX, report).map(|it| it.value),
        None => Some(1),
    };
    let success_threshold = threshold("success_threshold");
    let failure_threshold = threshold("failure_threshold");
    let (interval, timeout) = (interval?, timeout?);
    if timeout > interval {
        report.mistake(
            timeout_place(&fields),
            format!(
                "the timeout of {} s is longer than the interval of {} s; a probe has to be over \
                 before the next one",
                timeout.as_secs_f64(),
                interval.as_secs_f64()
            ),
        );
        return None;
    }
    Some(HealthCheck {
        interval,
        timeout,
        success_threshold: success_threshold?,
        failure_threshold: failure_threshold?,
    })
}

/// What to point at when timeout and interval do not fit: either may be a default.
fn timeout_place(fields: &Fields<'_>) -> NodeId {
    fields
        .get("timeout")
        .or_else(|| fields.get("interval"))
        .map_or(fields.id(), Node::id)
}

fn seconds(node: Node<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let number = match node.value() {
        // Precise in the range that is accepted.
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    let duration = number
        .filter(|number| *number > 0.0 && *number <= LONGEST_INTERVAL)
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .filter(|duration| !duration.is_zero());
    if duration.is_none() {
        let found = node.value();
        report.mistake(
            node.id(),
            format!("expected seconds, more than 0 and at most {LONGEST_INTERVAL}, found {found}"),
        );
    }
    duration
}
