//! What the API tells is what a real Open vSwitch has done.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::{FAR, WORLD, await_learned, start};
use integration::Lab;
use integration::frame::{Frame, Tag};
use integration::wait;
use openflow::MacAddr;
use serde_json::Value;

fn ask(lab: &Lab, resource: &str) -> Result<UnixStream> {
    let mut socket = UnixStream::connect(lab.dir().join("api.sock"))?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(socket, "GET {resource} HTTP/1.0\r\n\r\n")?;
    Ok(socket)
}

/// What is at `resource`.
fn text(lab: &Lab, resource: &str) -> Result<String> {
    let mut answer = String::new();
    ask(lab, resource)?.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
    ensure!(head.starts_with("HTTP/1.0 200 OK"), "{answer}");
    Ok(body.to_owned())
}

fn json(lab: &Lab, resource: &str) -> Result<Value> {
    Ok(serde_json::from_str(&text(lab, resource)?)?)
}

/// The samples whose names and labels contain all of `parts`, added up.
fn sum(metrics: &BTreeMap<String, f64>, parts: &[&str]) -> f64 {
    let agrees = |sample: &str| parts.iter().all(|part| sample.contains(part));
    let samples = metrics.iter().filter(|(sample, _)| agrees(sample));
    samples.map(|(_, value)| value).sum()
}

fn metrics(lab: &Lab) -> Result<BTreeMap<String, f64>> {
    // The counters of the datapath reach the flows at the next round of the revalidators.
    lab.ovs().appctl(&["revalidator/wait"])?;
    let text = text(lab, "/metrics")?;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = samples.map(|line| {
        let (sample, value) = line.rsplit_once(' ').context("a sample has a value")?;
        Ok((sample.to_owned(), value.parse()?))
    });
    parsed.collect()
}

fn send(lab: &Lab, port: &str, src: MacAddr, dst: MacAddr, tags: &[Tag], count: u64) -> Result<()> {
    for marker in 0..count {
        lab.transmit(port, &Frame::probe(src, dst, tags.to_vec(), marker))?;
    }
    Ok(())
}

/// What is counted, with what of it grows by how much in the test.
const COUNTED: [(&[&str], f64); 9] = [
    (&["vnic_frames_total", "port=\"vma0\"", "from_guest"], 25.0),
    (&["vnic_frames_total", "port=\"vmb0\"", "to_guest"], 20.0),
    (&["vnic_frames_total", "port=\"vmb0\"", "from_guest"], 3.0),
    // The one that accepts everything, and the one that is not concerned.
    (&["vnic_frames_total", "port=\"all0\"", "to_guest"], 20.0),
    (&["vnic_frames_total", "port=\"vmc0\"", "to_guest"], 0.0),
    (
        &["function_frames_total", "port=\"ids0\"", "to_function"],
        20.0,
    ),
    // Those that are dropped for their source are of the network; those of another VLAN are not.
    (
        &[
            "network_frames_total",
            "network=\"demo3000\"",
            "source=\"vnics\"",
        ],
        23.0,
    ),
    (
        &["dropped_frames_total", "cause=\"vlan\"", "port=\"vma0\""],
        5.0,
    ),
    (&["dropped_frames_total", "cause=\"spoofed\""], 3.0),
];

#[test]
fn frames_are_counted_where_they_were() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let before = metrics(&lab)?;
    let (a, b, c) = (lab.mac("vma0")?, lab.mac("vmb0")?, lab.mac("vmc0")?);
    send(&lab, "vma0", a, b, &[], 20)?;
    send(&lab, "vma0", a, b, &[Tag::vlan(4000)], 5)?;
    send(&lab, "vmb0", c, a, &[], 3)?;
    let grown = wait::until("all frames to be counted", || {
        let now = metrics(&lab)?;
        let grown = COUNTED.map(|(parts, _)| sum(&now, parts) - sum(&before, parts));
        let is_all = grown
            .iter()
            .zip(COUNTED)
            .all(|(grown, (_, all))| *grown >= all);
        Ok(is_all.then_some(grown))
    })?;
    for ((parts, expected), grown) in COUNTED.into_iter().zip(grown) {
        assert_eq!(grown, expected, "{parts:?}");
    }
    let drops = json(&lab, "/v1/drops?host=node1")?;
    let drops = drops["drops"].as_array().context("a list")?;
    let spoofed = drops
        .iter()
        .find(|it| it["cause"] == "spoofed" && it["frames"] == 3);
    assert_eq!(
        spoofed.context("the spoofed frames")?["bridge"],
        "br0.local"
    );
    Ok(())
}

#[test]
fn a_change_of_the_configuration_takes_nothing_from_what_was_counted() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    send(&lab, "vma0", a, b, &[Tag::vlan(4000)], 5)?;
    let parts = ["dropped_frames_total", "cause=\"vlan\"", "port=\"vma0\""];
    let counted = |at_least| {
        wait::until("the frames to be counted", || {
            let now = sum(&metrics(&lab)?, &parts);
            Ok((now >= at_least).then_some(now))
        })
    };
    assert_eq!(counted(5.0)?, 5.0);
    // Nobody reads these before their flow goes: only the notice of its end has them. The switch itself
    // has accounted for them, else it would count them to the flow that drops them from then on.
    send(&lab, "vma0", a, b, &[Tag::vlan(4000)], 4)?;
    lab.settle(&["vma0"])?;
    for _round in ["under way", "accounts"] {
        lab.ovs().appctl(&["revalidator/wait"])?;
    }
    // Without its port the flow is gone, and with it comes another one that begins at 0.
    let other = WORLD.replace("port: vma0", "port: other0");
    lab.change_config(&other)?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    assert_eq!(counted(9.0)?, 9.0);
    lab.change_config(WORLD)?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 3)?;
    send(&lab, "vma0", a, b, &[Tag::vlan(4000)], 2)?;
    assert_eq!(counted(11.0)?, 11.0);
    Ok(())
}

#[test]
fn what_the_switch_has_is_told() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    send(&lab, "eth1", FAR, lab.mac("vma0")?, &[Tag::vlan(3000)], 1)?;
    await_learned(&lab, "br0", FAR)?;
    let macs = json(&lab, "/v1/macs?network=demo3000")?;
    let macs = macs["macs"].as_array().context("a list")?;
    let found = |mac: MacAddr| {
        let found = macs.iter().find(|it| it["mac"] == mac.to_string());
        found.with_context(|| format!("no {mac} in {macs:?}"))
    };
    let far = found(FAR)?;
    assert_eq!(
        (&far["port"], &far["bridge"], &far["origin"]),
        (&"eth1".into(), &"br0".into(), &"learned".into())
    );
    assert_eq!(far["vm"], Value::Null);
    let pinned = found(lab.mac("vma0")?)?;
    assert_eq!(
        (&pinned["vm"], &pinned["origin"]),
        (&"VM-A".into(), &"pinned".into())
    );
    assert_eq!(pinned["port_number"], lab.ovs().ofport("vma0")?);

    let ports = json(&lab, "/v1/ports")?;
    for port in ports["ports"].as_array().context("a list")? {
        let name = port["name"].as_str().context("a name")?;
        // Whether the host itself uses a bridge is its own affair.
        if port["purpose"] != "local" {
            assert_eq!(port["number"], lab.ovs().ofport(name)?, "{name}");
            assert_eq!(port["link"], true, "{port}");
        }
    }
    for bridge in json(&lab, "/v1/bridges")?["bridges"]
        .as_array()
        .context("a list")?
    {
        let name = bridge["name"].as_str().context("a name")?;
        let flows = lab.ovs().flows(name)?.len();
        assert_eq!(bridge["flows"], flows, "{name}");
        assert_eq!(bridge["wanted_flows"], flows, "{name}");
        assert_eq!(
            (&bridge["in_sync"], &bridge["foreign_flows"]),
            (&true.into(), &0.into())
        );
    }

    // A port that goes is told to those who follow.
    let lines = BufReader::new(ask(&lab, "/v1/events/stream")?).lines();
    lab.ovs().vsctl(&["del-port", "vmd0"])?;
    controller.wait_for_log("port gone", 1)?;
    let gone = lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("data: ") && line.contains("port_gone"));
    assert!(gone.context("the stream goes on")?.contains("vmd0"));
    let vnic = &json(&lab, "/v1/vms/VM-D")?["vnics"][0];
    assert_eq!(
        (&vnic["present"], &vnic["link"]),
        (&false.into(), &false.into())
    );
    Ok(())
}
