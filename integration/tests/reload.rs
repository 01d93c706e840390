//! A reload of the config touches what changed, and nothing else.

mod common;

use anyhow::Result;
use common::{TRUNKED, WORLD, assert_seen, changes, flows, groups, snoop, start};
use integration::stream::Arrived;
use openflow::MacAddr;

#[test]
fn vm_104_becomes_trunked_while_traffic_flows() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let snoops = snoop(&lab)?;
    let before = flows(&lab)?;
    assert_seen(
        &lab,
        "vma0",
        MacAddr::BROADCAST,
        "all0/untagged eth1/3000 ids0/3000 vm104/untagged vmb0/untagged",
    );
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/4000 ids0/4000 vmd0/untagged",
    );

    let stream = lab.stream("vma0", lab.mac("vmb0")?)?;
    lab.await_stream(&stream, "vmb0", 20)?;
    lab.change_config(&format!("{WORLD}{TRUNKED}"))?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    lab.await_stream(&stream, "vmb0", 20)?;
    let tally = stream.finish(&lab)?;

    for port in ["vmb0", "ids0", "all0"] {
        assert_eq!(tally.at(port), Arrived::EXACTLY_ONCE, "{port}");
    }
    assert_eq!(tally.ports(), ["all0", "ids0", "vmb0"].into());
    assert_seen(
        &lab,
        "vma0",
        MacAddr::BROADCAST,
        "all0/untagged eth1/3000 ids0/3000 vm104/3000 vmb0/untagged",
    );
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/4000 ids0/4000 vm104/4000 vmd0/untagged",
    );

    let after = flows(&lab)?;
    let expected: Vec<_> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| changes(before, after))
        .collect();
    let sent: Vec<_> = snoops
        .iter()
        .map(|snoop| snoop.count("OFPT_FLOW_MOD"))
        .collect();
    assert_eq!(
        sent,
        expected,
        "flow-mods to {:?}",
        lab.layout().plan().bridges
    );
    assert_ne!(expected[0], 0);
    Ok(())
}

#[test]
fn a_bad_config_is_refused_and_the_old_one_stays_in_force() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let snoops = snoop(&lab)?;
    let before = (flows(&lab)?, groups(&lab)?);

    lab.change_config(&WORLD.replace("network: native", "network: natvie"))?;
    controller.reload()?;
    controller.wait_for_log("natvie", 1)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    assert_eq!((flows(&lab)?, groups(&lab)?), before);

    // The next good one is taken, and a reload without a change sends nothing.
    lab.change_config(WORLD)?;
    controller.reload()?;
    controller.wait_for_log(": reloaded", 1)?;
    lab.change_config(&format!("{WORLD}{TRUNKED}"))?;
    controller.reload()?;
    controller.wait_for_log(": reloaded", 2)?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    let expected = changes(&before.0[0], &flows(&lab)?[0]);
    assert_eq!(snoops[0].count("OFPT_FLOW_MOD"), expected);
    Ok(())
}

#[test]
fn a_vm_comes_and_goes() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let without = (flows(&lab)?, groups(&lab)?);

    // VM-104 moves to the other network, and back.
    let (rest, vm_104) = WORLD.split_at(WORLD.find("  VM-104:").unwrap_or_default());
    lab.change_config(&format!("{rest}{}", vm_104.replace("demo3000", "demo4000")))?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 2)?;
    assert_seen(
        &lab,
        "vma0",
        MacAddr::BROADCAST,
        "all0/untagged eth1/3000 ids0/3000 vmb0/untagged",
    );
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/4000 ids0/4000 vm104/untagged vmd0/untagged",
    );

    // It is gone: its port is nobody's.
    lab.change_config(rest)?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 3)?;
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/4000 ids0/4000 vmd0/untagged",
    );

    lab.change_config(WORLD)?;
    controller.reload()?;
    lab.await_sync_of(&controller, "br0.local", 4)?;
    assert_eq!((flows(&lab)?, groups(&lab)?), without);
    Ok(())
}
