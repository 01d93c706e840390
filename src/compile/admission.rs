//! The first tables of the bridges that guests, uplinks and the host itself are attached to:
//! which frames come in, in which network, and under which source address.
//!
//! An address of the configuration belongs to its vNIC, and no other port may use it. Where it is
//! pinned there is nothing to learn; the address of a VM that may run on several hosts is learned
//! wherever that is, at its own port or at an uplink.

use std::collections::{BTreeSet, HashMap};

use openflow::{Action, Instruction, Match, OxmField, PortNo};

use super::builder::{Builder, apply_then, from_port, goto, learn_miss, reserved_multicast};
use super::tables::{Table, priority};
use super::{builder, vlan};
use crate::cookie::Class;
use crate::ports::Ports;
use crate::topology::{Host, Membership, Role, Vlan, Vnic};

/// Refuses what no bridge takes from anywhere: reserved multicast, and ports that nothing is said
/// about.
pub(super) fn refuse_the_rest(builder: &mut Builder, host: &Host) {
    refuse_never_forwarded(builder);
    refuse_nested(builder, host);
    builder.drop(
        Table::Classify,
        priority::MISS,
        Match::new(),
        Class::DropPort,
    );
}

/// Refuses reserved multicast, and a priority tag around another tag: without its priority tag
/// such a frame would go on in a VLAN of the sender's choice.
///
/// How deep Open vSwitch looks into a frame is a setting (`other_config:vlan-limit`). With the
/// default of 1 the second tag is the type of the frame; with more it shows once the first is gone.
pub(super) fn refuse_never_forwarded(builder: &mut Builder) {
    builder.drop(
        Table::Classify,
        priority::ALWAYS,
        reserved_multicast(),
        Class::DropReserved,
    );
    for inner in [vlan::ETHERTYPE_8021Q, vlan::ETHERTYPE_8021AD] {
        builder.drop(
            Table::Classify,
            priority::EXCEPTION,
            vlan::priority_tagged(Match::new()).with(OxmField::EthType, inner),
            Class::DropVlan,
        );
    }
    builder.drop(
        Table::Source,
        priority::ALWAYS,
        vlan::uncovered(),
        Class::DropVlan,
    );
}

/// Refuses frames with two tags in networks that some trunked vNIC takes untagged. There the inner
/// tag would come to light and be taken for one of the vNIC's own networks, though the sender may be
/// no member of that.
fn refuse_nested(builder: &mut Builder, host: &Host) {
    for network in &host.networks {
        if network.is_tagged() && host.is_native_of_a_trunk(*network) {
            for inner in [vlan::ETHERTYPE_8021Q, vlan::ETHERTYPE_8021AD] {
                builder.drop(
                    Table::Classify,
                    priority::EXCEPTION,
                    vlan::of(Match::new(), *network).with(OxmField::EthType, inner),
                    Class::DropVlan,
                );
            }
        }
    }
}

/// The networks that a port's frames may belong to, by how they arrive.
pub(super) struct Admission {
    /// The network of untagged and of priority-tagged frames.
    untagged: Option<Vlan>,
    /// The VLAN ids that may be on a tag.
    tagged: BTreeSet<Vlan>,
}

impl Admission {
    /// What a vNIC with this membership may send.
    pub(super) fn vnic(membership: &Membership) -> Self {
        Self {
            untagged: membership.untagged_ingress(),
            tagged: membership.tagged_ingress().collect(),
        }
    }

    /// What may come from outside: every network of the topology, as it is on the wire.
    pub(super) fn uplink(host: &Host) -> Self {
        Self {
            untagged: native(host),
            tagged: host
                .networks
                .iter()
                .copied()
                .filter(|vlan| vlan.is_tagged())
                .collect(),
        }
    }

    /// What the host itself may send: its LOCAL port is an access port of the native network.
    pub(super) fn host_itself(host: &Host) -> Self {
        Self {
            untagged: native(host),
            tagged: BTreeSet::new(),
        }
    }

    /// Whether frames of `vlan` come in at all.
    pub(super) fn includes(&self, vlan: Vlan) -> bool {
        self.untagged == Some(vlan) || self.tagged.contains(&vlan)
    }
}

/// The untagged network, where the topology has one.
fn native(host: &Host) -> Option<Vlan> {
    host.networks.get(&Vlan::UNTAGGED).copied()
}

/// Classifies the frames of `port`: those admitted go on with the tag of their network, the
/// others are dropped and counted.
pub(super) fn classify(builder: &mut Builder, port: PortNo, admission: &Admission) {
    classify_then(builder, port, admission, &[]);
}

/// As [`classify`], with more `actions` on those admitted.
pub(super) fn classify_then(
    builder: &mut Builder,
    port: PortNo,
    admission: &Admission,
    actions: &[Action],
) {
    for (match_, tag) in admitted(port, admission) {
        builder.flow(
            Table::Classify,
            priority::SPECIFIC,
            match_,
            Class::Pipeline,
            apply_then([&tag, actions].concat(), Table::Source),
        );
    }
    builder.drop(
        Table::Classify,
        priority::DEFAULT,
        from_port(port),
        Class::DropVlan,
    );
}

/// [`classify`] for all vNICs at the bridge with `role`.
pub(super) fn classify_vnics(builder: &mut Builder, host: &Host, role: Role, ports: &Ports) {
    for vnic in host.vnics_at(role) {
        if let Some(port) = ports.get(&vnic.port) {
            classify_vnic(builder, port, vnic);
        }
    }
}

/// [`classify`] for a vNIC, whose broadcast and multicast may be limited: these pass a meter before
/// anything else is done with them.
fn classify_vnic(builder: &mut Builder, port: PortNo, vnic: &Vnic) {
    let admission = Admission::vnic(&vnic.membership);
    classify(builder, port, &admission);
    let Some(limit) = vnic.security.storm_limit else {
        return;
    };
    let name = format!("storm/{}", vnic.port);
    let meter = builder.meter(&name, builder::frames_per_second(limit));
    for (match_, tag) in admitted(port, &admission) {
        let mut metered = vec![Instruction::Meter(meter)];
        metered.extend(apply_then(tag, Table::Source));
        builder.flow(
            Table::Classify,
            priority::MULTICAST,
            builder::multicast(match_, OxmField::EthDst),
            Class::Pipeline,
            metered,
        );
    }
}

/// What is admitted at `port`, and what gives it the tag of its network.
fn admitted(port: PortNo, admission: &Admission) -> Vec<(Match, Vec<Action>)> {
    let tags = admission.untagged.into_iter();
    let tags = tags.flat_map(|network| [vlan::tag(network), vlan::retag(network)]);
    let tags = tags.chain(admission.tagged.iter().map(|_| Vec::new()));
    let admitted = admitted_to(port, admission).into_iter();
    admitted.map(|(match_, _)| match_).zip(tags).collect()
}

/// What is admitted at `port`, and to which network: untagged and priority-tagged frames first.
fn admitted_to(port: PortNo, admission: &Admission) -> Vec<(Match, Vlan)> {
    let port = from_port(port);
    let mut admitted = Vec::new();
    if let Some(network) = admission.untagged {
        admitted.push((vlan::untagged(port.clone()), network));
        admitted.push((vlan::priority_tagged(port.clone()), network));
    }
    for network in &admission.tagged {
        admitted.push((vlan::of(port.clone(), *network), *network));
    }
    admitted
}

/// Where frames of a network come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrance {
    /// The port.
    pub port: PortNo,
    /// The network.
    pub vlan: Vlan,
}

/// What the flows stand for that admit frames to the bridge of `host` with `role`, by their matches
/// in canonical form. All of them are in [`Table::Classify`].
pub fn entrances(host: &Host, role: Role, ports: &Ports) -> HashMap<Match, Entrance> {
    let vnics = host.vnics_at(role).filter_map(|vnic| {
        let admission = Admission::vnic(&vnic.membership);
        Some((ports.get(&vnic.port)?, admission))
    });
    let has_uplinks = matches!(role, Role::Uplink | Role::Learning);
    let uplinks = host.uplinks.iter().filter(|_| has_uplinks);
    let uplinks = uplinks.filter_map(|uplink| Some((ports.get(uplink)?, Admission::uplink(host))));
    let itself = has_uplinks.then(|| (PortNo::LOCAL, Admission::host_itself(host)));
    let mut entrances = HashMap::new();
    for (port, admission) in vnics.chain(uplinks).chain(itself) {
        for (match_, vlan) in admitted_to(port, &admission) {
            let limited = builder::multicast(match_.clone(), OxmField::EthDst);
            let entrance = Entrance { port, vlan };
            entrances.extend([match_, limited].map(|match_| (match_.canonical(), entrance)));
        }
    }
    entrances
}

/// Refuses frames whose source address is a multicast address: no station has one.
pub(super) fn refuse_multicast_source(builder: &mut Builder) {
    builder.drop(
        Table::Source,
        priority::ALWAYS,
        builder::multicast(Match::new(), OxmField::EthSrc),
        Class::DropSource,
    );
}

/// Refuses every MAC address of the host's vNICs as a source; [`admit_vnics`] and
/// [`admit_roaming_outside`] make the exceptions. For those of probes there is none: they are the
/// controller's own.
pub(super) fn refuse_spoofed(builder: &mut Builder, host: &Host) {
    if host.has_inline() {
        builder.drop(
            Table::Source,
            priority::PROBE,
            builder::from_probe(Match::new()),
            Class::DropSpoofed,
        );
    }
    for mac in host.vnics.iter().filter_map(|vnic| vnic.mac) {
        builder.drop(
            Table::Source,
            priority::SPECIFIC,
            Match::new().with(OxmField::EthSrc, mac),
            Class::DropSpoofed,
        );
    }
}

/// Lets every vNIC at the bridge with `role` use its own address. Where that is pinned there is nothing
/// to learn from these frames, so they go `onward` at once. What it sends from any other address is
/// refused where it may use no other, and goes on untold where none but its own is learned at its
/// port.
pub(super) fn admit_vnics(
    builder: &mut Builder,
    host: &Host,
    role: Role,
    ports: &Ports,
    onward: &[Instruction],
) {
    for vnic in host.vnics_at(role) {
        let Some(port) = ports.get(&vnic.port) else {
            continue;
        };
        let own = |mac| from_port(port).with(OxmField::EthSrc, mac);
        if let Some(mac) = vnic.pinned_mac() {
            builder.flow(
                Table::Source,
                priority::EXCEPTION,
                own(mac),
                Class::Pinned,
                onward.to_vec(),
            );
        }
        if let Some(mac) = vnic.roaming_mac() {
            let learn = match role {
                // There it gets its own mark.
                Role::Local => goto(Table::Learn),
                _ => apply_then(vec![builder::clear_mark()], Table::Learn),
            };
            builder.flow(
                Table::Source,
                priority::EXCEPTION,
                own(mac),
                Class::Pipeline,
                learn,
            );
        }
        let others = from_port(port);
        if host.is_held_to_its_address(vnic) {
            builder.drop(Table::Source, priority::DEFAULT, others, Class::DropForged);
        } else if !host.learns_at(vnic) {
            builder.flow(
                Table::Source,
                priority::DEFAULT,
                others,
                Class::Pipeline,
                onward.to_vec(),
            );
        }
    }
}

/// Lets the addresses of VMs that may run on other hosts as well come from there, to be learned.
pub(super) fn admit_roaming_outside(builder: &mut Builder, host: &Host, ports: &Ports) {
    for port in host.uplinks.iter().filter_map(|uplink| ports.get(uplink)) {
        for mac in host.vnics.iter().filter_map(Vnic::roaming_mac) {
            builder.flow(
                Table::Source,
                priority::EXCEPTION,
                from_port(port).with(OxmField::EthSrc, mac),
                Class::Pipeline,
                apply_then(vec![builder::clear_mark()], Table::Learn),
            );
        }
    }
}

/// Sends unknown sources to the controller; known or not, frames go on to `next`.
pub(super) fn learn(builder: &mut Builder, next: Table) {
    builder.flow(
        Table::Source,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        goto(Table::Learn),
    );
    builder.add(learn_miss(next));
}
