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
    Controller {
        listen: match fields.get("listen") {
            Some(node) => listen(node, report),
            None => default.listen,
        },
        api: fields
            .get("api")
            .and_then(|node| endpoint(node, report))
            .unwrap_or(default.api),
        mac_age: fields
            .get("mac_age")
            .and_then(|node| integer(node, "an age in seconds", 1..=u16::MAX, report))
            .and_then(|seconds| MacAge::from_secs(seconds.value))
            .unwrap_or(default.mac_age),
        packet_in_rate: fields
            .get("packet_in_rate")
            .and_then(|node| integer(node, "a rate in frames per second", 1..=u32::MAX, report))
            .map_or(default.packet_in_rate, |rate| rate.value),
    }
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
        let Some(endpoint) = endpoint(item, report) else {
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

fn endpoint(node: Node<'_>, report: &mut Report<'_>) -> Option<Endpoint> {
    let text = text(node, "an endpoint such as tcp:127.0.0.1:6653", report)?.value;
    match parse_endpoint(&text) {
        Ok(endpoint) => {
            if let Endpoint::Tcp(address) = endpoint
                && !address.ip().is_loopback()
            {
                report.warning(
                    node.id(),
                    format!(
                        "{endpoint} is not a loopback address: whoever reaches it controls the \
                         bridges, since tcp: has no authentication"
                    ),
                );
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

fn socket_path(path: &str) -> Result<PathBuf, String> {
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
