//! Commands to edits of the configuration.

use openflow::MacAddr;

use super::functions::{Wanted, plug, unplug};
use super::{Command, NewNic, Trunk};
use crate::config;
use crate::edit::{Change, Edit, NicSettings, Plug, VlanMode};
use crate::inventory::{Inventory, NoNetwork, uuid};
use crate::topology::Attachment;

/// What a command does to a configuration, with what is to be told about it; nothing where it is one
/// that asks.
///
/// # Errors
///
/// Names of what is not there.
pub fn edits(command: &Command, known: &Inventory) -> Result<Option<(Vec<Edit>, String)>, String> {
    if let Command::VmDelete { vms } = command {
        let delete = |name| Edit::DeleteVm { name };
        let edits = vm_names(known, vms)?.into_iter().map(delete).collect();
        return Ok(Some((edits, "VmDelete: complete".to_owned())));
    }
    let made = edit(command, known)?;
    Ok(made.map(|(edit, said)| (vec![edit], said)))
}

/// What is asked before a command is done, if anything is.
///
/// # Errors
///
/// Names of what is not there.
pub fn question(command: &Command, known: &Inventory) -> Result<Option<String>, String> {
    let Command::VmDelete { vms } = command else {
        return Ok(None);
    };
    let names = vm_names(known, vms)?;
    let nics: usize = names.iter().map(|name| known.vms[name].nics.len()).sum();
    let plural = if nics == 1 { "" } else { "s" };
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    Ok(Some(format!(
        "Delete {} with {nics} vNIC{plural}?",
        names.join(", ")
    )))
}

/// The VMs that a list with commas means; a name may have one too.
fn vm_names(known: &Inventory, list: &str) -> Result<Vec<String>, String> {
    if let Ok(name) = vm_name(known, list) {
        return Ok(vec![name]);
    }
    let mut names = Vec::new();
    for word in list.split(',').map(str::trim) {
        let name = vm_name(known, word)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn edit(command: &Command, known: &Inventory) -> Result<Option<(Edit, String)>, String> {
    Ok(Some(match command {
        Command::NetList
        | Command::NetListVms { .. }
        | Command::VmList
        | Command::VmGet { .. }
        | Command::VmDelete { .. } => return Ok(None),
        Command::NetCreate { name, vlan } => {
            let edit = Edit::CreateNetwork {
                name: name.clone(),
                vlan: *vlan,
                max_macs: None,
            };
            (edit, "NetworkCreate: complete".to_owned())
        }
        Command::NetDelete { network } => {
            let name = self::network(known, network)?;
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
                plug,
            } => {
                let vm = vm_name(known, vm)?;
                let settings = NicSettings {
                    network: Change::Set(self::network(known, network)?),
                    trunked_networks: self::trunked(known, trunked.as_deref())?,
                    attachment: direct.then_some(Attachment::Direct),
                    ..NicSettings::default()
                };
                guest(known, vm, settings, mac.as_deref(), plug.as_ref())?
            }
            NewNic::Function {
                leg,
                function,
                host,
                port,
            } => {
                let wanted = Wanted {
                    vm,
                    leg: *leg,
                    function: function.as_deref(),
                    host: host.as_deref(),
                    port: port.as_deref(),
                };
                plug(known, &wanted)?
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
                settings.network = Change::Set(self::network(known, network)?);
            }
            match trunk {
                None => {}
                Some(Trunk::Access) => settings.vlan_mode = Some(VlanMode::Access),
                Some(Trunk::Trunked(networks)) => {
                    settings.vlan_mode = Some(VlanMode::Trunked);
                    settings.trunked_networks = trunked(known, networks.as_deref())?;
                }
            }
            let (vm, nic) = (vm_name(known, vm)?, nic.clone());
            let edit = Edit::UpdateNic { vm, nic, settings };
            (edit, "NicUpdate: complete".to_owned())
        }
        Command::NicDelete {
            vm,
            nic,
            function,
            host,
        } => {
            let edit = unplug(known, vm, nic, function.as_deref(), host.as_deref())?;
            (edit, "NicDelete: complete".to_owned())
        }
    }))
}

/// A vNIC of a guest, with a port and an address that are made up where they are not given and needed.
fn guest(
    known: &Inventory,
    vm: String,
    mut settings: NicSettings,
    mac: Option<&str>,
    plug: Option<&Plug>,
) -> Result<(Edit, String), String> {
    let mac: Option<MacAddr> = mac
        .map(|mac| {
            mac.parse()
                .map_err(|_| format!("{mac:?} is no MAC address, such as 52:54:00:00:00:0a"))
        })
        .transpose()?;
    let made_up = || Plug::Port(free_port(known, &vm));
    let plug = plug.cloned().unwrap_or_else(made_up);
    let mac = match &plug {
        Plug::Port(port) => Some(mac.unwrap_or_else(|| free_mac(known, &format!("{vm}/{port}")))),
        Plug::Mac => Some(mac.unwrap_or_else(|| free_mac(known, &vm))),
        Plug::Match(_) => mac,
    };
    settings.mac = mac.map_or(Change::Keep, Change::Set);
    let what = match (&plug, mac) {
        (Plug::Port(port), Some(mac)) => {
            format!("port {port}, mac {mac}: plug the guest in with these")
        }
        (Plug::Mac, Some(mac)) => format!("mac {mac}: it is found by that"),
        _ => "it is found by what the hypervisor says of it".to_owned(),
    };
    let said = format!("NicCreate: complete\n{what}");
    Ok((Edit::CreateNic { vm, plug, settings }, said))
}

/// The name of a network that is given by its name, VLAN or UUID.
pub(super) fn network_name(known: &Inventory, wanted: &str) -> Result<String, String> {
    let found = known.find_network(wanted).map(str::to_owned);
    found.map_err(|error| match error {
        NoNetwork::OfVlan(vlan) => {
            format!("{error}; make one first, such as `net.create vlan{vlan} vlan={vlan}`")
        }
        error => error.to_string(),
    })
}

/// A word that means a network, which an edit looks up by itself.
fn network(known: &Inventory, wanted: &str) -> Result<String, String> {
    network_name(known, wanted).map(|_| wanted.to_owned())
}

fn trunked(known: &Inventory, wanted: Option<&[String]>) -> Result<Option<Vec<String>>, String> {
    let words = |list: &[String]| list.iter().map(|word| network(known, word)).collect();
    wanted.map(words).transpose()
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

pub(super) fn host_or_only(known: &Inventory, host: Option<&str>) -> Result<String, String> {
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
pub(super) fn free_port(known: &Inventory, name: &str) -> String {
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
