//! Who is to get a frame.

use super::header::{DST, Header};
use super::site::{Known, Occupant, Site};
use super::{Origin, Side};
use crate::learning::Location;
use crate::topology::{Bridges, Promiscuous, Vlan};

/// The ports that a frame is for, and what is on the way there.
pub(super) struct Ends {
    pub(super) guests: Vec<Location>,
    pub(super) outside: Vec<Location>,
    /// Whether it passes the chain.
    pub(super) is_inspected: bool,
    pub(super) is_known_unicast: bool,
}

pub(super) fn ends(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> Ends {
    let nowhere = Ends {
        guests: Vec::new(),
        outside: Vec::new(),
        is_inspected: false,
        is_known_unicast: true,
    };
    let is_from_guest = matches!(origin, Origin::Guest(..));
    let known = match network.and_then(|vlan| site.known.get(&vlan)) {
        Some(known) if !header.is_multicast(DST) => header.find(DST, known).copied(),
        _ => None,
    };
    let accepting = || network.map_or(Vec::new(), |vlan| accepting(site, vlan));
    let members =
        |header: &mut Header<'_>| network.map_or(Vec::new(), |vlan| members(site, vlan, header));
    let to_guest = |at: Location| Ends {
        guests: accepting().into_iter().chain([at]).collect(),
        outside: Vec::new(),
        is_inspected: true,
        is_known_unicast: true,
    };
    // What a function lets pass towards the guests has only guests in front of it.
    let is_past_outside = matches!(origin, Origin::Function(_, Side::Ingress));
    match known {
        Some(Known::Pinned(place)) => match site.vnic_port(&site.host.vnics[place]) {
            Some(at) => to_guest(at),
            // The guest is just being started or moved: the frame stays on the host, where there
            // are two bridges to tell guests from the rest.
            None => Ends {
                guests: members(header),
                outside: match site.host.bridges {
                    Bridges::Chain(_) => Vec::new(),
                    _ => outside(site, network),
                },
                is_inspected: true,
                is_known_unicast: false,
            },
        },
        Some(Known::Learned(at)) if matches!(site.occupant(at), Occupant::Vnic(_)) => to_guest(at),
        // It is where it comes from.
        Some(Known::Learned(at)) if matches!(origin, Origin::Outside(from) if site.place(from) == at) => {
            nowhere
        }
        Some(Known::Learned(at)) if !is_past_outside => Ends {
            guests: accepting(),
            outside: vec![at],
            is_inspected: is_from_guest || matches!(origin, Origin::Function(..)),
            is_known_unicast: true,
        },
        _ => Ends {
            guests: members(header),
            outside: match is_past_outside {
                true => Vec::new(),
                false => outside(site, network),
            },
            is_inspected: true,
            is_known_unicast: false,
        },
    }
}

/// The vNICs of a network that see frames to a multicast or an unknown address. Unknown unicast one
/// may do without, but for its own address.
fn members(site: &Site<'_>, vlan: Vlan, header: &mut Header<'_>) -> Vec<Location> {
    (site.host.vnics.iter())
        .filter(|vnic| vnic.membership.vlans().contains(&vlan))
        .filter(|vnic| {
            vnic.promiscuous != Promiscuous::Reject
                || header.is_multicast(DST)
                || (vnic.mac).is_some_and(|mac| header.is_address(DST, mac.into()))
        })
        .filter_map(|vnic| site.vnic_port(vnic))
        .collect()
}

/// The vNICs that see all frames of a network.
fn accepting(site: &Site<'_>, vlan: Vlan) -> Vec<Location> {
    (site.host.vnics.iter())
        .filter(|vnic| vnic.promiscuous == Promiscuous::Accept)
        .filter(|vnic| vnic.membership.vlans().contains(&vlan))
        .filter_map(|vnic| site.vnic_port(vnic))
        .collect()
}

/// What is not a guest and a member of a network.
fn outside(site: &Site<'_>, network: Option<Vlan>) -> Vec<Location> {
    if site.is_open() {
        return site.all_ports().collect();
    }
    let host = (network == Some(Vlan::UNTAGGED)).then(|| site.host_itself());
    site.uplinks().flatten().chain(host).collect()
}
