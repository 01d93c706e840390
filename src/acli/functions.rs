//! vNICs of network functions: parts of the instances of these.

use super::Leg;
use super::edits::{free_port, host_or_only, vm_name};
use crate::config;
use crate::edit::{Edit, Instance, Ports, Target};
use crate::inventory::{self, Inventory};

/// What a vNIC of a network function is to be.
pub(super) struct Wanted<'p> {
    pub(super) vm: &'p str,
    pub(super) leg: Leg,
    pub(super) function: Option<&'p str>,
    pub(super) host: Option<&'p str>,
    pub(super) port: Option<&'p str>,
}

/// A vNIC of a network function. Both legs of an inline one make one instance: `kIngress` adds it,
/// drained, and `kEgress` completes and enables it. One that waits is known by what it is, an instance
/// with one leg, and not by being drained, which one that is whole may be too.
pub(super) fn plug(known: &Inventory, wanted: &Wanted<'_>) -> Result<(Edit, String), String> {
    let Wanted {
        vm,
        leg,
        function,
        host,
        port,
    } = wanted;
    let (chain, function) = find_function(known, *function, vm)?;
    let host = match (host, known.vms.get(*vm).map(|vm| &vm.hosts[..])) {
        (None, Some([host])) => host.clone(),
        (host, _) => host_or_only(known, *host)?,
    };
    let port = |leg: &str| {
        let made_up = || free_port(known, &format!("{vm}/{leg}"));
        port.map_or_else(made_up, str::to_owned)
    };
    let create = |ports, enabled| Edit::CreateInstance {
        chain: chain.clone(),
        function: function.clone(),
        instance: Instance {
            host: host.clone(),
            ports,
            enabled,
        },
    };
    let waiting = waiting(known, &chain, &function, &host);
    Ok(match (leg, &waiting[..]) {
        (Leg::Tap, _) => {
            let port = port("tap");
            let said = format!("NicCreate: complete\nport {port}: it gets the copies");
            (create(Ports::Tap(port), true), said)
        }
        (Leg::Ingress, []) => {
            let ingress = port("ingress");
            let said = format!(
                "NicCreate: complete\nport {ingress}: the instance is drained until its kEgress is \
                 there"
            );
            let egress = None;
            (create(Ports::Inline { ingress, egress }, false), said)
        }
        (Leg::Ingress, [other, ..]) => {
            let other = other.label();
            return Err(format!(
                "the instance {other:?} of {chain}/{function} on {host} waits for its kEgress, which \
                 would not know whose leg it is: make that first, or take the instance out by \
                 `vm.nic_delete {vm} {other} network_function={chain}/{function}`"
            ));
        }
        (Leg::Egress, [instance]) => {
            let egress = port("egress");
            let said = format!("NicCreate: complete\nport {egress}: the instance is enabled");
            let target = Target {
                chain,
                function: Some(function),
                instance: Some(instance.label().to_owned()),
                host: Some(host),
            };
            (Edit::SetEgress { target, egress }, said)
        }
        (Leg::Egress, []) => {
            return Err(format!(
                "no instance of {chain}/{function} on {host} waits for its kEgress, which completes \
                 the one that kIngress makes: make that first"
            ));
        }
        (Leg::Egress, several) => {
            let ports: Vec<&str> = several.iter().map(|it| it.label()).collect();
            return Err(format!(
                "{} instances of {chain}/{function} on {host} wait for their kEgress ({}): take out \
                 all but one by `vm.nic_delete {vm} PORT network_function={chain}/{function}`",
                several.len(),
                ports.join(", ")
            ));
        }
    })
}

/// The instances of a function on a host that have no egress leg yet.
fn waiting<'i>(
    known: &'i Inventory,
    chain: &str,
    function: &str,
    host: &str,
) -> Vec<&'i inventory::Instance> {
    let functions = known.service_chains.get(chain).map(|it| &it.functions[..]);
    let functions = functions.unwrap_or_default().iter();
    let instances = functions
        .filter(|it| it.name == function)
        .flat_map(|it| &it.instances);
    instances
        .filter(|it| it.host == host && it.waits())
        .collect()
}

/// Takes a vNIC away, that of a guest or, where it is none, that of a network function. Of an inline one
/// that is the egress leg first, which leaves an instance that waits for another, and then this.
pub(super) fn unplug(
    known: &Inventory,
    vm: &str,
    nic: &str,
    function: Option<&str>,
    host: Option<&str>,
) -> Result<Edit, String> {
    let guest = vm_name(known, vm);
    let is_guests = |name: &String| known.vms[name].nic(name, nic).is_some();
    if function.is_none() && guest.as_ref().is_ok_and(is_guests) {
        let nic = nic.to_owned();
        return guest.map(|vm| Edit::DeleteNic { vm, nic });
    }
    let found = find_function(known, function, vm);
    let (chain, function) = match (found, guest, function) {
        (Ok(found), ..) => found,
        (Err(error), _, Some(_)) => return Err(error),
        (Err(_), guest, None) => {
            if let Some(other) = owner(known, nic) {
                return Err(format!(
                    "{nic:?} is no vNIC of {vm}, but part of an instance of {other}: say \
                     network_function={other}"
                ));
            }
            // What it has is told by the edit.
            let nic = nic.to_owned();
            return guest.map(|vm| Edit::DeleteNic { vm, nic });
        }
    };
    let functions = &known.service_chains[&chain].functions;
    let mut instances = functions
        .iter()
        .filter(|it| it.name == function)
        .flat_map(|it| &it.instances);
    let instance = instances.find(|it| it.has_port(nic) && host.is_none_or(|host| it.host == host));
    let is_egress = instance.is_some_and(|it| it.egress.as_deref() == Some(nic));
    if let Some(egress) = instance.and_then(|it| it.egress.as_ref())
        && !is_egress
    {
        return Err(format!(
            "{nic:?} is the ingress leg of an instance of {chain}/{function} that has an egress leg \
             too; take that away first, by `vm.nic_delete {vm} {egress} \
             network_function={chain}/{function}`, which drains the instance"
        ));
    }
    let target = Target {
        chain,
        function: Some(function),
        instance: Some(nic.to_owned()),
        host: host.map(str::to_owned),
    };
    Ok(match is_egress {
        true => Edit::UnsetEgress { target },
        false => Edit::DeleteInstance { target },
    })
}

/// The function, as `CHAIN/FUNCTION`, that has an instance with this port.
fn owner(known: &Inventory, port: &str) -> Option<String> {
    known.service_chains.iter().find_map(|(chain, it)| {
        let mut functions = it.functions.iter();
        let function = functions.find(|it| it.instances.iter().any(|it| it.has_port(port)))?;
        Some(format!("{chain}/{}", function.name))
    })
}

/// The chain and the name of a function: `CHAIN/FUNCTION`, or the one that is called like the VM.
fn find_function(
    known: &Inventory,
    wanted: Option<&str>,
    vm: &str,
) -> Result<(String, String), String> {
    let all: Vec<(&str, &str)> = known
        .service_chains
        .iter()
        .flat_map(|(chain, it)| it.functions.iter().map(|it| (chain.as_str(), &*it.name)))
        .collect();
    let names: Vec<String> = all.iter().map(|(a, b)| format!("{a}/{b}")).collect();
    let owned = |(chain, function): &(&str, &str)| ((*chain).to_owned(), (*function).to_owned());
    let names_of = || names.iter().map(String::as_str);
    match wanted {
        Some(wanted) => {
            let found = names.iter().position(|name| name == wanted);
            found.map(|index| owned(&all[index])).ok_or_else(|| {
                let suggestion = config::suggestion(wanted, names_of(), "there are");
                format!("there is no function {wanted:?}{suggestion}")
            })
        }
        None => {
            let mut named = all.iter().filter(|(_, function)| *function == vm);
            match (named.next(), named.next()) {
                (Some(found), None) => Ok(owned(found)),
                _ => {
                    let suggestion = config::suggestion("", names_of(), "there are");
                    Err(format!(
                        "which function {vm:?} is an instance of is not known: no one function is \
                         called like it; say network_function=CHAIN/FUNCTION{suggestion}"
                    ))
                }
            }
        }
    }
}
