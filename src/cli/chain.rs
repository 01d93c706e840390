//! `bridgechain chain`: service chains, their functions, and instances of these.

use std::process::ExitCode;

use bridgechain::edit::{Edit, Target};
use bridgechain::inventory::{Chain, Function, Instance};
use clap::Subcommand;
use serde::Serialize;

use super::change::{self, Dry};
use super::completing;
use super::source::{Place, Source};
use super::table::{Table, or_dash};

/// The commands below `bridgechain chain`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the chains
    List {
        #[command(flatten)]
        place: Place,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a chain, its functions and their instances
    Get {
        /// Its name
        #[arg(add = completing::chains())]
        chain: String,
        #[command(flatten)]
        place: Place,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Let frames reach functions: all of a chain, one, or an instance of one
    Enable(Which),
    /// Let frames pass without functions: all of a chain, one, or an instance of one
    Disable(Which),
    /// Take a function, or an instance of one, out of the way before work is done on it
    Drain {
        /// The chain
        #[arg(add = completing::chains())]
        chain: String,
        /// Its function
        #[arg(add = completing::functions())]
        function: String,
        #[command(flatten)]
        instance: WhichInstance,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The chain
    #[arg(add = completing::chains())]
    chain: String,
    /// Its function; without this, all of them
    #[arg(add = completing::functions())]
    function: Option<String>,
    #[command(flatten)]
    instance: WhichInstance,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    dry: Dry,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WhichInstance {
    /// An instance of the function, by one of its ports
    #[arg(long, value_name = "PORT", requires = "function", add = completing::instances())]
    instance: Option<String>,
    /// The host of the instance, where several have such a port
    #[arg(long, requires = "instance", add = completing::hosts())]
    host: Option<String>,
}

#[derive(Debug, Serialize)]
struct Shown<'i> {
    name: &'i str,
    #[serde(flatten)]
    chain: &'i Chain,
}

/// Lists chains, or enables and drains what is in them.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let all = inventory.service_chains.iter();
            let all: Vec<Shown<'_>> = all.map(|(name, chain)| Shown { name, chain }).collect();
            match json {
                true => super::print(&super::json(&all)?)?,
                false => super::print(&list(&all))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Get { chain, place, json } => {
            let inventory = Source::open(&place)?.inventory()?;
            let names = inventory.service_chains.keys();
            let known = inventory.service_chains.get_key_value(&chain);
            let known = known.map(|(name, chain)| Shown { name, chain });
            let known = known.ok_or_else(|| change::unknown("service chain", &chain, names))?;
            match json {
                true => super::print(&super::json(&known)?)?,
                false => super::print(&text(&known))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Enable(which) => which.set(true),
        Command::Disable(which) => which.set(false),
        Command::Drain {
            chain,
            function,
            instance,
            place,
            dry,
        } => Which {
            chain,
            function: Some(function),
            instance,
            place,
            dry,
        }
        .set(false),
    }
}

impl Which {
    fn set(self, enabled: bool) -> anyhow::Result<ExitCode> {
        let mut what = self.chain.clone();
        for part in [&self.function, &self.instance.instance]
            .into_iter()
            .flatten()
        {
            what.push_str(&format!("/{part}"));
        }
        what.push_str(if enabled { " enabled" } else { " drained" });
        let target = Target {
            chain: self.chain,
            function: self.function,
            instance: self.instance.instance,
            host: self.instance.host,
        };
        let edit = Edit::SetEnabled { target, enabled };
        change::run(&self.place, self.dry, &what, edit)
    }
}

fn list(all: &[Shown<'_>]) -> String {
    let mut table = Table::new(&["CHAIN", "NETWORKS", "VMS", "FUNCTIONS"]);
    for Shown { name, chain } in all {
        let functions: Vec<String> = chain.functions.iter().map(mode_and_name).collect();
        table.row([
            (*name).to_owned(),
            or_dash(&chain.networks.join(",")),
            or_dash(&chain.vms.join(",")),
            functions.join(", "),
        ]);
    }
    table.to_string()
}

fn mode_and_name(function: &Function) -> String {
    let drained = if function.enabled { "" } else { ", drained" };
    format!("{} ({}{drained})", function.name, mode(function))
}

fn mode(function: &Function) -> &str {
    match function.shadow {
        true => "shadow",
        false => &function.mode,
    }
}

fn text(Shown { name, chain }: &Shown<'_>) -> String {
    let mut table = Table::new(&["FUNCTION", "MODE", "ON FAILURE", "HOST", "PORTS", "STATE"]);
    for function in &chain.functions {
        for instance in &function.instances {
            let state = match (function.enabled, instance.enabled) {
                (false, _) => "function drained",
                (true, false) => "drained",
                (true, true) => "enabled",
            };
            let policy = match (&function.failure_policy, &*function.mode) {
                (Some(policy), _) => policy,
                (None, "inline") => "fail_close",
                (None, _) => "-",
            };
            table.row([
                function.name.clone(),
                mode(function).to_owned(),
                policy.to_owned(),
                instance.host.clone(),
                ports(instance),
                state.to_owned(),
            ]);
        }
    }
    let (networks, vms) = (chain.networks.join(","), chain.vms.join(","));
    format!(
        "chain     {name}\nnetworks  {}\nvms       {}\n\n{table}",
        or_dash(&networks),
        or_dash(&vms)
    )
}

fn ports(instance: &Instance) -> String {
    let ports = [&instance.port, &instance.ingress, &instance.egress];
    let ports: Vec<&str> = ports.into_iter().flatten().map(String::as_str).collect();
    ports.join(",")
}
