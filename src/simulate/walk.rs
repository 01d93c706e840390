//! The record of a frame's way: what was looked up, done, and sent where.

use openflow::{Action, GroupId, PortNo, TableId};

use super::frame::Frame;
use super::memory::Memory;
use crate::program::{Flow, FlowKey};
use crate::topology::Role;

/// Everything that became of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk<'n> {
    /// The bridge it came in at, and from there all others.
    pub pass: Pass<'n>,
    /// What left the host's bridges, network functions included: one entry per copy, in the order
    /// of sending.
    pub deliveries: Vec<Delivery>,
    /// What was sent to the controller.
    pub packet_ins: Vec<PacketIn>,
    /// What must not happen in a well-formed program. Empty for a walk that can be relied on.
    pub faults: Vec<Fault>,
    /// What the bridges have in their tables afterwards that they wrote there themselves.
    pub memory: Memory,
}

/// A frame's way through one bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass<'n> {
    /// Which bridge.
    pub role: Role,
    /// The port it came in by.
    pub in_port: PortNo,
    /// As it came in.
    pub frame: Frame,
    /// What the bridge did, in order. A frame with no step that sends it somewhere is dropped.
    pub steps: Vec<Step<'n>>,
}

/// One thing that a bridge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'n> {
    /// Looked the frame up in a table; no match is a table miss, which drops.
    Lookup {
        /// Which table.
        table: TableId,
        /// The flow entry of highest priority that matched.
        matched: Option<(&'n FlowKey, &'n Flow)>,
    },
    /// Found in that table what it had written there itself, when the frame passed before.
    Recall(TableId),
    /// Changed the frame, or what the bridge remembers of it.
    Change(&'n Action),
    /// Handed it to a group: for every bucket carried out, what that did.
    Group {
        /// Which group.
        id: GroupId,
        /// The steps of each bucket, by its place in the group.
        buckets: Vec<(usize, Vec<Step<'n>>)>,
    },
    /// Sent it out of a port that is not a patch port.
    Deliver(Delivery),
    /// Sent it to an inline function, from whose other leg it came in again.
    Through {
        /// To the function.
        delivery: Delivery,
        /// What the bridge did with it afterwards.
        pass: Box<Pass<'n>>,
    },
    /// Sent it through a patch port to the next bridge.
    Cross {
        /// The patch port on this bridge.
        port: PortNo,
        /// What the next bridge did.
        pass: Box<Pass<'n>>,
    },
    /// Did not send it, because the port is the one that it came in by.
    Suppress(PortNo),
    /// Did not send it, because there is no such port.
    NoSuchPort(PortNo),
    /// Did not send it, because the port's link is down.
    Down(PortNo),
    /// Carried out these steps on a copy of it.
    Clone(Vec<Step<'n>>),
    /// Sent it to the controller.
    PacketIn(PacketIn),
}

/// A copy of a frame that left the host's bridges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// From which bridge.
    pub role: Role,
    /// By which port.
    pub port: PortNo,
    /// As it left.
    pub frame: Frame,
    /// After how many bytes it is cut off, where it is (`NXAST_OUTPUT_TRUNC`).
    pub max_len: Option<u32>,
    /// The mark it left with (`skb->mark` on Linux), which should be 0.
    pub pkt_mark: u32,
}

/// A copy of a frame that was sent to the controller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketIn {
    /// From which bridge.
    pub role: Role,
    /// By a flow of which table.
    pub table: TableId,
    /// The port that the controller is told.
    pub in_port: PortNo,
    /// As it was sent, though the payload may have been cut off.
    pub frame: Frame,
}

/// What must not happen in a well-formed program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The frame was still on its way after more hops than Open vSwitch allows.
    #[error("the frame runs in a loop")]
    Loop,
    /// The simulator does not know what this action does, or the frame has no such field.
    #[error("{role} bridge: action not simulated: {action:?}")]
    Action {
        /// On which bridge.
        role: Role,
        /// Which action.
        action: Action,
    },
    /// An instruction that the simulator does not know.
    #[error("{role} bridge, table {table}: instruction not simulated")]
    Instruction {
        /// On which bridge.
        role: Role,
        /// In which table.
        table: TableId,
    },
    /// Two flow entries of one priority match and differ in what they do; which of them is taken
    /// is undefined.
    #[error("{role} bridge, table {table}: two flows of priority {priority} match one frame")]
    Ambiguous {
        /// On which bridge.
        role: Role,
        /// In which table.
        table: TableId,
        /// The priority of both.
        priority: u16,
    },
    /// What a bridge wrote into that table itself does not fit the frame.
    #[error("{role} bridge, table {table}: what was learned there does not apply")]
    Recall {
        /// On which bridge.
        role: Role,
        /// In which table.
        table: TableId,
    },
    /// A flow that goes back to an earlier table, or to its own.
    #[error("{role} bridge, table {table}: goto_table does not go forward")]
    Backward {
        /// On which bridge.
        role: Role,
        /// In which table.
        table: TableId,
    },
    /// A group whose buckets watch other groups.
    #[error("{role} bridge, group {id}: watch_group is not simulated")]
    WatchGroup {
        /// On which bridge.
        role: Role,
        /// Which group.
        id: GroupId,
    },
    /// A group that does not exist.
    #[error("{role} bridge: there is no group {id}")]
    NoSuchGroup {
        /// On which bridge.
        role: Role,
        /// Which group.
        id: GroupId,
    },
}
