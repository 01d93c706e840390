//! Health checks through the data path, with a bump in the wire that does as it is told.

mod common;

use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::{FAR, assert_seen, flows, groups, snoop, start};
use integration::bump::{self, Leg};
use integration::controller::{Controller, program};
use integration::frame::Frame;
use integration::{Lab, wait};
use serde_json::Value;

const CONFIG: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-N: { host: node1, nics: [{ port: vmn0, network: native }] }
service_chains:
  inspect:
    networks: [demo3000, native]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
      - name: ips
        mode: inline
        failure_policy: POLICY
        health_check: { interval: 0.3, timeout: 0.25, success_threshold: 2, failure_threshold: 2 }
        instances: [{ host: node1, ingress: ips-in, egress: ips-out }]
";

/// What both addresses of probes begin with.
const PROBE_MAC: [u8; 5] = [0x02, 0x62, 0x63, 0x68, 0x00];

/// How often the leg sends.
const PACE: Duration = Duration::from_millis(1);

/// What the function does with what arrives at a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// It goes out by the other leg.
    Forward,
    /// Nothing.
    Drop,
    /// Only what arrives at the ingress leg goes on.
    RightOnly,
    /// Only what arrives at the egress leg goes on.
    LeftOnly,
    /// It goes out by both legs.
    Flood,
}

/// An inline function that does as it is told, until it is dropped.
struct Bump {
    deed: Arc<Mutex<Deed>>,
    _function: bump::Bump,
}

impl Bump {
    fn start(lab: &Lab, [ingress, egress]: [&str; 2], deed: Deed) -> Result<Self> {
        let deed = Arc::new(Mutex::new(deed));
        let told = Arc::clone(&deed);
        let function = bump::Bump::doing(lab, ingress, egress, move |leg, _| {
            match (*told.lock().unwrap_or_else(PoisonError::into_inner), leg) {
                (Deed::Flood, _) => bump::Deed::Flood,
                (Deed::Forward, _)
                | (Deed::RightOnly, Leg::Ingress)
                | (Deed::LeftOnly, Leg::Egress) => bump::Deed::PassOn,
                _ => bump::Deed::Drop,
            }
        })?;
        Ok(Self {
            deed,
            _function: function,
        })
    }

    fn turn(&self, deed: Deed) {
        *self.deed.lock().unwrap_or_else(PoisonError::into_inner) = deed;
    }
}

/// A lab with a function that has passed its health checks.
fn world(policy: &str) -> Result<(Lab, Controller, Bump)> {
    let (lab, controller) = start(&CONFIG.replace("POLICY", policy))?;
    let bump = Bump::start(&lab, ["ips-in", "ips-out"], Deed::Forward)?;
    await_health(&lab, "up")?;
    Ok((lab, controller, bump))
}

/// The state that `bridgechain status` tells of the host.
fn state(lab: &Lab) -> Result<Value> {
    let mut command = Command::new(program()?);
    let told = command
        .arg("status")
        .arg(lab.layout().config())
        .arg("--json")
        .output()?;
    ensure!(told.status.success(), "{told:?}");
    let status: Value = serde_json::from_slice(&told.stdout)?;
    Ok(status["hosts"][0].clone())
}

/// The inline function as `bridgechain status` shows it.
fn instance(lab: &Lab) -> Result<Value> {
    Ok(state(lab)?["functions"][1]["instances"][0].clone())
}

/// Waits until the function has a health, and the bridge holds what comes of it.
fn await_health(lab: &Lab, health: &str) -> Result<()> {
    wait::until(&format!("a function that is {health}"), || {
        let state = state(lab)?;
        let is = state["functions"][1]["instances"][0]["health"] == *health;
        Ok((is && state["bridges"][1]["in_sync"] == true).then_some(()))
    })?;
    lab.ovs().purge()
}

/// Waits until that many more rounds of probes have passed or were lost.
fn await_rounds(lab: &Lab, count: u64) -> Result<()> {
    let rounds = || -> Result<u64> {
        let instance = instance(lab)?;
        let passes = instance["passes"].as_u64().context("no passes")?;
        Ok(passes + instance["losses"].as_u64().context("no losses")?)
    };
    let before = rounds()?;
    wait::until("rounds of probes", || {
        Ok((rounds()? >= before + count).then_some(()))
    })
}

/// Sends a frame from a guest to the outside and waits until it arrives; says at which of two ports
/// of functions it was seen on the way.
fn seen_on_the_way(lab: &Lab, marker: u64, ports: [&str; 2]) -> Result<[usize; 2]> {
    let tags = lab.station("vma0")?.tags();
    let frame = Frame::probe(lab.mac("vma0")?, FAR, tags, marker << 40 | 1);
    let socket = lab.namespace("vma0")?.raw_socket("eth0")?;
    socket.send(&frame.encode())?;
    let at = |port: &str| {
        lab.sightings().read(|all| {
            let ours = all
                .iter()
                .filter(|seen| seen.frame.marker() == frame.marker());
            ours.filter(|seen| seen.port == port).count()
        })
    };
    wait::until("the frame to arrive outside", || {
        Ok((at("eth1") > 0).then_some(()))
    })?;
    ensure!(at("eth1") == 1, "{} copies", at("eth1"));
    Ok(ports.map(at))
}

/// Whether a frame from a guest to the outside comes by the function.
fn is_inspected(lab: &Lab, marker: u64) -> Result<bool> {
    Ok(seen_on_the_way(lab, marker, ["ips-in", "ids0"])? == [1, 1])
}

/// Whether a frame has the source address of a probe.
fn is_probe(frame: &Frame) -> bool {
    frame.src.0[..5] == PROBE_MAC
}

#[test]
fn one_that_is_up_and_does_not_forward_is_bypassed_until_it_does() -> Result<()> {
    let (lab, controller, bump) = world("fail_open")?;
    assert!(is_inspected(&lab, 1)?);
    let shown = instance(&lab)?;
    assert!(
        shown["round_trip_seconds"]
            .as_f64()
            .is_some_and(|rtt| rtt < 0.25),
        "{shown}"
    );

    bump.turn(Deed::Drop);
    await_health(&lab, "down")?;
    assert!(!is_inspected(&lab, 2)?);
    assert_seen(&lab, "vma0", lab.mac("vmb0")?, "ids0/3000 vmb0/untagged");
    let link = |leg: usize| instance(&lab).map(|it| it["ports"][leg]["link"].clone());
    assert_eq!((link(0)?, link(1)?), (true.into(), true.into()));
    let down = "function is down: probes do not come through host=\"node1\" chain=\"inspect\" \
                function=\"ips\" instance=\"ips-in\" lost=2";
    controller.wait_for_log(down, 1)?;

    bump.turn(Deed::Forward);
    await_health(&lab, "up")?;
    assert!(is_inspected(&lab, 3)?);
    // Once each, however many rounds there were.
    assert_eq!(
        controller.logged("function is down"),
        1,
        "{}",
        controller.log()
    );
    assert_eq!(
        controller.logged("function is up"),
        2,
        "{}",
        controller.log()
    );
    Ok(())
}

#[test]
fn another_instance_takes_over_from_a_dead_one() -> Result<()> {
    let second = ", { host: node1, ingress: ips-in2, egress: ips-out2 }]";
    let config = CONFIG
        .replace("egress: ips-out }]", &format!("egress: ips-out }}{second}"))
        .replace("POLICY", "fail_close\n        redundancy: active_passive");
    let (lab, _controller) = start(&config)?;
    let first = Bump::start(&lab, ["ips-in", "ips-out"], Deed::Forward)?;
    let _second = Bump::start(&lab, ["ips-in2", "ips-out2"], Deed::Forward)?;
    await_health(&lab, "up")?;
    let by = |marker| seen_on_the_way(&lab, marker, ["ips-in", "ips-in2"]);
    assert_eq!(by(1)?, [1, 0]);
    first.turn(Deed::Drop);
    await_health(&lab, "down")?;
    assert_eq!(by(2)?, [0, 1]);
    let second = &state(&lab)?["functions"][1]["instances"][1];
    assert_eq!(second["health"], "up");
    first.turn(Deed::Forward);
    await_health(&lab, "up")?;
    assert_eq!(by(3)?, [1, 0]);
    Ok(())
}

/// Sends what looks like probes by a leg, several thousand in a second, until it is dropped.
struct Flood {
    stop: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(lab: &Lab, leg: &str) -> Result<Self> {
        let socket = lab.namespace(leg)?.raw_socket("eth0")?;
        let [a, b, c, d, e] = PROBE_MAC;
        let mut frame = [[a, b, c, d, e, 0], [a, b, c, d, e, 1]].concat();
        frame.extend([0x08, 0x00]);
        frame.resize(60, 0);
        let stop = Arc::new(AtomicU8::new(0));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while stopped.load(Ordering::Relaxed) == 0 {
                for _ in 0..10 {
                    let _ = socket.send(&frame);
                }
                thread::sleep(PACE);
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(1, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn one_that_makes_up_probes_takes_down_nobody_but_itself() -> Result<()> {
    let second = ", { host: node1, ingress: ips-in2, egress: ips-out2 }]";
    let config = CONFIG
        .replace("egress: ips-out }]", &format!("egress: ips-out }}{second}"))
        .replace("POLICY", "fail_close");
    let (lab, _controller) = start(&config)?;
    let first = Bump::start(&lab, ["ips-in", "ips-out"], Deed::Forward)?;
    let _second = Bump::start(&lab, ["ips-in2", "ips-out2"], Deed::Forward)?;
    await_health(&lab, "up")?;
    let second = || -> Result<Value> { Ok(state(&lab)?["functions"][1]["instances"][1].clone()) };
    wait::until("the other one to be up", || {
        Ok((second()?["health"] == "up").then_some(()))
    })?;
    let since = second()?["since_seconds"].as_f64().context("no time")?;

    let _floods = [
        Flood::start(&lab, "ips-in")?,
        Flood::start(&lab, "ips-out")?,
    ];
    first.turn(Deed::Drop);
    await_health(&lab, "down")?;
    await_rounds(&lab, 20)?;
    let shown = second()?;
    assert_eq!(shown["health"], "up", "{shown}");
    // All the time.
    let still = shown["since_seconds"].as_f64().context("no time")?;
    assert!(still > since, "{shown}");
    Ok(())
}

#[test]
fn without_a_bypass_frames_stop_and_taps_in_front_still_see_them() -> Result<()> {
    let (lab, _controller, bump) = world("fail_close")?;
    assert!(is_inspected(&lab, 1)?);
    bump.turn(Deed::Drop);
    await_health(&lab, "down")?;
    assert_seen(&lab, "vma0", FAR, "ids0/3000");
    assert_seen(&lab, "vma0", lab.mac("vmb0")?, "ids0/3000");
    bump.turn(Deed::Forward);
    await_health(&lab, "up")?;
    assert!(is_inspected(&lab, 2)?);
    Ok(())
}

#[test]
fn one_that_forwards_in_one_direction_only_is_down() -> Result<()> {
    let (lab, _controller, bump) = world("fail_open")?;
    for deed in [Deed::RightOnly, Deed::LeftOnly] {
        bump.turn(deed);
        await_health(&lab, "down").with_context(|| format!("{deed:?}"))?;
        bump.turn(Deed::Forward);
        await_health(&lab, "up")?;
    }
    Ok(())
}

#[test]
fn probes_reach_nobody_but_the_function() -> Result<()> {
    let (lab, controller, bump) = world("fail_open")?;
    await_rounds(&lab, 2)?;
    // Each comes out of the function twice, on the way it came, too.
    bump.turn(Deed::Flood);
    await_rounds(&lab, 2)?;
    bump.turn(Deed::Drop);
    await_health(&lab, "down")?;
    await_rounds(&lab, 2)?;
    bump.turn(Deed::Forward);
    await_health(&lab, "up")?;

    // A function that repeats what it has seen, with the controller there and away.
    let probes = lab.sightings().read(|all| {
        let probes = all.iter().filter(|seen| is_probe(&seen.frame));
        probes.map(|seen| seen.frame.clone()).collect::<Vec<_>>()
    });
    assert!(probes.len() > 10);
    let repeat = || -> Result<()> {
        for leg in ["ips-in", "ips-out", "ids0", "vma0", "vmn0", "eth1"] {
            let socket = lab.namespace(leg)?.raw_socket("eth0")?;
            for probe in &probes {
                socket.send(&probe.encode())?;
            }
        }
        Ok(())
    };
    repeat()?;
    // All of it is old, and nothing is learned of it.
    await_rounds(&lab, 2)?;
    assert_eq!(instance(&lab)?["health"], "up");
    bump.turn(Deed::Drop);
    controller.kill()?;
    repeat()?;
    lab.settle(&["vma0", "vmn0", "eth1"])?;
    lab.sightings().read(|all| {
        for seen in all.iter().filter(|seen| is_probe(&seen.frame)) {
            assert!(
                ["ips-in", "ips-out"].contains(&seen.port.as_str()),
                "a probe at {}",
                seen.port
            );
        }
    });
    for bridge in ["br0.local", "br0"] {
        let learned = lab.ovs().flows(bridge)?;
        let of_probe = |flow: &&String| flow.contains("02:62:63:68:00:0") && !flow.contains('/');
        assert_eq!(learned.iter().find(of_probe), None);
    }
    Ok(())
}

#[test]
fn a_controller_that_was_killed_gives_a_dead_function_no_frames_and_sends_nothing() -> Result<()> {
    let (lab, controller, bump) = world("fail_open")?;
    bump.turn(Deed::Drop);
    await_health(&lab, "down")?;
    assert!(!is_inspected(&lab, 1)?);
    let before = (flows(&lab)?, groups(&lab)?);
    controller.kill()?;
    let snoops = snoop(&lab)?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    await_rounds(&lab, 3)?;
    let shown = instance(&lab)?;
    assert_eq!(shown["health"], "down");
    assert_eq!(shown["passes"], 0);
    assert_eq!((flows(&lab)?, groups(&lab)?), before);
    for snoop in &snoops {
        snoop.wait_for("OFPT_FEATURES_REQUEST", 1)?;
        for change in ["OFPT_FLOW_MOD", "OFPT_GROUP_MOD", "ONFT_BUNDLE_CONTROL"] {
            assert_eq!(snoop.count(change), 0, "{change}:\n{}", snoop.text());
        }
    }
    assert!(!is_inspected(&lab, 2)?);
    bump.turn(Deed::Forward);
    await_health(&lab, "up")?;
    assert!(is_inspected(&lab, 3)?);
    Ok(())
}

#[test]
fn what_happens_is_shown() -> Result<()> {
    let (lab, _controller, bump) = world("fail_open")?;
    bump.turn(Deed::Drop);
    await_health(&lab, "down")?;
    let command = |name: &str| -> Result<String> {
        let mut command = Command::new(program()?);
        let told = command.arg(name).arg(lab.layout().config()).output()?;
        ensure!(told.status.success(), "{told:?}");
        Ok(String::from_utf8(told.stdout)?)
    };
    let table = command("status")?;
    let row = table.lines().find(|line| line.contains("inspect/ips"));
    let row = row.context("no row for the function")?;
    assert!(row.contains("  up  ") && row.contains("  DOWN  "), "{row}");

    // The link of a leg goes.
    lab.namespace("ips-out")?
        .ip(&["link", "set", "dev", "eth0", "down"])?;
    wait::until("a leg without a link", || {
        Ok((instance(&lab)?["ports"][1]["link"] == false).then_some(()))
    })?;
    let events = command("events")?;
    for event in [
        "br.nf: bridge connected",
        "br.nf: bridge in sync",
        "inspect/ips/ips-in: function is up, 2 probes passed",
        "inspect/ips/ips-in: function is down, 2 probes lost",
        "ips-out: link down",
    ] {
        assert!(events.contains(event), "{event:?} in {events}");
    }
    Ok(())
}
