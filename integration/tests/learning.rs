//! Addresses that are not in the config are learned, move and age; those that are in it are pinned.

mod common;

use anyhow::Result;
use bridgechain::cookie::Class;
use common::{FAR, NOBODY, WORLD, assert_seen, await_flows, await_learned, start};
use openflow::MacAddr;

/// Two guests on demo3000 whose addresses are not known, in front of those of [`WORLD`].
fn unpinned() -> String {
    let guests = "vms:
  VM-U: { host: node1, nics: [{ port: vmu0, network: demo3000 }] }
  VM-W: { host: node1, nics: [{ port: vmw0, network: demo3000 }] }
";
    WORLD.replace("vms:\n", guests)
}

/// What everybody on demo3000 but VM-A sees of an unknown destination.
const FLOODED: &str =
    "all0/untagged eth1/3000 ids0/3000 vm104/untagged vmb0/untagged vmu0/untagged vmw0/untagged";

#[test]
fn a_guest_moves_with_its_next_frame() -> Result<()> {
    let (lab, _controller) = start(&unpinned())?;
    let guest = MacAddr([0x02, 0, 0, 0, 0x55, 0x01]);
    let at = |port: &str| Ok::<_, anyhow::Error>(format!("in_port={},", lab.ovs().ofport(port)?));

    assert_seen(&lab, "vma0", guest, FLOODED);
    let from = |port| Ok::<_, anyhow::Error>(lab.frame(port, lab.mac("vma0")?)?.src(guest));
    assert_eq!(
        lab.probe(&from("vmu0")?)?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    await_learned(&lab, "br0.local", guest)?;
    assert_seen(&lab, "vma0", guest, "all0/untagged ids0/3000 vmu0/untagged");

    // It moves, and back, and out of the host.
    assert_eq!(
        lab.probe(&from("vmw0")?)?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    await_flows(
        &lab,
        "br0.local",
        &format!("{}dl_vlan=3000,dl_src={guest}", at("vmu0")?),
        false,
    )?;
    await_sees(&lab, guest, "all0/untagged ids0/3000 vmw0/untagged")?;
    assert_eq!(
        lab.probe(&from("vmu0")?)?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    await_sees(&lab, guest, "all0/untagged ids0/3000 vmu0/untagged")?;
    assert_eq!(
        lab.probe(&from("eth1")?.vlan(3000))?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    await_sees(&lab, guest, "all0/untagged eth1/3000 ids0/3000")
}

/// Waits until a frame from VM-A to an address is seen by these and nobody else.
fn await_sees(lab: &integration::Lab, dst: MacAddr, expected: &str) -> Result<()> {
    integration::wait::until(&format!("{dst} to be reached as {expected}"), || {
        Ok((lab.probe(&lab.frame("vma0", dst)?)? == expected).then_some(()))
    })
}

#[test]
fn a_guest_does_not_take_over_an_address_of_the_host() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let host = lab.mac("br0")?;
    assert_seen(&lab, "br0", NOBODY, "eth1/untagged vmn0/untagged");
    await_learned(&lab, "br0", host)?;
    let stolen = lab.frame("vmn0", NOBODY)?.src(host);
    for _ in 0..3 {
        assert_eq!(lab.probe(&stolen)?, "br0/untagged eth1/untagged");
    }
    // The controller takes messages of a bridge in order, and has had these by the time it learns
    // the address of the next.
    let next = lab.frame("vmn0", NOBODY)?.src(FAR);
    assert_eq!(lab.probe(&next)?, "br0/untagged eth1/untagged");
    await_learned(&lab, "br0.local", FAR)?;
    assert_seen(&lab, "eth1", host, "br0/untagged");
    Ok(())
}

#[test]
fn a_spoofed_source_is_dropped_and_counted_and_moves_nothing() -> Result<()> {
    let (lab, _controller) = start(&unpinned())?;
    let (vm_a, vm_b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    let spoofed = Class::DropSpoofed.cookie().0;
    let local = || lab.ovs().packets("br0.local", spoofed);
    let uplink = || lab.ovs().packets("br0", spoofed);
    assert_eq!((local()?, uplink()?), (0, 0));

    for (port, count) in [("vmb0", 1), ("vmu0", 2), ("vm104", 3)] {
        assert_eq!(
            lab.probe(&lab.frame(port, MacAddr::BROADCAST)?.src(vm_a))?,
            "",
            "from {port}"
        );
        assert_eq!(local()?, count);
    }
    let outside = lab.frame("eth1", vm_b)?.src(vm_a).vlan(3000);
    assert_eq!(lab.probe(&outside)?, "");
    assert_eq!((local()?, uplink()?), (3, 1));
    assert_seen(&lab, "vmb0", vm_a, "all0/untagged ids0/3000 vma0/untagged");
    Ok(())
}

#[test]
fn an_address_that_falls_silent_is_forgotten() -> Result<()> {
    let config = unpinned().replace("controller:\n", "controller:\n  mac_age: 1\n");
    let (lab, _controller) = start(&config)?;
    let far = lab.frame("eth1", lab.mac("vma0")?)?.src(FAR).vlan(3000);
    assert_eq!(lab.probe(&far)?, "all0/untagged ids0/3000 vma0/untagged");
    await_learned(&lab, "br0", FAR)?;
    await_flows(&lab, "br0", &FAR.to_string(), false)?;
    await_flows(&lab, "br0.local", &FAR.to_string(), false)?;
    assert_seen(&lab, "vma0", FAR, FLOODED);
    Ok(())
}

#[test]
fn a_destination_behind_the_port_a_frame_came_from_goes_nowhere() -> Result<()> {
    let (lab, _controller) = start(&unpinned())?;
    let neighbour = MacAddr([0x02, 0, 0, 0, 0x77, 0x02]);
    let from_far = |dst| Ok::<_, anyhow::Error>(lab.frame("eth1", dst)?.src(FAR).vlan(3000));
    let from_neighbour = lab.frame("eth1", NOBODY)?.src(neighbour).vlan(3000);
    lab.probe(&from_far(NOBODY)?)?;
    lab.probe(&from_neighbour)?;
    await_learned(&lab, "br0", FAR)?;
    await_learned(&lab, "br0", neighbour)?;
    assert_eq!(lab.probe(&from_far(neighbour)?)?, "");
    Ok(())
}
