//! QUEUE_GET_CONFIG: the queues of a port.

use bytes::Bytes;

use crate::types::{PortNo, QueueId};

/// The queues of a port (`ofp_queue_get_config_reply`, §7.3.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueGetConfigReply {
    /// The port asked for.
    pub port: PortNo,
    /// Its queues.
    pub queues: Vec<PacketQueue>,
}

/// A queue (`ofp_packet_queue`, §7.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PacketQueue {
    /// Its number.
    pub queue_id: QueueId,
    /// Its port.
    pub port: PortNo,
    /// Its properties.
    pub properties: Vec<QueueProperty>,
}

/// A property of a queue (`ofp_queue_prop_header`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueProperty {
    /// The guaranteed rate in 1/10 of a percent; above 1000 for none (`OFPQT_MIN_RATE`).
    MinRate(u16),
    /// The highest rate in 1/10 of a percent; above 1000 for none (`OFPQT_MAX_RATE`).
    MaxRate(u16),
    /// A property of an experimenter (`OFPQT_EXPERIMENTER`).
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows; Open vSwitch does not pad it.
        data: Bytes,
    },
    /// A property with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `property`.
        kind: u16,
        /// What follows the property header.
        data: Bytes,
    },
}
