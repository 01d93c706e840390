//! What may come next in a line.

use super::usage::{COMMANDS, Usage};
use crate::inventory::Inventory;

/// Where the unfinished word at the end of `line` begins that is completed, and what it may become.
pub fn complete(line: &str, known: &Inventory) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &line[start..];
    let before: Vec<&str> = line[..start].split_whitespace().collect();
    let Some(usage) = before.first() else {
        let names = COMMANDS.iter().map(|usage| format!("{} ", usage.name));
        return (start, beginning(word, names));
    };
    let Some(usage) = COMMANDS.iter().find(|it| it.name == *usage) else {
        return (start, Vec::new());
    };
    let position = before.len() - 1;
    if let Some(what) = usage.positions.get(position) {
        let vm = before.get(1).copied().unwrap_or_default();
        let all = things(what, vm, known);
        return (start, beginning(word, all.into_iter().map(|it| it + " ")));
    }
    match word.split_once('=') {
        None => {
            let given = |key: &str| before.iter().any(|it| it.split('=').next() == Some(key));
            let keys = usage.arguments.iter().map(|(key, _)| *key);
            let keys = keys.filter(|key| !given(key));
            (start, beginning(word, keys.map(|key| format!("{key}="))))
        }
        Some((key, value)) => {
            // Of a list the last one is completed.
            let list = value.rfind(',').map_or(0, |at| at + 1);
            let at = start + key.len() + 1 + list;
            (at, beginning(&value[list..], values(usage, key, known)))
        }
    }
}

fn beginning(word: &str, all: impl IntoIterator<Item = String>) -> Vec<String> {
    let all = all.into_iter();
    all.filter(|candidate| candidate.starts_with(word))
        .collect()
}

fn values(usage: &Usage, key: &str, known: &Inventory) -> Vec<String> {
    let argument = usage.arguments.iter().find(|(own, _)| *own == key);
    let Some((_, values)) = argument else {
        return Vec::new();
    };
    match values {
        [what] if what.chars().all(|c| c.is_ascii_uppercase() || c == '/') => {
            things(what, "", known)
        }
        values => values.iter().map(|&value| value.to_owned()).collect(),
    }
}

/// What there is of a kind.
fn things(what: &str, vm: &str, known: &Inventory) -> Vec<String> {
    match what {
        "NETWORK" | "NETWORKS" => known.networks.keys().cloned().collect(),
        "VM" | "VM,..." => known.vms.keys().cloned().collect(),
        "HOST" => known.hosts.keys().cloned().collect(),
        "NIC" => {
            let nics = known.vms.get(vm).map(|vm| &vm.nics[..]).unwrap_or_default();
            let nics = nics
                .iter()
                .map(|nic| nic.mac.as_deref().unwrap_or(nic.label()));
            // Those of a network function are named by their ports.
            let functions = known.service_chains.values().flat_map(|it| &it.functions);
            let instances = functions
                .filter(|it| it.name == vm)
                .flat_map(|it| &it.instances);
            let ports = instances.flat_map(|it| [&it.port, &it.ingress, &it.egress]);
            nics.chain(ports.flatten().map(String::as_str))
                .map(str::to_owned)
                .collect()
        }
        "CHAIN/FUNCTION" => {
            let chains = known.service_chains.iter();
            let all = chains.flat_map(|(chain, it)| {
                let functions = it.functions.iter();
                functions.map(move |function| format!("{chain}/{}", function.name))
            });
            all.collect()
        }
        _ => Vec::new(),
    }
}
