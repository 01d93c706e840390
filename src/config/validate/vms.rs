//! Puts the vNICs on their hosts.

use std::collections::BTreeMap;

use openflow::MacAddr;

use super::hosts::Hosts;
use super::networks::Networks;
use crate::config::fields::Spanned;
use crate::config::raw;
use crate::config::report::Report;
use crate::config::tree::NodeId;
use crate::topology::{Membership, Vlan, Vnic};

/// How many vNICs of one host may be members of one network.
///
/// A broadcast goes to all of them by one flow, which has to fit a message of 65,535 bytes: 16 for
/// each, and some for the rest, a few other ports among it.
const MAX_MEMBERS: usize = 4_000;

/// How many vNICs of a host are members of a network.
type Members<'c> = BTreeMap<(&'c str, Vlan), usize>;

/// Where a pinned address was given first: the VM and the node.
type Macs<'c> = BTreeMap<MacAddr, (&'c str, NodeId)>;

pub(super) fn place(
    vms: &[raw::Vm],
    networks: &Networks<'_>,
    hosts: &mut Hosts<'_>,
    report: &mut Report<'_>,
) {
    let mut macs = Macs::new();
    let mut members = Members::new();
    for vm in vms {
        let mut host = match &vm.host {
            Some(name) => hosts
                .resolve(name, report)
                .filter(|host| host.accepts_vnics(name.at, report)),
            None => None,
        };
        for nic in &vm.nics {
            let membership = nic
                .membership
                .as_ref()
                .and_then(|given| membership(given, networks, report));
            if let Some(mac) = &nic.mac {
                claim_mac(mac, &vm.name.value, &mut macs, report);
            }
            let (Some(host), Some(port)) = (&mut host, &nic.port) else {
                continue;
            };
            let usage = format!("a vNIC of VM {:?}", vm.name.value);
            if !host.claim(port, usage, report) {
                continue;
            }
            if let (Some(membership), Some(host_name)) = (membership, &vm.host) {
                count(&membership, &host_name.value, port, &mut members, report);
                host.vnics.push(Vnic {
                    vm: vm.name.value.clone(),
                    port: port.value.clone(),
                    mac: nic.mac.as_ref().map(|mac| mac.value),
                    membership,
                    promiscuous: nic.promiscuous,
                });
            }
        }
    }
}

fn count<'c>(
    membership: &Membership,
    host: &'c str,
    port: &Spanned<String>,
    members: &mut Members<'c>,
    report: &mut Report<'_>,
) {
    for vlan in membership.vlans() {
        let members = members.entry((host, vlan)).or_default();
        *members += 1;
        if *members == MAX_MEMBERS + 1 {
            report.mistake(
                port.at,
                format!(
                    "host {host:?} has more than {MAX_MEMBERS} vNICs in the network with VLAN \
                     {vlan}; spread them over several hosts or networks"
                ),
            );
        }
    }
}

fn claim_mac<'c>(
    mac: &Spanned<MacAddr>,
    vm: &'c str,
    macs: &mut Macs<'c>,
    report: &mut Report<'_>,
) {
    if let Some((owner, first)) = macs.get(&mac.value) {
        let line = report.line(*first);
        report.mistake(
            mac.at,
            format!(
                "{} is already the address of a vNIC of VM {owner:?} (line {line}); an address is \
                 pinned to one vNIC",
                mac.value
            ),
        );
    } else {
        macs.insert(mac.value, (vm, mac.at));
    }
}

fn membership(
    given: &raw::Membership,
    networks: &Networks<'_>,
    report: &mut Report<'_>,
) -> Option<Membership> {
    match given {
        raw::Membership::Access(name) => networks.resolve(name, report).map(Membership::Access),
        raw::Membership::Trunked { tagged, native } => {
            let mut vlans = Vec::new();
            for name in tagged {
                let vlan = networks.resolve(name, report);
                if vlan == Some(Vlan::UNTAGGED) {
                    report.mistake(
                        name.at,
                        format!(
                            "network {:?} is untagged (VLAN 0), so it cannot be trunked; make it \
                             the vNIC's \"network\"",
                            name.value
                        ),
                    );
                }
                vlans.push(vlan);
            }
            let native = native.as_ref().map(|name| networks.resolve(name, report));
            Some(Membership::Trunked {
                tagged: vlans.into_iter().collect::<Option<_>>()?,
                native: match native {
                    Some(vlan) => Some(vlan?),
                    None => None,
                },
            })
        }
    }
}
