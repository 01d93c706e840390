//! The controller goes and comes back.

mod common;

use anyhow::Result;
use common::{FAR, NOBODY, WORLD, assert_seen, await_learned, flows, groups, snoop, start};
use integration::stream::Arrived;

/// Everything that changes a switch.
const CHANGES: [&str; 5] = [
    "OFPT_FLOW_MOD",
    "OFPT_GROUP_MOD",
    "OFPT_METER_MOD",
    "ONFT_BUNDLE_CONTROL",
    "ONFT_BUNDLE_ADD_MESSAGE",
];

#[test]
fn killed_and_started_again_nothing_is_lost_and_nothing_is_sent() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let far = lab.frame("eth1", lab.mac("vma0")?)?.src(FAR).vlan(3000);
    assert_eq!(lab.probe(&far)?, "all0/untagged ids0/3000 vma0/untagged");
    await_learned(&lab, "br0", FAR)?;
    let snoops = snoop(&lab)?;
    let before = (flows(&lab)?, groups(&lab)?);

    let to_guest = lab.stream("vma0", lab.mac("vmb0")?)?;
    let to_far = lab.stream("vma0", FAR)?;
    lab.await_stream(&to_guest, "vmb0", 10)?;
    controller.kill()?;
    lab.await_stream(&to_guest, "vmb0", 50)?;
    lab.await_stream(&to_far, "eth1", 10)?;
    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    lab.await_stream(&to_guest, "vmb0", 20)?;
    let (to_guest, to_far) = (to_guest.finish(&lab)?, to_far.finish(&lab)?);

    for port in ["vmb0", "ids0", "all0"] {
        assert_eq!(to_guest.at(port), Arrived::EXACTLY_ONCE, "{port}");
    }
    assert_eq!(to_guest.ports(), ["all0", "ids0", "vmb0"].into());
    for port in ["eth1", "ids0", "all0"] {
        assert_eq!(to_far.at(port), Arrived::EXACTLY_ONCE, "{port}");
    }
    assert_eq!(to_far.ports(), ["all0", "eth1", "ids0"].into());

    for (snoop, bridge) in snoops.iter().zip(&lab.layout().plan().bridges) {
        // Proof that the listener heard the second controller at all.
        snoop.wait_for("OFPT_FEATURES_REQUEST", 1)?;
        for change in CHANGES {
            assert_eq!(
                snoop.count(change),
                0,
                "{change} to {bridge}:\n{}",
                snoop.text()
            );
        }
    }
    assert_eq!((flows(&lab)?, groups(&lab)?), before);
    Ok(())
}

#[test]
fn new_addresses_flood_while_it_is_away_and_are_learned_afterwards() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    controller.kill()?;

    let far = lab.frame("eth1", lab.mac("vma0")?)?.src(FAR).vlan(3000);
    assert_eq!(lab.probe(&far)?, "all0/untagged ids0/3000 vma0/untagged");
    let flooded = "all0/untagged eth1/3000 ids0/3000 vm104/untagged vmb0/untagged";
    assert_seen(&lab, "vma0", FAR, flooded);
    assert_seen(&lab, "vma0", NOBODY, flooded);

    let controller = lab.start_controller()?;
    lab.await_sync(&controller)?;
    assert_seen(&lab, "vma0", FAR, flooded);
    assert_eq!(lab.probe(&far)?, "all0/untagged ids0/3000 vma0/untagged");
    await_learned(&lab, "br0", FAR)?;
    assert_seen(&lab, "vma0", FAR, "all0/untagged eth1/3000 ids0/3000");
    Ok(())
}

#[test]
fn ended_cleanly_flows_stay() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let before = (flows(&lab)?, groups(&lab)?);
    assert!(controller.terminate()?.success());
    assert_eq!((flows(&lab)?, groups(&lab)?), before);
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    Ok(())
}
