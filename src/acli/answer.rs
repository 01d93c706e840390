//! What commands print that ask.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::edits::{network_name, vm_name};
use super::{Command, edits};
use crate::inventory::{Inventory, Nic, uuid};

/// The answer to a command; empty where it is one that changes something.
///
/// # Errors
///
/// Names of what is not there.
pub fn answer(command: &Command, known: &Inventory) -> Result<String, String> {
    match look(command, known)? {
        Some(answer) => Ok(answer.text()),
        None => edits(command, known).map(|_| String::new()),
    }
}

/// The answer to a command as JSON; `None` where it is one that changes something.
///
/// # Errors
///
/// Names of what is not there.
pub fn answer_json(command: &Command, known: &Inventory) -> Result<Option<Value>, String> {
    Ok(look(command, known)?.map(|answer| answer.json()))
}

/// What is told.
enum Answer {
    /// A row for each thing, below the headings of the columns and their names for programs.
    Table {
        headings: &'static [(&'static str, &'static str)],
        rows: Vec<Vec<Value>>,
    },
    /// One VM.
    Vm(Vm),
}

/// A VM with what is told of it.
struct Vm {
    name: String,
    nics: Vec<Vec<(&'static str, Value)>>,
    hosts: Vec<String>,
}

fn look(command: &Command, known: &Inventory) -> Result<Option<Answer>, String> {
    Ok(Some(match command {
        Command::NetList => net_list(known),
        Command::NetListVms { network } => net_list_vms(known, &network_name(known, network)?),
        Command::VmList => vm_list(known),
        Command::VmGet { vm } => Answer::Vm(vm_get(known, &vm_name(known, vm)?)),
        _ => return Ok(None),
    }))
}

fn net_list(known: &Inventory) -> Answer {
    let rows = known.networks.iter().map(|(name, network)| {
        vec![
            json!(name),
            json!(uuid("network", name).to_string()),
            json!("kBridged"),
            json!(network.vlan),
        ]
    });
    Answer::Table {
        headings: &[
            ("Network name", "name"),
            ("Network UUID", "uuid"),
            ("Type", "type"),
            ("Identifier", "identifier"),
        ],
        rows: rows.collect(),
    }
}

fn net_list_vms(known: &Inventory, network: &str) -> Answer {
    let rows = known.vms.iter().flat_map(|(name, vm)| {
        let nics = vm.nics.iter();
        let nics = nics.filter(|nic| nic.networks().any(|own| own == network));
        nics.map(move |nic| {
            let address = nic.address().map(|mac| mac.to_string());
            vec![
                json!(uuid("vm", name).to_string()),
                json!(name),
                json!(address),
            ]
        })
    });
    Answer::Table {
        headings: &[
            ("VM UUID", "vm_uuid"),
            ("VM name", "vm_name"),
            ("MAC address", "mac_addr"),
        ],
        rows: rows.collect(),
    }
}

fn vm_list(known: &Inventory) -> Answer {
    let names = known.vms.keys();
    let rows = names.map(|name| vec![json!(name), json!(uuid("vm", name).to_string())]);
    Answer::Table {
        headings: &[("VM name", "name"), ("VM UUID", "uuid")],
        rows: rows.collect(),
    }
}

fn vm_get(known: &Inventory, name: &str) -> Vm {
    let vm = known.vms.get(name);
    let nics = vm.map(|vm| &vm.nics[..]).unwrap_or_default().iter();
    Vm {
        name: name.to_owned(),
        nics: nics.map(|nic| nic_list(known, name, nic)).collect(),
        hosts: vm.map(|vm| vm.hosts.clone()).unwrap_or_default(),
    }
}

/// What is told of a vNIC, in the order of the keys.
fn nic_list(known: &Inventory, vm: &str, nic: &Nic) -> Vec<(&'static str, Value)> {
    let mut told = Vec::new();
    if let Some(mac) = nic.address() {
        told.push(("mac_addr", json!(mac.to_string())));
    }
    if let Some(network) = &nic.network {
        told.push(("network_name", json!(network)));
    }
    told.push(("network_type", json!("kNativeNetwork")));
    if let Some(network) = &nic.network {
        told.push(("network_uuid", json!(uuid("network", network).to_string())));
    }
    if let Some(port) = &nic.port {
        told.push(("port", json!(port)));
    }
    let mut vlans: Vec<u16> = nic
        .trunked_networks
        .iter()
        .filter_map(|name| Some(known.networks.get(name)?.vlan))
        .collect();
    vlans.sort_unstable();
    told.push(("trunked_networks", json!(vlans)));
    let kind = match &*nic.kind {
        "direct" => "kDirectNic",
        _ => "kNormalNic",
    };
    told.push(("type", json!(kind)));
    told.push(("uuid", json!(nic.uuid(vm).to_string())));
    let mode = match &*nic.vlan_mode {
        "trunked" => "kTrunked",
        _ => "kAccess",
    };
    told.push(("vlan_mode", json!(mode)));
    told
}

impl Answer {
    fn text(&self) -> String {
        match self {
            Self::Table { headings, rows } => {
                let headings = headings.iter().map(|(heading, _)| (*heading).to_owned());
                let rows = rows.iter().map(|row| row.iter().map(cell).collect());
                columns(std::iter::once(headings.collect()).chain(rows).collect())
            }
            Self::Vm(vm) => vm.text(),
        }
    }

    fn json(self) -> Value {
        match self {
            Self::Table { headings, rows } => {
                let row = |row: Vec<Value>| -> Value {
                    let names = headings.iter().map(|(_, name)| (*name).to_owned());
                    names.zip(row).collect::<Map<_, _>>().into()
                };
                rows.into_iter().map(row).collect()
            }
            Self::Vm(vm) => vm.json(),
        }
    }
}

/// A value as it stands in a table.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Rows below headings, each column as wide as it must be.
fn columns(rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

impl Vm {
    fn text(&self) -> String {
        let name = &self.name;
        let mut text = format!("{name} {{\n  config {{\n    name: {name:?}\n");
        // A String takes everything.
        for nic in &self.nics {
            text.push_str("    nic_list {\n");
            for (key, value) in nic {
                // A list is a line for each.
                let values = match value {
                    Value::Array(values) => &values[..],
                    value => std::slice::from_ref(value),
                };
                for value in values {
                    let _ = writeln!(text, "      {key}: {value}");
                }
            }
            text.push_str("    }\n");
        }
        text.push_str("  }\n");
        for host in &self.hosts {
            let _ = writeln!(text, "  host_name: {host:?}");
        }
        let _ = writeln!(text, "  uuid: \"{}\"\n}}", uuid("vm", name));
        text
    }

    fn json(self) -> Value {
        let nics = self.nics.into_iter().map(|nic| -> Value {
            let told = nic.into_iter().map(|(key, value)| (key.to_owned(), value));
            told.collect::<Map<_, _>>().into()
        });
        json!({
            "config": { "name": self.name, "nic_list": nics.collect::<Vec<_>>() },
            "host_name": self.hosts,
            "uuid": uuid("vm", &self.name).to_string(),
        })
    }
}
