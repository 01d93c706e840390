//! Commands to edits of the configuration.

use openflow::MacAddr;

use super::{Command, Leg, NewNic, Trunk};
use crate::config;
use crate::edit::{Change, Edit, Instance, NicSettings, Ports, Target, VlanMode};
use crate::inventory::{Inventory, uuid};
use crate::topology::Attachment;

/// What a command does to a configuration, with what is to be told about it; nothing where it is one
/// that asks.
///
/// # Errors
///
/// Names of what is not there.
pub fn edits(command: &Command, known: &Inventory) -> Result<Option<(Edit, String)>, String> {
    Ok(Some(match command {
        Command::NetList | Command::NetListVms { .. } | Command::VmList | Command::VmGet { .. } => {
            return Ok(None);
        }
        Command::NetCreate { name, vlan } => {
            let edit = Edit::CreateNetwork {
                name: name.clone(),
                vlan: *vlan,
                max_macs: None,
            };
            (edit, "NetworkCreate: complete".to_owned())
        }
        Command::NetDelete { network } => {
            let name = network_name(known, network)?;
            (
                Edit::DeleteNetwork { name },
                "NetworkDelete: complete".to_owned(),
            )
        }
        Command::VmCreate { name, host } => {
            let hosts = vec![host_or_only(known, host.as_deref())?];
            let name = name.clone();
            (
                Edit::CreateVm { name, hosts },
                "VmCreate: complete".to_owned(),
            )
        }
        Command::NicCreate { vm, nic } => match nic {
            NewNic::Guest {
                network,
                trunked,
                direct,
                mac,
                port,
            } => {
                let vm = vm_name(known, vm)?;
                let settings = NicSettings {
                    network: Change::Set(network_name(known, network)?),
                    trunked_networks: trunked_names(known, trunked.as_deref())?,
                    attachment: direct.then_some(Attachment::Direct),
                    ..NicSettings::default()
                };
                guest(known, vm, settings, mac.as_deref(), port.as_deref())?
            }
            NewNic::Function {
                leg,
                function,
                host,
                port,
            } => {
                let wanted = Plug {
                    vm,
                    leg: *leg,
                    host: host.as_deref(),
                    port: port.as_deref(),
                };
                plug(known, &wanted, function.as_deref())?
            }
        },
        Command::NicUpdate {
            vm,
            nic,
            network,
            trunk,
        } => {
            let mut settings = NicSettings::default();
            if let Some(network) = network {
                settings.network = Change::Set(network_name(known, network)?);
            }
            match trunk {
                None => {}
                Some(Trunk::Access) => settings.vlan_mode = Some(VlanMode::Access),
                Some(Trunk::Trunked(networks)) => {
                    settings.vlan_mode = Some(VlanMode::Trunked);
                    settings.trunked_networks = trunked_names(known, networks.as_deref())?;
                }
            }
            let (vm, nic) = (vm_name(known, vm)?, nic.clone());
            let edit = Edit::UpdateNic { vm, nic, settings };
            (edit, "NicUpdate: complete".to_owned())
        }
        Command::NicDelete { vm, nic } => {
            let (vm, nic) = (vm_name(known, vm)?, nic.clone());
            (
                Edit::DeleteNic { vm, nic },
                "NicDelete: complete".to_owned(),
            )
        }
    }))
}

/// A vNIC of a guest, with a port and an address that are made up where they are not given.
fn guest(
    known: &Inventory,
    vm: String,
    mut settings: NicSettings,
    mac: Option<&str>,
    port: Option<&str>,
) -> Result<(Edit, String), String> {
    let port = port.map_or_else(|| free_port(known, &vm), str::to_owned);
    let mac = match mac {
        Some(mac) => mac
            .parse()
            .map_err(|_| format!("{mac:?} is no MAC address, such as 52:54:00:00:00:0a"))?,
        None => free_mac(known, &format!("{vm}/{port}")),
    };
    settings.mac = Change::Set(mac);
    let said = format!("NicCreate: complete\nport {port}, mac {mac}: plug the guest in with these");
    Ok((Edit::CreateNic { vm, port, settings }, said))
}

/// What a vNIC of a network function is to be.
struct Plug<'p> {
    vm: &'p str,
    leg: Leg,
    host: Option<&'p str>,
    port: Option<&'p str>,
}

/// A vNIC of a network function. Both legs of an inline one make one instance: `kIngress` adds it,
/// drained, and `kEgress` completes and enables it.
fn plug(
    known: &Inventory,
    wanted: &Plug<'_>,
    function: Option<&str>,
) -> Result<(Edit, String), String> {
    let Plug {
        vm,
        leg,
        host,
        port,
        ..
    } = wanted;
    let (chain, function) = find_function(known, function, vm)?;
    let host = match (host, known.vms.get(*vm).map(|vm| &vm.hosts[..])) {
        (None, Some([host])) => host.clone(),
        (host, _) => host_or_only(known, *host)?,
    };
    let free = |leg: &str| free_port(known, &format!("{vm}/{leg}"));
    let given = port.map(str::to_owned);
    let instance = |ports, enabled| Edit::CreateInstance {
        chain: chain.clone(),
        function: function.clone(),
        instance: Instance {
            host: host.clone(),
            ports,
            enabled,
        },
    };
    let port = |leg| given.clone().unwrap_or_else(|| free(leg));
    Ok(match leg {
        Leg::Tap => {
            let port = port("tap");
            let said = format!("NicCreate: complete\nport {port}: it gets the copies");
            (instance(Ports::Tap(port), true), said)
        }
        Leg::Ingress => {
            let (ingress, egress) = (port("ingress"), free("egress"));
            let said = format!(
                "NicCreate: complete\nport {ingress}: the instance is drained until its kEgress is \
                 there"
            );
            (instance(Ports::Inline { ingress, egress }, false), said)
        }
        Leg::Egress => {
            let all = &known.service_chains[&chain].functions;
            let instances = all.iter().filter(|it| it.name == function);
            let waiting = instances
                .flat_map(|it| &it.instances)
                .filter(|it| it.host == host && !it.enabled && it.egress.is_some());
            let waiting: Vec<_> = waiting.collect();
            let [instance] = waiting[..] else {
                return Err(format!(
                    "{chain}/{function} has {} drained instances on {host}, and kEgress completes \
                     the one that kIngress made: make that first",
                    waiting.len()
                ));
            };
            let egress = given
                .or_else(|| instance.egress.clone())
                .unwrap_or_default();
            let said = format!("NicCreate: complete\nport {egress}: the instance is enabled");
            let target = Target {
                chain,
                function: Some(function),
                instance: Some(instance.label().to_owned()),
                host: Some(host),
            };
            (Edit::SetEgress { target, egress }, said)
        }
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

/// The name of a network that is given by its name, UUID or VLAN.
pub(super) fn network_name(known: &Inventory, wanted: &str) -> Result<String, String> {
    let networks = &known.networks;
    if networks.contains_key(wanted) {
        return Ok(wanted.to_owned());
    }
    let is_it = |name: &&String| uuid("network", name).to_string() == wanted.to_ascii_lowercase();
    if let Some(name) = networks.keys().find(is_it) {
        return Ok(name.clone());
    }
    let vlan = wanted.parse().ok();
    if let Some(name) = vlan.and_then(|vlan| known.network_of_vlan(vlan)) {
        return Ok(name.to_owned());
    }
    Err(match vlan {
        Some(vlan) => format!(
            "there is no network of VLAN {vlan}; make one first, such as `net.create vlan{vlan} \
             vlan={vlan}`"
        ),
        None => {
            let names = networks.keys().map(String::as_str);
            let suggestion = config::suggestion(wanted, names, "the networks are");
            format!("there is no network {wanted:?}{suggestion}")
        }
    })
}

fn trunked_names(
    known: &Inventory,
    wanted: Option<&[String]>,
) -> Result<Option<Vec<String>>, String> {
    let names = |list: &[String]| list.iter().map(|name| network_name(known, name)).collect();
    wanted.map(names).transpose()
}

/// The name of a VM that is given by its name or UUID.
pub(super) fn vm_name(known: &Inventory, wanted: &str) -> Result<String, String> {
    let vms = &known.vms;
    let is_it = |name: &&String| uuid("vm", name).to_string() == wanted.to_ascii_lowercase();
    let found = vms.get_key_value(wanted).map(|(name, _)| name);
    found
        .or_else(|| vms.keys().find(is_it))
        .cloned()
        .ok_or_else(|| {
            let names = vms.keys().map(String::as_str);
            let suggestion = config::suggestion(wanted, names, "the VMs are");
            format!("there is no VM {wanted:?}{suggestion}")
        })
}

fn host_or_only(known: &Inventory, host: Option<&str>) -> Result<String, String> {
    let mut hosts = known.hosts.keys();
    match (host, hosts.next(), hosts.next()) {
        (Some(host), ..) => Ok(host.to_owned()),
        (None, Some(only), None) => Ok(only.clone()),
        _ => {
            let names = known.hosts.keys().map(String::as_str);
            let suggestion = config::suggestion("", names, "the hosts are");
            Err(format!("say on which host, by host={suggestion}"))
        }
    }
}

/// A port name that is not in the configuration: the same for the same name, if that is free.
fn free_port(known: &Inventory, name: &str) -> String {
    let is_taken = |port: &str| {
        let mut nics = known.vms.values().flat_map(|vm| &vm.nics);
        let functions = known.service_chains.values().flat_map(|it| &it.functions);
        let mut instances = functions.flat_map(|it| &it.instances);
        nics.any(|nic| nic.port.as_deref() == Some(port)) || instances.any(|it| it.has_port(port))
    };
    let ports = (0_u32..).map(|number| {
        let digits = uuid("port", &format!("{name}/{number}"))
            .simple()
            .to_string();
        format!("tap{}", &digits[..8])
    });
    let mut free = ports.filter(|port| !is_taken(port));
    free.next().unwrap_or_default()
}

/// A MAC address of KVM's that is not in the configuration.
fn free_mac(known: &Inventory, name: &str) -> MacAddr {
    let is_taken = |mac: MacAddr| {
        let mut nics = known.vms.values().flat_map(|vm| &vm.nics);
        nics.any(|nic| nic.address() == Some(mac))
    };
    let macs = (0_u32..).map(|number| {
        let uuid = uuid("mac", &format!("{name}/{number}"));
        let [a, b, c, ..] = *uuid.as_bytes();
        MacAddr([0x52, 0x54, 0x00, a, b, c])
    });
    let mut free = macs.filter(|mac| !is_taken(*mac));
    free.next().unwrap_or_default()
}
