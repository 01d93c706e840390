//! The state of a host as an operator is shown it.

use std::time::Instant;

use super::bridge::Bridge;
use super::{HostState, roles};
use crate::health::{Record, Verdict};
use crate::ports::Ports;
use crate::status::{self, Happening, Health, Kind, Mode};
use crate::topology::{FunctionKind, Role};

impl HostState {
    /// What there is to be shown at `now`.
    pub fn status(&self, now: Instant) -> status::Host {
        let counters = self.counters();
        let mut shown = status::Host {
            name: self.name.clone(),
            learned_macs: self.macs.len(),
            reached_limits: self
                .reached
                .iter()
                .map(|it| self.reached_limit(*it))
                .collect(),
            held_addresses: self.held_addresses(now),
            flow_mods: counters.flow_mods,
            refused_transactions: counters.rejected,
            packet_ins: counters.packet_ins,
            mac_moves: counters.moved,
            damped_mac_moves: counters.damped,
            ..status::Host::default()
        };
        let Some(host) = self.topology.hosts.get(&self.name) else {
            return shown;
        };
        for role in roles(host) {
            let name = self.shown_name(host, role);
            shown
                .bridges
                .push(bridge(role, name, self.bridges.get(&role)));
        }
        self.show_guests(host, &mut shown);
        let no_ports = Ports::default();
        let ports = match self.bridges.get(&Role::Service) {
            Some(bridge) => &bridge.ports,
            None => &no_ports,
        };
        for chain in &host.chains {
            for function in &chain.functions {
                let (mode, instances) = match &function.kind {
                    FunctionKind::Tap { instances, .. } => {
                        let instances = instances
                            .iter()
                            .map(|tap| instance(now, tap.enabled, &[&tap.port], ports, None));
                        (Mode::Tap, instances.collect())
                    }
                    FunctionKind::Inline {
                        shadow, instances, ..
                    } => {
                        let mode = if *shadow { Mode::Shadow } else { Mode::Inline };
                        let instances = instances.iter().map(|inline| {
                            let legs = [&*inline.ingress, &*inline.egress];
                            let record = self.monitor.record(&inline.ingress);
                            instance(now, inline.enabled, &legs, ports, record)
                        });
                        (mode, instances.collect())
                    }
                };
                shown.functions.push(status::Function {
                    chain: chain.name.clone(),
                    name: function.name.clone(),
                    mode,
                    enabled: function.enabled,
                    instances,
                });
            }
        }
        shown
    }

    /// What has happened since the last call.
    pub fn take_happenings(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happenings)
    }

    pub(super) fn happened(
        &mut self,
        kind: Kind,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.happenings.push(Happening {
            kind,
            subject: subject.into(),
            message: message.into(),
        });
    }
}

fn bridge(role: Role, name: &str, bridge: Option<&Bridge>) -> status::Bridge {
    status::Bridge {
        role: role.to_string(),
        name: name.to_owned(),
        connected: bridge.is_some_and(Bridge::is_up),
        in_sync: bridge.is_some_and(|bridge| bridge.is_up() && bridge.is_in_sync()),
        flows: bridge.map_or(0, |bridge| bridge.installed.flows.len()),
        wanted_flows: bridge.map_or(0, Bridge::wanted),
        foreign_flows: bridge.map_or(0, |bridge| bridge.foreign),
    }
}

/// The instance of a function with these ports, the first of which it is called by.
fn instance(
    now: Instant,
    enabled: bool,
    names: &[&str],
    ports: &Ports,
    record: Option<Record>,
) -> status::Instance {
    let port = |name: &&str| {
        let number = ports.get(name);
        status::Port {
            name: (*name).to_owned(),
            present: number.is_some(),
            link: number.is_some_and(|number| ports.is_up(number)),
        }
    };
    let found = record.unwrap_or_default();
    status::Instance {
        name: names.first().copied().unwrap_or_default().to_owned(),
        enabled,
        ports: names.iter().map(port).collect(),
        health: match record.map(|record| record.verdict) {
            None => Health::NotChecked,
            Some(Verdict::Unknown) => Health::Unknown,
            Some(Verdict::Up) => Health::Up,
            Some(Verdict::Down) => Health::Down,
        },
        since_seconds: found
            .since
            .map(|since| now.saturating_duration_since(since).as_secs_f64()),
        passes: found.passes,
        losses: found.losses,
        round_trip_seconds: found.round_trip.map(|time| time.as_secs_f64()),
    }
}
