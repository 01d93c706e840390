//! What health checks need on the service bridge: the way of probes back to the controller, and a
//! note of which instances have failed.

use openflow::{Action, Match, OxmField, PortNo};

use super::builder::{self, Builder, apply, flow, from_port};
use super::tables::{FAILED, Table, priority};
use crate::cookie::Class;
use crate::health::{self, Failed};
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Program};
use crate::topology::{Controller, Host};

/// Adds to the program of a service bridge what health checks need; nothing on a host without inline
/// functions.
///
/// A probe that comes out of a leg goes to the controller, or nowhere while that is away. From
/// wherever else one may come, it goes nowhere: not on along a chain, even if its health check was
/// just taken out of the configuration.
pub(super) fn add_to(
    program: &mut Program,
    host: &Host,
    settings: &Controller,
    ports: &Ports,
    failed: &Failed,
) {
    let mut builder = Builder::default();
    if host.has_inline() {
        builder.drop(
            Table::Classify,
            priority::PROBE,
            builder::from_probe(Match::new()),
            Class::DropFunction,
        );
    }
    for (instance, _) in host.health_checked() {
        // A function may claim to send probes, so the switch bounds these.
        builder.packet_in_meter(settings);
        let (ingress, egress) = (ports.get(&instance.ingress), ports.get(&instance.egress));
        if let (Some(ingress), Some(egress)) = (ingress, egress) {
            for leg in [ingress, egress] {
                builder.flow(
                    Table::Classify,
                    priority::PROBE_BACK,
                    builder::from_probe(from_port(leg)),
                    Class::Probe,
                    apply(vec![Action::controller(health::MAX_LEN)]),
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
    let probing = builder.finish();
    program.flows.extend(probing.flows);
    program.meters.extend(probing.meters);
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
