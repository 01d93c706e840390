//! `demo`: who sees which frame, as measured on a real Open vSwitch; with `--inline`, what becomes of
//! frames that an IPS is in the way of.

mod inline;
mod table;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use integration::Lab;

use crate::table::{Phase, Table};

/// VM-104 is an access vNIC on demo3000.
const ACCESS: &str = include_str!("demo.yaml");
/// What makes it a trunked one, at the end of the same config.
const TRUNKED: &str = "        vlan_mode: trunked
        trunked_networks: [demo3000, demo4000]
";

/// Shows who sees which frame, as measured on a real, private Open vSwitch.
///
/// The exit status is 0 if everything is as it must be. It needs root.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Cli {
    /// An IPS in the way of frames: what it blocks, and what becomes of frames while it is down
    #[arg(long)]
    inline: bool,
}

/// What a demo has measured.
trait Holds: fmt::Display {
    /// Whether it is as it must be.
    fn holds(&self) -> bool;
}

fn main() -> ExitCode {
    let Cli { inline } = Cli::parse();
    let measured: Result<Box<dyn Holds>> = match inline {
        true => inline::run().map(|report| Box::new(report) as _),
        false => run().map(|table| Box::new(table) as _),
    };
    match measured {
        Ok(measured) => {
            println!("\n{measured}");
            if measured.holds() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Table> {
    step(
        "bringing up a host with six guests and an IDS (private Open vSwitch, network namespaces)",
    );
    let lab = Lab::from_config(ACCESS)?;
    step("starting the controller");
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    let mut table = Table::default();
    step("sending frames and capturing them at every port; VM-104 is an access vNIC");
    table.measure(&lab, Phase::Access)?;
    step("making VM-104 a trunked vNIC by a reload of the config, and sending them again");
    lab.change_config(&format!("{ACCESS}{TRUNKED}"))?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    table.measure(&lab, Phase::Trunked)?;
    Ok(table)
}

fn step(what: &str) {
    println!("==> {what}");
}
