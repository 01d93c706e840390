//! What commands print that ask.

use std::fmt::Write;

use super::edits::{network_name, vm_name};
use super::{Command, edits};
use crate::inventory::{Inventory, Nic, uuid};

/// The answer to a command; empty where it is one that changes something.
///
/// # Errors
///
/// Names of what is not there.
pub fn answer(command: &Command, known: &Inventory) -> Result<String, String> {
    Ok(match command {
        Command::NetList => net_list(known),
        Command::NetListVms { network } => net_list_vms(known, &network_name(known, network)?),
        Command::VmList => vm_list(known),
        Command::VmGet { vm } => vm_get(known, &vm_name(known, vm)?),
        _ => return edits(command, known).map(|_| String::new()),
    })
}

fn net_list(known: &Inventory) -> String {
    let rows = known.networks.iter().map(|(name, network)| {
        [
            name.clone(),
            uuid("network", name).to_string(),
            "kBridged".to_owned(),
            network.vlan.to_string(),
        ]
    });
    columns(["Network name", "Network UUID", "Type", "Identifier"], rows)
}

fn net_list_vms(known: &Inventory, network: &str) -> String {
    let rows = known.vms.iter().flat_map(|(name, vm)| {
        let nics = vm.nics.iter();
        let nics = nics.filter(|nic| nic.networks().any(|own| own == network));
        nics.map(move |nic| {
            let address = nic.address().map(|mac| mac.to_string());
            [
                uuid("vm", name).to_string(),
                name.clone(),
                address.unwrap_or_default(),
            ]
        })
    });
    columns(["VM UUID", "VM name", "MAC address"], rows)
}

fn vm_list(known: &Inventory) -> String {
    let rows = known
        .vms
        .keys()
        .map(|name| [name.clone(), uuid("vm", name).to_string()]);
    columns(["VM name", "VM UUID"], rows)
}

/// Rows below headings, each column as wide as it must be.
fn columns<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned))
        .chain(rows)
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

fn vm_get(known: &Inventory, name: &str) -> String {
    let mut text = format!("{name} {{\n  config {{\n");
    // A String takes everything.
    let _ = writeln!(text, "    name: {name:?}");
    if let Some(vm) = known.vms.get(name) {
        for nic in &vm.nics {
            text.push_str("    nic_list {\n");
            for line in nic_list(known, name, nic) {
                let _ = writeln!(text, "      {line}");
            }
            text.push_str("    }\n");
        }
        text.push_str("  }\n");
        for host in &vm.hosts {
            let _ = writeln!(text, "  host_name: {host:?}");
        }
    }
    let _ = writeln!(text, "  uuid: \"{}\"\n}}", uuid("vm", name));
    text
}

/// The lines of a vNIC, in the order of their keys.
fn nic_list(known: &Inventory, vm: &str, nic: &Nic) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(mac) = nic.address() {
        lines.push(format!("mac_addr: \"{mac}\""));
    }
    if let Some(network) = &nic.network {
        lines.push(format!("network_name: {network:?}"));
    }
    lines.push("network_type: \"kNativeNetwork\"".to_owned());
    if let Some(network) = &nic.network {
        let uuid = uuid("network", network);
        lines.push(format!("network_uuid: \"{uuid}\""));
    }
    if let Some(port) = &nic.port {
        lines.push(format!("port: {port:?}"));
    }
    let mut vlans: Vec<u16> = nic
        .trunked_networks
        .iter()
        .filter_map(|name| Some(known.networks.get(name)?.vlan))
        .collect();
    vlans.sort_unstable();
    lines.extend(vlans.iter().map(|vlan| format!("trunked_networks: {vlan}")));
    let kind = match &*nic.kind {
        "direct" => "kDirectNic",
        _ => "kNormalNic",
    };
    lines.push(format!("type: \"{kind}\""));
    lines.push(format!("uuid: \"{}\"", nic.uuid(vm)));
    let mode = match &*nic.vlan_mode {
        "trunked" => "kTrunked",
        _ => "kAccess",
    };
    lines.push(format!("vlan_mode: \"{mode}\""));
    lines
}
