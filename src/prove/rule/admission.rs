//! Which frames come in, and in which network.

use openflow::PortNo;

use super::header::{Header, OuterTag, SRC};
use super::site::{Known, Occupant, Site};
use super::{Origin, Refusal};
use crate::learning::Location;
use crate::topology::{Membership, Permission, Vlan};

/// The network that a frame belongs to; `None` where any tag passes as it is.
pub(super) fn network(
    site: &Site<'_>,
    origin: Origin,
    header: &mut Header<'_>,
) -> Result<Option<Vlan>, Refusal> {
    let host = site.host;
    let native = host.networks.get(&Vlan::UNTAGGED).copied();
    let all = || host.networks.iter().copied().collect::<Vec<_>>();
    let (untagged, tagged): (Option<Vlan>, Vec<Vlan>) = match origin {
        Origin::Vnic(place, _) => match &host.vnics[place].membership {
            Membership::Access(vlan) => (Some(*vlan), Vec::new()),
            Membership::Trunked { tagged, native } => (*native, tagged.iter().copied().collect()),
        },
        Origin::Outside(_) if site.is_open() => return open(site, header),
        // The host itself is an access port.
        Origin::Outside(at) if at == site.host_itself() => (native, Vec::new()),
        Origin::Outside(_) => (native, all()),
        Origin::Function(..) => {
            // A function gets frames as they are between the bridges, and sends them so.
            return match header.tag(all()) {
                OuterTag::None => native.map(Some).ok_or(Refusal::Network),
                OuterTag::Of(vlan) => Ok(Some(vlan)),
                _ => Err(Refusal::Network),
            };
        }
    };
    match header.tag(tagged) {
        OuterTag::None => untagged.map(Some).ok_or(Refusal::Network),
        // Without its priority tag, what is inside of it would come into force.
        OuterTag::Priority if untagged.is_some() && header.has_inner_tag() => {
            Err(Refusal::InnerTag)
        }
        OuterTag::Priority => untagged.map(Some).ok_or(Refusal::Network),
        // Who takes this network untagged and others tagged would mistake the inner tag.
        OuterTag::Of(vlan) if is_untagged_on_a_trunk(site, vlan) && header.has_inner_tag() => {
            Err(Refusal::InnerTag)
        }
        OuterTag::Of(vlan) => Ok(Some(vlan)),
        OuterTag::Reserved | OuterTag::Other => Err(Refusal::Network),
    }
}

/// Whether a frame that a function sends of its own accord is refused where the chain ends: what it
/// may look like is not asked before.
pub(super) fn is_stopped_behind(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> bool {
    matches!(origin, Origin::Function(..))
        && network.is_some_and(|vlan| is_untagged_on_a_trunk(site, vlan))
        && header.has_inner_tag()
}

/// A bridge about whose ports nothing is said takes every VLAN.
fn open(site: &Site<'_>, header: &mut Header<'_>) -> Result<Option<Vlan>, Refusal> {
    match header.tag(site.known.keys().copied()) {
        OuterTag::None => Ok(Some(Vlan::UNTAGGED)),
        OuterTag::Priority if header.has_inner_tag() => Err(Refusal::InnerTag),
        OuterTag::Priority => Ok(Some(Vlan::UNTAGGED)),
        OuterTag::Of(vlan) => Ok(Some(vlan)),
        OuterTag::Reserved => Err(Refusal::Network),
        OuterTag::Other => Ok(None),
    }
}

/// Whether some trunked vNIC gets the frames of a network without their tag, and others with one.
fn is_untagged_on_a_trunk(site: &Site<'_>, vlan: Vlan) -> bool {
    (site.host.vnics.iter()).any(|vnic| match &vnic.membership {
        Membership::Access(_) => false,
        Membership::Trunked { tagged, native } => {
            *native == Some(vlan) && !tagged.is_empty() && !tagged.contains(&vlan)
        }
    })
}

/// Whether the sender may use its source address. Functions are trusted with that.
pub(super) fn source(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> Result<(), Refusal> {
    let Some(at) = origin.port() else {
        return Ok(());
    };
    if header.is_multicast(SRC) {
        return Err(Refusal::MulticastSource);
    }
    if site.host.has_inline() && header.is_probe() {
        return Err(Refusal::Spoofed);
    }
    let owner = header.find(SRC, &site.owners).copied();
    match (owner, origin) {
        (Some(owner), Origin::Vnic(sender, _)) if owner == sender => Ok(()),
        // A VM that may be on other hosts as well may send from there.
        (Some(owner), Origin::Outside(_))
            if site.host.vnics[owner].roams && site.occupant(at) == Occupant::Uplink =>
        {
            Ok(())
        }
        (Some(_), _) => Err(Refusal::Spoofed),
        (None, Origin::Vnic(sender, _)) if must_have_own(site, sender) => Err(Refusal::Forged),
        (None, Origin::Vnic(..)) if is_one_too_many(site, origin, network, header) => {
            Err(Refusal::TooMany)
        }
        (None, _) => Ok(()),
    }
}

/// Whether a vNIC may send from its own address only: it rejects forged transmits, or a chain finds
/// its VM by its addresses and any other would evade it.
fn must_have_own(site: &Site<'_>, vnic: usize) -> bool {
    let vnic = &site.host.vnics[vnic];
    let chained = |chain: &crate::topology::Chain| chain.vms.contains(&vnic.vm);
    vnic.security.forged_transmits == Permission::Reject || site.host.chains.iter().any(chained)
}

/// Whether other addresses than its own are learned at a vNIC.
fn learns_others(site: &Site<'_>, vnic: usize) -> bool {
    site.host.vnics[vnic].security.mac_changes == Permission::Accept && !must_have_own(site, vnic)
}

/// Whether the source, which is in no configuration, is one more than its vNIC or its network may
/// have. One that moves from vNIC to vNIC is not one more in its network.
fn is_one_too_many(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> bool {
    let (Origin::Vnic(vnic, at), Some(vlan)) = (origin, network) else {
        return false;
    };
    let (vnic_is_full, network_is_full) = (site.is_full_vnic(at), site.is_full_network(vlan));
    if !(vnic_is_full || network_is_full)
        || !learns_others(site, vnic)
        || is_learned_at(site, at, vlan, header)
    {
        return false;
    }
    vnic_is_full || {
        let known = site.known.get(&vlan);
        let known = known.and_then(|known| header.find(SRC, known).copied());
        let is_behind_vnic = match known {
            Some(Known::Learned(at)) => matches!(site.occupant(at), Occupant::Vnic(_)),
            _ => false,
        };
        !is_behind_vnic
    }
}

fn is_learned_at(site: &Site<'_>, at: Location, vlan: Vlan, header: &mut Header<'_>) -> bool {
    let learned = site.learned.get(&(vlan, at));
    learned.is_some_and(|learned| header.find(SRC, learned).is_some())
}

/// Whether the controller is told of the source: it is not pinned, may be learned where the frame
/// comes from, and was not.
pub(super) fn is_told(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> bool {
    let Some(at) = origin.port().map(|at| site.place(at)) else {
        return false;
    };
    let owner = header.find(SRC, &site.owners).copied();
    let is_learned_from = match (owner, origin) {
        (Some(owner), _) => site.host.vnics[owner].roams,
        (None, Origin::Vnic(vnic, _)) => learns_others(site, vnic),
        (None, _) => true,
    };
    is_learned_from && !network.is_some_and(|vlan| is_learned_at(site, at, vlan, header))
}

/// Whether probes are awaited there: from a leg of an instance that is probed, with both legs; or
/// from the controller itself, which so finds out whether the switch does its part.
pub(super) fn is_probed(site: &Site<'_>, at: Location) -> bool {
    let is_controller = at.port == PortNo::CONTROLLER;
    probe_limit(site, at).is_some() || is_controller && site.host.health_checked().next().is_some()
}

/// How many probes a leg may bring in a second: 16, and four times as many as are sent into it.
pub(super) fn probe_limit(site: &Site<'_>, at: Location) -> Option<u32> {
    site.host.health_checked().find_map(|(legs, check)| {
        let both = [&legs.ingress, &legs.egress].map(|name| site.function_port(name));
        let is_leg = both.contains(&Some(at)) && both.iter().all(Option::is_some);
        is_leg.then(|| (16.0 + 4.0 / check.interval.as_secs_f64()) as u32)
    })
}
