//! The rule of who sees which frame, stated from the topology.
//!
//! [`expect`] says what has to become of a frame, for every class of headers: who gets it, which
//! network functions it passes and in which order, whether the controller is told of its source, and
//! what limits it. It knows nothing of flows, tables and marks.

mod admission;
mod bond;
mod chain;
mod copying;
mod destination;
mod header;
mod site;
mod underlay;

pub(crate) use chain::{Visit, Wanted};
pub(crate) use header::Header;
pub(crate) use site::{FunctionId, Occupant, Side, Site};

use super::engine::Value;
use crate::learning::Location;
use crate::topology::{Role, Vlan};
use header::{DST, SRC};
use underlay::Errand;

/// What has to become of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Where it goes.
    pub(crate) fate: Fate,
    /// The limit of the port that it comes in by, where it counts for that: so many frames in a
    /// second.
    pub(crate) limit: Option<u32>,
}

/// Where a frame goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody gets it, and the controller is not told.
    Refused(Refusal),
    /// It is one of the controller's own probes, which is told of it. Nobody else gets it.
    Probe,
    /// It goes its way.
    Admitted(Way),
}

/// Why a frame may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody is meant to send anything there.
    Port,
    /// The sender is no member of the network that its tag names.
    Network,
    /// Another tag is inside, and would come to light.
    InnerTag,
    /// Reserved multicast as the destination.
    Reserved,
    /// A multicast address as the source.
    MulticastSource,
    /// The source is somebody else's.
    Spoofed,
    /// The sender may use its own address only.
    Forged,
    /// The sender, or its network, has as many addresses as it may have.
    TooMany,
    /// It is another uplink that takes in frames like this one.
    OtherUplink,
    /// A function sends something that is not of its chain.
    Function,
}

/// The way of a frame that is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The network that it belongs to; `None` where any tag passes as it is.
    pub(crate) network: Option<Vlan>,
    /// Whether it is for one known address.
    pub(crate) is_known_unicast: bool,
    /// The network functions that it passes, in order.
    pub(crate) visits: Vec<Visit>,
    /// The ports in front of the chain that get one copy each, in order.
    pub(crate) guests: Vec<Location>,
    /// The ports behind the chain that do.
    pub(crate) outside: Vec<Location>,
    /// Whether its sender is in front of the chain.
    pub(crate) is_from_guest: bool,
    /// Where it comes from, if that is known: it does not go back there.
    pub(crate) sender: Option<Location>,
    /// Whether the controller is told of its source.
    pub(crate) is_told: bool,
}

/// Where a frame comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A vNIC sends it, by its place in the configuration.
    Vnic(usize, Location),
    /// An uplink, the host itself, or any port of a bridge about which nothing is said.
    Outside(Location),
    /// A leg of an inline function: the frame has passed what is on the other side of it.
    Function(FunctionId, Side),
}

impl Origin {
    /// Whether it is in front of the chain.
    fn is_guest(self, site: &Site<'_>) -> bool {
        match self {
            Self::Vnic(place, _) => !site.is_direct(&site.host.vnics[place]),
            Self::Outside(_) => false,
            Self::Function(_, side) => side == Side::Egress,
        }
    }

    /// The port, where it is one that frames begin their way at.
    fn port(self) -> Option<Location> {
        match self {
            Self::Vnic(_, at) | Self::Outside(at) => Some(at),
            Self::Function(..) => None,
        }
    }
}

/// What has to become of a frame with this header that comes in by a port.
pub(crate) fn expect(site: &Site<'_>, at: Location, header: &mut Header<'_>) -> Expected {
    let refused = |refusal| Expected {
        fate: Fate::Refused(refusal),
        limit: None,
    };
    let occupant = site.occupant(at);
    if at.role == Role::Service && site.host.has_inline() && header.is_probe() {
        return match admission::is_probed(site, at) {
            true => Expected {
                fate: Fate::Probe,
                // What one leg brings is bounded by itself.
                limit: admission::probe_limit(site, at),
            },
            false => refused(Refusal::Spoofed),
        };
    }
    let origin = match occupant {
        Occupant::Vnic(place) => Origin::Vnic(place, at),
        Occupant::Uplink | Occupant::HostItself | Occupant::Anything => Origin::Outside(at),
        Occupant::Leg(function, side) => Origin::Function(function, side),
        Occupant::Tap(_) | Occupant::Nobody => return refused(Refusal::Port),
    };
    let network = match admission::network(site, origin, header) {
        Ok(network) => network,
        Err(refusal) => return refused(refusal),
    };
    if header.is_reserved() {
        return refused(Refusal::Reserved);
    }
    Expected {
        limit: match origin {
            Origin::Vnic(place, _) => {
                let limit = site.host.vnics[place].security.storm_limit;
                limit.filter(|_| header.is_multicast(DST))
            }
            _ => None,
        },
        fate: way(site, origin, network, header).map_or_else(Fate::Refused, Fate::Admitted),
    }
}

fn way(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> Result<Way, Refusal> {
    admission::source(site, origin, network, header)?;
    let is_bonded = site.host.is_bonded();
    let from_uplink = match origin {
        Origin::Outside(at) if site.occupant(at) == Occupant::Uplink => Some(at),
        _ => None,
    };
    if let (Some(at), Some(vlan), true) = (from_uplink, network, is_bonded)
        && !bond::arrives(site, at, vlan, header)
    {
        return Err(Refusal::OtherUplink);
    }
    let is_told = admission::is_told(site, origin, network, header);
    let errand = underlay::errand(site, origin, header);
    let mut ends = destination::ends(site, origin, network, errand, header);
    let is_inspected = ends.is_inspected && errand == Errand::None;
    let visits = match is_inspected || matches!(origin, Origin::Function(..)) {
        true => chain::route(site, origin, network, header)?,
        false => Vec::new(),
    };
    if admission::is_stopped_behind(site, origin, network, header) {
        (ends.guests, ends.outside) = (Vec::new(), Vec::new());
    }
    if is_bonded {
        // To those outside it goes by the uplink of its source, if it is not from there itself.
        let before = ends.outside.len();
        ends.outside
            .retain(|at| site.occupant(*at) != Occupant::Uplink);
        if ends.outside.len() < before && from_uplink.is_none() {
            ends.outside.extend(bond::chosen(site, header, SRC));
        }
    }
    let sender = match origin {
        Origin::Vnic(_, at) | Origin::Outside(at) => Sender::At(at),
        // What comes from a guest by way of a function does not go back to the guest.
        Origin::Function(_, Side::Egress) => guest_behind(site, network, header),
        Origin::Function(_, Side::Ingress) => Sender::Unknown,
    };
    let mut without_sender = |ports: Vec<Location>| {
        let mut ports = sorted(ports);
        ports.retain(|port| match sender {
            Sender::At(at) => *port != at,
            // It is a guest that is remembered.
            Sender::Remembered(remembered) => {
                port.role != Role::Local || !header.is_port(remembered, port.port)
            }
            Sender::Unknown => true,
        });
        ports
    };
    Ok(Way {
        network,
        is_known_unicast: ends.is_known_unicast,
        visits: if is_inspected { visits } else { Vec::new() },
        guests: without_sender(ends.guests),
        outside: without_sender(ends.outside),
        is_from_guest: origin.is_guest(site),
        sender: match sender {
            Sender::At(at) => Some(at),
            _ => None,
        },
        is_told,
    })
}

fn sorted(mut ports: Vec<Location>) -> Vec<Location> {
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Where a frame comes from: it does not go back there.
#[derive(Debug, Clone, Copy)]
enum Sender {
    At(Location),
    /// The port that the local bridge remembers.
    Remembered(Value),
    Unknown,
}

/// The guest that a frame out of a function is from, as far as that can be known.
fn guest_behind(site: &Site<'_>, network: Option<Vlan>, header: &mut Header<'_>) -> Sender {
    let owner = header.find(SRC, &site.owners);
    let owner = owner.map(|place| &site.host.vnics[*place]);
    let is_guest = |at: &Location| at.role == Role::Local;
    if let Some(at) = owner.and_then(|vnic| site.vnic_port(vnic)).filter(is_guest) {
        return Sender::At(at);
    }
    network
        .and_then(|vlan| header.remembered(Role::Local, vlan, SRC))
        .map_or(Sender::Unknown, Sender::Remembered)
}

/// Whether an address of the frame is that of a vNIC, by its place.
fn is_of(site: &Site<'_>, place: usize, header: &mut Header<'_>) -> bool {
    site.host.vnics[place].mac.is_some_and(|mac| {
        let mac = mac.into();
        header.is_address(SRC, mac) || header.is_address(DST, mac)
    })
}
