//! What a session tells its owner.

use openflow::{
    DatapathId, EncodeError, ErrorMsg, FlowRemoved, FlowStats, GroupDesc, MeterConfig,
    MultipartReplyBody, PacketIn, Port, PortStatus, Xid,
};

/// Something that happened on the connection to one bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The handshake is done; the bridge may be told what to do from now on.
    Identified {
        /// Which bridge it is.
        datapath_id: DatapathId,
        /// All ports it has, LOCAL among them.
        ports: Vec<Port>,
    },
    /// The answer to `read_back`.
    ReadBack(Snapshot),
    /// The answers to `survey`.
    Surveyed {
        /// In parts as they came.
        answers: Vec<MultipartReplyBody>,
        /// Whether these are all: some may have been refused, or left out, as there were too many.
        is_whole: bool,
    },
    /// A frame was handed to the controller.
    PacketIn(PacketIn),
    /// A flow entry is gone.
    FlowRemoved(FlowRemoved),
    /// A port appeared, went or changed.
    PortStatus(PortStatus),
    /// All changes of the transaction under way are in force.
    Committed,
    /// No flow or group of the transaction under way was changed; the reason, for the log.
    ///
    /// Meter changes may have been made: they are outside of the bundle.
    Rejected(String),
    /// The switch refused a message that belongs to no transaction.
    SwitchError {
        /// The transaction id of the refused message.
        xid: Xid,
        /// Why, and the start of the refused message.
        error: ErrorMsg,
    },
    /// The connection is to be closed, once what is left of the output is written.
    Closed(CloseReason),
}

/// What a bridge holds, as it answered; flows of others included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All flow entries of all tables.
    pub flows: Vec<FlowStats>,
    /// All groups.
    pub groups: Vec<GroupDesc>,
    /// All meters.
    pub meters: Vec<MeterConfig>,
}

/// Why a session ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer sent what is not OpenFlow 1.3, or not in a form that can be read, or too much.
    #[error("{0}")]
    Protocol(String),
    /// The peer speaks other versions of OpenFlow only.
    #[error("{0}")]
    Version(String),
    /// The handshake was not done in time.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The peer answered no probe.
    #[error("silent, no answer to an echo request")]
    Silent,
    /// The peer answers probes, but not what else it was asked.
    #[error("no answer to {0}")]
    Unanswered(&'static str),
    /// A message for the peer has no form on the wire.
    #[error("a message can not be sent: {0}")]
    Unsendable(#[from] EncodeError),
}
