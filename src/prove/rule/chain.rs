//! The network functions that a frame passes.

use super::header::{DST, Header};
use super::site::{FunctionId, Side, Site};
use super::{Origin, Refusal, is_of};
use crate::learning::Location;
use crate::topology::{FailurePolicy, FunctionKind, Redundancy, Vlan};

/// A function on the way of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) function: FunctionId,
    pub(crate) wanted: Wanted,
    /// The ports by which it may get the frame, one for each instance that is to be considered, in
    /// order; with the other leg of an inline function.
    pub(crate) instances: Vec<(Location, Option<Location>)>,
    /// Whether the first of them that is up has all of it.
    pub(crate) in_order: bool,
}

/// What a function is to get of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A copy.
    Copy,
    /// The frame itself. Without an instance that is up, it goes on or stops.
    Frame(FailurePolicy),
}

/// The functions that a frame passes on its way to, or from, the guests of this host.
pub(super) fn route(
    site: &Site<'_>,
    origin: Origin,
    network: Option<Vlan>,
    header: &mut Header<'_>,
) -> Result<Vec<Visit>, Refusal> {
    let chain = match network {
        Some(vlan) if site.has_service_bridge() => chain_of(site, vlan, header),
        _ => None,
    };
    // The functions ahead of it, by their places.
    let ahead: Vec<usize> = match (origin, chain) {
        (Origin::Function(function, side), chain) => {
            let is_exit = matches!(
                site.function(function).kind,
                FunctionKind::Inline { shadow: false, .. }
            );
            if chain != Some(function.chain) || !is_exit {
                return Err(Refusal::Function);
            }
            match side {
                Side::Egress => {
                    let count = site.host.chains[function.chain].functions.len();
                    (function.position + 1..count).collect()
                }
                Side::Ingress => (0..function.position).rev().collect(),
            }
        }
        (_, None) => return Ok(Vec::new()),
        (Origin::Guest(..), Some(chain)) => (0..site.host.chains[chain].functions.len()).collect(),
        (Origin::Outside(_), Some(chain)) => {
            (0..site.host.chains[chain].functions.len()).rev().collect()
        }
    };
    let Some(chain) = chain else {
        return Ok(Vec::new());
    };
    let enters_by = match origin {
        Origin::Guest(..) | Origin::Function(_, Side::Egress) => Side::Ingress,
        Origin::Outside(_) | Origin::Function(_, Side::Ingress) => Side::Egress,
    };
    let visits = ahead.into_iter().filter_map(|position| {
        let function = FunctionId { chain, position };
        visit(site, function, enters_by)
    });
    Ok(visits.collect())
}

/// The chain that a frame of a network belongs to.
fn chain_of(site: &Site<'_>, vlan: Vlan, header: &mut Header<'_>) -> Option<usize> {
    (site.host.chains.iter()).position(|chain| {
        if chain.networks.contains(&vlan) {
            return true;
        }
        let vnics = site.host.vnics.iter().enumerate();
        let of_chain: Vec<usize> = vnics
            .filter(|(_, vnic)| chain.vms.contains(&vnic.vm))
            .filter(|(_, vnic)| vnic.membership.vlans().contains(&vlan))
            .map(|(place, _)| place)
            .collect();
        !of_chain.is_empty()
            && (header.is_multicast(DST)
                || of_chain.into_iter().any(|place| is_of(site, place, header)))
    })
}

/// What a function is to get of the frames of its chain; `None` where there is none of it here.
fn visit(site: &Site<'_>, id: FunctionId, enters_by: Side) -> Option<Visit> {
    let function = site.function(id);
    if !function.enabled {
        return None;
    }
    let (wanted, instances) = match &function.kind {
        FunctionKind::Tap { instances, .. } => {
            let enabled = instances.iter().filter(|instance| instance.enabled);
            let ports: Vec<_> = enabled
                .filter_map(|instance| Some((site.function_port(&instance.port)?, None)))
                .collect();
            (Wanted::Copy, ports)
        }
        FunctionKind::Inline {
            shadow,
            failure_policy,
            instances,
            ..
        } => {
            let enabled = instances.iter().filter(|legs| legs.enabled);
            let usable = enabled.filter(|legs| !site.failed.contains(&legs.ingress));
            let ports: Vec<_> = usable
                .filter_map(|legs| {
                    let ingress = site.function_port(&legs.ingress)?;
                    let egress = site.function_port(&legs.egress)?;
                    Some(match enters_by {
                        Side::Ingress => (ingress, Some(egress)),
                        Side::Egress => (egress, Some(ingress)),
                    })
                })
                .collect();
            let wanted = match shadow {
                true => Wanted::Copy,
                false => Wanted::Frame(*failure_policy),
            };
            (wanted, ports)
        }
    };
    Some(Visit {
        function: id,
        wanted,
        instances,
        in_order: function.redundancy == Redundancy::ActivePassive,
    })
}
