//! Several uplinks used as one, with a physical switch behind them that knows nothing of it.

mod common;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use common::{MULTICAST, NOBODY, await_learned};
use integration::Lab;
use integration::capture::Sighting;
use integration::controller::Controller;
use integration::stream::Arrived;
use openflow::MacAddr;

const WORLD: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { native: { vlan: 0 }, demo3000: { vlan: 3000 } }
hosts:
  node1:
    bridges: { local: br0.local, service: br.nf, uplink: br0 }
    uplinks: [eth1, eth2]
    uplink_mode: MODE
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: native }] }
  VM-B: { host: node1, nics: [{ port: vmb0, network: native }] }
  VM-C: { host: node1, nics: [{ port: vmc0, network: native }] }
  VM-D: { host: node1, nics: [{ port: vmd0, mac: '52:54:00:00:00:0d', network: demo3000 }] }
";

const SINGLE: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { native: { vlan: 0 } }
hosts:
  node1: { bridges: { learning: br7 }, uplinks: [eth1, eth2, eth3], uplink_mode: MODE }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: native }] }
  VM-B: { host: node1, nics: [{ port: vmb0, network: native }] }
  ALL: { host: node1, nics: [{ port: all0, network: native, promiscuous: accept }] }
";

const MODES: [&str; 2] = ["active_backup", "balance"];
const OUTSIDE: &str = "outside";
/// What the controller says of an address that moves.
const MOVED: &str = "the MAC address has moved";
/// Brings a lab up, and a controller that tells all it learns.
fn start(config: &str, mode: &str) -> Result<(Lab, Controller)> {
    let lab = Lab::from_config(&config.replace("MODE", mode))?;
    let controller = lab.start_controller_logging("bridgechain=debug")?;
    lab.await_sync(&controller)?;
    Ok((lab, controller))
}

/// Sets the link of an uplink up or down, as pulling the cable does: both ends notice.
fn set_link(lab: &Lab, uplink: &str, state: &str) -> Result<()> {
    let switch = lab.layout().switch()?;
    switch.ip(&["link", "set", "dev", uplink, state])?;
    integration::wait::until("the link to change", || {
        let link = switch.ip(&["-o", "link", "show", uplink])?;
        let is_up = link.contains(" state UP ");
        let without = lab.layout().uplinks_without_link()?;
        let host_has = !without.iter().any(|port| port == uplink);
        Ok((is_up == (state == "up") && host_has == is_up).then_some(()))
    })
}

/// Waits until Open vSwitch tells that the link of an uplink is up or down.
fn await_told(lab: &Lab, uplink: &str, state: &str) -> Result<()> {
    let bridge = &lab.station(uplink)?.bridge;
    integration::wait::until("Open vSwitch to notice", || {
        let ports = lab.ovs().ofctl(&["dump-ports-desc", bridge])?;
        let own = ports.split_once(&format!("({uplink})"));
        let own = own
            .with_context(|| format!("{uplink} is not at {bridge}"))?
            .1;
        let mut states = own.lines().filter(|line| line.contains("state:"));
        let is_up = states
            .next()
            .is_some_and(|line| !line.contains("LINK_DOWN"));
        Ok((is_up == (state == "up")).then_some(()))
    })
}

/// Sets the link of an uplink up or down, and the next frame will meet it.
fn set_link_for_certain(lab: &Lab, uplink: &str, state: &str) -> Result<()> {
    set_link(lab, uplink, state)?;
    await_told(lab, uplink, state)?;
    lab.ovs().purge()
}

/// Waits until Open vSwitch forwards by what it tells of a link.
///
/// It chooses among the links a moment after it has told, and then goes through what it has in the
/// datapath. What it is to remember of a frame that it has forwarded, such as by which uplink, it
/// remembers when it comes by the next time, which is half a second later at the latest
/// (`other_config:max-revalidator`), and then goes through the datapath once more. The round that is
/// under way when this is asked for counts for nothing.
fn await_acted(lab: &Lab, uplink: &str, state: &str) -> Result<()> {
    await_told(lab, uplink, state)?;
    for _round in ["under way", "chooses", "remembers", "goes by that"] {
        lab.ovs().appctl(&["revalidator/wait"])?;
    }
    Ok(())
}

/// Who got a frame, uplinks by one name: which of them it was is up to the switch.
fn seen_by(lab: &Lab, from: &str, src: MacAddr, dst: MacAddr) -> Result<Vec<String>> {
    let seen = lab.probe(&lab.frame(from, dst)?.src(src))?.to_string();
    let uplink_or = |entry: &str| match entry.split_once('/') {
        Some((port, tag)) if port.starts_with("eth") => format!("uplink/{tag}"),
        _ => entry.to_owned(),
    };
    let mut seen: Vec<String> = seen.split_whitespace().map(uplink_or).collect();
    seen.sort();
    Ok(seen)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Nothing was learned at two places: what the physical switch flooded back was not believed.
fn assert_nothing_moved(controller: &Controller) {
    assert_eq!(controller.logged(MOVED), 0, "{}", controller.log());
}

#[test]
fn every_frame_is_seen_once_whatever_the_physical_switch_floods() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(WORLD, mode)?;
        let all = [
            (
                "vma0",
                "br0/untagged outside/untagged uplink/untagged vmb0/untagged vmc0/untagged",
            ),
            (
                "vmb0",
                "br0/untagged outside/untagged uplink/untagged vma0/untagged vmc0/untagged",
            ),
            (
                "br0",
                "outside/untagged uplink/untagged vma0/untagged vmb0/untagged vmc0/untagged",
            ),
            (
                OUTSIDE,
                "br0/untagged vma0/untagged vmb0/untagged vmc0/untagged",
            ),
        ];
        for round in 0..3_u8 {
            for (from, expected) in all {
                // An address that nobody has heard of yet, at first in a frame that the physical
                // switch floods back as it does not know the destination either.
                let src = match from {
                    "vma0" => lab.mac("vma0")?,
                    _ => MacAddr([0x02, 0x33, 0, from.len() as u8, from.as_bytes()[2], round]),
                };
                for dst in [NOBODY, MacAddr::BROADCAST, MULTICAST, NOBODY] {
                    let seen = seen_by(&lab, from, src, dst)?;
                    assert_eq!(seen, words(expected), "{mode}: {src} at {from} to {dst}");
                }
            }
        }
        let tagged = lab.frame(OUTSIDE, NOBODY)?.vlan(3000);
        assert_eq!(lab.probe(&tagged)?, "vmd0/untagged", "{mode}");
        let far = lab.mac(OUTSIDE)?;
        for from in ["vma0", "vmb0", "vmc0", "br0"] {
            let own = lab.mac(from)?;
            seen_by(&lab, from, own, MacAddr::BROADCAST)?;
            seen_by(&lab, OUTSIDE, far, MacAddr::BROADCAST)?;
            await_learned(&lab, "br0", far)?;
            await_learned(&lab, "br0", own)?;
            let (there, back) = (
                seen_by(&lab, from, own, far)?,
                seen_by(&lab, OUTSIDE, far, own)?,
            );
            assert_eq!(
                there,
                ["outside/untagged", "uplink/untagged"],
                "{mode}: {from}"
            );
            assert_eq!(back, [format!("{from}/untagged")], "{mode}");
        }
        assert_nothing_moved(&controller);
    }
    Ok(())
}

#[test]
fn a_single_bridge_has_them_too() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(SINGLE, mode)?;
        let far = lab.mac(OUTSIDE)?;
        let all = [
            (
                "vma0",
                "all0/untagged br7/untagged outside/untagged uplink/untagged vmb0/untagged",
            ),
            (
                "br7",
                "all0/untagged outside/untagged uplink/untagged vma0/untagged vmb0/untagged",
            ),
            (
                OUTSIDE,
                "all0/untagged br7/untagged vma0/untagged vmb0/untagged",
            ),
        ];
        for (from, expected) in all {
            for dst in [NOBODY, MacAddr::BROADCAST] {
                let seen = seen_by(&lab, from, lab.mac(from)?, dst)?;
                assert_eq!(seen, words(expected), "{mode}: {from} to {dst}");
            }
        }
        await_learned(&lab, "br7", far)?;
        let vm = lab.mac("vma0")?;
        let (there, back) = (
            seen_by(&lab, "vma0", vm, far)?,
            seen_by(&lab, OUTSIDE, far, vm)?,
        );
        assert_eq!(
            there,
            ["all0/untagged", "outside/untagged", "uplink/untagged"],
            "{mode}"
        );
        assert_eq!(back, ["all0/untagged", "vma0/untagged"], "{mode}");
        assert_nothing_moved(&controller);
    }
    Ok(())
}

/// What is lost while a link comes or goes is up to the machine: what is on the wire, what is sent until
/// the kernel has told Open vSwitch and that has acted ([`await_acted`]). The controller changes
/// no flow for it, and without one it is the same. Once the switch has acted nothing is lost any more, nothing
/// is ever there twice, and nobody else sees any of it.
#[test]
fn links_go_down_and_up_under_traffic_with_and_without_a_controller() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(WORLD, mode)?;
        let far = lab.mac(OUTSIDE)?;
        let guests = ["vma0", "vmb0"];
        for from in guests {
            seen_by(&lab, from, lab.mac(from)?, MacAddr::BROADCAST)?;
            seen_by(&lab, OUTSIDE, far, MacAddr::BROADCAST)?;
            await_learned(&lab, "br0", lab.mac(from)?)?;
        }
        await_learned(&lab, "br0", far)?;
        let mut controller = Some(controller);
        for with_controller in [true, false] {
            if !with_controller {
                controller
                    .take()
                    .map(|controller| controller.kill())
                    .transpose()?;
            }
            let mut streams = Vec::new();
            for guest in guests {
                streams.push((lab.stream(guest, far)?, OUTSIDE));
                streams.push((lab.stream(OUTSIDE, lab.mac(guest)?)?, guest));
            }
            let await_all = || {
                let mut streams = streams.iter();
                streams.try_for_each(|(stream, at)| lab.await_stream(stream, at, 20))
            };
            let arrived = || -> Vec<usize> {
                let streams = streams.iter();
                streams
                    .map(|(stream, at)| lab.arrived(stream, at))
                    .collect()
            };
            await_all()?;
            // How many frames had arrived when the switch had acted, and when the next link changes.
            let mut calm = Vec::new();
            for uplink in ["eth1", "eth2"] {
                for state in ["down", "up"] {
                    set_link(&lab, uplink, state)?;
                    await_acted(&lab, uplink, state)?;
                    let from = arrived();
                    await_all()?;
                    calm.push((format!("{uplink} {state}"), from, arrived()));
                }
            }
            for (index, (stream, at)) in streams.into_iter().enumerate() {
                let tally = stream.finish(&lab)?;
                let what = format!("{mode}, controller {with_controller}, to {at}");
                assert_eq!(tally.at(at).duplicated, Vec::<u32>::new(), "{what}");
                let numbers = tally.arrivals(at);
                for (event, from, to) in &calm {
                    let numbers = &numbers[from[index]..to[index]];
                    let lost = numbers.windows(2).any(|pair| pair[0] + 1 != pair[1]);
                    assert!(!lost, "{what}, after {event}: {numbers:?}");
                }
                // Both ends know each other: nobody else gets any of it.
                let ports = tally.ports().into_iter();
                let others: BTreeSet<_> = ports.filter(|port| !port.starts_with("eth")).collect();
                assert_eq!(others, [at].into(), "{what}");
            }
        }
    }
    Ok(())
}

/// Where frames arrived that are from an address, each with its place and its Ethernet type.
fn arrivals_from(lab: &Lab, src: MacAddr) -> Vec<(String, u16)> {
    let from = |seen: &&Sighting| seen.frame.src == src;
    let arrival = |seen: &Sighting| (seen.port.clone(), seen.frame.ethertype);
    let sightings = lab.sightings();
    sightings.read(|all| all.iter().filter(from).map(arrival).collect())
}

/// The uplink that the last frame of an address left by.
fn uplink_of(lab: &Lab, src: MacAddr) -> Option<String> {
    let mut arrivals = arrivals_from(lab, src).into_iter().rev();
    arrivals.find_map(|(port, _)| port.starts_with("eth").then_some(port))
}

/// A guest that only listens gets what is for it by the uplink where the physical switch has seen
/// it, whatever that is: also after its own uplink is back, and without a controller.
#[test]
fn a_guest_that_only_listens_loses_nothing_when_a_link_comes_back() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(WORLD, mode)?;
        let (far, guest) = (lab.mac(OUTSIDE)?, lab.mac("vma0")?);
        let say = |from, dst| seen_by(&lab, from, lab.mac(from)?, dst);
        say(OUTSIDE, MacAddr::BROADCAST)?;
        await_learned(&lab, "br0", far)?;
        say("vma0", MacAddr::BROADCAST)?;
        let own = uplink_of(&lab, guest).context("it has sent")?;
        controller.kill()?;

        set_link_for_certain(&lab, &own, "down")?;
        say("vma0", far)?;
        let other = uplink_of(&lab, guest).context("it has sent")?;
        assert_ne!(own, other);
        // Open vSwitch has accounted for what it has sent, so that is in the past.
        lab.ovs().appctl(&["revalidator/wait"])?;
        let stream = lab.stream(OUTSIDE, guest)?;
        lab.await_stream(&stream, "vma0", 20)?;
        set_link(&lab, &own, "up")?;
        lab.await_stream(&stream, "vma0", 50)?;
        let tally = stream.finish(&lab)?;
        assert_eq!(tally.at("vma0"), Arrived::EXACTLY_ONCE, "{mode}");
        assert_eq!(tally.ports(), ["vma0"].into(), "{mode}");

        // It is heard again: the physical switch goes back to its own uplink.
        say("vma0", far)?;
        assert_eq!(uplink_of(&lab, guest), Some(own.clone()), "{mode}");
        assert_eq!(say(OUTSIDE, guest)?, ["vma0/untagged"], "{mode}");
        // The physical switch has forgotten it, and floods.
        set_link_for_certain(&lab, &own, "down")?;
        assert_eq!(say(OUTSIDE, guest)?, ["vma0/untagged"], "{mode}");
        set_link_for_certain(&lab, &own, "up")?;
        assert_eq!(say(OUTSIDE, guest)?, ["vma0/untagged"], "{mode}");
    }
    Ok(())
}

#[test]
fn balance_uses_both_links_and_moves_only_the_share_of_one_that_is_down() -> Result<()> {
    let (lab, _controller) = start(WORLD, "balance")?;
    let stations: Vec<MacAddr> = (0..16)
        .map(|host| MacAddr([0x02, 0x44, 0, 0, 0, host]))
        .collect();
    let places = || -> Result<Vec<String>> {
        let place = |src: &MacAddr| {
            seen_by(&lab, "vmb0", *src, NOBODY)?;
            uplink_of(&lab, *src).context("it has sent")
        };
        stations.iter().map(place).collect()
    };
    let before = places()?;
    let used: BTreeSet<&str> = before.iter().map(String::as_str).collect();
    assert_eq!(used, ["eth1", "eth2"].into());
    set_link_for_certain(&lab, "eth1", "down")?;
    assert_eq!(places()?, vec!["eth2".to_owned(); stations.len()]);
    set_link_for_certain(&lab, "eth1", "up")?;
    assert_eq!(places()?, before);
    Ok(())
}

#[test]
fn active_backup_uses_the_first_link_that_is_up() -> Result<()> {
    let (lab, _controller) = start(SINGLE, "active_backup")?;
    let guest = lab.mac("vma0")?;
    for (uplink, state, expected) in [
        ("eth2", "down", "eth1"),
        ("eth1", "down", "eth3"),
        ("eth2", "up", "eth2"),
        ("eth1", "up", "eth1"),
    ] {
        set_link_for_certain(&lab, uplink, state)?;
        seen_by(&lab, "vma0", guest, NOBODY)?;
        assert_eq!(uplink_of(&lab, guest).as_deref(), Some(expected));
    }
    Ok(())
}

/// Reverse ARP.
const RARP: u16 = 0x8035;

#[test]
fn addresses_are_announced_when_a_link_goes_down_and_when_it_is_back() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(WORLD, mode)?;
        let learned = lab.mac("vmb0")?;
        seen_by(&lab, "vmb0", learned, MacAddr::BROADCAST)?;
        await_learned(&lab, "br0", learned)?;
        set_link(&lab, "eth1", "down")?;
        let announced = |src: MacAddr, times: usize| {
            let at_outside = |seen: &&Sighting| {
                seen.port == OUTSIDE && seen.frame.src == src && seen.frame.ethertype == RARP
            };
            lab.sightings()
                .wait(|all| (all.iter().filter(at_outside).count() >= times).then_some(()))
        };
        let all = [lab.mac("vma0")?, learned, lab.mac("vmd0")?];
        for src in all {
            announced(src, 1).with_context(|| format!("{mode}: {src} is not announced"))?;
        }
        set_link_for_certain(&lab, "eth1", "up")?;
        for src in all {
            announced(src, 2).with_context(|| format!("{mode}: {src} is not announced again"))?;
        }
        lab.settle(&["vma0"])?;
        let of_guest = arrivals_from(&lab, lab.mac("vma0")?);
        let mut announcements: Vec<&str> = of_guest
            .iter()
            .filter(|(_, kind)| *kind == RARP)
            .map(|(port, _)| port.as_str())
            .collect();
        announcements.sort_unstable();
        // Only out, and once each time: by the other, and by the one that is chosen then.
        let own = uplink_of(&lab, lab.mac("vma0")?).context("no uplink")?;
        if mode == "active_backup" {
            assert_eq!(own, "eth1");
        }
        let mut expected = ["eth2", OUTSIDE, &own, OUTSIDE];
        expected.sort_unstable();
        assert_eq!(announcements, expected, "{mode}");
        assert_nothing_moved(&controller);
    }
    Ok(())
}

/// A VM that is moved to another host sends a broadcast from there, and may be talked to at once.
#[test]
fn an_address_that_moves_away_is_followed() -> Result<()> {
    for mode in MODES {
        let (lab, controller) = start(WORLD, mode)?;
        let vm = MacAddr([0x02, 0x55, 0, 0, 0, 1]);
        seen_by(&lab, "vmb0", vm, NOBODY)?;
        await_learned(&lab, "br0", vm)?;
        assert_eq!(
            seen_by(&lab, "vma0", lab.mac("vma0")?, vm)?,
            ["vmb0/untagged"],
            "{mode}"
        );
        seen_by(&lab, OUTSIDE, vm, MacAddr::BROADCAST)?;
        controller.wait_for_log(MOVED, 1)?;
        for guest in ["vma0", "vmc0"] {
            let own = lab.mac(guest)?;
            seen_by(&lab, guest, own, MacAddr::BROADCAST)?;
            await_learned(&lab, "br0", own)?;
            assert_eq!(
                seen_by(&lab, OUTSIDE, vm, own)?,
                [format!("{guest}/untagged")],
                "{mode}"
            );
            integration::wait::until("frames to leave for it", || {
                let seen = seen_by(&lab, guest, own, vm)?;
                Ok((seen == ["outside/untagged", "uplink/untagged"]).then_some(()))
            })?;
        }
    }
    Ok(())
}
