//! The rule: who sees a frame, stated directly.
//!
//! This is sections 1 and 7 of the design in the form of a program, and shares nothing with the
//! compiler but the types of the topology.

use bridgechain::simulate::Frame;
use bridgechain::topology::{
    Attachment, Bridges, Chain, FailurePolicy, Function, FunctionKind, Membership, Permission,
    Promiscuous, Tagging, UplinkMode, Vlan, Vnic,
};
use openflow::MacAddr;

use crate::compiled;
use crate::copying::{self, Way};
use crate::world::{Heard, Look, Outcome, Station, World, share_name};

/// What becomes of `frame`, sent by `from`. Of the taps that do not get every conversation,
/// `is_sampled` says by their names whether they get this one.
pub(crate) fn outcome(
    world: &World,
    from: &Station,
    frame: &Frame,
    is_sampled: &dyn Fn(&str) -> bool,
) -> Outcome {
    let mut outcome = Outcome::default();
    if let (Station::FunctionPort(port), true) = (from, is_of_probes(world, frame.src)) {
        outcome.reported = is_probed(world, port);
        // What one leg brings is bounded by itself.
        outcome.metered = outcome.reported;
        return outcome;
    }
    let Some((vlan, payload)) = network_of(world, from, frame) else {
        return outcome;
    };
    if is_reserved(frame.dst) {
        return outcome;
    }
    let limit = vnic_of(world, from).and_then(|vnic| vnic.security.storm_limit);
    outcome.metered = limit.is_some() && frame.dst.is_multicast();
    if frame.src.is_multicast()
        || is_spoofed(world, from, frame.src)
        || must_have_own(world, from) && owner(world, frame.src).is_none()
        || is_one_too_many(world, from, vlan, frame.src)
    {
        return outcome;
    }
    if !arrives(world, from, frame) {
        return outcome;
    }
    let from_place = place(world, from);
    outcome.reported = !is_pinned(world, frame.src)
        && is_learned_from(world, from, frame.src)
        && location(world, vlan, frame.src) != Some(from_place.clone());

    let destination = destination(world, vlan, frame.dst);
    let is_unknown = matches!(destination, Destination::Everywhere);
    let (mut guests, mut outside, is_inspected) = match destination {
        Destination::At(station) if station == from_place && !is_vnic(from) => return outcome,
        Destination::At(vnic) if is_guest(world, &vnic) => {
            let guests = accepting(world, vlan).chain([vnic]).collect();
            (guests, Vec::new(), true)
        }
        Destination::At(station) => {
            let guests: Vec<Station> = accepting(world, vlan).collect();
            (guests, vec![station], is_guest(world, from))
        }
        Destination::Absent => (flooded(world, vlan, frame.dst).collect(), Vec::new(), true),
        Destination::Everywhere => {
            let guests = flooded(world, vlan, frame.dst).collect();
            let outside = outside(world, vlan).into_iter();
            let outside = outside
                .chain(direct_flooded(world, vlan, frame.dst))
                .collect();
            (guests, outside, true)
        }
    };
    // Whatever becomes of it, it comes past the direct vNICs.
    outside.extend(direct_accepting(world, vlan));
    // What carries copies to a sink would be copied again; and while the sink says nothing, its
    // address may be unknown, but the guests must not see what was copied.
    let carries = copying::carries(world, from, frame);
    if carries && !frame.dst.is_multicast() && is_unknown {
        guests.clear();
        outside.retain(|station| !is_vnic(station));
    }
    let is_inspected = is_inspected && !carries && !copying::asks(world, from, frame);
    let mut seen = Vec::new();
    if is_inspected {
        let way = Way {
            vlan,
            frame,
            payload: &payload,
            is_from_guest: is_guest(world, from),
            is_sampled,
        };
        let inspection = inspect(world, from, &way);
        seen = inspection.seen;
        for copy in inspection.copies {
            *outcome.seen.entry(copy).or_default() += 1;
        }
        // The chain is between the guests and all else, and a guest's frame passes it first.
        if inspection.is_stopped {
            guests.clear();
        }
        if inspection.is_stopped && is_guest(world, from) {
            outside.clear();
        }
    }
    seen.extend(guests);
    seen.extend(by_uplinks(world, from, frame, outside));
    seen.sort();
    seen.dedup();
    for station in seen.into_iter().filter(|station| station != from) {
        let mut tags = match tagging(world, &station, vlan) {
            Tagging::Tagged if vlan.is_tagged() => vec![vlan.id()],
            _ => Vec::new(),
        };
        tags.extend_from_slice(&payload);
        let whole = (station, Look::whole(tags));
        *outcome.seen.entry(whole).or_default() += 1;
    }
    outcome
}

/// Whether the controller may take `heard` over: its port is there and a member of the network,
/// and the address is a unicast one that belongs to no configured vNIC, or to one whose VM may be
/// on other hosts as well: that is learned at its own port, or outside.
pub(crate) fn may_be_learned(world: &World, heard: &Heard) -> bool {
    let is_there = match &heard.at {
        Station::Vnic(port) | Station::Uplink(port) => world.is_there(port),
        Station::HostItself => true,
        Station::Stray(_) => world.is_open(),
        Station::FunctionPort(_) | Station::Function(_) => false,
    };
    let may_have = match owner(world, heard.mac) {
        Some(vnic) => vnic.roams && !is_spoofed(world, &heard.at, heard.mac),
        None => is_learned_from(world, &heard.at, heard.mac),
    };
    is_there
        && may_have
        && place(world, &heard.at) == heard.at
        && !heard.mac.is_multicast()
        && !is_of_probes(world, heard.mac)
        && admits(world, &heard.at, heard.vlan)
}

/// The network that a frame belongs to and the VLAN ids that are its payload; `None` where the
/// sender may not send it.
fn network_of(world: &World, from: &Station, frame: &Frame) -> Option<(Vlan, Vec<u16>)> {
    let vids: Vec<u16> = frame.tags.iter().map(|tag| tag.vid).collect();
    let (vlan, payload) = match vids.as_slice() {
        // Untagged is what is left of it: what the inner tag says would come into force.
        [0, _, ..] => return None,
        [] | [0] => (untagged_network(world, from)?, Vec::new()),
        [vid, payload @ ..] => {
            let vlan = Vlan::new(*vid)?;
            if !admits_tag(world, from, vlan) {
                return None;
            }
            // Who takes this network untagged and others tagged would mistake the inner tag.
            if !payload.is_empty() && is_native_of_a_trunk(world, vlan) {
                return None;
            }
            (vlan, payload.to_vec())
        }
    };
    Some((vlan, payload))
}

/// Whether some trunked vNIC of the host gets the frames of `vlan` without their tag.
fn is_native_of_a_trunk(world: &World, vlan: Vlan) -> bool {
    world.host.vnics.iter().any(|vnic| match &vnic.membership {
        Membership::Access(_) => false,
        Membership::Trunked { tagged, native } => {
            *native == Some(vlan) && !tagged.is_empty() && !tagged.contains(&vlan)
        }
    })
}

/// Whether frames of `vlan` may come from `from` at all.
fn admits(world: &World, from: &Station, vlan: Vlan) -> bool {
    untagged_network(world, from) == Some(vlan) || vlan.is_tagged() && admits_tag(world, from, vlan)
}

/// The network of untagged frames from `from`.
fn untagged_network(world: &World, from: &Station) -> Option<Vlan> {
    let native = world.host.networks.get(&Vlan::UNTAGGED).copied();
    match from {
        _ if world.is_open() => Some(Vlan::UNTAGGED),
        Station::Vnic(port) => match world.host.vnic(port)?.membership {
            Membership::Access(vlan) => Some(vlan),
            Membership::Trunked { native, .. } => native,
        },
        Station::Uplink(_) | Station::HostItself => native,
        Station::Stray(_) | Station::FunctionPort(_) | Station::Function(_) => None,
    }
}

/// Whether `from` may send frames with the tag of `vlan`.
fn admits_tag(world: &World, from: &Station, vlan: Vlan) -> bool {
    match from {
        _ if world.is_open() => true,
        Station::Vnic(port) => world
            .host
            .vnic(port)
            .is_some_and(|vnic| match &vnic.membership {
                Membership::Access(_) => false,
                Membership::Trunked { tagged, .. } => tagged.contains(&vlan),
            }),
        Station::Uplink(_) => world.host.networks.contains(&vlan),
        _ => false,
    }
}

fn is_reserved(mac: MacAddr) -> bool {
    let [head @ .., last] = mac.0;
    head == [0x01, 0x80, 0xc2, 0x00, 0x00] && last <= 0x0f
}

/// The configured vNIC that has this address.
fn owner(world: &World, mac: MacAddr) -> Option<&Vnic> {
    world.host.vnics.iter().find(|vnic| vnic.mac == Some(mac))
}

/// Whether an address is always at the same vNIC.
fn is_pinned(world: &World, mac: MacAddr) -> bool {
    owner(world, mac).is_some_and(|vnic| !vnic.roams)
}

/// Whether `src` is the address of a configured vNIC, and the sender is not that, or one that is
/// nobody's. A VM that may be on other hosts as well may send from outside.
fn is_spoofed(world: &World, from: &Station, src: MacAddr) -> bool {
    let is_of_another = |vnic: &Vnic| match from {
        Station::Uplink(_) if vnic.roams => false,
        _ => *from != Station::Vnic(vnic.port.clone()),
    };
    is_of_probes(world, src) || owner(world, src).is_some_and(is_of_another)
}

/// Whether it is a leg of an instance that the controller probes, with both legs.
fn is_probed(world: &World, leg: &str) -> bool {
    let mut functions = world.host.chains.iter().flat_map(|chain| &chain.functions);
    functions.any(|function| match &function.kind {
        FunctionKind::Inline {
            health_check: Some(_),
            instances,
            ..
        } => instances.iter().any(|legs| {
            let both = [&legs.ingress, &legs.egress];
            both.iter().any(|port| *port == leg) && both.iter().all(|port| world.is_there(port))
        }),
        _ => false,
    })
}

/// Whether it is one of the addresses that the controller probes the host's inline functions with.
fn is_of_probes(world: &World, mac: MacAddr) -> bool {
    let is_inline = |function: &Function| matches!(function.kind, FunctionKind::Inline { .. });
    let mut functions = world.host.chains.iter().flat_map(|chain| &chain.functions);
    functions.any(is_inline) && mac.0[..5] == [0x02, 0x62, 0x63, 0x68, 0x00] && mac.0[5] <= 1
}

/// Whether it is a vNIC that may send from its own address only: it rejects forged transmits, or a
/// chain finds its VM by its addresses and any other would evade it.
fn must_have_own(world: &World, from: &Station) -> bool {
    let chained = |vm: &String| world.host.chains.iter().any(|chain| chain.vms.contains(vm));
    vnic_of(world, from).is_some_and(|vnic| {
        vnic.security.forged_transmits == Permission::Reject || chained(&vnic.vm)
    })
}

/// Whether the controller learns an address from frames that may come from there: no vNIC that
/// rejects MAC changes has another one than its own.
fn is_learned_from(world: &World, from: &Station, src: MacAddr) -> bool {
    let rejects = |vnic: &Vnic| vnic.security.mac_changes == Permission::Reject;
    let rejects = vnic_of(world, from).is_some_and(rejects) || must_have_own(world, from);
    owner(world, src).is_some() || !rejects
}

/// Whether `src` is another address than the controller knows at a vNIC, and that, or its network,
/// has as many as it may have. One that moves from vNIC to vNIC is not another one in its network,
/// and those of the configuration are none of them anywhere.
fn is_one_too_many(world: &World, from: &Station, vlan: Vlan, src: MacAddr) -> bool {
    let Some(vnic) = vnic_of(world, from) else {
        return false;
    };
    let known = location(world, vlan, src);
    let is_own = owner(world, src).is_some();
    if is_own || !is_learned_from(world, from, src) || known == Some(from.clone()) {
        return false;
    }
    let is_full =
        |limit: Option<u32>, count: usize| limit.is_some_and(|limit| count >= limit as usize);
    let in_network = world.host.max_macs.get(&vlan).copied();
    is_full(vnic.security.max_macs, count_at(world, from))
        || !known.is_some_and(|at| is_vnic(&at)) && is_full(in_network, count_in(world, vlan))
}

/// How many addresses the controller has learned at a station, apart from those of the
/// configuration.
pub(crate) fn count_at(world: &World, station: &Station) -> usize {
    let others = others(world);
    others.filter(|heard| heard.at == *station).count()
}

/// How many addresses the controller has learned behind the vNICs of a network, apart from those of
/// the configuration.
pub(crate) fn count_in(world: &World, vlan: Vlan) -> usize {
    let others = others(world);
    others
        .filter(|heard| heard.vlan == vlan && is_vnic(&heard.at))
        .count()
}

/// The addresses that the controller has learned and that are in no configuration.
fn others(world: &World) -> impl Iterator<Item = &Heard> {
    let heard = world.heard.iter();
    heard
        .filter(|heard| may_be_learned(world, heard))
        .filter(|heard| owner(world, heard.mac).is_none())
}

fn vnic_of<'w>(world: &'w World, station: &Station) -> Option<&'w Vnic> {
    match station {
        Station::Vnic(port) => world.host.vnic(port),
        _ => None,
    }
}

enum Destination {
    /// One station has the address.
    At(Station),
    /// A configured vNIC of the network has it, but its port is not there: a guest that is just
    /// being started or moved. The frame stays on the host.
    Absent,
    /// Broadcast, unknown unicast and multicast.
    Everywhere,
}

fn destination(world: &World, vlan: Vlan, dst: MacAddr) -> Destination {
    match owner(world, dst).filter(|vnic| !vnic.roams) {
        Some(vnic) if vnic.membership.vlans().contains(&vlan) => {
            if world.is_there(&vnic.port) {
                Destination::At(Station::Vnic(vnic.port.clone()))
            } else if matches!(world.host.bridges, Bridges::Chain(_)) && !is_direct(world, vnic) {
                Destination::Absent
            } else {
                Destination::Everywhere
            }
        }
        _ => location(world, vlan, dst).map_or(Destination::Everywhere, Destination::At),
    }
}

/// Where an address was learned.
fn location(world: &World, vlan: Vlan, mac: MacAddr) -> Option<Station> {
    let heard = world
        .heard
        .iter()
        .find(|heard| heard.vlan == vlan && heard.mac == mac)?;
    may_be_learned(world, heard).then(|| heard.at.clone())
}

/// Where what is learned of a station is kept: uplinks that are used as one have one place, that of
/// the first that is there.
fn place(world: &World, station: &Station) -> Station {
    let mut uplinks = world.host.uplinks.iter();
    match uplinks.find(|uplink| world.is_there(uplink)) {
        Some(first) if is_uplink(station) && world.is_bonded() => Station::Uplink(first.clone()),
        _ => station.clone(),
    }
}

/// Whether a frame is taken from where it comes. Uplinks that are used as one get several copies,
/// of which one is taken: that by the uplink of the destination, as that is where the physical
/// switch has seen it, or of the source, where the frame is for many.
fn arrives(world: &World, from: &Station, frame: &Frame) -> bool {
    let decisive = match frame.dst.is_multicast() {
        true => frame.src,
        false => frame.dst,
    };
    !world.is_bonded() || !is_uplink(from) || chosen(world, decisive).as_ref() == Some(from)
}

/// Which of the uplinks that are used as one an address has: the first with a link, or one of
/// those with a link by a hash.
fn chosen(world: &World, mac: MacAddr) -> Option<Station> {
    match world.host.uplink_mode {
        UplinkMode::Balance => compiled::balanced(world, mac),
        _ => world.live_uplinks().next().cloned().map(Station::Uplink),
    }
}

fn is_uplink(station: &Station) -> bool {
    matches!(station, Station::Uplink(_))
}

fn is_vnic(station: &Station) -> bool {
    matches!(station, Station::Vnic(_))
}

/// Whether it is a vNIC beside the chain, which counts as outside for that.
fn is_direct(world: &World, vnic: &Vnic) -> bool {
    matches!(world.host.bridges, Bridges::Chain(_)) && vnic.attachment == Attachment::Direct
}

/// Whether it is a vNIC behind the chain, or one on a host without.
fn is_guest(world: &World, station: &Station) -> bool {
    vnic_of(world, station).is_some_and(|vnic| !is_direct(world, vnic))
}

fn present_vnics(world: &World) -> impl Iterator<Item = &Vnic> {
    world
        .host
        .vnics
        .iter()
        .filter(|vnic| world.is_there(&vnic.port))
}

/// The vNICs of a network, those beside the chain or the others.
fn members(world: &World, vlan: Vlan, direct: bool) -> impl Iterator<Item = &Vnic> {
    present_vnics(world)
        .filter(move |vnic| vnic.membership.vlans().contains(&vlan))
        .filter(move |vnic| is_direct(world, vnic) == direct)
}

/// Whether a vNIC sees a frame which has no place of its own to go to: all do, but those that reject
/// promiscuous mode no unicast that is not for them.
fn sees_flooded(vnic: &Vnic, dst: MacAddr) -> bool {
    dst.is_multicast() || vnic.promiscuous != Promiscuous::Reject || vnic.mac == Some(dst)
}

fn station(vnic: &Vnic) -> Station {
    Station::Vnic(vnic.port.clone())
}

/// The guests that see a frame which has no place of its own to go to.
fn flooded(world: &World, vlan: Vlan, dst: MacAddr) -> impl Iterator<Item = Station> {
    members(world, vlan, false)
        .filter(move |vnic| sees_flooded(vnic, dst))
        .map(station)
}

/// The same of the direct vNICs.
fn direct_flooded(world: &World, vlan: Vlan, dst: MacAddr) -> impl Iterator<Item = Station> {
    members(world, vlan, true)
        .filter(move |vnic| sees_flooded(vnic, dst))
        .map(station)
}

/// The guests that see all frames of a network.
fn accepting(world: &World, vlan: Vlan) -> impl Iterator<Item = Station> {
    members(world, vlan, false)
        .filter(|vnic| vnic.promiscuous == Promiscuous::Accept)
        .map(station)
}

/// The same of the direct vNICs.
fn direct_accepting(world: &World, vlan: Vlan) -> impl Iterator<Item = Station> {
    members(world, vlan, true)
        .filter(|vnic| vnic.promiscuous == Promiscuous::Accept)
        .map(station)
}

/// What is not a guest and a member of a network.
fn outside(world: &World, vlan: Vlan) -> Vec<Station> {
    if world.is_open() {
        let strays = world.strays.iter().cloned().map(Station::Stray);
        return strays.chain([Station::HostItself]).collect();
    }
    let uplinks = world.live_uplinks().cloned().map(Station::Uplink);
    let host = (!vlan.is_tagged()).then_some(Station::HostItself);
    uplinks.chain(host).collect()
}

/// Which of `outside` a frame reaches: of uplinks that are used as one that of its source, if it
/// does not come from there itself; of others those with a link.
fn by_uplinks(world: &World, from: &Station, frame: &Frame, outside: Vec<Station>) -> Vec<Station> {
    let (mut uplinks, mut reached): (Vec<_>, Vec<_>) = outside.into_iter().partition(is_uplink);
    if !world.is_bonded() {
        uplinks.retain(|station| {
            world
                .live_uplinks()
                .any(|live| *station == Station::Uplink(live.clone()))
        });
        reached.extend(uplinks);
    } else if !uplinks.is_empty() && !is_uplink(from) {
        reached.extend(chosen(world, frame.src));
    }
    reached
}

/// What the network functions do to a frame.
#[derive(Default)]
struct Inspection {
    seen: Vec<Station>,
    copies: Vec<(Station, Look)>,
    /// By a function that is down and lets nothing pass then.
    is_stopped: bool,
}

/// Takes a frame to or from the guests of this host along its chain, if it has one: from a guest
/// in the order of the functions, from anywhere else against it.
fn inspect(world: &World, from: &Station, way: &Way<'_>) -> Inspection {
    let Way { vlan, frame, .. } = *way;
    let mut inspection = Inspection::default();
    if !world.has_service_bridge() {
        return inspection;
    }
    let mut chains = world.host.chains.iter();
    let Some(chain) = chains.find(|chain| applies(world, chain, vlan, frame)) else {
        return inspection;
    };
    let mut functions: Vec<&Function> = chain.functions.iter().collect();
    if !is_guest(world, from) {
        functions.reverse();
    }
    for function in functions {
        let (ingress, egress): (Vec<&str>, Vec<&str>) =
            world.in_service(function).into_iter().unzip();
        let ports = if is_guest(world, from) {
            ingress
        } else {
            egress
        };
        let name = share_name(&ports);
        match &function.kind {
            _ if ports.is_empty() => {
                if function.enabled && stops_while_down(function) {
                    inspection.is_stopped = true;
                    return inspection;
                }
            }
            FunctionKind::Tap { copying, instances } => {
                // The instances of a tap are alike here.
                let look = copying::look(world, copying, &instances[0], &name, way);
                let copy = look.map(|look| (Station::Function(name), look));
                inspection.copies.extend(copy);
            }
            FunctionKind::Inline { .. } => inspection.seen.push(Station::Function(name)),
        }
    }
    inspection
}

/// A copy stops nothing, and an inline function that is down what it has to.
fn stops_while_down(function: &Function) -> bool {
    matches!(
        function.kind,
        FunctionKind::Inline {
            shadow: false,
            failure_policy: FailurePolicy::FailClose,
            ..
        }
    )
}

/// Whether `frame` is one of the frames of `chain`: of its networks, of its VMs (from or to an
/// address of theirs), or multicast in a network of its VMs.
fn applies(world: &World, chain: &Chain, vlan: Vlan, frame: &Frame) -> bool {
    let of_vm =
        |vnic: &&Vnic| chain.vms.contains(&vnic.vm) && vnic.membership.vlans().contains(&vlan);
    chain.networks.contains(&vlan)
        || world.host.vnics.iter().filter(of_vm).any(|vnic| {
            frame.dst.is_multicast()
                || vnic
                    .mac
                    .is_some_and(|mac| mac == frame.src || mac == frame.dst)
        })
}

/// How `station` gets the frames of `vlan`.
fn tagging(world: &World, station: &Station, vlan: Vlan) -> Tagging {
    match station {
        Station::Vnic(port) => match world.host.vnic(port).map(|vnic| &vnic.membership) {
            Some(Membership::Trunked { tagged, .. }) if tagged.contains(&vlan) => Tagging::Tagged,
            _ => Tagging::Untagged,
        },
        _ => Tagging::Tagged,
    }
}
