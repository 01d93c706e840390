//! A message: the only place that tells the types apart.

use bytes::Bytes;

use crate::msg::{
    AsyncConfig, BundleAdd, BundleControl, ErrorMsg, FeaturesReply, FlowMod, FlowRemoved, GroupMod,
    Hello, MeterMod, PacketIn, PacketOut, PortMod, PortStatus, QueueGetConfigReply, Role,
    SwitchConfig, TableMod,
};
use crate::multipart::{MultipartReply, MultipartRequest};
use crate::types::PortNo;

/// An OpenFlow 1.3 message without its header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Message {
    /// `OFPT_HELLO`
    Hello(Hello),
    /// `OFPT_ERROR`
    Error(ErrorMsg),
    /// `OFPT_ECHO_REQUEST` with any data, which the reply returns.
    EchoRequest(Bytes),
    /// `OFPT_ECHO_REPLY` with the data of the request.
    EchoReply(Bytes),
    /// `OFPT_FEATURES_REQUEST`
    FeaturesRequest,
    /// `OFPT_FEATURES_REPLY`
    FeaturesReply(FeaturesReply),
    /// `OFPT_GET_CONFIG_REQUEST`
    GetConfigRequest,
    /// `OFPT_GET_CONFIG_REPLY`
    GetConfigReply(SwitchConfig),
    /// `OFPT_SET_CONFIG`
    SetConfig(SwitchConfig),
    /// `OFPT_PACKET_IN`
    PacketIn(PacketIn),
    /// `OFPT_FLOW_REMOVED`
    FlowRemoved(FlowRemoved),
    /// `OFPT_PORT_STATUS`
    PortStatus(PortStatus),
    /// `OFPT_PACKET_OUT`
    PacketOut(PacketOut),
    /// `OFPT_FLOW_MOD`
    FlowMod(FlowMod),
    /// `OFPT_GROUP_MOD`
    GroupMod(GroupMod),
    /// `OFPT_PORT_MOD`
    PortMod(PortMod),
    /// `OFPT_TABLE_MOD`
    TableMod(TableMod),
    /// `OFPT_MULTIPART_REQUEST`
    MultipartRequest(MultipartRequest),
    /// `OFPT_MULTIPART_REPLY`
    MultipartReply(MultipartReply),
    /// `OFPT_BARRIER_REQUEST`
    BarrierRequest,
    /// `OFPT_BARRIER_REPLY`
    BarrierReply,
    /// `OFPT_QUEUE_GET_CONFIG_REQUEST` for a port or [`PortNo::ANY`].
    QueueGetConfigRequest(PortNo),
    /// `OFPT_QUEUE_GET_CONFIG_REPLY`
    QueueGetConfigReply(QueueGetConfigReply),
    /// `OFPT_ROLE_REQUEST`
    RoleRequest(Role),
    /// `OFPT_ROLE_REPLY`
    RoleReply(Role),
    /// `OFPT_GET_ASYNC_REQUEST`
    GetAsyncRequest,
    /// `OFPT_GET_ASYNC_REPLY`
    GetAsyncReply(AsyncConfig),
    /// `OFPT_SET_ASYNC`
    SetAsync(AsyncConfig),
    /// `OFPT_METER_MOD`
    MeterMod(MeterMod),
    /// ONF experimenter message 2300.
    BundleControl(BundleControl),
    /// ONF experimenter message 2301.
    BundleAdd(BundleAdd),
    /// An `OFPT_EXPERIMENTER` message that this crate does not know.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What it is, as the experimenter numbers it.
        exp_type: u32,
        /// What follows.
        data: Bytes,
    },
    /// A message of a type that OpenFlow 1.3 does not number.
    Unknown {
        /// The `type` of the header.
        kind: u8,
        /// What follows the header.
        body: Bytes,
    },
}
