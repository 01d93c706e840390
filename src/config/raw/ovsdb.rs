//! `ovsdb:` and `ovsdb_tls:` of a host: where its OVS database is, and how that is trusted.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::controller::{file, socket_path};
use crate::config::fields::{Fields, Schema, Spanned, text};
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::topology::{Endpoint, TlsFiles, TlsIdentity};

/// The files that TLS takes, each with the node that names it.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) ca: Spanned<PathBuf>,
    pub(crate) identity: Option<Identity>,
}

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: Spanned<PathBuf>,
    pub(crate) private_key: Spanned<PathBuf>,
}

impl Tls {
    /// The files alone.
    pub(crate) fn files(&self) -> TlsFiles {
        let identity = self.identity.as_ref();
        TlsFiles {
            ca: self.ca.value.clone(),
            identity: identity.map(|identity| TlsIdentity {
                certificate: identity.certificate.value.clone(),
                private_key: identity.private_key.value.clone(),
            }),
        }
    }
}

pub(super) const OVSDB_TLS: Schema = Schema {
    what: "the TLS of an OVS database",
    keys: &[
        ("ca", "the file of the CA that has signed its certificate"),
        (
            "certificate",
            "the file of the certificate that it is shown",
        ),
        ("private_key", "the file of the key of that certificate"),
    ],
};

/// Both of them, out of the keys of a host.
pub(super) fn read(
    fields: &Fields<'_>,
    report: &mut Report<'_>,
) -> (Option<Spanned<Endpoint>>, Option<Tls>) {
    let endpoint = fields.get("ovsdb").and_then(|node| ovsdb(node, report));
    let node = fields.get("ovsdb_tls");
    let tls = node.and_then(|node| tls(node, report));
    let is_ssl = |found: &Spanned<Endpoint>| matches!(found.value, Endpoint::Ssl(_));
    match (&endpoint, node) {
        (Some(found), None) if is_ssl(found) => report.mistake(
            found.at,
            format!(
                "{} takes the CA that its certificate is signed by: add `ovsdb_tls: {{ ca: \
                 /etc/bridgechain/ovsdb-ca.pem }}`",
                found.value
            ),
        ),
        // An endpoint that is wrong may have been meant as ssl:.
        (None, Some(_)) if fields.get("ovsdb").is_some() => {}
        (found, Some(node)) if !found.as_ref().is_some_and(is_ssl) => {
            report.warning(
                node.id(),
                "has no effect: only a database at `ovsdb: ssl:IP:PORT` is spoken to in TLS",
            );
            return (endpoint, None);
        }
        _ => {}
    }
    (endpoint, tls)
}

fn tls(node: Node<'_>, report: &mut Report<'_>) -> Option<Tls> {
    let fields = Fields::read(node, &OVSDB_TLS, report)?;
    let mut path = |node: Node<'_>, example| {
        file(node, example, report).map(|value| Spanned {
            at: node.id(),
            value,
        })
    };
    let given = ["certificate", "private_key"].map(|key| fields.get(key));
    let certificate = given[0].and_then(|node| path(node, "/etc/bridgechain/cert.pem"));
    let private_key = given[1].and_then(|node| path(node, "/etc/bridgechain/privkey.pem"));
    let ca = fields.get("ca");
    let ca = ca.map(|node| path(node, "/etc/bridgechain/ovsdb-ca.pem"));
    let ca = match ca {
        Some(ca) => ca,
        None => fields.require("ca", report).and(None),
    };
    for (key, other, there, missing) in [
        ("certificate", "private_key", given[0], given[1]),
        ("private_key", "certificate", given[1], given[0]),
    ] {
        if let (Some(node), None) = (there, missing) {
            report.mistake(
                node.id(),
                format!("{key:?} is used with {other:?} only; give both, or neither"),
            );
        }
    }
    let identity = match (certificate, private_key) {
        (Some(certificate), Some(private_key)) => Some(Identity {
            certificate,
            private_key,
        }),
        _ => None,
    };
    Some(Tls { ca: ca?, identity })
}

/// Where an OVS database is served.
fn ovsdb(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<Endpoint>> {
    let example = "such as unix:/var/run/openvswitch/db.sock or tcp:127.0.0.1:6640";
    let text = text(node, &format!("an endpoint {example}"), report)?.value;
    let address = |address: &str, example: &str| {
        address.parse::<SocketAddr>().map_err(|_| {
            format!("{address:?} is not IP:PORT; the database is found at an endpoint {example}")
        })
    };
    let parsed = match text.split_once(':') {
        Some(("unix", path)) => socket_path(path).map(Endpoint::Unix),
        Some(("tcp", rest)) => address(rest, example).map(Endpoint::Tcp),
        Some(("ssl", rest)) => address(rest, "such as ssl:127.0.0.1:6640").map(Endpoint::Ssl),
        Some((scheme @ ("ptcp" | "punix" | "pssl"), _)) => Err(format!(
            "{scheme}: is how ovsdb-server listens; here it is tcp:IP:PORT, ssl:IP:PORT or unix:PATH"
        )),
        _ => Err(format!("{text:?} is no endpoint; give one {example}")),
    };
    match parsed {
        Ok(value) => {
            if let Endpoint::Tcp(address) = &value
                && !address.ip().is_loopback()
            {
                report.warning(
                    node.id(),
                    format!(
                        "{value} is not a loopback address: whoever is on the way to it can say which \
                         port is whose, since tcp: has no authentication; ssl: has"
                    ),
                );
            }
            Some(Spanned {
                at: node.id(),
                value,
            })
        }
        Err(why) => {
            report.mistake(node.id(), why);
            None
        }
    }
}
