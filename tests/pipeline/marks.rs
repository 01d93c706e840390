//! The mark that a frame comes in with is the host's: it makes no difference to who sees the frame.

use bridgechain::learning::Location;
use bridgechain::simulate::{Frame, Network};
use bridgechain::topology::{
    Attachment, Chain, Copying, Function, FunctionKind, Host, Membership, Redundancy, TapInstance,
    Vlan, Vnic,
};
use openflow::MacAddr;
use proptest::prelude::*;

use crate::compiled;
use crate::scenario::{self, Scenario};
use crate::world::{Station, World};

const GUEST: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0]);
const DIRECT: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 1]);

/// Copies with their VLAN ids and where they are cut off, and from where the controller is told;
/// sorted.
type Seen = (Vec<(Location, Vec<u16>, Option<u32>)>, usize);

/// What becomes of a frame that comes in with this mark. What leaves has it, or none.
fn seen(network: &Network, at: Location, frame: &Frame, mark: u32) -> Seen {
    let walk = network.inject_marked(at.role, at.port, frame.clone(), mark);
    assert_eq!(walk.faults, [], "{frame} from {at:?} with {mark:#x}");
    let copies = walk.deliveries.iter().map(|copy| {
        assert!([0, mark].contains(&copy.pkt_mark), "{copy:?} of {mark:#x}");
        let at = Location {
            role: copy.role,
            port: copy.port,
        };
        let vids = copy.frame.tags.iter().map(|tag| tag.vid);
        (at, vids.collect(), copy.max_len)
    });
    let mut copies: Vec<_> = copies.collect();
    copies.sort();
    (copies, walk.packet_ins.len())
}

/// A host with a guest, a vNIC beside the chain, and a tap.
fn world(roams: bool) -> World {
    let vlan = Vlan::new(10).expect("a VLAN");
    let vnic = |port, mac| scenario::plain_vnic(port, Some(mac), Membership::Access(vlan));
    let direct = Vnic {
        attachment: Attachment::Direct,
        roams,
        ..vnic("vm1", DIRECT)
    };
    let tap = Function {
        name: "tap".to_owned(),
        enabled: true,
        redundancy: Redundancy::ActiveActive,
        kind: FunctionKind::Tap {
            copying: Copying::default(),
            instances: vec![TapInstance {
                port: "ids0".to_owned(),
                enabled: true,
                remote: None,
            }],
        },
    };
    World {
        host: Host {
            uplinks: vec!["eth0".to_owned()],
            networks: [vlan].into(),
            vnics: vec![vnic("vm0", GUEST), direct],
            chains: vec![Chain {
                name: "chain".to_owned(),
                networks: [vlan].into(),
                vms: [].into(),
                functions: vec![tap],
            }],
            ..scenario::bare_host()
        },
        absent: [].into(),
        down: [].into(),
        failed: [].into(),
        strays: Vec::new(),
        heard: Vec::new(),
    }
}

/// With the mark of a guest, a frame of a vNIC beside the chain would pass for one that the guest
/// has sent: no tap would get it, nor would the guest.
#[test]
fn a_direct_vnic_is_not_taken_for_a_guest_by_its_mark() {
    let frame = Frame::new(DIRECT, GUEST);
    for roams in [false, true] {
        let world = world(roams);
        let network = compiled::network(&world);
        let port = |name: &str| {
            let at = compiled::location(&world, &Station::Vnic(name.to_owned()));
            at.expect("it is there")
        };
        let (guest, direct) = (port("vm0"), port("vm1"));
        let unmarked = seen(&network, direct, &frame, 0);
        let receivers: Vec<_> = unmarked.0.iter().map(|(at, ..)| *at).collect();
        let tap = compiled::ports(&world, bridgechain::topology::Role::Service).get("ids0");
        assert_eq!(receivers.len(), 2, "{receivers:?}");
        assert!(receivers.contains(&guest));
        assert!(receivers.iter().any(|at| Some(at.port) == tap));
        for mark in [guest.port.0, direct.port.0, 0x8000_0000, u32::MAX] {
            assert_eq!(seen(&network, direct, &frame, mark), unmarked, "{mark:#x}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn marks_of_the_host_make_no_difference(
        scenario in scenario::scenarios(),
        mark in prop_oneof![1..8_u32, Just(0x8000_0000), any::<u32>()],
    ) {
        let Scenario { world, probes } = scenario;
        let network = compiled::network(&world);
        for (from, frame) in &probes {
            let at = compiled::location(&world, from).expect("senders are there");
            let (with, without) = (
                seen(&network, at, frame, mark),
                seen(&network, at, frame, 0),
            );
            prop_assert_eq!(with, without, "from {:?}: {}", from, frame);
        }
    }
}
