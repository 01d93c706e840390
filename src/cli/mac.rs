//! `bridgechain mac`: the MAC addresses that the running controller knows.

use std::process::ExitCode;
use std::time::Duration;

use bridgechain::status::{Mac, Macs, Origin};

use super::client::{Client, Where};
use super::completing;
use super::query::query;
use super::status::ago;
use super::table::Table;

/// The commands below `bridgechain mac`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List MAC addresses, and where frames from them come in
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    place: Where,
    /// Only those in this network: its name, VLAN id or UUID
    #[arg(long, add = completing::networks())]
    network: Option<String>,
    /// Only those at vNICs of this VM
    #[arg(long, add = completing::vms())]
    vm: Option<String>,
    /// Only those on this host
    #[arg(long, add = completing::hosts())]
    host: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the addresses.
pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let Command::List(args) = command;
    let Some(client) = Client::new(&args.place)? else {
        return Ok(ExitCode::FAILURE);
    };
    let resource = query(
        "/v1/macs",
        &[
            ("network", args.network.as_deref()),
            ("vm", args.vm.as_deref()),
            ("host", args.host.as_deref()),
        ],
    );
    let macs: Macs = client.get(&resource, Duration::ZERO)?;
    super::print(&if args.json {
        serde_json::to_string_pretty(&macs)? + "\n"
    } else {
        table(&macs).to_string()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(macs: &Macs) -> Table {
    let mut table = Table::new(&[
        "HOST", "NETWORK", "VLAN", "MAC", "ORIGIN", "BRIDGE", "PORT", "VM", "SINCE",
    ]);
    for mac in &macs.macs {
        table.row(row(mac));
    }
    table
}

fn row(mac: &Mac) -> [String; 9] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let origin = match mac.origin {
        Origin::Pinned => "pinned",
        Origin::Learned => "learned",
    };
    [
        mac.host.clone(),
        or_none(mac.network.clone()),
        mac.vlan.to_string(),
        mac.mac.clone(),
        origin.to_owned(),
        mac.bridge.clone(),
        mac.port.clone(),
        or_none(mac.vm.clone()),
        or_none(mac.since_seconds.map(ago)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_listed_with_what_is_known_of_them() {
        let pinned = Mac {
            host: "node1".to_owned(),
            network: Some("demo3000".to_owned()),
            vlan: 3000,
            mac: "52:54:00:00:00:0a".to_owned(),
            origin: Origin::Pinned,
            bridge: "br0.local".to_owned(),
            port: "vma0".to_owned(),
            port_number: Some(4),
            vm: Some("VM-A".to_owned()),
            since_seconds: None,
        };
        let learned = Mac {
            network: None,
            vlan: 7,
            mac: "02:00:00:00:77:01".to_owned(),
            origin: Origin::Learned,
            bridge: "br0".to_owned(),
            port: "eth1".to_owned(),
            vm: None,
            since_seconds: Some(61.5),
            ..pinned.clone()
        };
        let macs = Macs {
            macs: vec![pinned, learned],
        };
        assert_eq!(
            table(&macs).to_string(),
            "\
HOST   NETWORK   VLAN  MAC                ORIGIN   BRIDGE     PORT  VM    SINCE
node1  demo3000  3000  52:54:00:00:00:0a  pinned   br0.local  vma0  VM-A  -
node1  -         7     02:00:00:00:77:01  learned  br0        eth1  -     1 min
"
        );
    }
}
