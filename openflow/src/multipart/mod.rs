//! MULTIPART: requests and replies that may take several messages (§7.3.5).

mod aggregate;
mod body;
mod desc;
mod flow;
mod flow_monitor;
mod group;
mod meter;
mod port;
mod queue;
mod reassembly;
mod split;
mod table;
mod table_features;

use bitflags::bitflags;
use bytes::{Buf, BufMut};

pub use aggregate::AggregateStats;
pub use body::{MultipartReplyBody, MultipartRequestBody};
pub use desc::Desc;
pub use flow::{FlowStats, FlowStatsRequest};
pub use flow_monitor::{
    FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, FlowUpdateEvent, FlowUpdateFull, MatchForm,
    NxFlowMonitorRequest,
};
pub use group::{BucketCounter, GroupCapabilities, GroupDesc, GroupFeatures, GroupStats};
pub use meter::{MeterBandStats, MeterConfig, MeterFeatures, MeterStats};
pub use port::PortStats;
pub use queue::{QueueStats, QueueStatsRequest};
pub use reassembly::{MultipartBody, Part, Reassembler, ReassemblyError};
pub use table::TableStats;
pub use table_features::{ExperimenterFeature, TableFeature, TableFeatures, TypeId};

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;

/// A multipart request, or a part of one (`ofp_multipart_request`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MultipartRequest {
    /// Whether more parts follow.
    pub flags: MultipartFlags,
    /// What is asked.
    pub body: MultipartRequestBody,
}

/// A multipart reply, or a part of one (`ofp_multipart_reply`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MultipartReply {
    /// Whether more parts follow.
    pub flags: MultipartFlags,
    /// What is answered.
    pub body: MultipartReplyBody,
}

bitflags! {
    /// Whether more parts follow (`ofp_multipart_request_flags`, `ofp_multipart_reply_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct MultipartFlags: u16 {
        /// They do (`OFPMPF_REQ_MORE`, `OFPMPF_REPLY_MORE`).
        const MORE = 1 << 0;
        const _ = !0;
    }
}

wire_enum! {
    /// What a multipart message is about (`ofp_multipart_type`).
    pub enum MultipartType(u16) {
        /// The switch (`OFPMP_DESC`).
        Desc = 0,
        /// Flow entries (`OFPMP_FLOW`).
        Flow = 1,
        /// Sums over flow entries (`OFPMP_AGGREGATE`).
        Aggregate = 2,
        /// Counters of tables (`OFPMP_TABLE`).
        Table = 3,
        /// Counters of ports (`OFPMP_PORT_STATS`).
        PortStats = 4,
        /// Counters of queues (`OFPMP_QUEUE`).
        Queue = 5,
        /// Counters of groups (`OFPMP_GROUP`).
        Group = 6,
        /// Groups (`OFPMP_GROUP_DESC`).
        GroupDesc = 7,
        /// What groups can do (`OFPMP_GROUP_FEATURES`).
        GroupFeatures = 8,
        /// Counters of meters (`OFPMP_METER`).
        Meter = 9,
        /// Meters (`OFPMP_METER_CONFIG`).
        MeterConfig = 10,
        /// What meters can do (`OFPMP_METER_FEATURES`).
        MeterFeatures = 11,
        /// What tables can do (`OFPMP_TABLE_FEATURES`).
        TableFeatures = 12,
        /// Ports (`OFPMP_PORT_DESC`).
        PortDesc = 13,
        /// Of an experimenter (`OFPMP_EXPERIMENTER`).
        Experimenter = 0xffff,
    }
}

/// Reads type, flags and padding.
fn decode_header(r: &mut Reader<'_>) -> Result<(MultipartType, MultipartFlags), DecodeError> {
    let mut fields = r.fixed::<8>()?;
    let kind = fields.get_u16().into();
    Ok((kind, MultipartFlags::from_bits_retain(fields.get_u16())))
}

fn encode_header(out: &mut Vec<u8>, kind: u16, flags: MultipartFlags) {
    out.put_u16(kind);
    out.put_u16(flags.bits());
    put_padding(out, 4);
}

impl Decode for MultipartRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, flags) = decode_header(r)?;
        Ok(Self {
            flags,
            body: MultipartRequestBody::decode(kind, r)?,
        })
    }
}

impl Encode for MultipartRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_header(out, self.body.kind().into(), self.flags);
        self.body.encode(out)
    }
}

impl Decode for MultipartReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, flags) = decode_header(r)?;
        Ok(Self {
            flags,
            body: MultipartReplyBody::decode(kind, r)?,
        })
    }
}

impl Encode for MultipartReply {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_header(out, self.body.kind().into(), self.flags);
        self.body.encode(out)
    }
}
