//! A guest that makes up addresses by the thousand, and what the switch itself remembers of others.

mod common;

use anyhow::Result;
use common::{assert_seen, set_link, start};
use integration::Lab;
use integration::bump::Bump;
use integration::frame::Frame;
use openflow::MacAddr;

/// More than the switch remembers of all guests that are in no configuration, if that is one room
/// for all.
const MANY: u32 = 16_384 + 200;

const INLINE: &str = "
controller: { api: 'unix:@DIR@/api.sock', mac_age: 3600 }
networks: { native: { vlan: 0 }, demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-B: { host: node1, nics: [{ port: vmb0, network: demo3000 }] }
  VM-C: { host: node1, nics: [{ port: vmc0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: in0, egress: out0 }] }
";

const BONDED: &str = "
controller: { api: 'unix:@DIR@/api.sock', mac_age: 3600 }
networks: { native: { vlan: 0 } }
hosts:
  node1:
    bridges: { local: br0.local, uplink: br0 }
    uplinks: [eth1, eth2]
    uplink_mode: active_backup
vms:
  VM-B: { host: node1, nics: [{ port: vmb0, network: native }] }
  VM-C: { host: node1, nics: [{ port: vmc0, network: native }] }
";

/// Where everything that a guest makes up is sent to, so that the flood is seen at few ports.
const SINK: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]);

/// Sends a frame from each of many addresses, and waits until none is remembered any more.
fn flood(lab: &Lab, port: &str, bridge: &str, table: u8) -> Result<u32> {
    let remembered = || -> Result<u32> {
        let table = format!("table={table}");
        let counted = lab.ovs().ofctl(&["dump-aggregate", bridge, &table])?;
        let count = counted
            .split_once("flow_count=")
            .map(|(_, rest)| rest.trim());
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    };
    for first in (0..MANY).step_by(128) {
        for number in first..MANY.min(first + 128) {
            let [_, high, middle, low] = number.to_be_bytes();
            let src = MacAddr([0x02, 0x66, 0, high, middle, low]);
            lab.transmit(
                port,
                &Frame::probe(src, SINK, Vec::new(), u64::from(number)),
            )?;
        }
        // What is sent faster than it is taken is lost.
        lab.settle_datapath(&[port])?;
    }
    remembered()
}

#[test]
fn what_a_flood_is_remembered_by_takes_no_room_from_other_guests_of_an_inline_function()
-> Result<()> {
    let (lab, controller) = start(INLINE)?;
    // The flood ends in the function. The controller has no part in what follows.
    let function = Bump::judging(&lab, "in0", "out0", |frame| frame.src.0[1] != 0x66)?;
    controller.kill()?;
    let remembered = flood(&lab, "vmb0", "br0.local", 5)?;
    assert!((4096..5000).contains(&remembered), "{remembered} addresses");

    // What comes back from the function does not come back to the one that sent it.
    let own = lab.frame("vmc0", MacAddr::BROADCAST)?;
    lab.send(std::slice::from_ref(&own))?;
    function.catch_up(&lab)?;
    assert_seen(
        &lab,
        "vmc0",
        MacAddr::BROADCAST,
        "eth1/3000 in0/3000 vma0/untagged vmb0/untagged",
    );
    Ok(())
}

#[test]
fn a_flood_does_not_let_an_uplink_be_forgotten_that_another_guest_has_sent_by() -> Result<()> {
    let (lab, controller) = start(BONDED)?;
    controller.kill()?;
    let remembered = flood(&lab, "vmb0", "br0", 23)?;
    assert!((4096..5000).contains(&remembered), "{remembered} addresses");

    // VM-C has sent by the second uplink last, and that is where the physical switch sends to.
    set_link(&lab, "eth1", "down")?;
    lab.probe(&lab.frame("vmc0", MacAddr::BROADCAST)?)?;
    // Open vSwitch has accounted for what it has sent, so that is in the past.
    lab.ovs().appctl(&["revalidator/wait"])?;
    set_link(&lab, "eth1", "up")?;
    let to = lab.mac("vmc0")?;
    assert_seen(
        &lab,
        "outside",
        to,
        "br0/untagged vmb0/untagged vmc0/untagged",
    );
    Ok(())
}
