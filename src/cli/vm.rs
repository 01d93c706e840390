//! `bridgechain vm`: VMs.

use std::process::ExitCode;

use bridgechain::edit::Edit;
use bridgechain::inventory::{Inventory, Nic, uuid};
use clap::Subcommand;
use serde::Serialize;

use super::change::{self, Dry};
use super::completing;
use super::source::{Place, Source};
use super::table::{Table, or_dash};

/// The commands below `bridgechain vm`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the VMs
    List {
        #[command(flatten)]
        place: Place,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a VM and its vNICs
    Get {
        /// Its name
        #[arg(add = completing::vms())]
        name: String,
        #[command(flatten)]
        place: Place,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a VM, without vNICs yet
    Create {
        /// Its name
        name: String,
        /// The host it runs on, needed where there are several; several, separated by commas, for one
        /// that moves
        #[arg(long, value_name = "HOST,...", value_delimiter = ',', add = completing::hosts())]
        host: Vec<String>,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Delete a VM with its vNICs
    Delete {
        /// Its name
        #[arg(add = completing::vms())]
        name: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
}

/// A VM, as it is shown.
#[derive(Debug, Serialize)]
struct Shown<'i> {
    name: &'i str,
    uuid: String,
    hosts: &'i [String],
    nics: Vec<ShownNic<'i>>,
}

#[derive(Debug, Serialize)]
struct ShownNic<'i> {
    uuid: String,
    #[serde(flatten)]
    nic: &'i Nic,
}

/// Lists or changes VMs.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let all = inventory.vms.keys();
            let all: Vec<Shown<'_>> = all.filter_map(|name| shown(&inventory, name)).collect();
            match json {
                true => super::print(&super::json(&all)?)?,
                false => super::print(&list(&all))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Get { name, place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let names = inventory.vms.keys();
            let known = shown(&inventory, &name);
            let known = known.ok_or_else(|| change::unknown("VM", &name, names))?;
            match json {
                true => super::print(&super::json(&known)?)?,
                false => super::print(&text(&known))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Create {
            name,
            host: hosts,
            place,
            dry,
        } => {
            let what = format!("VM {name} created");
            change::run(&place, dry, &what, Edit::CreateVm { name, hosts })
        }
        Command::Delete { name, place, dry } => {
            let what = format!("VM {name} deleted");
            change::run(&place, dry, &what, Edit::DeleteVm { name })
        }
    }
}

fn shown<'i>(inventory: &'i Inventory, name: &str) -> Option<Shown<'i>> {
    let (name, vm) = inventory.vms.get_key_value(name)?;
    let nics = vm.nics.iter().map(|nic| ShownNic {
        uuid: nic.uuid(name).to_string(),
        nic,
    });
    Some(Shown {
        name,
        uuid: uuid("vm", name).to_string(),
        hosts: &vm.hosts,
        nics: nics.collect(),
    })
}

fn list(all: &[Shown<'_>]) -> String {
    let mut table = Table::new(&["VM", "HOST", "VNICS", "NETWORKS"]);
    for vm in all {
        let mut networks: Vec<&str> = vm.nics.iter().flat_map(|it| it.nic.networks()).collect();
        networks.sort_unstable();
        networks.dedup();
        table.row([
            vm.name.to_owned(),
            vm.hosts.join(","),
            vm.nics.len().to_string(),
            or_dash(&networks.join(",")),
        ]);
    }
    table.to_string()
}

fn text(vm: &Shown<'_>) -> String {
    let mut table = Table::new(&[
        "PORT",
        "MAC",
        "MODE",
        "NETWORK",
        "TRUNKED",
        "TYPE",
        "PROMISCUOUS",
        "FORGED",
        "CHANGES",
    ]);
    for ShownNic { nic, .. } in &vm.nics {
        table.row([
            or_dash(nic.port.as_deref().unwrap_or_default()),
            or_dash(nic.mac.as_deref().unwrap_or_default()),
            nic.vlan_mode.clone(),
            or_dash(nic.network.as_deref().unwrap_or_default()),
            or_dash(&nic.trunked_networks.join(",")),
            nic.kind.clone(),
            nic.promiscuous.clone(),
            nic.forged_transmits.clone(),
            nic.mac_changes.clone(),
        ]);
    }
    let hosts = vm.hosts.join(",");
    let mut text = format!("vm    {}\nhost  {hosts}\nuuid  {}\n", vm.name, vm.uuid);
    if !table.is_empty() {
        text.push_str(&format!("\n{table}"));
    }
    text
}
