//! The uplink bridge: a learning switch between the uplinks, the host itself, direct vNICs and the
//! chain; and the single bridge that does the work of both ends without a chain.

use openflow::{Action, Match, PortNo};

use super::admission::{self, Admission};
use super::bond::{self, Bond};
use super::builder::{self, Builder, apply, apply_then, from_port};
use super::delivery::{self, Delivery};
use super::tables::{Table, priority};
use super::{bound, learning, underlay};
use crate::cookie::Class;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{ChainBridges, Controller, Host, Role, Tagging, Vlan};

/// The uplink bridge of a chain.
pub(super) fn compile(
    host: &Host,
    chain: &ChainBridges,
    settings: &Controller,
    ports: &Ports,
) -> Program {
    let mut builder = Builder::default();
    admit_outside(&mut builder, host, Role::Uplink, settings, ports);
    admit_vnics(&mut builder, host, Role::Uplink, ports);
    bound::note(&mut builder, host, Role::Uplink, ports);
    let chain_port = chain.uplink_patch().and_then(|name| ports.get(name));
    if let Some(chain_port) = chain_port {
        // What comes from the chain was admitted and learned on the local bridge. It may go back
        // there: to a guest on the same host.
        let mut actions = vec![builder::set_in_port(builder::NOBODY)];
        if host.is_bonded() {
            actions.push(bond::keep_origin());
        }
        builder.flow(
            Table::Classify,
            priority::DEFAULT,
            from_port(chain_port),
            Class::Pipeline,
            apply_then(actions, Table::Deliver),
        );
        for vnic in host.vnics_at(Role::Local) {
            let Some(mac) = vnic.pinned_mac() else {
                continue;
            };
            for network in vnic.membership.vlans() {
                builder.flow(
                    Table::Deliver,
                    priority::SPECIFIC,
                    learning::to(network, mac),
                    Class::Pinned,
                    apply(into_chain(host, ports, network, chain_port)),
                );
            }
        }
    }
    underlay::mark(&mut builder, host);
    for network in &host.networks {
        let outside = || outside(host, ports, *network);
        delivery::flood(&mut builder, host, *network, |bum| {
            let mut beyond = outside();
            beyond.add_members(host, Role::Uplink, *network, ports, bum);
            let mut actions: Vec<Action> = chain_port.into_iter().map(Action::output).collect();
            actions.push(builder::clear_mark());
            actions.extend(beyond.actions(*network));
            actions
        });
        let mut uplinks = vec![builder::clear_mark()];
        uplinks.extend(outside().actions(*network));
        underlay::confine(&mut builder, host, *network, uplinks);
        learning::pinned_destinations(&mut builder, host, Role::Uplink, ports, *network);
    }
    builder.finish()
}

/// The one bridge of a host without a chain.
pub(super) fn compile_single(host: &Host, settings: &Controller, ports: &Ports) -> Program {
    let mut builder = Builder::default();
    admit_outside(&mut builder, host, Role::Learning, settings, ports);
    admit_vnics(&mut builder, host, Role::Learning, ports);
    bound::note(&mut builder, host, Role::Learning, ports);
    for network in &host.networks {
        delivery::flood(&mut builder, host, *network, |bum| {
            let mut everywhere = outside(host, ports, *network);
            everywhere.add_members(host, Role::Learning, *network, ports, bum);
            everywhere.actions(*network)
        });
        learning::pinned_destinations(&mut builder, host, Role::Learning, ports, *network);
    }
    builder.finish()
}

/// Admission, source check and learning for the uplinks and the host itself.
fn admit_outside(
    builder: &mut Builder,
    host: &Host,
    role: Role,
    settings: &Controller,
    ports: &Ports,
) {
    builder.packet_in_meter(settings);
    admission::refuse_the_rest(builder, host);
    let bond = Bond::of(host, ports);
    let arrive: Vec<Action> = bond.iter().map(|_| bond::arrive()).collect();
    for port in host.uplinks.iter().filter_map(|uplink| ports.get(uplink)) {
        admission::classify_then(builder, port, &Admission::uplink(host), &arrive);
    }
    if let Some(bond) = bond {
        bond.compile(builder, host, role, settings, ports);
    }
    admission::classify(builder, PortNo::LOCAL, &Admission::host_itself(host));
    admission::refuse_multicast_source(builder);
    admission::refuse_spoofed(builder, host);
    admission::admit_roaming_outside(builder, host, ports);
    // The host's own stack may have marked its packets; on a bridge a mark means a vNIC.
    builder.flow(
        Table::Source,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        apply_then(vec![builder::clear_mark()], Table::Learn),
    );
    builder.add(builder::learn_miss(Table::Deliver));
}

/// Admission and source check for the vNICs at such a bridge.
fn admit_vnics(builder: &mut Builder, host: &Host, role: Role, ports: &Ports) {
    admission::classify_vnics(builder, host, role, ports);
    let onward = apply_then(vec![builder::clear_mark()], Table::Deliver);
    admission::admit_vnics(builder, host, role, ports, &onward);
}

/// Sends a frame of `network` to the guests behind the chain, and to the direct vNICs that see all
/// frames: it passes them by.
pub(super) fn into_chain(
    host: &Host,
    ports: &Ports,
    network: Vlan,
    chain_port: PortNo,
) -> Vec<Action> {
    let mut actions = vec![Action::output(chain_port)];
    if host.has_accept_at(Role::Uplink, network) {
        let mut accepting = Delivery::default();
        accepting.add_accepting(host, Role::Uplink, network, ports);
        actions.push(builder::clear_mark());
        actions.extend(accepting.actions(network));
    }
    actions
}

/// Sends a frame of `network` to what is not behind the chain; the vNICs behind it that see all
/// frames get a copy.
pub(super) fn past_chain(
    host: &Host,
    chain: &ChainBridges,
    ports: &Ports,
    network: Vlan,
    delivery: &Delivery,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let chain_port = chain.uplink_patch().and_then(|name| ports.get(name));
    if let Some(chain_port) = chain_port.filter(|_| host.has_accept_at(Role::Local, network)) {
        actions.extend([builder::mark_copy(), Action::output(chain_port)]);
    }
    actions.push(builder::clear_mark());
    actions.extend(delivery.actions(network));
    actions
}

/// The uplinks, and the host itself on the untagged network: frames look there as they do on the
/// way.
fn outside(host: &Host, ports: &Ports, network: Vlan) -> Delivery {
    let mut outside = Delivery::default();
    if host.is_bonded() {
        outside.add_bond();
    } else {
        for port in host.uplinks.iter().filter_map(|uplink| ports.get(uplink)) {
            outside.add(port, Tagging::Tagged);
        }
    }
    if !network.is_tagged() {
        outside.add(PortNo::LOCAL, Tagging::Tagged);
    }
    outside
}
