//! `instances:` of network functions, and the tunnels that lead to those on other machines.

use std::net::IpAddr;

use super::plug::{self, Plug};
use crate::config::fields::{Fields, Schema, Spanned, one_of, text};
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::topology::{Remote, Tunnel};

#[derive(Debug)]
pub(crate) struct TapInstance {
    pub(crate) host: Spanned<String>,
    pub(crate) port: Spanned<Plug>,
    pub(crate) enabled: bool,
    pub(crate) remote: Option<Spanned<Remote>>,
}

#[derive(Debug)]
pub(crate) struct InlineInstance {
    pub(crate) host: Spanned<String>,
    pub(crate) ingress: Spanned<Plug>,
    /// `None` where it waits for it, drained.
    pub(crate) egress: Option<Spanned<Plug>>,
    pub(crate) enabled: bool,
}

const TAP_INSTANCE: Schema = Schema {
    what: "an instance of a tap",
    keys: &[
        ("host", "the name of its host"),
        ("port", "its OVS interface name"),
        ("match", "what its interface is found by"),
        ("enabled", "true or false"),
        ("remote", "the far end of the tunnel that the port is"),
    ],
};

const INLINE_INSTANCE: Schema = Schema {
    what: "an instance of an inline function",
    keys: &[
        ("host", "the name of its host"),
        (
            "ingress",
            "the OVS interface name of the leg that faces the VMs",
        ),
        (
            "egress",
            "the OVS interface name of the leg that faces the uplink",
        ),
        ("ingress_match", "what the ingress leg is found by"),
        ("egress_match", "what the egress leg is found by"),
        ("enabled", "true or false"),
    ],
};

const REMOTE: Schema = Schema {
    what: "the far end of a tunnel",
    keys: &[
        ("type", "vxlan, gre or erspan"),
        ("ip", "its IP address"),
        ("vni", "the VXLAN network identifier"),
        ("key", "the key of a GRE tunnel"),
        ("session", "the ERSPAN session id"),
        ("index", "the ERSPAN port index"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 3] = [&TAP_INSTANCE, &INLINE_INSTANCE, &REMOTE];

pub(super) fn tap(node: Node<'_>, report: &mut Report<'_>) -> Option<TapInstance> {
    let fields = Fields::read(node, &TAP_INSTANCE, report)?;
    let host = host(&fields, report);
    let port = plug::of_function(&fields, "port", "match", report);
    let enabled = fields.flag("enabled", true, report);
    if let (Some(_), Some(key)) = (fields.get("remote"), fields.key("match")) {
        report.mistake(
            key,
            "a tunnel is made under a name: give its \"port\" instead of a \"match\"",
        );
    }
    let remote = fields.get("remote").and_then(|node| remote(node, report));
    Some(TapInstance {
        host: host?,
        port: port?,
        enabled,
        remote,
    })
}

pub(super) fn inline(node: Node<'_>, report: &mut Report<'_>) -> Option<InlineInstance> {
    let fields = Fields::read(node, &INLINE_INSTANCE, report)?;
    let host = host(&fields, report);
    let ingress = plug::of_function(&fields, "ingress", "ingress_match", report);
    let enabled = fields.flag("enabled", true, report);
    let has_egress = fields.get("egress").is_some() || fields.get("egress_match").is_some();
    let egress = has_egress.then(|| plug::of_function(&fields, "egress", "egress_match", report));
    if egress.is_none() && enabled {
        report.mistake(
            fields.id(),
            "an instance of an inline function needs \"egress\", the OVS interface name of the leg that \
             faces the uplink; one that waits for it is drained, \"enabled: false\"",
        );
    }
    Some(InlineInstance {
        host: host?,
        ingress: ingress?,
        egress: match egress {
            Some(leg) => Some(leg?),
            None => None,
        },
        enabled,
    })
}

fn host(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    fields
        .require("host", report)
        .and_then(|node| text(node, "a host name", report))
}

/// The tunnel protocols, each with the keys that it alone has.
const TUNNELS: [(&str, TunnelKind, &[&str]); 3] = [
    ("vxlan", TunnelKind::Vxlan, &["vni"]),
    ("gre", TunnelKind::Gre, &["key"]),
    ("erspan", TunnelKind::Erspan, &["session", "index"]),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum TunnelKind {
    Vxlan,
    Gre,
    Erspan,
}

fn remote(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<Remote>> {
    let fields = Fields::read(node, &REMOTE, report)?;
    let ip = fields
        .require("ip", report)
        .and_then(|node| remote_ip(node, report));
    let kind = fields.require("type", report).and_then(|node| {
        let words = TUNNELS.map(|(word, kind, _)| (word, kind));
        one_of(node, "\"type\"", &words, report)
    })?;
    for (owner, other, keys) in TUNNELS {
        for key in keys.iter().filter(|_| other != kind) {
            if let Some(at) = fields.key(key) {
                report.mistake(
                    at,
                    format!("{key:?} belongs to {owner}, which is not this tunnel's \"type\""),
                );
            }
        }
    }
    let tunnel = tunnel(kind, &fields, report);
    Some(Spanned {
        at: node.id(),
        value: Remote {
            tunnel: tunnel?,
            ip: ip?,
        },
    })
}

fn tunnel(kind: TunnelKind, fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Tunnel> {
    match kind {
        TunnelKind::Vxlan => {
            fields.require("vni", report)?;
            let vni = fields.number("vni", "a VNI", 0..=0xff_ffff_u32, report)?;
            Some(Tunnel::Vxlan { vni })
        }
        TunnelKind::Gre => Some(Tunnel::Gre {
            key: fields.number("key", "a GRE key", 0..=u32::MAX, report),
        }),
        TunnelKind::Erspan => {
            let index = fields.number("index", "an ERSPAN index", 0..=0xf_ffff_u32, report);
            fields.require("session", report)?;
            let session = fields.number("session", "an ERSPAN session", 0..=0x3ff_u16, report)?;
            Some(Tunnel::Erspan {
                session,
                index: index.unwrap_or(0),
            })
        }
    }
}

/// An address that one machine has.
fn remote_ip(node: Node<'_>, report: &mut Report<'_>) -> Option<IpAddr> {
    let written = text(node, "an IP address such as 192.0.2.9", report)?.value;
    let Ok(ip) = written.parse::<IpAddr>() else {
        report.mistake(
            node.id(),
            format!("{written:?} is no IP address; one is 192.0.2.9 or \"2001:db8::9\""),
        );
        return None;
    };
    let canonical = ip.to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let wrong = if canonical != ip {
        format!("{ip} is an IPv4 address in IPv6 notation; write {canonical}")
    } else if ip.is_unspecified() {
        format!("{ip} is no machine's address; give that of the machine that takes the copies")
    } else if ip.is_loopback() {
        format!(
            "{ip} is this host itself; a tunnel leads to another machine, and a tap on this host \
             needs no \"remote\""
        )
    } else if ip.is_multicast() || broadcast {
        format!("{ip} is the address of a group; a tunnel has one machine at its far end")
    } else {
        return Some(ip);
    };
    report.mistake(node.id(), wrong);
    None
}
