//! Proofs about what a host's flows do: for all frames, not for samples.
//!
//! [`prove`] takes the flows and groups of a host's bridges, compiled or read back, and a topology.
//! It goes through all classes of headers that the flows tell apart (the engine), asks for
//! each what the topology wants to become of it (the rule), and holds one against the
//! other ([`Property`]). A class of which a property does not hold gives a [`Counterexample`]: one
//! frame of it, with all that is needed to send it.
//!
//! ```text
//! flows, groups --engine--> class, outcome --+
//!                             |              +--property--> proved, or a counterexample
//! topology -------rule--------+--> expected -+
//! ```
//!
//! The rule divides classes further where it makes a difference that the flows do not make: flows
//! that treat alike what is not alike do not get away with it.

mod engine;
mod explored;
mod property;
mod replay;
mod rule;
mod scenario;
mod search;
mod witness;

use std::collections::BTreeMap;

pub use explored::{Copy, Explored, Judgement};
pub use property::Property;
pub use replay::Replay;
pub use scenario::{Known, Scenario, assumed_ports, compiled, health_states, known_states};
pub use witness::{Counterexample, Remembered, Witness};

use crate::health::Failed;
use crate::learning::LearnedMac;
use crate::ports::Ports;
use crate::program::{FlowKey, Program};
use crate::topology::{Host, Role};
use engine::Model;
use rule::Site;

/// A host at a moment: what its bridges hold, and what is known of its functions and addresses.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What the operator wants of it.
    pub host: &'a Host,
    /// The bridges that are there.
    pub bridges: &'a [(Role, Ports, Program)],
    /// Instances of functions that get no frames, as they have failed their health check.
    pub failed: &'a Failed,
    /// The addresses that the controller has learned, and made flows for.
    pub learned: &'a [LearnedMac],
}

impl<'a> Subject<'a> {
    /// As the rule sees it.
    fn site(&self) -> Site<'a> {
        let bridges = self.bridges.iter();
        let ports = bridges.map(|(role, ports, _)| (*role, ports)).collect();
        Site::new(self.host, ports, self.failed, self.learned)
    }

    /// As frames find it, and the flows that could not be taken into account.
    fn model(&self) -> (Model<'a>, Vec<(Role, &'a FlowKey)>) {
        Model::new(self.host, self.bridges)
    }
}

/// What came of going through all classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// How many classes of frames there are.
    pub classes: usize,
    /// Whether all of them were gone through.
    pub is_complete: bool,
    /// For each property, how many of them it says something about.
    pub concerned: BTreeMap<Property, usize>,
    /// The first class of which a property does not hold, for each property.
    pub counterexamples: Vec<Counterexample>,
    /// Flows that could not be taken into account, as they match fields that are not known here.
    pub not_understood: Vec<(Role, FlowKey)>,
}

impl Proof {
    /// Whether all properties hold of all frames.
    pub fn holds(&self) -> bool {
        self.is_complete && self.counterexamples.is_empty() && self.not_understood.is_empty()
    }
}

/// Goes through all classes of frames and tries to find one of which a property does not hold. Where
/// there are more than `limit`, it gives up, and the proof is not complete.
///
/// Taps with filters can divide frames into a great many classes: that takes its time, but not more
/// memory.
pub fn prove(subject: &Subject<'_>, limit: usize) -> Proof {
    search::search(subject, limit)
}
