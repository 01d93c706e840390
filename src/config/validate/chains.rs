//! Puts the functions of the service chains on their hosts.

use std::collections::{BTreeMap, BTreeSet};

use super::hosts::Hosts;
use super::networks::Networks;
use crate::config::fields::Spanned;
use crate::config::names::suggestion;
use crate::config::raw::{self, Config};
use crate::config::report::Report;
use crate::config::tree::NodeId;
use crate::topology::{
    Attachment, Chain, Function, FunctionKind, InlineInstance, Redundancy, Remote, TapInstance,
    Vlan,
};

/// How many steps deep Open vSwitch may have to look along a chain for instances that are up. It goes
/// 64 deep, and drops the frame then; some steps are for the bridges and for bonded uplinks.
const MAX_DEPTH: usize = 56;

/// Which chain the frames of a network pass, and where the file says so.
type Owners<'c> = BTreeMap<Vlan, (&'c str, NodeId)>;

pub(super) fn place(
    config: &Config,
    networks: &Networks<'_>,
    hosts: &mut Hosts<'_>,
    report: &mut Report<'_>,
) {
    let mut owners = Owners::new();
    // Networks of all chains first: a VM's networks may be those of a later chain.
    let vlans: Vec<BTreeSet<Vlan>> = config
        .chains
        .iter()
        .map(|chain| claim_networks(chain, networks, &mut owners, report))
        .collect();
    let members = Members::new(hosts);
    let names: BTreeSet<&str> = config.vms.iter().map(|vm| vm.name.value.as_str()).collect();
    for (chain, vlans) in config.chains.iter().zip(vlans) {
        claim_vms(chain, &names, &members, &mut owners, report);
        for function in &chain.functions {
            claim_ports(function, hosts, report);
        }
        for host in hosts.iter_mut() {
            let placed = on_host(chain, &vlans, host.name());
            if placed
                .as_ref()
                .is_some_and(|chain| depth(chain) > MAX_DEPTH)
            {
                report.mistake(
                    chain.name.at,
                    format!(
                        "the inline functions of {:?} have too many instances on host {:?}: with \
                         all but the last one down, Open vSwitch would give up before it has tried \
                         that, and drop the frame. One function may have up to 17, or several \
                         functions one each up to 28",
                        chain.name.value,
                        host.name()
                    ),
                );
            }
            host.chains.extend(placed);
        }
    }
}

/// What chains must know of each VM.
struct Members {
    vlans: BTreeMap<String, BTreeSet<Vlan>>,
    /// A port without a pinned address, for each VM that has one.
    unpinned: BTreeMap<String, String>,
    /// A port beside the service chains, for each VM that has one.
    direct: BTreeMap<String, String>,
}

impl Members {
    fn new(hosts: &mut Hosts<'_>) -> Self {
        let mut vlans: BTreeMap<String, BTreeSet<Vlan>> = BTreeMap::new();
        let mut unpinned = BTreeMap::new();
        let mut direct = BTreeMap::new();
        for vnic in hosts.iter_mut().flat_map(|host| &host.vnics) {
            if vnic.mac.is_none() {
                unpinned.insert(vnic.vm.clone(), vnic.port.clone());
            }
            if vnic.attachment == Attachment::Direct {
                direct.insert(vnic.vm.clone(), vnic.port.clone());
            }
            vlans
                .entry(vnic.vm.clone())
                .or_default()
                .extend(vnic.membership.vlans());
        }
        Self {
            vlans,
            unpinned,
            direct,
        }
    }
}

fn claim_networks<'c>(
    chain: &'c raw::Chain,
    networks: &Networks<'_>,
    owners: &mut Owners<'c>,
    report: &mut Report<'_>,
) -> BTreeSet<Vlan> {
    let mut vlans = BTreeSet::new();
    for name in &chain.networks {
        let Some(vlan) = networks.resolve(name, report) else {
            continue;
        };
        vlans.insert(vlan);
        match owners.get(&vlan) {
            // The same VLAN under two names has been reported as such.
            Some((owner, _)) if *owner == chain.name.value => {}
            Some((owner, first)) => {
                let line = report.line(*first);
                report.mistake(
                    name.at,
                    format!(
                        "network {:?} is already in the service chain {owner:?} (line {line}); a \
                         frame passes one chain at most",
                        name.value
                    ),
                );
            }
            None => {
                owners.insert(vlan, (&chain.name.value, name.at));
            }
        }
    }
    vlans
}

/// A VM's frames are those of its networks: were another chain responsible for one of these, the
/// frames between its VMs and this one would pass both.
fn claim_vms<'c>(
    chain: &'c raw::Chain,
    existing: &BTreeSet<&str>,
    members: &Members,
    owners: &mut Owners<'c>,
    report: &mut Report<'_>,
) {
    for name in &chain.vms {
        if !existing.contains(name.value.as_str()) {
            let hint = suggestion(&name.value, existing.iter().copied(), "the VMs are");
            report.mistake(name.at, format!("there is no VM {:?}{hint}", name.value));
            continue;
        }
        if let Some(port) = members.unpinned.get(&name.value) {
            report.mistake(
                name.at,
                format!(
                    "the vNIC {port:?} of VM {:?} has no \"mac\"; a chain finds the frames of a VM by \
                     the pinned addresses of its vNICs, so give it one",
                    name.value
                ),
            );
        }
        if let Some(port) = members.direct.get(&name.value) {
            report.mistake(
                name.at,
                format!(
                    "the vNIC {port:?} of VM {:?} has \"type: direct\", which no chain inspects; \
                     make it normal, or leave the VM out of this list",
                    name.value
                ),
            );
        }
        let vlans = members.vlans.get(&name.value);
        for vlan in vlans.into_iter().flatten() {
            let (owner, first) = *owners.entry(*vlan).or_insert((&chain.name.value, name.at));
            if owner != chain.name.value {
                let line = report.line(first);
                report.mistake(
                    name.at,
                    format!(
                        "VM {:?} is on VLAN {vlan}, whose frames already pass the service chain \
                         {owner:?} (line {line}); a frame passes one chain at most",
                        name.value
                    ),
                );
                break;
            }
        }
    }
}

/// Notes the ports and tunnels of every instance on its host.
fn claim_ports(function: &raw::Function, hosts: &mut Hosts<'_>, report: &mut Report<'_>) {
    let name = &function.name.value;
    let mut claim = |host: &Spanned<String>,
                     legs: &[(&Spanned<raw::Plug>, &str)],
                     remote: Option<&Spanned<Remote>>| {
        let Some(builder) = hosts.resolve(host, report) else {
            return;
        };
        if builder.accepts_functions(host.at, report) {
            for (port, leg) in legs {
                let usage = format!("{leg} of the function {name:?}");
                builder.claim_function(port, &usage, report);
            }
            if let Some(remote) = remote {
                builder.claim_tunnel(remote, report);
            }
        }
    };
    match &function.kind {
        raw::FunctionKind::Tap { instances, .. } => {
            for raw::TapInstance {
                host, port, remote, ..
            } in instances
            {
                claim(host, &[(port, "a port")], remote.as_ref());
            }
        }
        raw::FunctionKind::Inline { instances, .. } => {
            for raw::InlineInstance {
                host,
                ingress,
                egress,
                ..
            } in instances
            {
                let mut legs = vec![(ingress, "the ingress leg")];
                legs.extend(egress.iter().map(|leg| (leg, "the egress leg")));
                claim(host, &legs, None);
            }
        }
    }
}

/// How many steps deep Open vSwitch looks at the most along a chain: one for each leg that turns out to
/// be down, and some for each next instance. What comes out of a function starts anew.
fn depth(chain: &Chain) -> usize {
    let depth_of = |function: &Function| match &function.kind {
        FunctionKind::Tap { .. } => 0,
        FunctionKind::Inline { instances, .. } => match (function.redundancy, instances.len()) {
            (_, 0) => 0,
            (_, 1) => 2,
            (Redundancy::ActivePassive, count) => 3 * count - 1,
            // Chosen, and chosen again.
            (Redundancy::ActiveActive, 2) => 5,
            (Redundancy::ActiveActive, count) => 5 + 3 * count,
        },
    };
    chain.functions.iter().map(depth_of).sum()
}

/// The chain as it is on one host: the functions that have an instance there; `None` if none has.
fn on_host(chain: &raw::Chain, networks: &BTreeSet<Vlan>, host: &str) -> Option<Chain> {
    let functions: Vec<Function> = chain
        .functions
        .iter()
        .filter_map(|function| function_on_host(function, host))
        .collect();
    (!functions.is_empty()).then(|| Chain {
        name: chain.name.value.clone(),
        networks: networks.clone(),
        vms: chain.vms.iter().map(|vm| vm.value.clone()).collect(),
        functions,
    })
}

fn function_on_host(function: &raw::Function, host: &str) -> Option<Function> {
    let kind = match &function.kind {
        raw::FunctionKind::Tap { copying, instances } => FunctionKind::Tap {
            copying: copying.clone(),
            instances: instances
                .iter()
                .filter(|instance| instance.host.value == host)
                .map(|instance| TapInstance {
                    port: instance.port.value.called(),
                    enabled: instance.enabled,
                    remote: instance.remote.as_ref().map(|remote| remote.value.clone()),
                })
                .collect(),
        },
        raw::FunctionKind::Inline {
            shadow,
            failure_policy,
            health_check,
            instances,
        } => {
            let here = || {
                instances
                    .iter()
                    .filter(|instance| instance.host.value == host)
            };
            let whole = |instance: &raw::InlineInstance| {
                Some(InlineInstance {
                    ingress: instance.ingress.value.called(),
                    egress: instance.egress.as_ref()?.value.called(),
                    enabled: instance.enabled,
                })
            };
            let waiting = here().filter(|instance| instance.egress.is_none());
            FunctionKind::Inline {
                shadow: *shadow,
                failure_policy: *failure_policy,
                health_check: *health_check,
                instances: here().filter_map(whole).collect(),
                waiting: waiting
                    .map(|instance| instance.ingress.value.called())
                    .collect(),
            }
        }
    };
    // One that waits for its egress leg counts: where it is the only one, frames do not pass as if
    // there was no function.
    (!kind.ports().is_empty()).then(|| Function {
        name: function.name.value.clone(),
        enabled: function.enabled,
        redundancy: function.redundancy,
        kind,
    })
}
