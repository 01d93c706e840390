//! The learning role: one bridge that does it all.

mod common;

use anyhow::Result;
use common::{FAR, MULTICAST, NOBODY, assert_seen, await_learned, flows, snoop, start};
use integration::Lab;
use openflow::MacAddr;

const ANY: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
hosts:
  any: { bridges: { learning: '*' } }
";

const NAMED: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, demo4000: { vlan: 4000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { learning: br7 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, network: demo3000 }] }
  VM-C: { host: node1, nics: [{ port: vmc0, mac: '52:54:00:00:00:0c', network: demo4000 }] }
  ALL:
    host: node1
    nics: [{ port: all0, mac: '52:54:00:00:00:0e', network: demo3000, promiscuous: accept }]
  VM-104:
    host: node1
    nics:
      - port: vm104
        mac: '52:54:00:42:34:ab'
        vlan_mode: trunked
        trunked_networks: [demo3000, demo4000]
";

#[test]
fn any_bridge_is_a_vlan_aware_learning_switch() -> Result<()> {
    let (lab, controller) = start(ANY)?;
    for dst in [MacAddr::BROADCAST, MULTICAST, NOBODY] {
        assert_seen(
            &lab,
            "port1",
            dst,
            "br0/untagged port2/untagged port3/untagged",
        );
        assert_seen(
            &lab,
            "br0",
            dst,
            "port1/untagged port2/untagged port3/untagged",
        );
    }
    assert_seen(&lab, "port1", MacAddr([0x01, 0x80, 0xc2, 0, 0, 0]), "");

    // The same address in two VLANs is two stations.
    let far = |port, vid| Ok::<_, anyhow::Error>(lab.frame(port, NOBODY)?.src(FAR).vlan(vid));
    let flooded = |vid: u16| format!("br0/{vid} port1/{vid} port3/{vid}");
    assert_eq!(lab.probe(&far("port2", 5)?)?, flooded(5).as_str());
    await_learned(&lab, "br0", FAR)?;
    let to_far = |lab: &Lab, vid| lab.probe(&lab.frame("port1", FAR)?.vlan(vid));
    assert_eq!(to_far(&lab, 5)?, "port2/5");
    assert_eq!(to_far(&lab, 6)?, "br0/6 port2/6 port3/6");
    assert_seen(
        &lab,
        "port1",
        FAR,
        "br0/untagged port2/untagged port3/untagged",
    );

    // What was learned outlives the controller.
    let learned = flows(&lab)?;
    let snoops = snoop(&lab)?;
    controller.kill()?;
    let controller = lab.start_controller()?;
    lab.await_sync_of(&controller, "br0", 1)?;
    assert_eq!(flows(&lab)?, learned);
    assert_eq!(snoops[0].count("OFPT_FLOW_MOD"), 0, "{}", snoops[0].text());
    assert_eq!(to_far(&lab, 5)?, "port2/5");
    Ok(())
}

#[test]
fn a_named_bridge_has_access_and_trunked_ports() -> Result<()> {
    let (lab, _controller) = start(NAMED)?;
    let (vm_a, vm_b) = (lab.mac("vma0")?, lab.mac("vmb0")?);
    for dst in [MacAddr::BROADCAST, MULTICAST, NOBODY] {
        assert_seen(
            &lab,
            "vma0",
            dst,
            "all0/untagged eth1/3000 vm104/3000 vmb0/untagged",
        );
        assert_seen(&lab, "vmc0", dst, "eth1/4000 vm104/4000");
        assert_seen(&lab, "br7", dst, "eth1/untagged");
        let outside = lab.frame("eth1", dst)?.src(FAR).vlan(3000);
        assert_eq!(
            lab.probe(&outside)?,
            "all0/untagged vm104/3000 vma0/untagged vmb0/untagged"
        );
    }
    await_learned(&lab, "br7", FAR)?;
    assert_seen(&lab, "vma0", FAR, "all0/untagged eth1/3000");
    assert_seen(&lab, "vmb0", vm_a, "all0/untagged vma0/untagged");
    await_learned(&lab, "br7", vm_b)?;
    assert_seen(&lab, "vma0", vm_b, "all0/untagged vmb0/untagged");

    assert_eq!(
        lab.probe(&lab.frame("vma0", MacAddr::BROADCAST)?.vlan(3000))?,
        ""
    );
    assert_eq!(
        lab.probe(&lab.frame("vmb0", MacAddr::BROADCAST)?.src(vm_a))?,
        ""
    );
    assert_eq!(
        lab.probe(&lab.frame("eth1", MacAddr::BROADCAST)?.src(vm_a).vlan(3000))?,
        ""
    );
    Ok(())
}
