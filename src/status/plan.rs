//! What another configuration would change on the bridges.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What would be, or was, sent to the bridges so that they do what a configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// The hosts by name, those of the configuration before among them.
    pub hosts: Vec<HostPlan>,
}

/// The part of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// Its bridges.
    pub bridges: Vec<BridgePlan>,
}

/// The part of a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BridgePlan {
    /// `local`, `service`, `uplink` or `learning`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Whether it is known what it holds.
    pub state: BridgeState,
    /// Flow-mods.
    pub flows: Changes,
    /// Group-mods.
    pub groups: Changes,
    /// Meter-mods.
    pub meters: Changes,
}

/// Whether it is known what a bridge holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BridgeState {
    /// It is connected and was read: the counts are those of the messages.
    Known,
    /// It is not connected: what it is to hold is sent when it is.
    Disconnected,
    /// It is just being read.
    Reading,
    /// The configuration has it no longer: its flows stay as they are.
    Removed,
}

/// How many entries are new, other ones or gone; each takes a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// Added.
    pub add: usize,
    /// Changed.
    pub modify: usize,
    /// Deleted.
    pub delete: usize,
}

impl Changes {
    /// How many messages that takes.
    pub fn messages(self) -> usize {
        self.add + self.modify + self.delete
    }
}

impl BridgePlan {
    /// How many messages go to it.
    pub fn messages(&self) -> usize {
        let kinds = [self.flows, self.groups, self.meters];
        kinds.into_iter().map(Changes::messages).sum()
    }
}
