//! Direct vNICs: on the uplink bridge, beside the chain.

mod common;

use anyhow::Result;
use bridgechain::cookie::Class;
use common::{FAR, MULTICAST, NOBODY, assert_seen, await_flows, await_learned, start};
use integration::Lab;
use openflow::MacAddr;

/// A host with normal and direct vNICs; the tap is replaced by what a test puts in its place.
const CONFIG: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 }, demo4000: { vlan: 4000 }, native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
service_chains:
  inspect:
    networks: [demo3000, demo4000, native]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo3000 }] }
  VM-C: { host: node1, nics: [{ port: vmc0, mac: '52:54:00:00:00:0c', network: demo4000 }] }
  DIR-D: { host: node1, nics: [{ port: dird0, mac: '52:54:00:00:00:0d', network: demo3000, type: direct }] }
  DIR-U: { host: node1, nics: [{ port: diru0, network: demo3000, type: direct }] }
  DIR-N: { host: node1, nics: [{ port: dirn0, mac: '52:54:00:00:00:0f', network: native, type: direct }] }
  DIR-T:
    host: node1
    nics:
      - { port: dirt0, mac: '52:54:00:00:00:1d', vlan_mode: trunked, trunked_networks: [demo3000, demo4000], type: direct }
";

/// [`CONFIG`] in which a line about a vNIC says more.
fn with(vnic: &str, setting: &str) -> String {
    let port = format!("port: {vnic},");
    assert!(CONFIG.contains(&port));
    CONFIG.replace(&port, &format!("port: {vnic}, {setting},"))
}

const BUM: [MacAddr; 3] = [MacAddr::BROADCAST, MULTICAST, NOBODY];

/// A frame of demo3000 from a station behind the uplink.
fn from_far(lab: &Lab, dst: MacAddr) -> Result<integration::probe::Probe> {
    Ok(lab.frame("eth1", dst)?.src(FAR).vlan(3000))
}

#[test]
fn its_frames_pass_the_chain_only_to_and_from_normal_vnics() -> Result<()> {
    let (lab, _controller) = start(CONFIG)?;
    let mac = |port| lab.mac(port);
    // An unpinned address, one outside and that of the host are learned from what they send.
    assert_seen(&lab, "diru0", mac("dird0")?, "dird0/untagged");
    assert_eq!(
        lab.probe(&from_far(&lab, mac("dird0")?)?)?,
        "dird0/untagged"
    );
    assert_seen(&lab, "br0", mac("dirn0")?, "dirn0/untagged");
    for (learned, bridge) in [(mac("diru0")?, "br0"), (FAR, "br0"), (mac("br0")?, "br0")] {
        await_learned(&lab, bridge, learned)?;
    }

    assert_seen(&lab, "dird0", mac("diru0")?, "diru0/untagged");
    assert_seen(&lab, "dird0", FAR, "eth1/3000");
    assert_eq!(
        lab.probe(&from_far(&lab, mac("diru0")?)?)?,
        "diru0/untagged"
    );
    assert_seen(&lab, "dirn0", mac("br0")?, "br0/untagged");
    assert_seen(&lab, "dird0", mac("dirt0")?, "dirt0/3000");

    for direct in ["dird0", "diru0"] {
        let own = format!("{direct}/untagged ids0/3000");
        assert_seen(&lab, direct, mac("vma0")?, "ids0/3000 vma0/untagged");
        assert_seen(&lab, "vma0", mac(direct)?, &own);
    }
    assert_seen(&lab, "vma0", mac("vmb0")?, "ids0/3000 vmb0/untagged");
    assert_seen(&lab, "vma0", FAR, "eth1/3000 ids0/3000");
    Ok(())
}

#[test]
fn broadcast_unknown_unicast_and_multicast_reach_it_and_come_from_it() -> Result<()> {
    let (lab, _controller) = start(CONFIG)?;
    for dst in BUM {
        assert_seen(
            &lab,
            "vma0",
            dst,
            "dird0/untagged dirt0/3000 diru0/untagged eth1/3000 ids0/3000 vmb0/untagged",
        );
        assert_seen(
            &lab,
            "dird0",
            dst,
            "dirt0/3000 diru0/untagged eth1/3000 ids0/3000 vma0/untagged vmb0/untagged",
        );
        let guests =
            "dird0/untagged dirt0/3000 diru0/untagged ids0/3000 vma0/untagged vmb0/untagged";
        assert_eq!(lab.probe(&from_far(&lab, dst)?)?, guests);
        assert_seen(&lab, "vmc0", dst, "dirt0/4000 eth1/4000 ids0/4000");
        assert_eq!(
            lab.probe(&lab.frame("dirt0", dst)?.vlan(4000))?,
            "eth1/4000 ids0/4000 vmc0/untagged"
        );
        assert_seen(
            &lab,
            "dirn0",
            dst,
            "br0/untagged eth1/untagged ids0/untagged",
        );
        assert_seen(
            &lab,
            "br0",
            dst,
            "dirn0/untagged eth1/untagged ids0/untagged",
        );
    }
    // Neither a tag from an access vNIC nor another VLAN's from a trunked one.
    let tagged = lab.frame("dird0", MacAddr::BROADCAST)?.vlan(3000);
    assert_eq!(lab.probe(&tagged)?, "");
    assert_eq!(
        lab.probe(&lab.frame("dirt0", MacAddr::BROADCAST)?.vlan(5))?,
        ""
    );
    assert_eq!(lab.ovs().packets("br0", Class::DropVlan.cookie().0)?, 2);
    Ok(())
}

#[test]
fn a_direct_vnic_that_accepts_everything_sees_every_frame_on_the_uplink_bridge_once() -> Result<()>
{
    for normal_too in [false, true] {
        let mut config = with("diru0", "mac: '52:54:00:00:00:2d', promiscuous: accept");
        let mut normal = "";
        if normal_too {
            config = config.replace("port: vmb0,", "port: vmb0, promiscuous: accept,");
            normal = " vmb0/untagged";
        }
        let (lab, _controller) = start(&config)?;
        let mac = |port| lab.mac(port);
        assert_eq!(
            lab.probe(&from_far(&lab, mac("dird0")?)?)?,
            format!("dird0/untagged diru0/untagged{normal}").as_str()
        );
        await_learned(&lab, "br0", FAR)?;

        let and = |seen: &str| format!("{seen} diru0/untagged");
        assert_seen(&lab, "vma0", mac("vmb0")?, &and("ids0/3000 vmb0/untagged"));
        assert_seen(&lab, "vmb0", mac("vma0")?, &and("ids0/3000 vma0/untagged"));
        assert_seen(
            &lab,
            "vma0",
            mac("dird0")?,
            &and(&format!("ids0/3000 dird0/untagged{normal}")),
        );
        assert_seen(
            &lab,
            "dird0",
            mac("vma0")?,
            &and(&format!("ids0/3000 vma0/untagged{normal}")),
        );
        assert_seen(
            &lab,
            "dird0",
            mac("dirt0")?,
            &and(&format!("dirt0/3000{normal}")),
        );
        assert_seen(&lab, "dird0", FAR, &and(&format!("eth1/3000{normal}")));
        assert_seen(
            &lab,
            "vma0",
            FAR,
            &and(&format!("eth1/3000 ids0/3000{normal}")),
        );
        assert_seen(
            &lab,
            "vma0",
            MacAddr::BROADCAST,
            "dird0/untagged dirt0/3000 diru0/untagged eth1/3000 ids0/3000 vmb0/untagged",
        );
        // Its own frames it does not see, nor those of other networks.
        assert_seen(
            &lab,
            "diru0",
            mac("dird0")?,
            &format!("dird0/untagged{normal}"),
        );
        assert_seen(&lab, "vmc0", mac("dirt0")?, "dirt0/4000 ids0/4000");
    }
    Ok(())
}

#[test]
fn an_inline_function_is_between_it_and_normal_vnics_and_nothing_else() -> Result<()> {
    // Nothing is at its legs, so frames end there.
    let config = CONFIG.replace(
        "{ name: ids, mode: tap, instances: [{ host: node1, port: ids0 }] }",
        "{ name: ips, mode: inline, instances: [{ host: node1, ingress: ips-in, egress: ips-out }] }",
    );
    let (lab, _controller) = start(&config)?;
    let mac = |port| lab.mac(port);
    assert_seen(&lab, "vma0", mac("dird0")?, "ips-in/3000");
    assert_seen(&lab, "dird0", mac("vma0")?, "ips-out/3000");
    assert_seen(&lab, "dird0", mac("dirt0")?, "dirt0/3000");
    assert_eq!(
        lab.probe(&from_far(&lab, mac("dird0")?)?)?,
        "dird0/untagged"
    );
    await_learned(&lab, "br0", FAR)?;
    assert_seen(&lab, "dird0", FAR, "eth1/3000");
    for dst in BUM {
        let beside = "dirt0/3000 diru0/untagged eth1/3000 ips-out/3000";
        assert_seen(&lab, "dird0", dst, beside);
        assert_seen(&lab, "vma0", dst, "ips-in/3000");
    }
    Ok(())
}

#[test]
fn pinned_addresses_are_protected_between_normal_and_direct_vnics() -> Result<()> {
    let (lab, _controller) = start(CONFIG)?;
    let (vm_a, vm_b, dir_d) = (lab.mac("vma0")?, lab.mac("vmb0")?, lab.mac("dird0")?);
    let spoofed = |bridge| lab.ovs().packets(bridge, Class::DropSpoofed.cookie().0);
    let forged = [
        ("vmb0", dir_d, (1, 0)),
        ("dird0", vm_b, (1, 1)),
        ("diru0", dir_d, (1, 2)),
        ("dirt0", vm_a, (1, 3)),
    ];
    for (from, src, count) in forged {
        let frame = lab.frame(from, MacAddr::BROADCAST)?.src(src);
        assert_eq!(lab.probe(&frame)?, "", "from {from} as {src}");
        assert_eq!((spoofed("br0.local")?, spoofed("br0")?), count);
    }
    let outside = lab.frame("eth1", vm_a)?.src(dir_d).vlan(3000);
    assert_eq!(lab.probe(&outside)?, "");
    assert_seen(&lab, "vma0", dir_d, "dird0/untagged ids0/3000");
    Ok(())
}

#[test]
fn its_addresses_are_learned_move_and_are_limited_like_others() -> Result<()> {
    let (lab, _controller) = start(&with("dird0", "max_macs: 1"))?;
    let (vm_a, first, second) = (lab.mac("vma0")?, NOBODY, FAR);
    let sends = |port: &str, src| Ok::<_, anyhow::Error>(lab.frame(port, vm_a)?.src(src));
    let to_vm_a = "ids0/3000 vma0/untagged";
    assert_eq!(lab.probe(&sends("dird0", first)?)?, to_vm_a);
    await_learned(&lab, "br0", first)?;
    await_flows(
        &lab,
        "br0",
        &format!("cookie={:#x},", Class::DropMaxMacs.cookie().0),
        true,
    )?;
    assert_seen(&lab, "vma0", first, "dird0/untagged ids0/3000");
    assert_eq!(lab.probe(&sends("dird0", second)?)?, "");
    assert_eq!(lab.probe(&sends("dird0", lab.mac("dird0")?)?)?, to_vm_a);

    // To a normal vNIC, and there is room again.
    assert_eq!(lab.probe(&sends("vmb0", first)?)?, to_vm_a);
    await_learned(&lab, "br0.local", first)?;
    assert_seen(&lab, "vma0", first, "ids0/3000 vmb0/untagged");
    await_flows(
        &lab,
        "br0",
        &format!("cookie={:#x},", Class::DropMaxMacs.cookie().0),
        false,
    )?;
    assert_eq!(lab.probe(&sends("dird0", second)?)?, to_vm_a);
    Ok(())
}

#[test]
fn its_settings_are_in_force_on_the_uplink_bridge() -> Result<()> {
    let settings = "forged_transmits: reject, promiscuous: reject, storm_limit: 1000";
    let (lab, _controller) = start(&with("dird0", settings))?;
    let (vm_a, dir_d) = (lab.mac("vma0")?, lab.mac("dird0")?);
    assert_eq!(lab.probe(&lab.frame("dird0", vm_a)?.src(NOBODY))?, "");
    assert_eq!(lab.ovs().packets("br0", Class::DropForged.cookie().0)?, 1);
    assert_seen(&lab, "vma0", dir_d, "dird0/untagged ids0/3000");
    assert_seen(
        &lab,
        "vma0",
        NOBODY,
        "dirt0/3000 diru0/untagged eth1/3000 ids0/3000 vmb0/untagged",
    );
    let everybody = "dird0/untagged dirt0/3000 diru0/untagged eth1/3000 ids0/3000 vmb0/untagged";
    assert_seen(&lab, "vma0", MacAddr::BROADCAST, everybody);
    let metered = |bridge| -> Result<bool> {
        let flows = lab.ovs().flows(bridge)?;
        Ok(flows.iter().any(|flow| flow.contains("actions=meter:")))
    };
    assert_eq!((metered("br0")?, metered("br0.local")?), (true, false));
    Ok(())
}
