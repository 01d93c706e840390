//! Shadow mode: a function is tried out on copies, and then put in the way.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use common::{FAR, set_link, start};
use integration::bump::Bump;
use integration::frame::Frame;
use integration::{Lab, wait};
use openflow::MacAddr;

const SHADOW: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - name: ips
        mode: inline
        shadow: true
        instances: [{ host: node1, ingress: ips-in, egress: ips-out }]
";

/// Asserts who sees a frame of one station.
#[track_caller]
fn assert_seen(lab: &Lab, bump: &Bump, from: &str, src: MacAddr, dst: MacAddr, expected: &str) {
    let seen = lab
        .frame(from, dst)
        .and_then(|frame| lab.probe(&frame.src(src)));
    let seen = seen.unwrap_or_else(|error| panic!("from {from} to {dst}: {error:#}"));
    assert_eq!(seen, expected, "from {from} to {dst}");
    bump.catch_up(lab).expect("the function works");
}

#[test]
fn a_shadow_gets_copies_by_the_leg_of_entry_and_is_never_in_the_way() -> Result<()> {
    let (lab, controller) = start(SHADOW)?;
    // It sends on what it gets, all of which is dropped; the frames themselves arrive once.
    let bump = Bump::start(&lab, "ips-in", "ips-out")?;
    let (a, b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    let all = MacAddr::BROADCAST;
    assert_seen(&lab, &bump, "vma0", a, b, "ips-in/3000 vmb0/untagged");
    assert_seen(
        &lab,
        &bump,
        "vma0",
        a,
        all,
        "eth1/3000 ips-in/3000 vmb0/untagged",
    );
    assert_seen(&lab, &bump, "eth1", FAR, a, "ips-out/3000 vma0/untagged");
    assert_seen(
        &lab,
        &bump,
        "eth1",
        FAR,
        all,
        "ips-out/3000 vma0/untagged vmb0/untagged",
    );
    lab.settle(&["vma0", "eth1"])?;
    bump.catch_up(&lab)?;
    lab.flush()?;
    // Whatever it sent: nothing of it came on.
    let copies = lab.sightings().read(|all| {
        let at_guest = all.iter().filter(|seen| seen.port == "vmb0");
        let markers: Vec<_> = at_guest.filter_map(|seen| seen.frame.marker()).collect();
        (
            markers.len(),
            markers.into_iter().collect::<BTreeSet<_>>().len(),
        )
    });
    assert_eq!(copies.0, copies.1, "no frame came twice");

    controller.kill()?;
    for leg in ["ips-in", "ips-out"] {
        set_link(&lab, leg, "down")?;
        for (from, src, dst, to) in [("vma0", a, b, "vmb0"), ("eth1", FAR, a, "vma0")] {
            let station = lab.station(from)?;
            let marker = u64::from(leg == "ips-in") << 8 | u64::from(from == "eth1");
            let frame = Frame::probe(src, dst, station.tags(), marker);
            lab.namespace(from)?
                .raw_socket("eth0")?
                .send(&frame.encode())?;
            lab.sightings()
                .wait(|all| {
                    all.iter()
                        .any(|seen| seen.port == to && seen.frame.marker() == Some(marker))
                        .then_some(())
                })
                .with_context(|| format!("{from} does not reach {to} with {leg} down"))?;
        }
        set_link(&lab, leg, "up")?;
    }
    Ok(())
}

/// The markers of the stream, from here on.
const STREAM: u64 = 0xffff_0000_0000_0000;
/// The pause after each frame of the stream.
const PAUSE: Duration = Duration::from_millis(4);
/// A frame that has not arrived for so long waits for the function to let it pass.
const HOLD: Duration = Duration::from_secs(2);

/// The numbers of the frames of the stream that were seen at a port, in order.
fn numbers(lab: &Lab, port: &str) -> Vec<u64> {
    lab.sightings().read(|all| {
        all.iter()
            .filter(|seen| seen.port == port)
            .filter_map(|seen| seen.frame.marker()?.checked_sub(STREAM))
            .collect()
    })
}

#[test]
fn a_function_goes_inline_without_losing_or_doubling_a_frame() -> Result<()> {
    let (lab, controller) = start(SHADOW)?;
    let a = lab.mac("vma0")?;

    // A function that knows which frames are copies: those that arrive without it.
    let passed: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (sightings, so_far) = (lab.sightings().clone(), Arc::clone(&passed));
    let judge = move |frame: &Frame| {
        let Some(number) = frame.marker().and_then(|marker| marker.checked_sub(STREAM)) else {
            return false;
        };
        let mut passed = so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let arrived = || {
            sightings.read(|all| {
                let at_guest = all.iter().rev().filter(|seen| seen.port == "vmb0");
                at_guest
                    .filter_map(|seen| seen.frame.marker())
                    .any(|marker| marker == STREAM + number)
            })
        };
        // Once one was no copy, none is.
        if passed.is_empty() {
            let deadline = Instant::now() + HOLD;
            while Instant::now() < deadline {
                if arrived() {
                    return false;
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        passed.push(number);
        true
    };
    let bump = Bump::judging(&lab, "ips-in", "ips-out", judge)?;

    let socket = lab.namespace("vma0")?.raw_socket("eth0")?;
    let tags = lab.station("vma0")?.tags();
    let mut sent = 0;
    let mut send = |count| {
        for _ in 0..count {
            let frame = Frame::probe(a, MacAddr::BROADCAST, tags.clone(), STREAM + sent);
            socket.send(&frame.encode())?;
            sent += 1;
            thread::sleep(PAUSE);
        }
        anyhow::Ok(())
    };
    send(100)?;
    lab.change_config(&SHADOW.replace("shadow: true", "shadow: false"))?;
    controller.reload()?;
    // The commit comes somewhere in this time.
    let log = |text| controller.logged(text);
    let synced = log("bridge in sync");
    while log("bridge in sync") < synced + 1 {
        send(10)?;
    }
    send(100)?;

    wait::until("all frames to arrive", || {
        Ok((numbers(&lab, "vmb0").len() as u64 >= sent).then_some(()))
    })?;
    bump.catch_up(&lab)?;
    lab.flush()?;
    let all: Vec<u64> = (0..sent).collect();
    for port in ["vmb0", "eth1"] {
        assert_eq!(
            numbers(&lab, port),
            all,
            "each arrives at {port} once, in order"
        );
    }
    assert_eq!(numbers(&lab, "vma0"), [0; 0], "none comes back");
    assert_eq!(numbers(&lab, "ips-in"), all, "the function sees each once");
    assert_eq!(numbers(&lab, "ips-out"), [0; 0]);
    let passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
    let first = passed.first().copied().context("it went inline")?;
    assert!((100..sent - 99).contains(&first), "{first} of {sent}");
    assert!(passed.iter().copied().eq(first..sent), "{passed:?}");
    Ok(())
}
