//! `demo --inline`: an IPS in the way of frames, what it blocks, and what becomes of frames while it
//! is down.

mod failures;
mod packets;
mod report;

use anyhow::Result;
use integration::Lab;
use integration::controller::Controller;
use integration::ids::builtin::Ips;
use integration::ids::suricata::{self, Suricata};
use integration::ids::{Inspector, await_arrival, packet};
use openflow::MacAddr;

use self::failures::{Failure, Outcome};
use self::report::Report;
use crate::step;

const CONFIG: &str = include_str!("inline.yaml");

/// The legs of the two instances.
const FIRST: [&str; 2] = ["ips-in", "ips-out"];
const SECOND: [&str; 2] = ["ips-in2", "ips-out2"];
const IDS: &str = "ids0";
const VM_A: &str = "vma0";
const VM_B: &str = "vmb0";
const OUTSIDE: &str = "eth1";
/// Somebody outside.
const FAR: MacAddr = MacAddr([0x02, 0, 0, 0, 0x77, 0x01]);

/// The lab while the demo runs.
struct Stage {
    lab: Lab,
    controller: Controller,
    /// How often the service bridge was brought into line.
    synced: usize,
    first: Box<dyn Inspector>,
    /// It has nothing to do until the first fails.
    _second: Box<dyn Inspector>,
}

impl Stage {
    /// Goes on with another failure policy.
    fn turn(&mut self, outcome: Outcome) -> Result<()> {
        step(&format!("reloading the config: {}", outcome.config()));
        let config = match outcome {
            Outcome::Stop => CONFIG.to_owned(),
            Outcome::Bypass => CONFIG.replace("fail_close", "fail_open"),
            Outcome::TakeOver => CONFIG.replace(", enabled: false", ""),
        };
        self.lab.change_config(&config)?;
        self.controller.reload()?;
        self.synced += 1;
        self.lab
            .await_sync_of(&self.controller, "br.nf", self.synced)
    }
}

/// Runs the demo; says what was measured.
pub(crate) fn run() -> Result<Report> {
    step(
        "bringing up a host with two guests, an IDS and two IPS (private Open vSwitch, network namespaces)",
    );
    let lab = Lab::with_joined_legs(CONFIG)?;
    let (first, second) = (inspector(&lab, FIRST)?, inspector(&lab, SECOND)?);
    step(&format!("between the legs of each IPS: {}", first.name()));
    step("starting the controller");
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    // Both ends are known before anything is measured.
    introduce(&lab)?;
    let mut stage = Stage {
        lab,
        controller,
        synced: 1,
        first,
        _second: second,
    };
    let mut report = Report::new(stage.first.name());
    step("sending packets, some of which the rule of the IPS is about");
    packets::measure(&stage, &mut report)?;
    for outcome in [Outcome::Stop, Outcome::Bypass, Outcome::TakeOver] {
        if outcome != Outcome::Stop {
            stage.turn(outcome)?;
        }
        for failure in [Failure::LinkDown, Failure::StandsStill] {
            step(&format!(
                "VM-A sends to VM-B all the time, and {}",
                failure.words()
            ));
            failures::measure(&stage, failure, outcome, &mut report)?;
        }
    }
    Ok(report)
}

/// Suricata where it is installed, else the lab's own.
fn inspector(lab: &Lab, [ingress, egress]: [&str; 2]) -> Result<Box<dyn Inspector>> {
    Ok(match suricata::version() {
        Some(_) => Box::new(Suricata::inline(lab, ingress, egress)?),
        None => Box::new(Ips::start(lab, ingress, egress)?),
    })
}

fn introduce(lab: &Lab) -> Result<()> {
    for (from, src) in [(OUTSIDE, FAR), (VM_B, lab.mac(VM_B)?)] {
        let tags = lab.station(from)?.tags();
        let hello = packet(src, lab.mac(VM_A)?, tags, 1, &format!("hello from {from}"))?;
        lab.transmit(from, &hello)?;
        await_arrival(lab, VM_A, &format!("hello from {from}"))?;
    }
    let far = format!("dl_dst={FAR}");
    integration::wait::until("the one outside to be known", || {
        let flows = lab.ovs().flows("br0")?;
        Ok(flows.iter().any(|flow| flow.contains(&far)).then_some(()))
    })?;
    lab.ovs().purge()
}
