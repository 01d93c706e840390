//! Sums over flow entries.

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use bytes::{Buf, BufMut};

/// Sums over the flow entries asked for (`ofp_aggregate_stats_reply`, §7.3.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AggregateStats {
    /// Packets that matched.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
    /// How many flow entries there are.
    pub flow_count: u32,
}

impl Decode for AggregateStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<24>()?;
        let (packet_count, byte_count) = (fields.get_u64(), fields.get_u64());
        Ok(Self {
            packet_count,
            byte_count,
            flow_count: fields.get_u32(),
        })
    }
}

impl Encode for AggregateStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        out.put_u32(self.flow_count);
        put_padding(out, 4);
        Ok(())
    }
}
