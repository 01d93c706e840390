//! What one known MAC address adds to the tables: learned or pinned.

use openflow::{Match, OxmField, PortNo};

use super::admission::Admission;
use super::bond;
use super::builder::{Builder, apply, flow, from_port, goto};
use super::delivery::Delivery;
use super::tables::{Table, priority};
use super::{uplink, vlan};
use crate::cookie::Class;
use crate::health;
use crate::learning::{LearnedMac, Location};
use crate::ports::Ports;
use crate::program::{Flow, FlowKey};
use crate::topology::{Bridges, Controller, Host, Role, Tagging, Vlan};

/// The flows that `entry` needs on the bridge of `host` with `role`: the source flow on the bridge
/// where its frames come in, a destination flow wherever frames to it pass.
pub fn learned(
    host: &Host,
    settings: &Controller,
    role: Role,
    ports: &Ports,
    entry: &LearnedMac,
) -> Vec<(FlowKey, Flow)> {
    let mut flows = Vec::with_capacity(2);
    if entry.at.role == role {
        flows.push(source(settings, entry));
    }
    flows.extend(destinations(host, role, ports, entry));
    flows
}

/// Whether `entry` may be learned: its port (one of `ports`, those of the bridge it is at) is a
/// member of its network and takes part in learning, and the address belongs to nobody else. That of
/// a VM that may run on several hosts is admitted at its own port and at the uplinks.
pub fn admits(host: &Host, ports: &Ports, entry: &LearnedMac) -> bool {
    let LearnedMac { vlan, mac, at } = entry;
    let Some(name) = ports.name(at.port) else {
        return false;
    };
    let owner = host.owner(*mac);
    let is_owner = owner.is_some_and(|owner| owner.roams && owner.port == name);
    let is_of_probes = host.has_inline() && mac.to_u64() & health::MAC_MASK == health::MAC;
    if mac.is_multicast()
        || is_of_probes
        || owner.is_some_and(|owner| !(is_owner || owner.roams && is_uplink(host, name)))
    {
        return false;
    }
    let at_vnic = || {
        host.vnic(name)
            .filter(|vnic| host.bridge_of(vnic) == at.role && (is_owner || host.learns_at(vnic)))
            .is_some_and(|vnic| Admission::vnic(&vnic.membership).includes(*vlan))
    };
    let at_uplink = || {
        if at.port == PortNo::LOCAL {
            Admission::host_itself(host).includes(*vlan)
        } else {
            is_uplink(host, name)
                && Admission::uplink(host).includes(*vlan)
                && (!host.is_bonded() || bond::stands_for_all(host, ports) == Some(at.port))
        }
    };
    match (&host.bridges, at.role) {
        (Bridges::Chain(_), Role::Local) => at_vnic(),
        (Bridges::Chain(_), Role::Uplink) => at_vnic() || at_uplink(),
        (Bridges::Learning(_), Role::Learning) if !host.is_open() => at_vnic() || at_uplink(),
        (Bridges::Learning(_) | Bridges::AnyLearning, Role::Learning) => true,
        _ => false,
    }
}

/// The MAC address that a source flow stands for: the reverse of [`learned`], for flows read back
/// from a bridge with `role`. `None` for every other flow.
pub fn recover(role: Role, key: &FlowKey, flow: &Flow) -> Option<LearnedMac> {
    if Class::of(flow.cookie) != Some(Class::LearnedSource) || key.table != Table::Learn.into() {
        return None;
    }
    let exact = |field| match key.match_.get(field) {
        Some((value, None)) => Some(value),
        _ => None,
    };
    Some(LearnedMac {
        vlan: vlan::from_match(exact(OxmField::VlanVid)?)?,
        mac: openflow::MacAddr::from_u64(u64::try_from(exact(OxmField::EthSrc)?).ok()?),
        at: Location {
            role,
            port: PortNo(u32::try_from(exact(OxmField::InPort)?).ok()?),
        },
    })
}

/// Sends frames to the pinned addresses of `network` to their vNICs, on the bridge with `role` that
/// these are plugged into.
pub(super) fn pinned_destinations(
    builder: &mut Builder,
    host: &Host,
    role: Role,
    ports: &Ports,
    network: Vlan,
) {
    for vnic in host.vnics_at(role) {
        let member = vnic.membership.delivery(network).is_some();
        let there = ports.get(&vnic.port).is_some();
        if let (Some(mac), true, true) = (vnic.pinned_mac(), member, there) {
            let mut delivery = Delivery::default();
            delivery.add_vnic(vnic, network, ports);
            delivery.add_accepting(host, role, network, ports);
            let actions = match &host.bridges {
                Bridges::Chain(chain) if role == Role::Uplink => {
                    uplink::past_chain(host, chain, ports, network, &delivery)
                }
                _ => delivery.actions(network),
            };
            builder.flow(
                Table::Deliver,
                priority::SPECIFIC,
                to(network, mac),
                Class::Pinned,
                apply(actions),
            );
        }
    }
}

/// The flow by which a known source passes without telling the controller. It carries the ageing:
/// the switch removes it, and says so, once the address has been silent for long enough.
fn source(settings: &Controller, entry: &LearnedMac) -> (FlowKey, Flow) {
    let match_ = vlan::of(from_port(entry.at.port), entry.vlan).with(OxmField::EthSrc, entry.mac);
    let (key, known) = flow(
        Table::Learn,
        priority::SPECIFIC,
        match_,
        Class::LearnedSource,
        goto(next(entry.at.role)),
    );
    let idle_timeout = settings.mac_age.as_secs();
    (
        key,
        Flow {
            idle_timeout,
            ..known
        },
    )
}

/// Where frames go on to from [`Table::Learn`] of a bridge with `role`.
pub(super) fn next(role: Role) -> Table {
    match role {
        Role::Local => Table::Forward,
        _ => Table::Deliver,
    }
}

fn destinations(
    host: &Host,
    role: Role,
    ports: &Ports,
    entry: &LearnedMac,
) -> Vec<(FlowKey, Flow)> {
    let LearnedMac { vlan, mac, at } = *entry;
    let destination = |actions| {
        flow(
            Table::Deliver,
            priority::SPECIFIC,
            to(vlan, mac),
            Class::LearnedDestination,
            apply(actions),
        )
    };
    // A frame to where it came from goes nowhere. Open vSwitch sees to that for the frame itself,
    // but there must be no copy of it for the vNICs that accept everything either.
    let nowhere = || {
        flow(
            Table::Deliver,
            priority::EXCEPTION,
            vlan::of(from_port(at.port), vlan).with(OxmField::EthDst, mac),
            Class::LearnedDestination,
            Vec::new(),
        )
    };
    let at_vnic = || {
        ports
            .name(at.port)
            .is_some_and(|name| host.vnic(name).is_some())
    };
    match (&host.bridges, role, at.role) {
        (Bridges::Chain(_), Role::Local, Role::Local) => {
            vec![destination(to_port(host, ports, entry).actions(vlan))]
        }
        (Bridges::Chain(chain), Role::Uplink, Role::Local) => chain
            .uplink_patch()
            .and_then(|name| ports.get(name))
            .map(|chain_port| destination(uplink::into_chain(host, ports, vlan, chain_port)))
            .into_iter()
            .collect(),
        (_, Role::Uplink, Role::Uplink) | (_, Role::Learning, Role::Learning) => {
            let delivery = to_port(host, ports, entry);
            let actions = match &host.bridges {
                Bridges::Chain(chain) => uplink::past_chain(host, chain, ports, vlan, &delivery),
                _ => delivery.actions(vlan),
            };
            let mut flows = vec![destination(actions)];
            if host.has_accept(vlan) && !at_vnic() {
                flows.push(nowhere());
            }
            flows
        }
        _ => Vec::new(),
    }
}

/// The port of `entry`, tagged as its vNIC takes it, and the vNICs at the same bridge that accept
/// everything.
fn to_port(host: &Host, ports: &Ports, entry: &LearnedMac) -> Delivery {
    let mut delivery = Delivery::default();
    match ports.name(entry.at.port).and_then(|name| host.vnic(name)) {
        Some(vnic) => delivery.add_vnic(vnic, entry.vlan, ports),
        None if is_bond(host, ports, entry) => delivery.add_bond(),
        // Uplinks and the host itself take frames as they are on the way.
        None => delivery.add(entry.at.port, Tagging::Tagged),
    }
    delivery.add_accepting(host, entry.at.role, entry.vlan, ports);
    delivery
}

/// Frames of `network` to `mac`.
pub(super) fn to(network: Vlan, mac: openflow::MacAddr) -> Match {
    vlan::of(Match::new(), network).with(OxmField::EthDst, mac)
}

/// Whether `entry` is behind the bonded uplinks.
fn is_bond(host: &Host, ports: &Ports, entry: &LearnedMac) -> bool {
    host.is_bonded()
        && ports
            .name(entry.at.port)
            .is_some_and(|name| is_uplink(host, name))
}

fn is_uplink(host: &Host, name: &str) -> bool {
    host.uplinks.iter().any(|uplink| uplink == name)
}
