//! `controller:`, all of it optional.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::fields::{Fields, Schema, integer, list, text};
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::topology::{Controller, Endpoint, MacAge};

pub(super) const CONTROLLER: Schema = Schema {
    what: "the controller",
    keys: &[
        ("listen", "a list of endpoints that bridges connect to"),
        ("api", "the endpoint of the controller's own API"),
        ("api_token_file", "the path of a file"),
        ("metrics", "the endpoint of metrics"),
        ("mac_age", "seconds"),
        ("packet_in_rate", "frames per second"),
    ],
};

/// How long a Unix socket's path may be: `sun_path` without the NUL.
const LONGEST_SOCKET_PATH: usize = 107;

/// What is not given, or wrong, has its default.
pub(super) fn read(node: Node<'_>, report: &mut Report<'_>) -> Controller {
    let default = Controller::default();
    let Some(fields) = Fields::read(node, &CONTROLLER, report) else {
        return default;
    };
    let settings = Controller {
        listen: match fields.get("listen") {
            Some(node) => listen(node, report),
            None => default.listen,
        },
        api: fields
            .get("api")
            .and_then(|node| endpoint(node, Authentication::Token, report)),
        api_token_file: fields
            .get("api_token_file")
            .and_then(|node| file(node, "/etc/bridgechain/token", report)),
        metrics: fields.get("metrics").and_then(|node| metrics(node, report)),
        mac_age: fields
            .get("mac_age")
            .and_then(|node| integer(node, "an age in seconds", 1..=u16::MAX, report))
            .and_then(|seconds| MacAge::from_secs(seconds.value))
            .unwrap_or(default.mac_age),
        packet_in_rate: fields
            .get("packet_in_rate")
            .and_then(|node| integer(node, "a rate in frames per second", 1..=u32::MAX, report))
            .map_or(default.packet_in_rate, |rate| rate.value),
    };
    check_token(&fields, &settings, report);
    check_places(&fields, &settings, report);
    settings
}

/// TCP takes a token, and nothing else does.
fn check_token(fields: &Fields<'_>, settings: &Controller, report: &mut Report<'_>) {
    let token = fields.get("api_token_file");
    match (&settings.api, fields.get("api"), token) {
        (None | Some(Endpoint::Unix(_)), _, Some(node)) => report.warning(
            node.id(),
            "has no effect: who may ask at a Unix socket is a matter of its directory, and only \
             tcp: takes a token",
        ),
        (Some(Endpoint::Tcp(address)), Some(node), None) => report.mistake(
            node.id(),
            format!(
                "tcp:{address} takes a token, since all users of the machine reach it: add \
                 `api_token_file: /etc/bridgechain/token`, a file with one line such as \
                 `openssl rand -hex 32` gives"
            ),
        ),
        _ => {}
    }
}

/// Two things can not be served at one place.
fn check_places(fields: &Fields<'_>, settings: &Controller, report: &mut Report<'_>) {
    let mut taken: Vec<(&str, Endpoint)> = settings
        .listen
        .iter()
        .map(|endpoint| ("listen", endpoint.clone()))
        .collect();
    let metrics = settings.metrics.map(Endpoint::Tcp);
    for (key, endpoint) in [("api", settings.api.clone()), ("metrics", metrics)] {
        let Some(endpoint) = endpoint else { continue };
        let is_same = |other: &Endpoint| *other == endpoint && !is_chosen_by_the_system(other);
        let other = taken.iter().find(|(_, other)| is_same(other));
        if let (Some((other, _)), Some(node)) = (other, fields.get(key)) {
            report.mistake(
                node.id(),
                format!("{endpoint} is what `{other}` has; each needs an endpoint of its own"),
            );
        }
        taken.push((key, endpoint));
    }
}

fn is_chosen_by_the_system(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::Tcp(address) if address.port() == 0)
}

/// The absolute path of a file, for which there is an `example`.
pub(super) fn file(node: Node<'_>, example: &str, report: &mut Report<'_>) -> Option<PathBuf> {
    let path = text(node, "the path of a file", report)?.value;
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        report.mistake(
            node.id(),
            format!("{path:?} is not the absolute path of a file, such as {example}"),
        );
        return None;
    }
    Some(PathBuf::from(path))
}

fn metrics(node: Node<'_>, report: &mut Report<'_>) -> Option<SocketAddr> {
    match endpoint(node, Authentication::Public, report)? {
        Endpoint::Tcp(address) => Some(address),
        other => {
            let message = format!(
                "{other} is not tcp:IP:PORT, such as tcp:127.0.0.1:9475; on the Unix socket of \
                 `api` metrics are served anyhow"
            );
            report.mistake(node.id(), message);
            None
        }
    }
}

/// How those who connect to an endpoint are told from others.
#[derive(Debug, Clone, Copy)]
enum Authentication {
    /// Not at all: who gets there controls the bridges.
    None,
    /// By a token.
    Token,
    /// Not at all: who gets there may read.
    Public,
}

fn listen(node: Node<'_>, report: &mut Report<'_>) -> Vec<Endpoint> {
    let what = "a list of endpoints, such as [tcp:127.0.0.1:6653]";
    let Some(items) = list(node, what, report) else {
        return Vec::new();
    };
    if items.is_empty() {
        report.mistake(
            node.id(),
            format!("expected {what}, found none: no bridge could connect"),
        );
    }
    let mut endpoints = Vec::new();
    for item in items {
        let Some(endpoint) = endpoint(item, Authentication::None, report) else {
            continue;
        };
        if endpoints.contains(&endpoint) {
            report.mistake(item.id(), format!("{endpoint} is in this list twice"));
        } else {
            endpoints.push(endpoint);
        }
    }
    endpoints
}

fn endpoint(
    node: Node<'_>,
    authentication: Authentication,
    report: &mut Report<'_>,
) -> Option<Endpoint> {
    let text = text(node, "an endpoint such as tcp:127.0.0.1:6653", report)?.value;
    match parse_endpoint(&text) {
        Ok(endpoint) => {
            if let Endpoint::Tcp(address) = endpoint
                && !address.ip().is_loopback()
            {
                let why = match authentication {
                    Authentication::None => {
                        "whoever reaches it controls the bridges, since tcp: has no authentication"
                    }
                    Authentication::Token => {
                        "tokens and answers pass the network in clear, since tcp: has no encryption"
                    }
                    Authentication::Public => "whoever reaches it may read it",
                };
                let message = format!("{endpoint} is not a loopback address: {why}");
                report.warning(node.id(), message);
            }
            Some(endpoint)
        }
        Err(why) => {
            report.mistake(node.id(), why);
            None
        }
    }
}

fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(format!(
            "{text:?} is no endpoint; one is tcp:IP:PORT or unix:PATH"
        ));
    };
    match scheme {
        "tcp" => rest.parse::<SocketAddr>().map(Endpoint::Tcp).map_err(|_| {
            format!(
                "{rest:?} is not IP:PORT; such an endpoint is tcp:127.0.0.1:6653 or tcp:[::1]:6653"
            )
        }),
        "ssl" => Err("ssl: is not served yet; use tcp: on loopback or unix:".to_owned()),
        "unix" => socket_path(rest).map(Endpoint::Unix),
        "ptcp" | "punix" | "pssl" => Err(format!(
            "{scheme}: is how Open vSwitch listens; here it is tcp:IP:PORT or unix:PATH"
        )),
        _ => Err(format!(
            "there is no endpoint of kind {scheme:?}; use tcp:IP:PORT or unix:PATH"
        )),
    }
}

pub(super) fn socket_path(path: &str) -> Result<PathBuf, String> {
    if !path.starts_with('/') {
        return Err(format!(
            "{path:?} is not an absolute path, such as unix:/run/x.sock"
        ));
    }
    if path.len() > LONGEST_SOCKET_PATH {
        return Err(format!(
            "the path of a Unix socket has at most {LONGEST_SOCKET_PATH} bytes"
        ));
    }
    if path.ends_with('/') || path.contains('\0') {
        return Err(format!("{path:?} cannot be the path of a socket"));
    }
    Ok(PathBuf::from(path))
}
