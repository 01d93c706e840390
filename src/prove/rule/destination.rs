//! Who is to get a frame.

use super::header::{DST, Header};
use super::site::{Known, Occupant, Site};
use super::underlay::Errand;
use super::{Origin, Side};
use crate::learning::Location;
use crate::topology::{Bridges, Promiscuous, Vlan, Vnic};

/// The ports that a frame is for, and what is on the way there.
pub(super) struct Ends {
    pub(super) guests: Vec<Location>,
    pub(super) outside: Vec<Location>,
    /// Whether it passes the chain.
    pub(super) is_inspected: bool,
    pub(super) is_known_unicast: bool,
}

/// Where a frame is to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// To one port.
    At(Location),
    /// To the port of a guest that is just being started or moved: it stays on the host.
    Absent,
    /// To nobody in particular.
    Everywhere,
}

pub(super) fn ends(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    errand: Errand,
    header: &mut Header<'_>,
) -> Ends {
    let destination = destination(site, network, header);
    let is_vnic = |at| matches!(site.occupant(at), Occupant::Vnic(_));
    let is_guest = |at| match site.occupant(at) {
        Occupant::Vnic(place) => !site.is_direct(&site.host.vnics[place]),
        _ => false,
    };
    // It is where it comes from.
    if let (Destination::At(at), Origin::Outside(from)) = (destination, origin)
        && at == site.place(from)
    {
        return Ends {
            guests: Vec::new(),
            outside: Vec::new(),
            is_inspected: false,
            is_known_unicast: true,
        };
    }
    // What a function lets pass towards the guests has only guests in front of it.
    let is_past_outside = matches!(origin, Origin::Function(_, Side::Ingress));
    let members = Members { site, network };
    let mut ends = match destination {
        Destination::At(at) if is_guest(at) => Ends {
            guests: members.accepting(false).chain([at]).collect(),
            outside: Vec::new(),
            is_inspected: true,
            is_known_unicast: true,
        },
        Destination::At(at) if !is_past_outside => Ends {
            guests: members.accepting(false).collect(),
            outside: vec![at],
            is_inspected: origin.is_guest(site),
            is_known_unicast: true,
        },
        _ => Ends {
            guests: members.flooded(header, false),
            outside: match destination {
                Destination::Absent => Vec::new(),
                _ => {
                    let mut outside = members.outside();
                    outside.extend(members.flooded(header, true));
                    outside
                }
            },
            is_inspected: true,
            is_known_unicast: false,
        },
    };
    // Whatever becomes of it, it comes past the direct vNICs.
    ends.outside.extend(members.accepting(true));
    if is_past_outside {
        ends.outside.clear();
    }
    // A sink may be unknown for long, as it says nothing, and the guests must not see copies.
    if errand == Errand::Carries
        && destination == Destination::Everywhere
        && !header.is_multicast(DST)
    {
        ends.guests.clear();
        ends.outside.retain(|at| !is_vnic(*at));
    }
    ends
}

fn destination(site: &Site<'_>, network: Option<Vlan>, header: &mut Header<'_>) -> Destination {
    let known = match network.and_then(|vlan| site.known.get(&vlan)) {
        Some(known) if !header.is_multicast(DST) => header.find(DST, known).copied(),
        _ => None,
    };
    match known {
        Some(Known::Learned(at)) => Destination::At(at),
        Some(Known::Pinned(place)) => {
            let vnic = &site.host.vnics[place];
            let has_chain = matches!(site.host.bridges, Bridges::Chain(_));
            match site.vnic_port(vnic) {
                Some(at) => Destination::At(at),
                None if has_chain && !site.is_direct(vnic) => Destination::Absent,
                None => Destination::Everywhere,
            }
        }
        None => Destination::Everywhere,
    }
}

/// Those of a network.
struct Members<'a> {
    site: &'a Site<'a>,
    network: Option<Vlan>,
}

impl<'a> Members<'a> {
    /// The vNICs of the network, those beside the chain or the others.
    fn vnics(&self, is_direct: bool) -> impl Iterator<Item = &'a Vnic> {
        let (site, network) = (self.site, self.network);
        site.host
            .vnics
            .iter()
            .filter(move |vnic| network.is_some_and(|vlan| vnic.membership.vlans().contains(&vlan)))
            .filter(move |vnic| site.is_direct(vnic) == is_direct)
    }

    /// The vNICs that see all frames.
    fn accepting(&self, is_direct: bool) -> impl Iterator<Item = Location> {
        let site = self.site;
        self.vnics(is_direct)
            .filter(|vnic| vnic.promiscuous == Promiscuous::Accept)
            .filter_map(move |vnic| site.vnic_port(vnic))
    }

    /// The vNICs that see a frame without a place of its own: all do, but those that reject
    /// promiscuous mode no unicast that is not for them.
    fn flooded(&self, header: &mut Header<'_>, is_direct: bool) -> Vec<Location> {
        let mut flooded = Vec::new();
        for vnic in self.vnics(is_direct) {
            let Some(at) = self.site.vnic_port(vnic) else {
                continue;
            };
            let is_for_it = |mac: openflow::MacAddr, header: &mut Header<'_>| {
                header.is_address(DST, mac.into())
            };
            if vnic.promiscuous != Promiscuous::Reject
                || header.is_multicast(DST)
                || vnic.mac.is_some_and(|mac| is_for_it(mac, header))
            {
                flooded.push(at);
            }
        }
        flooded
    }

    /// What is no vNIC.
    fn outside(&self) -> Vec<Location> {
        let site = self.site;
        if site.is_open() {
            return site.all_ports().collect();
        }
        let host = (self.network == Some(Vlan::UNTAGGED)).then(|| site.host_itself());
        site.uplinks().flatten().chain(host).collect()
    }
}
