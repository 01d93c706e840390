//! `port:` and `match:` of vNICs and functions: how an interface is told from others.

use openflow::MacAddr;

use super::host::interface;
use super::vm::mac;
use crate::config::fields::{Fields, Schema, Spanned, text};
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::topology::InterfaceMatch;

/// How an interface is told from others.
#[derive(Debug, Clone)]
pub(crate) enum Plug {
    /// By its name.
    Port(String),
    /// By what the OVS database says about it.
    Match(InterfaceMatch),
}

impl Plug {
    /// What the port is called.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Port(name) => name.clone(),
            Self::Match(wanted) => wanted.to_string(),
        }
    }
}

pub(super) const MATCH: Schema = Schema {
    what: "a match",
    keys: &[
        ("mac", "the MAC address in external_ids:attached-mac"),
        ("iface_id", "the text in external_ids:iface-id"),
        ("vm_id", "the text in external_ids:vm-id, or vm-uuid"),
    ],
};

/// What is written, or else the vNIC's own address, `pinned`.
pub(super) fn read(
    fields: &Fields<'_>,
    pinned: Option<&Spanned<MacAddr>>,
    report: &mut Report<'_>,
) -> Option<Spanned<Plug>> {
    if let (Some(_), Some(key)) = (fields.get("port"), fields.key("match")) {
        report.mistake(
            key,
            "a vNIC is found by the name of its \"port\" or by a \"match\", not by both; leave one out",
        );
    }
    if let Some(node) = fields.get("port") {
        return named(node, report);
    }
    if let Some(node) = fields.get("match") {
        return matched(node, report);
    }
    if fields.get("mac").is_none() {
        report.mistake(
            fields.id(),
            "a vNIC needs \"port\", its OVS interface name, or else something that its interface is \
             found by: \"mac\", or a \"match\"",
        );
    }
    let mac = pinned?;
    Some(Spanned {
        at: mac.at,
        value: Plug::Match(InterfaceMatch {
            mac: Some(mac.value),
            ..InterfaceMatch::default()
        }),
    })
}

/// That of a port of a function: the name at `key`, or what it is found by at `match_key`.
pub(super) fn of_function(
    fields: &Fields<'_>,
    key: &str,
    match_key: &str,
    report: &mut Report<'_>,
) -> Option<Spanned<Plug>> {
    let Some(node) = fields.get(match_key) else {
        return fields
            .require(key, report)
            .and_then(|node| named(node, report));
    };
    if fields.get(key).is_some() {
        report.mistake(
            fields.key(match_key).unwrap_or(node.id()),
            format!(
                "a port is found by its name ({key:?}) or by a match ({match_key:?}), not by both; \
                 leave one out"
            ),
        );
    }
    matched(node, report)
}

fn named(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<Plug>> {
    interface(node, "an interface name", report).map(|name| Spanned {
        at: name.at,
        value: Plug::Port(name.value),
    })
}

fn matched(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<Plug>> {
    interface_match(node, report).map(|value| Spanned {
        at: node.id(),
        value: Plug::Match(value),
    })
}

fn interface_match(node: Node<'_>, report: &mut Report<'_>) -> Option<InterfaceMatch> {
    let fields = Fields::read(node, &MATCH, report)?;
    if fields.is_blank() {
        report.mistake(
            node.id(),
            "this matches any interface; give at least one of \"mac\", \"iface_id\" and \"vm_id\"",
        );
        return None;
    }
    // All are looked at before one that is wrong ends it.
    let mac = fields.get("mac").map(|node| mac(node, report));
    let iface_id = fields.get("iface_id").map(|node| id(node, report));
    let vm_id = fields.get("vm_id").map(|node| id(node, report));
    let found = InterfaceMatch {
        mac: match mac {
            Some(mac) => Some(mac?.value),
            None => None,
        },
        iface_id: match iface_id {
            Some(id) => Some(id?),
            None => None,
        },
        vm_id: match vm_id {
            Some(id) => Some(id?),
            None => None,
        },
    };
    // Only unknown keys, which are reported.
    (found != InterfaceMatch::default()).then_some(found)
}

/// What a hypervisor calls an interface or a VM, mostly a UUID.
fn id(node: Node<'_>, report: &mut Report<'_>) -> Option<String> {
    let id = text(node, "an id, such as a UUID", report)?.value;
    if id.is_empty() {
        report.mistake(node.id(), "an empty text is in no interface's external_ids");
        return None;
    }
    if let Some(wrong) = id.chars().find(|c| c.is_whitespace() || c.is_control()) {
        report.mistake(node.id(), format!("an id has no {wrong:?} in it"));
        return None;
    }
    Some(id)
}
