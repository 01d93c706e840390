//! `lab status`: what is up.

use anyhow::Result;
use integration::layout::Layout;
use integration::plan::{Role, Station};
use integration::run_dir;
use integration::site::Site;

/// Prints all labs of this machine.
pub(crate) fn run() -> Result<()> {
    let names = run_dir::names()?;
    if names.is_empty() {
        println!("no lab is up");
    }
    for name in names {
        match Site::load(&name) {
            Ok(site) => print(&name, &site),
            Err(error) => println!("{name}: {error:#}"),
        }
    }
    Ok(())
}

/// Prints one lab: a line for each station.
pub(crate) fn print(name: &str, site: &Site) {
    match site {
        Site::One(layout) => {
            println!("{name} is up: bridges {}", layout.plan().bridges.join(", "));
            head();
            layout.plan().stations.iter().for_each(|it| line("", it));
            println!("\nin a shell beside `lab exec`, commands find it with");
            println!("  {}", exports(layout));
        }
        Site::Several(several) => {
            let hosts: Vec<&str> = several.hosts().iter().map(|(host, _)| &**host).collect();
            println!("{name} is up: hosts {}", hosts.join(", "));
            head();
            for (host, layout) in several.hosts() {
                let stations = layout.plan().stations.iter();
                // The other ends of uplinks are ports of the switch, where nobody is.
                let stations = stations.filter(|station| station.role != Role::Switch);
                stations.for_each(|station| line(&format!("{host}:"), station));
            }
            line("", several.outside());
            println!("\nin a shell beside `lab exec`, commands find a host with");
            for (host, layout) in several.hosts() {
                println!("  {}  # {host}", exports(layout));
            }
        }
    }
}

/// What makes the commands of a shell find a host's Open vSwitch and its controller.
fn exports(layout: &Layout) -> String {
    let variables = layout.ovs().variables().into_iter();
    let variables = variables.map(|(name, value)| format!("{name}={value}"));
    format!("export {}", variables.collect::<Vec<_>>().join(" "))
}

fn head() {
    println!(
        "  {:<12} {:<18} {:<15} {:<17}  sends",
        "NAME", "PORT", "BRIDGE", "MAC"
    );
}

fn line(prefix: &str, station: &Station) {
    let Station {
        name,
        port,
        bridge,
        mac,
        ..
    } = station;
    let port = format!("{prefix}{port}");
    let mac = mac.to_string();
    println!(
        "  {name:<12} {port:<18} {bridge:<15} {mac:<17}  {}",
        sends(station)
    );
}

fn sends(station: &Station) -> String {
    match (station.role, station.vlan, station.address) {
        (Role::Function, ..) => "nothing".to_owned(),
        (_, Some(vlan), _) => format!("tagged {vlan}"),
        (_, None, Some(address)) => format!("untagged, {address}/24"),
        (_, None, None) => "untagged".to_owned(),
    }
}
