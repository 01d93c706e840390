//! MULTIPART: requests and replies that may take several messages (§7.3.5).

mod aggregate;
mod desc;
mod flow;
mod group;
mod meter;
mod table;

use bitflags::bitflags;
use bytes::{Buf, BufMut, Bytes};

pub use aggregate::AggregateStats;
pub use desc::Desc;
pub use flow::{FlowStats, FlowStatsRequest};
pub use group::GroupDesc;
pub use meter::MeterConfig;
pub use table::TableStats;

use crate::codec::{Decode, Encode, Reader, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use crate::msg::Port;
use crate::types::MeterId;

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

/// What a multipart request asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MultipartRequestBody {
    /// Who made the switch.
    Desc,
    /// Flow entries.
    Flow(FlowStatsRequest),
    /// Sums over flow entries.
    Aggregate(FlowStatsRequest),
    /// Counters of all tables.
    Table,
    /// All groups.
    GroupDesc,
    /// A meter, or all of them.
    MeterConfig(MeterId),
    /// All ports.
    PortDesc,
    /// A kind that OpenFlow 1.3 does not number, or an experimenter's.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows the multipart header.
        data: Bytes,
    },
}

/// What a multipart reply answers; lists hold the entries of one part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MultipartReplyBody {
    /// Who made the switch.
    Desc(Box<Desc>),
    /// Flow entries.
    Flow(Vec<FlowStats>),
    /// Sums over flow entries.
    Aggregate(AggregateStats),
    /// Counters of tables.
    Table(Vec<TableStats>),
    /// Groups.
    GroupDesc(Vec<GroupDesc>),
    /// Meters.
    MeterConfig(Vec<MeterConfig>),
    /// Ports.
    PortDesc(Vec<Port>),
    /// A kind that OpenFlow 1.3 does not number, or an experimenter's.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows the multipart header.
        data: Bytes,
    },
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
        use MultipartRequestBody as Body;
        let (kind, flags) = decode_header(r)?;
        let body = match kind {
            MultipartType::Desc => Body::Desc,
            MultipartType::Flow => Body::Flow(FlowStatsRequest::decode(r)?),
            MultipartType::Aggregate => Body::Aggregate(FlowStatsRequest::decode(r)?),
            MultipartType::Table => Body::Table,
            MultipartType::GroupDesc => Body::GroupDesc,
            MultipartType::MeterConfig => Body::MeterConfig(MeterId(r.exactly::<8>()?.get_u32())),
            MultipartType::PortDesc => Body::PortDesc,
            kind => Body::Unknown {
                kind: kind.into(),
                data: r.rest(),
            },
        };
        Ok(Self { flags, body })
    }
}

impl Encode for MultipartRequest {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        use MultipartRequestBody as Body;
        encode_header(out, self.body.kind().into(), self.flags);
        match &self.body {
            Body::Desc | Body::Table | Body::GroupDesc | Body::PortDesc => Ok(()),
            Body::Flow(request) | Body::Aggregate(request) => request.encode(out),
            Body::MeterConfig(meter) => {
                out.put_u32(meter.0);
                put_padding(out, 4);
                Ok(())
            }
            Body::Unknown { data, .. } => {
                out.extend_from_slice(data);
                Ok(())
            }
        }
    }
}

impl MultipartRequestBody {
    /// What it is about.
    pub fn kind(&self) -> MultipartType {
        match self {
            Self::Desc => MultipartType::Desc,
            Self::Flow(_) => MultipartType::Flow,
            Self::Aggregate(_) => MultipartType::Aggregate,
            Self::Table => MultipartType::Table,
            Self::GroupDesc => MultipartType::GroupDesc,
            Self::MeterConfig(_) => MultipartType::MeterConfig,
            Self::PortDesc => MultipartType::PortDesc,
            Self::Unknown { kind, .. } => (*kind).into(),
        }
    }
}

impl Decode for MultipartReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        use MultipartReplyBody as Body;
        let (kind, flags) = decode_header(r)?;
        let body = match kind {
            MultipartType::Desc => Body::Desc(Box::new(Desc::decode(r)?)),
            MultipartType::Flow => Body::Flow(r.list()?),
            MultipartType::Aggregate => Body::Aggregate(AggregateStats::decode(r)?),
            MultipartType::Table => Body::Table(r.list()?),
            MultipartType::GroupDesc => Body::GroupDesc(r.list()?),
            MultipartType::MeterConfig => Body::MeterConfig(r.list()?),
            MultipartType::PortDesc => Body::PortDesc(r.list()?),
            kind => Body::Unknown {
                kind: kind.into(),
                data: r.rest(),
            },
        };
        Ok(Self { flags, body })
    }
}

impl Encode for MultipartReply {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        use MultipartReplyBody as Body;
        encode_header(out, self.body.kind().into(), self.flags);
        match &self.body {
            Body::Desc(desc) => desc.encode(out),
            Body::Flow(flows) => put_list(out, flows),
            Body::Aggregate(stats) => stats.encode(out),
            Body::Table(tables) => put_list(out, tables),
            Body::GroupDesc(groups) => put_list(out, groups),
            Body::MeterConfig(meters) => put_list(out, meters),
            Body::PortDesc(ports) => put_list(out, ports),
            Body::Unknown { data, .. } => {
                out.extend_from_slice(data);
                Ok(())
            }
        }
    }
}

impl MultipartReplyBody {
    /// What it is about.
    pub fn kind(&self) -> MultipartType {
        match self {
            Self::Desc(_) => MultipartType::Desc,
            Self::Flow(_) => MultipartType::Flow,
            Self::Aggregate(_) => MultipartType::Aggregate,
            Self::Table(_) => MultipartType::Table,
            Self::GroupDesc(_) => MultipartType::GroupDesc,
            Self::MeterConfig(_) => MultipartType::MeterConfig,
            Self::PortDesc(_) => MultipartType::PortDesc,
            Self::Unknown { kind, .. } => (*kind).into(),
        }
    }
}
