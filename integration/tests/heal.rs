//! What was lost comes back, and what is somebody else's stays.

mod common;

use anyhow::Result;
use common::{WORLD, assert_seen, await_flows, flows, groups, start};
use integration::Lab;
use integration::wait;

const FOREIGN: &str = "cookie=0x1234, priority=7,dl_type=0x9999 actions=drop";

/// Waits until the flows and groups of all bridges are the given ones.
fn await_state(lab: &Lab, expected: &State) -> Result<()> {
    wait::until("the flows and groups to come back", || {
        Ok((state(lab)? == *expected).then_some(()))
    })?;
    lab.ovs().purge()
}

type State = (
    Vec<std::collections::BTreeSet<String>>,
    Vec<std::collections::BTreeSet<String>>,
);

fn state(lab: &Lab) -> Result<State> {
    Ok((flows(lab)?, groups(lab)?))
}

fn delete_all(lab: &Lab) -> Result<()> {
    for bridge in &lab.layout().plan().bridges {
        lab.ovs().ofctl(&["del-flows", bridge])?;
        lab.ovs().ofctl(&["del-groups", bridge])?;
    }
    Ok(())
}

#[test]
fn flows_deleted_while_the_controller_is_away_come_back() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let before = state(&lab)?;
    controller.kill()?;
    delete_all(&lab)?;
    assert!(flows(&lab)?.iter().all(|flows| flows.is_empty()));
    lab.ovs().ofctl(&["add-flow", "br0.local", FOREIGN])?;

    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    let mut expected = before;
    expected.0[0].insert(FOREIGN.to_owned());
    assert_eq!(
        state(&lab)?,
        expected,
        "ours are back, and the foreign flow is still there"
    );
    controller.wait_for_log("foreign=1", 1)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    Ok(())
}

#[test]
fn flows_deleted_under_the_controllers_eyes_come_back() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let before = state(&lab)?;
    delete_all(&lab)?;
    await_state(&lab, &before)?;
    lab.ovs().ofctl(&[
        "del-flows",
        "br0.local",
        &format!("dl_dst={}", lab.mac("vmb0")?),
    ])?;
    await_state(&lab, &before)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    Ok(())
}

#[test]
fn a_restart_of_vswitchd_heals() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let before = state(&lab)?;
    lab.ovs().stop_vswitchd()?;
    lab.ovs().start_vswitchd()?;
    for bridge in &lab.layout().plan().bridges {
        lab.await_sync_of(&controller, bridge, 2)?;
    }
    await_state(&lab, &before)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    Ok(())
}

#[test]
fn a_port_that_comes_back_under_another_number_is_served() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let old = lab.ovs().ofport("vmb0")?;
    lab.ovs().vsctl(&["del-port", "vmb0"])?;
    assert_ne!(old, 77);
    let back = [
        "add-port",
        "br0.local",
        "vmb0",
        "--",
        "set",
        "Interface",
        "vmb0",
        "ofport_request=77",
    ];
    lab.ovs().vsctl(&back)?;
    assert_eq!(lab.ovs().ofport("vmb0")?, 77);
    await_flows(&lab, "br0.local", "in_port=77", true)?;
    await_flows(&lab, "br0.local", &format!("in_port={old},"), false)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    assert_seen(
        &lab,
        "vmb0",
        lab.mac("vma0")?,
        "all0/untagged ids0/3000 vma0/untagged",
    );
    Ok(())
}
