//! What is said of a flow besides what it does: where in the configuration it comes from, and what is
//! wrong with it.

use std::collections::BTreeMap;

use bridgechain::compile::{self, Origin};
use bridgechain::config::Lines;
use bridgechain::cookie::{self, Class};
use bridgechain::program::{Flow, FlowKey, Program};
use bridgechain::topology::{Role, Vlan};
use serde::Serialize;

use super::site::Site;

/// What is known of flows.
#[derive(Default)]
pub(in crate::cli) struct Notes<'a> {
    /// The configuration: where things stand in it, and its networks.
    config: Option<(&'a Lines, &'a BTreeMap<String, Vlan>)>,
    /// What bridges should hold, where they were asked what they do hold.
    wanted: BTreeMap<Role, Program>,
}

/// What of the configuration a flow comes from.
#[derive(Debug, Serialize)]
pub(super) struct Source {
    /// `FILE:LINE`
    at: String,
    /// What is there, in words.
    what: String,
}

/// What is wrong with a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// It does something else than it should.
    Altered,
    /// It is one of ours that should not be there.
    Unwanted,
    /// It is somebody else's.
    Foreign,
}

impl<'a> Notes<'a> {
    /// Of flows that were compiled.
    pub(super) fn new(lines: &'a Lines, networks: &'a BTreeMap<String, Vlan>) -> Self {
        Self {
            config: Some((lines, networks)),
            wanted: BTreeMap::new(),
        }
    }

    /// Of flows that were read from bridges which should hold this.
    pub(super) fn comparing(mut self, wanted: impl IntoIterator<Item = (Role, Program)>) -> Self {
        self.wanted.extend(wanted);
        self
    }

    /// Where a flow comes from: nothing if nobody knows, the host if it is the same everywhere.
    pub(super) fn sources(
        &self,
        site: &Site<'_>,
        role: Role,
        key: &FlowKey,
        flow: &Flow,
    ) -> Vec<Source> {
        let (Some((lines, networks)), Some(ports)) = (self.config, site.ports(role)) else {
            return Vec::new();
        };
        if !cookie::is_ours(flow.cookie) {
            return Vec::new();
        }
        let host = &site.host.name;
        let origins = compile::origins(site.host, networks, role, ports, key, flow);
        let sources = origins.iter().filter_map(|origin| {
            let what = match origin {
                Origin::Network(name) => format!("network {name}"),
                Origin::Vnic { vm, .. } => vm.clone(),
                Origin::Uplink(name) => format!("uplink {name}"),
                Origin::Chain(name) => format!("chain {name}"),
                Origin::Function { name, .. } => format!("function {name}"),
            };
            let at = lines.place(lines.line(host, origin)?);
            Some(Source { at, what })
        });
        let sources: Vec<Source> = sources.collect();
        if !sources.is_empty() {
            return sources;
        }
        let everywhere = lines.host(host).map(|line| Source {
            at: lines.place(line),
            what: format!("host {host}"),
        });
        everywhere.into_iter().collect()
    }

    /// What is wrong with a flow that was read.
    pub(super) fn mark(&self, role: Role, key: &FlowKey, flow: &Flow) -> Option<Mark> {
        let wanted = self.wanted.get(&role)?;
        if !cookie::is_ours(flow.cookie) {
            return Some(Mark::Foreign);
        }
        match wanted.flows.get(key) {
            Some(own) => (own != flow).then_some(Mark::Altered),
            // What a bridge wrote itself is neither wanted nor unwanted.
            None if Class::of(flow.cookie) == Some(Class::Remembered) => None,
            None => Some(Mark::Unwanted),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.at, self.what)
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Altered => "ALTERED",
            Self::Unwanted => "NOT WANTED",
            Self::Foreign => "SOMEBODY ELSE'S",
        })
    }
}
