//! vNICs and functions are found at the interfaces that the OVS database says are theirs.
//!
//! To everything else one that is found is a port that came, under the name that it has in the
//! topology. Where the database is away, what was found stays as long as the port has its name and its
//! number, and nothing else is found: what the database said last may be of ports that were there
//! before. Where it has not answered yet, what an earlier run had found stays
//! ([`compile::recover_bound`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::{info, warn};

use super::{HostState, Outbox};
use crate::compile;
use crate::guests::{self, Problem, Site};
use crate::ovsdb::{Database, Feed, Link};
use crate::status::{self, Kind};
use crate::topology::{Endpoint, Host, Role, User};

/// What is known from the database of a host.
#[derive(Debug, Default)]
pub(super) struct Guests {
    /// Where that is.
    endpoint: String,
    /// What it said last.
    database: Option<Arc<Database>>,
    /// None where it was not asked.
    link: Option<Link>,
    /// The bridges that it has.
    known: BTreeSet<Role>,
    /// Those that were told.
    problems: BTreeSet<Problem>,
}

impl HostState {
    /// There is news from the database of the host, or of the connection to it.
    pub fn database(&mut self, feed: &Feed, out: &mut impl Outbox) {
        let relinked = self.guests.link.as_ref() != Some(&feed.link);
        if relinked {
            self.guests.link = Some(feed.link.clone());
            self.tell_link(&feed.link);
        }
        let Some(database) = &feed.database else {
            return;
        };
        let known = self.guests.database.as_ref();
        if relinked || !known.is_some_and(|known| Arc::ptr_eq(known, database)) {
            self.guests.database = Some(Arc::clone(database));
            self.find_guests();
            self.advance_all(out);
        }
    }

    /// Nothing is known from a database any more: from now on it is the one at `endpoint`, or none is
    /// needed. What was found stays until another says more.
    pub fn change_database(&mut self, endpoint: Option<&Endpoint>) {
        self.guests = Guests {
            endpoint: endpoint.map(Endpoint::to_string).unwrap_or_default(),
            ..Guests::default()
        };
    }

    fn tell_link(&mut self, link: &Link) {
        let database = self.guests.endpoint.clone();
        match link {
            Link::Connecting => {}
            Link::Up => {
                info!(host = self.name, database, "OVS database connected");
                self.happened(Kind::DatabaseConnected, database, "OVS database connected");
            }
            Link::Down(reason) => {
                warn!(
                    host = self.name,
                    database,
                    reason,
                    "no OVS database: vNICs stay at the ports where they were found"
                );
                let message = format!("OVS database disconnected: {reason}");
                self.happened(Kind::DatabaseDisconnected, database, message);
            }
        }
    }

    /// Finds the vNICs anew, after anything that this depends on has changed.
    pub(super) fn find_guests(&mut self) {
        let topology = Arc::clone(&self.topology);
        let Some(host) = topology.hosts.get(&self.name) else {
            return;
        };
        let told = self.guests.database.clone();
        let Some(database) = told.filter(|_| self.guests.link == Some(Link::Up)) else {
            self.keep_found(host);
            return;
        };
        let sites = self.bridges.iter().filter(|(_, bridge)| bridge.is_up());
        let sites: BTreeMap<Role, Site<'_>> = sites
            .map(|(role, bridge)| {
                let site = Site {
                    name: bridge.name(),
                    datapath_id: bridge.datapath_id,
                    ports: Some(&bridge.ports),
                };
                (*role, site)
            })
            .collect();
        let binding = guests::bind(host, &database, &sites);
        self.guests.known = binding.names.keys().copied().collect();
        for (role, names) in binding.names {
            self.call_ports(role, names);
        }
        for problem in binding.problems.difference(&self.guests.problems.clone()) {
            warn!(host = self.name, "{problem}");
            self.happened(Kind::GuestProblem, host.name.clone(), problem.to_string());
        }
        self.guests.problems = binding.problems;
    }

    /// Keeps vNICs where they were found, as long as the configuration has them.
    fn keep_found(&mut self, host: &Host) {
        let names: BTreeSet<&str> = host.found_ports().map(|port| port.name).collect();
        let roles: Vec<Role> = self.bridges.keys().copied().collect();
        for role in roles {
            let Some(bridge) = self.bridges.get(&role) else {
                continue;
            };
            let mut called = bridge.ports.called().clone();
            called.retain(|_, name| names.contains(name.as_str()));
            self.call_ports(role, called);
        }
    }

    /// Takes over where an earlier run of the controller has found vNICs, while no database says where
    /// they are.
    pub(super) fn recover_guests(&mut self, host: &Host, role: Role) {
        let Some(bridge) = self.bridges.get(&role) else {
            return;
        };
        if self.guests.known.contains(&role) {
            return;
        }
        let flows = &bridge.installed.flows;
        let found = compile::recover_bound(host, role, &bridge.ports, flows);
        let mut called = bridge.ports.called().clone();
        for (name, interface) in found {
            if called.values().all(|known| *known != name) {
                called.insert(interface, name);
            }
        }
        self.call_ports(role, called);
    }

    /// Gives the interfaces of a bridge the names of the vNICs that they are.
    fn call_ports(&mut self, role: Role, names: BTreeMap<String, String>) {
        let Some(bridge) = self.bridges.get_mut(&role) else {
            return;
        };
        if *bridge.ports.called() == names {
            return;
        }
        let before = bridge.ports.called().clone();
        let changed = bridge.ports.call(names);
        self.tell_called(role, &before);
        if !changed.is_empty() {
            self.ports_changed(role, &changed);
        }
    }

    /// Tells of the found ports of a bridge that are no longer where they were `before`.
    pub(super) fn tell_called(&mut self, role: Role, before: &BTreeMap<String, String>) {
        let topology = Arc::clone(&self.topology);
        let host = topology.hosts.get(&self.name);
        let (Some(host), Some(bridge)) = (host, self.bridges.get(&role)) else {
            return;
        };
        if bridge.ports.called() == before {
            return;
        }
        let by_name = |called: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let pairs = called.iter();
            pairs
                .map(|(port, name)| (name.clone(), port.clone()))
                .collect()
        };
        let before = by_name(before);
        let after = by_name(bridge.ports.called());
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            self.tell_found(host, name, before.get(name), after.get(name));
        }
    }

    /// Tells of a vNIC, or a port of a function, that is at another port now.
    fn tell_found(
        &mut self,
        host: &Host,
        name: &str,
        before: Option<&String>,
        after: Option<&String>,
    ) {
        let known = host.found_ports().find(|port| port.name == name);
        let (what, subject) = match known.map(|port| port.user) {
            Some(User::Vm(vm)) => ("vNIC", vm),
            Some(User::Function(function)) => ("function port", function),
            None => ("vNIC", "?"),
        };
        let (kind, message) = match (before, after) {
            (before, after) if before == after => return,
            (None, Some(port)) => (Kind::GuestBound, format!("found at port {port}")),
            (Some(before), Some(port)) => (
                Kind::GuestMoved,
                format!("moved from port {before} to {port}"),
            ),
            (before, None) => {
                let before = before.map(String::as_str).unwrap_or_default();
                (Kind::GuestUnbound, format!("no longer at port {before}"))
            }
        };
        info!(
            host = self.name,
            owner = subject,
            found_by = name,
            "{what} {message}"
        );
        self.happened(kind, subject, format!("{what} {name} {message}"));
    }

    /// Adds what there is to be shown of vNICs and the database they are found by.
    pub(super) fn show_guests(&self, host: &Host, shown: &mut status::Host) {
        for found in host.found_ports() {
            let state = self.bridges.get(&found.role);
            let mut called = state.iter().flat_map(|bridge| bridge.ports.called());
            let port = called.find(|(_, name)| *name == found.name);
            let port = port.map(|(interface, _)| interface.clone());
            let present = state.is_some_and(|bridge| bridge.ports.get(found.name).is_some());
            let bridge = host.bridge(found.role).map_or("?", |bridge| &bridge.name);
            let (found_by, bridge) = (found.found_by.to_string(), bridge.to_owned());
            match found.user {
                User::Vm(vm) => shown.guests.push(status::Guest {
                    vm: vm.to_owned(),
                    found_by,
                    bridge,
                    port,
                    present,
                }),
                User::Function(function) => shown.function_ports.push(status::FunctionPort {
                    function: function.to_owned(),
                    found_by,
                    bridge,
                    port,
                    present,
                }),
            }
        }
        if shown.guests.is_empty() && shown.function_ports.is_empty() {
            return;
        }
        let error = match &self.guests.link {
            Some(Link::Up) => None,
            Some(Link::Connecting) => Some("not answered yet".to_owned()),
            Some(Link::Down(reason)) => Some(reason.clone()),
            None => Some("not asked yet: no bridge of the host has connected".to_owned()),
        };
        let problems = self.guests.problems.iter();
        shown.database = Some(status::Database {
            endpoint: self.guests.endpoint.clone(),
            connected: error.is_none(),
            error,
            problems: problems.map(Problem::to_string).collect(),
        });
    }
}
