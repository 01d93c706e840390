//! `lab status`: what is up.

use anyhow::Result;
use integration::layout::Layout;
use integration::plan::{Role, Station};
use integration::run_dir;

/// Prints all labs of this machine.
pub(crate) fn run() -> Result<()> {
    let names = run_dir::names()?;
    if names.is_empty() {
        println!("no lab is up");
    }
    for name in names {
        match Layout::load(&name) {
            Ok(layout) => print(&name, &layout),
            Err(error) => println!("{name}: {error:#}"),
        }
    }
    Ok(())
}

/// Prints one lab: a line for each station.
pub(crate) fn print(name: &str, layout: &Layout) {
    println!("{name} is up: bridges {}", layout.plan().bridges.join(", "));
    println!(
        "  {:<12} {:<15} {:<15} {:<17}  sends",
        "NAME", "PORT", "BRIDGE", "MAC"
    );
    for station in &layout.plan().stations {
        let Station {
            name,
            port,
            bridge,
            mac,
            ..
        } = station;
        let mac = mac.to_string();
        println!(
            "  {name:<12} {port:<15} {bridge:<15} {mac:<17}  {}",
            sends(station)
        );
    }
}

fn sends(station: &Station) -> String {
    match (station.role, station.vlan, station.address) {
        (Role::Function, ..) => "nothing".to_owned(),
        (_, Some(vlan), _) => format!("tagged {vlan}"),
        (_, None, Some(address)) => format!("untagged, {address}/24"),
        (_, None, None) => "untagged".to_owned(),
    }
}
