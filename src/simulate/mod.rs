//! What a host's bridges do to a frame, worked out from their flows and groups.
//!
//! A [`Network`] is one host: its bridges with the [`Program`] of each, joined by patch ports.
//! [`Network::inject`] puts a frame in at a port and follows every copy of it until it leaves the
//! host or is dropped. The semantics are those of OpenFlow 1.3 as Open vSwitch carries it out, for
//! the part of it that [`crate::compile`] uses; anything else is reported as a [`Fault`].
//!
//! ```text
//! inject -> Pass (one bridge) -> Step ... -> Step::Cross -> Pass (next bridge) -> ...
//! ```

mod action_set;
mod choice;
mod frame;
mod headers;
mod memory;
mod packet;
mod walk;
mod walker;

use std::collections::{BTreeMap, BTreeSet};

use openflow::PortNo;

pub(crate) use action_set::in_set_order;
pub use frame::{Frame, Tag, Tags};
pub use headers::Headers;
pub use memory::Memory;
pub use walk::{Delivery, Fault, PacketIn, Pass, Step, Walk};

use packet::Packet;

use crate::ports::Ports;
use crate::program::Program;
use crate::topology::{Bridges, FunctionKind, Host, InlineInstance, Role};

/// The bridges of one host.
#[derive(Debug, Clone, Default)]
pub struct Network {
    bridges: BTreeMap<Role, Bridge>,
}

/// One bridge: its ports, its tables, and where its ports lead.
#[derive(Debug, Clone, Default)]
struct Bridge {
    ports: Ports,
    /// The ports that have no link.
    down: BTreeSet<PortNo>,
    program: Program,
    /// The other end of each patch port.
    patches: BTreeMap<PortNo, (Role, PortNo)>,
    /// The other leg of the inline function at a port.
    wires: BTreeMap<PortNo, PortNo>,
}

impl Network {
    /// The bridges of `host`, with the ports and the program of each. A bridge that is missing in
    /// `bridges` is not there; patch ports of which one end is missing lead nowhere. Inline
    /// functions of which both legs are there are bumps in the wire: they let every frame pass.
    pub fn new(host: &Host, bridges: impl IntoIterator<Item = (Role, Ports, Program)>) -> Self {
        let mut network = Self::default();
        for (role, ports, program) in bridges {
            let bridge = Bridge {
                ports,
                program,
                ..Bridge::default()
            };
            network.bridges.insert(role, bridge);
        }
        if let Bridges::Chain(chain) = &host.bridges {
            let roles: Vec<Role> = host.bridges().map(|(role, _)| role).collect();
            for (patch, ends) in chain.patches.iter().zip(roles.windows(2)) {
                network.join((ends[0], &patch.left), (ends[1], &patch.right));
            }
        }
        for chain in &host.chains {
            for function in &chain.functions {
                if let FunctionKind::Inline { instances, .. } = &function.kind {
                    network.insert(instances);
                }
            }
        }
        network
    }

    fn insert(&mut self, instances: &[InlineInstance]) {
        let Some(service) = self.bridges.get_mut(&Role::Service) else {
            return;
        };
        for legs in instances {
            let ports = &service.ports;
            if let (Some(one), Some(other)) = (ports.get(&legs.ingress), ports.get(&legs.egress)) {
                service.wires.extend([(one, other), (other, one)]);
            }
        }
    }

    fn join(&mut self, left: (Role, &str), right: (Role, &str)) {
        let (Some(left), Some(right)) = (self.find(left), self.find(right)) else {
            return;
        };
        for (end, peer) in [(left, right), (right, left)] {
            if let Some(bridge) = self.bridges.get_mut(&end.0) {
                bridge.patches.insert(end.1, peer);
            }
        }
    }

    fn find(&self, (role, name): (Role, &str)) -> Option<(Role, PortNo)> {
        let port = self.bridges.get(&role)?.ports.get(name)?;
        Some((role, port))
    }

    /// Takes the link of a port away: nothing goes out by it, and what watches it sees it down.
    pub fn set_down(&mut self, role: Role, port: PortNo) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.down.insert(port);
        }
    }

    /// Follows a frame that comes in by `port` of the bridge `role`, as from outside the host's
    /// bridges: with no mark and no metadata.
    pub fn inject(&self, role: Role, port: PortNo, frame: Frame) -> Walk<'_> {
        self.inject_after(&Memory::default(), role, port, frame)
    }

    /// The same with a mark, that the host itself has put on it.
    pub fn inject_marked(&self, role: Role, port: PortNo, frame: Frame, pkt_mark: u32) -> Walk<'_> {
        walker::walk(
            self,
            &Memory::default(),
            role,
            Packet::marked(port, frame, pkt_mark),
        )
    }

    /// The same, where bridges have written into their own tables what is in `memory`: that of the
    /// walk before.
    pub fn inject_after(
        &self,
        memory: &Memory,
        role: Role,
        port: PortNo,
        frame: Frame,
    ) -> Walk<'_> {
        walker::walk(self, memory, role, Packet::received(port, frame))
    }
}

#[cfg(test)]
mod tests;
