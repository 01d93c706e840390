//! `bridgechain prove --live`: what the running bridges hold is proved, and a fault that is put there
//! by hand is found, with a frame that shows it.

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use common::{WORLD, start};
use integration::Lab;
use integration::controller;
use integration::frame::Tag;
use openflow::MacAddr;
use serde_json::Value;

fn prove(lab: &Lab, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(controller::program()?);
    command.arg("prove").arg(lab.layout().config());
    command.args(["--live", "--ovs-rundir"]).arg(lab.dir());
    command.args(arguments).output().context("prove")
}

/// The first counterexample to a property, as `prove --json` has it.
fn counterexample(lab: &Lab, property: &str) -> Result<Value> {
    let output = prove(lab, &["--json"])?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let reports: Value = serde_json::from_slice(&output.stdout)?;
    let found = reports[0]["counterexamples"].as_array();
    let mut found = found.context("no list")?.iter();
    let example = found.find(|example| example["property"] == property);
    example
        .cloned()
        .with_context(|| format!("nothing against {property}: {reports:#}"))
}

/// The OVS interfaces in what `prove` says of who gets a frame: `VM-A at vma0`.
fn ports(who: &Value) -> BTreeSet<String> {
    let who = who.as_array().into_iter().flatten();
    who.filter_map(|who| Some(who.as_str()?.rsplit_once(" at ")?.1.to_owned()))
        .collect()
}

/// Sends the frame of a counterexample, and tells at which ports it arrived.
fn send(lab: &Lab, example: &Value) -> Result<BTreeSet<String>> {
    let text = |key: &str| example[key].as_str().with_context(|| format!("no {key}"));
    let mac = |key: &str| text(key).and_then(|mac| Ok(mac.parse::<MacAddr>()?));
    let from = text("from")?.rsplit_once(" at ").context("no port")?.1;
    let vids = example["vids"].as_array().context("no tags")?.iter();
    let tags: Vec<Tag> = vids
        .filter_map(|vid| Some(Tag::vlan(u16::try_from(vid.as_u64()?).ok()?)))
        .collect();
    let frame = lab.frame(from, mac("dst")?)?.src(mac("src")?).tags(&tags);
    let seen = lab.probe(&frame)?.to_string();
    let ports = seen
        .split_whitespace()
        .filter_map(|copy| copy.rsplit_once('/'));
    Ok(ports.map(|(port, _)| port.to_owned()).collect())
}

#[test]
fn what_the_bridges_hold_is_proved() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let output = prove(&lab, &[])?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{text}");
    ensure!(
        text.contains("isolation") && text.contains("taps"),
        "{text}"
    );
    Ok(())
}

/// A fault: what is done to which bridge, and the property that no longer holds.
const FAULTS: [(&str, &str, &str, &str); 4] = [
    // The cookie of what is handed to functions.
    (
        "br.nf",
        "del-flows",
        "cookie=0x6272636800000006/-1,table=1",
        "taps",
    ),
    // That of spoofed sources.
    (
        "br0.local",
        "del-flows",
        "cookie=0x6272636800000082/-1",
        "refused",
    ),
    // That of pinned addresses: their frames are flooded.
    (
        "br0.local",
        "del-flows",
        "cookie=0x6272636800000002/-1,table=7",
        "unicast",
    ),
    // That of floods.
    (
        "br0.local",
        "del-flows",
        "cookie=0x6272636800000005/-1",
        "flood",
    ),
];

#[test]
fn a_fault_that_is_put_there_is_found_and_is_one() -> Result<()> {
    for (bridge, command, flows, property) in FAULTS {
        let (lab, controller) = start(WORLD)?;
        controller.kill()?;
        lab.ovs().ofctl(&[command, bridge, flows])?;
        lab.ovs().purge()?;
        let example = counterexample(&lab, property)?;
        let arrived = send(&lab, &example)?;
        assert_eq!(arrived, ports(&example["gets_it"]), "{flows}: {example:#}");
        // The list of those whom it is for has no functions.
        let is_shown = match property {
            "taps" => !arrived.contains("ids0"),
            _ => arrived != ports(&example["is_for"]),
        };
        assert!(is_shown, "{flows}: {arrived:?}, {example:#}");
    }
    Ok(())
}
