//! Inline functions, with bumps in the wire.

mod common;

use anyhow::{Context, Result};
use common::{FAR, NOBODY, await_learned, set_link, start};
use integration::Lab;
use integration::bump::Bump;
use integration::frame::{Frame, Tag};
use openflow::MacAddr;

const INLINE: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-U: { host: node1, nics: [{ port: vmu0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: ips-in, egress: ips-out }] }
";

/// Two inline functions and a tap between them.
const MIXED: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, demo4000: { vlan: 4000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-U: { host: node1, nics: [{ port: vmu0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - name: first
        mode: inline
        failure_policy: fail_open
        instances: [{ host: node1, ingress: f-in, egress: f-out }]
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
      - { name: second, mode: inline, instances: [{ host: node1, ingress: s-in, egress: s-out }] }
";

/// A chain of one VM and a chain of a network.
const SEVERAL: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, demo4000: { vlan: 4000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-C: { host: node1, nics: [{ port: vmc0, mac: '52:54:00:00:00:0c', network: demo4000 }] }
service_chains:
  of-a-vm:
    vms: [VM-A]
    functions:
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: f-in, egress: f-out }] }
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
  of-a-network:
    networks: [demo4000]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids1 }] }
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: s-in, egress: s-out }] }
";

/// Sends a frame and waits until it arrives at another port.
fn reaches(lab: &Lab, marker: u64, from: &str, src: MacAddr, dst: MacAddr, to: &str) -> Result<()> {
    let station = lab.station(from)?;
    let tags: Vec<Tag> = station.tags();
    let socket = lab.namespace(from)?.raw_socket(station.device())?;
    socket.send(&Frame::probe(src, dst, tags, marker).encode())?;
    let arrived = lab.sightings().wait(|all| {
        all.iter()
            .any(|seen| seen.port == to && seen.frame.marker() == Some(marker))
            .then_some(())
    });
    arrived.with_context(|| format!("nothing from {src} at {from} to {dst} arrived at {to}"))
}

/// The ports that the frame with this marker has arrived at so far, in the order of its arrival.
fn seen(lab: &Lab, marker: u64) -> Vec<String> {
    lab.sightings().read(|all| {
        all.iter()
            .filter(|seen| seen.frame.marker() == Some(marker))
            .map(|seen| seen.port.clone())
            .collect()
    })
}

/// Waits until nothing is on its way any more: each round takes frames past one function.
fn calm_down(lab: &Lab, functions: &[&Bump]) -> Result<()> {
    for _ in 0..=2 * functions.len() {
        lab.flush()?;
        functions.iter().try_for_each(|bump| bump.catch_up(lab))?;
    }
    lab.flush()
}

/// Asserts that the first ports come in this order. The order among different captures tells what
/// came first only where one frame caused the other.
#[track_caller]
fn assert_order(seen: &[String], order: &[&str]) {
    let places: Vec<_> = order
        .iter()
        .map(|port| seen.iter().position(|at| at == port))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{order:?} in {seen:?}"
    );
}

#[track_caller]
fn assert_once_at(mut seen: Vec<String>, ports: &[&str]) {
    seen.sort();
    assert_eq!(seen, ports);
}

#[test]
fn a_station_that_has_left_a_guest_reaches_it_from_outside() -> Result<()> {
    let (lab, _controller) = start(INLINE)?;
    let _bump = Bump::start(&lab, "ips-in", "ips-out")?;
    let guest = lab.mac("vmu0")?;

    reaches(&lab, 1, "vmu0", NOBODY, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 2, "vmu0", guest, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 3, "eth1", NOBODY, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 4, "eth1", NOBODY, MacAddr::BROADCAST, "vmu0")?;
    reaches(&lab, 5, "eth1", NOBODY, guest, "vmu0")
}

#[test]
fn functions_see_each_frame_once_in_order_from_the_vm_and_in_reverse_from_outside() -> Result<()> {
    let (lab, _controller) = start(MIXED)?;
    let first = Bump::start(&lab, "f-in", "f-out")?;
    let second = Bump::start(&lab, "s-in", "s-out")?;
    let calm_down = || calm_down(&lab, &[&first, &second]);
    let [a, b, u] = ["vma0", "vmb0", "vmu0"].map(|port| lab.mac(port));
    let (a, b, u) = (a?, b?, u?);

    // To an unknown destination, and broadcast, from a pinned and from a learned address: once
    // everywhere, and nowhere where it came from.
    reaches(&lab, 1, "vma0", a, FAR, "eth1")?;
    reaches(&lab, 2, "vmu0", u, MacAddr::BROADCAST, "eth1")?;
    calm_down()?;
    assert_order(&seen(&lab, 1), &["f-in", "s-in", "eth1"]);
    assert_order(&seen(&lab, 1), &["f-in", "ids0"]);
    assert_once_at(
        seen(&lab, 1),
        &["eth1", "f-in", "ids0", "s-in", "vmb0", "vmu0"],
    );
    assert_once_at(
        seen(&lab, 2),
        &["eth1", "f-in", "ids0", "s-in", "vma0", "vmb0"],
    );

    // From outside, to a guest and to all.
    reaches(&lab, 3, "eth1", FAR, a, "vma0")?;
    reaches(&lab, 4, "eth1", FAR, MacAddr::BROADCAST, "vma0")?;
    calm_down()?;
    assert_order(&seen(&lab, 3), &["s-out", "f-out", "vma0"]);
    assert_order(&seen(&lab, 3), &["s-out", "ids0"]);
    assert_once_at(seen(&lab, 3), &["f-out", "ids0", "s-out", "vma0"]);
    assert_once_at(
        seen(&lab, 4),
        &["f-out", "ids0", "s-out", "vma0", "vmb0", "vmu0"],
    );

    // To outside, now that this is known, and between guests: on the way back it is not inspected
    // again.
    await_learned(&lab, "br0", FAR)?;
    reaches(&lab, 5, "vma0", a, FAR, "eth1")?;
    reaches(&lab, 6, "vma0", a, b, "vmb0")?;
    reaches(&lab, 7, "vmb0", b, a, "vma0")?;
    calm_down()?;
    assert_once_at(seen(&lab, 5), &["eth1", "f-in", "ids0", "s-in"]);
    assert_once_at(seen(&lab, 6), &["f-in", "ids0", "s-in", "vmb0"]);
    assert_once_at(seen(&lab, 7), &["f-in", "ids0", "s-in", "vma0"]);
    Ok(())
}

#[test]
fn frames_bypass_or_stop_as_the_policy_says_without_a_controller() -> Result<()> {
    let (lab, controller) = start(MIXED)?;
    let _first = Bump::start(&lab, "f-in", "f-out")?;
    let second = Bump::start(&lab, "s-in", "s-out")?;
    let a = lab.mac("vma0")?;
    controller.kill()?;

    // fail_open: past the one whose leg is down, in both directions, and through the other.
    for (marker, leg) in [(10, "f-in"), (20, "f-out")] {
        set_link(&lab, leg, "down")?;
        reaches(&lab, marker, "vma0", a, FAR, "eth1")?;
        reaches(&lab, marker + 1, "eth1", FAR, a, "vma0")?;
        assert_order(&seen(&lab, marker), &["s-in", "eth1"]);
        assert_order(&seen(&lab, marker + 1), &["s-out", "vma0"]);
        for marker in [marker, marker + 1] {
            assert!(!seen(&lab, marker).iter().any(|port| port.starts_with("f-")));
        }
        set_link(&lab, leg, "up")?;
        reaches(&lab, marker + 2, "vma0", a, FAR, "eth1")?;
        assert_order(&seen(&lab, marker + 2), &["f-in", "s-in", "eth1"]);
    }

    // fail_close: what comes before it still sees frames, what comes behind it none.
    for (marker, leg) in [(30, "s-out"), (40, "s-in")] {
        set_link(&lab, leg, "down")?;
        reaches(&lab, marker, "vma0", a, FAR, "ids0")?;
        let socket = lab.namespace("eth1")?.raw_socket("eth0")?;
        let frame = Frame::probe(FAR, a, vec![Tag::vlan(3000)], marker + 1);
        socket.send(&frame.encode())?;
        set_link(&lab, leg, "up")?;
        reaches(&lab, marker + 2, "eth1", FAR, a, "vma0")?;
        second.catch_up(&lab)?;
        lab.flush()?;
        assert_once_at(seen(&lab, marker), &["f-in", "ids0"]);
        assert_once_at(seen(&lab, marker + 1), &[]);
    }
    Ok(())
}

#[test]
fn a_drained_function_gets_nothing_and_what_comes_out_of_it_goes_on() -> Result<()> {
    let of_instance = MIXED.replace("egress: s-out", "egress: s-out, enabled: false");
    let of_function = MIXED.replace("name: second,", "name: second, enabled: false,");
    let (lab, controller) = start(&of_function)?;
    let first = Bump::start(&lab, "f-in", "f-out")?;
    let a = lab.mac("vma0")?;

    // As if it was not part of the chain, whatever its policy is.
    reaches(&lab, 1, "vma0", a, FAR, "eth1")?;
    reaches(&lab, 2, "eth1", FAR, a, "vma0")?;
    calm_down(&lab, &[&first])?;
    assert_once_at(seen(&lab, 1), &["eth1", "f-in", "ids0", "vmb0", "vmu0"]);
    assert_once_at(seen(&lab, 2), &["f-out", "ids0", "vma0"]);

    for (marker, config) in [(10, None), (20, Some(of_instance))] {
        if let Some(config) = config {
            lab.change_config(&config)?;
            controller.reload()?;
            lab.await_sync_of(&controller, "br.nf", 2)?;
        }
        // What it still had comes out.
        let tags = || vec![Tag::vlan(3000)];
        let send = |leg, src, dst, marker| {
            let socket = lab.namespace(leg)?.raw_socket("eth0")?;
            socket.send(&Frame::probe(src, dst, tags(), marker).encode())
        };
        send("s-out", a, MacAddr::BROADCAST, marker)?;
        send("s-in", FAR, a, marker + 1)?;
        lab.sightings()
            .wait(|all| {
                let arrived = |marker, port: &str| {
                    all.iter()
                        .any(|seen| seen.frame.marker() == Some(marker) && seen.port == port)
                };
                (arrived(marker, "eth1") && arrived(marker + 1, "vma0")).then_some(())
            })
            .context("what came out of a drained function did not go on")?;
        calm_down(&lab, &[&first])?;
        assert_once_at(seen(&lab, marker), &["eth1", "vmb0", "vmu0"]);
        assert_once_at(seen(&lab, marker + 1), &["f-out", "ids0", "vma0"]);
    }
    Ok(())
}

#[test]
fn each_frame_passes_the_chain_of_its_network_or_of_a_vm_at_either_end() -> Result<()> {
    let (lab, _controller) = start(SEVERAL)?;
    let first = Bump::start(&lab, "f-in", "f-out")?;
    let second = Bump::start(&lab, "s-in", "s-out")?;
    let [a, b, c] = ["vma0", "vmb0", "vmc0"].map(|port| lab.mac(port));
    let (a, b, c) = (a?, b?, c?);
    reaches(&lab, 1, "vma0", a, b, "vmb0")?;
    reaches(&lab, 2, "vmb0", b, a, "vma0")?;
    reaches(&lab, 3, "vmb0", b, FAR, "eth1")?;
    reaches(&lab, 4, "vmc0", c, FAR, "eth1")?;
    reaches(&lab, 5, "vmb0", b, MacAddr::BROADCAST, "vma0")?;
    calm_down(&lab, &[&first, &second])?;
    assert_once_at(seen(&lab, 1), &["f-in", "ids0", "vmb0"]);
    assert_once_at(seen(&lab, 2), &["f-in", "ids0", "vma0"]);
    assert_once_at(seen(&lab, 3), &["eth1", "vma0"]);
    assert_once_at(seen(&lab, 4), &["eth1", "ids1", "s-in"]);
    assert_once_at(seen(&lab, 5), &["eth1", "f-in", "ids0", "vma0"]);

    // A function does not speak in another chain.
    let socket = lab.namespace("f-out")?.raw_socket("eth0")?;
    for (marker, vid, src) in [(6, 4000, c), (7, 3000, a)] {
        let frame = Frame::probe(src, MacAddr::BROADCAST, vec![Tag::vlan(vid)], marker);
        socket.send(&frame.encode())?;
    }
    lab.sightings()
        .wait(|all| {
            all.iter()
                .any(|seen| seen.port == "vmb0" && seen.frame.marker() == Some(7))
                .then_some(())
        })
        .context("what comes out of a function does not go on")?;
    lab.flush()?;
    assert_once_at(seen(&lab, 6), &[]);
    assert_once_at(seen(&lab, 7), &["eth1", "ids0", "vmb0"]);
    Ok(())
}
