//! `demo`: who sees which frame, as measured on a real Open vSwitch.

mod table;

use std::process::ExitCode;

use anyhow::Result;
use integration::Lab;

use crate::table::{Phase, Table};

/// VM-104 is an access vNIC on demo3000.
const ACCESS: &str = include_str!("demo.yaml");
/// What makes it a trunked one, at the end of the same config.
const TRUNKED: &str = "        vlan_mode: trunked
        trunked_networks: [demo3000, demo4000]
";

fn main() -> ExitCode {
    match run() {
        Ok(table) => {
            println!("\n{table}");
            if table.holds() {
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
