//! Copies for taps. A tap is never in the way: whatever is done for it is done to a copy.

use openflow::{Action, Bundle, HashFields, MemberAlgorithm, PortNo, Subfield};

use super::Insertion;
use super::stage::INSTANCE;
use crate::compile::builder;
use crate::topology::{Function, Redundancy, TapInstance};

impl Insertion<'_> {
    /// The actions that give an enabled tap its copy of a frame. They leave the frame as it is, and
    /// what is remembered of it.
    pub(super) fn copies(&self, tap: &Function, instances: &[TapInstance]) -> Vec<Action> {
        if !tap.enabled {
            return Vec::new();
        }
        let ports: Vec<Option<PortNo>> = instances
            .iter()
            .map(|instance| self.ports.get(&instance.port).filter(|_| instance.enabled))
            .collect();
        match present(&ports).as_slice() {
            [] => Vec::new(),
            [only] => vec![Action::output(*only)],
            _ => vec![Action::Clone(vec![
                choose(tap.redundancy, &ports),
                Action::OutputReg {
                    src: Subfield::whole(INSTANCE),
                    max_len: Action::NO_BUFFER_LEN,
                },
            ])],
        }
    }
}

/// Those that are there.
pub(super) fn present(ports: &[Option<PortNo>]) -> Vec<PortNo> {
    ports.iter().flatten().copied().collect()
}

/// Chooses one of the instances at these ports that is up, and writes its port into [`INSTANCE`].
///
/// With several active ones by the conversation that a frame belongs to, in both directions alike.
/// A `select` group would do that by a hash that is symmetric in some datapaths only.
pub(super) fn choose(redundancy: Redundancy, ports: &[Option<PortNo>]) -> Action {
    // One that gets no frames leaves a port that is never up in its place, as members are told apart
    // by their places: so the shares of the others stay as they are. (`OFPP_NONE` would count as up.)
    let member = |port: &Option<PortNo>| port.unwrap_or(builder::NOBODY).0 as u16;
    Action::Bundle(Box::new(Bundle {
        algorithm: match redundancy {
            Redundancy::ActiveActive => MemberAlgorithm::Hrw,
            Redundancy::ActivePassive => MemberAlgorithm::ActiveBackup,
        },
        fields: HashFields::SymmetricL3L4Udp,
        basis: 0,
        member_kind: Bundle::PORTS,
        members: ports.iter().map(member).collect(),
        dst: Some(Subfield {
            field: INSTANCE,
            start: 0,
            bits: 16,
        }),
    }))
}
