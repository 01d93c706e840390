//! Copies for taps. A tap is never in the way: whatever is done for it is done to a copy.

use openflow::{Action, Bundle, HashFields, MemberAlgorithm, PortNo, Subfield};

use super::Insertion;
use super::copying::Selection;
use super::stage::{Direction, INSTANCE};
use crate::compile::builder::{self, Builder};
use crate::topology::{Copying, Function, Redundancy, TapInstance};

impl Insertion<'_> {
    /// The actions that give an enabled tap its copy of a frame. They leave the frame as it is, and
    /// what is remembered of it.
    pub(super) fn copies(
        &self,
        builder: &mut Builder,
        direction: Direction,
        tap: &Function,
        copying: &Copying,
        instances: &[TapInstance],
    ) -> Vec<Action> {
        if !tap.enabled {
            return Vec::new();
        }
        let outlets: Vec<Outlet> = instances
            .iter()
            .map(|instance| Outlet {
                port: self.ports.get(&instance.port).filter(|_| instance.enabled),
                max_len: copying
                    .snap_length
                    .or(instance.remote.as_ref().map(|remote| remote.longest_copy())),
            })
            .collect();
        let ports: Vec<Option<PortNo>> = outlets.iter().map(|outlet| outlet.port).collect();
        let whole = outlets.iter().all(|outlet| outlet.max_len.is_none());
        match present(&ports).as_slice() {
            [] => Vec::new(),
            [only] if whole && *copying == Copying::default() => vec![Action::output(*only)],
            _ if whole && *copying == Copying::default() => vec![Action::Clone(vec![
                choose(tap.redundancy, &ports),
                output_to_chosen(),
            ])],
            _ => {
                let selection = Selection {
                    insertion: self,
                    tap,
                    copying,
                    outlets: &outlets,
                };
                vec![selection.compile(builder, direction)]
            }
        }
    }
}

/// Where copies can go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlet {
    /// `None` where an instance gets none.
    pub(super) port: Option<PortNo>,
    /// After how many bytes copies are cut off.
    pub(super) max_len: Option<u16>,
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

/// Sends the frame to the instance that was chosen.
pub(super) fn output_to_chosen() -> Action {
    Action::OutputReg {
        src: Subfield::whole(INSTANCE),
        max_len: Action::NO_BUFFER_LEN,
    }
}
