//! The ports of the bridges of a host as an operator is shown them.

use std::collections::BTreeMap;

use openflow::PortNo;

use super::{HostState, roles};
use crate::portmap;
use crate::status::{BridgePort, Purpose};
use crate::topology::{Bridges, Host, Role};

impl HostState {
    /// The ports that its bridges have, and those that the configuration expects there.
    pub fn port_table(&self) -> Vec<BridgePort> {
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return Vec::new();
        };
        let mut table = Vec::new();
        for role in roles(host) {
            let bridge = self.bridges.get(&role);
            let expected = portmap::configured(host, role).into_iter();
            let mut ports: BTreeMap<&str, Option<PortNo>> =
                expected.map(|name| (name, None)).collect();
            if let Some(bridge) = bridge {
                ports.extend(bridge.ports.iter().map(|(name, no)| (name, Some(no))));
            }
            for (name, number) in ports {
                let (purpose, vm, function) = purpose(host, role, name, number);
                table.push(BridgePort {
                    host: self.name.clone(),
                    bridge: self.shown_name(host, role).to_owned(),
                    name: name.to_owned(),
                    interface: bridge
                        .zip(number)
                        .and_then(|(bridge, number)| bridge.ports.interface(number))
                        .map(str::to_owned),
                    number: number.map(|number| number.0),
                    link: bridge
                        .zip(number)
                        .is_some_and(|(bridge, number)| bridge.ports.is_up(number)),
                    purpose,
                    vm,
                    function,
                });
            }
        }
        table
    }
}

/// What a port is for; the VM of a vNIC, and the function of a function's.
fn purpose(
    host: &Host,
    role: Role,
    name: &str,
    number: Option<PortNo>,
) -> (Purpose, Option<String>, Option<String>) {
    if number == Some(PortNo::LOCAL) {
        return (Purpose::Local, None, None);
    }
    if !portmap::configured(host, role).contains(&name) {
        return (Purpose::Other, None, None);
    }
    if let Some(vnic) = host.vnic(name) {
        return (Purpose::Vnic, Some(vnic.vm.clone()), None);
    }
    if host.uplinks.iter().any(|uplink| uplink == name) {
        return (Purpose::Uplink, None, None);
    }
    let functions = host.chains.iter().flat_map(|chain| {
        let functions = chain.functions.iter();
        functions.map(move |function| (chain, function))
    });
    for (chain, function) in functions {
        if function.kind.ports().contains(&name) {
            let function = format!("{}/{}", chain.name, function.name);
            return (Purpose::Function, None, Some(function));
        }
    }
    match host.bridges {
        Bridges::Chain(_) => (Purpose::Patch, None, None),
        Bridges::Learning(_) | Bridges::AnyLearning => (Purpose::Other, None, None),
    }
}
