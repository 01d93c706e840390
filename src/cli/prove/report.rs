//! What was proved, or what went wrong, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use bridgechain::cookie;
use bridgechain::learning::Location;
use bridgechain::ofctl::Dialect;
use bridgechain::ports::Ports;
use bridgechain::prove::{self, Counterexample, Property, Replay};
use bridgechain::simulate::Tags;
use bridgechain::topology::{Host, Role, Topology};
use serde::Serialize;

use super::super::inputs;
use super::super::live::Kind;
use super::super::progress::Progress;
use super::super::table::Table;
use super::super::trace::{Notes, PassReport, Site, path_report, who};
use super::subject::State;

/// What was proved of a host.
#[derive(Serialize)]
pub(super) struct HostReport {
    host: String,
    bridges: Vec<String>,
    /// The vNICs and functions that are not there: nothing is proved of them.
    absent: Vec<Absent>,
    /// How many classes of frames there are.
    classes: usize,
    properties: Vec<PropertyReport>,
    counterexamples: Vec<Failure>,
    differences: Vec<DifferenceReport>,
    /// Flows that nothing can be said about.
    not_understood: Vec<String>,
}

/// A port that is not there.
#[derive(Serialize)]
struct Absent {
    /// The VM whose vNIC it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    vm: Option<String>,
    /// The function that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    /// What it is found by, where the configuration does not name its port.
    port: String,
    bridge: String,
}

#[derive(Serialize)]
struct PropertyReport {
    property: &'static str,
    says: &'static str,
    /// How many classes it says something about.
    classes: usize,
    holds: bool,
}

#[derive(Serialize)]
struct DifferenceReport {
    bridge: String,
    kind: Kind,
    entry: String,
}

/// A frame with which something goes wrong.
#[derive(Serialize)]
struct Failure {
    property: &'static str,
    says: &'static str,
    what: String,
    from: String,
    src: String,
    dst: String,
    /// How it is tagged, in words.
    tags: String,
    /// VLAN ids, outermost first.
    vids: Vec<u16>,
    ethertype: u16,
    mark: u32,
    /// What else has to be for that to happen.
    given: Vec<String>,
    gets_it: Vec<String>,
    is_for: Vec<String>,
    path: PassReport,
    /// Flows on its way that should not be there, or should be others.
    suspicious: Vec<String>,
    /// Whether the simulator comes to the same.
    is_confirmed: bool,
}

impl HostReport {
    /// Proves all `states` of a host, each of which is a step of `progress`.
    pub(super) fn new(
        topology: &Topology,
        host: &Host,
        states: &[State],
        progress: &Progress,
    ) -> Self {
        let mut classes = 0;
        let mut concerned: BTreeMap<Property, usize> = BTreeMap::new();
        let mut failures: BTreeMap<Property, Failure> = BTreeMap::new();
        let mut not_understood = Vec::new();
        let mut differences = Vec::new();
        for state in states {
            let proof = prove::prove(&state.subject(host), usize::MAX);
            classes += proof.classes;
            for (property, count) in proof.concerned {
                *concerned.entry(property).or_default() += count;
            }
            for found in proof.counterexamples {
                let property = found.property;
                failures
                    .entry(property)
                    .or_insert_with(|| failure(topology, host, state, &found));
            }
            for (role, key) in proof.not_understood {
                let bridge = bridge_name(host, role);
                let table = key.table;
                let line = format!("{bridge}: table {table}, {}", key.match_);
                if !not_understood.contains(&line) {
                    not_understood.push(line);
                }
            }
            differences.extend(state.differences.iter().map(|difference| DifferenceReport {
                bridge: bridge_name(host, difference.role),
                kind: difference.kind,
                entry: difference.entry.clone(),
            }));
            progress.step();
        }
        let properties = Property::ALL.into_iter().map(|property| PropertyReport {
            property: property.name(),
            says: property.statement(),
            classes: concerned.get(&property).copied().unwrap_or_default(),
            holds: !failures.contains_key(&property),
        });
        Self {
            host: host.name.clone(),
            bridges: inputs::bridges(host)
                .into_iter()
                .map(|(_, name)| name.to_owned())
                .collect(),
            absent: absent(host, states),
            classes,
            properties: properties
                .filter(|report| report.classes > 0 || !report.holds)
                .collect(),
            counterexamples: failures.into_values().collect(),
            differences,
            not_understood,
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.counterexamples.is_empty() && self.not_understood.is_empty()
    }
}

fn bridge_name(host: &Host, role: Role) -> String {
    let name = host.bridge(role).map(|bridge| bridge.name.clone());
    name.unwrap_or_else(|| "*".to_owned())
}

/// The ports of vNICs and functions that are in none of the states.
fn absent(host: &Host, states: &[State]) -> Vec<Absent> {
    let is_absent = |role: Role, name: &str| {
        let mut bridges = states.iter().flat_map(|state| &state.bridges);
        !bridges.any(|(own, ports, _)| *own == role && ports.get(name).is_some())
    };
    let vnics = host.vnics.iter().map(|vnic| {
        let role = host.bridge_of(vnic);
        (role, vnic.port.as_str(), Some(&vnic.vm), None)
    });
    let functions = host.chains.iter().flat_map(|chain| &chain.functions);
    let functions = functions.flat_map(|function| {
        let ports = function.kind.ports().into_iter();
        ports.map(|port| (Role::Service, port, None, Some(&function.name)))
    });
    let absent = vnics.chain(functions);
    let absent = absent.filter(|(role, port, ..)| is_absent(*role, port));
    absent
        .map(|(role, port, vm, function)| Absent {
            vm: vm.cloned(),
            function: function.cloned(),
            port: port.to_owned(),
            bridge: bridge_name(host, role),
        })
        .collect()
}

fn failure(topology: &Topology, host: &Host, state: &State, found: &Counterexample) -> Failure {
    let ports = state.bridges.iter();
    let ports = ports.map(|(role, ports, _)| (*role, ports.clone()));
    let site = Site::with_ports(host, &topology.controller, ports);
    let at_port = |at: &Location| format!("{} at {}", who(&site, *at), site.port_name(*at));
    let replay = Replay::new(host, &state.bridges, &found.witness);
    let (walk, is_confirmed) = match replay.walk(&found.seen) {
        Ok(walk) => (walk, true),
        Err(walk) => (*walk, false),
    };
    let witness = &found.witness;
    let frame = &witness.frame;
    let mut given: Vec<String> = Vec::new();
    given.extend(
        witness
            .down
            .iter()
            .map(|at| format!("{} is down", site.port_name(*at))),
    );
    given.extend(
        state
            .failed
            .iter()
            .map(|leg| format!("the health check of the function at {leg} has failed")),
    );
    for remembered in &witness.remembered {
        let port = site.port_name(Location {
            role: remembered.role,
            port: openflow::PortNo(remembered.value as u32),
        });
        let key = remembered.key.iter().map(|(part, value)| {
            let name = part.field.ofctl_name();
            format!("{name} {}", part.field.display(*value))
        });
        let key: Vec<String> = key.collect();
        let bridge = site.bridge(remembered.role);
        given.push(format!("{bridge} remembers {port} for {}", key.join(", ")));
    }
    if witness.pkt_mark != 0 {
        given.push(format!(
            "it comes in with the mark {:#x} (skb->mark)",
            witness.pkt_mark
        ));
    }
    if witness.depends_on_hash {
        given.push("a hash over the frame leads there".to_owned());
    }
    let suspicious = found.flows.iter().filter_map(|(role, key, flow)| {
        let ports = state.bridges.iter().find(|(own, ..)| own == role);
        let dialect = ports.map_or(Dialect::Numbers, |(_, ports, _): &(Role, Ports, _)| {
            Dialect::Names(ports)
        });
        let entry = dialect.flow(key, flow).to_string();
        let is_foreign = !cookie::is_ours(flow.cookie);
        let known = state.differences.iter().any(|difference| {
            difference.role == *role
                && (difference.entry == entry || is_same_place(&difference.entry, &entry))
        });
        let bridge = bridge_name(host, *role);
        match (is_foreign, known) {
            (true, _) => Some(format!("{bridge}: {entry} (somebody else's)")),
            (false, true) => Some(format!("{bridge}: {entry} (not as it should be)")),
            (false, false) => None,
        }
    });
    Failure {
        property: found.property.name(),
        says: found.property.statement(),
        what: found.what.clone(),
        from: at_port(&witness.from),
        src: frame.src.to_string(),
        dst: frame.dst.to_string(),
        tags: Tags(&frame.tags).to_string(),
        vids: frame.tags.iter().map(|tag| tag.vid).collect(),
        ethertype: frame.ethertype,
        mark: witness.pkt_mark,
        given,
        gets_it: found.seen.iter().map(at_port).collect(),
        is_for: found.wanted.iter().map(at_port).collect(),
        path: path_report(&site, &walk.pass, &Notes::default()),
        suspicious: suspicious.collect(),
        is_confirmed,
    }
}

/// Whether two flows differ in what they do only.
fn is_same_place(one: &str, other: &str) -> bool {
    let place = |flow: &str| flow.split(" actions=").next().map(str::to_owned);
    place(one) == place(other)
}

impl fmt::Display for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            bridges,
            absent,
            classes,
            properties,
            counterexamples,
            differences,
            not_understood,
        } = self;
        let bridges = bridges.join(", ");
        let count = properties.len();
        let classes = grouped(*classes);
        if self.holds() {
            writeln!(
                f,
                "host {host}: proved: {count} properties over {classes} classes of frames ({bridges})\n"
            )?;
        } else {
            let failed = properties.iter().filter(|property| !property.holds).count();
            writeln!(
                f,
                "host {host}: NOT PROVED: {failed} of {count} properties do not hold, of {classes} \
                 classes of frames ({bridges})\n"
            )?;
        }
        let mut table = Table::new(&["PROPERTY", "", "CLASSES", "SAYS"]);
        for report in properties {
            table.row([
                report.property.to_owned(),
                if report.holds { "holds" } else { "FAILS" }.to_owned(),
                grouped(report.classes),
                report.says.to_owned(),
            ]);
        }
        write!(f, "{table}")?;
        if !absent.is_empty() {
            writeln!(f, "\nTaken as absent, so nothing is proved of them:")?;
        }
        for it in absent {
            let whose = match (&it.vm, &it.function) {
                (Some(vm), _) => format!("vNIC of VM {vm}"),
                (None, Some(function)) => format!("port of function {function}"),
                (None, None) => "port".to_owned(),
            };
            writeln!(f, "  {whose} ({}) on {}", it.port, it.bridge)?;
        }
        for failure in counterexamples {
            write!(f, "\n{failure}")?;
        }
        if !not_understood.is_empty() {
            writeln!(
                f,
                "\nNothing can be said of flows that match unknown fields:"
            )?;
            for flow in not_understood {
                writeln!(f, "  {flow}")?;
            }
        }
        if !differences.is_empty() {
            writeln!(f, "\nNot as it should be:")?;
            for DifferenceReport {
                bridge,
                kind,
                entry,
            } in differences
            {
                writeln!(f, "  {bridge}: {kind} {entry}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            what,
            from,
            src,
            dst,
            tags,
            ethertype,
            given,
            gets_it,
            is_for,
            path,
            suspicious,
            is_confirmed,
            ..
        } = self;
        let list = |all: &[String]| match all {
            [] => "nobody".to_owned(),
            all => all.join(", "),
        };
        writeln!(f, "{property} does not hold: {what}\n")?;
        writeln!(
            f,
            "  frame    {src} to {dst}, {tags}, type {ethertype:#06x}"
        )?;
        writeln!(f, "  from     {from}")?;
        for (place, condition) in given.iter().enumerate() {
            let label = if place == 0 { "while" } else { "" };
            writeln!(f, "  {label:7}  {condition}")?;
        }
        writeln!(f, "  gets it  {}", list(gets_it))?;
        writeln!(f, "  is for   {}", list(is_for))?;
        for (place, flow) in suspicious.iter().enumerate() {
            let label = if place == 0 { "suspect" } else { "" };
            writeln!(f, "  {label:7}  {flow}")?;
        }
        writeln!(f)?;
        for line in path.to_string().lines() {
            writeln!(f, "  {line}")?;
        }
        if !is_confirmed {
            writeln!(f, "  (`trace` comes to something else: please report this)")?;
        }
        Ok(())
    }
}

/// A number with commas.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1234567), "1,234,567");
    }
}
