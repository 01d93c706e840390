//! What the live tests share.

// Every test program uses a part of it.
#![allow(dead_code)]

pub(crate) mod conversation;
pub(crate) mod copies;

use std::collections::BTreeSet;

use anyhow::Result;
use integration::Lab;
use integration::controller::Controller;
use integration::snoop::Snoop;
use openflow::MacAddr;

/// A host with a chain, guests on three networks, and VM-104 as an access vNIC.
pub(crate) const WORLD: &str = include_str!("world.yaml");

/// What makes VM-104 a trunked vNIC, at the end of [`WORLD`].
pub(crate) const TRUNKED: &str = "        vlan_mode: trunked
        trunked_networks: [demo3000, demo4000]
";

/// An IPv4 multicast group.
pub(crate) const MULTICAST: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x01, 0x02, 0x03]);
/// An address that no station has.
pub(crate) const NOBODY: MacAddr = MacAddr([0x02, 0, 0, 0, 0x99, 0x99]);
/// A station somewhere behind the uplink.
pub(crate) const FAR: MacAddr = MacAddr([0x02, 0, 0, 0, 0x77, 0x01]);

/// Brings a lab up from a config, and its controller; all bridges are in sync.
pub(crate) fn start(config: &str) -> Result<(Lab, Controller)> {
    let lab = Lab::from_config(config)?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    Ok((lab, controller))
}

/// Asserts who sees a frame from a station to an address.
#[track_caller]
pub(crate) fn assert_seen(lab: &Lab, from: &str, dst: MacAddr, expected: &str) {
    let seen = lab.frame(from, dst).and_then(|frame| lab.probe(&frame));
    match seen {
        Ok(seen) => assert_eq!(seen, expected, "from {from} to {dst}"),
        Err(error) => panic!("from {from} to {dst}: {error:#}"),
    }
}

/// Listens to every bridge.
pub(crate) fn snoop(lab: &Lab) -> Result<Vec<Snoop>> {
    let bridges = &lab.layout().plan().bridges;
    bridges
        .iter()
        .map(|bridge| Snoop::start(lab.ovs(), bridge))
        .collect()
}

/// The flows of every bridge, without counters.
pub(crate) fn flows(lab: &Lab) -> Result<Vec<BTreeSet<String>>> {
    let bridges = &lab.layout().plan().bridges;
    bridges
        .iter()
        .map(|bridge| Ok(lab.ovs().flows(bridge)?.into_iter().collect()))
        .collect()
}

/// The groups of every bridge.
pub(crate) fn groups(lab: &Lab) -> Result<Vec<BTreeSet<String>>> {
    let bridges = &lab.layout().plan().bridges;
    let lines = |bridge: &String| {
        let groups = lab.ovs().ofctl(&["--no-names", "dump-groups", bridge])?;
        Ok(groups
            .lines()
            .skip(1)
            .map(|line| line.trim().to_owned())
            .collect())
    };
    bridges.iter().map(lines).collect()
}

/// How many flows must be added, replaced or deleted to come from one set to the other.
pub(crate) fn changes(before: &BTreeSet<String>, after: &BTreeSet<String>) -> usize {
    let changed = before.symmetric_difference(after);
    changed.map(|flow| key(flow)).collect::<BTreeSet<_>>().len()
}

/// What makes a flow the same one: table, priority and match.
fn key(flow: &str) -> String {
    let (head, _) = flow.split_once("actions=").unwrap_or((flow, ""));
    let no_part = |word: &&str| {
        ["cookie=", "idle_timeout=", "send_flow_rem"]
            .iter()
            .any(|part| word.starts_with(part))
    };
    head.split([' ', ','])
        .filter(|word| !word.is_empty() && !no_part(word))
        .collect::<Vec<_>>()
        .join(",")
}

/// Waits until a bridge has a destination flow for an address: it is learned.
pub(crate) fn await_learned(lab: &Lab, bridge: &str, mac: MacAddr) -> Result<()> {
    await_flows(lab, bridge, &format!("dl_dst={mac}"), true)
}

/// Waits until a bridge has, or has no longer, a flow that contains a text.
pub(crate) fn await_flows(lab: &Lab, bridge: &str, text: &str, there: bool) -> Result<()> {
    let what = format!(
        "a flow of {bridge} with {text} ({})",
        if there { "added" } else { "gone" }
    );
    integration::wait::until(&what, || {
        let found = lab
            .ovs()
            .flows(bridge)?
            .iter()
            .any(|flow| flow.contains(text));
        Ok((found == there).then_some(()))
    })?;
    lab.ovs().purge()
}

/// Takes the link of a port away (`down`), or gives it back (`up`), and waits until Open vSwitch
/// has seen that and gone through its cache, which stays as it is apart from that. The device of the
/// station itself stays up, and so does its capture.
pub(crate) fn set_link(lab: &Lab, port: &str, state: &str) -> Result<()> {
    lab.layout()
        .host()
        .ip(&["link", "set", "dev", port, state])?;
    integration::wait::until(&format!("the link of {port} to be {state}"), || {
        let seen = lab.ovs().vsctl(&["get", "interface", port, "link_state"])?;
        Ok((seen.trim() == state).then_some(()))
    })?;
    // The port's state may be told a moment before the cache is gone through.
    for _ in 0..2 {
        lab.ovs().appctl(&["revalidator/wait"])?;
    }
    Ok(())
}
