//! `bridgechain status`: the state of the running controller.

use std::process::ExitCode;
use std::time::Duration;

use bridgechain::status::{Database, Function, Health, Host, Instance, Mode, Port, Status};

use super::client::{Client, Where};
use super::style::{Colour, Style};
use super::table::Table;

/// Arguments of `bridgechain status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Print the state as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the state of all hosts.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(client) = Client::new(&args.place)? else {
        return Ok(ExitCode::FAILURE);
    };
    let status: Status = client.get("/v1/status", Duration::ZERO)?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&status)?)
    } else {
        text(&status, Style::stdout())
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(status: &Status, style: Style) -> String {
    let mut bridges = Table::new(&[
        "HOST", "BRIDGE", "ROLE", "STATE", "FLOWS", "FOREIGN", "MACS",
    ]);
    for host in &status.hosts {
        for bridge in &host.bridges {
            let state = match (bridge.connected, bridge.in_sync) {
                (false, _) => style.paint(Colour::Red, "disconnected"),
                (true, false) => style.paint(Colour::Yellow, "not in sync"),
                (true, true) => style.paint(Colour::Green, "in sync"),
            };
            bridges.row([
                host.name.clone(),
                bridge.name.clone(),
                bridge.role.clone(),
                state,
                bridge.flows.to_string(),
                bridge.foreign_flows.to_string(),
                host.learned_macs.to_string(),
            ]);
        }
    }
    let mut functions = Table::new(&[
        "HOST", "FUNCTION", "MODE", "INSTANCE", "PORTS", "HEALTH", "SINCE", "PASSED", "LOST", "RTT",
    ]);
    for host in &status.hosts {
        for function in &host.functions {
            for instance in &function.instances {
                functions.row(row(host, function, instance, style));
            }
        }
    }
    let place = |port: &Option<String>, present| match (port, present) {
        (None, _) => "-".to_owned(),
        (Some(port), false) => format!("{port} absent"),
        (Some(port), true) => port.clone(),
    };
    let mut ports = Table::new(&["HOST", "FUNCTION", "FOUND BY", "BRIDGE", "PORT"]);
    for host in &status.hosts {
        for found in &host.function_ports {
            ports.row([
                host.name.clone(),
                found.function.clone(),
                found.found_by.clone(),
                found.bridge.clone(),
                place(&found.port, found.present),
            ]);
        }
    }
    let mut guests = Table::new(&["HOST", "VM", "FOUND BY", "BRIDGE", "PORT"]);
    for host in &status.hosts {
        for guest in &host.guests {
            guests.row([
                host.name.clone(),
                guest.vm.clone(),
                guest.found_by.clone(),
                guest.bridge.clone(),
                place(&guest.port, guest.present),
            ]);
        }
    }
    let mut text = bridges.to_string();
    for table in [functions, ports, guests, limits(status), held(status)] {
        if !table.is_empty() {
            text = format!("{text}\n{table}");
        }
    }
    for host in &status.hosts {
        text.extend(host.database.iter().map(|it| database(&host.name, it)));
    }
    text
}

/// Whether vNICs are found, and what is odd about them.
fn database(host: &str, database: &Database) -> String {
    let endpoint = &database.endpoint;
    let mut text = match &database.error {
        None => format!("\n{host}: OVS database {endpoint} connected\n"),
        Some(error) => format!(
            "\n{host}: OVS database {endpoint} NOT connected ({error}): vNICs stay where they were \
             found\n"
        ),
    };
    for problem in &database.problems {
        text.push_str(&format!("{host}: {problem}\n"));
    }
    text
}

/// The limits that are reached.
fn limits(status: &Status) -> Table {
    let mut table = Table::new(&["HOST", "LIMIT REACHED", "MAX_MACS", "MOST BEHIND", "MACS"]);
    for host in &status.hosts {
        for limit in &host.reached_limits {
            let of = match &limit.network {
                Some(network) => format!("network {network}"),
                None => format!("vNIC {}", limit.vnic),
            };
            table.row([
                host.name.clone(),
                of,
                limit.limit.to_string(),
                limit.vnic.clone(),
                limit.addresses.to_string(),
            ]);
        }
    }
    table
}

/// The addresses that are held.
fn held(status: &Status) -> Table {
    let mut table = Table::new(&[
        "HOST",
        "FLAPPING MAC",
        "NETWORK",
        "HELD AT",
        "FOR",
        "IGNORED",
        "SEEN AT",
    ]);
    for host in &status.hosts {
        for held in &host.held_addresses {
            table.row([
                host.name.clone(),
                held.mac.clone(),
                held.network.clone(),
                held.held_at.clone(),
                ago(held.seconds_left),
                held.ignored.to_string(),
                held.seen_at.clone(),
            ]);
        }
    }
    table
}

fn row(host: &Host, function: &Function, instance: &Instance, style: Style) -> [String; 10] {
    let none = || "-".to_owned();
    let mode = match function.mode {
        Mode::Tap => "tap",
        Mode::Inline => "inline",
        Mode::Shadow => "shadow",
    };
    let drained = match function.enabled && instance.enabled {
        true => "",
        false => ", drained",
    };
    let health = match instance.health {
        Health::NotChecked => "not checked".to_owned(),
        Health::Unknown => "unknown".to_owned(),
        Health::Up => style.paint(Colour::Green, "up"),
        Health::Down => style.paint(Colour::Red, "DOWN"),
    };
    let (passes, losses) = match instance.health {
        Health::NotChecked => (none(), none()),
        _ => (instance.passes.to_string(), instance.losses.to_string()),
    };
    [
        host.name.clone(),
        format!("{}/{}", function.chain, function.name),
        format!("{mode}{drained}"),
        instance.name.clone(),
        ports(&instance.ports),
        health,
        instance.since_seconds.map_or_else(none, ago),
        passes,
        losses,
        instance
            .round_trip_seconds
            .map_or_else(none, |seconds| format!("{:.1} ms", seconds * 1000.0)),
    ]
}

/// What is wrong with the ports, if anything is.
fn ports(ports: &[Port]) -> String {
    let wrong = ports.iter().filter_map(|port| {
        let what = match (port.present, port.link) {
            (false, _) => "absent",
            (true, false) => "no link",
            (true, true) => return None,
        };
        Some(format!("{} {what}", port.name))
    });
    let wrong: Vec<String> = wrong.collect();
    match wrong.is_empty() {
        true => "up".to_owned(),
        false => wrong.join(", "),
    }
}

/// A time in its largest whole unit.
pub(super) fn ago(seconds: f64) -> String {
    let seconds = seconds as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use bridgechain::status::{Bridge, Guest, HeldAddress, ReachedLimit};

    use super::*;

    #[test]
    fn tables_are_aligned_and_say_what_is_wrong() {
        let port = |name: &str, present, link| Port {
            name: name.to_owned(),
            present,
            link,
        };
        let instance = |name: &str, health| Instance {
            name: name.to_owned(),
            enabled: true,
            ports: vec![port(name, true, true)],
            health,
            since_seconds: None,
            passes: 0,
            losses: 0,
            round_trip_seconds: None,
        };
        let function = |name: &str, mode, instances| Function {
            chain: "inspect".to_owned(),
            name: name.to_owned(),
            mode,
            enabled: true,
            instances,
        };
        let bridge = |role: &str, name: &str, connected| Bridge {
            role: role.to_owned(),
            name: name.to_owned(),
            connected,
            in_sync: connected,
            flows: 123,
            wanted_flows: 123,
            foreign_flows: 0,
        };
        let guest = |vm: &str, port: Option<&str>, present| Guest {
            vm: vm.to_owned(),
            found_by: "external_ids:attached-mac=52:54:00:00:00:0a".to_owned(),
            bridge: "br0.local".to_owned(),
            port: port.map(str::to_owned),
            present,
        };
        let down = Instance {
            ports: vec![port("ips-in", true, false), port("ips-out", false, false)],
            since_seconds: Some(75.3),
            passes: 1000,
            losses: 3,
            round_trip_seconds: Some(0.001_25),
            ..instance("ips-in", Health::Down)
        };
        let drained = Instance {
            enabled: false,
            ..instance("ips-in2", Health::Up)
        };
        let status = Status {
            version: "1".to_owned(),
            hosts: vec![Host {
                name: "node1".to_owned(),
                bridges: vec![
                    bridge("local", "br0.local", true),
                    bridge("service", "br.nf", false),
                ],
                functions: vec![
                    function("ids", Mode::Tap, vec![instance("ids0", Health::NotChecked)]),
                    function("ips", Mode::Inline, vec![down, drained]),
                ],
                function_ports: vec![bridgechain::status::FunctionPort {
                    function: "ids".to_owned(),
                    found_by: "external_ids:vm-id=8f2d4d64".to_owned(),
                    bridge: "br.nf".to_owned(),
                    port: Some("vnet3".to_owned()),
                    present: true,
                }],
                guests: vec![
                    guest("VM-A", Some("vnet7"), true),
                    guest("VM-B", Some("vnet8"), false),
                    guest("VM-C", None, false),
                ],
                database: Some(Database {
                    endpoint: "unix:/run/db.sock".to_owned(),
                    connected: false,
                    error: Some("closed by the server".to_owned()),
                    problems: vec!["vnet0 is on br1, and belongs on br0.local".to_owned()],
                }),
                learned_macs: 7,
                reached_limits: [Some("demo3000"), None]
                    .map(|network| ReachedLimit {
                        network: network.map(str::to_owned),
                        limit: 12,
                        vnic: "vma0".to_owned(),
                        addresses: 9,
                    })
                    .to_vec(),
                held_addresses: vec![HeldAddress {
                    mac: "02:00:00:00:00:01".to_owned(),
                    network: "demo3000".to_owned(),
                    held_at: "vma0".to_owned(),
                    seen_at: "vma0, vmb0".to_owned(),
                    ignored: 1234,
                    seconds_left: 17.5,
                }],
                ..Host::default()
            }],
        };
        insta::assert_snapshot!(text(&status, Style::PLAIN));
    }

    #[test]
    fn times_are_short() {
        let shown = [0.9, 59.9, 60.0, 3600.0, 90_000.0, 200_000.0].map(ago);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "1 h", "25 h", "2 d"]);
    }
}
