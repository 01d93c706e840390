//! `bridgechain trace --live`: it says of the flows that the bridges hold what frames that are sent show.

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use common::{FAR, MULTICAST, NOBODY, WORLD, await_learned, start};
use integration::Lab;
use integration::controller;
use openflow::MacAddr;
use serde_json::Value;

fn trace(lab: &Lab, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(controller::program()?);
    command.arg("trace").arg(lab.layout().config());
    command.args(["--live", "--ovs-rundir"]).arg(lab.dir());
    command.args(arguments).output().context("trace")
}

/// What it says with `--json`, which has to end with this status.
fn report(lab: &Lab, from: &str, to: &str, status: i32) -> Result<Value> {
    let output = trace(lab, &["--from", from, "--to", to, "--json"])?;
    ensure!(output.status.code() == Some(status), "{output:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Who sees the frame: ports with tags, as a probe of the lab says it.
fn seen(sightings: &Value) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for sighting in sightings.as_array().into_iter().flatten() {
        for copies in sighting["copies"].as_array().into_iter().flatten() {
            let port = sighting["port"].as_str().unwrap_or_default();
            let tags = copies["tags"].as_str().unwrap_or_default();
            seen.insert(format!("{port} {tags} x{}", copies["count"]));
        }
    }
    seen
}

/// Sends the frame, and says who has seen it, in the same words.
fn sent(lab: &Lab, from: &str, to: MacAddr) -> Result<BTreeSet<String>> {
    let seen = lab.probe(&lab.frame(from, to)?)?.to_string();
    let copies = seen.split_whitespace().map(|copy| {
        let (port, tag) = copy.split_once('/').unwrap_or((copy, ""));
        let tags = match tag {
            "untagged" | "" => "untagged".to_owned(),
            vid => format!("tagged {vid}"),
        };
        format!("{port} {tags} x1")
    });
    Ok(copies.collect())
}

/// The flows that a frame has met: table, mark, and what of the configuration they come from.
fn flows(pass: &Value) -> Vec<&Value> {
    let steps = pass["steps"].as_array().into_iter().flatten();
    let mut flows = Vec::new();
    for step in steps {
        if step["step"] == "table" && step["priority"].is_u64() {
            flows.push(step);
        }
        flows.extend(self::flows(&step["next"]));
        flows.extend(self::flows(step));
    }
    flows
}

/// The line of the lab's config that contains a text.
fn line_of(lab: &Lab, text: &str) -> Result<String> {
    let config = lab.layout().config();
    let lines = std::fs::read_to_string(&config)?;
    let line = lines.lines().position(|line| line.contains(text));
    let line = line.with_context(|| format!("no {text}"))? + 1;
    Ok(format!("{}:{line}", config.display()))
}

#[test]
fn it_says_who_sees_what_frames_that_are_sent_show() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    // Somebody outside is heard of.
    lab.probe(&lab.frame("vma0", FAR)?)?;
    let hello = lab.frame("eth1", MacAddr::BROADCAST)?;
    lab.probe(&hello.src(FAR).tags(&[integration::frame::Tag::vlan(3000)]))?;
    await_learned(&lab, "br0", FAR)?;
    for (to, mac) in [
        ("VM-B", lab.mac("vmb0")?),
        ("VM-C", lab.mac("vmc0")?),
        ("outside", FAR),
        ("broadcast", MacAddr::BROADCAST),
        (&MULTICAST.to_string(), MULTICAST),
        (&NOBODY.to_string(), NOBODY),
    ] {
        let report = report(&lab, "VM-A", to, 0)?;
        let expected = sent(&lab, "vma0", mac)?;
        assert_eq!(seen(&report["sightings"]), expected, "{to}: {report:#}");
        assert!(report["wanted"].is_null(), "{report:#}");
    }
    Ok(())
}

#[test]
fn every_flow_has_the_line_that_it_comes_from() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let report = report(&lab, "VM-A", "VM-B", 0)?;
    let mut lines = BTreeSet::new();
    for flow in flows(&report["path"]) {
        assert!(flow["mark"].is_null(), "{flow:#}");
        let sources = flow["sources"].as_array().context("no list")?;
        assert!(!sources.is_empty(), "{flow:#}");
        lines.extend(sources.iter().filter_map(|it| it["at"].as_str()));
    }
    for text in [
        "demo3000: {",
        "port: vma0",
        "port: vmb0",
        "inspect:",
        "name: ids",
    ] {
        let line = line_of(&lab, text)?;
        assert!(lines.contains(line.as_str()), "{text} {line}: {lines:?}");
    }
    Ok(())
}

#[test]
fn a_flow_of_somebody_else_is_followed_and_marked() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    controller.kill()?;
    let (from, to) = (lab.ovs().ofport("vma0")?, lab.ovs().ofport("vmb0")?);
    let mac = lab.mac("vmb0")?;
    // Past the IDS.
    let flow =
        format!("cookie=0xbad,priority=60000,in_port={from},dl_dst={mac},actions=output:{to}");
    lab.ovs().ofctl(&["add-flow", "br0.local", &flow])?;
    lab.ovs().purge()?;
    let report = report(&lab, "VM-A", "VM-B", 1)?;
    let arrived = sent(&lab, "vma0", mac)?;
    assert_eq!(arrived, BTreeSet::from(["vmb0 untagged x1".to_owned()]));
    assert_eq!(seen(&report["sightings"]), arrived, "{report:#}");
    let marks: Vec<&Value> = flows(&report["path"])
        .iter()
        .map(|it| &it["mark"])
        .collect();
    assert_eq!(marks, ["foreign"]);
    let wanted = seen(&report["wanted"]);
    assert!(wanted.contains("ids0 tagged 3000 x1"), "{report:#}");

    // Without it, all is as it was.
    lab.ovs()
        .ofctl(&["del-flows", "br0.local", "cookie=0xbad/-1"])?;
    lab.ovs().purge()?;
    let report = self::report(&lab, "VM-A", "VM-B", 0)?;
    let arrived = sent(&lab, "vma0", mac)?;
    assert_eq!(arrived, wanted);
    assert_eq!(seen(&report["sightings"]), arrived, "{report:#}");
    Ok(())
}

#[test]
fn a_flow_that_was_altered_is_marked() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    controller.kill()?;
    // What delivers to VM-B.
    let mac = lab.mac("vmb0")?.to_string();
    let flows_now = lab.ovs().flows("br0.local")?;
    let is_it =
        |flow: &&String| flow.contains("table=7") && flow.contains(&format!("dl_dst={mac}"));
    let flow = flows_now.iter().find(is_it).context("no such flow")?;
    let key = flow.split_once(" actions=").context("no actions")?.0;
    let key = key.replace("send_flow_rem ", "");
    let altered = format!("{},actions=drop", key.trim().replace(", ", ","));
    lab.ovs().ofctl(&["add-flow", "br0.local", &altered])?;
    lab.ovs().purge()?;
    let report = report(&lab, "VM-A", "VM-B", 1)?;
    let arrived = sent(&lab, "vma0", lab.mac("vmb0")?)?;
    assert_eq!(seen(&report["sightings"]), arrived, "{report:#}");
    assert!(
        !arrived.iter().any(|it| it.starts_with("vmb0")),
        "{arrived:?}"
    );
    let all = flows(&report["path"]);
    let marked: Vec<&&Value> = all.iter().filter(|it| !it["mark"].is_null()).collect();
    assert_eq!(marked.len(), 1, "{marked:#?}");
    assert_eq!(marked[0]["mark"], "altered");
    let at = &marked[0]["sources"][0]["at"];
    assert_eq!(at.as_str(), Some(&*line_of(&lab, "port: vmb0")?));

    let text = trace(&lab, &["--from", "VM-A", "--to", "VM-B"])?.stdout;
    let text = String::from_utf8(text)?;
    assert!(text.contains("  !! ALTERED  # "), "{text}");
    assert!(
        text.contains("IT SHOULD BE, by the configuration:"),
        "{text}"
    );
    Ok(())
}

#[test]
fn what_the_switch_does_not_know_is_said() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let output = trace(&lab, &["--from", "VM-A", "--to", "outside"])?;
    let stderr = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(1), "{stderr}");
    ensure!(
        stderr.contains("the switch knows no address of outside at uplink eth1 in this network"),
        "{stderr}"
    );
    Ok(())
}
