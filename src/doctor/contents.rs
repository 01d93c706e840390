//! What bridges hold.

use super::facts::{Contents, Foreign, Holds};
use super::{Check, Examination, ports};
use crate::setup::quoted;
use crate::topology::Bridges;

/// What starts Open vSwitch, wherever it is from.
const START: &str = "/usr/share/openvswitch/scripts/ovs-ctl start";

impl Examination<'_> {
    pub(super) fn contents(&mut self) {
        for (_, name, bridge) in self.present() {
            let facts = self.facts;
            match facts.contents.get(name) {
                None => {}
                Some(Contents::Unreadable(why)) => {
                    self.look_at(Check::Answer);
                    // Otherwise there is a better reason.
                    let speaks =
                        bridge.protocols.is_empty() || bridge.protocols.contains("OpenFlow13");
                    if speaks {
                        self.find(Check::Answer, name, why.clone(), START.to_owned());
                    }
                }
                Some(Contents::Read(holds)) => {
                    self.look_at(Check::Answer);
                    self.holds(name, holds);
                }
            }
        }
    }

    fn holds(&mut self, name: &str, holds: &Holds) {
        self.look_at(Check::Foreign);
        let to = quoted(&holds.ofctl_name);
        let ofctl = |command: &str, which: String| {
            format!("ovs-ofctl -O OpenFlow13 {command} {to} {which}")
        };
        for foreign in &holds.foreign {
            let (what, mend) = match foreign {
                Foreign::Flows {
                    cookie,
                    count,
                    example,
                } => (
                    format!(
                        "{} of somebody else with cookie {cookie:#x}: {example}",
                        counted(*count, "flow")
                    ),
                    ofctl("del-flows", format!("cookie={cookie:#x}/-1")),
                ),
                Foreign::Group(id) => (
                    format!("group {id} is somebody else's"),
                    ofctl("del-groups", format!("group_id={id}")),
                ),
                Foreign::Meter(id) => (
                    format!("meter {id} is somebody else's"),
                    ofctl("del-meter", format!("meter={id}")),
                ),
            };
            self.find(Check::Foreign, name, what, mend);
        }
        // Of any bridge it is not known what it should hold.
        if self.host.bridges != Bridges::AnyLearning {
            self.look_at(Check::Flows);
        }
        if let Some(first) = holds.wrong.first() {
            let count = counted(holds.wrong.len(), "flow or group");
            let is_connected = self.facts.bridges.get(name).is_some_and(|bridge| {
                let mut controllers = bridge.controllers.iter();
                controllers.any(|controller| controller.is_connected)
            });
            let (why, mend) = match is_connected {
                true => (
                    "; has the controller this configuration? It reads it again on SIGHUP",
                    None,
                ),
                false => ("", self.tools.bridgechain("run", &[])),
            };
            let what = format!("{count} not as it should be: {first}{why}");
            self.find(Check::Flows, name, what, mend);
        }
        if self.host.health_checked().next().is_some() {
            self.look_at(Check::Health);
        }
        for leg in &holds.failed {
            let function = self.host.function_of(leg);
            let function = function.map_or("a function", |(_, function)| &function.name);
            let what =
                format!("{function} is up but does not forward: its health check has failed");
            let level = ports::level(self.host, leg);
            self.find_as(level, Check::Health, leg, what, None);
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!(
            "{count} {}",
            what.replace("flow", "flows").replace("group", "groups")
        ),
    }
}
