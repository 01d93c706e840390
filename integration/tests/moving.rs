//! A VM moves to another host, and its frames are followed.

mod common;

use std::collections::BTreeSet;

use anyhow::Result;
use bridgechain::cookie::Class;
use common::{NOBODY, await_flows, await_learned};
use integration::Fabric;
use integration::fabric::{Control, Controllers};
use integration::frame::Frame;
use integration::stream::{Stream, Tally};
use openflow::MacAddr;

/// Three hosts, and VMs that move between them.
const CONFIG: &str = concat!(
    include_str!("common/hosts.yaml"),
    "
  UNPINNED:
    host: [node1, node2, node3]
    nics: [{ port: vmu0, network: demo3000 }]
  ROAMING:
    host: [node1, node2, node3]
    nics: [{ port: vmr0, mac: '52:54:00:00:00:0e', network: demo3000 }]
  # A VM of one host at a time; what is at the same port of the other does not matter.
  PINNED:
    host: node1
    nics: [{ port: vmp0, mac: '52:54:00:00:00:0f', network: demo3000 }]
  SPARE:
    host: node2
    nics: [{ port: vmp0, network: demo3000 }]
"
);

/// The address of the VM whose address is in no config.
const UNPINNED: MacAddr = MacAddr([0x02, 0, 0, 0, 0x55, 0x01]);
const ROAMING: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0e]);
const PINNED: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0f]);

/// One guest on each host talks to the VM all the time.
const SENDERS: [&str; 3] = ["node1:vma0", "node2:vma0", "node3:vma0"];

/// How many frames of each sender, 100 a second, may go astray at a move.
const ASTRAY: usize = 100;

fn start(config: &str, control: Control) -> Result<(Fabric, Controllers)> {
    let fabric = Fabric::from_config(config, control)?;
    let controllers = fabric.start_controllers()?;
    fabric.await_sync(&controllers)?;
    Ok((fabric, controllers))
}

/// A broadcast by which a VM says where it is, padded to the shortest length.
fn announcement(src: MacAddr, ethertype: u16, payload: &[&[u8]]) -> Frame {
    let mut payload = payload.concat();
    payload.resize(46, 0);
    Frame {
        dst: MacAddr::BROADCAST,
        src,
        tags: Vec::new(),
        ethertype,
        payload,
    }
}

/// What a guest sends of its own accord: who has my address? (RFC 5227)
fn gratuitous_arp(mac: MacAddr) -> Frame {
    const ADDRESS: [u8; 4] = [10, 0, 0, 99];
    let request = [0, 1, 8, 0, 6, 4, 0, 1];
    announcement(
        mac,
        0x0806,
        &[&request, &mac.0, &ADDRESS, &[0; 6], &ADDRESS],
    )
}

/// What QEMU sends for a guest that has migrated: a reverse ARP request.
fn rarp(mac: MacAddr) -> Frame {
    let request = [0, 1, 8, 0, 6, 4, 0, 3];
    announcement(mac, 0x8035, &[&request, &mac.0, &[0; 4], &mac.0, &[0; 4]])
}

/// Anything else.
fn any(mac: MacAddr) -> Frame {
    announcement(mac, 0x88b6, &[])
}

/// Waits until every host knows that an address is on that one.
fn await_known(fabric: &Fabric, mac: MacAddr, host: &str, port: &str) -> Result<()> {
    for (name, lab) in fabric.hosts() {
        let at = |port| Ok::<_, anyhow::Error>(format!("in_port={},", lab.ovs().ofport(port)?));
        let (bridge, port) = match name == host {
            true => ("br0.local", port),
            false => ("br0", "eth1"),
        };
        await_flows(
            lab,
            bridge,
            &format!("{}dl_vlan=3000,dl_src={mac}", at(port)?),
            true,
        )?;
        await_learned(lab, "br0", mac)?;
    }
    Ok(())
}

fn streams(fabric: &Fabric, mac: MacAddr) -> Result<Vec<Stream>> {
    SENDERS
        .iter()
        .map(|sender| fabric.stream(sender, mac))
        .collect()
}

fn await_all(fabric: &Fabric, streams: &[Stream], station: &str) -> Result<()> {
    let mut streams = streams.iter();
    streams.try_for_each(|stream| fabric.await_stream(stream, station, 20))
}

/// A place where the VM was, and how many frames of each sender had come there when it said that it
/// is at the next.
struct Stay {
    place: String,
    arrived: Vec<usize>,
}

/// Asserts that a stream went where the VM was: no frame to two places, none back to one that it
/// had left. Some are lost at a move, or go to the old place, until all know; they are counted.
fn assert_followed(tally: &Tally, sender: usize, stays: &[Stay], last: &str) {
    let places: Vec<&str> = stays
        .iter()
        .map(|stay| &*stay.place)
        .chain([last])
        .collect();
    let distinct: BTreeSet<&str> = places.iter().copied().collect();
    let at = |place| {
        tally
            .arrivals(place)
            .into_iter()
            .map(move |number| (number, place))
    };
    let mut arrivals: Vec<(u32, &str)> = distinct.into_iter().flat_map(at).collect();
    arrivals.sort_unstable();
    let sender_name = SENDERS[sender];
    assert!(
        arrivals.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "{sender_name}: a frame arrived twice"
    );
    let runs: Vec<(&str, usize)> = arrivals
        .chunk_by(|one, next| one.1 == next.1)
        .map(|run| (run[0].1, run.len()))
        .collect();
    let visited: Vec<&str> = runs.iter().map(|(place, _)| *place).collect();
    assert_eq!(visited, places, "{sender_name}");
    let late = stays
        .iter()
        .zip(&runs)
        .map(|(stay, (_, run))| run - stay.arrived[sender]);
    let (late, lost): (usize, usize) = (late.sum(), tally.sent as usize - arrivals.len());
    println!(
        "{sender_name}: {} frames in {} moves, {lost} lost, {late} to the old place",
        tally.sent,
        stays.len()
    );
    assert!(
        lost + late <= stays.len() * ASTRAY,
        "{sender_name}: {lost} lost, {late} late"
    );
}

/// Moves a VM round the hosts, while each of them talks to it.
fn round_trip(fabric: &Fabric, port: &str, mac: MacAddr) -> Result<()> {
    let place = |host: &str| format!("{host}:{port}");
    let mut here = place("node1");
    fabric.transmit(&here, &gratuitous_arp(mac))?;
    await_known(fabric, mac, "node1", port)?;
    let streams = streams(fabric, mac)?;
    await_all(fabric, &streams, &here)?;

    let mut stays = Vec::new();
    let frames: [fn(MacAddr) -> Frame; 3] = [rarp, gratuitous_arp, any];
    for (host, frame) in ["node2", "node3", "node1"].into_iter().zip(frames) {
        let arrived = streams.iter().map(|stream| fabric.arrived(stream, &here));
        let arrived = arrived.collect::<Result<_>>()?;
        stays.push(Stay {
            place: here,
            arrived,
        });
        here = place(host);
        fabric.transmit(&here, &frame(mac))?;
        await_all(fabric, &streams, &here)?;
        await_known(fabric, mac, host, port)?;
    }
    for (sender, stream) in streams.into_iter().enumerate() {
        assert_followed(&fabric.finish(stream)?, sender, &stays, &here);
    }
    Ok(())
}

/// Who sees a frame from a guest to a VM on another host than its own: each of the two hosts' IDS
/// and vNIC that accepts everything.
fn across(from: &str, to: &str, port: &str) -> String {
    let seen = |host: &str| format!("{host}:all0/untagged {host}:ids0/3000");
    format!(
        "{} {} {from}:eth1/3000 {to}:{port}/untagged",
        seen(from),
        seen(to)
    )
}

fn assert_reached(fabric: &Fabric, mac: MacAddr, from: &str, to: &str, port: &str) -> Result<()> {
    let frame = fabric.frame(&format!("{from}:vma0"), mac)?;
    assert_eq!(fabric.probe(&frame)?, across(from, to, port).as_str());
    Ok(())
}

#[test]
fn a_vm_whose_address_is_in_no_config_is_followed() -> Result<()> {
    let (fabric, _controllers) = start(CONFIG, Control::Shared)?;
    round_trip(&fabric, "vmu0", UNPINNED)?;
    fabric.transmit("node2:vmu0", &rarp(UNPINNED))?;
    await_known(&fabric, UNPINNED, "node2", "vmu0")?;
    assert_reached(&fabric, UNPINNED, "node1", "node2", "vmu0")?;
    assert_reached(&fabric, UNPINNED, "node3", "node2", "vmu0")
}

#[test]
fn a_roaming_vm_is_followed_and_its_address_is_no_one_elses() -> Result<()> {
    let (fabric, controllers) = start(CONFIG, Control::PerHost)?;
    round_trip(&fabric, "vmr0", ROAMING)?;
    fabric.transmit("node2:vmr0", &rarp(ROAMING))?;
    await_known(&fabric, ROAMING, "node2", "vmr0")?;
    assert_reached(&fabric, ROAMING, "node1", "node2", "vmr0")?;
    assert_reached(&fabric, ROAMING, "node3", "node2", "vmr0")?;

    // Nobody else may use its address: not where it is, and not where it could be.
    let spoofed = Class::DropSpoofed.cookie().0;
    for host in ["node1", "node2"] {
        let ovs = fabric.host(host)?.ovs();
        for (port, bridge) in [("vma0", "br0.local"), ("br0", "br0")] {
            let before = ovs.packets(bridge, spoofed)?;
            let frame = fabric.frame(&format!("{host}:{port}"), MacAddr::BROADCAST)?;
            assert_eq!(
                fabric.probe(&frame.src(ROAMING))?,
                "",
                "from {port} of {host}"
            );
            assert_eq!(
                ovs.packets(bridge, spoofed)?,
                before + 1,
                "{port} of {host}"
            );
        }
    }
    assert_reached(&fabric, ROAMING, "node1", "node2", "vmr0")?;

    // New controllers find it where it is.
    drop(controllers);
    let controllers = fabric.start_controllers()?;
    fabric.await_sync(&controllers)?;
    assert_reached(&fabric, ROAMING, "node1", "node2", "vmr0")?;
    assert_reached(&fabric, ROAMING, "node3", "node2", "vmr0")?;

    // After it was silent for long it is reached like any unknown address, by its port. The switch
    // between the hosts still knows it.
    fabric.change_config(&CONFIG.replace("mac_age: 60", "mac_age: 1"))?;
    controllers
        .iter()
        .try_for_each(|controller| controller.reload())?;
    for (_, host) in fabric.hosts() {
        await_flows(host, "br0", &format!("dl_dst={ROAMING}"), false)?;
    }
    let seen = fabric.probe(&fabric.frame("node1:vma0", ROAMING)?)?;
    for station in ["node1:vmr0", "node2:vmr0", "node2:vma0"] {
        assert_eq!(seen.at(station), ["untagged"], "{station}");
    }
    Ok(())
}

#[test]
fn a_chain_of_a_roaming_vm_finds_its_frames_wherever_it_is() -> Result<()> {
    let config = CONFIG.replace(
        "    networks: [demo3000]\n    functions",
        "    vms: [ROAMING]\n    functions",
    );
    let (fabric, _controllers) = start(&config, Control::Shared)?;
    let ids_of = |from: &str, src: Option<MacAddr>, dst: MacAddr| -> Result<Vec<&str>> {
        let frame = fabric.frame(from, dst)?;
        let frame = match src {
            Some(src) => frame.src(src),
            None => frame,
        };
        let seen = fabric.probe(&frame)?;
        let copies = |host: &&str| seen.at(&format!("{host}:ids0")).len();
        let hosts = ["node1", "node2", "node3"];
        assert!(hosts.iter().all(|host| copies(host) <= 1), "{seen}");
        Ok(hosts.into_iter().filter(|host| copies(host) == 1).collect())
    };
    let guest = |host: &str| fabric.mac(&format!("{host}:vma0"));
    for (here, elsewhere) in [("node2", "node1"), ("node1", "node3")] {
        let station = format!("{here}:vmr0");
        fabric.transmit(&station, &rarp(ROAMING))?;
        await_known(&fabric, ROAMING, here, "vmr0")?;
        let mut ends = [here, elsewhere];
        ends.sort_unstable();
        // The guests of the test before are known by now, in both directions.
        ids_of(&format!("{elsewhere}:vma0"), None, MacAddr::BROADCAST)?;
        await_learned(fabric.host(here)?, "br0", guest(elsewhere)?)?;
        assert_eq!(ids_of(&station, None, guest(elsewhere)?)?, ends, "from it");
        assert_eq!(
            ids_of(&format!("{elsewhere}:vma0"), None, ROAMING)?,
            ends,
            "to it"
        );
        assert_eq!(
            ids_of(&format!("{here}:vma0"), None, ROAMING)?,
            [here],
            "on its host"
        );
        assert_eq!(
            ids_of(&station, None, MacAddr::BROADCAST)?,
            ["node1", "node2", "node3"]
        );
        // It does not get past its chain with another address.
        assert_eq!(ids_of(&station, Some(NOBODY), guest(elsewhere)?)?, [""; 0]);
    }
    // Frames between others are none of its business.
    for (from, to) in [("node1", "node2"), ("node2", "node1")] {
        ids_of(&format!("{to}:vma0"), None, MacAddr::BROADCAST)?;
        await_learned(fabric.host(from)?, "br0", guest(to)?)?;
        assert_eq!(ids_of(&format!("{from}:vma0"), None, guest(to)?)?, [""; 0]);
    }
    Ok(())
}

#[test]
fn a_pinned_vm_moves_by_a_reload() -> Result<()> {
    let (fabric, controllers) = start(CONFIG, Control::Shared)?;
    let (old, new) = ("node1:vmp0", "node2:vmp0");
    fabric.transmit(old, &gratuitous_arp(PINNED))?;
    for host in ["node2", "node3"] {
        await_learned(fabric.host(host)?, "br0", PINNED)?;
    }
    let streams = streams(&fabric, PINNED)?;
    await_all(&fabric, &streams, old)?;

    // While the config has it on its old host, it is nowhere else for that host.
    let spoofed = || {
        fabric
            .host("node1")?
            .ovs()
            .packets("br0", Class::DropSpoofed.cookie().0)
    };
    let before = spoofed()?;
    fabric.transmit(new, &rarp(PINNED))?;
    integration::wait::until("the frame to be refused by its old host", || {
        Ok((spoofed()? == before + 1).then_some(()))
    })?;
    fabric.await_stream(&streams[0], old, 20)?;
    fabric.transmit(old, &gratuitous_arp(PINNED))?;
    await_all(&fabric, &streams, old)?;

    let moved = CONFIG.replace("  PINNED:\n    host: node1", "  PINNED:\n    host: node2");
    let moved = moved.replace("  SPARE:\n    host: node2", "  SPARE:\n    host: node1");
    fabric.change_config(&moved)?;
    controllers
        .iter()
        .try_for_each(|controller| controller.reload())?;
    for host in ["node1", "node2"] {
        fabric.await_sync_of(&controllers, host, "br0.local", 2)?;
        fabric.await_sync_of(&controllers, host, "br0", 2)?;
    }
    fabric.transmit(new, &rarp(PINNED))?;
    await_all(&fabric, &streams, new)?;
    for host in ["node1", "node3"] {
        await_learned(fabric.host(host)?, "br0", PINNED)?;
    }
    for stream in streams {
        fabric.finish(stream)?;
    }
    assert_reached(&fabric, PINNED, "node1", "node2", "vmp0")?;
    assert_reached(&fabric, PINNED, "node3", "node2", "vmp0")
}
