//! The local bridge: VLAN access and trunk, anti-spoofing, delivery to vNICs.

use openflow::{
    Action, Learn, LearnDestination, LearnFlags, LearnSource, LearnSpec, Match, OxmField, PortNo,
};

use super::admission;
use super::builder::{self, Builder, apply, apply_then, from_port, goto};
use super::delivery::{self, Delivery};
use super::remembered::Share;
use super::tables::{Table, priority};
use super::{bound, mark, vlan};
use crate::cookie::Class;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{ChainBridges, Controller, Host, Role, Vlan};

pub(super) fn compile(
    host: &Host,
    chain: &ChainBridges,
    settings: &Controller,
    ports: &Ports,
) -> Program {
    let mut builder = Builder::default();
    builder.packet_in_meter(settings);
    admission::refuse_the_rest(&mut builder, host);
    admission::classify_vnics(&mut builder, host, Role::Local, ports);
    admission::refuse_multicast_source(&mut builder);
    admission::refuse_spoofed(&mut builder, host);
    let onward = goto(Table::Forward);
    admission::admit_vnics(&mut builder, host, Role::Local, ports, &onward);
    admission::learn(&mut builder, Table::Forward);
    if let Some(chain_port) = chain.local_patch().and_then(|name| ports.get(name)) {
        forward(&mut builder, host, settings, ports, chain_port);
        take_back(&mut builder, host, ports, chain_port);
    }
    bound::note(&mut builder, host, Role::Local, ports);
    for network in &host.networks {
        deliver(&mut builder, host, ports, *network);
    }
    builder.finish()
}

/// Sends every frame of a vNIC along the chain, marked with its port.
///
/// An inline function loses the mark. So on a host that has one, the switch itself remembers which
/// port an address was seen at: from its very first frame, and also while the controller is away.
fn forward(
    builder: &mut Builder,
    host: &Host,
    settings: &Controller,
    ports: &Ports,
    chain_port: PortNo,
) {
    let mut forward = |priority, match_, remember: Option<Action>| {
        let mut actions = vec![builder::clear_mark(), builder::in_port_to_mark()];
        actions.extend(remember);
        actions.push(Action::output(chain_port));
        builder.flow(
            Table::Forward,
            priority,
            match_,
            Class::Pipeline,
            apply(actions),
        );
    };
    if !host.has_inline() {
        forward(priority::MISS, Match::new(), None);
        return;
    }
    for vnic in host.vnics_at(Role::Local) {
        if let Some(port) = ports.get(&vnic.port) {
            let share = Share::of(vnic, port);
            let remember = remember_port(settings, share);
            forward(priority::SPECIFIC, from_port(port), Some(remember));
        }
    }
}

/// Takes frames back from the chain: restores the port of those that came from a vNIC, and tells
/// copies from the rest.
fn take_back(builder: &mut Builder, host: &Host, ports: &Ports, chain_port: PortNo) {
    builder.flow(
        Table::Classify,
        priority::DEFAULT,
        from_port(chain_port),
        Class::Pipeline,
        goto(Table::Return),
    );
    if host.has_inline() {
        restore_mark(builder, host, ports);
    }
    // The port of frames from the uplink becomes 0, which is nobody's.
    builder.flow(
        Table::Return,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        apply_then(vec![builder::mark_to_in_port()], Table::Dispatch),
    );
    builder.flow(
        Table::Dispatch,
        priority::SPECIFIC,
        Match::new().with_masked(OxmField::PktMark, mark::COPY, mark::COPY),
        Class::Pipeline,
        apply_then(vec![builder::clear_mark()], Table::Copy),
    );
    builder.flow(
        Table::Dispatch,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        apply_then(vec![builder::clear_mark()], Table::Deliver),
    );
}

/// Restores the mark of frames that come from an inline function, by their source address. The
/// addresses of the configuration come from their own vNICs only; the others the switch has
/// remembered.
fn restore_mark(builder: &mut Builder, host: &Host, ports: &Ports) {
    builder.flow(
        Table::Return,
        priority::SPECIFIC,
        Match::new().with_masked(OxmField::PktMark, mark::INSPECTED, mark::INSPECTED),
        Class::Pipeline,
        apply_then(
            vec![
                // What the switch remembers can only be actions, so the way on is here.
                builder::resubmit(Table::Restore.into()),
                builder::mark_to_in_port(),
            ],
            Table::Dispatch,
        ),
    );
    for vnic in host.vnics_at(Role::Local) {
        if let (Some(mac), Some(port)) = (vnic.mac, ports.get(&vnic.port)) {
            builder.flow(
                Table::Restore,
                priority::SPECIFIC,
                Match::new().with(OxmField::EthSrc, mac),
                Class::Pinned,
                apply(vec![builder::mark_port(port)]),
            );
        }
    }
    builder.flow(
        Table::Restore,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        apply(vec![builder::mark_port(builder::NOBODY)]),
    );
}

/// Makes the switch remember the port of a frame by network and source address.
fn remember_port(settings: &Controller, share: Share) -> Action {
    let spec = |bits, from, to| LearnSpec {
        bits,
        src: LearnSource::Field(from, 0),
        dst: to,
    };
    let same = |bits, field| spec(bits, field, LearnDestination::Match(field, 0));
    Action::Learn(Box::new(Learn {
        idle_timeout: settings.mac_age.as_secs(),
        hard_timeout: 0,
        priority: priority::DEFAULT,
        cookie: share.cookie(),
        flags: LearnFlags::empty(),
        table_id: Table::Restore.into(),
        fin_idle_timeout: 0,
        fin_hard_timeout: 0,
        limit: share.limit(),
        specs: vec![
            same(vlan::VID_BITS, OxmField::NxVlanTci),
            same(48, OxmField::NxEthSrc),
            spec(
                mark::PORT_BITS,
                OxmField::NxInPort,
                LearnDestination::Load(OxmField::PktMark, 0),
            ),
        ],
    }))
}

/// Delivers the frames of one network: to the vNIC that an address is pinned to, copies to those
/// that accept everything, and all else to all members that see it.
fn deliver(builder: &mut Builder, host: &Host, ports: &Ports, network: Vlan) {
    delivery::flood(builder, host, network, |bum| {
        let mut members = Delivery::default();
        members.add_members(host, Role::Local, network, ports, bum);
        members.actions(network)
    });
    if host.has_accept_at(Role::Local, network) {
        let mut accepting = Delivery::default();
        accepting.add_accepting(host, Role::Local, network, ports);
        builder.flow(
            Table::Copy,
            priority::DEFAULT,
            vlan::of(Match::new(), network),
            Class::Pipeline,
            apply(accepting.actions(network)),
        );
    }
    super::learning::pinned_destinations(builder, host, Role::Local, ports, network);
}
