//! Several hosts with bridges of the same names, at one switch.

mod common;

use std::collections::BTreeSet;

use anyhow::Result;
use common::{FAR, MULTICAST, NOBODY, await_learned};
use integration::Fabric;
use integration::fabric::{Control, Controllers};
use integration::frame::PROBE;
use integration::switch::Kind;
use openflow::MacAddr;

const HOSTS: [&str; 3] = ["node1", "node2", "node3"];
const CONFIG: &str = include_str!("common/hosts.yaml");

/// What is at every host: a guest, one that accepts everything, and the IDS.
const MEMBERS: [&str; 2] = ["vma0", "all0"];

fn start(control: Control) -> Result<(Fabric, Controllers)> {
    let fabric = Fabric::from_config(CONFIG, control)?;
    let controllers = fabric.start_controllers()?;
    fabric.await_sync(&controllers)?;
    Ok((fabric, controllers))
}

/// The stations on demo3000.
fn members() -> Vec<String> {
    let on = |host| MEMBERS.map(|port| format!("{host}:{port}"));
    let members = HOSTS.into_iter().flat_map(on);
    members.chain(["node1:vmx0".to_owned()]).collect()
}

fn host_of(station: &str) -> &str {
    station.split_once(':').map_or("", |(host, _)| host)
}

/// Who is to see a frame on demo3000: members untagged, all else with the tag; none twice, and the
/// sender not at all.
fn seen(from: &str, guests: &[String], hosts: &[&str], on_the_wire: bool, outside: bool) -> String {
    let guests = guests.iter().filter(|guest| *guest != from);
    let mut seen: BTreeSet<String> = guests.map(|guest| format!("{guest}/untagged")).collect();
    for host in hosts {
        seen.insert(format!("{host}:ids0/3000"));
        let accepting = format!("{host}:all0");
        if accepting != from {
            seen.insert(format!("{accepting}/untagged"));
        }
    }
    if on_the_wire {
        seen.insert(format!("{}:eth1/3000", host_of(from)));
    }
    if outside {
        seen.insert("outside/3000".to_owned());
    }
    seen.into_iter().collect::<Vec<_>>().join(" ")
}

/// Lets every station on demo3000 be heard by all hosts.
fn introduce(fabric: &Fabric) -> Result<()> {
    let members = members();
    let broadcast = |from: &String| fabric.frame(from, MacAddr::BROADCAST);
    let probes = members.iter().map(broadcast).collect::<Result<Vec<_>>>()?;
    for (from, seen_by) in members.iter().zip(fabric.send(&probes)?) {
        let expected = seen(from, &members, &HOSTS, true, true);
        assert_eq!(seen_by, expected.as_str(), "broadcast from {from}");
    }
    for station in &members {
        for (_, host) in fabric.hosts() {
            await_learned(host, "br0", fabric.mac(station)?)?;
        }
    }
    Ok(())
}

/// Whatever a host puts on the wire is from its own stations: nothing goes round.
fn assert_own_frames_on_the_wire(fabric: &Fabric) {
    let of_a_flush = |mac: MacAddr| mac.0[..4] == [2, 0, 0, 0];
    for (name, host) in fabric.hosts() {
        let stations = host.layout().plan().stations.iter();
        let own: BTreeSet<MacAddr> = stations.map(|station| station.mac).collect();
        host.sightings().read(|all| {
            for seen in all.iter().filter(|seen| seen.port == "eth1") {
                let (src, kind) = (seen.frame.src, seen.frame.ethertype);
                assert!(
                    own.contains(&src) || of_a_flush(src) && kind == PROBE,
                    "{name} has sent {:?}",
                    seen.frame
                );
            }
        });
    }
}

fn every_pair(control: Control) -> Result<()> {
    let (fabric, controllers) = start(control)?;
    introduce(&fabric)?;

    let members = members();
    let mut probes = Vec::new();
    let mut expected = Vec::new();
    for from in &members {
        for to in members.iter().filter(|to| *to != from) {
            probes.push(fabric.frame(from, fabric.mac(to)?)?);
            let (here, there) = (host_of(from), host_of(to));
            let hosts = if here == there {
                vec![here]
            } else {
                vec![here, there]
            };
            let to = std::slice::from_ref(to);
            expected.push(seen(from, to, &hosts, here != there, false));
        }
        for dst in [MacAddr::BROADCAST, MULTICAST, NOBODY] {
            probes.push(fabric.frame(from, dst)?);
            expected.push(seen(from, &members, &HOSTS, true, true));
        }
    }
    for ((probe, seen_by), expected) in probes.iter().zip(fabric.send(&probes)?).zip(expected) {
        assert_eq!(seen_by, expected.as_str(), "{probe:?}");
    }
    assert_own_frames_on_the_wire(&fabric);
    let count = controllers.iter().count();
    for controller in controllers.iter() {
        // It serves its bridges, and has no complaint about those of others.
        assert_eq!(controller.logged("bridge connected"), 9 / count);
        assert_eq!(controller.logged(" WARN "), 0, "{}", controller.log());
    }
    Ok(())
}

#[test]
fn every_pair_of_vms_with_one_controller_for_all_hosts() -> Result<()> {
    every_pair(Control::Shared)
}

#[test]
fn every_pair_of_vms_with_a_controller_on_each_host() -> Result<()> {
    every_pair(Control::PerHost)
}

#[test]
fn bridges_of_one_name_are_told_apart_by_their_datapath_ids() -> Result<()> {
    let (fabric, controllers) = start(Control::Shared)?;
    let on_the_wire = |host: &str| -> Result<Vec<String>> {
        let broadcast = fabric.frame(&format!("{host}:vmx0"), MacAddr::BROADCAST)?;
        let seen = fabric.probe(&broadcast)?;
        Ok(seen.at(&format!("{host}:eth1")).to_vec())
    };
    assert_eq!(on_the_wire("node1")?, ["3000"]);
    assert_eq!(on_the_wire("node2")?, ["4000"]);
    assert_eq!(on_the_wire("node3")?, ["untagged"]);

    // The ids of two hosts are exchanged: each becomes the other, with its networks and addresses.
    let id = |host, bridge| format!("\"000000000000{host:02}{bridge:02}\"");
    let mut exchanged = CONFIG.to_owned();
    for bridge in 1..=3 {
        exchanged = exchanged
            .replace(&id(1, bridge), "ID")
            .replace(&id(2, bridge), &id(1, bridge))
            .replace("ID", &id(2, bridge));
    }
    fabric.change_config(&exchanged)?;
    for controller in controllers.iter() {
        controller.reload()?;
    }
    for host in ["node1", "node2"] {
        for bridge in ["br0.local", "br.nf", "br0"] {
            fabric.await_sync_of(&controllers, host, bridge, 2)?;
        }
    }
    let of_other = |host: &str, mac: [u8; 6]| -> Result<Vec<String>> {
        let broadcast = fabric.frame(&format!("{host}:vmx0"), MacAddr::BROADCAST)?;
        let seen = fabric.probe(&broadcast.src(MacAddr(mac)))?;
        Ok(seen.at(&format!("{host}:eth1")).to_vec())
    };
    assert_eq!(of_other("node1", [0x52, 0x54, 0, 0, 2, 0x0c])?, ["4000"]);
    assert_eq!(of_other("node2", [0x52, 0x54, 0, 0, 1, 0x0c])?, ["3000"]);
    Ok(())
}

#[test]
fn a_switch_of_either_kind_carries_all_vlans_and_learns() -> Result<()> {
    for kind in [Kind::Linux, Kind::OpenVswitch] {
        let fabric = Fabric::with_switch(CONFIG, Control::Shared, Some(kind))?;
        let controllers = fabric.start_controllers()?;
        fabric.await_sync(&controllers)?;
        let from_far = fabric
            .frame("outside", MacAddr::BROADCAST)?
            .src(FAR)
            .vlan(3000);
        let members = members();
        let expected = seen("outside", &members, &HOSTS, false, false);
        assert_eq!(fabric.probe(&from_far)?, expected.as_str(), "{kind:?}");
        for (_, host) in fabric.hosts() {
            await_learned(host, "br0", FAR)?;
        }
        // The switch knows it too: no other host gets it.
        let to_far = fabric.frame("node1:vma0", FAR)?;
        let expected = seen("node1:vma0", &[], &["node1"], true, true);
        assert_eq!(fabric.probe(&to_far)?, expected.as_str(), "{kind:?}");
        // Nor do frames of one network come up in another.
        let native = fabric.frame("outside", MacAddr::BROADCAST)?;
        let expected =
            "node1:br0/untagged node2:br0/untagged node3:br0/untagged node3:vmx0/untagged";
        assert_eq!(fabric.probe(&native)?, expected, "{kind:?}");
    }
    Ok(())
}
