//! What is copied to taps, and what copies look like: every copy, byte by byte, and every frame at the
//! guest that it is for.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bridgechain::cookie::Class;
use common::copies::{Guests, VLAN, copies, cut, send, tagged, world};
use common::{FAR, MULTICAST, NOBODY, start};
use integration::Lab;
use integration::capture::Sighting;
use integration::conversation::{Conversation, Transport, marker};
use integration::frame::{Frame, Tag};
use openflow::MacAddr;

#[test]
fn a_filter_keeps_frames_from_the_tap_and_not_from_the_guest() -> Result<()> {
    use Transport::{Tcp, Udp};
    let filter = "name: ids, filter: [
        { skip: { protocol: tcp, ports: [443, 8000-8010] } },
        { skip: { ports: [53] } },
        { skip: { protocol: udp, prefixes: [10.9.0.0/16, '2001:db8:9::/48'] } },
        { skip: { protocol: arp } }],
        instances: [{ host: node1, port: ids0 }]";
    let (lab, _controller) = start(&world(&[filter]))?;
    let guests = Guests::of(&lab)?;
    let wanted = [
        (Tcp, "10.0.0.1:1000", "10.0.0.2:80", true),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:443", false),
        (Tcp, "10.0.0.1:443", "10.0.0.2:1000", false),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:7999", true),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:8000", false),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:8010", false),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:8011", true),
        (Tcp, "10.0.0.1:1000", "10.0.0.2:53", false),
        (Tcp, "10.9.0.1:1000", "10.0.0.2:80", true),
        (Tcp, "[2001:db8::1]:1000", "[2001:db8::2]:443", false),
        (Tcp, "[2001:db8::1]:1000", "[2001:db8::2]:444", true),
        (Udp, "10.0.0.1:1000", "10.0.0.2:443", true),
        (Udp, "10.0.0.1:1000", "10.0.0.2:53", false),
        (Udp, "10.9.255.1:1000", "10.0.0.2:80", false),
        (Udp, "10.0.0.1:1000", "10.9.0.2:80", false),
        (Udp, "10.10.0.1:1000", "10.8.255.2:80", true),
        (Udp, "[2001:db8:9::1]:1000", "[2001:db8::2]:80", false),
        (Udp, "[2001:db8:a::1]:1000", "[2001:db8::2]:80", true),
    ];
    let mut there = Vec::new();
    for (number, (protocol, from, to, is_wanted)) in (0..).zip(wanted) {
        let conversation = guests.speak(protocol, from, to);
        there.push((conversation.frame(2 * number, 64)?, is_wanted));
        there.push((conversation.answers().frame(2 * number + 1, 64)?, is_wanted));
    }
    // What is no IP packet is skipped by no port and no prefix.
    for (number, ethertype, is_wanted) in [(1000, 0x0806, false), (1001, 0x88b6, true)] {
        let frame = guests
            .speak(Udp, "10.9.0.1:53", "10.9.0.2:53")
            .frame(number, 64)?;
        there.push((Frame { ethertype, ..frame }, is_wanted));
    }
    let from = |mac| move |(frame, _): &&(Frame, bool)| frame.src == mac;
    let skipped = lab.ovs().packets("br.nf", Class::Skip.cookie().0)?;
    for (port, own, other) in [("vma0", guests.a, "vmb0"), ("vmb0", guests.b, "vma0")] {
        let own: Vec<_> = there.iter().filter(from(own)).collect();
        let frames: Vec<Frame> = own.iter().map(|(frame, _)| frame.clone()).collect();
        let arrived = send(&lab, port, &frames)?;
        for (frame, is_wanted) in own {
            let copy = tagged(frame, &[VLAN]);
            let expected = if *is_wanted { vec![copy] } else { Vec::new() };
            assert_eq!(copies(&arrived, "ids0", frame), expected, "{frame:?}");
            assert_eq!(copies(&arrived, other, frame), [frame.encode()]);
        }
    }
    let unwanted = there.iter().filter(|(_, is_wanted)| !is_wanted).count();
    let skipped = lab.ovs().packets("br.nf", Class::Skip.cookie().0)? - skipped;
    assert_eq!(skipped, u64::try_from(unwanted)?);
    Ok(())
}

#[test]
fn east_west_is_between_vms_wherever_they_run() -> Result<()> {
    let vm_c = MacAddr([0x52, 0x54, 0, 0, 0, 0x0c]);
    let elsewhere = "VM-C: { host: node2, nics: [{ port: vmc0, mac: '52:54:00:00:00:0c', network: demo3000 }] }";
    let tap = "name: ids, direction: east_west, instances: [{ host: node1, port: ids0 }]";
    let config = world(&[tap])
        .replace("vms:\n", &format!("vms:\n  {elsewhere}\n"))
        .replace(
            "vms:\n",
            "  node2: { bridges: { local: br0.local, uplink: br0 } }\nvms:\n",
        );
    let lab = Lab::of_host(&config, "node1")?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    let guests = Guests::of(&lab)?;
    let vm_u = lab.mac("vmu0")?;
    let cases = [
        ("vma0", guests.a, guests.b, true),
        ("vma0", guests.a, vm_c, true),
        ("eth1", vm_c, guests.a, true),
        ("vma0", guests.a, MacAddr::BROADCAST, true),
        ("vma0", guests.a, MULTICAST, true),
        ("eth1", vm_c, MacAddr::BROADCAST, true),
        ("vma0", guests.a, FAR, false),
        ("vma0", guests.a, NOBODY, false),
        ("eth1", FAR, guests.a, false),
        ("eth1", FAR, MacAddr::BROADCAST, false),
        // An address that is in no configuration is not known for that of a VM.
        ("vmu0", vm_u, guests.a, false),
        ("vma0", guests.a, vm_u, false),
    ];
    for (from, src, dst, is_copied) in cases {
        let probe = lab.frame(from, dst)?.src(src);
        let probe = if from == "eth1" {
            probe.vlan(VLAN)
        } else {
            probe
        };
        let seen = lab.probe(&probe)?;
        let expected: &[&str] = if is_copied { &["3000"] } else { &[] };
        assert_eq!(seen.at("ids0"), expected, "from {src} at {from} to {dst}");
        if dst == guests.a {
            assert_eq!(seen.at("vma0"), ["untagged"]);
        }
    }
    Ok(())
}

#[test]
fn copies_are_as_long_and_tagged_as_they_are_to_be() -> Result<()> {
    let outer = "{ to_uplink: 101, to_guests: 102 }";
    // The length of copies, and the tags that they carry on the way to the uplink and to the guests.
    let taps: [(&str, String, usize, [&[u16]; 2]); 7] = [
        ("keep", String::new(), 9999, [&[VLAN], &[VLAN]]),
        ("strip", "tag: strip,".to_owned(), 9999, [&[], &[]]),
        (
            "outer",
            format!("tag: {outer},"),
            9999,
            [&[101, VLAN], &[102, VLAN]],
        ),
        (
            "cut",
            "snap_length: 100,".to_owned(),
            100,
            [&[VLAN], &[VLAN]],
        ),
        (
            "cutstrip",
            "snap_length: 100, tag: strip,".to_owned(),
            100,
            [&[], &[]],
        ),
        (
            "cutouter",
            format!("snap_length: 100, tag: {outer},"),
            100,
            [&[101, VLAN], &[102, VLAN]],
        ),
        // Little more than the header, and no marker. Linux takes no tagged frame in that is shorter.
        (
            "header",
            "snap_length: 22,".to_owned(),
            22,
            [&[VLAN], &[VLAN]],
        ),
    ];
    let functions: Vec<String> = taps
        .iter()
        .map(|(name, wish, ..)| {
            format!("name: {name}, {wish} instances: [{{ host: node1, port: {name} }}]")
        })
        .collect();
    let functions: Vec<&str> = functions.iter().map(String::as_str).collect();
    let (lab, _controller) = start(&world(&functions))?;
    let guests = Guests::of(&lab)?;
    let to_b = guests.speak(Transport::Udp, "10.0.0.1:1000", "10.0.0.2:2000");
    let from_far = Conversation {
        macs: [FAR, guests.b],
        tags: vec![Tag::vlan(VLAN)],
        ..to_b.clone()
    };
    // Of each kind one longer and one shorter than what is cut off, and one with two tags.
    let mut cases = Vec::new();
    for (from, direction, conversation) in [("vma0", 0, &to_b), ("eth1", 1, &from_far)] {
        for length in [400, 20] {
            cases.push((
                from,
                direction,
                conversation.frame(cases.len() as u64, length)?,
            ));
        }
    }
    let mut two_tags = from_far.frame(cases.len() as u64, 400)?;
    two_tags.tags.push(Tag::vlan(5));
    cases.push(("eth1", 1, two_tags));
    for (from, direction, frame) in cases {
        let untagged = match frame.tags.split_first() {
            Some((_, inner)) => Frame {
                tags: inner.to_vec(),
                ..frame.clone()
            },
            None => frame.clone(),
        };
        let start = lab.sightings().read(<[_]>::len);
        let arrived = send(&lab, from, std::slice::from_ref(&frame))?;
        for (name, _, length, tags) in &taps {
            let copy = cut(tagged(&untagged, tags[direction]), *length);
            if *length >= 100 {
                assert_eq!(copies(&arrived, name, &frame), [copy], "{name} from {from}");
                continue;
            }
            let is_header = |all: &[Sighting]| {
                let mut at_tap = all[start..].iter().filter(|seen| seen.port == *name);
                at_tap.any(|seen| seen.frame.encode() == copy)
            };
            assert!(lab.sightings().read(is_header), "{name} from {from}");
        }
        assert_eq!(
            copies(&arrived, "vmb0", &frame),
            [untagged.encode()],
            "from {from}"
        );
    }
    Ok(())
}

/// Conversations of every kind, as many as there are numbers.
fn conversations(guests: &Guests, numbers: std::ops::Range<u16>) -> Vec<Conversation> {
    let of = |number: u16| {
        let protocol = [Transport::Tcp, Transport::Udp][usize::from(number % 2)];
        let [high, low] = number.to_be_bytes();
        let from = match number % 4 {
            0 | 1 => format!("10.1.{high}.{low}:{}", 1000 + number),
            _ => format!("[2001:db8::{number:x}]:{}", 1000 + number),
        };
        let to = if number % 4 < 2 {
            "10.2.0.1:80"
        } else {
            "[2001:db8:1::1]:80"
        };
        guests.speak(protocol, &from, to)
    };
    numbers.map(of).collect()
}

/// Sends some frames of each conversation from both ends, and returns what arrived of each at these
/// ports; that all of it arrived once at the guest that it is for is seen to here.
fn both_ways(
    lab: &Lab,
    conversations: &[Conversation],
    ports: &[&str],
) -> Result<Vec<BTreeMap<String, usize>>> {
    const FRAMES: u64 = 3;
    let mut counts = vec![BTreeMap::new(); conversations.len()];
    for (from, to, is_answer) in [("vma0", "vmb0", false), ("vmb0", "vma0", true)] {
        let mut frames = Vec::new();
        for (index, conversation) in (0..).zip(conversations) {
            let speech = if is_answer {
                conversation.answers()
            } else {
                conversation.clone()
            };
            for number in 0..FRAMES {
                frames.push(speech.frame(index * FRAMES + number, 64)?);
            }
        }
        let arrived = send(lab, from, &frames)?;
        let mut at_guest = BTreeMap::new();
        for seen in &arrived {
            let marker = marker(&seen.frame).context("only those with a marker are returned")?;
            if seen.port == to {
                *at_guest.entry(marker).or_insert(0) += 1;
            }
            if ports.contains(&&*seen.port) {
                let of_conversation = &mut counts[usize::try_from(marker / FRAMES)?];
                *of_conversation.entry(seen.port.clone()).or_insert(0) += 1;
            }
        }
        let all = 0..frames.len() as u64;
        assert_eq!(at_guest, all.map(|marker| (marker, 1)).collect());
    }
    Ok(counts)
}

#[test]
fn a_sample_is_of_whole_conversations() -> Result<()> {
    let (lab, _controller) = start(&world(&[
        "name: third, sampling: 3, instances: [{ host: node1, port: ids0 }]",
        "name: tenth, sampling: 10, instances: [{ host: node1, port: ids1 }]",
    ]))?;
    let guests = Guests::of(&lab)?;
    let mut sampled = BTreeMap::new();
    let all = conversations(&guests, 0..300);
    for some in all.chunks(50) {
        for copies in both_ways(&lab, some, &["ids0", "ids1"])? {
            for (tap, count) in copies {
                assert_eq!(
                    count, 6,
                    "a conversation of 6 frames, of which {tap} got some"
                );
                *sampled.entry(tap).or_insert(0) += 1;
            }
        }
    }
    // By chance these numbers would be further off in one of ten thousand trials. But there is no
    // chance in it: the hashes of these conversations are always the same.
    assert!((70..=130).contains(&sampled["ids0"]), "{sampled:?}");
    assert!((12..=50).contains(&sampled["ids1"]), "{sampled:?}");
    Ok(())
}

#[test]
fn instances_share_what_is_left_after_filter_and_cut() -> Result<()> {
    let tap = "name: ids, snap_length: 150, rate_limit: { pps: 1000000 }, sampling: 2,
        filter: [{ skip: { protocol: icmp } }], tag: { to_uplink: 101, to_guests: 102 },
        instances: [{ host: node1, port: ids0 }, { host: node1, port: ids1 }, { host: node1, port: ids2, enabled: false }]";
    let (lab, _controller) = start(&world(&[tap]))?;
    let guests = Guests::of(&lab)?;
    let mut used = BTreeSet::new();
    for copies in both_ways(
        &lab,
        &conversations(&guests, 0..40),
        &["ids0", "ids1", "ids2"],
    )? {
        assert!(
            copies.len() <= 1,
            "one conversation at two instances: {copies:?}"
        );
        assert!(copies.values().all(|count| *count == 6), "{copies:?}");
        used.extend(copies.into_keys());
    }
    assert_eq!(used, ["ids0", "ids1"].map(str::to_owned).into());
    // What an instance gets is cut off and tagged.
    let long = (0..20_u16)
        .map(|number| conversations(&guests, number..number + 1)[0].frame(number.into(), 500));
    let long = long.collect::<Result<Vec<Frame>>>()?;
    let arrived = send(&lab, "vma0", &long)?;
    let at_taps = arrived.iter().filter(|seen| seen.port.starts_with("ids"));
    let at_taps: Vec<&Sighting> = at_taps.collect();
    assert!(!at_taps.is_empty());
    for seen in at_taps {
        let of = |frame: &&Frame| marker(frame) == marker(&seen.frame);
        let frame = long.iter().find(of).context("no other frames were sent")?;
        assert_eq!(seen.frame.encode(), cut(tagged(frame, &[101, VLAN]), 150));
    }
    Ok(())
}

/// Sends many frames in a row, no faster than the guest gets them, and returns how many copies a tap
/// got, and how long it took.
fn flood(lab: &Lab, frames: &[Frame]) -> Result<(usize, Duration)> {
    let from = lab.sightings().read(<[_]>::len);
    let count = |port: &'static str| {
        move |all: &[Sighting]| {
            let at_port = all[from..].iter().filter(|seen| seen.port == port);
            at_port.filter(|seen| marker(&seen.frame).is_some()).count()
        }
    };
    let start = Instant::now();
    let socket = lab.namespace("vma0")?.raw_socket("eth0")?;
    for (index, frame) in frames.iter().enumerate() {
        socket.send(&frame.encode())?;
        // A burst that fits every buffer on the way.
        if index % 50 == 49 {
            let delivered = |all: &[Sighting]| (count("vmb0")(all) > index).then_some(());
            lab.sightings().wait(delivered).context("frames are lost")?;
        }
    }
    let took = start.elapsed();
    lab.flush()?;
    let delivered: Vec<_> = lab.sightings().read(|all| {
        let at_guest = all[from..].iter().filter(|seen| seen.port == "vmb0");
        at_guest.filter_map(|seen| marker(&seen.frame)).collect()
    });
    let sent: Vec<_> = frames.iter().filter_map(marker).collect();
    assert!(
        delivered == sent,
        "{} of {} frames arrived, or not in order",
        delivered.len(),
        sent.len()
    );
    Ok((lab.sightings().read(count("ids0")), took))
}

#[test]
fn a_rate_limit_takes_copies_and_no_frames() -> Result<()> {
    const FRAMES: u64 = 3000;
    let (lab, _controller) = start(&world(&[
        "name: ids, rate_limit: { pps: 20 }, instances: [{ host: node1, port: ids0 }]",
    ]))?;
    let guests = Guests::of(&lab)?;
    let conversation = guests.speak(Transport::Udp, "10.0.0.1:1000", "10.0.0.2:2000");
    let frames = |numbers: std::ops::Range<u64>| {
        numbers
            .map(|number| conversation.frame(number, 64))
            .collect::<Result<Vec<_>>>()
    };
    let (copied, took) = flood(&lab, &frames(0..FRAMES)?)?;
    // A burst of one second's worth, and what there is room for meanwhile. The clock of the meter
    // ticks in milliseconds.
    let most = 20.0 + 20.0 * (took.as_secs_f64() + 0.1);
    assert!(copied as f64 <= most, "{copied} copies in {took:?}");
    assert!(copied >= 20, "{copied} copies in {took:?}");
    assert!(
        most < FRAMES as f64 / 2.0,
        "too slow for the limit to show: {took:?}"
    );
    Ok(())
}

#[test]
fn a_rate_limit_in_bits_counts_whole_frames() -> Result<()> {
    const FRAMES: u64 = 2000;
    let (lab, _controller) = start(&world(&[
        "name: ids, rate_limit: { kbps: 200 }, snap_length: 100, instances: [{ host: node1, port: ids0 }]",
    ]))?;
    let guests = Guests::of(&lab)?;
    let conversation = guests.speak(Transport::Udp, "10.0.0.1:1000", "10.0.0.2:2000");
    // 1000 bytes with the tag.
    let frames = (0..FRAMES).map(|number| conversation.frame(number, 1000 - 14 - 4 - 20 - 8));
    let (copied, took) = flood(&lab, &frames.collect::<Result<Vec<_>>>()?)?;
    let most = 25.0 + 25.0 * (took.as_secs_f64() + 0.1);
    assert!(copied as f64 <= most, "{copied} copies in {took:?}");
    assert!(copied >= 25, "{copied} copies in {took:?}");
    assert!(
        most < FRAMES as f64 / 2.0,
        "too slow for the limit to show: {took:?}"
    );
    Ok(())
}

#[test]
fn what_is_copied_changes_with_the_configuration() -> Result<()> {
    let tap = |wish: &str| {
        world(&[&format!(
            "name: ids, {wish} instances: [{{ host: node1, port: ids0 }}]"
        )])
    };
    let (lab, controller) = start(&tap("tag: strip,"))?;
    let frame = Guests::of(&lab)?
        .speak(Transport::Tcp, "10.0.0.1:1000", "10.0.0.2:443")
        .frame(1, 64)?;
    let copy = tagged(&frame, &[VLAN]);
    let wishes = [
        ("tag: strip,", vec![frame.encode()], 0),
        ("rate_limit: { pps: 50 },", vec![copy.clone()], 1),
        (
            "rate_limit: { kbps: 5000 }, snap_length: 90,",
            vec![cut(copy.clone(), 90)],
            1,
        ),
        ("filter: [{ skip: { ports: [443] } }],", Vec::new(), 0),
        ("", vec![copy], 0),
    ];
    for (number, (wish, copied, meters)) in wishes.into_iter().enumerate() {
        if number > 0 {
            lab.change_config(&tap(wish))?;
            controller.reload()?;
            lab.await_sync_of(&controller, "br.nf", number + 1)?;
        }
        let arrived = send(&lab, "vma0", std::slice::from_ref(&frame))?;
        assert_eq!(copies(&arrived, "ids0", &frame), copied, "{wish}");
        assert_eq!(copies(&arrived, "vmb0", &frame), [frame.encode()], "{wish}");
        let found = lab.ovs().ofctl(&["dump-meters", "br.nf"])?;
        assert_eq!(found.matches("meter=").count(), meters, "{wish}: {found}");
    }
    assert_eq!(controller.logged("refused"), 0, "{}", controller.log());
    Ok(())
}
