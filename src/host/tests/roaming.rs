//! A VM that may be on several hosts is followed by its frames.

use super::lab::{Lab, entry};
use super::topologies::{CHAIN, NETWORK, PINNED, chain, changed, running_lab};
use crate::compile;
use crate::learning::LearnedMac;
use crate::topology::{Role, Topology};

/// The vNIC `pinned`, by its port and the uplink, as places of [`PINNED`].
const OWN: (Role, u32) = (Role::Local, 3);
const AWAY: (Role, u32) = (Role::Uplink, 2);

/// The host of the other tests; the VM with the address of its own may be on other hosts as well.
fn roaming() -> Topology {
    changed(&chain(), |host| host.vnics[2].roams = true)
}

fn roaming_lab() -> Lab {
    let mut lab = running_lab();
    lab.reload(roaming());
    lab.settle();
    lab.assert_in_sync();
    lab
}

fn sees_it_at(lab: &mut Lab, (role, port): (Role, u32)) {
    lab.frame(role, port, NETWORK, PINNED);
    lab.settle();
    lab.assert_in_sync();
}

fn known(lab: &Lab) -> Vec<LearnedMac> {
    lab.state.macs().iter().collect()
}

fn at((role, port): (Role, u32)) -> LearnedMac {
    entry(role, port, NETWORK, PINNED)
}

#[test]
fn one_frame_is_enough_to_follow_it_to_another_host_and_back() {
    let mut lab = roaming_lab();
    for (moves, place) in [OWN, AWAY, OWN, AWAY].into_iter().enumerate() {
        sees_it_at(&mut lab, place);
        assert_eq!(known(&lab), [at(place)]);
        assert_eq!(lab.state.counters().moved, moves as u64);
    }
}

#[test]
fn its_address_is_learned_at_no_other_vnic_and_not_from_the_host_itself() {
    let mut lab = roaming_lab();
    sees_it_at(&mut lab, OWN);
    for other in [(Role::Local, 1), (Role::Uplink, 0xffff_fffe)] {
        sees_it_at(&mut lab, other);
        assert_eq!(known(&lab), [at(OWN)], "{other:?}");
    }
}

#[test]
fn a_new_controller_finds_it_where_it_was() {
    for place in [OWN, AWAY] {
        let mut lab = roaming_lab();
        sees_it_at(&mut lab, place);
        lab.take_sent();
        lab.restart();
        for role in CHAIN {
            lab.connect(role);
            lab.settle();
        }
        lab.assert_in_sync();
        assert_eq!(known(&lab), [at(place)]);
        let sent = lab.take_sent();
        assert!(sent.values().all(|sent| sent.no_change()), "{sent:?}");
    }
}

#[test]
fn what_was_learned_of_it_goes_when_it_is_pinned_and_comes_back_by_its_frames() {
    let mut lab = roaming_lab();
    sees_it_at(&mut lab, AWAY);
    lab.reload(chain());
    lab.settle();
    lab.assert_in_sync();
    assert_eq!(known(&lab), []);

    lab.reload(roaming());
    lab.settle();
    lab.assert_in_sync();
    sees_it_at(&mut lab, OWN);
    assert_eq!(known(&lab), [at(OWN)]);
}

#[test]
fn a_chain_that_finds_it_by_its_address_leaves_it_this_one_address() {
    let topology = changed(&roaming(), |host| {
        host.chains[0].networks.clear();
        host.chains[0].vms = [host.vnics[2].vm.clone()].into();
    });
    let mut lab = running_lab();
    lab.reload(topology);
    lab.settle();
    let host = &lab.topology.hosts["node1"];
    let ports = &lab.wires.0[&Role::Local].ports;
    assert!(compile::admits(host, ports, &at(OWN)));
    let other = entry(Role::Local, 3, NETWORK, 0x10);
    assert!(!compile::admits(host, ports, &other));
    sees_it_at(&mut lab, OWN);
    sees_it_at(&mut lab, AWAY);
    assert_eq!(known(&lab), [at(AWAY)]);
}
