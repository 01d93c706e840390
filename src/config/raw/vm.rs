//! `vms:`: VMs and their vNICs.

use openflow::MacAddr;

use super::max_macs;
use super::plug::{self, Plug};
use crate::config::fields::{Fields, Schema, Spanned, list, names, one_of, text};
use crate::config::report::Report;
use crate::config::tree::{Node, Value};
use crate::health;
use crate::topology::{Attachment, Permission, PortSecurity, Promiscuous};

#[derive(Debug)]
pub(crate) struct Vm {
    pub(crate) name: Spanned<String>,
    /// Where it may run; none where that is wrong.
    pub(crate) hosts: Vec<Spanned<String>>,
    pub(crate) nics: Vec<Nic>,
}

#[derive(Debug)]
pub(crate) struct Nic {
    /// How its interface is told from others; `None` where that is wrong.
    pub(crate) plug: Option<Spanned<Plug>>,
    pub(crate) mac: Option<Spanned<MacAddr>>,
    pub(crate) membership: Option<Membership>,
    pub(crate) attachment: Spanned<Attachment>,
    pub(crate) promiscuous: Promiscuous,
    pub(crate) security: PortSecurity,
}

/// Networks by name, as `vlan_mode` says what they mean.
#[derive(Debug)]
pub(crate) enum Membership {
    Access(Spanned<String>),
    Trunked {
        /// `trunked_networks`
        tagged: Vec<Spanned<String>>,
        /// `network`
        native: Option<Spanned<String>>,
    },
}

const VM: Schema = Schema {
    what: "a VM",
    keys: &[
        ("host", "the name of the host it runs on, or a list of them"),
        ("nics", "a list of its vNICs"),
    ],
};

const NIC: Schema = Schema {
    what: "a vNIC",
    keys: &[
        ("port", "its OVS interface name"),
        ("match", "what its OVS interface is found by"),
        ("mac", "the address that is pinned to it"),
        ("vlan_mode", "access or trunked"),
        ("network", "the name of its network"),
        ("trunked_networks", "a list of the networks that are tagged"),
        ("type", "normal or direct"),
        ("promiscuous", "bum, accept or reject"),
        ("forged_transmits", "accept or reject"),
        ("mac_changes", "accept or reject"),
        ("max_macs", "how many addresses may be learned at it"),
        ("storm_limit", "broadcast and multicast frames per second"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 2] = [&VM, &NIC];

pub(super) fn read(name: Spanned<String>, node: Node<'_>, report: &mut Report<'_>) -> Vm {
    let Some(fields) = Fields::read(node, &VM, report) else {
        return Vm {
            name,
            hosts: Vec::new(),
            nics: Vec::new(),
        };
    };
    let hosts = fields
        .require("host", report)
        .map(|node| hosts(node, report))
        .unwrap_or_default();
    let nics = match fields.get("nics") {
        Some(node) => list(node, "a list of vNICs", report),
        None => Some(Vec::new()),
    };
    if nics.as_ref().is_some_and(Vec::is_empty) {
        report.warning(name.at, "this VM has no vNICs, so nothing is done for it");
    }
    let nics = nics.unwrap_or_default();
    Vm {
        name,
        hosts,
        nics: nics
            .into_iter()
            .filter_map(|node| nic(node, report))
            .collect(),
    }
}

/// One name, or a list of them.
fn hosts(node: Node<'_>, report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let Some(mut items) = node.items() else {
        let name = text(node, "a host name, or a list of host names", report);
        return name.into_iter().collect();
    };
    if items.next().is_none() {
        report.mistake(node.id(), "a VM needs at least one host that it may run on");
    }
    names(node, "a list of host names", report)
}

fn nic(node: Node<'_>, report: &mut Report<'_>) -> Option<Nic> {
    let fields = Fields::read(node, &NIC, report)?;
    let promiscuous = [
        ("bum", Promiscuous::Bum),
        ("accept", Promiscuous::Accept),
        ("reject", Promiscuous::Reject),
    ];
    let attachments = [
        ("normal", Attachment::Normal),
        ("direct", Attachment::Direct),
    ];
    let mac = fields.get("mac").and_then(|node| mac(node, report));
    let nic = Nic {
        plug: plug::read(&fields, mac.as_ref(), report),
        mac,
        membership: membership(&fields, report),
        attachment: Spanned {
            at: fields.get("type").unwrap_or(node).id(),
            value: fields.word("type", &attachments, report),
        },
        promiscuous: fields.word("promiscuous", &promiscuous, report),
        security: security(&fields, report),
    };
    rejections(&fields, report);
    Some(nic)
}

fn security(fields: &Fields<'_>, report: &mut Report<'_>) -> PortSecurity {
    let words = [
        ("accept", Permission::Accept),
        ("reject", Permission::Reject),
    ];
    let rate = "a rate in frames per second";
    PortSecurity {
        forged_transmits: fields.word("forged_transmits", &words, report),
        mac_changes: fields.word("mac_changes", &words, report),
        max_macs: max_macs(fields, report),
        storm_limit: fields.number("storm_limit", rate, 1..=u32::MAX, report),
    }
}

/// What is rejected goes by the pinned address, and leaves none to be learned.
fn rejections(fields: &Fields<'_>, report: &mut Report<'_>) {
    let rejected = |key| {
        fields
            .get(key)
            .filter(|node| *node.value() == Value::Text("reject".to_owned()))
    };
    if fields.get("mac").is_none() {
        for key in ["promiscuous", "forged_transmits", "mac_changes"] {
            if let Some(node) = rejected(key) {
                report.mistake(
                    node.id(),
                    format!(
                        "\"{key}: reject\" goes by the address that is pinned to the vNIC, and \
                         this one has none; give it a \"mac\""
                    ),
                );
            }
        }
    } else if let (Some(at), Some(key)) = (
        fields.key("max_macs"),
        ["forged_transmits", "mac_changes"]
            .into_iter()
            .find(|key| rejected(key).is_some()),
    ) {
        report.warning(
            at,
            format!(
                "this limits nothing: with \"{key}: reject\" no address but the pinned one is \
                 learned at this vNIC"
            ),
        );
    }
}

pub(super) fn mac(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<MacAddr>> {
    let example = "such as \"52:54:00:00:00:0a\"";
    let written = text(node, &format!("a MAC address {example}"), report)?.value;
    let colons = if written.contains(':') {
        written.clone()
    } else {
        written.replace('-', ":")
    };
    let Ok(value) = colons.parse::<MacAddr>() else {
        report.mistake(
            node.id(),
            format!("{written:?} is no MAC address; one is six pairs of hex digits, {example}"),
        );
        return None;
    };
    if value.is_multicast() {
        report.mistake(
            node.id(),
            format!("{value} is a group address (its first byte is odd); no vNIC can have it"),
        );
        return None;
    }
    if value == MacAddr::default() {
        report.mistake(node.id(), "a vNIC cannot have the MAC address of all zeros");
        return None;
    }
    if value.to_u64() & health::MAC_MASK == health::MAC {
        report.mistake(
            node.id(),
            format!(
                "{value} is one of the two addresses of health check probes; no vNIC can have it"
            ),
        );
        return None;
    }
    Some(Spanned {
        at: node.id(),
        value,
    })
}

#[derive(Clone)]
enum VlanMode {
    Access,
    Trunked,
}

fn membership(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Membership> {
    let written = fields.get("vlan_mode").map(|node| {
        let words = [("access", VlanMode::Access), ("trunked", VlanMode::Trunked)];
        one_of(node, "\"vlan_mode\"", &words, report)
    });
    let lists_networks = fields.key("trunked_networks");
    if let (None | Some(Some(VlanMode::Access)), Some(key)) = (&written, lists_networks) {
        report.mistake(
            key,
            "an access vNIC has no trunked networks; add \"vlan_mode: trunked\" or use \"network\" \
             alone",
        );
    }
    // Where the mode is missing or wrong the keys tell what was meant, so that mistakes in their
    // values are found in the same run.
    let mode = match lists_networks {
        Some(_) => VlanMode::Trunked,
        None => written.flatten().unwrap_or(VlanMode::Access),
    };
    match mode {
        VlanMode::Access => {
            let node = fields.require("network", report)?;
            text(node, "the name of a network", report).map(Membership::Access)
        }
        VlanMode::Trunked => {
            let native = fields
                .get("network")
                .and_then(|node| text(node, "the name of a network", report));
            let node = fields.require("trunked_networks", report)?;
            if node.items().is_some_and(|mut items| items.next().is_none()) {
                report.mistake(
                    node.id(),
                    "a trunked vNIC needs at least one network here; for a single untagged one \
                     use \"vlan_mode: access\"",
                );
            }
            let tagged = names(node, "a list of network names", report);
            Some(Membership::Trunked { tagged, native })
        }
    }
}
