//! The network functions that a frame passes.

use super::copying::{self, Look};
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
    /// The instances that may get the frame, in order.
    pub(crate) instances: Vec<Instance>,
    /// Whether the first of them that is up has all of it.
    pub(crate) in_order: bool,
}

/// An instance of a function, as a frame comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instance {
    /// The port by which it gets the frame.
    pub(crate) entry: Location,
    /// The other leg of an inline function.
    pub(crate) exit: Option<Location>,
    /// After how many bytes the frame is cut off for it.
    pub(crate) max_len: Option<u16>,
}

/// What a function is to get of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A copy that looks like this.
    Copy(Look),
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
    let enters_by = match origin {
        Origin::Function(_, side) => match side {
            Side::Egress => Side::Ingress,
            Side::Ingress => Side::Egress,
        },
        _ if origin.is_guest(site) => Side::Ingress,
        _ => Side::Egress,
    };
    if let Origin::Function(function, _) = origin {
        let kind = &site.function(function).kind;
        let is_exit = matches!(kind, FunctionKind::Inline { shadow: false, .. });
        if chain != Some(function.chain) || !is_exit {
            return Err(Refusal::Function);
        }
    }
    let (Some(chain), Some(vlan)) = (chain, network) else {
        return Ok(Vec::new());
    };
    let count = site.host.chains[chain].functions.len();
    // The functions ahead of it, by their places.
    let ahead: Vec<usize> = match origin {
        Origin::Function(function, Side::Egress) => (function.position + 1..count).collect(),
        Origin::Function(function, Side::Ingress) => (0..function.position).rev().collect(),
        _ if enters_by == Side::Ingress => (0..count).collect(),
        _ => (0..count).rev().collect(),
    };
    let mut visits = Vec::new();
    for position in ahead {
        let function = FunctionId { chain, position };
        visits.extend(visit(site, function, enters_by, vlan, header));
    }
    Ok(visits)
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

/// What a function is to get of a frame of its chain; `None` where it gets nothing.
fn visit(
    site: &Site<'_>,
    id: FunctionId,
    enters_by: Side,
    vlan: Vlan,
    header: &mut Header<'_>,
) -> Option<Visit> {
    let function = site.function(id);
    if !function.enabled {
        return None;
    }
    let (wanted, instances) = match &function.kind {
        FunctionKind::Tap { copying, instances } => {
            let look = copying::look(site, copying, vlan, enters_by, header)?;
            let enabled = instances.iter().filter(|instance| instance.enabled);
            let instances = enabled.filter_map(|instance| {
                let remote = instance.remote.as_ref();
                Some(Instance {
                    entry: site.function_port(&instance.port)?,
                    exit: None,
                    max_len: copying.snap_length.or(remote.map(copying::fitting)),
                })
            });
            (Wanted::Copy(look), instances.collect())
        }
        FunctionKind::Inline {
            shadow,
            failure_policy,
            instances,
            ..
        } => {
            let usable = instances
                .iter()
                .filter(|legs| legs.enabled && !site.failed.contains(&legs.ingress));
            let instances = usable.filter_map(|legs| {
                let ingress = site.function_port(&legs.ingress)?;
                let egress = site.function_port(&legs.egress)?;
                let (entry, exit) = match enters_by {
                    Side::Ingress => (ingress, egress),
                    Side::Egress => (egress, ingress),
                };
                Some(Instance {
                    entry,
                    exit: Some(exit),
                    max_len: None,
                })
            });
            let wanted = match shadow {
                true => Wanted::Copy(Look::whole(vlan)),
                false => Wanted::Frame(*failure_policy),
            };
            (wanted, instances.collect())
        }
    };
    Some(Visit {
        function: id,
        wanted,
        instances,
        in_order: function.redundancy == Redundancy::ActivePassive,
    })
}
