//! Service chains and their network functions.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Copying, TapInstance, Vlan};

/// A service chain: the functions that frames of some networks or VMs pass, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The chain's name in the configuration.
    pub name: String,
    /// The networks whose frames it applies to. A network is in at most one chain.
    pub networks: BTreeSet<Vlan>,
    /// The VMs whose frames it applies to, by name.
    pub vms: BTreeSet<String>,
    /// In order from the VM towards the uplink.
    pub functions: Vec<Function>,
}

impl Chain {
    /// How many functions a chain may have at the most: each has a table of its own in either
    /// direction.
    pub const MAX_FUNCTIONS: usize = 32;
}

/// A network function of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Unique in its chain.
    pub name: String,
    /// Whether frames reach it at all. One that is not is drained: frames pass as if it was not
    /// part of the chain, whatever its failure policy is.
    pub enabled: bool,
    /// How its instances on one host work together.
    pub redundancy: Redundancy,
    /// A copy, or in the way; with the ports of its instances on this host.
    pub kind: FunctionKind,
}

/// How several instances of a function on one host work together (`redundancy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Redundancy {
    /// They share the load: both directions of a conversation go to the same one.
    #[default]
    ActiveActive,
    /// The first that is in service has all of it.
    ActivePassive,
}

/// How a function is inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionKind {
    /// Receives copies of frames, and can never stop or alter one.
    Tap {
        /// What is copied, and what a copy looks like.
        copying: Copying,
        /// Where the copies go.
        instances: Vec<TapInstance>,
    },
    /// Frames pass through it.
    Inline {
        /// It gets copies only, on the leg by which the frame would enter; what it sends is
        /// dropped. To try out what it would do.
        shadow: bool,
        /// What happens to frames while it is down.
        failure_policy: FailurePolicy,
        /// Probing through the data path, where configured.
        health_check: Option<HealthCheck>,
        /// The legs of each instance.
        instances: Vec<InlineInstance>,
        /// The ingress legs of instances that have no egress leg yet, and get no frames until then.
        waiting: Vec<String>,
    },
}

impl FunctionKind {
    /// The OVS interface names of all instances, or what they are found by, an inline one's ingress
    /// before its egress, and those that wait for another.
    pub fn ports(&self) -> Vec<&str> {
        let mut ports = self.instances().concat();
        if let Self::Inline { waiting, .. } = self {
            ports.extend(waiting.iter().map(String::as_str));
        }
        ports
    }

    /// All of these, to be replaced.
    pub(crate) fn ports_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Tap { instances, .. } => {
                let instances = instances.iter_mut();
                instances.map(|instance| &mut instance.port).collect()
            }
            Self::Inline {
                instances, waiting, ..
            } => {
                let instances = instances.iter_mut();
                let legs = instances.flat_map(|legs| [&mut legs.ingress, &mut legs.egress]);
                legs.chain(waiting).collect()
            }
        }
    }

    /// Those of each instance that has all of them, an inline one's ingress before its egress.
    pub fn instances(&self) -> Vec<Vec<&str>> {
        match self {
            Self::Tap { instances, .. } => instances
                .iter()
                .map(|instance| vec![&*instance.port])
                .collect(),
            Self::Inline { instances, .. } => instances
                .iter()
                .map(|legs| vec![legs.ingress.as_str(), legs.egress.as_str()])
                .collect(),
        }
    }
}

/// The two legs of an inline function: a bump in the wire between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineInstance {
    /// OVS interface name of the leg that faces the VMs.
    pub ingress: String,
    /// OVS interface name of the leg that faces the uplink.
    pub egress: String,
    /// Whether it gets any frames. One that does not is drained.
    pub enabled: bool,
}

/// What happens to the frames of an inline function that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// They bypass it.
    FailOpen,
    /// They stop.
    #[default]
    FailClose,
}

/// Probing of an inline function: frames go in on one leg and must come out of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between probes.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// Probes in a row that must pass before it counts as up.
    pub success_threshold: u32,
    /// Probes in a row that must be lost before it counts as down.
    pub failure_threshold: u32,
}
