//! Taps on other machines: what arrives there in tunnels, taken out of them. The machine is the one
//! outside, behind the uplink.

mod common;

use std::collections::BTreeMap;
use std::net::UdpSocket;

use anyhow::{Context, Result};
use common::copies::{Guests, VLAN, copies, cut, send, tagged, world};
use common::{FAR, NOBODY, await_flows, start};
use integration::Lab;
use integration::capture::{Capture, Sighting};
use integration::conversation::{Conversation, Transport, marker};
use integration::frame::{Frame, Tag};
use integration::inbox::Inbox;
use integration::tunnel::{Header, decapsulate};
use openflow::MacAddr;

const HERE: &str = "192.0.2.1";
const SINK: &str = "192.0.2.9";
const SINK6: &str = "2001:db8::9";

/// A tap with one instance, at the end of a tunnel.
fn tap(name: &str, wish: &str, remote: &str) -> String {
    format!(
        "name: {name}, {wish} instances: [{{ host: node1, port: {name}, remote: {{ {remote} }} }}]"
    )
}

/// The world with these taps; the way to their sinks is known.
fn up(taps: &[String], sinks: &[&str]) -> Result<(Lab, integration::controller::Controller)> {
    let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
    let (lab, controller) = start(&world(&taps))?;
    find_ways(&lab, sinks)?;
    Ok((lab, controller))
}

/// Lets Open vSwitch find out where the sinks are, as it does when there is something to copy.
fn find_ways(lab: &Lab, sinks: &[&str]) -> Result<()> {
    integration::wait::until("Open vSwitch to know the sinks", || {
        let probe = lab.frame("vma0", MacAddr::BROADCAST)?;
        lab.probe(&probe)?;
        let known = lab.ovs().appctl(&["tnl/neigh/show"])?;
        Ok(sinks.iter().all(|sink| known.contains(sink)).then_some(()))
    })?;
    lab.ovs().purge()
}

/// What came out of the tunnels with the marker of a frame, by the headers of the tunnels.
fn carried(sightings: &[Sighting], of: &Frame) -> Result<BTreeMap<String, Vec<Vec<u8>>>> {
    let mut carried: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for seen in sightings {
        let Some(packet) = decapsulate(&seen.frame)? else {
            continue;
        };
        assert_eq!(
            seen.port, "eth1",
            "a guest sees a packet of a tunnel: {packet:?}"
        );
        if marker(&Frame::decode(&packet.frame)?) == marker(of) {
            let ends = (packet.from.to_string(), packet.to.to_string());
            let good = [(HERE, SINK), ("2001:db8::1", SINK6)];
            assert!(good.contains(&(&*ends.0, &*ends.1)), "{ends:?}");
            carried
                .entry(format!("{:?}", packet.header))
                .or_default()
                .push(packet.frame);
        }
    }
    Ok(carried)
}

fn header(header: Header) -> String {
    format!("{header:?}")
}

/// A frame of each kind: with the port that it comes from, and the one that it is for.
fn every_kind(lab: &Lab) -> Result<Vec<(&'static str, Frame, Option<&'static str>)>> {
    let guests = Guests::of(lab)?;
    let to_b = guests.speak(Transport::Tcp, "10.0.0.1:1000", "10.0.0.2:2000");
    let to = |mac| Conversation {
        macs: [guests.a, mac],
        ..to_b.clone()
    };
    let from_far = |mac| Conversation {
        macs: [FAR, mac],
        tags: vec![Tag::vlan(VLAN)],
        ..to_b.clone()
    };
    Ok(vec![
        ("vma0", to_b.frame(1, 64)?, Some("vmb0")),
        ("vmb0", to_b.answers().frame(2, 64)?, Some("vma0")),
        ("vma0", to(MacAddr::BROADCAST).frame(3, 64)?, Some("vmb0")),
        ("vma0", to(NOBODY).frame(4, 64)?, Some("vmb0")),
        ("eth1", from_far(guests.b).frame(5, 64)?, Some("vmb0")),
        (
            "eth1",
            from_far(MacAddr::BROADCAST).frame(6, 64)?,
            Some("vma0"),
        ),
        ("vma0", to(FAR).frame(7, 64)?, None),
    ])
}

#[test]
fn each_frame_comes_out_of_each_tunnel_once() -> Result<()> {
    let (lab, _controller) = up(
        &[
            tap("vx0", "", "type: vxlan, ip: 192.0.2.9, vni: 11259375"),
            tap("gre0", "", "type: gre, ip: 192.0.2.9, key: 4294967295"),
            tap("gre1", "", "type: gre, ip: '2001:db8::9'"),
            tap(
                "er0",
                "",
                "type: erspan, ip: 192.0.2.9, session: 1023, index: 74565",
            ),
            tap(
                "vx6",
                "tag: strip,",
                "type: vxlan, ip: '2001:db8::9', vni: 0",
            ),
        ],
        &[SINK, SINK6],
    )?;
    let session = Header::Erspan {
        session: 1023,
        index: 74565,
    };
    for (from, frame, to) in every_kind(&lab)? {
        let arrived = send(&lab, from, std::slice::from_ref(&frame))?;
        let untagged = Frame {
            tags: Vec::new(),
            ..frame.clone()
        };
        let copy = tagged(&untagged, &[VLAN]);
        let expected = [
            (
                header(Header::Vxlan { vni: 11_259_375 }),
                vec![copy.clone()],
            ),
            (
                header(Header::Gre {
                    key: Some(u32::MAX),
                }),
                vec![copy.clone()],
            ),
            (header(Header::Gre { key: None }), vec![copy.clone()]),
            (header(session), vec![copy]),
            (header(Header::Vxlan { vni: 0 }), vec![untagged.encode()]),
        ];
        let of = |sightings: &[Sighting]| carried(sightings, &frame);
        assert_eq!(
            of(&arrived)?,
            expected.into(),
            "from {from} to {}",
            frame.dst
        );
        if let Some(to) = to {
            let plain: Vec<Sighting> = arrived.into_iter().filter(|seen| seen.port == to).collect();
            assert_eq!(copies(&plain, to, &frame), [untagged.encode()]);
        }
    }
    Ok(())
}

/// The kernel takes a VXLAN packet apart as well, where it can.
#[test]
fn the_kernel_takes_vxlan_apart() -> Result<()> {
    let (lab, _controller) = up(
        &[tap("vx0", "", "type: vxlan, ip: 192.0.2.9, vni: 77")],
        &[SINK],
    )?;
    let outside = lab.namespace("eth1")?;
    let device = [
        "link", "add", "vx77", "type", "vxlan", "id", "77", "dstport", "4789", "remote", HERE,
        "dev", "eth0",
    ];
    if let Err(error) = outside.ip(&device) {
        eprintln!(
            "\nSKIPPED: the_kernel_takes_vxlan_apart: VXLAN is not in this kernel: {error:#}"
        );
        return Ok(());
    }
    outside.ip(&["link", "set", "dev", "vx77", "up"])?;
    let inbox = Inbox::default();
    let _capture = Capture::start(&outside, "vx77", "vx77", &inbox)?;
    for (from, frame, _) in every_kind(&lab)? {
        send(&lab, from, std::slice::from_ref(&frame))?;
        let copy = tagged(
            &Frame {
                tags: Vec::new(),
                ..frame.clone()
            },
            &[VLAN],
        );
        let of_frame = |all: &[Sighting]| copies(all, "vx77", &frame);
        let came = inbox.wait(|all| (!of_frame(all).is_empty()).then_some(()));
        came.context("nothing came out of the kernel's tunnel")?;
        assert_eq!(inbox.read(of_frame), [copy]);
    }
    Ok(())
}

#[test]
fn a_copy_fits_the_uplink_and_takes_no_frame_along() -> Result<()> {
    let (lab, _controller) = up(
        &[
            tap("vx0", "", "type: vxlan, ip: 192.0.2.9, vni: 77"),
            tap(
                "gre0",
                "snap_length: 200,",
                "type: gre, ip: 192.0.2.9, key: 5",
            ),
            tap(
                "er0",
                "tag: { to_uplink: 101, to_guests: 102 },",
                "type: erspan, ip: 192.0.2.9, session: 7",
            ),
        ],
        &[SINK],
    )?;
    let guests = Guests::of(&lab)?;
    let to_far = Conversation {
        macs: [guests.a, FAR],
        ..guests.speak(Transport::Udp, "10.0.0.1:1000", "10.0.0.2:2000")
    };
    // As long as Ethernet allows, and some short ones between them: these would be lost in user space
    // with copies that are too long.
    let length = |number| if number % 5 == 0 { 1500 - 20 - 8 } else { 64 };
    let frames = (0..200).map(|number| to_far.frame(number, length(number)));
    let frames: Vec<Frame> = frames.collect::<Result<_>>()?;
    let session = Header::Erspan {
        session: 7,
        index: 0,
    };
    for burst in frames.chunks(40) {
        let arrived = send(&lab, "vma0", burst)?;
        for frame in burst {
            let copy = tagged(frame, &[VLAN]);
            let plain: Vec<Sighting> = arrived
                .iter()
                .filter(|seen| !matches!(decapsulate(&seen.frame), Ok(Some(_))))
                .cloned()
                .collect();
            assert!(
                copies(&plain, "eth1", frame) == [copy.clone()],
                "a frame is lost"
            );
            let expected = [
                (
                    header(Header::Vxlan { vni: 77 }),
                    vec![cut(copy.clone(), 1464)],
                ),
                (header(Header::Gre { key: Some(5) }), vec![cut(copy, 200)]),
                (
                    header(session),
                    vec![cut(tagged(frame, &[101, VLAN]), 1464)],
                ),
            ];
            assert!(carried(&arrived, frame)? == expected.into(), "{frame:?}");
        }
    }
    Ok(())
}

/// The sink is in the host's own network, which is tapped too; so are the guests of that network.
#[test]
fn a_copy_is_not_copied_again() -> Result<()> {
    let config = world(&[&tap("vx0", "", "type: vxlan, ip: 192.0.2.9, vni: 77")])
        .replace("networks: [demo3000]", "networks: [demo3000, native]")
        .replace("api: ", "mac_age: 1, api: ")
        .replace(
            "vms:\n",
            "vms:\n  VM-N: { host: node1, nics: [{ port: vmn0, mac: '52:54:00:00:00:0e', network: native }] }\n",
        );
    let (lab, _controller) = start(&config)?;
    let guests = Guests::of(&lab)?;
    let to_b = guests.speak(Transport::Udp, "10.0.0.1:1000", "10.0.0.2:2000");
    let vxlan = header(Header::Vxlan { vni: 77 });
    // Without a listener the sink would complain of each copy, by frames that are copied.
    let listen = || Ok(UdpSocket::bind((SINK, 4789))?);
    let _listener = lab.namespace("eth1")?.enter(listen)?;

    // Nobody has said where the sink is. Open vSwitch asks once for each copy.
    let start = lab.sightings().read(<[_]>::len);
    let questions = |all: &[Sighting]| {
        let asks = |seen: &&Sighting| {
            seen.frame.ethertype == 0x0806 && seen.frame.dst == MacAddr::BROADCAST
        };
        all[start..]
            .iter()
            .filter(asks)
            .filter(|seen| seen.port == "eth1")
            .count()
    };
    let socket = lab.namespace("vma0")?.raw_socket("eth0")?;
    socket.send(&to_b.frame(1, 64)?.encode())?;
    let asked = lab
        .sightings()
        .wait(|all| (questions(all) > 0).then_some(()));
    asked.context("Open vSwitch does not ask for the sink")?;
    lab.settle(&["vma0"])?;
    // Two more copies may be under way before the answer: of the broadcasts that settle.
    assert!((1..=3).contains(&lab.sightings().read(questions)));

    find_ways(&lab, &[SINK])?;
    let bridge = "br0";
    let sink = lab.mac("eth1")?;
    for number in 2..8 {
        // A sink says nothing, so its address is forgotten.
        await_flows(&lab, bridge, &format!("dl_dst={sink}"), false)?;
        let frame = to_b.frame(number, 64)?;
        let arrived = send(&lab, "vma0", std::slice::from_ref(&frame))?;
        let expected = [(vxlan.clone(), vec![tagged(&frame, &[VLAN])])];
        assert_eq!(carried(&arrived, &frame)?, expected.into());
    }
    // Frames of the host's network have one copy each too.
    let vm_n = lab.mac("vmn0")?;
    let host = lab.mac(bridge)?;
    for (number, from, to) in [
        (20, "vmn0", FAR),
        (21, "vmn0", MacAddr::BROADCAST),
        (22, "vmn0", host),
    ] {
        let frame = Conversation {
            macs: [vm_n, to],
            ..to_b.clone()
        }
        .frame(number, 64)?;
        let arrived = send(&lab, from, std::slice::from_ref(&frame))?;
        let expected = [(vxlan.clone(), vec![frame.encode()])];
        assert_eq!(carried(&arrived, &frame)?, expected.into());
    }
    Ok(())
}

/// A tunnel always has a link. Where the operator lets Open vSwitch watch it (BFD), a sink that does
/// not answer is seen: the other instance gets its copies, and it is said so.
#[test]
fn a_sink_that_bfd_finds_silent_is_passed_over_and_shown() -> Result<()> {
    let instance = |port: &str, vni| {
        format!(
            "{{ host: node1, port: {port}, remote: {{ type: vxlan, ip: {SINK}, vni: {vni} }} }}"
        )
    };
    let instances = [instance("vx0", 1), instance("vx1", 2)].join(", ");
    let tap = format!("name: ids, instances: [{instances}]");
    let (lab, controller) = up(&[tap], &[SINK])?;
    let guests = Guests::of(&lab)?;
    let used = |conversations: std::ops::Range<u16>| -> Result<Vec<usize>> {
        let frames: Result<Vec<Frame>> = conversations
            .map(|number| {
                let from = format!("10.0.0.1:{}", 1000 + number);
                let talk = guests.speak(Transport::Tcp, &from, "10.0.0.2:2000");
                talk.frame(number.into(), 64)
            })
            .collect();
        let frames = frames?;
        let arrived = send(&lab, "vma0", &frames)?;
        let mut counts = vec![0, 0];
        for frame in &frames {
            for header_ in carried(&arrived, frame)?.keys() {
                counts[usize::from(*header_ == header(Header::Vxlan { vni: 2 }))] += 1;
            }
        }
        Ok(counts)
    };
    let before = used(0..20)?;
    assert!(before[0] > 0 && before[1] > 0, "{before:?}");

    // Nobody answers there.
    lab.ovs()
        .vsctl(&["set", "interface", "vx0", "bfd:enable=true"])?;
    controller.wait_for_log("link down", 1)?;
    lab.ovs().purge()?;
    assert_eq!(used(20..40)?, [0, 20]);

    lab.ovs()
        .vsctl(&["set", "interface", "vx0", "bfd:enable=false"])?;
    controller.wait_for_log("link up", 1)?;
    lab.ovs().purge()?;
    assert_eq!(used(0..20)?, before);
    Ok(())
}
