//! `bridgechain mac list`: where addresses are, as frames have shown it.

mod common;

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use common::{FAR, WORLD, await_learned, start};
use integration::Lab;
use integration::controller;
use integration::frame::Tag;
use openflow::MacAddr;
use serde_json::Value;

fn mac_list(lab: &Lab, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(controller::program()?);
    command.args(["mac", "list"]).arg(lab.layout().config());
    command.args(arguments).output().context("mac list")
}

/// Addresses with their ports.
fn macs(lab: &Lab, arguments: &[&str]) -> Result<Vec<String>> {
    let output = mac_list(lab, &[arguments, &["--json"]].concat())?;
    ensure!(output.status.success(), "{output:?}");
    let list: Value = serde_json::from_slice(&output.stdout)?;
    let list = list["macs"].as_array().context("no list")?;
    let text = |mac: &Value, key: &str| mac[key].as_str().unwrap_or("-").to_owned();
    let macs = list.iter().map(|mac| {
        let [origin, address, port] = ["origin", "mac", "port"].map(|key| text(mac, key));
        format!("{origin} {address} {port}")
    });
    Ok(macs.collect())
}

#[test]
fn addresses_are_listed_by_network_vm_and_host() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let hello = lab.frame("eth1", MacAddr::BROADCAST)?;
    lab.probe(&hello.src(FAR).tags(&[Tag::vlan(4000)]))?;
    await_learned(&lab, "br0", FAR)?;
    let far = format!("learned {FAR} eth1");
    let guests = |ports: &[&str]| -> Result<Vec<String>> {
        let guests = ports.iter();
        guests
            .map(|port| Ok(format!("pinned {} {port}", lab.mac(port)?)))
            .collect()
    };
    let of_network = |name| {
        let mut found = macs(&lab, &["--network", name])?;
        found.sort();
        anyhow::Ok(found)
    };
    let expected = [vec![far.clone()], guests(&["vmc0", "vmd0"])?].concat();
    assert_eq!(of_network("demo4000")?, expected);
    assert_eq!(of_network("4000")?, expected);
    assert_eq!(macs(&lab, &["--vm", "VM-A"])?, guests(&["vma0"])?);
    assert!(macs(&lab, &["--host", "node1"])?.contains(&far));

    let text = mac_list(&lab, &["--vm", "VM-A"])?.stdout;
    let text = String::from_utf8(text)?;
    let mut lines = text.lines();
    let (head, row) = (lines.next().context("no head")?, lines.next());
    let column = head.find("MAC").context("no column")?;
    let address = row.and_then(|row| row.get(column..column + 17));
    assert_eq!(address, Some(&*lab.mac("vma0")?.to_string()), "{text}");

    let output = mac_list(&lab, &["--network", "demo300"])?;
    let stderr = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("demo3000"), "{stderr}");
    Ok(())
}
