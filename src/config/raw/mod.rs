//! The shape of the file: which keys there are, and what kind of value each has.
//!
//! What is read here is right by itself; whether it fits together is for
//! [`validate`](super::validate). Whatever is wrong is reported and left out, so that the rest can
//! still be checked.

mod chain;
mod controller;
mod copying;
mod filter;
mod health_check;
mod host;
mod instance;
mod ovsdb;
mod plug;
mod vm;

pub(super) use chain::{Chain, Function, FunctionKind};
pub(super) use host::{Bridge, Bridges, Host};
pub(super) use instance::{InlineInstance, TapInstance};
pub(super) use ovsdb::Tls;
pub(super) use plug::Plug;
pub(super) use vm::{Membership, Nic, Vm};

use super::fields::{Fields, Schema, Spanned, integer, named};
use super::report::Report;
use super::tree::{Node, Value};
use crate::topology::{Controller, Vlan};

/// A whole file.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) controller: Controller,
    pub(super) networks: Vec<Network>,
    pub(super) hosts: Vec<Host>,
    pub(super) vms: Vec<Vm>,
    pub(super) chains: Vec<Chain>,
}

/// A name for a VLAN.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: Spanned<String>,
    /// `None` where it was wrong; the name can be referred to nevertheless.
    pub(super) vlan: Option<Spanned<Vlan>>,
    pub(super) max_macs: Option<u32>,
}

const CONFIG: Schema = Schema {
    what: "the configuration",
    keys: &[
        ("controller", "how the controller itself runs"),
        ("networks", "networks by name"),
        ("hosts", "hosts by name, with their bridges"),
        ("vms", "VMs by name, with their vNICs"),
        ("service_chains", "service chains by name"),
    ],
};

const NETWORK: Schema = Schema {
    what: "a network",
    keys: &[
        ("vlan", "its VLAN, from 1 to 4094, or 0 for untagged"),
        ("max_macs", "how many addresses may be learned"),
    ],
};

/// How high a limit of learned addresses may be.
const MOST_MACS: u32 = 16_384;

/// Reads the whole file; `None` where it is nothing like a configuration.
pub(super) fn read(root: Node<'_>, report: &mut Report<'_>) -> Option<Config> {
    if *root.value() == Value::Null {
        report.mistake(
            root.id(),
            "the file is empty; a configuration has at least \"hosts\"",
        );
        return None;
    }
    let fields = Fields::read(root, &CONFIG, report)?;
    let controller = match fields.get("controller") {
        Some(node) if *node.value() != Value::Null => controller::read(node, report),
        _ => Controller::default(),
    };
    Some(Config {
        controller,
        networks: section(fields.get("networks"), "networks by name", report, network),
        hosts: section(
            fields.require("hosts", report),
            "hosts by name",
            report,
            host::read,
        ),
        vms: section(fields.get("vms"), "VMs by name", report, vm::read),
        chains: section(
            fields.get("service_chains"),
            "service chains by name",
            report,
            chain::read,
        ),
    })
}

/// Reads every entry of a section of named things.
fn section<'t, T>(
    node: Option<Node<'t>>,
    what: &str,
    report: &mut Report<'_>,
    read: impl Fn(Spanned<String>, Node<'t>, &mut Report<'_>) -> T,
) -> Vec<T> {
    let entries = node
        .map(|node| named(node, what, report))
        .unwrap_or_default();
    entries
        .into_iter()
        .map(|(name, value)| read(name, value, report))
        .collect()
}

fn network(name: Spanned<String>, node: Node<'_>, report: &mut Report<'_>) -> Network {
    let Some(fields) = Fields::read(node, &NETWORK, report) else {
        return Network {
            name,
            vlan: None,
            max_macs: None,
        };
    };
    let vlan = fields
        .require("vlan", report)
        .and_then(|node| integer::<u16>(node, "a VLAN", 0..=Vlan::MAX.id(), report))
        .and_then(|id| Vlan::new(id.value).map(|value| Spanned { at: id.at, value }));
    Network {
        name,
        vlan,
        max_macs: max_macs(&fields, report),
    }
}

/// How many addresses may be learned, in a network or at a vNIC.
fn max_macs(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<u32> {
    fields.number("max_macs", "a number of addresses", 1..=MOST_MACS, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a key describes it.
    #[test]
    fn the_reference_has_every_key() {
        let reference = include_str!("../../../configs/README.md");
        let mut schemas = vec![&CONFIG, &NETWORK, &controller::CONTROLLER];
        schemas.push(&health_check::HEALTH_CHECK);
        schemas.extend(host::SCHEMAS);
        schemas.push(&ovsdb::OVSDB_TLS);
        schemas.extend(vm::SCHEMAS);
        schemas.push(&plug::MATCH);
        schemas.extend(chain::SCHEMAS);
        schemas.extend(copying::SCHEMAS);
        schemas.extend(filter::SCHEMAS);
        schemas.extend(instance::SCHEMAS);
        for schema in schemas {
            for (key, _) in schema.keys {
                let row = format!("| `{key}` |");
                assert!(reference.contains(&row), "{}: no row {row}", schema.what);
            }
        }
    }
}
