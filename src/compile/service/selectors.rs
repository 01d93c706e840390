//! Which frames are those of a chain.

use openflow::{Match, OxmField};

use crate::compile::{builder, vlan};
use crate::topology::{Chain, Host};

/// The frames of `chain`: those of its networks, and those with one of its VMs at either end, to
/// which multicast belongs in every network of the VM. That these VMs use no other addresses is
/// seen to on the local bridge.
pub(super) fn of(host: &Host, chain: &Chain) -> Vec<Match> {
    let of_network = |network| vlan::of(Match::new(), network);
    let mut selectors: Vec<Match> = chain.networks.iter().copied().map(of_network).collect();
    for vnic in host
        .vnics
        .iter()
        .filter(|vnic| chain.vms.contains(&vnic.vm))
    {
        for network in vnic.membership.vlans() {
            if let Some(mac) = vnic.mac {
                selectors.push(of_network(network).with(OxmField::EthSrc, mac));
                selectors.push(of_network(network).with(OxmField::EthDst, mac));
            }
            selectors.push(builder::multicast(of_network(network), OxmField::EthDst));
        }
    }
    selectors
}
