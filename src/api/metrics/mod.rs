//! The state of hosts in the text format of Prometheus.
//!
//! What is shown is the answer of the hosts, whole and of one moment, so it is written as it is: a
//! registry would hold a second copy of it that can be out of date, and forget no port that is gone.

mod traffic;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::problem::Problem;
use crate::controller::{Observed, Observer};
use crate::status::{Health, Host, Status};

/// Where metrics are.
pub(super) fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "documents",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), Problem))]
async fn metrics(State(observer): State<Observer>) -> Result<Response, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let observed = observer.observed().await.ok_or_else(Problem::ending)?;
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, text(&status, &observed)).into_response())
}

/// All metrics.
fn text(status: &Status, observed: &[Observed]) -> String {
    let mut out = Text::default();
    out.metric("build_info", "gauge", "What runs.");
    out.sample("build_info", &[("version", &status.version)], 1.0);
    let metrics: [(&str, &str, &str, Samples); 18] = [
        (
            "bridge_connected",
            "gauge",
            "Whether a bridge is connected.",
            |host, emit| {
                bridges(host, |bridge| f64::from(bridge.connected), emit);
            },
        ),
        (
            "bridge_in_sync",
            "gauge",
            "Whether a bridge holds what it is to hold.",
            |host, emit| {
                bridges(host, |bridge| f64::from(bridge.in_sync), emit);
            },
        ),
        (
            "flows",
            "gauge",
            "Flows of bridgechain on a bridge.",
            |host, emit| {
                bridges(host, |bridge| bridge.flows as f64, emit);
            },
        ),
        (
            "wanted_flows",
            "gauge",
            "Flows that a bridge is to hold.",
            |host, emit| {
                bridges(host, |bridge| bridge.wanted_flows as f64, emit);
            },
        ),
        (
            "foreign_flows",
            "gauge",
            "Flows of others on a bridge.",
            |host, emit| {
                bridges(host, |bridge| bridge.foreign_flows as f64, emit);
            },
        ),
        (
            "flow_mods_total",
            "counter",
            "FLOW_MODs sent.",
            |host, emit| {
                emit(&[], host.flow_mods as f64);
            },
        ),
        (
            "refused_transactions_total",
            "counter",
            "Transactions that a bridge refused.",
            |host, emit| {
                emit(&[], host.refused_transactions as f64);
            },
        ),
        (
            "packet_ins_total",
            "counter",
            "Frames that bridges handed to the controller to learn from.",
            |host, emit| {
                emit(&[], host.packet_ins as f64);
            },
        ),
        (
            "mac_moves_total",
            "counter",
            "Times that a MAC address moved to another port.",
            |host, emit| {
                emit(&[], host.mac_moves as f64);
            },
        ),
        (
            "damped_mac_moves_total",
            "counter",
            "Times that a MAC address moved too often and was not followed.",
            |host, emit| {
                emit(&[], host.damped_mac_moves as f64);
            },
        ),
        (
            "learned_macs",
            "gauge",
            "MAC addresses that are learned.",
            |host, emit| {
                emit(&[], host.learned_macs as f64);
            },
        ),
        (
            "limits_reached",
            "gauge",
            "Limits to the number of addresses (max_macs) that are reached.",
            |host, emit| {
                let networks = host.reached_limits.iter();
                let networks = networks.filter(|limit| limit.network.is_some()).count();
                emit(&[("of", "network")], networks as f64);
                let vnics = host.reached_limits.len() - networks;
                emit(&[("of", "vnic")], vnics as f64);
            },
        ),
        (
            "held_macs",
            "gauge",
            "MAC addresses that flap, and are held where they are.",
            |host, emit| {
                emit(&[], host.held_addresses.len() as f64);
            },
        ),
        (
            "function_up",
            "gauge",
            "Whether an instance has passed its health checks, or not yet failed them.",
            |host, emit| {
                instances(
                    host,
                    |instance| Some(f64::from(instance.health != Health::Down)),
                    emit,
                );
            },
        ),
        (
            "function_ports_up",
            "gauge",
            "Whether all ports of an instance are there and have a link.",
            |host, emit| {
                let up = |port: &crate::status::Port| port.present && port.link;
                all_instances(
                    host,
                    |instance| Some(f64::from(instance.ports.iter().all(up))),
                    emit,
                );
            },
        ),
        (
            "probe_passes_total",
            "counter",
            "Rounds of probes that came through.",
            |host, emit| {
                instances(host, |instance| Some(instance.passes as f64), emit);
            },
        ),
        (
            "probe_losses_total",
            "counter",
            "Rounds of probes that did not.",
            |host, emit| {
                instances(host, |instance| Some(instance.losses as f64), emit);
            },
        ),
        (
            "probe_round_trip_seconds",
            "gauge",
            "Time of the slower probe of the last round that came through.",
            |host, emit| {
                instances(host, |instance| instance.round_trip_seconds, emit);
            },
        ),
    ];
    for (name, kind, help, samples) in metrics {
        out.metric(name, kind, help);
        for host in &status.hosts {
            samples(host, &mut |labels, value| {
                let mut all = vec![("host", &*host.name)];
                all.extend(labels);
                out.sample(name, &all, value);
            });
        }
    }
    traffic::write(&mut out, observed);
    out.finish()
}

/// Takes the labels and the value of a sample.
type Emit<'e> = &'e mut dyn FnMut(&[(&str, &str)], f64);
/// The samples of a host.
type Samples = fn(&Host, Emit<'_>);

fn bridges(host: &Host, value: impl Fn(&crate::status::Bridge) -> f64, emit: Emit<'_>) {
    for bridge in &host.bridges {
        let labels = [("bridge", &*bridge.name), ("role", &*bridge.role)];
        emit(&labels, value(bridge));
    }
}

/// Those that are probed.
fn instances(host: &Host, value: impl Fn(&crate::status::Instance) -> Option<f64>, emit: Emit<'_>) {
    let probed = |instance: &crate::status::Instance| {
        (instance.health != Health::NotChecked)
            .then(|| value(instance))
            .flatten()
    };
    all_instances(host, probed, emit);
}

fn all_instances(
    host: &Host,
    value: impl Fn(&crate::status::Instance) -> Option<f64>,
    emit: Emit<'_>,
) {
    for function in &host.functions {
        for instance in &function.instances {
            let labels = [
                ("chain", &*function.chain),
                ("function", &*function.name),
                ("instance", &*instance.name),
            ];
            if let Some(value) = value(instance) {
                emit(&labels, value);
            }
        }
    }
}

/// Metrics as text. A sample comes once: where several bridges of `learning: "*"` have one name, it is
/// the sum of theirs.
#[derive(Default)]
struct Text {
    text: String,
    /// The samples of the metric that is being written, in order.
    samples: Vec<(String, f64)>,
    /// Where each is among these.
    index: HashMap<String, usize>,
}

impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        self.flush();
        self.line(format_args!("# HELP bridgechain_{name} {help}"));
        self.line(format_args!("# TYPE bridgechain_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = labels.join(",");
        let sample = format!("bridgechain_{name}{{{labels}}}");
        match self.index.entry(sample) {
            Entry::Occupied(known) => self.samples[*known.get()].1 += value,
            Entry::Vacant(new) => {
                self.samples.push((new.key().clone(), value));
                new.insert(self.samples.len() - 1);
            }
        }
    }

    fn flush(&mut self) {
        self.index.clear();
        for (sample, value) in std::mem::take(&mut self.samples) {
            self.line(format_args!("{sample} {value}"));
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes all there is.
        let _ = writeln!(self.text, "{line}");
    }
}

/// The value of a label as it stands between quotes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Bridge, Function, HeldAddress, Instance, Mode, Port, ReachedLimit};

    #[test]
    fn metrics_are_in_the_format_of_prometheus() {
        let instance = |name: &str, health| Instance {
            name: name.to_owned(),
            enabled: true,
            ports: vec![Port {
                name: name.to_owned(),
                present: true,
                link: health != Health::Down,
            }],
            health,
            since_seconds: None,
            passes: 7,
            losses: 2,
            round_trip_seconds: Some(0.000_25),
        };
        let status = Status {
            version: "1.2.3".to_owned(),
            hosts: vec![Host {
                name: "node\"1\\".to_owned(),
                bridges: vec![Bridge {
                    role: "service".to_owned(),
                    name: "br.nf".to_owned(),
                    connected: true,
                    in_sync: false,
                    flows: 12,
                    wanted_flows: 13,
                    foreign_flows: 1,
                }],
                functions: vec![Function {
                    chain: "inspect".to_owned(),
                    name: "ips".to_owned(),
                    mode: Mode::Inline,
                    enabled: true,
                    instances: vec![
                        instance("ips-in", Health::Down),
                        instance("ids0", Health::NotChecked),
                    ],
                }],
                learned_macs: 3,
                reached_limits: [Some("demo3000"), None, Some("native")]
                    .map(|network| ReachedLimit {
                        network: network.map(str::to_owned),
                        limit: 7,
                        vnic: "vma0".to_owned(),
                        addresses: 5,
                    })
                    .to_vec(),
                held_addresses: vec![HeldAddress {
                    mac: "02:00:00:00:00:01".to_owned(),
                    network: "demo3000".to_owned(),
                    held_at: "vma0".to_owned(),
                    seen_at: "vma0, vmb0".to_owned(),
                    ignored: 9,
                    seconds_left: 1.5,
                }],
                flow_mods: 40,
                refused_transactions: 0,
                packet_ins: 5,
                mac_moves: 6,
                damped_mac_moves: 1,
                ..Host::default()
            }],
        };
        insta::assert_snapshot!(text(&status, &[traffic::tests::observed()]));
    }

    #[test]
    fn bridges_of_one_name_are_one_sample() {
        let host = |flow_mods| Host {
            name: "any".to_owned(),
            flow_mods,
            ..Host::default()
        };
        let status = Status {
            version: "1".to_owned(),
            hosts: vec![host(2), host(3)],
        };
        let text = text(&status, &[]);
        let samples = text
            .lines()
            .filter(|line| line.contains("flow_mods_total{"));
        let samples: Vec<&str> = samples.collect();
        assert_eq!(samples, ["bridgechain_flow_mods_total{host=\"any\"} 5"]);
    }
}
