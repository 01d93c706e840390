//! FEATURES_REPLY: who the switch is.

use bitflags::bitflags;

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::types::DatapathId;
use bytes::{Buf, BufMut};

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

impl Decode for FeaturesReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<24>()?;
        let datapath_id = DatapathId(fields.get_u64());
        let n_buffers = fields.get_u32();
        let n_tables = fields.get_u8();
        let auxiliary_id = fields.get_u8();
        fields.advance(2);
        let capabilities = Capabilities::from_bits_retain(fields.get_u32());
        let reserved = fields.get_u32();
        Ok(Self {
            datapath_id,
            n_buffers,
            n_tables,
            auxiliary_id,
            capabilities,
            reserved,
        })
    }
}

impl Encode for FeaturesReply {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.datapath_id.0);
        out.put_u32(self.n_buffers);
        out.put_u8(self.n_tables);
        out.put_u8(self.auxiliary_id);
        put_padding(out, 2);
        out.put_u32(self.capabilities.bits());
        out.put_u32(self.reserved);
        Ok(())
    }
}
