//! `service_chains:`: network functions and their instances.

use std::time::Duration;

use super::host::interface;
use crate::config::fields::{Fields, Schema, Spanned, integer, list, name, names, one_of, text};
use crate::config::report::Report;
use crate::config::tree::{Node, NodeId, Value};
use crate::topology::{FailurePolicy, HealthCheck};

#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) name: Spanned<String>,
    pub(crate) networks: Vec<Spanned<String>>,
    pub(crate) vms: Vec<Spanned<String>>,
    pub(crate) functions: Vec<Function>,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: Spanned<String>,
    pub(crate) kind: FunctionKind,
}

#[derive(Debug)]
pub(crate) enum FunctionKind {
    Tap {
        instances: Vec<TapInstance>,
    },
    Inline {
        failure_policy: FailurePolicy,
        health_check: Option<HealthCheck>,
        instances: Vec<InlineInstance>,
    },
}

#[derive(Debug)]
pub(crate) struct TapInstance {
    pub(crate) host: Spanned<String>,
    pub(crate) port: Spanned<String>,
}

#[derive(Debug)]
pub(crate) struct InlineInstance {
    pub(crate) host: Spanned<String>,
    pub(crate) ingress: Spanned<String>,
    pub(crate) egress: Spanned<String>,
}

const CHAIN: Schema = Schema {
    what: "a service chain",
    keys: &[
        ("networks", "a list of network names"),
        ("vms", "a list of VM names"),
        (
            "functions",
            "a list of network functions, from the VM towards the uplink",
        ),
    ],
};

const FUNCTION: Schema = Schema {
    what: "a network function",
    keys: &[
        ("name", "its name, unique in the chain"),
        ("mode", "tap or inline"),
        ("failure_policy", "fail_close or fail_open"),
        ("health_check", "how it is probed"),
        ("instances", "a list of where it is plugged in"),
    ],
};

const TAP_INSTANCE: Schema = Schema {
    what: "an instance of a tap",
    keys: &[
        ("host", "the name of its host"),
        ("port", "its OVS interface name"),
    ],
};

const INLINE_INSTANCE: Schema = Schema {
    what: "an instance of an inline function",
    keys: &[
        ("host", "the name of its host"),
        (
            "ingress",
            "the OVS interface name of the leg that faces the VMs",
        ),
        (
            "egress",
            "the OVS interface name of the leg that faces the uplink",
        ),
    ],
};

const HEALTH_CHECK: Schema = Schema {
    what: "a health check",
    keys: &[
        ("interval", "seconds between probes"),
        ("timeout", "seconds that a probe may take"),
        ("success_threshold", "probes in a row"),
        ("failure_threshold", "probes in a row"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 5] = [
    &CHAIN,
    &FUNCTION,
    &TAP_INSTANCE,
    &INLINE_INSTANCE,
    &HEALTH_CHECK,
];

pub(super) fn read(name: Spanned<String>, node: Node<'_>, report: &mut Report<'_>) -> Chain {
    let mut chain = Chain {
        name,
        networks: Vec::new(),
        vms: Vec::new(),
        functions: Vec::new(),
    };
    let Some(fields) = Fields::read(node, &CHAIN, report) else {
        return chain;
    };
    if let Some(node) = fields.get("networks") {
        chain.networks = names(node, "a list of network names", report);
    }
    if let Some(node) = fields.get("vms") {
        chain.vms = names(node, "a list of VM names", report);
    }
    let given = |key| {
        fields
            .get(key)
            .is_some_and(|node| *node.value() != Value::Sequence(vec![]))
    };
    if !given("networks") && !given("vms") {
        report.mistake(
            chain.name.at,
            "a service chain needs \"networks\" or \"vms\": whose frames pass it",
        );
    }
    if let Some(node) = fields.require("functions", report) {
        chain.functions = functions(node, report);
    }
    chain
}

/// A list that has to have an item.
fn filled<'t>(node: Node<'t>, what: &str, report: &mut Report<'_>) -> Vec<Node<'t>> {
    let items = list(node, what, report);
    if items.as_ref().is_some_and(Vec::is_empty) {
        report.mistake(node.id(), format!("expected {what}, found none"));
    }
    items.unwrap_or_default()
}

fn functions(node: Node<'_>, report: &mut Report<'_>) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    for item in filled(node, "a list of network functions", report) {
        let Some(function) = function(item, report) else {
            continue;
        };
        let name = &function.name;
        if functions
            .iter()
            .any(|earlier| earlier.name.value == name.value)
        {
            report.mistake(
                name.at,
                format!("there is already a function {:?} in this chain", name.value),
            );
        }
        functions.push(function);
    }
    functions
}

#[derive(Clone)]
enum Mode {
    Tap,
    Inline,
}

fn function(node: Node<'_>, report: &mut Report<'_>) -> Option<Function> {
    let fields = Fields::read(node, &FUNCTION, report)?;
    let name = fields
        .require("name", report)
        .and_then(|node| name(node, report));
    let mode = fields.require("mode", report).and_then(|node| {
        one_of(
            node,
            "\"mode\"",
            &[("tap", Mode::Tap), ("inline", Mode::Inline)],
            report,
        )
    });
    let instances = fields
        .require("instances", report)
        .map(|node| filled(node, "a list of instances", report))
        .unwrap_or_default();
    let kind = match mode? {
        Mode::Tap => {
            for key in ["failure_policy", "health_check"] {
                if let Some(at) = fields.key(key) {
                    report.mistake(
                        at,
                        format!(
                            "a tap is never in the way, so it has no {key:?}; leave it out, or \
                             use \"mode: inline\""
                        ),
                    );
                }
            }
            let read = |node| tap_instance(node, report);
            FunctionKind::Tap {
                instances: instances.into_iter().filter_map(read).collect(),
            }
        }
        Mode::Inline => FunctionKind::Inline {
            failure_policy: fields
                .get("failure_policy")
                .and_then(|node| {
                    let words = [
                        ("fail_close", FailurePolicy::FailClose),
                        ("fail_open", FailurePolicy::FailOpen),
                    ];
                    one_of(node, "\"failure_policy\"", &words, report)
                })
                .unwrap_or_default(),
            health_check: fields
                .get("health_check")
                .and_then(|node| health_check(node, report)),
            instances: instances
                .into_iter()
                .filter_map(|node| inline_instance(node, report))
                .collect(),
        },
    };
    Some(Function { name: name?, kind })
}

fn tap_instance(node: Node<'_>, report: &mut Report<'_>) -> Option<TapInstance> {
    let fields = Fields::read(node, &TAP_INSTANCE, report)?;
    let host = host(&fields, report);
    let port = leg(&fields, "port", report);
    Some(TapInstance {
        host: host?,
        port: port?,
    })
}

fn inline_instance(node: Node<'_>, report: &mut Report<'_>) -> Option<InlineInstance> {
    let fields = Fields::read(node, &INLINE_INSTANCE, report)?;
    let host = host(&fields, report);
    let ingress = leg(&fields, "ingress", report);
    let egress = leg(&fields, "egress", report);
    Some(InlineInstance {
        host: host?,
        ingress: ingress?,
        egress: egress?,
    })
}

fn host(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    fields
        .require("host", report)
        .and_then(|node| text(node, "a host name", report))
}

fn leg(fields: &Fields<'_>, key: &str, report: &mut Report<'_>) -> Option<Spanned<String>> {
    fields
        .require(key, report)
        .and_then(|node| interface(node, "an interface name", report))
}

/// Longest time between probes, in seconds: a day. It also keeps the sums of times in range.
const LONGEST_INTERVAL: f64 = 86_400.0;

fn health_check(node: Node<'_>, report: &mut Report<'_>) -> Option<HealthCheck> {
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
