//! What another topology would change on the bridges of a host, by the same comparison that a reload
//! makes, and without making it.

use super::bridge::{Bridge, Phase};
use super::{HostState, hold, roles, wanted};
use crate::compile;
use crate::health::Failed;
use crate::learning::{Limits, MacTable};
use crate::program::Program;
use crate::reconcile;
use crate::status::{BridgePlan, BridgeState, Changes, HostPlan};
use crate::topology::{Host, Role, Topology};

impl HostState {
    /// What [`reload`](Self::reload) with this topology would send.
    pub fn plan(&self, topology: &Topology) -> HostPlan {
        let after = topology.hosts.get(&self.name);
        let before = self.topology.hosts.get(&self.name);
        let after_roles: Vec<Role> = after.map(roles).into_iter().flatten().collect();
        let before_roles = before.map(roles).into_iter().flatten();
        let removed = before_roles.filter(|role| !after_roles.contains(role));
        let mut bridges: Vec<BridgePlan> = removed
            .map(|role| blank(role, self.name_of(role, before), BridgeState::Removed))
            .collect();
        if let Some(host) = after {
            let (macs, failed) = (self.macs_after(host), self.failed_after(host));
            let explained = after_roles.iter().all(|role| self.read_once.contains(role));
            for role in after_roles {
                let name = self.name_of(role, after);
                let plan = match self
                    .bridges
                    .get(&role)
                    .map(|bridge| (&bridge.phase, bridge))
                {
                    None | Some((Phase::Down, _)) => blank(role, name, BridgeState::Disconnected),
                    Some((Phase::ReadingBack { .. }, _)) => blank(role, name, BridgeState::Reading),
                    Some((Phase::Idle | Phase::Committing { .. }, bridge)) => {
                        let mut wanted = wanted(host, topology, bridge, &macs, &failed);
                        if !explained {
                            hold(&mut wanted, bridge);
                        }
                        known(role, name, &wanted, &bridge.installed)
                    }
                };
                bridges.push(plan);
            }
        }
        HostPlan {
            name: self.name.clone(),
            bridges,
        }
    }

    /// The MAC addresses that are left after a reload.
    fn macs_after(&self, host: &Host) -> MacTable {
        let mut macs = self.macs.clone();
        let bridge = |role: Role| self.bridges.get(&role).map(|bridge| &bridge.ports);
        macs.purge(|entry| {
            !bridge(entry.at.role).is_some_and(|ports| compile::admits(host, ports, entry))
        });
        macs.set_limits(Limits::new(host, bridge));
        macs
    }

    /// The instances that have failed and are still checked after a reload.
    fn failed_after(&self, host: &Host) -> Failed {
        let egress_of = |host: &Host, ingress: &str| {
            let mut checked = host.health_checked();
            checked.find_map(|(it, _)| (it.ingress == ingress).then(|| it.egress.clone()))
        };
        let before = self.topology.hosts.get(&self.name);
        let mut failed = self.failed.clone();
        failed.retain(|ingress| {
            let egress = egress_of(host, ingress);
            egress.is_some() && egress == before.and_then(|before| egress_of(before, ingress))
        });
        failed
    }

    fn name_of(&self, role: Role, host: Option<&Host>) -> String {
        let connected = self.bridges.get(&role).filter(|bridge| bridge.is_up());
        let configured = host.and_then(|host| host.bridge(role));
        match (connected, configured) {
            (Some(bridge), _) => Bridge::name(bridge).to_owned(),
            (None, Some(bridge)) => bridge.name.clone(),
            (None, None) => "*".to_owned(),
        }
    }
}

fn blank(role: Role, name: String, state: BridgeState) -> BridgePlan {
    BridgePlan {
        role: role.to_string(),
        name,
        state,
        flows: Changes::default(),
        groups: Changes::default(),
        meters: Changes::default(),
    }
}

fn known(role: Role, name: String, wanted: &Program, installed: &Program) -> BridgePlan {
    let plan = reconcile::diff(wanted, installed);
    BridgePlan {
        flows: count(&plan.flows),
        groups: count(&plan.groups),
        meters: count(&plan.meters),
        ..blank(role, name, BridgeState::Known)
    }
}

fn count<K, V>(changes: &reconcile::Changes<'_, K, V>) -> Changes {
    Changes {
        add: changes.added.len(),
        modify: changes.changed.len(),
        delete: changes.removed.len(),
    }
}
