//! What of the configuration a flow comes from.
//!
//! It is read from the flow itself: what it matches and does names ports, addresses, VLANs and chains,
//! and each is somebody's. So there is nothing to keep beside the flows, and a flow that somebody has
//! altered has its origin too.

use std::collections::BTreeMap;

use openflow::{Action, Instruction, MacAddr, Match, OxmField, PortNo};

use super::service;
use super::vlan;
use crate::ports::Ports;
use crate::program::{Flow, FlowKey};
use crate::topology::{Host, Role, Vlan, Vnic};

/// Something in the configuration, by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A network.
    Network(String),
    /// A vNIC.
    Vnic {
        /// The VM's name.
        vm: String,
        /// The OVS interface name.
        port: String,
        /// The address that it has in the configuration.
        mac: Option<MacAddr>,
    },
    /// An uplink of the host, by its OVS interface name.
    Uplink(String),
    /// A service chain.
    Chain(String),
    /// A function.
    Function {
        /// The chain that it is in.
        chain: String,
        /// Its name there.
        name: String,
    },
}

/// What a flow on the bridge of `host` with `role` comes from, each once: first what it matches. Nothing
/// where it is the same for every host with such bridges. `networks` are all that there are.
pub fn origins(
    host: &Host,
    networks: &BTreeMap<String, Vlan>,
    role: Role,
    ports: &Ports,
    key: &FlowKey,
    flow: &Flow,
) -> Vec<Origin> {
    let match_ = &key.match_;
    let mut origins = Vec::new();
    let exactly = |field| match match_.get(field) {
        Some((value, None)) => Some(value),
        _ => None,
    };
    let in_port = exactly(OxmField::InPort).and_then(|port| u32::try_from(port).ok());
    origins.extend(in_port.and_then(|port| at_port(host, role, ports, PortNo(port))));
    for field in [OxmField::EthSrc, OxmField::EthDst] {
        let mac = exactly(field).and_then(|mac| u64::try_from(mac).ok());
        let owner = mac.and_then(|mac| host.owner(MacAddr::from_u64(mac)));
        origins.extend(owner.map(of_vnic));
    }
    if role == Role::Service {
        origins.extend(of_chain(host, key, flow));
    }
    let vlan = network(role, exactly(OxmField::VlanVid), flow, &origins);
    let network = networks.iter().find(|(_, own)| Some(**own) == vlan);
    origins.extend(network.map(|(name, _)| Origin::Network(name.clone())));
    // Of a flood each receiver is there by its network.
    let mut out = outputs(flow);
    if let (Some(port), None) = (out.next(), out.next()) {
        origins.extend(at_port(host, role, ports, port));
    }
    let mut once = Vec::new();
    for origin in origins {
        if !once.contains(&origin) {
            once.push(origin);
        }
    }
    once
}

/// The network whose frames a flow is about. What a vNIC sends untagged is of the one whose tag it
/// gets.
fn network(role: Role, matched: Option<u128>, flow: &Flow, origins: &[Origin]) -> Option<Vlan> {
    let given = actions(flow).find_map(|action| match action {
        Action::SetField(oxm) if oxm.field == OxmField::VlanVid && role != Role::Service => {
            vlan::network_of(oxm.value)
        }
        _ => None,
    });
    let is_guest = matches!(origins.first(), Some(Origin::Vnic { .. }));
    let is_dropped = flow.instructions.is_empty();
    let matched = matched.and_then(vlan::network_of);
    let matched = matched.filter(|vlan| vlan.is_tagged() || !(is_guest && is_dropped));
    given.or(matched)
}

/// The function of a flow, or its chain where it is of no function.
fn of_chain(host: &Host, key: &FlowKey, flow: &Flow) -> Option<Origin> {
    let set = actions(flow).find_map(|action| match action {
        Action::SetField(oxm) if oxm.field == service::CHAIN => {
            Some(Match::new().with(oxm.field, oxm.value))
        }
        _ => None,
    });
    let by_table = service::function_at(host, key.table, &key.match_);
    let (chain, function) = by_table
        .or_else(|| service::names_of(host, &key.match_))
        .or_else(|| service::names_of(host, &set?))?;
    let chain = chain.to_owned();
    Some(match function {
        Some(name) => Origin::Function {
            chain,
            name: name.to_owned(),
        },
        None => Origin::Chain(chain),
    })
}

fn at_port(host: &Host, role: Role, ports: &Ports, port: PortNo) -> Option<Origin> {
    let name = ports.name(port)?;
    if role == Role::Service {
        let function = host.chains.iter().find_map(|chain| {
            let mut functions = chain.functions.iter();
            let function = functions.find(|function| function.kind.ports().contains(&name))?;
            Some(Origin::Function {
                chain: chain.name.clone(),
                name: function.name.clone(),
            })
        });
        return function;
    }
    let vnic = host.vnic(name).filter(|vnic| host.bridge_of(vnic) == role);
    let uplink = host.uplinks.iter().find(|uplink| *uplink == name);
    vnic.map(of_vnic)
        .or_else(|| uplink.map(|name| Origin::Uplink(name.clone())))
}

fn of_vnic(vnic: &Vnic) -> Origin {
    Origin::Vnic {
        vm: vnic.vm.clone(),
        port: vnic.port.clone(),
        mac: vnic.mac,
    }
}

fn actions(flow: &Flow) -> impl Iterator<Item = &Action> {
    let lists = flow.instructions.iter();
    lists
        .filter_map(|instruction| match instruction {
            Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => {
                Some(actions)
            }
            _ => None,
        })
        .flatten()
}

fn outputs(flow: &Flow) -> impl Iterator<Item = PortNo> {
    actions(flow).filter_map(|action| match action {
        Action::Output { port, .. } if *port != PortNo::CONTROLLER => Some(*port),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;
    use crate::health::Failed;
    use crate::portmap;
    use crate::topology::Topology;

    /// The configuration without something in it.
    fn without(topology: &Topology, name: &str, origin: &Origin) -> Topology {
        let mut topology = topology.clone();
        if let Origin::Network(network) = origin {
            let vlan = topology.networks.remove(network);
            let is_it = |own: &Vlan| Some(*own) == vlan;
            for host in topology.hosts.values_mut() {
                host.networks.retain(|own| !is_it(own));
                host.vm_macs.retain(|(own, _)| !is_it(own));
                // They would be members of nothing.
                host.vnics
                    .retain(|vnic| !vnic.membership.vlans().iter().any(is_it));
                for chain in &mut host.chains {
                    chain.networks.retain(|own| !is_it(own));
                }
            }
        }
        let host = topology.hosts.get_mut(name).expect("a host");
        match origin {
            Origin::Network(_) => {}
            Origin::Vnic { port, mac, .. } => {
                host.vnics.retain(|vnic| vnic.port != *port);
                host.vm_macs.retain(|(_, own)| Some(*own) != *mac);
            }
            Origin::Uplink(port) => host.uplinks.retain(|own| own != port),
            Origin::Chain(chain) => host.chains.retain(|own| own.name != *chain),
            Origin::Function { chain, name } => {
                for own in host.chains.iter_mut().filter(|own| own.name == *chain) {
                    own.functions.retain(|function| function.name != *name);
                }
            }
        }
        topology
    }

    /// Whoever is said to be the origin of a flow is: without it the flow is not there, or another. What
    /// has no origin does not depend on any vNIC.
    #[test]
    fn a_flow_goes_with_what_it_comes_from() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let files = std::fs::read_dir(configs).expect("a directory");
        let files = files.map(|entry| entry.expect("an entry").path());
        let mut kinds = BTreeMap::new();
        for file in files.filter(|file| file.extension().is_some_and(|it| it == "yaml")) {
            let (topology, _) = config::load(&file).expect("a good file");
            let settings = &topology.controller;
            for (name, host) in &topology.hosts {
                let roles: Vec<Role> = host.bridges().map(|(role, _)| role).collect();
                for role in roles {
                    let ports = portmap::assumed(host, role);
                    let compiled = |topology: &Topology| {
                        let host = &topology.hosts[name];
                        super::super::bridge(host, settings, role, &ports, &Failed::default())
                    };
                    let without_one: Vec<_> = host
                        .vnics
                        .iter()
                        .map(|vnic| compiled(&without(&topology, name, &of_vnic(vnic))))
                        .collect();
                    for (key, flow) in compiled(&topology).flows {
                        let found = origins(host, &topology.networks, role, &ports, &key, &flow);
                        let of_nobody = found.is_empty();
                        for rest in without_one.iter().filter(|_| of_nobody) {
                            assert_eq!(rest.flows.get(&key), Some(&flow), "{}", key.match_);
                        }
                        for origin in found {
                            let rest = compiled(&without(&topology, name, &origin));
                            assert_ne!(
                                rest.flows.get(&key),
                                Some(&flow),
                                "{}, {role}, table {}, {}: {origin:?}",
                                file.display(),
                                key.table,
                                key.match_
                            );
                            let kind = format!("{origin:?}");
                            let kind = kind.split([' ', '(']).next().unwrap_or_default();
                            *kinds.entry(kind.to_owned()).or_insert(0) += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
    }
}
