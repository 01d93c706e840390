//! What is known of this machine: its OVS database, its network devices, what its bridges hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use bridgechain::compile;
use bridgechain::cookie;
use bridgechain::doctor::{self, Contents, DatapathIds, Device, Facts, Foreign, Holds};
use bridgechain::ofctl::Dialect;
use bridgechain::topology::{Bridges, Endpoint, Host, Role, TlsFiles, Topology};
use serde_json::Value;

use crate::cli::live::{Found, Kind, Known, Sockets};
use crate::cli::vsctl;

/// How often bridges are read whose flows are not as they should be: while they were read one after
/// the other, an address may have been learned.
const ATTEMPTS: usize = 3;

/// How long the database that the configuration names may take.
const ANSWER_LIMIT: &str = "--timeout=5";

/// What the database has.
pub(super) fn database(db: Option<&str>) -> anyhow::Result<Facts> {
    Ok(doctor::parse(&vsctl::run(db, doctor::LISTING)?)?)
}

/// The same with all the rest. What can not be found out is left out.
pub(super) fn rest(facts: Facts, topology: &Topology, host: &Host, sockets: &Sockets<'_>) -> Facts {
    let mut devices = devices();
    let found = doctor::as_found(host, &facts);
    let ports = found.uplinks.iter().map(String::as_str);
    for name in ports.chain(found.function_ports()) {
        if let Some(device) = devices.get_mut(name) {
            device.offloads = offloads(name);
        }
    }
    let is_needed = host.found_ports().next().is_some();
    let named = host.ovsdb.as_ref().filter(|_| is_needed);
    let sinks = host.remotes().map(|(_, remote)| remote.ip);
    Facts {
        devices,
        ovsdb: named.and_then(|endpoint| ovsdb(endpoint, host.ovsdb_tls.as_ref())),
        routes: sinks.filter_map(|ip| Some((ip, route(ip)?))).collect(),
        contents: contents(&facts, topology, host, sockets),
        ..facts
    }
}

/// What the database at `endpoint` has; `None` where `ovs-vsctl` can not ask there, which speaks TLS
/// only with a certificate of its own.
fn ovsdb(endpoint: &Endpoint, tls: Option<&TlsFiles>) -> Option<Result<DatapathIds, String>> {
    let mut options = vec![ANSWER_LIMIT.to_owned()];
    if let Endpoint::Ssl(_) = endpoint {
        let tls = tls?;
        let identity = tls.identity.as_ref()?;
        for (option, file) in [
            ("ca-cert", &tls.ca),
            ("certificate", &identity.certificate),
            ("private-key", &identity.private_key),
        ] {
            options.push(format!("--{option}={}", file.display()));
        }
    }
    let arguments = options.iter().map(String::as_str).chain(doctor::BRIDGES);
    let printed = vsctl::run(Some(&endpoint.to_string()), arguments);
    let ids = printed.and_then(|printed| Ok(doctor::parse_bridges(&printed)?));
    Some(ids.map_err(|error| format!("{error:#}")))
}

/// The network devices, as `ip` prints them.
fn devices() -> BTreeMap<String, Device> {
    let printed = output("ip", &["-json", "address", "show"]).unwrap_or_default();
    let links: Value = serde_json::from_str(&printed).unwrap_or_default();
    let links = links.as_array().into_iter().flatten();
    links
        .filter_map(|link| {
            let mtu = link["mtu"].as_u64().and_then(|mtu| mtu.try_into().ok());
            let device = Device {
                mtu,
                mac: link["address"].as_str().map(str::to_owned),
                user: user(link),
                ..Device::default()
            };
            Some((link["ifname"].as_str()?.to_owned(), device))
        })
        .collect()
}

/// Who uses a device: what it is part of, unless that is Open vSwitch, or an address of the machine.
fn user(link: &Value) -> Option<String> {
    let master = link["master"].as_str().filter(|it| *it != "ovs-system");
    let mut addresses = link["addr_info"].as_array().into_iter().flatten();
    let reached = addresses.find(|it| it["scope"] == "global");
    let address = reached.and_then(|it| it["local"].as_str());
    master.or(address).map(str::to_owned)
}

/// What a command prints, if it does its work.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    String::from_utf8(text).ok()
}

fn offloads(device: &str) -> BTreeSet<String> {
    let printed = output("ethtool", &["-k", device]).unwrap_or_default();
    switchable(&printed).map(str::to_owned).collect()
}

/// The features that are on and can be switched off: `NAME: on`, without ` [fixed]`.
fn switchable(printed: &str) -> impl Iterator<Item = &str> {
    let lines = printed.lines();
    lines.filter_map(|line| line.trim().strip_suffix(": on"))
}

/// The device by which packets to `ip` leave.
fn route(ip: IpAddr) -> Option<String> {
    let printed = output("ip", &["-json", "route", "get", &ip.to_string()])?;
    let routes: Value = serde_json::from_str(&printed).ok()?;
    routes[0]["dev"].as_str().map(str::to_owned)
}

/// What the bridges of the host that are there hold.
fn contents(
    facts: &Facts,
    topology: &Topology,
    host: &Host,
    sockets: &Sockets<'_>,
) -> BTreeMap<String, Contents> {
    let any = || {
        let bridges = facts.bridges.iter();
        let bridges = bridges.filter(|(_, bridge)| !bridge.controllers.is_empty());
        bridges.map(|(name, _)| (Role::Learning, name.as_str()))
    };
    let bridges: Vec<(Role, &str)> = match host.bridges {
        Bridges::AnyLearning => any().collect(),
        _ => host
            .bridges()
            .map(|(role, bridge)| (role, bridge.name.as_str()))
            .filter(|(_, name)| facts.bridges.contains_key(*name))
            .collect(),
    };
    let mut attempt = 1;
    loop {
        let contents = read(topology, host, sockets, &bridges);
        let is_wrong = |it: &Contents| matches!(it, Contents::Read(it) if !it.wrong.is_empty());
        if attempt == ATTEMPTS || !contents.values().any(is_wrong) {
            return contents;
        }
        attempt += 1;
    }
}

fn read(
    topology: &Topology,
    host: &Host,
    sockets: &Sockets<'_>,
    bridges: &[(Role, &str)],
) -> BTreeMap<String, Contents> {
    let mut contents = BTreeMap::new();
    let mut found = Vec::new();
    let mut names = Vec::new();
    for (role, name) in bridges {
        match sockets.read_bridge(host, *role, name) {
            Ok(bridge) => {
                found.push(bridge);
                names.push(*name);
            }
            Err(error) => {
                let why = Contents::Unreadable(format!("{error:#}"));
                contents.insert((*name).to_owned(), why);
            }
        }
    }
    let known = Known::new(topology, host, &found);
    for (bridge, name) in found.iter().zip(names) {
        let is_known = host.bridges != Bridges::AnyLearning;
        let differences = is_known.then(|| known.differences(bridge));
        let wrong = differences.into_iter().flatten();
        let wrong = wrong.filter(|difference| difference.kind != Kind::Foreign);
        let failed = known.failed.iter();
        let failed = failed.filter_map(|leg| {
            let number = bridge.ports.get(leg)?;
            bridge.ports.interface(number)
        });
        let mut flows = bridge.program.flows.values();
        let called = bridge.ports.called().iter();
        let holds = Holds {
            ofctl_name: sockets.ofctl_name(name),
            has_ours: flows.any(|flow| cookie::is_ours(flow.cookie)),
            bound: called
                .map(|(interface, name)| (name.clone(), interface.clone()))
                .collect(),
            foreign: foreign(bridge),
            wrong: wrong
                .map(|difference| format!("{} {}", difference.kind, difference.entry))
                .collect(),
            failed: failed.map(|leg| (*leg).to_owned()).collect(),
        };
        contents.insert(name.to_owned(), Contents::Read(holds));
    }
    contents
}

/// What somebody else has put there.
fn foreign(bridge: &Found) -> Vec<Foreign> {
    let program = &bridge.program;
    let dialect = Dialect::Names(&bridge.ports);
    let mut flows: BTreeMap<u64, (usize, String)> = BTreeMap::new();
    for (key, flow) in &program.flows {
        if !cookie::is_ours(flow.cookie) {
            let entry = flows.entry(flow.cookie.0);
            let entry = entry.or_insert_with(|| (0, dialect.flow(key, flow).to_string()));
            entry.0 += 1;
        }
    }
    let flows = flows.into_iter();
    let flows = flows.map(|(cookie, (count, example))| Foreign::Flows {
        cookie,
        count,
        example,
    });
    let groups = program.groups.keys();
    let groups = groups.filter(|id| !compile::is_our_group(**id));
    let meters = program.meters.keys();
    let meters = meters.filter(|id| !compile::is_our_meter(**id));
    flows
        .chain(groups.map(|id| Foreign::Group(id.0)))
        .chain(meters.map(|id| Foreign::Meter(id.0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_device_that_somebody_uses_is_known() {
        let user = |link: Value| user(&link);
        let used = |scope: &str| json!({ "addr_info": [{ "scope": scope, "local": "192.0.2.1" }] });
        assert_eq!(user(used("global")).as_deref(), Some("192.0.2.1"));
        assert_eq!(user(used("link")), None);
        assert_eq!(user(json!({ "master": "vmbr0" })).as_deref(), Some("vmbr0"));
        assert_eq!(
            user(json!({ "master": "ovs-system", "addr_info": [] })),
            None
        );
    }

    #[test]
    fn features_that_can_be_switched_off_are_taken() {
        let printed = "Features for eth1:
tx-checksumming: off
\ttx-tcp-segmentation: on
generic-receive-offload: on
large-receive-offload: on [fixed]
";
        let features: Vec<&str> = switchable(printed).collect();
        assert_eq!(features, ["tx-tcp-segmentation", "generic-receive-offload"]);
    }
}
