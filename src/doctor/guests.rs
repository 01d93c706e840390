//! vNICs that are found by what the OVS database says of their interfaces.

use super::facts::Contents;
use super::{Check, Examination, Level};
use crate::guests::{Binding, shown};
use crate::topology::{Host, Role};

impl Examination<'_> {
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

    /// Compares what the database says with what the controller has noted in a bridge: it serves vNICs
    /// where its notes say.
    fn noted(&mut self, host: &Host, binding: &Binding, role: Role, bridge: &str) {
        let facts = self.facts;
        let Some(Contents::Read(holds)) = facts.contents.get(bridge) else {
            return;
        };
        let vnics = host.found_vnics().map(|(vnic, _)| vnic);
        for vnic in vnics.filter(|vnic| host.bridge_of(vnic) == role) {
            let mut found = binding.names.get(&role).into_iter().flatten();
            let found = found.find(|(_, name)| **name == vnic.port);
            let found = found.map(|(interface, _)| interface);
            let noted = holds.bound.get(&vnic.port);
            if found == noted {
                continue;
            }
            let whose = shown(vnic);
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
