//! Changes of the configuration by commands, on a bridge with traffic: the guest gets the frames of its
//! new networks, and only the flow-mods are sent that make the difference.

mod common;

use std::fs;
use std::process::{Command, Output};
use std::thread;

use anyhow::{Context, Result, ensure};
use common::{WORLD, assert_seen, changes, flows, snoop, start};
use integration::controller;
use integration::stream::Arrived;
use integration::{Lab, wait};
use openflow::MacAddr;
use serde_json::Value;

const TO_TRUNKED: &str =
    "update_vlan_trunk_info=true vlan_mode=kTrunked trunked_networks=3000,4000";
const TO_ACCESS: &str = "vlan_mode=kAccess update_vlan_trunk_info=true";

/// Runs `bridgechain` with the words of a line and the lab's configuration.
fn bridgechain(lab: &Lab, words: &str) -> Result<Output> {
    let mut words = words.split(' ');
    let mut command = Command::new(controller::program()?);
    command.arg(words.next().unwrap_or_default());
    let config = lab.layout().config();
    // Options of `acli` come before its words.
    if words.clone().next().is_some_and(|word| word.contains('.')) {
        command.arg("--config").arg(&config).args(words);
    } else {
        command.args(words).arg("--config").arg(&config);
    }
    command.output().context("bridgechain")
}

/// The same, which must succeed: what it says.
fn done(lab: &Lab, words: &str) -> Result<String> {
    let output = bridgechain(lab, words)?;
    ensure!(output.status.success(), "{words}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn vm_104(lab: &Lab, change: &str) -> Result<String> {
    done(
        lab,
        &format!("acli vm.nic_update VM-104 52:54:00:42:34:ab {change}"),
    )
}

/// How many flow-mods to each bridge a command has said there would be.
fn planned(said: &str) -> Vec<usize> {
    let lines = said
        .lines()
        .filter_map(|line| line.strip_prefix("node1 ")?.split_once(": "));
    let counts = lines.map(|(_, what)| {
        let number = what
            .split_once(" flow-mod")
            .map_or("0", |(number, _)| number);
        number.parse().unwrap_or(0)
    });
    counts.collect()
}

#[test]
fn a_guest_becomes_trunked_and_access_again_while_traffic_flows() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let snoops = snoop(&lab)?;
    let sent = || -> Vec<usize> {
        let snoops = snoops.iter();
        snoops.map(|snoop| snoop.count("OFPT_FLOW_MOD")).collect()
    };
    let text = fs::read_to_string(lab.layout().config())?;
    let before = flows(&lab)?;
    let elsewhere = "eth1/4000 ids0/4000 vmd0/untagged";
    assert_seen(&lab, "vmc0", MacAddr::BROADCAST, elsewhere);

    let stream = lab.stream("vma0", lab.mac("vmb0")?)?;
    lab.await_stream(&stream, "vmb0", 20)?;
    let said = vm_104(&lab, TO_TRUNKED)?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    lab.await_stream(&stream, "vmb0", 20)?;
    let tally = stream.finish(&lab)?;
    for port in ["vmb0", "ids0", "all0"] {
        assert_eq!(tally.at(port), Arrived::EXACTLY_ONCE, "{port}");
    }
    assert_eq!(tally.ports(), ["all0", "ids0", "vmb0"].into());
    let of_both = "all0/untagged eth1/3000 ids0/3000 vm104/3000 vmb0/untagged";
    assert_seen(&lab, "vma0", MacAddr::BROADCAST, of_both);
    let of_the_other = "eth1/4000 ids0/4000 vm104/4000 vmd0/untagged";
    assert_seen(&lab, "vmc0", MacAddr::BROADCAST, of_the_other);

    // Sent was the difference, and that is what was said before.
    let after = flows(&lab)?;
    let pairs = before.iter().zip(&after);
    let different: Vec<usize> = pairs
        .map(|(before, after)| changes(before, after))
        .collect();
    assert_eq!(sent(), different);
    assert_eq!(planned(&said), different, "{said}");
    // The service bridge has nothing to do with it, and the uplink bridge only that VM-104 is now a
    // destination in the other network.
    assert!(different[0] > 0 && different[1] == 0, "{different:?}");
    let news: Vec<&String> = after[2].symmetric_difference(&before[2]).collect();
    let is_vm_104 = |flow: &&String| flow.contains("dl_dst=52:54:00:42:34:ab");
    assert!(news.iter().all(is_vm_104), "{news:?}");

    let said = vm_104(&lab, TO_ACCESS)?;
    lab.await_sync_of(&controller, "br0.local", 3)?;
    let of_one = "all0/untagged eth1/3000 ids0/3000 vm104/untagged vmb0/untagged";
    assert_seen(&lab, "vma0", MacAddr::BROADCAST, of_one);
    assert_seen(&lab, "vmc0", MacAddr::BROADCAST, elsewhere);
    assert_eq!(flows(&lab)?, before);
    let both: Vec<usize> = different
        .iter()
        .zip(planned(&said))
        .map(|(a, b)| a + b)
        .collect();
    assert_eq!(sent(), both);
    assert_eq!(
        fs::read_to_string(lab.layout().config())?,
        text,
        "as nobody had touched it"
    );
    Ok(())
}

#[test]
fn a_bad_change_changes_nothing() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let snoops = snoop(&lab)?;
    let (text, before) = (fs::read_to_string(lab.layout().config())?, flows(&lab)?);
    for (words, status, why) in [
        (
            "acli vm.nic_update VM-104 52:54:00:42:34:ab vlan_mode=kTrunked trunked_networks=3000,4000",
            2,
            "silently ignore",
        ),
        (
            "acli vm.nic_update VM-104 52:54:00:42:34:ab update_vlan_trunk_info=true trunked_networks=4001",
            1,
            "no network of VLAN 4001",
        ),
        (
            "acli net.create other vlan=3000",
            1,
            "VLAN 3000 is that of the network",
        ),
        (
            "nic create VM-A eth1 --network demo3000",
            1,
            "that would make mistakes of the configuration",
        ),
        ("net delete demo4000", 1, "is in use by"),
    ] {
        let output = bridgechain(&lab, words)?;
        assert_eq!(output.status.code(), Some(status), "{words}");
        let said = String::from_utf8(output.stderr)?;
        assert!(said.contains(why), "{words}: {said}");
    }
    assert_eq!(fs::read_to_string(lab.layout().config())?, text);
    // One that changes nothing for the bridges comes last: what was sent before it has been heard.
    done(&lab, "acli net.create later vlan=9")?;
    done(&lab, "net delete later")?;
    wait::until("the bridges to be as before", || {
        Ok((flows(&lab)? == before).then_some(()))
    })?;
    let heard = snoops[0].count("OFPT_FLOW_MOD");
    let with_the_network = 2 * changes_of_a_network(&lab)?;
    assert_eq!(heard, with_the_network);
    Ok(())
}

/// How many flow-mods a network without members costs on the local bridge.
fn changes_of_a_network(lab: &Lab) -> Result<usize> {
    let said = done(lab, "net create later --vlan 9 --dry-run")?;
    planned(&said).first().copied().context("no plan")
}

#[test]
fn changes_at_the_same_time_are_all_made() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let words: Vec<String> = (100..104)
        .map(|vlan| format!("acli net.create net{vlan} vlan={vlan}"))
        .chain([format!(
            "acli vm.nic_update VM-104 52:54:00:42:34:ab {TO_TRUNKED}"
        )])
        .chain(["chain drain inspect ids".to_owned()])
        .collect();
    thread::scope(|scope| {
        let lab = &lab;
        let all: Vec<_> = words
            .iter()
            .map(|words| scope.spawn(move || done(lab, words)))
            .collect();
        all.into_iter().try_for_each(|one| match one.join() {
            Ok(result) => result.map(|_| ()),
            Err(_) => Err(anyhow::anyhow!("a command panicked")),
        })
    })?;
    controller.wait_for_log(": reloaded", words.len())?;
    let networks: Value = serde_json::from_str(&done(&lab, "net list --json")?)?;
    let names = networks.as_array().into_iter().flatten();
    let names: Vec<&str> = names
        .filter_map(|network| network["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "demo3000", "demo4000", "native", "net100", "net101", "net102", "net103"
        ]
    );
    // What is to be sent for the file as it is now: nothing.
    wait::until("all bridges to be in sync", || {
        let text = done(&lab, "chain enable inspect ids --instance ids0 --dry-run")?;
        ensure!(text == "no change\n", "{text}");
        let trunk = format!("acli vm.nic_update VM-104 52:54:00:42:34:ab {TO_TRUNKED}");
        ensure!(done(&lab, &trunk)? == "no change\n");
        let status: Value = serde_json::from_str(&status(&lab)?)?;
        let bridges = status["hosts"][0]["bridges"]
            .as_array()
            .context("no bridges")?;
        Ok(bridges
            .iter()
            .all(|bridge| bridge["in_sync"] == true)
            .then_some(()))
    })?;
    let without_ids = "eth1/4000 vm104/4000 vmd0/untagged";
    assert_seen(&lab, "vmc0", MacAddr::BROADCAST, without_ids);
    Ok(())
}

fn status(lab: &Lab) -> Result<String> {
    let mut command = Command::new(controller::program()?);
    command
        .arg("status")
        .arg(lab.layout().config())
        .arg("--json");
    Ok(String::from_utf8(command.output()?.stdout)?)
}
