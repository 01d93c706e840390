//! FEATURES_REPLY: who the switch is.

use bitflags::bitflags;

use crate::types::DatapathId;

/// Who the switch is and what it can do (`ofp_switch_features`, §7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeaturesReply {
    /// The bridge.
    pub datapath_id: DatapathId,
    /// How many packets it can buffer at once.
    pub n_buffers: u32,
    /// How many flow tables it has.
    pub n_tables: u8,
    /// 0 on the main connection, the number of the auxiliary connection on others.
    pub auxiliary_id: u8,
    /// What it can do.
    pub capabilities: Capabilities,
    /// A word without meaning in OpenFlow 1.3.
    pub reserved: u32,
}

bitflags! {
    /// What a switch can do (`ofp_capabilities`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Capabilities: u32 {
        /// Counts packets of flow entries (`OFPC_FLOW_STATS`).
        const FLOW_STATS = 1 << 0;
        /// Counts packets of tables (`OFPC_TABLE_STATS`).
        const TABLE_STATS = 1 << 1;
        /// Counts packets of ports (`OFPC_PORT_STATS`).
        const PORT_STATS = 1 << 2;
        /// Counts packets of groups (`OFPC_GROUP_STATS`).
        const GROUP_STATS = 1 << 3;
        /// Reassembles IP fragments (`OFPC_IP_REASM`).
        const IP_REASM = 1 << 5;
        /// Counts packets of queues (`OFPC_QUEUE_STATS`).
        const QUEUE_STATS = 1 << 6;
        /// Blocks ports that loop (`OFPC_PORT_BLOCKED`).
        const PORT_BLOCKED = 1 << 8;
        const _ = !0;
    }
}
