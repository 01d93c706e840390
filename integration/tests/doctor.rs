//! `bridgechain doctor` on a real Open vSwitch: every fault that is put there is found, and the command
//! that is printed mends it.

mod common;

use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use bridgechain::cookie::Class;
use common::{TRUNKED, WORLD, start};
use integration::controller;
use integration::ovs::PrivateOvs;
use integration::{Lab, wait};
use serde_json::Value;

/// The world with a trunked vNIC and a second tap, on another machine.
fn world() -> String {
    let tap = "        instances: [{ host: node1, port: ids0 }]\n";
    let remote = "      - name: far
        mode: tap
        instances: [{ host: node1, port: vx0, remote: { type: vxlan, ip: 192.0.2.9, vni: 7 } }]\n";
    WORLD.replace(tap, &format!("{tap}{remote}")) + TRUNKED
}

/// A line for a shell, where the tools of Open vSwitch and `bridgechain` find what they need.
fn shell(lab: &Lab, line: &str) -> Result<Command> {
    let program = controller::program()?;
    let programs = program.parent().context("no directory")?.display();
    let path = std::env::var("PATH")?;
    let mut shell = lab.ovs().command("sh");
    shell
        .args(["-c", line])
        .env("PATH", format!("{programs}:{path}"))
        .stdin(Stdio::null());
    Ok(shell)
}

fn sh(lab: &Lab, line: &str) -> Result<()> {
    let output = shell(lab, line)?.output()?;
    ensure!(output.status.success(), "{line}: {output:?}");
    Ok(())
}

fn doctor(lab: &Lab, options: &str) -> Result<Output> {
    let config = lab.layout().config();
    let line = format!("bridgechain doctor {} {options}", config.display());
    Ok(shell(lab, &line)?.output()?)
}

/// What is wrong.
fn wrong(lab: &Lab) -> Result<Vec<Value>> {
    let output = doctor(lab, "--json")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let all = report["findings"].as_array().context("no findings")?;
    let wrong = all.iter().filter(|finding| finding["level"] != "ok");
    let wrong: Vec<Value> = wrong.cloned().collect();
    let expected = i32::from(!wrong.is_empty());
    ensure!(output.status.code() == Some(expected), "{output:?}");
    Ok(wrong)
}

/// Waits until it finds something.
fn await_finding(lab: &Lab, check: &str, subject: &str) -> Result<Value> {
    let mut last = Vec::new();
    let found = wait::until(&format!("the finding {check} {subject}"), || {
        last = wrong(lab)?;
        let mut found = last.iter();
        let found = found.find(|it| it["check"] == check && it["subject"] == subject);
        Ok(found.cloned())
    });
    found.with_context(|| format!("{last:#?}"))
}

/// Waits until nothing is wrong. Where a fault has several sides, each has its command.
fn await_health(lab: &Lab, what: &str) -> Result<()> {
    let mut last = Vec::new();
    let healthy = wait::until(&format!("all to be well after {what}"), || {
        last = wrong(lab)?;
        if !last.is_empty() {
            let commands = doctor(lab, "--commands")?.stdout;
            for line in String::from_utf8(commands)?.lines() {
                sh(lab, line)?;
            }
        }
        Ok(last.is_empty().then_some(()))
    });
    healthy.with_context(|| format!("{last:#?}"))
}

/// A fault: how it comes about, and what is found.
const FAULTS: [(&str, &str, &str); 27] = [
    ("ovs-vsctl set-fail-mode br0 standalone", "fail-mode", "br0"),
    (
        "ovs-vsctl remove Bridge br0 other_config datapath-id",
        "datapath-id",
        "br0",
    ),
    (
        "ovs-vsctl set Bridge br.nf other_config:datapath-id=00000000000000aa",
        "datapath-id",
        "br.nf",
    ),
    (
        "ovs-vsctl remove Bridge br0 other_config disable-in-band -- \
         set Controller br0 connection_mode=in-band",
        "in-band",
        "br0",
    ),
    ("ovs-vsctl del-controller br0", "controller", "br0"),
    (
        "ovs-vsctl set-controller br0 tcp:127.0.0.1:6653 tcp:127.0.0.1:6654",
        "controller",
        "br0",
    ),
    (
        "ovs-vsctl set Bridge br0 protocols=OpenFlow10",
        "protocols",
        "br0",
    ),
    (
        "ovs-vsctl set Bridge br0 stp_enable=true",
        "spanning-tree",
        "br0",
    ),
    (
        "ovs-vsctl -- --id=@m create Mirror name=m select_all=true -- set Bridge br0 mirrors=@m",
        "mirror",
        "br0",
    ),
    (
        "ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2",
        "vlan-limit",
        "Open_vSwitch",
    ),
    ("ovs-vsctl del-port nf-local", "patch", "nf-local"),
    (
        "ovs-vsctl set Interface uplink-nf options:peer=nobody",
        "patch",
        "uplink-nf",
    ),
    (
        "ovs-vsctl del-port nf-local -- add-port br0 nf-local -- \
         set Interface nf-local type=patch options:peer=local-nf",
        "patch",
        "nf-local",
    ),
    ("ovs-vsctl set Interface vx0 options:key=8", "tunnel", "vx0"),
    ("ovs-vsctl del-port vx0", "tunnel", "vx0"),
    ("ovs-vsctl del-port br0.local vma0", "port", "vma0"),
    ("ovs-vsctl del-port br0 eth1", "port", "eth1"),
    (
        "ovs-vsctl del-port ids0 -- add-port br0.local ids0 -- \
         set Interface ids0 external_ids:vm-id=x:y",
        "port",
        "ids0",
    ),
    ("ip link set dev ids0 down", "link", "ids0"),
    ("ip link set dev eth1 down", "link", "eth1"),
    (
        "ip link add stray0 type veth peer name stray1; ovs-vsctl add-port br0.local stray0; \
         ip link delete stray0",
        "stray",
        "stray0",
    ),
    (
        "ovs-vsctl set Interface vma0 mtu_request=1600",
        "mtu",
        "ids0",
    ),
    ("ethtool -K eth1 gro on", "offload", "eth1"),
    (
        "ovs-ofctl -O OpenFlow13 add-flow br0 cookie=0xbad,priority=9,actions=drop",
        "foreign",
        "br0",
    ),
    (
        "ovs-ofctl -O OpenFlow13 add-group br.nf group_id=7,type=all",
        "foreign",
        "br.nf",
    ),
    (
        "ovs-ofctl -O OpenFlow13 add-meter br.nf meter=8,pktps,band=type=drop,rate=5",
        "foreign",
        "br.nf",
    ),
    ("ovs-vsctl del-br br.nf", "bridge", "br.nf"),
];

#[test]
fn every_fault_is_found_and_mended_by_its_command() -> Result<()> {
    let (lab, _controller) = start(&world())?;
    await_health(&lab, "the start")?;
    let output = doctor(&lab, "")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(text.ends_with("\nnode1: all is well\n"), "{text}");
    for (fault, check, subject) in FAULTS {
        sh(&lab, fault)?;
        let finding = await_finding(&lab, check, subject)?;
        let mend = finding["mend"].as_str();
        let mend = mend.with_context(|| format!("no command: {finding}"))?;
        sh(&lab, mend).with_context(|| fault.to_owned())?;
        wait::until(&format!("{mend} to mend {fault}"), || {
            let wrong = wrong(&lab)?;
            let is_mended = !wrong.contains(&finding);
            Ok(is_mended.then_some(()))
        })?;
        await_health(&lab, fault)?;
        if (check, subject) == ("port", "ids0") {
            // It was moved with what belongs to it.
            let id = ["get", "Interface", "ids0", "external_ids:vm-id"];
            let id = lab.ovs().vsctl(&id)?;
            assert_eq!(id.trim().trim_matches('"'), "x:y");
        }
    }
    Ok(())
}

#[test]
fn what_is_not_mended_on_this_machine_is_found() -> Result<()> {
    let (lab, controller) = start(&world())?;
    await_health(&lab, "the start")?;

    sh(&lab, "ip address flush dev br0")?;
    ensure!(await_finding(&lab, "route", "vx0")?["mend"].is_null());
    sh(&lab, "ip address add 192.0.2.1/24 dev br0")?;
    await_health(&lab, "the route")?;

    let guest = lab.namespace("vma0")?;
    guest.ip(&["link", "set", "dev", "eth0", "down"])?;
    let finding = await_finding(&lab, "link", "vma0")?;
    ensure!(
        finding["mend"].is_null() && finding["level"] == "warning",
        "{finding}"
    );
    guest.ip(&["link", "set", "dev", "eth0", "up"])?;
    await_health(&lab, "the link")?;

    // A VM that has ended without taking its port along.
    sh(&lab, "ip link delete vmc0")?;
    let finding = await_finding(&lab, "device", "vmc0")?;
    sh(&lab, finding["mend"].as_str().context("no command")?)?;
    let finding = await_finding(&lab, "port", "vmc0")?;
    ensure!(finding["level"] == "warning", "{finding}");

    controller.kill()?;
    lab.ovs().ofctl(&["del-flows", "br0", "table=1"])?;
    // It is told that some time later.
    let connected = await_finding(&lab, "connected", "br0")?;
    let finding = await_finding(&lab, "flows", "br0")?;
    assert_eq!(finding["mend"], connected["mend"]);
    let mend = finding["mend"].as_str().context("no command")?;
    let _running = Running(
        shell(&lab, &format!("exec {mend}"))?
            .stderr(Stdio::null())
            .spawn()?,
    );
    wait::until("the controller to mend it", || {
        let wrong = wrong(&lab)?;
        Ok((wrong == [await_finding(&lab, "port", "vmc0")?]).then_some(()))
    })?;

    lab.ovs().stop_vswitchd()?;
    await_finding(&lab, "answer", "br0")?;
    Ok(())
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_function_that_does_not_forward_is_found() -> Result<()> {
    let tap = "      - name: ids
        mode: tap
        instances: [{ host: node1, port: ids0 }]\n";
    let inline = "      - name: ips
        mode: inline
        health_check: { interval: 1, timeout: 1, failure_threshold: 1 }
        instances: [{ host: node1, ingress: ips-in, egress: ips-out }]\n";
    ensure!(WORLD.contains(tap));
    let (lab, _controller) = start(&WORLD.replace(tap, inline))?;
    let finding = await_finding(&lab, "health", "ips-in")?;
    ensure!(finding["level"] == "error", "{finding}");
    Ok(())
}

#[test]
fn a_guest_that_is_found_is_never_unplugged_and_missed_where_the_controller_is_not_told()
-> Result<()> {
    let lab = Lab::from_config(WORLD)?;
    let changes = [
        ("port: vma0, ", ""),
        (
            "uplinks: [eth1]",
            "uplinks: [eth1]\n    ovsdb: unix:@DIR@/db.sock",
        ),
    ];
    let found = changes.iter().fold(WORLD.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    });
    lab.change_config(&found)?;
    let ids = format!("external_ids:attached-mac=\"{}\"", lab.mac("vma0")?);
    lab.ovs().vsctl(&["set", "Interface", "vma0", &ids])?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("vNIC found at port vma0", 1)?;
    await_health(&lab, "the start")?;

    // What a VM that has crashed left behind. Its name is the last.
    let left = ["add-port", "br0.local", "vnet9"];
    let noted = ["--", "set", "Interface", "vnet9", &ids];
    // It waits for no port, as there is none.
    let words = [&["--no-wait"][..], &left, &noted].concat();
    lab.ovs().vsctl(&words)?;
    wait::until("the row to be no port", || {
        let number = lab.ovs().vsctl(&["get", "Interface", "vnet9", "ofport"])?;
        Ok((number.trim() == "-1").then_some(()))
    })?;
    let finding = await_finding(&lab, "stray", "vnet9")?;
    ensure!(finding["mend"].is_null(), "{finding}");
    assert_eq!(wrong(&lab)?, [finding]);
    let commands = doctor(&lab, "--commands")?.stdout;
    assert_eq!(String::from_utf8(commands)?, "");

    lab.ovs().vsctl(&["del-port", "br0.local", "vnet9"])?;
    await_health(&lab, "the row")?;
    controller.kill()?;
    // Its notes are gone, and the guest runs.
    let notes = format!("cookie={:#x}/-1", Class::Bound.cookie().0);
    lab.ovs().ofctl(&["del-flows", "br0.local", &notes])?;
    let finding = await_finding(&lab, "port", "vma0")?;
    ensure!(
        finding["level"] == "error" && finding["mend"].is_null(),
        "{finding}"
    );
    Ok(())
}

/// The database that the configuration names has to be that of this machine.
#[test]
fn a_database_that_does_not_answer_or_is_another_machines_is_found() -> Result<()> {
    let lab = Lab::from_config(WORLD)?;
    let with = |endpoint: &str| {
        let uplinks = "uplinks: [eth1]";
        let named = format!("{uplinks}\n    ovsdb: {endpoint}");
        let text = WORLD.replace("port: vma0, ", "").replace(uplinks, &named);
        lab.change_config(&text)
    };
    with("tcp:127.0.0.1:6640")?;
    let ids = format!("external_ids:attached-mac=\"{}\"", lab.mac("vma0")?);
    lab.ovs().vsctl(&["set", "Interface", "vma0", &ids])?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("no OVS database", 1)?;
    let finding = await_finding(&lab, "ovsdb", "node1")?;
    sh(&lab, finding["mend"].as_str().context("no command")?)?;
    controller.wait_for_log("vNIC found at port vma0", 1)?;
    await_health(&lab, "the database")?;

    // That of a machine with a bridge of the same name.
    let dir = lab.dir().join("other");
    std::fs::create_dir(&dir)?;
    let other = PrivateOvs::at(&dir, lab.layout().host());
    other.create_database()?;
    other.start_database()?;
    other.vsctl(&["--no-wait", "init", "--", "add-br", "br0.local"])?;
    with(&other.db())?;
    let finding = await_finding(&lab, "ovsdb", "node1")?;
    let what = finding["what"].as_str().unwrap_or_default();
    let own = format!(
        "another machine's. Give this host `ovsdb: {}`",
        lab.ovs().db()
    );
    ensure!(what.ends_with(&own), "{finding}");
    ensure!(finding["mend"].is_null(), "{finding}");
    with(&lab.ovs().db())?;
    await_health(&lab, "its own database")
}

#[test]
fn without_a_configuration_bridges_with_a_controller_are_looked_at() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let line = "bridgechain doctor";
    wait::until("all to be well", || {
        let output = shell(&lab, line)?.output()?;
        Ok(output.status.success().then_some(()))
    })?;
    lab.ovs().vsctl(&["set-fail-mode", "br0", "standalone"])?;
    let commands = shell(&lab, &format!("{line} --commands"))?.output()?;
    ensure!(commands.status.code() == Some(1), "{commands:?}");
    assert_eq!(
        String::from_utf8(commands.stdout)?,
        format!(
            "ovs-vsctl --db={} set-fail-mode br0 secure\n",
            lab.ovs().db()
        )
    );
    Ok(())
}
