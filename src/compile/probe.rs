//! What health checks need on the service bridge: the way of probes back to the controller, and a
//! note of which instances have failed.

use openflow::{Action, Instruction, Match, OxmField, PortNo};

use super::builder::{self, Builder, apply, flow, from_port};
use super::tables::{FAILED, Table, priority};
use crate::cookie::Class;
use crate::health::{self, Failed};
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Meter};
use crate::topology::{Controller, HealthCheck, Host};

/// Adds to the flows of a service bridge what health checks need; nothing on a host without inline
/// functions.
///
/// A probe that comes out of a leg goes to the controller, or nowhere while that is away. From
/// wherever else one may come, it goes nowhere: not on along a chain, even if its health check was
/// just taken out of the configuration.
///
/// A function may claim to send probes, as many as it likes. What a leg brings is bounded for each of
/// them by itself: else one could keep the probes of others from the controller, and so have these
/// bypassed. What shows that the switch does its part comes from the controller, and so from no
/// function.
pub(super) fn add_to(
    builder: &mut Builder,
    host: &Host,
    settings: &Controller,
    ports: &Ports,
    failed: &Failed,
) {
    if host.has_inline() {
        builder.drop(
            Table::Classify,
            priority::PROBE,
            builder::from_probe(Match::new()),
            Class::DropFunction,
        );
    }
    let report = || apply(vec![Action::controller(health::MAX_LEN)]);
    for (instance, check) in host.health_checked() {
        builder.packet_in_meter(settings);
        builder.flow(
            Table::Classify,
            priority::PROBE_BACK,
            builder::from_probe(from_port(PortNo::CONTROLLER)),
            Class::Probe,
            report(),
        );
        let (ingress, egress) = (ports.get(&instance.ingress), ports.get(&instance.egress));
        if let (Some(ingress), Some(egress)) = (ingress, egress) {
            for (name, leg) in [(&instance.ingress, ingress), (&instance.egress, egress)] {
                let bound = builder.meter(&format!("probes/{name}"), bound(check));
                let mut instructions = vec![Instruction::Meter(bound)];
                instructions.extend(report());
                builder.flow(
                    Table::Classify,
                    priority::PROBE_BACK,
                    builder::from_probe(from_port(leg)),
                    Class::Probe,
                    instructions,
                );
            }
        }
        if let Some(ingress) = ingress.filter(|_| failed.contains(&instance.ingress)) {
            builder.add(flow(
                FAILED,
                priority::MISS,
                from_port(ingress),
                Class::Failed,
                Vec::new(),
            ));
        }
    }
}

/// Lets several times as many probes pass as are sent through a leg.
fn bound(check: HealthCheck) -> Meter {
    const AT_LEAST: f64 = 16.0;
    // No frequency is too high for the conversion, which goes to the largest number at the most.
    builder::frames_per_second((AT_LEAST + 4.0 / check.interval.as_secs_f64()) as u32)
}

/// The ingress leg of the failed instance that a flow stands for, if it is a note of one: what
/// [`bridge`](super::bridge) makes of [`Failed`], read back.
pub fn recover_failed(key: &FlowKey, flow: &Flow) -> Option<PortNo> {
    if Class::of(flow.cookie) != Some(Class::Failed) || key.table != FAILED {
        return None;
    }
    match key.match_.get(OxmField::InPort) {
        Some((port, None)) => Some(PortNo(u32::try_from(port).ok()?)),
        _ => None,
    }
}
