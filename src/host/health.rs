//! Health checks: probes go out and come back on the service bridge, verdicts change what it holds.
//!
//! Which instances have failed is kept by the switch, as flows that no frame meets
//! ([`compile::recover_failed`]): so a new controller gives a dead function no traffic before that
//! has passed its checks.

use std::sync::Arc;
use std::time::Instant;

use openflow::{Message, OxmField, PacketIn, PortNo};
use tracing::{debug, info, warn};

use super::bridge::Phase;
use super::{HostState, Outbox};
use crate::compile;
use crate::cookie::Class;
use crate::health::{Link, Output, Ruling, Verdict};
use crate::status::Kind;
use crate::topology::{Host, Role};

/// Whether a frame came to the controller by the flow for probes.
pub(super) fn is_probe(packet_in: &PacketIn) -> bool {
    packet_in.cookie == Class::Probe.cookie()
}

impl HostState {
    /// A frame came out of a leg that says it is a probe.
    pub(super) fn probe_returned(&mut self, now: Instant, role: Role, packet_in: &PacketIn) {
        let port = packet_in.match_.get(OxmField::InPort);
        let port = port.and_then(|(port, _)| u32::try_from(port).ok());
        if let (Role::Service, Some(port)) = (role, port) {
            self.monitor
                .handle_frame(now, PortNo(port), &packet_in.data);
        }
    }

    /// Lets the monitor know whether the service bridge answers, and does what it asks for.
    pub(super) fn follow_health(&mut self, now: Instant, out: &mut impl Outbox) {
        let phase = self.bridges.get(&Role::Service).map(|it| &it.phase);
        let link = match phase {
            None | Some(Phase::Down) => Link::Down,
            Some(Phase::Idle) => Link::Ready,
            Some(Phase::ReadingBack { .. } | Phase::Committing { .. }) => Link::Busy,
        };
        self.monitor.set_link(now, link);
        let mut news = false;
        while let Some(output) = self.monitor.poll_output() {
            match output {
                Output::Send(packet_out) => {
                    out.send(Role::Service, &Message::PacketOut(packet_out));
                }
                Output::Ruling(ruling) => news |= self.rule(&ruling),
            }
        }
        if news {
            self.with_bridge(Role::Service, |bridge| bridge.stale = true);
            self.advance(Role::Service, out);
            self.follow_health(now, out);
        }
    }

    /// Takes note of a verdict; says whether it changes what the bridge is to hold.
    fn rule(&mut self, ruling: &Ruling) -> bool {
        let Ruling {
            ingress,
            verdict,
            rounds,
        } = ruling;
        let topology = Arc::clone(&self.topology);
        let place = topology.hosts.get(&self.name);
        let place = place.and_then(|host| host.function_of(ingress));
        let Some((chain, function)) = place.map(|(chain, it)| (&chain.name, &it.name)) else {
            return false;
        };
        let host = &self.name;
        let subject = format!("{chain}/{function}/{ingress}");
        match verdict {
            Verdict::Down => {
                warn!(
                    host,
                    chain,
                    function,
                    instance = ingress,
                    lost = rounds,
                    "function is down: probes do not come through"
                );
                let message = format!("function is down, {rounds} probes lost");
                self.happened(Kind::FunctionDown, subject, message);
            }
            Verdict::Up => {
                info!(
                    host,
                    chain,
                    function,
                    instance = ingress,
                    passed = rounds,
                    "function is up"
                );
                let message = format!("function is up, {rounds} probes passed");
                self.happened(Kind::FunctionUp, subject, message);
            }
            Verdict::Unknown => {}
        }
        self.failed.set(ingress, *verdict == Verdict::Down)
    }

    /// Takes over what the bridge says has failed, as an earlier run of the controller found.
    pub(super) fn recover_failed(&mut self) {
        let Some(bridge) = self.bridges.get(&Role::Service) else {
            return;
        };
        let legs = bridge
            .installed
            .flows
            .iter()
            .filter_map(|(key, flow)| compile::recover_failed(key, flow))
            .filter_map(|port| bridge.ports.name(port));
        for ingress in legs {
            if self.monitor.recover(ingress) {
                debug!(host = self.name, instance = ingress, "has failed before");
                self.failed.set(ingress, true);
            }
        }
    }

    /// The topology changed: what is no longer probed has not failed.
    pub(super) fn configure_health(&mut self, host: &Host) {
        let Self {
            monitor,
            failed,
            bridges,
            ..
        } = self;
        monitor.configure(host);
        if let Some(bridge) = bridges.get(&Role::Service) {
            monitor.set_ports(&bridge.ports);
        }
        failed.retain(|ingress| {
            let record = monitor.record(ingress);
            record.is_some_and(|record| record.verdict == Verdict::Down)
        });
    }
}
