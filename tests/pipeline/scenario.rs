//! Random hosts, and frames for them.
//!
//! Names, VLANs and addresses come from small pools, so that chance makes them meet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bridgechain::simulate::{Frame, Headers, Tag};
use bridgechain::topology::{
    Attachment, Bridge, Bridges, Chain, ChainBridges, Copying, FailurePolicy, Function,
    FunctionKind, HealthCheck, Host, InlineInstance, Membership, Patch, Permission, PortSecurity,
    Promiscuous, Redundancy, Remote, TapInstance, UplinkMode, Vlan, Vnic,
};
use openflow::{DatapathId, MacAddr};
use proptest::bool::weighted;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::copying::scenario as copying;
use crate::rule;
use crate::world::{Heard, Station, World};

/// A host and frames that are sent there.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) world: World,
    pub(crate) probes: Vec<(Station, Frame)>,
}

const VLANS: [u16; 4] = [0, 10, 20, 30];
/// Two of them belong to no network, one of these to no network that there could be.
const VIDS: [u16; 6] = [0, 10, 20, 30, 40, 4095];
const VNICS: u8 = 5;
/// The most that a host has: two chains of three functions with three instances, two legs each, and one
/// leg that waits for the other.
const FUNCTION_PORTS: usize = 42;
/// An EtherType behind which nobody looks (IEEE 802, local experimental).
const EXPERIMENTAL: u16 = 0x88b5;

pub(crate) fn scenarios() -> impl Strategy<Value = Scenario> {
    let heard = vec((0..VLANS.len(), learnable(), any::<Index>()), 0..16);
    let room = vec(
        proptest::option::of(0..2_usize),
        VNICS as usize + VLANS.len(),
    );
    let parts = (
        host(),
        btree_set(port_name(), 0..6),
        vec(weighted(0.2), FUNCTION_PORTS),
        btree_set(leg(true), 0..3),
        btree_set(uplink_name(), 0..3),
        heard,
        room,
        vec(probe(), 1..32),
    );
    parts.prop_map(
        |(host, absent, down, failed, uplinks_down, heard, room, probes)| {
            let strays = ["stray0", "stray1", "stray2"].map(str::to_owned).to_vec();
            let ports = host.function_ports().zip(down);
            let down = ports.filter(|(_, is_down)| *is_down);
            let mut world = World {
                down: down
                    .map(|(port, _)| port.to_owned())
                    .chain(uplinks_down)
                    .collect(),
                host,
                absent,
                failed,
                strays,
                heard: Vec::new(),
            };
            let senders = world.senders();
            let heard: BTreeMap<(Vlan, MacAddr), Station> = heard
                .into_iter()
                .map(|(vlan, mac, at)| ((network(VLANS[vlan]), mac), at.get(&senders).clone()))
                .collect();
            world.heard = heard
                .into_iter()
                .map(|((vlan, mac), at)| Heard { vlan, mac, at })
                .collect();
            set_limits(&mut world, &room);
            let probes = probes
                .into_iter()
                .map(|probe| probe.sent_in(&world, &senders))
                .collect();
            Scenario { world, probes }
        },
    )
}

/// Limits the number of addresses of vNICs and networks, with so much room beyond those that were
/// learned.
fn set_limits(world: &mut World, room: &[Option<usize>]) {
    let limit = |used: usize, room: Option<usize>| Some(u32::try_from(used + room?).expect("few"));
    let (of_vnics, of_networks) = room.split_at(VNICS as usize);
    let vnics = world.host.vnics.iter().zip(of_vnics);
    let limits: Vec<Option<u32>> = vnics
        .map(|(vnic, room)| {
            let station = Station::Vnic(vnic.port.clone());
            limit(rule::count_at(world, &station), *room)
        })
        .collect();
    for (vnic, limit) in world.host.vnics.iter_mut().zip(limits) {
        vnic.security.max_macs = limit;
    }
    for (id, room) in VLANS.into_iter().zip(of_networks) {
        let used = rule::count_in(world, network(id));
        let limit = limit(used, *room);
        world
            .host
            .max_macs
            .extend(limit.map(|limit| (network(id), limit)));
    }
}

/// A frame in words that mean something on every host.
#[derive(Debug, Clone)]
struct Probe {
    from: Index,
    src: Source,
    dst: Dest,
    tags: Tags,
    headers: Option<Headers>,
    flow_hash: u32,
}

#[derive(Debug, Clone)]
enum Source {
    /// The address that is pinned to the sender, if there is one.
    Own,
    Address(MacAddr),
}

#[derive(Debug, Clone)]
enum Dest {
    /// An address that was heard, in the network where it was.
    Heard(Index),
    Address(MacAddr),
}

#[derive(Debug, Clone)]
enum Tags {
    /// As the sender has to tag frames of the network that is meant: that of the destination,
    /// or else this one.
    Fitting(usize),
    Exactly(Vec<Tag>),
}

fn probe() -> impl Strategy<Value = Probe> {
    let src = prop_oneof![Just(Source::Own), address().prop_map(Source::Address)];
    let dst = prop_oneof![
        any::<Index>().prop_map(Dest::Heard),
        address().prop_map(Dest::Address)
    ];
    let tags = prop_oneof![
        3 => (0..VLANS.len()).prop_map(Tags::Fitting),
        2 => tags().prop_map(Tags::Exactly),
    ];
    let headers = proptest::option::of(copying::headers());
    (any::<Index>(), src, dst, tags, headers, any::<u32>()).prop_map(
        |(from, src, dst, tags, headers, flow_hash)| Probe {
            from,
            src,
            dst,
            tags,
            headers,
            flow_hash,
        },
    )
}

impl Probe {
    fn sent_in(self, world: &World, senders: &[Station]) -> (Station, Frame) {
        let from = self.from.get(senders).clone();
        let vnic = match &from {
            Station::Vnic(port) => world.host.vnic(port),
            _ => None,
        };
        let src = match self.src {
            Source::Own => vnic
                .and_then(|vnic| vnic.mac)
                .unwrap_or(learnable_address(0)),
            Source::Address(mac) => mac,
        };
        let (dst, vlan) = match self.dst {
            Dest::Heard(index) if !world.heard.is_empty() => {
                let heard = index.get(&world.heard);
                (heard.mac, Some(heard.vlan))
            }
            Dest::Heard(_) => (MacAddr::BROADCAST, None),
            Dest::Address(mac) => (mac, None),
        };
        let tags = match self.tags {
            Tags::Exactly(tags) => tags,
            Tags::Fitting(other) => {
                let vlan = vlan.unwrap_or(network(VLANS[other]));
                let untagged = vnic.map(|vnic| vnic.membership.untagged_ingress());
                match untagged.unwrap_or(Some(Vlan::UNTAGGED)) == Some(vlan) {
                    true => Vec::new(),
                    false => vec![Tag::new(vlan.id())],
                }
            }
        };
        let frame = Frame {
            tags,
            ..Frame::new(src, dst)
        };
        let headers = match from {
            Station::HostItself => copying::of_tunnel(&world.host, self.flow_hash).or(self.headers),
            _ => self.headers,
        };
        let frame = match headers {
            Some(headers) => frame.carrying(headers),
            None => Frame {
                ethertype: EXPERIMENTAL,
                flow_hash: self.flow_hash,
                ..frame
            },
        };
        (from, frame)
    }
}

fn network(id: u16) -> Vlan {
    Vlan::new(id).expect("the pool has valid VLANs only")
}

/// The address of the vNIC `index`, where it has one.
fn pinned(index: u8) -> MacAddr {
    MacAddr([0x52, 0x54, 0, 0, 0, index])
}

/// An address that is in no configuration.
fn learnable_address(index: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 1, index])
}

/// Mostly addresses that may be learned: half of those that vNICs have belong to VMs that roam.
fn learnable() -> impl Strategy<Value = MacAddr> {
    prop_oneof![4 => (0..4_u8).prop_map(learnable_address), 2 => address()]
}

/// Any kind of address, more often those that somebody has.
fn address() -> impl Strategy<Value = MacAddr> {
    prop_oneof![
        6 => (0..VNICS).prop_map(pinned),
        6 => (0..4_u8).prop_map(learnable_address),
        1 => Just(MacAddr::BROADCAST),
        1 => Just(MacAddr([0x33, 0x33, 0, 0, 0, 0x16])),
        1 => Just(MacAddr([0x01, 0x80, 0xc2, 0, 0, 0x0e])),
        1 => Just(MacAddr([0x01, 0x80, 0xc2, 0, 0, 0x10])),
        // That of a probe.
        1 => Just(MacAddr([0x02, 0x62, 0x63, 0x68, 0, 1])),
    ]
}

fn tags() -> impl Strategy<Value = Vec<Tag>> {
    let tag = (
        select(&VIDS[..]),
        0..8_u8,
        prop_oneof![4 => Just(Tag::CUSTOMER), 1 => Just(Tag::SERVICE)],
    )
        .prop_map(|(vid, pcp, tpid)| Tag { tpid, pcp, vid });
    prop_oneof![
        4 => Just(Vec::new()),
        6 => vec(tag.clone(), 1),
        1 => vec(tag, 2),
    ]
}

/// A port of the configuration.
fn port_name() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..VNICS).prop_map(|index| format!("vm{index}")),
        uplink_name(),
        function_port(),
    ]
}

fn uplink_name() -> impl Strategy<Value = String> {
    (0..3_u8).prop_map(|index| format!("eth{index}"))
}

/// A port of a network function, as [`RawFunction::named`] calls it.
fn function_port() -> impl Strategy<Value = String> {
    let tap = (0..2_u8, 0..3_u8, 0..3_u8)
        .prop_map(|(chain, position, instance)| tap_port(chain, position, instance));
    prop_oneof![tap, leg(true), leg(false)]
}

/// A leg of an inline function.
fn leg(is_ingress: bool) -> impl Strategy<Value = String> {
    (0..2_u8, 0..3_u8, 0..3_u8).prop_map(move |(chain, position, instance)| {
        leg_port(chain, position, instance, is_ingress)
    })
}

fn host() -> impl Strategy<Value = Host> {
    let networks = subsequence(VLANS.to_vec(), 1..=VLANS.len())
        .prop_map(|ids| ids.into_iter().map(network).collect::<BTreeSet<_>>());
    networks.prop_flat_map(|networks| {
        let vnics = (0..=VNICS)
            .prop_flat_map({
                let networks = networks.clone();
                move |count| {
                    (0..count)
                        .map(|index| vnic(index, &networks))
                        .collect::<Vec<_>>()
                }
            })
            .boxed();
        let elsewhere = btree_set(
            (select(VLANS.to_vec()).prop_map(network), learnable()),
            0..3,
        );
        (layout(), uplinks(), vnics, vec(chain(), 0..3), elsewhere).prop_map(
            move |(bridges, (uplink_mode, uplinks), vnics, chains, elsewhere)| {
                let mut host = Host {
                    bridges,
                    uplinks: (0..uplinks).map(|index| format!("eth{index}")).collect(),
                    uplink_mode,
                    vm_macs: of_vms(&vnics).chain(elsewhere).collect(),
                    networks: networks.clone(),
                    vnics,
                    ..bare_host()
                };
                match &host.bridges {
                    Bridges::Chain(ChainBridges {
                        service: Some(_), ..
                    }) => {
                        host.chains = disjoint(&host, chains);
                    }
                    Bridges::Chain(_) => {}
                    Bridges::Learning(_) if host.is_open() => host.uplinks.clear(),
                    Bridges::Learning(_) => {
                        for vnic in &mut host.vnics {
                            vnic.attachment = Attachment::Normal;
                        }
                    }
                    Bridges::AnyLearning => {
                        host.vnics.clear();
                        host.uplinks.clear();
                    }
                }
                host
            },
        )
    })
}

fn uplinks() -> impl Strategy<Value = (UplinkMode, u8)> {
    let mode = select(
        &[
            UplinkMode::Separate,
            UplinkMode::ActiveBackup,
            UplinkMode::Balance,
        ][..],
    );
    (mode, 0..4_u8)
}

/// The pinned addresses of vNICs, with the networks of each.
fn of_vms(vnics: &[Vnic]) -> impl Iterator<Item = (Vlan, MacAddr)> {
    vnics.iter().flat_map(|vnic| {
        let vlans = vnic.membership.vlans().into_iter();
        vlans.filter_map(|vlan| Some((vlan, vnic.mac?)))
    })
}

/// A host with a service bridge, and nothing on it.
pub(crate) fn bare_host() -> Host {
    Host {
        name: "node1".to_owned(),
        bridges: with_service(),
        uplinks: Vec::new(),
        uplink_mode: UplinkMode::default(),
        max_macs: BTreeMap::new(),
        ovsdb: None,
        ovsdb_tls: None,
        vm_macs: BTreeSet::new(),
        networks: BTreeSet::new(),
        vnics: Vec::new(),
        chains: Vec::new(),
        found_functions: BTreeMap::new(),
    }
}

fn bridge(name: &str) -> Bridge {
    Bridge {
        name: name.to_owned(),
        datapath_id: DatapathId(1),
    }
}

fn patch(left: &str, right: &str) -> Patch {
    Patch {
        left: left.to_owned(),
        right: right.to_owned(),
    }
}

fn with_service() -> Bridges {
    Bridges::Chain(ChainBridges {
        local: bridge("br0.local"),
        service: Some(bridge("br.nf")),
        uplink: bridge("br0"),
        patches: vec![
            patch("local-nf", "nf-local"),
            patch("nf-uplink", "uplink-nf"),
        ],
    })
}

fn layout() -> impl Strategy<Value = Bridges> {
    let without_service = Bridges::Chain(ChainBridges {
        local: bridge("br0.local"),
        service: None,
        uplink: bridge("br0"),
        patches: vec![patch("local-uplink", "uplink-local")],
    });
    prop_oneof![
        6 => Just(with_service()),
        2 => Just(without_service),
        2 => Just(Bridges::Learning(bridge("br0"))),
        1 => Just(Bridges::AnyLearning),
    ]
}

fn vnic(index: u8, networks: &BTreeSet<Vlan>) -> impl Strategy<Value = Vnic> + use<> {
    let networks: Vec<Vlan> = networks.iter().copied().collect();
    let tagged: Vec<Vlan> = networks
        .iter()
        .copied()
        .filter(|vlan| vlan.is_tagged())
        .collect();
    let access = select(networks.clone()).prop_map(Membership::Access);
    let count = tagged.len();
    let membership = if tagged.is_empty() {
        access.boxed()
    } else {
        let trunked = (
            subsequence(tagged, 1..=count),
            proptest::option::of(select(networks)),
        )
            .prop_map(|(tagged, native)| Membership::Trunked {
                tagged: tagged.into_iter().collect(),
                native,
            });
        prop_oneof![access, trunked].boxed()
    };
    let attachment = prop_oneof![3 => Just(Attachment::Normal), 1 => Just(Attachment::Direct)];
    let parts = (membership, any::<bool>(), any::<bool>(), attachment);
    parts.prop_flat_map(move |(membership, has_mac, roams, attachment)| {
        (promiscuous(has_mac), security(has_mac)).prop_map(move |(promiscuous, security)| Vnic {
            vm: format!("VM-{}", index / 2),
            promiscuous,
            attachment,
            security,
            roams,
            ..plain_vnic(
                &format!("vm{index}"),
                has_mac.then(|| pinned(index)),
                membership.clone(),
            )
        })
    })
}

/// To reject anything takes an address of one's own.
fn promiscuous(has_mac: bool) -> impl Strategy<Value = Promiscuous> {
    prop_oneof![
        3 => Just(Promiscuous::Bum),
        1 => Just(Promiscuous::Accept),
        u32::from(has_mac) => Just(Promiscuous::Reject),
    ]
}

fn security(has_mac: bool) -> impl Strategy<Value = PortSecurity> {
    let permission = move || {
        prop_oneof![
            3 => Just(Permission::Accept),
            u32::from(has_mac) => Just(Permission::Reject),
        ]
    };
    let storm_limit = proptest::option::of(1..1000_u32);
    (permission(), permission(), storm_limit).prop_map(
        |(forged_transmits, mac_changes, storm_limit)| PortSecurity {
            forged_transmits,
            mac_changes,
            max_macs: None,
            storm_limit,
        },
    )
}

/// A vNIC without anything special.
pub(crate) fn plain_vnic(port: &str, mac: Option<MacAddr>, membership: Membership) -> Vnic {
    Vnic {
        vm: "VM".to_owned(),
        port: port.to_owned(),
        mac,
        membership,
        promiscuous: Promiscuous::default(),
        attachment: Attachment::default(),
        security: PortSecurity::default(),
        found_by: None,
        roams: false,
    }
}

/// Networks, VMs and functions.
type RawChain = (BTreeSet<Vlan>, BTreeSet<String>, Vec<RawFunction>);

#[derive(Debug, Clone)]
struct RawFunction {
    kind: RawKind,
    enabled: bool,
    redundancy: Redundancy,
    /// Which of its instances are enabled.
    instances: Vec<bool>,
    /// Whether one more has its ingress leg only, if it is inline.
    waiting: bool,
}

#[derive(Debug, Clone)]
enum RawKind {
    /// Its instances are alike.
    Tap(Copying, Option<Remote>),
    Inline {
        shadow: bool,
        policy: FailurePolicy,
    },
}

impl RawFunction {
    /// The function at `position` in the chain numbered `chain`.
    fn named(self, chain: u8, position: u8) -> Function {
        let next = self.instances.len() as u8;
        let instances = (0..).zip(self.instances);
        let kind = match self.kind {
            RawKind::Tap(copying, remote) => FunctionKind::Tap {
                copying,
                instances: instances
                    .map(|(instance, enabled)| TapInstance {
                        port: tap_port(chain, position, instance),
                        enabled,
                        remote: remote.clone(),
                    })
                    .collect(),
            },
            RawKind::Inline { shadow, policy } => FunctionKind::Inline {
                shadow,
                failure_policy: policy,
                health_check: position.is_multiple_of(2).then_some(HealthCheck {
                    interval: Duration::from_secs(5),
                    timeout: Duration::from_secs(3),
                    success_threshold: 1,
                    failure_threshold: 1,
                }),
                instances: instances
                    .map(|(instance, enabled)| InlineInstance {
                        ingress: leg_port(chain, position, instance, true),
                        egress: leg_port(chain, position, instance, false),
                        enabled,
                    })
                    .collect(),
                waiting: (self.waiting.then(|| leg_port(chain, position, next, true)))
                    .into_iter()
                    .collect(),
            },
        };
        Function {
            name: format!("function{position}"),
            enabled: self.enabled,
            redundancy: self.redundancy,
            kind,
        }
    }
}

fn tap_port(chain: u8, position: u8, instance: u8) -> String {
    format!("ids{chain}{position}{instance}")
}

/// The port of a leg of an inline function.
fn leg_port(chain: u8, position: u8, instance: u8, is_ingress: bool) -> String {
    let side = if is_ingress { "in" } else { "out" };
    format!("ips{chain}{position}{instance}{side}")
}

fn function() -> impl Strategy<Value = RawFunction> {
    let policy = select(&[FailurePolicy::FailOpen, FailurePolicy::FailClose][..]);
    let shadow = prop_oneof![3 => Just(false), 1 => Just(true)];
    let inline = (shadow, policy).prop_map(|(shadow, policy)| RawKind::Inline { shadow, policy });
    let tap = (copying::copying(), copying::remote())
        .prop_map(|(copying, remote)| RawKind::Tap(copying, remote));
    let enabled = || prop_oneof![6 => Just(true), 1 => Just(false)];
    let redundancy = [Redundancy::ActiveActive, Redundancy::ActivePassive];
    let parts = (
        prop_oneof![1 => tap, 1 => inline],
        enabled(),
        select(redundancy.to_vec()),
        vec(enabled(), 0..4),
        prop_oneof![4 => Just(false), 1 => Just(true)],
    );
    parts.prop_map(|(kind, enabled, redundancy, mut instances, waiting)| {
        let is_tap = matches!(kind, RawKind::Tap(..));
        // A function has an instance, if only one that waits.
        if instances.is_empty() && (is_tap || !waiting) {
            instances.push(true);
        }
        RawFunction {
            kind,
            enabled,
            redundancy,
            instances,
            waiting,
        }
    })
}

fn chain() -> impl Strategy<Value = RawChain> {
    let networks =
        subsequence(VLANS.to_vec(), 0..=3).prop_map(|ids| ids.into_iter().map(network).collect());
    let vms = btree_set((0..3_u8).prop_map(|index| format!("VM-{index}")), 0..2);
    (networks, vms, vec(function(), 1..4))
}

/// The chains as far as they agree with each other: no network, be it that of a VM, is in two.
fn disjoint(host: &Host, chains: Vec<RawChain>) -> Vec<Chain> {
    let mut taken = BTreeSet::new();
    let mut kept = Vec::new();
    for (index, (networks, mut vms, functions)) in (0..).zip(chains) {
        // A VM that a chain inspects has no vNIC beside it.
        let direct = |vnic: &&Vnic| vnic.attachment == Attachment::Direct;
        vms.retain(|vm| host.vnics.iter().filter(direct).all(|vnic| vnic.vm != *vm));
        let networks: BTreeSet<Vlan> = networks.intersection(&host.networks).copied().collect();
        let of_vms = host.vnics.iter().filter(|vnic| vms.contains(&vnic.vm));
        let covered: BTreeSet<Vlan> = of_vms
            .flat_map(|vnic| vnic.membership.vlans())
            .chain(networks.clone())
            .collect();
        if covered.is_disjoint(&taken) {
            taken.extend(covered);
            let functions = (0..).zip(functions);
            let functions = functions
                .map(|(position, function)| function.named(index, position))
                .collect();
            kept.push(Chain {
                name: format!("chain{index}"),
                networks,
                vms,
                functions,
            });
        }
    }
    kept
}
