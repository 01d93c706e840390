//! What a multipart message asks or answers: the only place that tells the kinds apart.

use bytes::{Buf, BufMut, Bytes};

use super::{
    AggregateStats, Desc, FlowMonitorRequest, FlowStats, FlowStatsRequest, FlowUpdate, GroupDesc,
    GroupFeatures, GroupStats, MeterConfig, MeterFeatures, MeterStats, MultipartType,
    NxFlowMonitorRequest, PortStats, QueueStats, QueueStatsRequest, TableFeatures, TableStats,
};
use crate::action::Action;
use crate::codec::{Decode, Encode, Reader, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::experimenter::{NICIRA, ONF};
use crate::instruction::Instruction;
use crate::msg::Port;
use crate::types::{GroupId, MeterId, PortNo};

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
    /// Counters of a port, or of all with [`PortNo::ANY`].
    PortStats(PortNo),
    /// Counters of queues.
    Queue(QueueStatsRequest),
    /// Counters of a group, or of all with [`GroupId::ALL`].
    Group(GroupId),
    /// All groups.
    GroupDesc,
    /// What groups can do.
    GroupFeatures,
    /// Counters of a meter, or of all with [`MeterId::ALL`].
    Meter(MeterId),
    /// A meter, or all of them with [`MeterId::ALL`].
    MeterConfig(MeterId),
    /// What meters can do.
    MeterFeatures,
    /// What tables can do; with a list, what they are to do.
    TableFeatures(Vec<TableFeatures>),
    /// All ports.
    PortDesc,
    /// New flow monitors, in the form of the ONF (1870).
    FlowMonitor(Vec<FlowMonitorRequest>),
    /// New flow monitors, in the form of Nicira (2).
    NxFlowMonitor(Vec<NxFlowMonitorRequest>),
    /// A request of an experimenter that this crate does not know.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What it is, as the experimenter numbers it.
        exp_type: u32,
        /// What follows.
        data: Bytes,
    },
    /// A kind that OpenFlow 1.3 does not number.
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
    /// Counters of ports.
    PortStats(Vec<PortStats>),
    /// Counters of queues.
    Queue(Vec<QueueStats>),
    /// Counters of groups.
    Group(Vec<GroupStats>),
    /// Groups.
    GroupDesc(Vec<GroupDesc>),
    /// What groups can do.
    GroupFeatures(GroupFeatures),
    /// Counters of meters.
    Meter(Vec<MeterStats>),
    /// Meters.
    MeterConfig(Vec<MeterConfig>),
    /// What meters can do.
    MeterFeatures(MeterFeatures),
    /// What tables can do.
    TableFeatures(Vec<TableFeatures>),
    /// Ports.
    PortDesc(Vec<Port>),
    /// Changes of flow tables, in the form of the ONF (1870).
    FlowMonitor(Vec<FlowUpdate<Instruction>>),
    /// Changes of flow tables, in the form of Nicira (2).
    NxFlowMonitor(Vec<FlowUpdate<Action>>),
    /// A reply of an experimenter that this crate does not know.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What it is, as the experimenter numbers it.
        exp_type: u32,
        /// What follows.
        data: Bytes,
    },
    /// A kind that OpenFlow 1.3 does not number.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows the multipart header.
        data: Bytes,
    },
}

/// ONF experimenter multipart for flow monitors.
const ONF_FLOW_MONITOR: u32 = 1870;
/// Nicira experimenter multipart for flow monitors.
const NX_FLOW_MONITOR: u32 = 2;

fn decode_experimenter(r: &mut Reader<'_>) -> Result<(u32, u32), DecodeError> {
    let mut fields = r.fixed::<8>()?;
    Ok((fields.get_u32(), fields.get_u32()))
}

fn put_experimenter(out: &mut Vec<u8>, experimenter: u32, exp_type: u32) {
    out.put_u32(experimenter);
    out.put_u32(exp_type);
}

/// A number alone in a request, padded to 8 bytes.
fn decode_number(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    r.fixed::<8>().map(|mut fields| fields.get_u32())
}

impl MultipartRequestBody {
    pub(super) fn decode(kind: MultipartType, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            MultipartType::Desc => Self::Desc,
            MultipartType::Flow => Self::Flow(FlowStatsRequest::decode(r)?),
            MultipartType::Aggregate => Self::Aggregate(FlowStatsRequest::decode(r)?),
            MultipartType::Table => Self::Table,
            MultipartType::PortStats => Self::PortStats(PortNo(decode_number(r)?)),
            MultipartType::Queue => Self::Queue(QueueStatsRequest::decode(r)?),
            MultipartType::Group => Self::Group(GroupId(decode_number(r)?)),
            MultipartType::GroupDesc => Self::GroupDesc,
            MultipartType::GroupFeatures => Self::GroupFeatures,
            MultipartType::Meter => Self::Meter(MeterId(decode_number(r)?)),
            MultipartType::MeterConfig => Self::MeterConfig(MeterId(decode_number(r)?)),
            MultipartType::MeterFeatures => Self::MeterFeatures,
            MultipartType::TableFeatures => Self::TableFeatures(r.list()?),
            MultipartType::PortDesc => Self::PortDesc,
            MultipartType::Experimenter => match decode_experimenter(r)? {
                (ONF, ONF_FLOW_MONITOR) => Self::FlowMonitor(r.list()?),
                (NICIRA, NX_FLOW_MONITOR) => Self::NxFlowMonitor(r.list()?),
                (experimenter, exp_type) => Self::Experimenter {
                    experimenter,
                    exp_type,
                    data: r.rest(),
                },
            },
            MultipartType::Unknown(kind) => Self::Unknown {
                kind,
                data: r.rest(),
            },
        })
    }

    /// What it is about.
    pub fn kind(&self) -> MultipartType {
        match self {
            Self::Desc => MultipartType::Desc,
            Self::Flow(_) => MultipartType::Flow,
            Self::Aggregate(_) => MultipartType::Aggregate,
            Self::Table => MultipartType::Table,
            Self::PortStats(_) => MultipartType::PortStats,
            Self::Queue(_) => MultipartType::Queue,
            Self::Group(_) => MultipartType::Group,
            Self::GroupDesc => MultipartType::GroupDesc,
            Self::GroupFeatures => MultipartType::GroupFeatures,
            Self::Meter(_) => MultipartType::Meter,
            Self::MeterConfig(_) => MultipartType::MeterConfig,
            Self::MeterFeatures => MultipartType::MeterFeatures,
            Self::TableFeatures(_) => MultipartType::TableFeatures,
            Self::PortDesc => MultipartType::PortDesc,
            Self::FlowMonitor(_) | Self::NxFlowMonitor(_) | Self::Experimenter { .. } => {
                MultipartType::Experimenter
            }
            Self::Unknown { kind, .. } => (*kind).into(),
        }
    }
}

impl Encode for MultipartRequestBody {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Desc
            | Self::Table
            | Self::GroupDesc
            | Self::GroupFeatures
            | Self::MeterFeatures
            | Self::PortDesc => {}
            Self::Flow(request) | Self::Aggregate(request) => request.encode(out)?,
            Self::Queue(request) => request.encode(out)?,
            Self::PortStats(PortNo(number))
            | Self::Group(GroupId(number))
            | Self::Meter(MeterId(number))
            | Self::MeterConfig(MeterId(number)) => {
                out.put_u32(*number);
                put_padding(out, 4);
            }
            Self::TableFeatures(tables) => put_list(out, tables)?,
            Self::FlowMonitor(monitors) => {
                put_experimenter(out, ONF, ONF_FLOW_MONITOR);
                put_list(out, monitors)?;
            }
            Self::NxFlowMonitor(monitors) => {
                put_experimenter(out, NICIRA, NX_FLOW_MONITOR);
                put_list(out, monitors)?;
            }
            Self::Experimenter {
                experimenter,
                exp_type,
                data,
            } => {
                put_experimenter(out, *experimenter, *exp_type);
                out.extend_from_slice(data);
            }
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        Ok(())
    }
}

impl MultipartReplyBody {
    pub(super) fn decode(kind: MultipartType, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            MultipartType::Desc => Self::Desc(Box::new(Desc::decode(r)?)),
            MultipartType::Flow => Self::Flow(r.list()?),
            MultipartType::Aggregate => Self::Aggregate(AggregateStats::decode(r)?),
            MultipartType::Table => Self::Table(r.list()?),
            MultipartType::PortStats => Self::PortStats(r.list()?),
            MultipartType::Queue => Self::Queue(r.list()?),
            MultipartType::Group => Self::Group(r.list()?),
            MultipartType::GroupDesc => Self::GroupDesc(r.list()?),
            MultipartType::GroupFeatures => Self::GroupFeatures(GroupFeatures::decode(r)?),
            MultipartType::Meter => Self::Meter(r.list()?),
            MultipartType::MeterConfig => Self::MeterConfig(r.list()?),
            MultipartType::MeterFeatures => Self::MeterFeatures(MeterFeatures::decode(r)?),
            MultipartType::TableFeatures => Self::TableFeatures(r.list()?),
            MultipartType::PortDesc => Self::PortDesc(r.list()?),
            MultipartType::Experimenter => match decode_experimenter(r)? {
                (ONF, ONF_FLOW_MONITOR) => Self::FlowMonitor(r.list()?),
                (NICIRA, NX_FLOW_MONITOR) => Self::NxFlowMonitor(r.list()?),
                (experimenter, exp_type) => Self::Experimenter {
                    experimenter,
                    exp_type,
                    data: r.rest(),
                },
            },
            MultipartType::Unknown(kind) => Self::Unknown {
                kind,
                data: r.rest(),
            },
        })
    }

    /// What it is about.
    pub fn kind(&self) -> MultipartType {
        match self {
            Self::Desc(_) => MultipartType::Desc,
            Self::Flow(_) => MultipartType::Flow,
            Self::Aggregate(_) => MultipartType::Aggregate,
            Self::Table(_) => MultipartType::Table,
            Self::PortStats(_) => MultipartType::PortStats,
            Self::Queue(_) => MultipartType::Queue,
            Self::Group(_) => MultipartType::Group,
            Self::GroupDesc(_) => MultipartType::GroupDesc,
            Self::GroupFeatures(_) => MultipartType::GroupFeatures,
            Self::Meter(_) => MultipartType::Meter,
            Self::MeterConfig(_) => MultipartType::MeterConfig,
            Self::MeterFeatures(_) => MultipartType::MeterFeatures,
            Self::TableFeatures(_) => MultipartType::TableFeatures,
            Self::PortDesc(_) => MultipartType::PortDesc,
            Self::FlowMonitor(_) | Self::NxFlowMonitor(_) | Self::Experimenter { .. } => {
                MultipartType::Experimenter
            }
            Self::Unknown { kind, .. } => (*kind).into(),
        }
    }
}

impl Encode for MultipartReplyBody {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Desc(desc) => desc.encode(out),
            Self::Flow(flows) => put_list(out, flows),
            Self::Aggregate(stats) => stats.encode(out),
            Self::Table(tables) => put_list(out, tables),
            Self::PortStats(ports) => put_list(out, ports),
            Self::Queue(queues) => put_list(out, queues),
            Self::Group(groups) => put_list(out, groups),
            Self::GroupDesc(groups) => put_list(out, groups),
            Self::GroupFeatures(features) => features.encode(out),
            Self::Meter(meters) => put_list(out, meters),
            Self::MeterConfig(meters) => put_list(out, meters),
            Self::MeterFeatures(features) => features.encode(out),
            Self::TableFeatures(tables) => put_list(out, tables),
            Self::PortDesc(ports) => put_list(out, ports),
            Self::FlowMonitor(updates) => {
                put_experimenter(out, ONF, ONF_FLOW_MONITOR);
                put_list(out, updates)
            }
            Self::NxFlowMonitor(updates) => {
                put_experimenter(out, NICIRA, NX_FLOW_MONITOR);
                put_list(out, updates)
            }
            Self::Experimenter {
                experimenter,
                exp_type,
                data,
            } => {
                put_experimenter(out, *experimenter, *exp_type);
                out.extend_from_slice(data);
                Ok(())
            }
            Self::Unknown { data, .. } => {
                out.extend_from_slice(data);
                Ok(())
            }
        }
    }
}
