//! A host without a service bridge: local is patched straight to uplink.

mod common;

use anyhow::Result;
use common::{FAR, MULTICAST, NOBODY, assert_seen, await_learned, start};
use openflow::MacAddr;

const CONFIG: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, demo4000: { vlan: 4000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: br0.local, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-C: { host: node1, nics: [{ port: vmc0, mac: '52:54:00:00:00:0c', network: demo4000 }] }
  VM-N: { host: node1, nics: [{ port: vmn0, mac: '52:54:00:00:00:0f', network: native }] }
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
fn guests_see_what_they_see_with_a_chain() -> Result<()> {
    let (lab, _controller) = start(CONFIG)?;
    assert_eq!(lab.layout().plan().bridges, ["br0.local", "br0"]);

    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged vmb0/untagged",
    );
    assert_seen(&lab, "vma0", lab.mac("vm104")?, "all0/untagged vm104/3000");
    assert_seen(&lab, "vmc0", lab.mac("vm104")?, "vm104/4000");
    for dst in [MacAddr::BROADCAST, MULTICAST, NOBODY] {
        assert_seen(
            &lab,
            "vma0",
            dst,
            "all0/untagged eth1/3000 vm104/3000 vmb0/untagged",
        );
        assert_seen(&lab, "vmc0", dst, "eth1/4000 vm104/4000");
        assert_seen(&lab, "vmn0", dst, "br0/untagged eth1/untagged");
        assert_seen(&lab, "br0", dst, "eth1/untagged vmn0/untagged");
        let outside = lab.frame("eth1", dst)?.src(FAR).vlan(3000);
        assert_eq!(
            lab.probe(&outside)?,
            "all0/untagged vm104/3000 vma0/untagged vmb0/untagged"
        );
    }
    await_learned(&lab, "br0", FAR)?;
    assert_seen(&lab, "vma0", FAR, "all0/untagged eth1/3000");
    Ok(())
}
