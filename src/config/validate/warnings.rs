//! What is allowed, but probably not what was meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::raw::{self, Bridges, Config};
use crate::config::report::Report;
use crate::topology::{
    Attachment, Chain, FailurePolicy, Function, FunctionKind, Host, Topology, UplinkMode, Vlan,
    Vnic,
};

pub(super) fn check(config: &Config, topology: &Topology, report: &mut Report<'_>) {
    no_native_network(config, topology, report);
    several_uplinks(config, report);
    same_bridge_names(config, report);
    networks_without_members(config, topology, report);
    functions_without_instances(config, topology, report);
    functions_all_disabled(config, topology, report);
    copies_too_long(config, report);
}

/// LOCAL of the uplink bridge is an access port of the native network.
fn no_native_network(config: &Config, topology: &Topology, report: &mut Report<'_>) {
    if topology.networks.values().any(|vlan| !vlan.is_tagged()) {
        return;
    }
    let uplink_bridge = config.hosts.iter().find_map(|host| match &host.bridges {
        Some(Bridges::Chain {
            uplink: Some(uplink),
            ..
        }) => Some(&uplink.name),
        _ => None,
    });
    if let Some(name) = uplink_bridge {
        report.warning(
            name.at,
            format!(
                "there is no network with \"vlan: 0\": untagged frames from outside are dropped, \
                 and an address of the host itself on {:?} is cut off",
                name.value
            ),
        );
    }
}

fn several_uplinks(config: &Config, report: &mut Report<'_>) {
    for host in &config.hosts {
        match (&host.uplinks[..], &host.uplink_mode) {
            ([_, second, ..], None) => report.warning(
                second.at,
                "several uplinks are ports of one learning switch: on the same segment they make \
                 a loop. Set \"uplink_mode\" to active_backup or balance if they lead to the same \
                 network, to separate if not",
            ),
            ([] | [_], Some(mode)) if mode.value != UplinkMode::Separate => report.warning(
                mode.at,
                "this is about several uplinks working together, and the host has fewer than two",
            ),
            _ => {}
        }
    }
}

/// Without a datapath id in the file, a bridge is recognised by its name, or else by the derived
/// id that `setup` gave it.
fn same_bridge_names(config: &Config, report: &mut Report<'_>) {
    let mut first: BTreeMap<&str, &raw::Host> = BTreeMap::new();
    for host in &config.hosts {
        let mut shared = BTreeSet::new();
        let mut others = BTreeSet::new();
        for bridge in bridges(host).filter(|bridge| bridge.datapath_id.is_none()) {
            let name = bridge.name.value.as_str();
            let owner = first.entry(name).or_insert(host);
            if owner.name.value != host.name.value {
                shared.insert(format!("{name:?}"));
                others.insert(format!("{:?}", owner.name.value));
            }
        }
        if !shared.is_empty() {
            let shared = Vec::from_iter(shared).join(", ");
            let others = Vec::from_iter(others).join(", ");
            report.warning(
                host.name.at,
                format!(
                    "host {others} has bridges named {shared} too: they can be told apart only \
                     if `bridgechain setup` made them, or by a datapath_id here"
                ),
            );
        }
    }
}

fn bridges(host: &raw::Host) -> impl Iterator<Item = &raw::Bridge> {
    let given = match &host.bridges {
        Some(Bridges::Chain {
            local,
            service,
            uplink,
        }) => [
            local.as_ref(),
            service.as_ref().and_then(Option::as_ref),
            uplink.as_ref(),
        ],
        Some(Bridges::Learning(bridge)) => [bridge.as_ref(), None, None],
        Some(Bridges::AnyLearning(_)) | None => [None; 3],
    };
    given.into_iter().flatten()
}

fn networks_without_members(config: &Config, topology: &Topology, report: &mut Report<'_>) {
    let members: BTreeSet<Vlan> = topology
        .hosts
        .values()
        .flat_map(|host| &host.vnics)
        .flat_map(|vnic| vnic.membership.vlans())
        .collect();
    for network in &config.networks {
        let Some(vlan) = &network.vlan else { continue };
        // The host itself is a member of the untagged network.
        if vlan.value.is_tagged() && !members.contains(&vlan.value) {
            report.warning(
                network.name.at,
                format!(
                    "no vNIC is a member of the network {:?}",
                    network.name.value
                ),
            );
        }
    }
}

/// A function that is missing on a host that has vNICs of its chain.
fn functions_without_instances(config: &Config, topology: &Topology, report: &mut Report<'_>) {
    for chain in &config.chains {
        let networks: BTreeSet<Vlan> = chain
            .networks
            .iter()
            .filter_map(|name| topology.networks.get(&name.value).copied())
            .collect();
        let concerned = |host: &Host| {
            let inspected = |vnic: &&Vnic| vnic.attachment == Attachment::Normal;
            host.vnics.iter().filter(inspected).any(|vnic| {
                !vnic.membership.vlans().is_disjoint(&networks)
                    || chain.vms.iter().any(|vm| vm.value == vnic.vm)
            })
        };
        for function in &chain.functions {
            let present = |host: &Host| {
                let in_chain = |there: &Chain| {
                    there.name == chain.name.value
                        && there
                            .functions
                            .iter()
                            .any(|f| f.name == function.name.value)
                };
                host.chains.iter().any(in_chain)
            };
            for host in topology.hosts.values() {
                if concerned(host) && !present(host) {
                    report.warning(
                        function.name.at,
                        format!(
                            "there is no instance on host {:?}, which has vNICs of this chain: \
                             their frames pass without it",
                            host.name
                        ),
                    );
                }
            }
        }
    }
}

/// A function that is to get frames on a host, where none of its instances is to get any.
fn functions_all_disabled(config: &Config, topology: &Topology, report: &mut Report<'_>) {
    for chain in &config.chains {
        for function in &chain.functions {
            for host in topology.hosts.values() {
                let there = host
                    .chains
                    .iter()
                    .filter(|there| there.name == chain.name.value)
                    .flat_map(|there| &there.functions)
                    .find(|there| there.name == function.name.value);
                if let Some(effect) = there.and_then(all_disabled) {
                    report.warning(
                        function.name.at,
                        format!(
                            "all its instances on host {:?} are disabled: {effect}",
                            host.name
                        ),
                    );
                }
            }
        }
    }
}

/// What happens where a function is enabled and none of its instances is.
fn all_disabled(function: &Function) -> Option<&'static str> {
    let (any, effect) = match &function.kind {
        FunctionKind::Tap { instances, .. } => {
            let any = instances.iter().any(|instance| instance.enabled);
            (any, "it gets no copies there")
        }
        FunctionKind::Inline {
            shadow,
            failure_policy,
            instances,
            ..
        } => {
            let effect = match failure_policy {
                _ if *shadow => "it gets no copies there",
                FailurePolicy::FailOpen => "frames bypass it there (fail_open)",
                FailurePolicy::FailClose => {
                    "frames stop there (fail_close); to let them pass, disable the function"
                }
            };
            (instances.iter().any(|legs| legs.enabled), effect)
        }
    };
    (function.enabled && !any).then_some(effect)
}

/// Copies for a remote sink that do not fit an uplink with the MTU of Ethernet.
fn copies_too_long(config: &Config, report: &mut Report<'_>) {
    for function in config.chains.iter().flat_map(|chain| &chain.functions) {
        let raw::FunctionKind::Tap { copying, instances } = &function.kind else {
            continue;
        };
        for remote in instances
            .iter()
            .filter_map(|instance| instance.remote.as_ref())
        {
            let longest = remote.value.longest_copy();
            if copying.snap_length.is_some_and(|length| length > longest) {
                report.warning(
                    remote.at,
                    format!(
                        "copies of more than {longest} bytes do not fit this tunnel unless the \
                         uplink's MTU is above 1500: they are lost, and with the datapath in user \
                         space frames of the guests with them. Without \"snap_length\" copies \
                         are cut off there"
                    ),
                );
            }
        }
    }
}
