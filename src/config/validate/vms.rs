//! Puts the vNICs on their hosts.

use std::collections::BTreeMap;

use openflow::MacAddr;

use super::hosts::{HostBuilder, Hosts};
use super::networks::Networks;
use crate::config::fields::Spanned;
use crate::config::raw;
use crate::config::report::Report;
use crate::config::tree::NodeId;
use crate::topology::{Attachment, Membership, Vlan, Vnic};

/// How many vNICs of one host may be members of one network.
///
/// A broadcast goes to all of them by one flow, which has to fit a message of 65,535 bytes: 16 for
/// each, and some for the rest, a few other ports among it.
const MAX_MEMBERS: usize = 4_000;

/// Puts the vNICs of all VMs on their hosts. One with a mistake is left out once all of its mistakes
/// have been reported.
pub(super) fn place<'c>(
    vms: &'c [raw::Vm],
    networks: &Networks<'_>,
    hosts: &mut Hosts<'c>,
    report: &mut Report<'_>,
) {
    let mut taken = Taken::default();
    for vm in vms {
        // Neither needs a host, and so they are looked at where there is none.
        let mut memberships = Vec::new();
        for nic in &vm.nics {
            memberships.push(membership_of(nic, networks, report));
            taken.claim_mac(vm, nic, report);
        }
        for name in &vm.hosts {
            let Some(host) = hosts.resolve(name, report) else {
                continue;
            };
            if !host.accepts_vnics(name.at, report) {
                continue;
            }
            for (nic, membership) in vm.nics.iter().zip(&memberships) {
                plug_in(vm, nic, membership.clone(), host, &mut taken, report);
            }
        }
    }
}

/// Plugs a vNIC in on one of the VM's hosts. Its port is taken even if its networks are wrong.
fn plug_in<'c>(
    vm: &raw::Vm,
    nic: &raw::Nic,
    membership: Option<Membership>,
    host: &mut HostBuilder<'c>,
    taken: &mut Taken<'c>,
    report: &mut Report<'_>,
) {
    let Some(plug) = &nic.plug else { return };
    let vm_name = &vm.name.value;
    let usage = format!("a vNIC of VM {vm_name:?}");
    let (port, found_by) = match &plug.value {
        raw::Plug::Port(name) => {
            let name = spanned(plug.at, name);
            if !host.claim(&name, usage, report) {
                return;
            }
            (name.value, None)
        }
        raw::Plug::Match(wanted) => {
            if !host.claim_match(&spanned(plug.at, wanted), &usage, report) {
                return;
            }
            (wanted.to_string(), Some(wanted.clone()))
        }
    };
    if nic.attachment.value == Attachment::Direct && !host.accepts_direct(nic.attachment.at, report)
    {
        return;
    }
    let Some(membership) = membership else { return };
    taken.count(&membership, host.name(), plug.at, report);
    host.vnics.push(Vnic {
        vm: vm.name.value.clone(),
        port,
        found_by,
        mac: nic.mac.as_ref().map(|mac| mac.value),
        membership,
        promiscuous: nic.promiscuous,
        attachment: nic.attachment.value,
        security: nic.security,
        roams: vm.hosts.len() > 1,
    });
}

fn spanned<T: Clone>(at: NodeId, value: &T) -> Spanned<T> {
    Spanned {
        at,
        value: value.clone(),
    }
}

/// What the vNICs so far have taken of what is limited.
#[derive(Default)]
struct Taken<'c> {
    /// Where a pinned address was given first: the VM and the node.
    macs: BTreeMap<MacAddr, (&'c str, NodeId)>,
    /// How many vNICs of a host are members of a network.
    members: BTreeMap<(&'c str, Vlan), usize>,
}

impl<'c> Taken<'c> {
    /// Reports an address that is pinned to another vNIC already.
    fn claim_mac(&mut self, vm: &'c raw::Vm, nic: &raw::Nic, report: &mut Report<'_>) {
        let Some(mac) = &nic.mac else { return };
        let Some((owner, first)) = self.macs.get(&mac.value) else {
            self.macs.insert(mac.value, (&vm.name.value, mac.at));
            return;
        };
        let line = report.line(*first);
        report.mistake(
            mac.at,
            format!(
                "{} is already the address of a vNIC of VM {owner:?} (line {line}); an address is \
                 pinned to one vNIC",
                mac.value
            ),
        );
    }

    /// Reports the first vNIC that is one too many on `host` in a network.
    fn count(
        &mut self,
        membership: &Membership,
        host: &'c str,
        at: NodeId,
        report: &mut Report<'_>,
    ) {
        for vlan in membership.vlans() {
            let members = self.members.entry((host, vlan)).or_default();
            *members += 1;
            if *members == MAX_MEMBERS + 1 {
                report.mistake(
                    at,
                    format!(
                        "host {host:?} has more than {MAX_MEMBERS} vNICs in the network with VLAN \
                         {vlan}; spread them over several hosts or networks"
                    ),
                );
            }
        }
    }
}

/// The networks of a vNIC; `None` where one of them is wrong.
fn membership_of(
    nic: &raw::Nic,
    networks: &Networks<'_>,
    report: &mut Report<'_>,
) -> Option<Membership> {
    match nic.membership.as_ref()? {
        raw::Membership::Access(name) => networks.resolve(name, report).map(Membership::Access),
        raw::Membership::Trunked { tagged, native } => {
            // Every name is looked up before one that is wrong ends it.
            let tagged: Vec<Option<Vlan>> = tagged
                .iter()
                .map(|name| tagged_vlan(name, networks, report))
                .collect();
            let native = native.as_ref().map(|name| networks.resolve(name, report));
            Some(Membership::Trunked {
                tagged: tagged.into_iter().collect::<Option<_>>()?,
                native: match native {
                    Some(vlan) => Some(vlan?),
                    None => None,
                },
            })
        }
    }
}

/// The VLAN of a network that is to be tagged.
fn tagged_vlan(
    name: &Spanned<String>,
    networks: &Networks<'_>,
    report: &mut Report<'_>,
) -> Option<Vlan> {
    let vlan = networks.resolve(name, report)?;
    if vlan == Vlan::UNTAGGED {
        report.mistake(
            name.at,
            format!(
                "network {:?} is untagged (VLAN 0), so it cannot be trunked; make it the vNIC's \
                 \"network\"",
                name.value
            ),
        );
    }
    Some(vlan)
}
