//! The MAC table as an operator is shown it.

use std::time::Duration;

use openflow::MacAddr;

use super::topologies::{CHAIN, NETWORK, PINNED, chain, lab, running_lab};
use crate::status::{Mac, Origin};
use crate::topology::Role;

#[test]
fn pinned_and_learned_addresses_are_shown_with_where_they_are() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.wait(Duration::from_secs(3));
    lab.frame(Role::Uplink, 2, NETWORK, 0x08);
    lab.settle();
    lab.wait(Duration::from_secs(2));
    let all = lab.state.mac_table(lab.now);
    let host = lab.topology.hosts.keys().next().unwrap();
    assert!(
        all.iter()
            .all(|mac| mac.host == *host && mac.vlan == NETWORK)
    );
    let network = lab.topology.networks.iter();
    let mut network = network
        .filter(|(_, vlan)| vlan.id() == NETWORK)
        .map(|(name, _)| name);
    let network = network.next().cloned();
    assert!(all.iter().all(|mac| mac.network == network));
    let shown: Vec<_> = all.iter().map(row).collect();
    let vm = |port: &str| {
        let vnics = &lab.topology.hosts[host].vnics;
        Some(
            vnics
                .iter()
                .find(|vnic| vnic.port == port)
                .unwrap()
                .vm
                .as_str(),
        )
    };
    let mut expected = [
        (
            address(0x08),
            Origin::Learned,
            "br0",
            "eth1",
            Some(2),
            None,
            Some(2.0),
        ),
        (
            address(0x10),
            Origin::Learned,
            "br0.local",
            "guest1",
            Some(1),
            vm("guest1"),
            Some(5.0),
        ),
        (
            address(PINNED),
            Origin::Pinned,
            "br0.local",
            "pinned",
            Some(3),
            vm("pinned"),
            None,
        ),
    ];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(shown, expected);
}

#[test]
fn what_an_earlier_run_has_learned_is_of_unknown_age() {
    let mut lab = running_lab();
    lab.frame(Role::Local, 1, NETWORK, 0x10);
    lab.settle();
    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    let all = lab.state.mac_table(lab.now);
    let found = all.iter().find(|mac| mac.mac == address(0x10)).unwrap();
    assert_eq!((found.origin, found.since_seconds), (Origin::Learned, None));
}

#[test]
fn a_pinned_address_is_shown_before_its_bridge_connects() {
    let lab = lab(chain());
    let all = lab.state.mac_table(lab.now);
    assert_eq!(all.len(), 1);
    assert_eq!((&*all[0].bridge, all[0].port_number), ("br0.local", None));
}

type Row<'a> = (
    String,
    Origin,
    &'a str,
    &'a str,
    Option<u32>,
    Option<&'a str>,
    Option<f64>,
);

fn row(mac: &Mac) -> Row<'_> {
    (
        mac.mac.clone(),
        mac.origin,
        &mac.bridge,
        &mac.port,
        mac.port_number,
        mac.vm.as_deref(),
        mac.since_seconds,
    )
}

fn address(number: u64) -> String {
    MacAddr::from_u64(number).to_string()
}
