//! What a flow entry does with the packets that match.

use bytes::Bytes;

use crate::action::Action;
use crate::types::{MeterId, TableId};

/// One instruction (`ofp_instruction`, §7.2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Instruction {
    /// Go on in a later table (`OFPIT_GOTO_TABLE`).
    GotoTable(TableId),
    /// Set the bits of the metadata where `mask` has ones (`OFPIT_WRITE_METADATA`).
    WriteMetadata {
        /// The new bits.
        metadata: u64,
        /// Which ones.
        mask: u64,
    },
    /// Add to the action set that is carried out at the end (`OFPIT_WRITE_ACTIONS`).
    WriteActions(Vec<Action>),
    /// Carry out at once, in order (`OFPIT_APPLY_ACTIONS`).
    ApplyActions(Vec<Action>),
    /// Empty the action set (`OFPIT_CLEAR_ACTIONS`).
    ClearActions,
    /// Apply a meter (`OFPIT_METER`).
    Meter(MeterId),
    /// An instruction of an experimenter (`OFPIT_EXPERIMENTER`).
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter id.
        data: Bytes,
    },
    /// An instruction with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows type and length.
        data: Bytes,
    },
}
