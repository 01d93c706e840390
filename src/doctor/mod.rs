//! Whether Open vSwitch on a machine is set up as it must be: what is wrong, and the command that mends
//! it.
//!
//! Pure: what is known of the machine ([`Facts`]) is an argument. `docs/doctor.md` describes every
//! [`Check`].

mod bridges;
mod check;
mod contents;
mod facts;
mod frames;
mod guests;
mod ovsdb;
mod ports;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::BTreeSet;

use serde::Serialize;

pub use self::check::{Check, Level};
pub use self::facts::{
    Bridge, Contents, Controller, DatapathIds, Device, Facts, Foreign, Holds, Port,
};
pub use self::ovsdb::{BRIDGES, LISTING, parse, parse_bridges};
pub use self::tools::Tools;
use crate::topology::{Bridges, Host, Role, Topology};

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked for.
    pub check: Check,
    /// The bridge or port that it is about; nothing where all is well everywhere.
    pub subject: Option<String>,
    /// What is wrong, or what is well.
    pub what: String,
    /// A line for a shell that mends it, where there is one.
    pub mend: Option<String>,
}

/// The host as if the configuration named the ports that are found by what the database says.
pub fn as_found(host: &Host, facts: &Facts) -> Host {
    crate::guests::as_named(host, &facts.database()).0
}

/// Looks at the machine of `host`. First what is wrong, the worst on top, then what is well: one
/// finding for each check.
pub fn examine(topology: &Topology, host: &Host, tools: &Tools, facts: &Facts) -> Vec<Finding> {
    let configured = host;
    let (host, binding) = crate::guests::as_named(host, &facts.database());
    let mut examination = Examination {
        topology,
        host: &host,
        tools,
        facts,
        looked_at: BTreeSet::new(),
        findings: Vec::new(),
    };
    examination.bridges();
    examination.namespace();
    examination.ports();
    examination.frames();
    examination.contents();
    examination.database(configured);
    examination.guests(configured, &binding);
    let Examination {
        looked_at,
        mut findings,
        ..
    } = examination;
    findings.sort_by_key(|finding| (finding.level, finding.check));
    let is_well = |check: &Check| findings.iter().all(|finding| finding.check != *check);
    let well = looked_at.into_iter().filter(is_well);
    let well: Vec<Finding> = well
        .map(|check| Finding {
            level: Level::Ok,
            check,
            subject: None,
            what: check.good().to_owned(),
            mend: None,
        })
        .collect();
    findings.extend(well);
    findings
}

struct Examination<'a> {
    topology: &'a Topology,
    host: &'a Host,
    tools: &'a Tools,
    facts: &'a Facts,
    looked_at: BTreeSet<Check>,
    findings: Vec<Finding>,
}

impl<'a> Examination<'a> {
    /// Says what is well where nothing is found.
    fn look_at(&mut self, check: Check) {
        self.looked_at.insert(check);
    }

    fn find(
        &mut self,
        check: Check,
        subject: &str,
        what: impl Into<String>,
        mend: impl Into<Option<String>>,
    ) {
        self.find_as(check.level(), check, subject, what, mend);
    }

    fn find_as(
        &mut self,
        level: Level,
        check: Check,
        subject: &str,
        what: impl Into<String>,
        mend: impl Into<Option<String>>,
    ) {
        let mend = mend.into().filter(|_| self.may_mend(check, subject));
        self.findings.push(Finding {
            level,
            check,
            subject: Some(subject.to_owned()),
            what: what.into(),
            mend,
        });
    }

    /// Whether a command may be said. Where no configuration names the bridges, only those are ours
    /// that hold flows of ours, or have this controller; and nobody knows what others want of them.
    fn may_mend(&self, check: Check, subject: &str) -> bool {
        if self.host.bridges != Bridges::AnyLearning {
            return true;
        }
        let is_others = matches!(
            check,
            Check::Controller | Check::SpanningTree | Check::Mirror | Check::Foreign
        );
        !is_others && (self.holds_ours(subject) || self.has_this_controller(subject))
    }

    fn holds_ours(&self, bridge: &str) -> bool {
        let contents = self.facts.contents.get(bridge);
        matches!(contents, Some(Contents::Read(holds)) if holds.has_ours)
    }

    /// Whether a bridge connects to this controller, where it is known where that is.
    fn has_this_controller(&self, bridge: &str) -> bool {
        let listen = &self.topology.controller.listen;
        let is_known = self.tools.config.is_some() || self.tools.controller.is_some();
        let bridge = self.facts.bridges.get(bridge);
        let mut controllers = bridge.iter().flat_map(|bridge| &bridge.controllers);
        is_known && controllers.any(|it| self.tools.reaches(&it.target, listen))
    }

    /// The bridges of the host that are there. One that takes any has those that have a controller.
    fn present(&self) -> Vec<(Role, &'a str, &'a Bridge)> {
        let facts: &'a Facts = self.facts;
        let host: &'a Host = self.host;
        if host.bridges == Bridges::AnyLearning {
            let bridges = facts.bridges.iter();
            return bridges
                .filter(|(_, bridge)| !bridge.controllers.is_empty())
                .map(|(name, bridge)| (Role::Learning, name.as_str(), bridge))
                .collect();
        }
        let bridges = host.bridges();
        bridges
            .filter_map(|(role, bridge)| {
                let found = facts.bridges.get(&bridge.name)?;
                Some((role, bridge.name.as_str(), found))
            })
            .collect()
    }

    /// The bridge that has a port, and the port.
    fn port(&self, name: &str) -> Option<(&'a str, &'a Port)> {
        let facts: &'a Facts = self.facts;
        let mut bridges = facts.bridges.iter();
        bridges.find_map(|(bridge, it)| Some((bridge.as_str(), it.ports.get(name)?)))
    }

    /// The datapath of a bridge: `system` or `netdev`.
    fn datapath(bridge: &Bridge) -> &str {
        match bridge.datapath_type.as_str() {
            "" => "system",
            kind => kind,
        }
    }
}
