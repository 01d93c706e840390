//! `service_chains:`: network functions and their instances.

use super::instance::{self, InlineInstance, TapInstance};
use super::{copying, health_check};
use crate::config::fields::{Fields, Schema, Spanned, filled, name, names, one_of};
use crate::config::report::Report;
use crate::config::tree::{Node, Value};
use crate::topology::{self, Copying, FailurePolicy, HealthCheck, Redundancy};

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
    pub(crate) enabled: bool,
    pub(crate) redundancy: Redundancy,
    pub(crate) kind: FunctionKind,
}

#[derive(Debug)]
pub(crate) enum FunctionKind {
    Tap {
        copying: Copying,
        instances: Vec<TapInstance>,
    },
    Inline {
        shadow: bool,
        failure_policy: FailurePolicy,
        health_check: Option<HealthCheck>,
        instances: Vec<InlineInstance>,
    },
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
        ("enabled", "true or false"),
        ("redundancy", "active_active or active_passive"),
        ("direction", "all or east_west"),
        ("filter", "a list of rules"),
        ("snap_length", "bytes"),
        ("sampling", "one in so many conversations"),
        ("rate_limit", "kbps or pps"),
        ("tag", "keep, strip or a map of outer tags"),
        ("shadow", "true or false"),
        ("failure_policy", "fail_close or fail_open"),
        ("health_check", "how it is probed"),
        ("instances", "a list of where it is plugged in"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 2] = [&CHAIN, &FUNCTION];

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

fn functions(node: Node<'_>, report: &mut Report<'_>) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    let items = filled(node, "a list of network functions", report);
    if let Some(excess) = items.get(topology::Chain::MAX_FUNCTIONS) {
        report.mistake(
            excess.id(),
            format!(
                "a service chain has at most {} functions",
                topology::Chain::MAX_FUNCTIONS
            ),
        );
    }
    for item in items {
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
    let enabled = fields.flag("enabled", true, report);
    let redundancies = [
        ("active_active", Redundancy::ActiveActive),
        ("active_passive", Redundancy::ActivePassive),
    ];
    let redundancy = fields.word("redundancy", &redundancies, report);
    let kind = match mode? {
        Mode::Tap => {
            let why = "a tap is never in the way";
            refuse(&fields, &INLINE_KEYS, why, "mode: inline", report);
            FunctionKind::Tap {
                copying: copying::read(&fields, report),
                instances: instances
                    .into_iter()
                    .filter_map(|node| instance::tap(node, report))
                    .collect(),
            }
        }
        Mode::Inline => {
            let why = "an inline function gets every frame of its chain as it is";
            refuse(&fields, &copying::KEYS, why, "mode: tap", report);
            let policies = [
                ("fail_close", FailurePolicy::FailClose),
                ("fail_open", FailurePolicy::FailOpen),
            ];
            FunctionKind::Inline {
                shadow: fields.flag("shadow", false, report),
                failure_policy: fields.word("failure_policy", &policies, report),
                health_check: fields
                    .get("health_check")
                    .and_then(|node| health_check::read(node, report)),
                instances: instances
                    .into_iter()
                    .filter_map(|node| instance::inline(node, report))
                    .collect(),
            }
        }
    };
    Some(Function {
        name: name?,
        enabled,
        redundancy,
        kind,
    })
}

/// The keys of a function that is in the way.
const INLINE_KEYS: [&str; 3] = ["shadow", "failure_policy", "health_check"];

/// Reports the `keys` that belong to functions of the `other` mode.
fn refuse(fields: &Fields<'_>, keys: &[&str], why: &str, other: &str, report: &mut Report<'_>) {
    for key in keys {
        if let Some(at) = fields.key(key) {
            report.mistake(
                at,
                format!("{why}, so it has no {key:?}; leave it out, or use \"{other}\""),
            );
        }
    }
}
