//! What a vNIC may send and be sent, in the words of VMware.

mod common;

use std::time::Instant;

use anyhow::Result;
use bridgechain::cookie::Class;
use bridgechain::learning::moves;
use common::{FAR, MULTICAST, NOBODY, await_flows, await_learned, flows, snoop, start};
use integration::Lab;
use integration::frame::Frame;
use integration::stream::Arrived;
use openflow::MacAddr;

/// Addresses that are in no configuration.
const OTHERS: [MacAddr; 4] = [
    MacAddr([0x02, 0, 0, 0, 0x55, 0x01]),
    MacAddr([0x02, 0, 0, 0, 0x55, 0x02]),
    MacAddr([0x02, 0, 0, 0, 0x55, 0x03]),
    MacAddr([0x02, 0, 0, 0, 0x55, 0x04]),
];

/// The bridges of a host, that of the vNICs first, and whether there is a tap.
const LAYOUTS: [(&str, &[&str], bool); 3] = [
    (
        "{ local: br0.local, service: br.nf, uplink: br0 }",
        &["br0.local", "br0"],
        true,
    ),
    (
        "{ local: br0.local, uplink: br0 }",
        &["br0.local", "br0"],
        false,
    ),
    ("{ learning: br0 }", &["br0"], false),
];

/// A host with these bridges and vNICs on demo3000. Each of the vNICs is one line of settings; they
/// are plugged in as vma0, vmb0 and so on, with the addresses 52:54:00:00:00:0a, ...0b and so on.
fn host(bridges: &str, has_tap: bool, network: &str, vnics: &[&str]) -> String {
    let mut config = format!(
        "controller: {{ api: 'unix:@DIR@/api.sock' }}
networks: {{ demo3000: {{ vlan: 3000{network} }} }}
hosts: {{ node1: {{ bridges: {bridges}, uplinks: [eth1] }} }}
"
    );
    if has_tap {
        config.push_str(
            "service_chains:
  inspect:
    networks: [demo3000]
    functions: [{ name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }]
",
        );
    }
    config.push_str("vms:\n");
    for (letter, settings) in ('a'..).zip(vnics) {
        config.push_str(&format!(
            "  VM-{letter}: {{ host: node1, nics: [{{ port: vm{letter}0, mac: '52:54:00:00:00:0{letter}', network: demo3000{settings} }}] }}\n"
        ));
    }
    config
}

/// A host with a chain.
fn chain(network: &str, vnics: &[&str]) -> String {
    host(LAYOUTS[0].0, true, network, vnics)
}

/// How many frames were dropped for this reason on these bridges.
fn dropped(lab: &Lab, bridges: &[&str], class: Class) -> Result<u64> {
    let counts = bridges
        .iter()
        .map(|bridge| lab.ovs().packets(bridge, class.cookie().0));
    counts.sum()
}

/// Asserts who sees a frame, the tap with all else.
#[track_caller]
fn assert_seen(lab: &Lab, from: &str, src: MacAddr, dst: MacAddr, has_tap: bool, expected: &str) {
    let tap = match (has_tap, expected) {
        (true, expected) if !expected.is_empty() => " ids0/3000",
        _ => "",
    };
    let seen = lab
        .frame(from, dst)
        .and_then(|frame| lab.probe(&frame.src(src)));
    let expected = format!("{expected}{tap}");
    match seen {
        Ok(seen) => assert_eq!(seen, expected.as_str(), "from {from} as {src} to {dst}"),
        Err(error) => panic!("from {from} as {src} to {dst}: {error:#}"),
    }
}

#[test]
fn who_rejects_promiscuous_mode_sees_broadcast_and_multicast_and_no_unknown_unicast() -> Result<()>
{
    for (bridges, _, tap) in LAYOUTS {
        let config = host(
            bridges,
            tap,
            "",
            &["", ", promiscuous: reject", "", ", promiscuous: accept"],
        );
        let (lab, _controller) = start(&config)?;
        let (a, b, c) = (lab.mac("vma0")?, lab.mac("vmb0")?, lab.mac("vmc0")?);
        for dst in [MacAddr::BROADCAST, MULTICAST] {
            assert_seen(
                &lab,
                "vma0",
                a,
                dst,
                tap,
                "eth1/3000 vmb0/untagged vmc0/untagged vmd0/untagged",
            );
        }
        assert_seen(
            &lab,
            "vma0",
            a,
            NOBODY,
            tap,
            "eth1/3000 vmc0/untagged vmd0/untagged",
        );
        assert_seen(&lab, "vma0", a, b, tap, "vmb0/untagged vmd0/untagged");
        assert_seen(&lab, "vmb0", b, c, tap, "vmc0/untagged vmd0/untagged");
        let outside = |dst| Ok::<_, anyhow::Error>(lab.frame("eth1", dst)?.src(FAR).vlan(3000));
        let tapped = if tap { " ids0/3000" } else { "" };
        let unknown = format!("vma0/untagged vmc0/untagged vmd0/untagged{tapped}");
        assert_eq!(lab.probe(&outside(NOBODY)?)?, unknown.as_str());
        let broadcast = format!("vmb0/untagged {unknown}");
        assert_eq!(
            lab.probe(&outside(MacAddr::BROADCAST)?)?,
            broadcast.as_str()
        );
    }
    Ok(())
}

#[test]
fn forged_transmits_are_dropped_and_counted() -> Result<()> {
    for (bridges, names, tap) in LAYOUTS {
        let config = host(bridges, tap, "", &["", ", forged_transmits: reject"]);
        let (lab, _controller) = start(&config)?;
        let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
        assert_seen(&lab, "vmb0", b, a, tap, "vma0/untagged");
        for (count, dst) in [a, MacAddr::BROADCAST, NOBODY].into_iter().enumerate() {
            assert_seen(&lab, "vmb0", OTHERS[0], dst, tap, "");
            assert_eq!(dropped(&lab, names, Class::DropForged)?, count as u64 + 1);
        }
        // Who has not been told so may send from any address.
        assert_seen(&lab, "vma0", OTHERS[0], b, tap, "vmb0/untagged");
    }
    Ok(())
}

#[test]
fn where_mac_changes_are_rejected_nothing_is_learned_and_nobody_is_asked() -> Result<()> {
    for (bridges, names, tap) in LAYOUTS {
        let config = host(bridges, tap, "", &["", ", mac_changes: reject", ""]);
        let (lab, _controller) = start(&config)?;
        let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
        let snoops = snoop(&lab)?;
        for _ in 0..5 {
            assert_seen(&lab, "vmb0", OTHERS[0], a, tap, "vma0/untagged");
        }
        // The messages of a bridge come in order: what is learned next comes behind them.
        assert_seen(&lab, "vmc0", OTHERS[1], a, tap, "vma0/untagged");
        await_learned(&lab, names[0], OTHERS[1])?;
        let asked: usize = snoops
            .iter()
            .map(|snoop| snoop.count("OFPT_PACKET_IN"))
            .sum();
        assert_eq!(asked, 1, "{}", snoops[0].text());
        assert_seen(
            &lab,
            "vma0",
            a,
            OTHERS[0],
            tap,
            "eth1/3000 vmb0/untagged vmc0/untagged",
        );

        // It is learned where that may be.
        assert_seen(&lab, "vmc0", OTHERS[0], a, tap, "vma0/untagged");
        await_learned(&lab, names[0], OTHERS[0])?;
        assert_seen(&lab, "vmb0", OTHERS[0], a, tap, "vma0/untagged");
        assert_seen(&lab, "vma0", a, OTHERS[0], tap, "vmc0/untagged");
        assert_seen(&lab, "vma0", a, b, tap, "vmb0/untagged");
    }
    Ok(())
}

/// Waits until vNICs send to nobody's account any more, or may again.
fn await_full(lab: &Lab, bridge: &str, full: bool) -> Result<()> {
    let cookie = format!("cookie={:#x},", Class::DropMaxMacs.cookie().0);
    await_flows(lab, bridge, &cookie, full)
}

#[test]
fn a_vnic_has_so_many_addresses_and_frames_of_further_ones_are_dropped_and_reported() -> Result<()>
{
    for (bridges, names, tap) in LAYOUTS {
        let config = |limit| {
            let limited = format!(", max_macs: {limit}");
            host(bridges, tap, "", &["", &limited, ""])
        };
        let (lab, controller) = start(&config(2))?;
        let a = lab.mac("vma0")?;
        for mac in &OTHERS[..2] {
            assert_seen(&lab, "vmb0", *mac, a, tap, "vma0/untagged");
            await_learned(&lab, names[0], *mac)?;
        }
        await_full(&lab, names[0], true)?;
        for (count, mac) in OTHERS[2..].iter().enumerate() {
            assert_seen(&lab, "vmb0", *mac, a, tap, "");
            assert_eq!(dropped(&lab, names, Class::DropMaxMacs)?, count as u64 + 1);
        }
        // Those that are known go on, and so does the pinned one; others have room of their own.
        for mac in [OTHERS[0], OTHERS[1], lab.mac("vmb0")?] {
            assert_seen(&lab, "vmb0", mac, a, tap, "vma0/untagged");
        }
        assert_seen(&lab, "vmc0", OTHERS[2], a, tap, "vma0/untagged");
        let report = "the vNIC has as many addresses as it may have";
        controller.wait_for_log(report, 1)?;

        // Another controller finds it so, and changes nothing.
        let snoops = snoop(&lab)?;
        let before = flows(&lab)?;
        controller.kill()?;
        let controller = lab.start_controller()?;
        lab.await_sync(&controller)?;
        for snoop in &snoops {
            snoop.wait_for("OFPT_FEATURES_REQUEST", 1)?;
            assert_eq!(snoop.count("OFPT_FLOW_MOD"), 0, "{}", snoop.text());
        }
        assert_eq!(flows(&lab)?, before);
        assert_seen(&lab, "vmb0", OTHERS[3], a, tap, "");

        // A higher limit is room at once.
        lab.change_config(&config(3))?;
        controller.reload()?;
        await_full(&lab, names[0], false)?;
        assert_seen(&lab, "vmb0", OTHERS[3], a, tap, "vma0/untagged");
        await_learned(&lab, names[0], OTHERS[3])?;
        await_full(&lab, names[0], true)?;
        assert_eq!(
            controller.logged(report),
            2,
            "at the start, and for the other limit"
        );
    }
    Ok(())
}

#[test]
fn a_network_has_so_many_addresses_which_may_move_and_age() -> Result<()> {
    let config =
        chain(", max_macs: 2", &["", "", ""]).replace("controller: {", "controller: { mac_age: 5,");
    let (lab, controller) = start(&config)?;
    let a = lab.mac("vma0")?;
    assert_seen(&lab, "vmb0", OTHERS[0], a, true, "vma0/untagged");
    assert_seen(&lab, "vmc0", OTHERS[1], a, true, "vma0/untagged");
    await_full(&lab, "br0.local", true)?;
    for vnic in ["vmb0", "vmc0"] {
        assert_seen(&lab, vnic, OTHERS[2], a, true, "");
    }
    // Outside there may be any number.
    let outside = lab.frame("eth1", a)?.src(OTHERS[3]).vlan(3000);
    assert_eq!(lab.probe(&outside)?, "ids0/3000 vma0/untagged");
    await_learned(&lab, "br0", OTHERS[3])?;
    assert_seen(&lab, "vmb0", OTHERS[3], a, true, "");

    // One that moves to another vNIC is none more.
    let at = format!(
        "in_port={},dl_vlan=3000,dl_src={}",
        lab.ovs().ofport("vmb0")?,
        OTHERS[1]
    );
    assert_seen(&lab, "vmb0", OTHERS[1], a, true, "vma0/untagged");
    await_flows(&lab, "br0.local", &at, true)?;
    assert_seen(&lab, "vma0", a, OTHERS[1], true, "vmb0/untagged");

    // All fall silent, and there is room again.
    await_full(&lab, "br0.local", false)?;
    assert_seen(&lab, "vmb0", OTHERS[2], a, true, "vma0/untagged");
    await_learned(&lab, "br0.local", OTHERS[2])?;
    controller.wait_for_log("the network has as many addresses", 1)
}

#[test]
fn an_address_that_flaps_is_held_and_one_that_moves_is_not() -> Result<()> {
    let (lab, controller) = start(&chain("", &["", "", ""]))?;
    let a = lab.mac("vma0")?;
    let source = |vnic: &str| {
        let port = lab.ovs().ofport(vnic)?;
        Ok::<_, anyhow::Error>(format!("in_port={port},dl_vlan=3000,dl_src={}", OTHERS[0]))
    };
    let vnics = ["vmb0", "vmc0"];
    let appears = |vnic| assert_seen(&lab, vnic, OTHERS[0], a, true, "vma0/untagged");
    appears("vmb0");
    await_flows(&lab, "br0.local", &source("vmb0")?, true)?;
    let begin = Instant::now();
    for count in 1..=moves::MOVES {
        let vnic = vnics[count % 2];
        appears(vnic);
        await_flows(&lab, "br0.local", &source(vnic)?, true)?;
    }
    assert!(
        begin.elapsed() < moves::WINDOW,
        "the machine is too slow for this test"
    );
    let (held, other) = (vnics[moves::MOVES % 2], vnics[(moves::MOVES + 1) % 2]);

    let snoops = snoop(&lab)?;
    for _ in 0..3 {
        appears(other);
    }
    controller.wait_for_log("flaps", 1)?;
    // A frame of another address is behind these.
    assert_seen(&lab, other, OTHERS[1], a, true, "vma0/untagged");
    await_learned(&lab, "br0.local", OTHERS[1])?;
    let mods: usize = snoops
        .iter()
        .map(|snoop| snoop.count("OFPT_FLOW_MOD"))
        .sum();
    assert_eq!(mods, 3, "those of the other address:\n{}", snoops[0].text());
    assert_seen(
        &lab,
        "vma0",
        a,
        OTHERS[0],
        true,
        &format!("{held}/untagged"),
    );

    assert_eq!(controller.logged("flaps"), 1);
    let log = controller.log();
    let report = log
        .lines()
        .find(|line| line.contains("flaps"))
        .unwrap_or_default();
    for part in [
        &format!("mac={}", OTHERS[0]),
        r#"network="demo3000""#,
        r#"ports="vmb0, vmc0""#,
        "moves=5",
        &format!("held_at=\"{held}\""),
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    Ok(())
}

/// The limit of the storms, in frames a second.
const LIMIT: u64 = 5;
/// How many frames make one: not more than the kernel keeps for a datapath that is late.
const STORM: u64 = 80;
/// The markers of its frames, which no other frames have.
const MARKERS: u64 = 0xfeed << 48;

/// Sends broadcasts and multicasts in turn, as fast as it can, and as many frames to `peer` between
/// them. Returns how many of the former arrived at each of `ports`, and the most there may be.
fn storm(lab: &Lab, from: &str, peer: &str, ports: &[&str]) -> Result<(Vec<u64>, u64)> {
    let (src, to_peer) = (lab.mac(from)?, lab.mac(peer)?);
    let tags = lab.station(from)?.tags();
    let socket = lab
        .namespace(from)?
        .raw_socket(lab.station(from)?.device())?;
    let begin = Instant::now();
    for number in 0..STORM {
        let group = [MacAddr::BROADCAST, MULTICAST][number as usize % 2];
        for (dst, marker) in [(group, number), (to_peer, STORM + number)] {
            let frame = Frame::probe(src, dst, tags.clone(), MARKERS + marker);
            socket.send(&frame.encode())?;
        }
    }
    // The datapath takes the frames of a port in order: when others come, these are through.
    let after = lab.stream(from, to_peer)?;
    lab.await_stream(&after, peer, 1)?;
    let allowed = LIMIT + (begin.elapsed().as_secs() + 1) * LIMIT;
    lab.flush()?;
    // The end of the stream is a broadcast or two. The meter gets room for these meanwhile.
    lab.await_stream(&after, peer, 100)?;
    after.finish(lab)?;
    let arrived = |port: &str, markers: std::ops::Range<u64>| {
        lab.sightings().read(|all| {
            let of_storm = all.iter().filter(|seen| {
                let marker = seen.frame.marker().and_then(|it| it.checked_sub(MARKERS));
                seen.port == port && marker.is_some_and(|it| markers.contains(&it))
            });
            of_storm.count() as u64
        })
    };
    assert_eq!(
        arrived(peer, STORM..2 * STORM),
        STORM,
        "unicast is not concerned"
    );
    let of_groups = ports.iter().map(|port| arrived(port, 0..STORM));
    Ok((of_groups.collect(), allowed))
}

/// The meters of a bridge, apart from that of the packet-ins: what they let in and dropped.
fn meters(lab: &Lab, bridge: &str) -> Result<Vec<(u64, u64)>> {
    let stats = lab.ovs().ofctl(&["meter-stats", bridge])?;
    let number = |text: &str, after: &str| -> Option<u64> {
        let rest = text.split_once(after)?.1;
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    let meters = stats.split("meter:").skip(1);
    let own = meters.filter(|meter| !meter.starts_with("controller"));
    Ok(own
        .filter_map(|meter| {
            let bands = meter.split_once("bands:")?.1;
            Some((
                number(meter, "packet_in_count:")?,
                number(bands, "packet_count:")?,
            ))
        })
        .collect())
}

#[test]
fn a_storm_ends_where_it_begins_and_unicast_passes() -> Result<()> {
    for (bridges, names, tap) in LAYOUTS {
        let limited = format!(", storm_limit: {LIMIT}");
        let config = host(bridges, tap, "", &[&limited, "", &limited]);
        let (lab, _controller) = start(&config)?;
        let mut ports = vec!["vmb0", "vmc0", "eth1"];
        ports.extend(tap.then_some("ids0"));
        let (arrived, allowed) = storm(&lab, "vma0", "vmb0", &ports)?;
        assert!(
            arrived.iter().all(|count| *count == arrived[0]),
            "{arrived:?}"
        );
        assert!(
            (LIMIT..=allowed).contains(&arrived[0]),
            "{arrived:?} of {allowed}"
        );

        let [(one, drops), (other, none)] = meters(&lab, names[0])?[..] else {
            panic!("{:?}", meters(&lab, names[0])?);
        };
        // In either order: the ids of meters come from the names of ports.
        let (used, drops, unused) = if one > other {
            (one, drops, other)
        } else {
            (other, none, one)
        };
        assert!(
            used >= STORM && drops >= STORM - arrived[0],
            "{used} and {drops}"
        );
        assert_eq!(unused, 0, "vmc0 has a meter of its own");
    }
    Ok(())
}

#[test]
fn a_storm_limit_comes_and_goes_under_traffic() -> Result<()> {
    let with = chain("", &[", storm_limit: 50", ""]);
    let without = chain("", &["", ""]);
    let (lab, controller) = start(&without)?;
    let stream = lab.stream("vma0", lab.mac("vmb0")?)?;
    lab.await_stream(&stream, "vmb0", 10)?;
    let is_there = |there| await_flows(&lab, "br0.local", "actions=meter:", there);
    for config in [&with, &without, &with] {
        lab.change_config(config)?;
        controller.reload()?;
        is_there(config == &with)?;
        lab.await_stream(&stream, "vmb0", 10)?;
        assert_eq!(
            meters(&lab, "br0.local")?.len(),
            usize::from(config == &with)
        );
    }
    assert_eq!(stream.finish(&lab)?.at("vmb0"), Arrived::EXACTLY_ONCE);

    let snoops = snoop(&lab)?;
    controller.kill()?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    for snoop in &snoops {
        snoop.wait_for("OFPT_FEATURES_REQUEST", 1)?;
        for change in ["OFPT_FLOW_MOD", "OFPT_METER_MOD"] {
            assert_eq!(snoop.count(change), 0, "{}", snoop.text());
        }
    }
    Ok(())
}
