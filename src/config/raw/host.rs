//! `hosts:`: bridges, patch ports and uplinks.

use openflow::DatapathId;

use super::ovsdb::{self, Tls};
use crate::config::fields::{Fields, Schema, Spanned, list, one_of, text};
use crate::config::names::wrong_interface_name;
use crate::config::report::Report;
use crate::config::tree::{Node, NodeId, Value};
use crate::topology::{Endpoint, UplinkMode};

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: Spanned<String>,
    /// `None` where they are wrong as a whole.
    pub(crate) bridges: Option<Bridges>,
    pub(crate) patches: Patches,
    pub(crate) uplinks: Vec<Spanned<String>>,
    pub(crate) uplink_mode: Option<Spanned<UplinkMode>>,
    pub(crate) ovsdb: Option<Spanned<Endpoint>>,
    pub(crate) ovsdb_tls: Option<Tls>,
}

/// The bridges of a host. A bridge that is `None` was given, but wrong.
#[derive(Debug)]
pub(crate) enum Bridges {
    Chain {
        local: Option<Bridge>,
        /// The outer `None` where there is none.
        service: Option<Option<Bridge>>,
        uplink: Option<Bridge>,
    },
    Learning(Option<Bridge>),
    /// `learning: "*"`; the node is the star.
    AnyLearning(NodeId),
}

#[derive(Debug)]
pub(crate) struct Bridge {
    pub(crate) name: Spanned<String>,
    pub(crate) datapath_id: Option<Spanned<DatapathId>>,
}

/// The two ends of a pair of patch ports, the one nearer the guests first.
pub(crate) type PatchPair = [Spanned<String>; 2];

/// `patches:`. A pair that is not given has default names.
#[derive(Debug, Default)]
pub(crate) struct Patches {
    pub(crate) local_service: Option<PatchPair>,
    pub(crate) service_uplink: Option<PatchPair>,
    pub(crate) local_uplink: Option<PatchPair>,
}

const HOST: Schema = Schema {
    what: "a host",
    keys: &[
        (
            "bridges",
            "such as { local: br0.local, service: br.nf, uplink: br0 } or { learning: br0 }",
        ),
        ("uplinks", "a list of OVS interface names"),
        ("uplink_mode", "separate, active_backup or balance"),
        ("patches", "names of patch ports"),
        ("ovsdb", "the endpoint of its OVS database"),
        ("ovsdb_tls", "such as { ca: /etc/bridgechain/ovsdb-ca.pem }"),
    ],
};

const BRIDGES: Schema = Schema {
    what: "a map of bridges",
    keys: &[
        ("local", "the bridge that vNICs are plugged into"),
        (
            "service",
            "the bridge that network functions are plugged into",
        ),
        ("uplink", "the bridge that the uplinks are plugged into"),
        ("learning", "the one bridge of a host without a chain"),
    ],
};

const BRIDGE: Schema = Schema {
    what: "a bridge",
    keys: &[
        ("name", "its OVS bridge name"),
        ("datapath_id", "16 hex digits in quotes"),
    ],
};

const PATCHES: Schema = Schema {
    what: "a map of patches",
    keys: &[
        ("local_service", "two port names"),
        ("service_uplink", "two port names"),
        ("local_uplink", "two port names"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 4] = [&HOST, &BRIDGES, &BRIDGE, &PATCHES];

pub(super) fn read(name: Spanned<String>, node: Node<'_>, report: &mut Report<'_>) -> Host {
    let mut host = Host {
        name,
        bridges: None,
        patches: Patches::default(),
        uplinks: Vec::new(),
        uplink_mode: None,
        ovsdb: None,
        ovsdb_tls: None,
    };
    let Some(fields) = Fields::read(node, &HOST, report) else {
        return host;
    };
    host.bridges = fields
        .require("bridges", report)
        .and_then(|node| bridges(node, report));
    if let Some(node) = fields.get("patches") {
        host.patches = patches(node, host.bridges.as_ref(), report);
    }
    if let Some(node) = fields.get("uplinks") {
        host.uplinks = uplinks(node, report);
    }
    if let Some(node) = fields.get("uplink_mode") {
        let words = [
            ("separate", UplinkMode::Separate),
            ("active_backup", UplinkMode::ActiveBackup),
            ("balance", UplinkMode::Balance),
        ];
        host.uplink_mode = one_of(node, "\"uplink_mode\"", &words, report).map(|value| Spanned {
            at: node.id(),
            value,
        });
    }
    (host.ovsdb, host.ovsdb_tls) = ovsdb::read(&fields, report);
    host
}

fn bridges(node: Node<'_>, report: &mut Report<'_>) -> Option<Bridges> {
    let fields = Fields::read(node, &BRIDGES, report)?;
    let Some(learning) = fields.get("learning") else {
        let local = fields.require("local", report);
        let uplink = fields.require("uplink", report);
        return Some(Bridges::Chain {
            local: local.and_then(|node| bridge(node, report)),
            service: fields.get("service").map(|node| bridge(node, report)),
            uplink: uplink.and_then(|node| bridge(node, report)),
        });
    };
    for role in ["local", "service", "uplink"] {
        if let Some(key) = fields.key(role) {
            report.mistake(
                key,
                format!(
                    "a host with a learning bridge has no other; leave out either \"learning\" \
                     or {role:?}"
                ),
            );
        }
    }
    if *learning.value() == Value::Text("*".to_owned()) {
        return Some(Bridges::AnyLearning(learning.id()));
    }
    Some(Bridges::Learning(bridge(learning, report)))
}

/// `NAME`, or `{ name: NAME, datapath_id: "16 hex digits" }`.
fn bridge(node: Node<'_>, report: &mut Report<'_>) -> Option<Bridge> {
    if node.entries().is_none() {
        return Some(Bridge {
            name: interface(node, "a bridge name", report)?,
            datapath_id: None,
        });
    }
    let fields = Fields::read(node, &BRIDGE, report)?;
    let name = fields
        .require("name", report)
        .and_then(|n| interface(n, "a bridge name", report));
    let datapath_id = fields
        .get("datapath_id")
        .and_then(|node| datapath_id(node, report));
    Some(Bridge {
        name: name?,
        datapath_id,
    })
}

fn datapath_id(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<DatapathId>> {
    let parsed = match node.value() {
        // Exactly 16 digits: what ovs-vsctl shows, and no doubt about leading zeros.
        Value::Text(text) if text.len() == 16 => text.parse::<DatapathId>().ok(),
        _ => None,
    };
    match parsed {
        Some(DatapathId(0)) => {
            report.mistake(
                node.id(),
                "a datapath id of all zeros is refused by Open vSwitch",
            );
            None
        }
        Some(value) => Some(Spanned {
            at: node.id(),
            value,
        }),
        None => {
            let found = node.value();
            report.mistake(
                node.id(),
                format!(
                    "a datapath id is 16 hex digits in quotes, such as \"00005254000000a1\", \
                     found {found}"
                ),
            );
            None
        }
    }
}

fn patches(node: Node<'_>, bridges: Option<&Bridges>, report: &mut Report<'_>) -> Patches {
    let Some(fields) = Fields::read(node, &PATCHES, report) else {
        return Patches::default();
    };
    let (used, why): (&[&str], _) = match bridges {
        Some(Bridges::Chain {
            service: Some(_), ..
        }) => (
            &["local_service", "service_uplink"],
            "a host with a service bridge",
        ),
        Some(Bridges::Chain { service: None, .. }) => {
            (&["local_uplink"], "a host without a service bridge")
        }
        Some(_) => (&[], "a host with a learning bridge"),
        // Already reported; which are used cannot be said.
        None => (&["local_service", "service_uplink", "local_uplink"], ""),
    };
    for (pair, _) in PATCHES.keys {
        if let (Some(key), false) = (fields.key(pair), used.contains(pair)) {
            report.mistake(key, format!("{why} has no patch {pair:?}"));
        }
    }
    let mut pair = |name| fields.get(name).and_then(|node| patch_pair(node, report));
    Patches {
        local_service: pair("local_service"),
        service_uplink: pair("service_uplink"),
        local_uplink: pair("local_uplink"),
    }
}

fn patch_pair(node: Node<'_>, report: &mut Report<'_>) -> Option<PatchPair> {
    let what = "a list of two port names, the one nearer the guests first";
    let items = list(node, what, report)?;
    let [left, right] = items[..] else {
        let found = items.len();
        report.mistake(node.id(), format!("expected {what}, found {found}"));
        return None;
    };
    let left = interface(left, "a port name", report);
    let right = interface(right, "a port name", report);
    Some([left?, right?])
}

fn uplinks(node: Node<'_>, report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let items = list(node, "a list of OVS interface names", report).unwrap_or_default();
    items
        .into_iter()
        .filter_map(|item| interface(item, "an interface name", report))
        .collect()
}

/// The name of an OVS bridge or port.
pub(super) fn interface(
    node: Node<'_>,
    what: &str,
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let name = text(node, what, report)?;
    if let Some(wrong) = wrong_interface_name(&name.value) {
        report.mistake(
            node.id(),
            format!("{:?} cannot be {what}: it {wrong}", name.value),
        );
        return None;
    }
    Some(name)
}
