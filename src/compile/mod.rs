//! Topology and ports in, flow tables out: the compiler at the centre of bridgechain.
//!
//! Everything here is a pure function. [`bridge`] gives what a bridge must hold whatever was
//! learned, [`addresses`] what the learned MAC addresses add to it; the two together are all that
//! bridgechain ever wants a bridge to have. Each depends on the ports of that one bridge only, so
//! bridges may come and go in any order.
//!
//! # How a frame travels
//!
//! ```text
//!            br0.local                     br.nf                     br0
//!  vNIC ->  classify source learn forward -> taps ->  classify ---------> deliver -> uplink
//!  vNIC <-  deliver return                <-        <- (hairpin)          deliver <- learn source classify <- uplink
//! ```
//!
//! Within and between the bridges a frame carries the 802.1Q tag of its network, or none on the
//! untagged network. Registers do not survive a patch port but `pkt_mark` does, so it says where
//! a frame came from; see [`mark`].

mod admission;
mod bond;
mod bound;
mod builder;
mod delivery;
mod learning;
mod limits;
mod local;
pub mod mark;
mod open;
mod origin;
mod probe;
mod remembered;
mod service;
mod tables;
mod underlay;
mod uplink;
mod vlan;

pub use admission::{Entrance, entrances};
pub use bond::send as to_uplinks;
pub use bound::recover_bound;
pub use learning::{admits, learned, recover};
pub use limits::{address, addresses, depends_on_another_bridge, reached};
pub use origin::{Origin, origins};
pub use probe::recover_failed;
pub use service::names_of;
pub use tables::Table;

use openflow::{GroupId, MeterId};

use crate::health::Failed;
use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{Bridges, Controller, Host, Role};

/// The first of the group ids that are bridgechain's: groups have no cookie, so the id tells
/// whose they are.
const FIRST_GROUP: u32 = 0xb41d_0000;
/// The bits of a group id that differ between ours.
const GROUPS: u32 = 0xffff;

/// The first of the meter ids that are bridgechain's. Open vSwitch has 200,000 at the least where it
/// has any.
const FIRST_METER: u32 = 0x1_0000;
/// The bits of a meter id that differ between ours.
const METERS: u32 = 0xffff;

/// Whether a meter was put there by bridgechain.
pub fn is_our_meter(id: MeterId) -> bool {
    id == MeterId::CONTROLLER || id.0 & !METERS == FIRST_METER
}

/// Whether a group was put there by bridgechain.
pub fn is_our_group(id: GroupId) -> bool {
    id.0 & !GROUPS == FIRST_GROUP
}

/// All that the bridge of `host` with `role` must hold, apart from learned MAC addresses.
///
/// Instances of functions that have `failed` get no more frames. Ports that the configuration names
/// and `ports` lacks are left out; their flows come once the port is there. A `role` that the host
/// has no bridge for gives an empty program.
pub fn bridge(
    host: &Host,
    settings: &Controller,
    role: Role,
    ports: &Ports,
    failed: &Failed,
) -> Program {
    match (&host.bridges, role) {
        (Bridges::Chain(chain), Role::Local) => local::compile(host, chain, settings, ports),
        (Bridges::Chain(chain), Role::Service) => {
            service::compile(host, chain, settings, ports, failed)
        }
        (Bridges::Chain(chain), Role::Uplink) => uplink::compile(host, chain, settings, ports),
        (Bridges::Learning(_), Role::Learning) if !host.is_open() => {
            uplink::compile_single(host, settings, ports)
        }
        (Bridges::Learning(_) | Bridges::AnyLearning, Role::Learning) => open::compile(settings),
        _ => Program::default(),
    }
}
