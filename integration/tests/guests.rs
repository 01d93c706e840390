//! Guests are found by what the OVS database says of their interfaces, whatever these are called.

mod common;

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use common::{WORLD, assert_seen, await_flows, flows, snoop};
use integration::controller::{self, Controller};
use integration::stream::Arrived;
use integration::{Lab, wait};
use nix::sys::signal::Signal;
use openflow::MacAddr;
use serde_json::Value;

/// VM-A and VM-B are found by their addresses, VM-104 by what libvirt calls its interface.
fn found() -> String {
    let changes = [
        ("port: vma0, ", ""),
        ("port: vmb0, ", ""),
        ("port: vm104\n", "match: { iface_id: 3f6cbd2b-5c4b }\n"),
        (
            "uplinks: [eth1]",
            "uplinks: [eth1]\n    ovsdb: unix:@DIR@/db.sock",
        ),
    ];
    changes.iter().fold(WORLD.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    })
}

/// A lab in which all guests run, and its controller; all bridges are in sync.
fn start() -> Result<(Lab, Controller)> {
    let lab = Lab::from_config(WORLD)?;
    lab.change_config(&found())?;
    for port in ["vma0", "vmb0"] {
        set_mac(&lab, port, port)?;
    }
    let ids = "external_ids:iface-id=3f6cbd2b-5c4b";
    lab.ovs().vsctl(&["set", "Interface", "vm104", ids])?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("OVS database connected", 1)?;
    for guest in ["vma0", "vmb0", "vm104"] {
        controller.wait_for_log(&format!("vNIC found at port {guest}"), 1)?;
        await_served(&lab, guest)?;
    }
    Ok((lab, controller))
}

/// Notes that an interface has the address of a station.
fn set_mac(lab: &Lab, station: &str, interface: &str) -> Result<()> {
    let ids = format!("external_ids:attached-mac=\"{}\"", lab.mac(station)?);
    lab.ovs()
        .vsctl(&["set", "Interface", interface, &ids])
        .map(drop)
}

/// Waits until the local bridge has flows for frames from a port.
fn await_served(lab: &Lab, interface: &str) -> Result<()> {
    let number = lab.ovs().ofport(interface)?;
    await_flows(lab, "br0.local", &format!("in_port={number},"), true)
}

/// The transaction by which libvirt plugs in the tap of a guest that starts.
fn plug(lab: &Lab, station: &str, interface: &str) -> Result<()> {
    let mac = lab.mac(station)?;
    let ids = [
        format!("external_ids:attached-mac=\"{mac}\""),
        "external_ids:iface-id=\"0a0b\"".to_owned(),
        "external_ids:vm-id=\"f00d\"".to_owned(),
        "external_ids:iface-status=active".to_owned(),
    ];
    let mut words = vec![
        "--",
        "--if-exists",
        "del-port",
        interface,
        "--",
        "add-port",
        "br0.local",
        interface,
    ];
    for id in &ids {
        words.extend(["--", "set", "Interface", interface, id]);
    }
    lab.ovs().vsctl(&words).map(drop)
}

/// The guest of vmb0 is plugged in under another name.
fn start_as_vnet9(lab: &mut Lab) -> Result<()> {
    lab.rename("vmb0", "vnet9")?;
    plug(lab, "vmb0", "vnet9")?;
    await_served(lab, "vnet9")
}

/// Frames from vma0 to vmb0 arrive there, and are copied.
#[track_caller]
fn assert_vmb0_served(lab: &Lab) -> Result<()> {
    assert_seen(
        lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    Ok(())
}

/// What `bridgechain status` says of the host.
fn status(lab: &Lab) -> Result<Value> {
    let program = controller::program()?.to_string_lossy();
    let mut command = lab.layout().host().command(&program);
    let told = command
        .args(["status", "--json"])
        .arg(lab.layout().config())
        .output()?;
    ensure!(told.status.success(), "{told:?}");
    let status: Value = serde_json::from_slice(&told.stdout)?;
    Ok(status["hosts"][0].clone())
}

#[test]
fn a_vm_that_starts_under_another_name_is_served_and_its_frames_are_copied() -> Result<()> {
    let (mut lab, controller) = start()?;
    assert_vmb0_served(&lab)?;
    assert_seen(
        &lab,
        "vmb0",
        MacAddr::BROADCAST,
        "all0/untagged eth1/3000 ids0/3000 vm104/untagged vma0/untagged",
    );

    lab.rename("vmb0", "vnet9")?;
    controller.wait_for_log("vNIC no longer at port vmb0", 1)?;
    plug(&lab, "vmb0", "vnet9")?;
    controller.wait_for_log("vNIC found at port vnet9", 1)?;
    await_served(&lab, "vnet9")?;
    assert_vmb0_served(&lab)?;
    assert_seen(
        &lab,
        "vmb0",
        MacAddr::BROADCAST,
        "all0/untagged eth1/3000 ids0/3000 vm104/untagged vma0/untagged",
    );

    let status = status(&lab)?;
    assert_eq!(status["database"]["connected"], true, "{status}");
    assert_eq!(status["guests"][1]["vm"], "VM-B");
    assert_eq!(status["guests"][1]["port"], "vnet9");
    assert_eq!(status["guests"][1]["present"], true);
    Ok(())
}

#[test]
fn an_interface_that_says_nothing_or_lies_about_itself_is_nobody() -> Result<()> {
    let (mut lab, controller) = start()?;
    lab.rename("vmb0", "vnet9")?;
    controller.wait_for_log("vNIC no longer at port vmb0", 1)?;
    let stream = lab.stream("vmb0", MacAddr::BROADCAST)?;
    lab.ovs().vsctl(&["add-port", "br0.local", "vnet9"])?;
    controller.wait_for_log("port added", 1)?;
    // On a bridge where guests are not plugged in.
    lab.ovs()
        .vsctl(&["del-port", "vnet9", "--", "add-port", "br0", "vnet9"])?;
    set_mac(&lab, "vmb0", "vnet9")?;
    controller.wait_for_log("vnet9 is on br0, and belongs on br0.local", 1)?;
    // The port of another guest, which the configuration names.
    set_mac(&lab, "vmb0", "vmc0")?;
    controller.wait_for_log("vmc0 claims to be it", 1)?;
    let status = status(&lab)?;
    assert_eq!(status["guests"][1]["port"], Value::Null, "{status}");
    assert_eq!(
        status["database"]["problems"].as_array().map(Vec::len),
        Some(2),
        "{status}"
    );
    assert_eq!(lab.arrived(&stream, "ids0"), 0);
    // The first one is told no more once it is plugged in rightly.
    plug(&lab, "vmb0", "vnet9")?;
    lab.await_stream(&stream, "ids0", 1)?;
    stream.finish(&lab).context("the stream")?;
    assert_seen(
        &lab,
        "vmb0",
        lab.mac("vma0")?,
        "all0/untagged ids0/3000 vma0/untagged",
    );
    Ok(())
}

#[test]
fn a_database_that_hangs_stops_no_traffic() -> Result<()> {
    let (mut lab, controller) = start()?;
    let stream = lab.stream("vma0", lab.mac("vmb0")?)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    lab.ovs().signal_database(Signal::SIGSTOP)?;
    controller.wait_for_log("no OVS database", 1)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    let told = status(&lab)?;
    assert_eq!(told["database"]["connected"], false, "{told}");
    assert_eq!(told["guests"][0]["port"], "vma0", "{told}");

    // A controller that starts meanwhile finds what the one before had found.
    let before = flows(&lab)?;
    controller.kill()?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    assert_eq!(flows(&lab)?, before);
    lab.await_stream(&stream, "vmb0", 10)?;
    assert_eq!(controller.logged("flow_mods=0 "), 3, "{}", controller.log());
    assert_eq!(controller.logged("OVS database connected"), 0);

    let snoops = snoop(&lab)?;
    lab.ovs().signal_database(Signal::SIGCONT)?;
    controller.wait_for_log("OVS database connected", 1)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    for snoop in &snoops {
        assert_eq!(
            snoop.count("OFPT_FLOW_MOD"),
            0,
            "it says what was known already"
        );
    }
    let tally = stream.finish(&lab)?;
    for port in ["vmb0", "ids0", "all0"] {
        assert_eq!(tally.at(port), Arrived::EXACTLY_ONCE, "{port}");
    }
    start_as_vnet9(&mut lab)?;
    assert_vmb0_served(&lab)
}

/// Without its database ovs-vswitchd itself neither speaks OpenFlow nor, with the datapath in user
/// space, forwards frames; both go on when the database is back.
#[test]
fn after_a_database_has_died_and_is_back_everything_is_as_before() -> Result<()> {
    let (mut lab, controller) = start()?;
    let before = flows(&lab)?;
    lab.ovs().signal_database(Signal::SIGKILL)?;
    controller.wait_for_log("no OVS database", 1)?;
    lab.ovs().start_database()?;
    controller.wait_for_log("OVS database connected", 2)?;
    assert_vmb0_served(&lab)?;
    assert_eq!(flows(&lab)?, before);
    assert_eq!(controller.logged("no longer at port"), 0);
    start_as_vnet9(&mut lab)?;
    assert_vmb0_served(&lab)
}

/// Where the database is may be changed by a reload; TCP will do as well.
#[test]
fn a_reload_finds_the_database_elsewhere() -> Result<()> {
    let lab = Lab::from_config(WORLD)?;
    let there = "ovsdb: unix:@DIR@/db.sock";
    assert!(found().contains(there));
    lab.change_config(&found().replace(there, "ovsdb: unix:@DIR@/nowhere.sock"))?;
    for port in ["vma0", "vmb0"] {
        set_mac(&lab, port, port)?;
    }
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    controller.wait_for_log("No such file or directory", 1)?;
    // The others are served all the same.
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/4000 ids0/4000 vmd0/untagged",
    );
    let remote = [
        "-t",
        "ovsdb-server",
        "ovsdb-server/add-remote",
        "ptcp:6640:127.0.0.1",
    ];
    lab.ovs().appctl(&remote)?;
    lab.change_config(&found().replace(there, "ovsdb: tcp:127.0.0.1:6640"))?;
    controller.reload()?;
    controller.wait_for_log("vNIC found at port", 2)?;
    await_served(&lab, "vma0")?;
    await_served(&lab, "vmb0")?;
    assert_vmb0_served(&lab)?;
    // One that does not answer: what the one before has said of itself counts no more, and guests stay.
    let _silent = UnixListener::bind(lab.dir().join("silent.sock"))?;
    lab.change_config(&found().replace(there, "ovsdb: unix:@DIR@/silent.sock"))?;
    controller.reload()?;
    let told = wait::until("a database that has not answered", || {
        let told = status(&lab)?;
        Ok((told["database"]["error"] == "not answered yet").then_some(told))
    })?;
    assert_eq!(told["database"]["connected"], false, "{told}");
    assert_eq!(told["guests"][1]["port"], "vmb0", "{told}");
    assert_vmb0_served(&lab)?;
    // Nothing is found by it any more.
    lab.change_config(WORLD)?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 3)?;
    assert_vmb0_served(&lab)
}

/// TLS, with certificates and a server as Open vSwitch has them.
#[test]
fn a_database_is_reached_by_tls_and_only_the_right_one() -> Result<()> {
    let (lab, controller) = start()?;
    controller.terminate()?;
    let certificates = lab.ovs().make_certificates()?;
    lab.ovs().signal_database(Signal::SIGTERM)?;
    wait::until("the end of ovsdb-server", || {
        Ok((!lab.dir().join("ovsdb-server.pid").exists()).then_some(()))
    })?;
    let options = certificates.options("pssl:6640:127.0.0.1");
    lab.ovs().start_database_with(&options)?;

    let ca = lab.dir().join("ovsdb-ca.pem");
    let trust = |kind: &str| fs::copy(certificates.ca(kind), &ca).map(drop);
    let there = "ovsdb: unix:@DIR@/db.sock";
    let by_tls = |own: &str| {
        let tls =
            format!("ovsdb: ssl:127.0.0.1:6640\n    ovsdb_tls: {{ ca: @DIR@/ovsdb-ca.pem{own} }}");
        found().replace(there, &tls)
    };
    let own = format!(
        ", certificate: {}, private_key: {}",
        certificates.certificate("bridgechain").display(),
        certificates.private_key("bridgechain").display()
    );

    // A server whose certificate another CA has signed says nothing that counts.
    trust("controller")?;
    lab.change_config(&by_tls(&own))?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("is not signed by a CA in", 1)?;
    let told = status(&lab)?;
    assert_eq!(told["database"]["connected"], false, "{told}");
    let why = told["database"]["error"].as_str().unwrap_or_default();
    assert!(why.contains("is not signed by a CA in"), "{told}");
    assert_eq!(controller.logged("OVS database connected"), 0);

    trust("switch")?;
    controller.reload()?;
    controller.wait_for_log("OVS database connected", 1)?;
    lab.await_sync(&controller)?;
    for guest in ["vma0", "vmb0", "vm104"] {
        await_served(&lab, guest)?;
    }
    assert_vmb0_served(&lab)?;
    let told = status(&lab)?;
    assert_eq!(told["database"]["connected"], true, "{told}");
    assert_eq!(told["database"]["endpoint"], "ssl:127.0.0.1:6640", "{told}");

    // A reload reads the files again, and what was connected by others is connected anew; one that
    // changes nothing does not.
    controller.reload()?;
    controller.wait_for_log("reloaded", 2)?;
    trust("controller")?;
    controller.reload()?;
    controller.wait_for_log("is not signed by a CA in", 2)?;
    assert_eq!(controller.logged("OVS database connected"), 1);
    trust("switch")?;
    controller.wait_for_log("OVS database connected", 2)?;

    // The server asks who connects.
    lab.change_config(&by_tls(""))?;
    controller.reload()?;
    controller.wait_for_log("the server wants a certificate: give `certificate`", 1)?;

    // A file that is gone is seen before anything is changed.
    fs::remove_file(&ca)?;
    controller.reload()?;
    controller.wait_for_log("hosts.node1.ovsdb_tls.ca: cannot read /", 1)?;
    // vNICs are where they were all the time.
    assert_vmb0_served(&lab)?;
    assert_eq!(controller.logged("no longer at port"), 0);
    Ok(())
}

/// What the bridges hold is what the file wants of guests where they are.
#[test]
fn found_guests_are_proved() -> Result<()> {
    let (mut lab, controller) = start()?;
    start_as_vnet9(&mut lab)?;
    let prove = |options: &[&str]| -> Result<String> {
        let program = controller::program()?.to_string_lossy();
        let mut prove = lab.ovs().command(&program);
        prove.args(["prove", "--live"]).args(options);
        let told = prove.arg(lab.layout().config()).output()?;
        let text = String::from_utf8(told.stdout)?;
        ensure!(told.status.success(), "{text}");
        Ok(text)
    };
    let text = prove(&[])?;
    ensure!(!text.contains("absent"), "{text}");

    // One that has ended is none that anything is said of.
    lab.ovs().vsctl(&["del-port", "vnet9"])?;
    controller.wait_for_log("vNIC no longer at port vnet9", 1)?;
    let by = format!("external_ids:attached-mac={}", lab.mac("vmb0")?);
    let absent = format!(
        "\nTaken as absent, so nothing is proved of them:\n  vNIC of VM VM-B ({by}) on br0.local\n"
    );
    let text = wait::until("the controller to have noted it", || {
        let text = prove(&[])?;
        Ok(text.contains("absent").then_some(text))
    })?;
    ensure!(text.contains(&absent), "{text}");
    let reports: Value = serde_json::from_str(&prove(&["--json"])?)?;
    assert_eq!(
        reports[0]["absent"],
        serde_json::json!([{ "vm": "VM-B", "port": by, "bridge": "br0.local" }])
    );
    Ok(())
}

/// An IDS in a VM whose tap has another name each time gets its copies again, wherever it is.
#[test]
fn a_function_that_is_found_gets_its_copies_again_under_another_name() -> Result<()> {
    let changes = [
        ("port: ids0 }", "match: { vm_id: 8f2d4d64 } }"),
        (
            "uplinks: [eth1]",
            "uplinks: [eth1]\n    ovsdb: unix:@DIR@/db.sock",
        ),
    ];
    let config = changes.iter().fold(WORLD.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    });
    let mut lab = Lab::from_config(WORLD)?;
    lab.change_config(&config)?;
    let ids = "external_ids:vm-id=8f2d4d64";
    lab.ovs().vsctl(&["set", "Interface", "ids0", ids])?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("function port found at port ids0", 1)?;
    lab.await_sync(&controller)?;
    await_copied(&lab, "ids0")?;
    assert_vmb0_served(&lab)?;

    lab.rename("ids0", "vnet7")?;
    controller.wait_for_log("function port no longer at port ids0", 1)?;
    let stream = lab.stream("vma0", lab.mac("vmb0")?)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    // On a bridge where functions are not plugged in it is none.
    let plug = |bridge| {
        let words = ["add-port", bridge, "vnet7"];
        let noted = ["--", "set", "Interface", "vnet7", ids];
        lab.ovs()
            .vsctl(&[words.as_slice(), &noted].concat())
            .map(drop)
    };
    plug("br0.local")?;
    controller.wait_for_log("vnet7 is on br0.local, and belongs on br.nf", 1)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    assert_eq!(lab.arrived(&stream, "ids0"), 0);
    lab.ovs().vsctl(&["del-port", "vnet7"])?;
    plug("br.nf")?;
    lab.await_stream(&stream, "ids0", 10)?;
    stream.finish(&lab).context("the stream")?;
    assert_eq!(controller.logged("function port found at port vnet7"), 1);
    assert_vmb0_served(&lab)?;

    let told = status(&lab)?;
    let expected = serde_json::json!([{
        "function": "ids",
        "found_by": "external_ids:vm-id=8f2d4d64",
        "bridge": "br.nf",
        "port": "vnet7",
        "present": true,
    }]);
    assert_eq!(told["function_ports"], expected, "{told}");

    // Nothing is wrong, and a new controller has nothing to change.
    let program = controller::program()?.to_string_lossy();
    for words in [&["doctor"][..], &["prove", "--live"]] {
        let mut command = lab.ovs().command(&program);
        command.args(words).arg(lab.layout().config());
        let mut last = None;
        let well = wait::until(&format!("all to be well for {}", words[0]), || {
            let output = command.output()?;
            let is_well = output.status.success();
            last = Some(output);
            Ok(is_well.then_some(()))
        });
        well.with_context(|| format!("{last:?}"))?;
    }
    let before = flows(&lab)?;
    controller.kill()?;
    lab.ovs().signal_database(Signal::SIGSTOP)?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    assert_eq!(flows(&lab)?, before);
    assert_eq!(controller.logged("flow_mods=0 "), 3, "{}", controller.log());
    lab.ovs().signal_database(Signal::SIGCONT)?;
    controller.wait_for_log("OVS database connected", 1)?;
    assert_vmb0_served(&lab)
}

/// Waits until the service bridge knows a port as that of a function.
fn await_copied(lab: &Lab, interface: &str) -> Result<()> {
    let number = lab.ovs().ofport(interface)?;
    await_flows(lab, "br.nf", &format!("in_port={number} "), true)
}

#[test]
fn the_lab_brings_guests_up_that_are_found() -> Result<()> {
    let lab = Lab::from_config(&found())?;
    let controller = lab.start_controller()?;
    for tap in ["tap0", "tap1", "tap6"] {
        controller.wait_for_log(&format!("vNIC found at port {tap}"), 1)?;
        await_served(&lab, tap)?;
    }
    assert_seen(
        &lab,
        "tap0",
        lab.mac("tap1")?,
        "all0/untagged ids0/3000 tap1/untagged",
    );
    Ok(())
}

/// How long it takes from `ovs-vsctl add-port` to the first frame that the IDS gets of a guest which
/// sends all the time, for one that is found and, to compare, for one whose port is named.
#[test]
fn the_first_copy_comes_soon_after_the_port() -> Result<()> {
    const ROUNDS: usize = 15;
    let (mut lab, _controller) = start()?;
    for (what, station) in [
        ("found by its address", "vmb0"),
        ("named in the config", "vmc0"),
    ] {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let name = |round: usize| match (station, round) {
                ("vmb0", 1..) => format!("vnet{round}"),
                _ => station.to_owned(),
            };
            let (old, new) = (name(round), name(round + 1));
            let number = lab.ovs().ofport(&old)?;
            match old == new {
                true => lab.ovs().vsctl(&["del-port", &old]).map(drop)?,
                false => lab.rename(station, &new)?,
            }
            await_flows(&lab, "br0.local", &format!("in_port={number},"), false)?;
            let stream = lab.stream_every(station, MacAddr::BROADCAST, Duration::from_millis(1))?;
            let start = Instant::now();
            plug(&lab, station, &new)?;
            let plugged = start.elapsed();
            lab.await_stream(&stream, "ids0", 1)?;
            times.push((start.elapsed(), plugged));
            stream.finish(&lab).context("the stream")?;
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "a guest {what}: add-port to the first copied frame, {ROUNDS} times: median {:.0} ms, min \
             {:.0} ms, max {:.0} ms (ovs-vsctl itself took {:.0} ms of the median one)",
            ms(times[ROUNDS / 2].0),
            ms(times[0].0),
            ms(times[ROUNDS - 1].0),
            ms(times[ROUNDS / 2].1),
        );
    }
    Ok(())
}
