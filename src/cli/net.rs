//! `bridgechain net`: networks.

use std::process::ExitCode;

use bridgechain::edit::Edit;
use bridgechain::inventory::{Inventory, Network, uuid};
use clap::Subcommand;
use serde::Serialize;

use super::change::{self, Dry};
use super::completing;
use super::source::{Place, Source};
use super::table::Table;

/// The commands below `bridgechain net`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the networks
    List {
        #[command(flatten)]
        place: Place,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a network and its members
    Get {
        /// Its name, VLAN id or UUID
        #[arg(add = completing::networks())]
        name: String,
        #[command(flatten)]
        place: Place,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a network
    Create {
        /// Its name
        name: String,
        /// Its VLAN; 0 is the untagged network
        #[arg(long)]
        vlan: u16,
        /// How many addresses may be learned in it on each host
        #[arg(long, value_name = "NUMBER")]
        max_macs: Option<u32>,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Delete a network that nobody uses
    Delete {
        /// Its name, VLAN id or UUID
        #[arg(add = completing::networks())]
        name: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
}

/// A network, as it is shown.
#[derive(Debug, Serialize)]
struct Shown<'i> {
    name: &'i str,
    vlan: u16,
    uuid: String,
    max_macs: Option<u32>,
    chain: Option<&'i str>,
    members: Vec<Member<'i>>,
}

/// A vNIC that is a member.
#[derive(Debug, Serialize)]
struct Member<'i> {
    vm: &'i str,
    port: Option<&'i str>,
    mac: Option<&'i str>,
    tagged: bool,
}

/// Lists or changes networks.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let all = inventory.networks.iter();
            let all = all.map(|(name, network)| shown(&inventory, name, network));
            let all: Vec<Shown<'_>> = all.collect();
            match json {
                true => super::print(&super::json(&all)?)?,
                false => super::print(&list(&all))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Get { name, place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let name = inventory.find_network(&name)?;
            let known = shown(&inventory, name, &inventory.networks[name]);
            match json {
                true => super::print(&super::json(&known)?)?,
                false => super::print(&text(&known))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Create {
            name,
            vlan,
            max_macs,
            place,
            dry,
        } => {
            let what = format!("network {name} created");
            let edit = Edit::CreateNetwork {
                name,
                vlan,
                max_macs,
            };
            change::run(&place, dry, &what, edit)
        }
        Command::Delete { name, place, dry } => {
            let what = format!("network {name} deleted");
            change::run(&place, dry, &what, Edit::DeleteNetwork { name })
        }
    }
}

fn shown<'i>(inventory: &'i Inventory, name: &'i str, network: &Network) -> Shown<'i> {
    let is_it = |other: &String| other == name;
    let mut chains = inventory.service_chains.iter();
    let chain = chains.find(|(_, chain)| chain.networks.iter().any(is_it));
    let members = inventory.vms.iter().flat_map(|(vm, it)| {
        let nics = it.nics.iter();
        let nics = nics.filter(|nic| nic.networks().any(|network| network == name));
        nics.map(move |nic| Member {
            vm,
            port: nic.port.as_deref(),
            mac: nic.mac.as_deref(),
            tagged: nic.trunked_networks.iter().any(is_it),
        })
    });
    Shown {
        name,
        vlan: network.vlan,
        uuid: uuid("network", name).to_string(),
        max_macs: network.max_macs,
        chain: chain.map(|(name, _)| name.as_str()),
        members: members.collect(),
    }
}

fn list(all: &[Shown<'_>]) -> String {
    let mut table = Table::new(&["NETWORK", "VLAN", "CHAIN", "VNICS"]);
    for network in all {
        table.row([
            network.name.to_owned(),
            vlan(network.vlan),
            network.chain.unwrap_or("-").to_owned(),
            network.members.len().to_string(),
        ]);
    }
    table.to_string()
}

fn text(network: &Shown<'_>) -> String {
    let mut table = Table::new(&["VM", "PORT", "MAC", "TAGGED"]);
    for member in &network.members {
        table.row([
            member.vm.to_owned(),
            member.port.unwrap_or("-").to_owned(),
            member.mac.unwrap_or("-").to_owned(),
            if member.tagged { "yes" } else { "no" }.to_owned(),
        ]);
    }
    let limit = network.max_macs.map(|limit| format!("max_macs  {limit}\n"));
    let mut text = format!(
        "network   {}\nvlan      {}\nchain     {}\nuuid      {}\n{}",
        network.name,
        vlan(network.vlan),
        network.chain.unwrap_or("-"),
        network.uuid,
        limit.unwrap_or_default(),
    );
    if !table.is_empty() {
        text.push_str(&format!("\n{table}"));
    }
    text
}

fn vlan(vlan: u16) -> String {
    match vlan {
        0 => "untagged".to_owned(),
        vlan => vlan.to_string(),
    }
}
