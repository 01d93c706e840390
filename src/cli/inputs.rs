//! What several subcommands read: the configuration, a file of port numbers, the name of a host.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use bridgechain::config;
use bridgechain::portmap::{self, PortMap};
use bridgechain::ports::Ports;
use bridgechain::topology::{Host, Role, Topology};

/// The topology of the file at `path`. Mistakes and warnings go to stderr; `None` where there are
/// mistakes.
pub(super) fn topology(path: &Path) -> Option<Topology> {
    match config::load(path) {
        Ok((topology, warnings)) => {
            for warning in warnings {
                say!("{warning}");
            }
            Some(topology)
        }
        Err(diagnostics) => {
            say!("{diagnostics}");
            None
        }
    }
}

/// The host called `name`.
pub(super) fn host<'t>(topology: &'t Topology, name: &str) -> anyhow::Result<&'t Host> {
    topology.hosts.get(name).with_context(|| {
        let hosts = topology.hosts.keys().map(String::as_str);
        let suggestion = config::suggestion(name, hosts, "the hosts are");
        format!("there is no host {name:?}{suggestion}")
    })
}

/// The host whose bridges run on this machine: the only one.
pub(super) fn only<'t>(hosts: &[&'t Host]) -> anyhow::Result<&'t Host> {
    if let [only] = hosts {
        return Ok(only);
    }
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    bail!(
        "the bridges that run here are those of one host; say --host {}",
        names.join(" or --host ")
    )
}

/// The port numbers of the bridges: those of a file, or assumed ones.
pub(super) struct Numbers(Option<PortMap>);

impl Numbers {
    /// Those of the file at `path`, if there is one.
    pub(super) fn read(path: Option<&Path>, topology: &Topology) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let map: PortMap = text
            .parse()
            .map_err(|error| anyhow::anyhow!("{file}: {error}"))?;
        for name in map.hosts() {
            host(topology, name).with_context(|| file.to_string())?;
        }
        Ok(Self(Some(map)))
    }

    /// Whether they are real ones.
    pub(super) fn are_given(&self) -> bool {
        self.0.is_some()
    }

    /// The ports of the bridge of `host` with `role`. Those that the file lacks are taken as
    /// absent, which stderr is told.
    pub(super) fn ports(&self, host: &Host, role: Role) -> anyhow::Result<Ports> {
        let Some(map) = &self.0 else {
            return Ok(portmap::assumed(host, role));
        };
        let ports = map.ports(host, role)?;
        for name in portmap::configured(host, role) {
            if ports.get(name).is_none() {
                say!(
                    "host {}: port {name} has no number and is taken as absent",
                    host.name
                );
            }
        }
        Ok(ports)
    }
}

/// The bridges of `host` with their names; `*` for any that connects.
pub(super) fn bridges(host: &Host) -> Vec<(Role, &str)> {
    match host.bridges().next() {
        None => vec![(Role::Learning, "*")],
        Some(_) => host
            .bridges()
            .map(|(role, bridge)| (role, bridge.name.as_str()))
            .collect(),
    }
}
