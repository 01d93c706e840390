//! vNICs that are found by what the OVS database says of their interfaces.

use std::net::IpAddr;

use super::facts::{Bridge, Contents};
use super::{Check, Examination, Level};
use crate::guests::Binding;
use crate::topology::{Endpoint, Host, Role};

impl Examination<'_> {
    /// Whether the database that `host`, that of the configuration, names is the one of this machine: by
    /// another the controller finds no vNICs, or those of another machine.
    pub(super) fn database(&mut self, host: &Host) {
        let (Some(answer), Some(endpoint)) = (&self.facts.ovsdb, &host.ovsdb) else {
            return;
        };
        self.look_at(Check::Ovsdb);
        let theirs = match answer {
            Ok(theirs) => theirs,
            Err(why) => {
                let what = format!("vNICs are found by {endpoint}, which does not answer: {why}");
                let mend = self.served_at(endpoint);
                return self.find(Check::Ovsdb, &host.name, what, mend);
            }
        };
        let is_theirs = |name: &str, own: &Bridge| {
            let id = theirs.get(name);
            id.is_some_and(|id| own.datapath_id.is_none() || *id == own.datapath_id)
        };
        let foreign = self.present().into_iter().find_map(|(_, name, own)| {
            let id = own.datapath_id.as_deref().unwrap_or("none");
            (!is_theirs(name, own)).then(|| format!("{name} with datapath id {id}"))
        });
        if let Some(bridge) = foreign {
            let own = match &self.tools.db {
                Some(own) => format!("`ovsdb: {own}`"),
                None => "no `ovsdb`".to_owned(),
            };
            let what = format!(
                "vNICs are found by {endpoint}, which has no {bridge} as this machine has: it is \
                 another machine's. Give this host {own}"
            );
            self.find(Check::Ovsdb, &host.name, what, None);
        }
    }

    /// What makes the database of this machine be served at an endpoint, besides where it is served.
    /// Beyond the machine only TLS will do, which takes certificates.
    fn served_at(&self, endpoint: &Endpoint) -> Option<String> {
        let Endpoint::Tcp(address) = endpoint else {
            return None;
        };
        if !address.ip().is_loopback() {
            return None;
        }
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let target = format!("target=\"ptcp:{}:{ip}\"", address.port());
        Some(self.tools.vsctl([
            "--",
            "--id=@m",
            "create",
            "Manager",
            &target,
            "--",
            "add",
            "Open_vSwitch",
            ".",
            "manager_options",
            "@m",
        ]))
    }

    /// What is odd in the database, and where the controller does not know what it says. `host` is that
    /// of the configuration.
    pub(super) fn guests(&mut self, host: &Host, binding: &Binding) {
        for problem in &binding.problems {
            let what = problem.to_string();
            self.find_as(Level::Warning, Check::Port, &host.name, what, None);
        }
        for (role, bridge) in host.bridges() {
            self.noted(host, binding, role, &bridge.name);
        }
    }

    /// Compares what the database says with what the controller has noted in a bridge: it serves ports
    /// where its notes say.
    fn noted(&mut self, host: &Host, binding: &Binding, role: Role, bridge: &str) {
        let facts = self.facts;
        let Some(Contents::Read(holds)) = facts.contents.get(bridge) else {
            return;
        };
        for port in host.found_ports().filter(|port| port.role == role) {
            let mut found = binding.names.get(&role).into_iter().flatten();
            let found = found.find(|(_, name)| *name == port.name);
            let found = found.map(|(interface, _)| interface);
            let noted = holds.bound.get(port.name);
            if found == noted {
                continue;
            }
            let whose = port.to_string();
            let (subject, what) = match (found, noted) {
                (Some(found), Some(noted)) => (
                    found,
                    format!(
                        "{whose} is at {found} by the database, and at {noted} by the controller"
                    ),
                ),
                (Some(found), None) => {
                    // What is no port can not be served, and is found by its device.
                    if self.port(found).is_none_or(|(_, it)| it.ofport.is_none()) {
                        continue;
                    }
                    let what = format!(
                        "{whose} is at {found} by the database, the controller does not know: does it \
                         reach the database? See \"ovsdb\" of this host"
                    );
                    (found, what)
                }
                (None, Some(noted)) => (
                    noted,
                    format!("{whose} is at {noted} by the controller, and not by the database"),
                ),
                (None, None) => continue,
            };
            self.find_as(Level::Error, Check::Port, subject, what, None);
        }
    }
}
