//! An IDS and an IPS in the loop: Suricata, and the lab's own.

mod common;

use std::fs;
use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use common::{FAR, start};
use integration::command::output;
use integration::controller::Controller;
use integration::ids::suricata::{self, Suricata};
use integration::ids::{
    Inspector, SIGNATURE, arrived, await_alerts, await_arrival, builtin, packet,
};
use integration::{Lab, wait};
use openflow::MacAddr;

const TAP: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
";

const INLINE: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: ips-in, egress: ips-out }] }
";

/// Whether Suricata is there. Says that the running test is skipped otherwise: past the test harness,
/// which keeps what a passing test prints to itself. `integration/test` counts these lines.
fn has_suricata() -> Result<bool> {
    let there = suricata::version().is_some();
    if !there {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        writeln!(io::stderr(), "\nSKIPPED: {test}: suricata is not installed")?;
    }
    Ok(there)
}

/// Sends a packet from a station, by its own address, in a conversation of its own.
fn send(lab: &Lab, from: &str, dst: MacAddr, port: u16, payload: &str) -> Result<()> {
    let station = lab.station(from)?;
    lab.transmit(
        from,
        &packet(station.mac, dst, station.tags(), port, payload)?,
    )
}

fn attack(name: &str) -> String {
    format!("{SIGNATURE} {name}")
}

/// Every attack between two VMs of one host, and to and from outside, is reported once.
fn taps_every_way(lab: &Lab, ids: &dyn Inspector) -> Result<()> {
    let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    let ways = [
        ("vma0", b, "vmb0"),
        ("vmb0", a, "vma0"),
        ("vma0", FAR, "eth1"),
        ("eth1", a, "vma0"),
    ];
    let mut expected = Vec::new();
    for (port, (from, dst, to)) in (1000..).step_by(10).zip(ways) {
        let (harmless, evil) = (
            format!("from {from} to {to}"),
            attack(&format!("{from}-{to}")),
        );
        send(lab, from, dst, port, &harmless)?;
        send(lab, from, dst, port + 1, &evil)?;
        await_arrival(lab, to, &harmless)?;
        // A tap is never in the way.
        await_arrival(lab, to, &evil)?;
        expected.push(evil);
        // One way after the other, so that the order of the reports is known.
        assert_eq!(
            await_alerts(ids, expected.len())?,
            expected,
            "{}",
            ids.name()
        );
    }
    Ok(())
}

/// Attacks are dropped and reported once, everything else passes, in both directions; a function
/// that stands still lets nothing pass, and goes on.
fn prevents(lab: &Lab, ips: &dyn Inspector) -> Result<()> {
    let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    let ways = [
        ("vma0", b, "vmb0"),
        ("vmb0", a, "vma0"),
        ("vma0", FAR, "eth1"),
        ("eth1", a, "vma0"),
    ];
    let mut expected = Vec::new();
    for (port, (from, dst, to)) in (1000..).step_by(10).zip(ways) {
        let (evil, harmless) = (
            attack(&format!("{from}-{to}")),
            format!("from {from} to {to}"),
        );
        send(lab, from, dst, port, &evil)?;
        send(lab, from, dst, port + 1, &harmless)?;
        // What was sent later has arrived, so what was sent before has been judged.
        await_arrival(lab, to, &harmless)?;
        lab.flush()?;
        assert_eq!(arrived(lab, to, &evil), 0, "{}: {evil}", ips.name());
        let leg = if from == "eth1" { "ips-out" } else { "ips-in" };
        for text in [&evil, &harmless] {
            assert_eq!(
                arrived(lab, leg, text),
                1,
                "{}: {text} at {leg}",
                ips.name()
            );
        }
        expected.push(evil);
        assert_eq!(
            await_alerts(ips, expected.len())?,
            expected,
            "{}",
            ips.name()
        );
    }

    // Real stacks: ARP and ICMP, with tags between them and the function.
    let ping = |count: &str| -> Result<_> {
        let to = lab
            .station("vmb0")?
            .address
            .context("VM-B has no address")?;
        let mut ping = lab.namespace("vma0")?.command("ping");
        output(ping.args(["-q", "-c", count, "-i", "0.05", "-W", "5", &to.to_string()]))
    };
    assert!(ping("3")?.status.success());

    ips.pause()?;
    send(lab, "vma0", b, 2000, "while it stands still")?;
    await_arrival(lab, "ips-in", "while it stands still")?;
    lab.flush()?;
    assert_eq!(arrived(lab, "ips-in", "while it stands still"), 1);
    assert_eq!(arrived(lab, "vmb0", "while it stands still"), 0);
    let links =
        ["ips-in", "ips-out"].map(|leg| lab.ovs().vsctl(&["get", "interface", leg, "link_state"]));
    for link in links {
        assert_eq!(link?.trim(), "up");
    }
    ips.resume()?;
    let mut number = 0;
    wait::until("frames to pass again", || {
        number += 1;
        let text = format!("again {number};");
        send(lab, "vma0", b, 3000 + number, &text)?;
        lab.flush()?;
        Ok((arrived(lab, "vmb0", "again ") > 0).then_some(()))
    })?;
    assert!(ping("3")?.status.success());
    Ok(())
}

fn start_joined() -> Result<(Lab, Controller)> {
    let lab = Lab::with_joined_legs(INLINE)?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    Ok((lab, controller))
}

#[test]
fn the_labs_own_ids_reports_every_attack_once() -> Result<()> {
    let (lab, _controller) = start(TAP)?;
    taps_every_way(&lab, &builtin::Ids::start(&lab, "ids0"))
}

#[test]
fn the_labs_own_ips_drops_attacks_and_lets_all_else_pass() -> Result<()> {
    let (lab, _controller) = start_joined()?;
    prevents(&lab, &builtin::Ips::start(&lab, "ips-in", "ips-out")?)
}

#[test]
fn suricata_at_a_tap_reports_every_attack_once() -> Result<()> {
    if !has_suricata()? {
        return Ok(());
    }
    let (lab, _controller) = start(TAP)?;
    let ids = Suricata::tap(&lab, "ids0")?;
    taps_every_way(&lab, &ids)?;
    for alert in ids.events("alert")? {
        assert_eq!(alert["vlan"], serde_json::json!([3000]), "{alert}");
        assert_eq!(alert["alert"]["action"], "allowed", "{alert}");
    }
    Ok(())
}

#[test]
fn suricata_in_the_way_drops_attacks_and_lets_all_else_pass() -> Result<()> {
    if !has_suricata()? {
        return Ok(());
    }
    let (lab, _controller) = start_joined()?;
    let ips = Suricata::inline(&lab, "ips-in", "ips-out")?;
    prevents(&lab, &ips)?;
    let drops = ips.events("drop")?;
    assert_eq!(drops.len(), 4, "{drops:?}");
    for drop in drops {
        assert_eq!(drop["vlan"], serde_json::json!([3000]), "{drop}");
    }
    Ok(())
}

/// What the documentation shows is what was tested here.
#[test]
fn the_documentation_shows_these_configs() -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ids.md");
    let text = fs::read_to_string(path)?;
    for shown in [
        suricata::TAP,
        suricata::INLINE,
        suricata::ALERT,
        suricata::DROP,
    ] {
        if !text.contains(&format!("\n{shown}```\n")) {
            bail!("docs/ids.md does not show this:\n{shown}");
        }
    }
    Ok(())
}
