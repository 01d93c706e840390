//! Who sees which frame: every copy at every port, and its tagging.

mod common;

use anyhow::Result;
use common::{FAR, MULTICAST, NOBODY, TRUNKED, WORLD, assert_seen, await_learned, start};
use integration::frame::Tag;
use openflow::MacAddr;

const BUM: [MacAddr; 3] = [MacAddr::BROADCAST, MULTICAST, NOBODY];

#[test]
fn access_vnic_sees_bum_of_its_network_and_the_tap_sees_all() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let (vm_a, vm_b, vm_d, vm_104) = (
        lab.mac("vma0")?,
        lab.mac("vmb0")?,
        lab.mac("vmd0")?,
        lab.mac("vm104")?,
    );

    assert_seen(
        &lab,
        "vma0",
        vm_104,
        "all0/untagged ids0/3000 vm104/untagged",
    );
    assert_seen(&lab, "vma0", vm_b, "all0/untagged ids0/3000 vmb0/untagged");
    assert_seen(&lab, "vm104", vm_a, "all0/untagged ids0/3000 vma0/untagged");
    for dst in BUM {
        assert_seen(
            &lab,
            "vma0",
            dst,
            "all0/untagged eth1/3000 ids0/3000 vm104/untagged vmb0/untagged",
        );
        assert_seen(
            &lab,
            "vm104",
            dst,
            "all0/untagged eth1/3000 ids0/3000 vma0/untagged vmb0/untagged",
        );
        assert_seen(
            &lab,
            "all0",
            dst,
            "eth1/3000 ids0/3000 vm104/untagged vma0/untagged vmb0/untagged",
        );
    }

    // The other network: VM-104 is no member, and there its address is an unknown one.
    assert_seen(&lab, "vmc0", vm_d, "ids0/4000 vmd0/untagged");
    for dst in [vm_104, MacAddr::BROADCAST, MULTICAST, NOBODY] {
        assert_seen(&lab, "vmc0", dst, "eth1/4000 ids0/4000 vmd0/untagged");
    }
    Ok(())
}

#[test]
fn trunked_vnic_sees_bum_of_all_its_networks_tagged() -> Result<()> {
    let (lab, _controller) = start(&format!("{WORLD}{TRUNKED}"))?;
    let (vm_a, vm_b, vm_d, vm_104) = (
        lab.mac("vma0")?,
        lab.mac("vmb0")?,
        lab.mac("vmd0")?,
        lab.mac("vm104")?,
    );

    assert_seen(&lab, "vma0", vm_104, "all0/untagged ids0/3000 vm104/3000");
    assert_seen(&lab, "vma0", vm_b, "all0/untagged ids0/3000 vmb0/untagged");
    assert_seen(&lab, "vmc0", vm_104, "ids0/4000 vm104/4000");
    assert_seen(&lab, "vmc0", vm_d, "ids0/4000 vmd0/untagged");
    for dst in BUM {
        assert_seen(
            &lab,
            "vma0",
            dst,
            "all0/untagged eth1/3000 ids0/3000 vm104/3000 vmb0/untagged",
        );
        assert_seen(
            &lab,
            "vmc0",
            dst,
            "eth1/4000 ids0/4000 vm104/4000 vmd0/untagged",
        );
    }

    // What it sends itself: tagged with one of its networks, or untagged for the native one.
    let broadcast = lab.frame("vm104", MacAddr::BROADCAST)?;
    let on_3000 = "all0/untagged eth1/3000 ids0/3000 vma0/untagged vmb0/untagged";
    assert_eq!(lab.probe(&broadcast.clone().vlan(3000))?, on_3000);
    assert_eq!(lab.probe(&broadcast.clone().untagged())?, on_3000);
    assert_eq!(
        lab.probe(&broadcast.clone().vlan(0))?,
        on_3000,
        "a priority tag counts as untagged"
    );
    let on_4000 = "eth1/4000 ids0/4000 vmc0/untagged vmd0/untagged";
    assert_eq!(lab.probe(&broadcast.clone().vlan(4000))?, on_4000);
    assert_eq!(
        lab.probe(&lab.frame("vm104", vm_a)?.vlan(3000))?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    // Neither another VLAN nor the hidden one behind a priority tag.
    assert_eq!(lab.probe(&broadcast.clone().vlan(5))?, "");
    assert_eq!(
        lab.probe(&broadcast.tags(&[Tag::vlan(0), Tag::vlan(4000)]))?,
        ""
    );
    Ok(())
}

#[test]
fn outside_and_guests_see_each_other_once() -> Result<()> {
    let (lab, _controller) = start(&format!("{WORLD}{TRUNKED}"))?;
    let vm_a = lab.mac("vma0")?;
    let from_far = |dst| Ok::<_, anyhow::Error>(lab.frame("eth1", dst)?.src(FAR).vlan(3000));

    for dst in BUM {
        let guests = "all0/untagged ids0/3000 vm104/3000 vma0/untagged vmb0/untagged";
        assert_eq!(lab.probe(&from_far(dst)?)?, guests, "to {dst}");
    }
    assert_eq!(
        lab.probe(&from_far(vm_a)?)?,
        "all0/untagged ids0/3000 vma0/untagged"
    );
    assert_eq!(
        lab.probe(&from_far(lab.mac("vm104")?)?)?,
        "all0/untagged ids0/3000 vm104/3000"
    );

    // It was learned from its first frame: no guest but the accepting one sees what is sent to it.
    await_learned(&lab, "br0", FAR)?;
    assert_seen(&lab, "vma0", FAR, "all0/untagged eth1/3000 ids0/3000");

    // A VLAN that is no network of the config stays outside.
    assert_eq!(
        lab.probe(&lab.frame("eth1", MacAddr::BROADCAST)?.vlan(5))?,
        ""
    );
    Ok(())
}

#[test]
fn native_network_is_untagged_and_reaches_the_host() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    let (vm_n, host) = (lab.mac("vmn0")?, lab.mac("br0")?);

    for dst in BUM {
        assert_seen(&lab, "vmn0", dst, "br0/untagged eth1/untagged");
        assert_seen(&lab, "br0", dst, "eth1/untagged vmn0/untagged");
        assert_seen(&lab, "eth1", dst, "br0/untagged vmn0/untagged");
    }
    await_learned(&lab, "br0", host)?;
    assert_seen(&lab, "br0", vm_n, "vmn0/untagged");
    assert_seen(&lab, "vmn0", host, "br0/untagged");
    assert_seen(&lab, "eth1", host, "br0/untagged");
    Ok(())
}

#[test]
fn native_vlan_of_a_trunk_is_untagged_both_ways() -> Result<()> {
    let native = "        vlan_mode: trunked\n        trunked_networks: [demo4000]\n";
    let (lab, _controller) = start(&format!("{WORLD}{native}"))?;

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
        "eth1/4000 ids0/4000 vm104/4000 vmd0/untagged",
    );
    let broadcast = lab.frame("vm104", MacAddr::BROADCAST)?;
    let on_3000 = "all0/untagged eth1/3000 ids0/3000 vma0/untagged vmb0/untagged";
    assert_eq!(lab.probe(&broadcast.clone().untagged())?, on_3000);
    assert_eq!(
        lab.probe(&broadcast.vlan(3000))?,
        "",
        "tagged with the VID of the native network"
    );
    Ok(())
}

#[test]
fn refused_frames_go_nowhere_and_are_not_tapped() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;

    let tagged = lab.frame("vma0", MacAddr::BROADCAST)?.vlan(3000);
    assert_eq!(lab.probe(&tagged)?, "", "a tag from an access vNIC");
    let from_group = lab.frame("vma0", MacAddr::BROADCAST)?.src(MULTICAST);
    assert_eq!(lab.probe(&from_group)?, "", "a multicast source");
    for last in [0x00, 0x02, 0x0e, 0x0f] {
        let reserved = MacAddr([0x01, 0x80, 0xc2, 0, 0, last]);
        for station in ["vma0", "vmn0", "br0", "eth1"] {
            assert_seen(&lab, station, reserved, "");
        }
    }
    let next = MacAddr([0x01, 0x80, 0xc2, 0, 0, 0x10]);
    assert_seen(&lab, "vmn0", next, "br0/untagged eth1/untagged");
    Ok(())
}

#[test]
fn a_tag_behind_a_priority_tag_stays_hidden_however_deep_the_switch_looks() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    for limit in [1, 2, 0] {
        let setting = format!("other_config:vlan-limit={limit}");
        lab.ovs().vsctl(&["set", "Open_vSwitch", ".", &setting])?;
        // What the datapath has cached of frames with one tag would do for those with two.
        lab.ovs().appctl(&["dpctl/del-flows"])?;
        for station in ["vmn0", "eth1", "br0"] {
            let broadcast = lab.frame(station, MacAddr::BROADCAST)?;
            let tagged_twice = broadcast.clone().tags(&[Tag::vlan(0), Tag::vlan(4000)]);
            assert_eq!(lab.probe(&tagged_twice)?, "", "from {station}, {setting}");
            // The priority tag alone is taken off, as ever.
            let seen = lab.probe(&broadcast.vlan(0))?;
            assert!(
                ["br0", "eth1", "vmn0"]
                    .iter()
                    .all(|port| (*port == station) == seen.at(port).is_empty()),
                "from {station}, {setting}: {seen}"
            );
        }
    }
    Ok(())
}

/// Two chains, the first with two functions, on the networks that the host itself is a member of
/// and not.
const CHAINS: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-N: { host: node1, nics: [{ port: vmn0, mac: '52:54:00:00:00:0f', network: native }] }
service_chains:
  twice:
    networks: [demo3000]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
      - { name: recorder, mode: tap, instances: [{ host: node1, port: rec0 }] }
  native:
    networks: [native]
    functions:
      - { name: other, mode: tap, instances: [{ host: node1, port: oth0 }] }
";

#[test]
fn each_tap_of_a_chain_sees_each_frame_of_its_networks_once() -> Result<()> {
    let (lab, _controller) = start(CHAINS)?;
    let (vm_n, host) = (lab.mac("vmn0")?, lab.mac("br0")?);

    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "ids0/3000 rec0/3000 vmb0/untagged",
    );
    assert_seen(
        &lab,
        "vma0",
        MacAddr::BROADCAST,
        "eth1/3000 ids0/3000 rec0/3000 vmb0/untagged",
    );
    let outside = lab.frame("eth1", MacAddr::BROADCAST)?.vlan(3000);
    assert_eq!(
        lab.probe(&outside)?,
        "ids0/3000 rec0/3000 vma0/untagged vmb0/untagged"
    );

    assert_seen(
        &lab,
        "br0",
        MacAddr::BROADCAST,
        "eth1/untagged oth0/untagged vmn0/untagged",
    );
    assert_seen(
        &lab,
        "eth1",
        MacAddr::BROADCAST,
        "br0/untagged oth0/untagged vmn0/untagged",
    );
    await_learned(&lab, "br0", host)?;
    await_learned(&lab, "br0", lab.mac("eth1")?)?;
    assert_seen(&lab, "br0", vm_n, "oth0/untagged vmn0/untagged");
    assert_seen(&lab, "vmn0", host, "br0/untagged oth0/untagged");
    assert_seen(&lab, "eth1", vm_n, "oth0/untagged vmn0/untagged");
    // No guest takes part in this one.
    assert_seen(&lab, "eth1", host, "br0/untagged");
    assert_seen(&lab, "br0", lab.mac("eth1")?, "eth1/untagged");
    Ok(())
}
