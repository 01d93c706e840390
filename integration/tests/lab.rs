//! The lab itself, on switches that need no controller.

use anyhow::Result;
use integration::Lab;
use integration::frame::Tag;
use integration::plan::{Plan, Role, Station};
use integration::stream::Arrived;
use openflow::MacAddr;

fn mac(last: u8) -> MacAddr {
    MacAddr([0x52, 0x54, 0, 0, 0, last])
}

fn guest(port: &str, last: u8) -> Station {
    Station {
        name: port.to_uppercase(),
        port: port.to_owned(),
        bridge: "br0".to_owned(),
        role: Role::Guest,
        mac: mac(last),
        vlan: None,
        address: None,
        beside: None,
        underlay: std::collections::BTreeSet::new(),
        interface: None,
        found_by: None,
    }
}

/// One bridge with three guests, and the host.
fn lab() -> Result<Lab> {
    let local = Station {
        role: Role::Local,
        ..guest("br0", 9)
    };
    let stations = vec![guest("a", 1), guest("b", 2), guest("c", 3), local];
    Lab::up(Plan {
        bridges: vec!["br0".to_owned()],
        stations,
        ..Plan::default()
    })
}

#[test]
fn every_copy_and_every_tag_is_seen() -> Result<()> {
    let lab = lab()?;
    lab.ovs()
        .ofctl(&["add-flow", "br0", "priority=1,actions=normal"])?;
    let flow = format!(
        "priority=2,in_port=a,dl_dst={},actions=output:b,output:b,output:local",
        mac(7)
    );
    lab.ovs().ofctl(&["add-flow", "br0", &flow])?;

    assert_eq!(
        lab.probe(&lab.frame("a", MacAddr::BROADCAST)?)?,
        "b/untagged br0/untagged c/untagged"
    );
    assert_eq!(
        lab.probe(&lab.frame("c", MacAddr::BROADCAST)?.vlan(3000))?,
        "a/3000 b/3000 br0/3000"
    );
    let double = [
        Tag {
            tpid: 0x88a8,
            tci: 5,
        },
        Tag::vlan(3000),
    ];
    assert_eq!(
        lab.probe(&lab.frame("a", MacAddr::BROADCAST)?.tags(&double))?,
        "b/5.3000 br0/5.3000 c/5.3000"
    );
    assert_eq!(lab.probe(&lab.frame("br0", mac(1))?)?, "a/untagged");
    assert_eq!(
        lab.probe(&lab.frame("a", mac(7))?)?,
        "b/untagged b/untagged br0/untagged"
    );
    Ok(())
}

#[test]
fn a_frame_that_comes_back_is_seen() -> Result<()> {
    let lab = lab()?;
    lab.ovs()
        .ofctl(&["add-flow", "br0", "actions=in_port,output:b"])?;
    assert_eq!(
        lab.probe(&lab.frame("a", mac(2))?)?,
        "a/untagged b/untagged"
    );
    Ok(())
}

#[test]
fn a_stream_counts_what_is_lost_and_duplicated() -> Result<()> {
    let lab = lab()?;
    lab.ovs().ofctl(&[
        "add-flow",
        "br0",
        "priority=1,actions=output:b,output:c,output:c",
    ])?;
    let stream = lab.stream("a", mac(2))?;
    lab.await_stream(&stream, "b", 5)?;
    // Nobody but C gets frames now, and it twice.
    lab.ovs()
        .ofctl(&["add-flow", "br0", "priority=2,actions=output:c,output:c"])?;
    lab.await_stream(&stream, "c", 10)?;
    lab.ovs()
        .ofctl(&["--strict", "del-flows", "br0", "priority=2"])?;
    lab.await_stream(&stream, "b", 5)?;
    let tally = stream.finish(&lab)?;

    let arrived = tally.at("b");
    let gap = &arrived.lost;
    assert!(
        !gap.is_empty() && gap.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{arrived:?}"
    );
    assert!(arrived.duplicated.is_empty(), "{arrived:?}");
    let twice = Arrived {
        lost: Vec::new(),
        duplicated: (0..tally.sent).collect(),
    };
    assert_eq!(tally.at("c"), twice);
    assert_eq!(tally.ports(), ["b", "c"].into());
    Ok(())
}

#[test]
fn a_switch_that_drops_everything_is_not_taken_for_a_quiet_one() -> Result<()> {
    let lab = lab()?;
    let error = lab.probe(&lab.frame("a", mac(2))?).unwrap_err();
    assert!(
        format!("{error:#}").contains("nobody saw a broadcast from a"),
        "{error:#}"
    );
    Ok(())
}

#[test]
fn vswitchd_forgets_flows_when_it_is_restarted() -> Result<()> {
    let lab = lab()?;
    lab.ovs()
        .ofctl(&["add-flow", "br0", "cookie=0x7,actions=normal"])?;
    assert_eq!(lab.ovs().flows("br0")?, ["cookie=0x7, actions=NORMAL"]);
    lab.ovs().stop_vswitchd()?;
    lab.ovs().start_vswitchd()?;
    assert_eq!(lab.ovs().flows("br0")?, [""; 0]);
    lab.ovs().ofctl(&["add-flow", "br0", "actions=normal"])?;
    assert_eq!(
        lab.probe(&lab.frame("a", MacAddr::BROADCAST)?)?,
        "b/untagged br0/untagged c/untagged"
    );
    Ok(())
}
