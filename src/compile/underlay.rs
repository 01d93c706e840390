//! What the tunnels of a host send by its uplink bridge: copies on their way to remote sinks.
//!
//! Open vSwitch (in user space) puts an encapsulated frame through the flows of the bridge that the
//! route leads to, as if it came from that bridge's LOCAL port; with the datapath of the kernel it
//! really does. It is a frame of the host itself then, and its network may have taps. So such frames
//! are [marked](mark), and stay out of the chains: a copy of a copy would be without end. The same goes
//! for the question where the sink is, which Open vSwitch asks for each copy as long as there is no
//! answer.

use std::net::IpAddr;

use openflow::{Action, Match, OxmField, PortNo};

use super::builder::{self, Builder, apply_then, from_port};
use super::mark;
use super::tables::{Table, priority};
use crate::cookie::Class;
use crate::protocols::ethertype::{ARP, IPV4, IPV6};
use crate::protocols::ip::{GRE, ICMPV6, UDP};
use crate::protocols::{ARP_REQUEST, NEIGHBOR_SOLICITATION, VXLAN_PORT};
use crate::topology::{Host, Remote, Tunnel, Vlan};

/// Marks what the host sends for its tunnels, between the source check and learning.
pub(super) fn mark(builder: &mut Builder, host: &Host) {
    for (_, remote) in host.remotes() {
        for (frames, mark) in [
            (carrier(remote), mark::TUNNEL),
            (question(remote), mark::QUESTION),
        ] {
            builder.flow(
                Table::Source,
                priority::DEFAULT,
                frames,
                Class::Pipeline,
                apply_then(
                    vec![Action::set_field(OxmField::PktMark, mark)],
                    Table::Learn,
                ),
            );
        }
    }
}

/// Sends what the tunnels send in `network` to an unknown address by the uplinks only: it may be
/// unknown for long, as a sink says nothing, and the guests must not see copies.
pub(super) fn confine(builder: &mut Builder, host: &Host, network: Vlan, uplinks: Vec<Action>) {
    if host.remotes().next().is_none() || network.is_tagged() {
        return;
    }
    let unicast = builder::unicast(super::vlan::of(Match::new(), network), OxmField::EthDst);
    builder.flow(
        Table::Deliver,
        priority::CONFINED,
        unicast.with(OxmField::PktMark, mark::TUNNEL),
        Class::Flood,
        builder::apply(uplinks),
    );
}

/// The frames that carry copies to a sink.
fn carrier(remote: &Remote) -> Match {
    let from_host = from_port(PortNo::LOCAL);
    let to_sink = match remote.ip {
        IpAddr::V4(ip) => from_host
            .with(OxmField::EthType, IPV4)
            .with(OxmField::Ipv4Dst, ip.to_bits()),
        IpAddr::V6(ip) => from_host
            .with(OxmField::EthType, IPV6)
            .with(OxmField::Ipv6Dst, ip.to_bits()),
    };
    match remote.tunnel {
        Tunnel::Vxlan { .. } => to_sink
            .with(OxmField::IpProto, UDP)
            .with(OxmField::UdpDst, VXLAN_PORT),
        Tunnel::Gre { .. } | Tunnel::Erspan { .. } => to_sink.with(OxmField::IpProto, GRE),
    }
}

/// The frames that ask for the way to a sink. It may lead through a router, so all that ask for an
/// address of its kind.
fn question(remote: &Remote) -> Match {
    let from_host = from_port(PortNo::LOCAL);
    match remote.ip {
        IpAddr::V4(_) => from_host
            .with(OxmField::EthType, ARP)
            .with(OxmField::ArpOp, ARP_REQUEST),
        IpAddr::V6(_) => from_host
            .with(OxmField::EthType, IPV6)
            .with(OxmField::IpProto, ICMPV6)
            .with(OxmField::Icmpv6Type, NEIGHBOR_SOLICITATION),
    }
}
