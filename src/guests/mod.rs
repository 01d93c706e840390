//! Which interface is which vNIC or function, where the OVS database says it: a pure function.
//!
//! A port that is [found](Host::found_ports) by `external_ids` is bound to the interface
//! on its bridge that has them. The interface then goes by the name of the port ([`Ports::call`]), and
//! everything else works as if the configuration had named it.
//!
//! Names of interfaces are used again, by other guests. So an interface is bound only while the database
//! and the bridge agree on the number of its port: until both have told of the same one, the database
//! may speak of a port that was there before, or of one that is yet to come.
//!
//! What is bound depends on the database and on the ports there are, and not on what was bound before:
//! a new controller finds the same, and it does not matter which of the two was heard first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use openflow::{DatapathId, MacAddr};

use crate::ovsdb::{Database, Interface};
use crate::portmap;
use crate::ports::Ports;
use crate::topology::{FoundPort, Host, InterfaceMatch, Role};

/// A bridge that has connected, for what is bound on it.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its datapath id, by which a database that is another machine's is told.
    pub datapath_id: Option<DatapathId>,
    /// The ports it has; without them the database alone is believed.
    pub ports: Option<&'a Ports>,
}

/// Which interface is which port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    /// For each bridge that the database has the interfaces that are found, with the names that they
    /// go by.
    pub names: BTreeMap<Role, BTreeMap<String, String>>,
    /// What an operator should know.
    pub problems: BTreeSet<Problem>,
}

/// Why a port is bound to no interface, or perhaps not to the right one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// The database has no bridge of this name with this datapath id.
    OtherMachine {
        /// The bridge.
        bridge: String,
        /// Its datapath id.
        datapath_id: DatapathId,
    },
    /// Several interfaces of the bridge claim to be one port.
    Several {
        /// The port, for people.
        port: String,
        /// The one with the highest port number. That is mostly the newest, but vswitchd may give other
        /// numbers when it is started again.
        bound: String,
        /// The others.
        others: Vec<String>,
    },
    /// The interface is on another bridge than the port belongs to.
    Elsewhere {
        /// The port, for people.
        port: String,
        /// The interface.
        interface: String,
        /// Where it is.
        found: String,
        /// Where it should be.
        expected: String,
    },
    /// An interface has what several ports are found by.
    Ambiguous {
        /// The interface.
        interface: String,
        /// The ports, for people.
        ports: Vec<String>,
    },
    /// The configuration names the interface as something else.
    Taken {
        /// The port, for people.
        port: String,
        /// The interface.
        interface: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMachine {
                bridge,
                datapath_id,
            } => write!(
                f,
                "the database has no bridge {bridge} with datapath id {datapath_id}: it may be another \
                 host's; see \"ovsdb\" of this host"
            ),
            Self::Several {
                port,
                bound,
                others,
            } => write!(
                f,
                "{port}: {bound} and {} all claim to be it; {bound}, the one with the highest port number, is \
                 taken",
                others.join(", ")
            ),
            Self::Elsewhere {
                port,
                interface,
                found,
                expected,
            } => write!(
                f,
                "{port}: {interface} is on {found}, and belongs on {expected}"
            ),
            Self::Ambiguous { interface, ports } => {
                write!(
                    f,
                    "{interface} is left alone: it may be {}",
                    ports.join(" or ")
                )
            }
            Self::Taken { port, interface } => write!(
                f,
                "{port}: {interface} claims to be it, but the configuration names that port as \
                 something else"
            ),
        }
    }
}

/// The interfaces of a port with their port numbers, which those have on which the database and the
/// bridge agree.
type Candidates<'a> = BTreeSet<(Option<u32>, &'a str)>;

/// Finds the interfaces of the ports of `host` on the bridges that have connected.
pub fn bind(host: &Host, database: &Database, sites: &BTreeMap<Role, Site<'_>>) -> Binding {
    let mut binding = Binding::default();
    let wanted: BTreeMap<&InterfaceMatch, FoundPort<'_>> = host
        .found_ports()
        .map(|port| (port.found_by, port))
        .collect();
    let named = names_of(host);
    let sites: BTreeMap<Role, &Site<'_>> = sites
        .iter()
        .filter(|(_, site)| match is_here(database, site) {
            Ok(()) => true,
            Err(problem) => {
                binding.problems.insert(problem);
                false
            }
        })
        .map(|(role, site)| (*role, site))
        .collect();
    binding.names = sites.keys().map(|role| (*role, BTreeMap::new())).collect();
    // Of those of each vNIC the last is taken.
    let mut candidates: BTreeMap<&str, (FoundPort<'_>, Candidates<'_>)> = BTreeMap::new();
    let mut elsewhere = Vec::new();
    let in_use = |interface: &Interface| {
        let status = interface.external_ids.get("iface-status");
        status.is_none_or(|status| status != "inactive")
    };
    for (name, interface) in database.interfaces.iter().filter(|(_, it)| in_use(it)) {
        let mut ports: BTreeMap<&str, FoundPort<'_>> = claims(interface)
            .iter()
            .filter_map(|claim| wanted.get(claim))
            .map(|port| (port.name, *port))
            .collect();
        // Of a VM that is a function, each interface is what belongs on its bridge.
        let is_at_home = |port: &FoundPort<'_>| {
            let site = sites.get(&port.role);
            site.is_some_and(|site| interface.bridge.as_deref() == Some(site.name))
        };
        if ports.values().any(is_at_home) {
            ports.retain(|_, port| is_at_home(port));
        }
        let Some((_, &port)) = ports.first_key_value() else {
            continue;
        };
        if ports.len() > 1 {
            binding.problems.insert(Problem::Ambiguous {
                interface: name.clone(),
                ports: ports.values().map(FoundPort::to_string).collect(),
            });
            continue;
        }
        let (Some(site), Some(bridge)) = (sites.get(&port.role), &interface.bridge) else {
            continue;
        };
        if named.contains(name.as_str()) {
            binding.problems.insert(Problem::Taken {
                port: port.to_string(),
                interface: name.clone(),
            });
        } else if bridge == site.name {
            let agreed = interface.ofport.filter(|number| {
                let ports = site.ports;
                ports.is_none_or(|ports| ports.number_of(name) == Some(*number))
            });
            let (_, all) = candidates
                .entry(port.name)
                .or_insert_with(|| (port, BTreeSet::new()));
            all.insert((agreed.map(|number| number.0), name));
        } else {
            elsewhere.push((port, name, bridge, site.name));
        }
    }
    for (port, name, bridge, expected) in elsewhere {
        if !candidates.contains_key(port.name) {
            binding.problems.insert(Problem::Elsewhere {
                port: port.to_string(),
                interface: name.clone(),
                found: bridge.clone(),
                expected: expected.to_owned(),
            });
        }
    }
    for (port, mut all) in candidates.into_values() {
        let needs_port = sites
            .get(&port.role)
            .is_some_and(|site| site.ports.is_some());
        let highest = all.pop_last();
        let Some((_, bound)) = highest.filter(|(number, _)| number.is_some() || !needs_port) else {
            continue;
        };
        // One that has no port is a leftover, or not there yet.
        let others = all.iter().filter(|(number, _)| number.is_some());
        let others: Vec<String> = others.map(|(_, name)| (*name).to_owned()).collect();
        if !others.is_empty() {
            binding.problems.insert(Problem::Several {
                port: port.to_string(),
                bound: bound.to_owned(),
                others,
            });
        }
        let names = binding.names.entry(port.role).or_default();
        names.insert(bound.to_owned(), port.name.to_owned());
    }
    binding
}

/// The host as if the configuration named the interfaces that its ports are found at, as far as the
/// database alone tells; vNICs that are at none are left out, functions are not. With what it rests on.
pub fn as_named(host: &Host, database: &Database) -> (Host, Binding) {
    let sites = host.bridges().map(|(role, bridge)| {
        let site = Site {
            name: &bridge.name,
            datapath_id: None,
            ports: None,
        };
        (role, site)
    });
    let binding = bind(host, database, &sites.collect());
    let names = binding.names.values().flatten();
    let interfaces: BTreeMap<&str, &str> = names
        .map(|(interface, name)| (name.as_str(), interface.as_str()))
        .collect();
    let mut named = host.clone();
    named.vnics.retain_mut(|vnic| {
        if vnic.found_by.take().is_none() {
            return true;
        }
        let interface = interfaces.get(vnic.port.as_str());
        vnic.port = interface.map(|&it| it.to_owned()).unwrap_or_default();
        interface.is_some()
    });
    let functions = named.chains.iter_mut().flat_map(|it| &mut it.functions);
    for port in functions.flat_map(|function| function.kind.ports_mut()) {
        if let Some(&interface) = interfaces.get(port.as_str()) {
            *port = interface.to_owned();
        }
    }
    named.found_functions.clear();
    (named, binding)
}

/// Whether a bridge is one of the database's.
fn is_here(database: &Database, site: &Site<'_>) -> Result<(), Problem> {
    let Some(datapath_id) = site.datapath_id else {
        return Ok(());
    };
    match database.bridges.get(site.name) {
        // It has none for a moment, when it is new.
        Some(found) if found.is_none_or(|found| found == datapath_id) => Ok(()),
        _ => Err(Problem::OtherMachine {
            bridge: site.name.to_owned(),
            datapath_id,
        }),
    }
}

/// The names that the configuration gives to ports and bridges.
fn names_of(host: &Host) -> BTreeSet<&str> {
    host.bridges()
        .flat_map(|(role, bridge)| {
            let ports = portmap::configured(host, role).into_iter();
            ports.chain([bridge.name.as_str()])
        })
        .collect()
}

/// Everything that a port may be found by and that this interface has.
fn claims(interface: &Interface) -> BTreeSet<InterfaceMatch> {
    let id = |key: &str| interface.external_ids.get(key).filter(|id| !id.is_empty());
    let mac: Option<MacAddr> =
        id("attached-mac").and_then(|mac| mac.replace('-', ":").parse().ok());
    let iface_id = id("iface-id");
    // libvirt writes the one, OpenStack the other.
    let vm_ids = [id("vm-id"), id("vm-uuid")];
    let whole = |vm_id: Option<&String>| InterfaceMatch {
        mac,
        iface_id: iface_id.cloned(),
        vm_id: vm_id.cloned(),
    };
    vm_ids
        .iter()
        .flat_map(|vm_id| whole(*vm_id).parts().collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests;
