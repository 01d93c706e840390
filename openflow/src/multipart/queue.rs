//! Counters of queues.

use bytes::{Buf, BufMut};

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use crate::types::{PortNo, QueueId};

/// Which queues are asked for (`ofp_queue_stats_request`, §7.3.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueueStatsRequest {
    /// Of this port, or [`PortNo::ANY`].
    pub port_no: PortNo,
    /// This queue, or [`QueueId::ALL`].
    pub queue_id: QueueId,
}

/// Counters of a queue (`ofp_queue_stats`, §7.3.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueueStats {
    /// The port.
    pub port_no: PortNo,
    /// The queue.
    pub queue_id: QueueId,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets dropped.
    pub tx_errors: u64,
    /// How long the queue has been there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
}

impl Decode for QueueStatsRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        Ok(Self {
            port_no: PortNo(fields.get_u32()),
            queue_id: QueueId(fields.get_u32()),
        })
    }
}

impl Encode for QueueStatsRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port_no.0);
        out.put_u32(self.queue_id.0);
        Ok(())
    }
}

impl Decode for QueueStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<40>()?;
        Ok(Self {
            port_no: PortNo(fields.get_u32()),
            queue_id: QueueId(fields.get_u32()),
            tx_bytes: fields.get_u64(),
            tx_packets: fields.get_u64(),
            tx_errors: fields.get_u64(),
            duration_sec: fields.get_u32(),
            duration_nsec: fields.get_u32(),
        })
    }
}

impl Encode for QueueStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port_no.0);
        out.put_u32(self.queue_id.0);
        out.put_u64(self.tx_bytes);
        out.put_u64(self.tx_packets);
        out.put_u64(self.tx_errors);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        Ok(())
    }
}
