//! Which frames come in, and in which network.

use super::header::{Header, OuterTag, SRC};
use super::site::{Occupant, Site};
use super::{Origin, Refusal};
use crate::learning::Location;
use crate::topology::{Membership, Permission, Vlan, Vnic};

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
        Origin::Guest(place, _) => match &host.vnics[place].membership {
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
    header: &mut Header<'_>,
) -> Result<(), Refusal> {
    if matches!(origin, Origin::Function(..)) {
        return Ok(());
    }
    if header.is_multicast(SRC) {
        return Err(Refusal::MulticastSource);
    }
    if site.host.has_inline() && header.is_probe() {
        return Err(Refusal::Spoofed);
    }
    let owner = header.find(SRC, &site.owners).copied();
    match (owner, origin) {
        (Some(owner), Origin::Guest(sender, _)) if owner == sender => Ok(()),
        // A VM that may be on other hosts as well may send from there.
        (Some(owner), Origin::Outside(at))
            if site.host.vnics[owner].roams && site.occupant(at) == Occupant::Uplink =>
        {
            Ok(())
        }
        (Some(_), _) => Err(Refusal::Spoofed),
        (None, Origin::Guest(sender, _)) if must_be_pinned(site, sender) => Err(Refusal::Forged),
        (None, _) => Ok(()),
    }
}

/// Whether a vNIC may send from no other address than its own: its port security says so, or a chain
/// finds its frames by that, and any other would evade it.
fn must_be_pinned(site: &Site<'_>, vnic: usize) -> bool {
    let Vnic { vm, security, .. } = &site.host.vnics[vnic];
    security.forged_transmits == Permission::Reject
        || site.host.chains.iter().any(|chain| chain.vms.contains(vm))
}

/// Whether the controller is told of the source: it is not pinned, and was not learned where the
/// frame comes from.
pub(super) fn is_told(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> bool {
    let at = match origin {
        Origin::Guest(_, at) | Origin::Outside(at) => site.place(at),
        Origin::Function(..) => return false,
    };
    let owner = header.find(SRC, &site.owners);
    let is_pinned = owner.is_some_and(|place| !site.host.vnics[*place].roams);
    // Nothing but its own address is learned there.
    if let (Origin::Guest(sender, _), None) = (origin, owner)
        && site.host.vnics[sender].security.mac_changes == Permission::Reject
    {
        return false;
    }
    let learned = network.and_then(|vlan| site.learned.get(&(vlan, at)));
    !is_pinned && learned.is_none_or(|learned| header.find(SRC, learned).is_none())
}

/// Whether it is a leg of an instance that the controller probes, with both legs.
pub(super) fn is_probed(site: &Site<'_>, at: Location) -> bool {
    site.host.health_checked().any(|(legs, _)| {
        let both = [&legs.ingress, &legs.egress].map(|name| site.function_port(name));
        both.contains(&Some(at)) && both.iter().all(Option::is_some)
    })
}
