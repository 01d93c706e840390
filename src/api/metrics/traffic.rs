//! What bridges have counted, and how long they took for changes.

use super::Text;
use crate::api::word;
use crate::controller::Observed;
use crate::histogram::Histogram;
use crate::host::{Count, Owner, PortTraffic, Source};

pub(super) fn write(out: &mut Text, observed: &[Observed]) {
    let frames = |count: Count| count.frames;
    let bytes = |count: Count| count.bytes;
    vnics(
        out,
        observed,
        "vnic_frames_total",
        "Frames that passed a vNIC.",
        frames,
    );
    vnics(
        out,
        observed,
        "vnic_bytes_total",
        "Bytes that passed a vNIC.",
        bytes,
    );
    functions(
        out,
        observed,
        "function_frames_total",
        "Frames that passed a port of a network function.",
        frames,
    );
    functions(
        out,
        observed,
        "function_bytes_total",
        "Bytes that passed a port of a network function.",
        bytes,
    );
    networks(
        out,
        observed,
        "network_frames_total",
        "Frames that came in, by network.",
        frames,
    );
    networks(
        out,
        observed,
        "network_bytes_total",
        "Bytes that came in, by network.",
        bytes,
    );
    drops(out, observed);
    reconciling(out, observed);
}

fn ports(observed: &[Observed]) -> impl Iterator<Item = (&str, &PortTraffic)> {
    observed.iter().flat_map(|host| {
        let ports = host.statistics.ports.iter();
        ports.map(|port| (&*host.statistics.host, port))
    })
}

fn vnics(out: &mut Text, observed: &[Observed], name: &str, help: &str, value: fn(Count) -> u64) {
    out.metric(name, "counter", help);
    for (host, port) in ports(observed) {
        let Owner::Vm(vm) = &port.owner else { continue };
        for (direction, count) in [("from_guest", port.received), ("to_guest", port.sent)] {
            let labels = [
                ("host", host),
                ("vm", vm),
                ("port", &port.port),
                ("direction", direction),
            ];
            out.sample(name, &labels, value(count) as f64);
        }
    }
}

fn functions(
    out: &mut Text,
    observed: &[Observed],
    name: &str,
    help: &str,
    value: fn(Count) -> u64,
) {
    out.metric(name, "counter", help);
    for (host, port) in ports(observed) {
        let Owner::Function {
            chain,
            function,
            instance,
        } = &port.owner
        else {
            continue;
        };
        for (direction, count) in [("to_function", port.sent), ("from_function", port.received)] {
            let labels = [
                ("host", host),
                ("chain", chain),
                ("function", function),
                ("instance", instance),
                ("port", &port.port),
                ("direction", direction),
            ];
            out.sample(name, &labels, value(count) as f64);
        }
    }
}

fn networks(
    out: &mut Text,
    observed: &[Observed],
    name: &str,
    help: &str,
    value: fn(Count) -> u64,
) {
    out.metric(name, "counter", help);
    for host in observed {
        for network in &host.statistics.networks {
            let source = match network.source {
                Source::Vnics => "vnics",
                Source::Uplinks => "uplinks",
                Source::Host => "host",
            };
            let labels = [
                ("host", &*host.statistics.host),
                ("network", &network.network),
                ("source", source),
            ];
            out.sample(name, &labels, value(network.count) as f64);
        }
    }
}

fn drops(out: &mut Text, observed: &[Observed]) {
    let name = "dropped_frames_total";
    out.metric(name, "counter", "Frames that were dropped, by cause.");
    for dropped in observed.iter().flat_map(|host| &host.statistics.drops) {
        let cause = word(&dropped.cause);
        let labels = [
            ("host", &*dropped.host),
            ("bridge", &dropped.bridge),
            ("cause", &cause),
            ("port", dropped.port.as_deref().unwrap_or_default()),
            ("vm", dropped.vm.as_deref().unwrap_or_default()),
        ];
        out.sample(name, &labels, dropped.frames as f64);
    }
}

fn reconciling(out: &mut Text, observed: &[Observed]) {
    let name = "reconcile_seconds";
    out.metric(
        name,
        "histogram",
        "How long bridges took to be read back, and for changes.",
    );
    for host in observed {
        for (step, times) in [
            ("read_back", &host.read_backs),
            ("transaction", &host.transactions),
        ] {
            histogram(out, name, &host.statistics.host, step, times);
        }
    }
}

fn histogram(out: &mut Text, name: &str, host: &str, step: &str, times: &Histogram) {
    for (bound, count) in times.cumulative() {
        let bound = match bound.is_finite() {
            true => bound.to_string(),
            false => "+Inf".to_owned(),
        };
        let labels = [("host", host), ("step", step), ("le", &bound)];
        out.sample(&format!("{name}_bucket"), &labels, count as f64);
    }
    let labels = [("host", host), ("step", step)];
    out.sample(&format!("{name}_sum"), &labels, times.sum());
    out.sample(&format!("{name}_count"), &labels, times.count() as f64);
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::{NetworkTraffic, Statistics};
    use crate::status::{Cause, Dropped};

    /// Something of everything.
    pub(in crate::api::metrics) fn observed() -> Observed {
        let count = |frames| Count {
            frames,
            bytes: frames * 100,
        };
        let mut observed = Observed {
            statistics: Statistics {
                host: "node1".to_owned(),
                ports: vec![
                    PortTraffic {
                        port: "vma0".to_owned(),
                        owner: Owner::Vm("VM-A".to_owned()),
                        received: count(1),
                        sent: count(2),
                    },
                    PortTraffic {
                        port: "ips-out".to_owned(),
                        owner: Owner::Function {
                            chain: "inspect".to_owned(),
                            function: "ips".to_owned(),
                            instance: "ips-in".to_owned(),
                        },
                        received: count(3),
                        sent: count(4),
                    },
                ],
                networks: vec![NetworkTraffic {
                    network: "demo".to_owned(),
                    source: Source::Uplinks,
                    count: count(5),
                }],
                drops: vec![Dropped {
                    host: "node1".to_owned(),
                    bridge: "br0".to_owned(),
                    cause: Cause::Spoofed,
                    port: None,
                    vm: None,
                    frames: 6,
                    bytes: 600,
                }],
            },
            ..Observed::default()
        };
        observed.transactions.observe(Duration::from_millis(3));
        observed
    }
}
