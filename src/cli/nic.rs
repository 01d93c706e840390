//! `bridgechain nic`: vNICs.

use std::process::ExitCode;

use bridgechain::edit::{Change, Edit, NicSettings, Plug};
use bridgechain::inventory::{FoundBy, Inventory, Nic};
use clap::Subcommand;
use openflow::MacAddr;
use serde::Serialize;

use super::change::{self, Dry};
use super::completing;
use super::source::{Place, Source};
use super::table::{Table, or_dash};
use super::words::Settings;

/// The commands below `bridgechain nic`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the vNICs
    List {
        /// Only those of this VM
        #[arg(long, add = completing::vms())]
        vm: Option<String>,
        /// Only those that are members of this network: its name, VLAN id or UUID
        #[arg(long, add = completing::networks())]
        network: Option<String>,
        #[command(flatten)]
        place: Place,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a vNIC to a VM
    Create {
        /// The VM
        #[arg(add = completing::vms())]
        vm: String,
        /// The OVS interface that the hypervisor makes for it. Without one, it is that by which --match
        /// or --mac finds it
        port: Option<String>,
        /// What its interface is found by, all of it: `mac`, `iface_id` and `vm_id`, which are what the
        /// hypervisor writes into the OVS database
        #[arg(long = "match", value_name = "KEY=VALUE,...", value_parser = found_by, conflicts_with = "port")]
        found_by: Option<FoundBy>,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Change a vNIC; what is not said stays as it is
    Update {
        /// The VM
        #[arg(add = completing::vms())]
        vm: String,
        /// Its port, MAC address or UUID
        #[arg(add = completing::nics())]
        nic: String,
        /// Another OVS interface
        #[arg(long)]
        port: Option<String>,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Delete a vNIC
    Delete {
        /// The VM
        #[arg(add = completing::vms())]
        vm: String,
        /// Its port, MAC address or UUID
        #[arg(add = completing::nics())]
        nic: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
}

/// A vNIC, as it is shown.
#[derive(Debug, Serialize)]
struct Shown<'i> {
    vm: &'i str,
    uuid: String,
    #[serde(flatten)]
    nic: &'i Nic,
}

/// Lists or changes vNICs.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List {
            vm,
            network,
            place,
            json,
        } => {
            let inventory = Source::open(&place)?.inventory()?;
            let all = shown(&inventory, vm.as_deref(), network.as_deref())?;
            match json {
                true => super::print(&super::json(&all)?)?,
                false => super::print(&list(&all))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Create {
            vm,
            port,
            found_by,
            settings,
            place,
            dry,
        } => {
            let settings = settings.to_edit(None);
            let plug = match (port, found_by) {
                (Some(port), _) => Plug::Port(port),
                (None, Some(found_by)) => Plug::Match(found_by),
                (None, None) => Plug::Mac,
            };
            let what = format!("vNIC {} of {vm} created", label(&plug, &settings));
            change::run(&place, dry, &what, Edit::CreateNic { vm, plug, settings })
        }
        Command::Update {
            vm,
            nic,
            port,
            settings,
            place,
            dry,
        } => {
            let what = format!("vNIC {nic} of {vm} updated");
            let settings = settings.to_edit(port.as_deref());
            change::run(&place, dry, &what, Edit::UpdateNic { vm, nic, settings })
        }
        Command::Delete {
            vm,
            nic,
            place,
            dry,
        } => {
            let what = format!("vNIC {nic} of {vm} deleted");
            change::run(&place, dry, &what, Edit::DeleteNic { vm, nic })
        }
    }
}

/// The vNICs of a VM, or of all, that are members of a network, or of any.
fn shown<'i>(
    inventory: &'i Inventory,
    vm: Option<&str>,
    network: Option<&str>,
) -> anyhow::Result<Vec<Shown<'i>>> {
    let vms = &inventory.vms;
    if let Some(vm) = vm.filter(|vm| !vms.contains_key(*vm)) {
        return Err(change::unknown("VM", vm, vms.keys()));
    }
    let network = network.map(|word| inventory.find_network(word));
    let network = network.transpose()?;
    let vms = vms
        .iter()
        .filter(|(name, _)| vm.is_none_or(|vm| vm == *name));
    let nics = vms.flat_map(|(vm, it)| it.nics.iter().map(move |nic| (vm, nic)));
    let nics =
        nics.filter(|(_, nic)| network.is_none_or(|name| nic.networks().any(|it| it == name)));
    let shown = nics.map(|(vm, nic)| Shown {
        vm,
        uuid: nic.uuid(vm).to_string(),
        nic,
    });
    Ok(shown.collect())
}

fn list(all: &[Shown<'_>]) -> String {
    let mut table = Table::new(&["VM", "PORT", "MAC", "MODE", "NETWORK", "TRUNKED", "TYPE"]);
    for Shown { vm, nic, .. } in all {
        let found_by = nic.found_by.as_ref().and_then(|it| it.mac.as_ref());
        let mac = nic.mac.as_ref().or(found_by);
        table.row([
            (*vm).to_owned(),
            or_dash(nic.port.as_deref().unwrap_or_default()),
            or_dash(mac.map_or("", String::as_str)),
            nic.vlan_mode.clone(),
            or_dash(nic.network.as_deref().unwrap_or_default()),
            or_dash(&nic.trunked_networks.join(",")),
            nic.kind.clone(),
        ]);
    }
    table.to_string()
}

/// What a vNIC is called that is to be made.
fn label(plug: &Plug, settings: &NicSettings) -> String {
    let mut nic = Nic::default();
    if let Change::Set(mac) = settings.mac {
        nic.mac = Some(mac.to_string());
    }
    match plug {
        Plug::Port(port) => nic.port = Some(port.clone()),
        Plug::Match(found_by) => nic.found_by = Some(found_by.clone()),
        Plug::Mac => {}
    }
    nic.label().to_owned()
}

/// Reads `KEY=VALUE,...`.
fn found_by(text: &str) -> Result<FoundBy, String> {
    let mut found_by = FoundBy::default();
    for pair in text.split(',') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let field = match key {
            "mac" => &mut found_by.mac,
            "iface_id" => &mut found_by.iface_id,
            "vm_id" => &mut found_by.vm_id,
            _ => return Err(format!("{pair:?} is none of mac=, iface_id= and vm_id=")),
        };
        let value = match key {
            _ if value.is_empty() => return Err(format!("{key} has no value")),
            "mac" => {
                let mac = value.parse::<MacAddr>();
                mac.map_err(|error| error.to_string())?.to_string()
            }
            _ => value.to_owned(),
        };
        if field.replace(value).is_some() {
            return Err(format!("{key} is there twice"));
        }
    }
    Ok(found_by)
}
