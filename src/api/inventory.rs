//! What there is, from the configuration and the state of hosts.

use crate::status::{
    BridgePort, Chain, ChainFunction, HostBridge, HostFunction, HostInstance, Member, Mode,
    Network, Status, VlanMode, Vm, Vnic,
};
use crate::topology::{self, Function, FunctionKind, Membership, Tagging, Topology, Vlan};

/// All networks.
pub(super) fn networks(topology: &Topology) -> Vec<Network> {
    let networks = topology.networks.iter();
    networks
        .map(|(name, vlan)| network(topology, name, *vlan))
        .collect()
}

fn network(topology: &Topology, name: &str, vlan: Vlan) -> Network {
    let hosts = || topology.hosts.values();
    let vnics = hosts().flat_map(|host| host.vnics.iter().map(move |vnic| (host, vnic)));
    let member = |(host, vnic): (&topology::Host, &topology::Vnic)| {
        let tagging = vnic.membership.delivery(vlan)?;
        Some(Member {
            vm: vnic.vm.clone(),
            host: host.name.clone(),
            port: vnic.port.clone(),
            tagged: tagging == Tagging::Tagged,
        })
    };
    let mut chains = hosts().flat_map(|host| &host.chains);
    let chain = chains.find(|chain| chain.networks.contains(&vlan));
    Network {
        name: name.to_owned(),
        vlan: vlan.id(),
        max_macs: hosts().find_map(|host| host.max_macs.get(&vlan).copied()),
        chain: chain.map(|chain| chain.name.clone()),
        vnics: vnics.filter_map(member).collect(),
    }
}

/// All vNICs, with what bridges say of their ports.
pub(super) fn vnics(topology: &Topology, ports: &[BridgePort]) -> Vec<Vnic> {
    let hosts = topology.hosts.values();
    hosts
        .flat_map(|host| {
            host.vnics
                .iter()
                .map(move |it| vnic(topology, host, it, ports))
        })
        .collect()
}

fn vnic(
    topology: &Topology,
    host: &topology::Host,
    vnic: &topology::Vnic,
    ports: &[BridgePort],
) -> Vnic {
    let port = ports.iter().find(|port| {
        port.host == host.name && port.name == vnic.port && port.vm.as_ref() == Some(&vnic.vm)
    });
    let configured = host.bridge(host.bridge_of(vnic));
    let bridge = port.map(|port| &port.bridge);
    let bridge = bridge.or(configured.map(|bridge| &bridge.name));
    let (vlan_mode, tagged) = match &vnic.membership {
        Membership::Access(_) => (VlanMode::Access, None),
        Membership::Trunked { tagged, .. } => (VlanMode::Trunked, Some(tagged)),
    };
    let native = vnic.membership.untagged_ingress();
    Vnic {
        vm: vnic.vm.clone(),
        host: host.name.clone(),
        port: vnic.port.clone(),
        interface: port.and_then(|port| port.interface.clone()),
        bridge: bridge.cloned().unwrap_or_default(),
        present: port.is_some_and(|port| port.number.is_some()),
        link: port.is_some_and(|port| port.link),
        mac: vnic.mac.map(|mac| mac.to_string()),
        vlan_mode,
        network: native.map(|vlan| name_of(topology, vlan)),
        trunked_networks: names_of(topology, tagged.into_iter().flatten()),
        kind: vnic.attachment,
        promiscuous: vnic.promiscuous,
        forged_transmits: vnic.security.forged_transmits,
        mac_changes: vnic.security.mac_changes,
        max_macs: vnic.security.max_macs,
        storm_limit: vnic.security.storm_limit,
        roams: vnic.roams,
    }
}

/// The VMs that `vnics` belong to.
pub(super) fn vms(vnics: Vec<Vnic>) -> Vec<Vm> {
    let mut vms: Vec<Vm> = Vec::new();
    for vnic in vnics {
        let at = vms.iter().position(|vm| vm.name == vnic.vm);
        let at = at.unwrap_or_else(|| {
            vms.push(Vm {
                name: vnic.vm.clone(),
                hosts: Vec::new(),
                vnics: Vec::new(),
            });
            vms.len() - 1
        });
        let vm = &mut vms[at];
        if !vm.hosts.contains(&vnic.host) {
            vm.hosts.push(vnic.host.clone());
        }
        vm.vnics.push(vnic);
    }
    vms.sort_by(|a, b| a.name.cmp(&b.name));
    vms
}

/// All chains, with the instances of their functions on all hosts.
pub(super) fn chains(topology: &Topology, status: &Status) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    for chain in topology.hosts.values().flat_map(|host| &host.chains) {
        if chains.iter().all(|known| known.name != chain.name) {
            chains.push(Chain {
                name: chain.name.clone(),
                networks: names_of(topology, &chain.networks),
                vms: chain.vms.iter().cloned().collect(),
                functions: chain
                    .functions
                    .iter()
                    .map(|function| chain_function(&chain.name, function, status))
                    .collect(),
            });
        }
    }
    chains
}

fn chain_function(chain: &str, function: &Function, status: &Status) -> ChainFunction {
    let (mode, failure_policy) = match &function.kind {
        FunctionKind::Tap { .. } => (Mode::Tap, None),
        FunctionKind::Inline {
            shadow,
            failure_policy,
            ..
        } => {
            let mode = if *shadow { Mode::Shadow } else { Mode::Inline };
            (mode, Some(*failure_policy))
        }
    };
    let instances = functions(status)
        .into_iter()
        .filter(|it| it.function.chain == chain && it.function.name == function.name)
        .flat_map(|HostFunction { host, function }| {
            let instances = function.instances.into_iter();
            instances.map(move |instance| HostInstance {
                host: host.clone(),
                instance,
            })
        });
    ChainFunction {
        name: function.name.clone(),
        mode,
        enabled: function.enabled,
        redundancy: function.redundancy,
        failure_policy,
        instances: instances.collect(),
    }
}

/// The functions of all hosts.
pub(super) fn functions(status: &Status) -> Vec<HostFunction> {
    let hosts = status.hosts.iter();
    let functions = hosts.flat_map(|host| host.functions.iter().map(move |it| (host, it)));
    functions
        .map(|(host, function)| HostFunction {
            host: host.name.clone(),
            function: function.clone(),
        })
        .collect()
}

/// The bridges of all hosts.
pub(super) fn bridges(status: &Status) -> Vec<HostBridge> {
    let hosts = status.hosts.iter();
    let bridges = hosts.flat_map(|host| host.bridges.iter().map(move |it| (host, it)));
    bridges
        .map(|(host, bridge)| HostBridge {
            host: host.name.clone(),
            bridge: bridge.clone(),
        })
        .collect()
}

/// The name of the network of a VLAN of the topology.
fn name_of(topology: &Topology, vlan: Vlan) -> String {
    let mut networks = topology.networks.iter();
    let name = networks.find_map(|(name, own)| (*own == vlan).then_some(name));
    name.cloned().unwrap_or_else(|| vlan.to_string())
}

fn names_of<'v>(topology: &Topology, vlans: impl IntoIterator<Item = &'v Vlan>) -> Vec<String> {
    let vlans = vlans.into_iter();
    vlans.map(|vlan| name_of(topology, *vlan)).collect()
}
