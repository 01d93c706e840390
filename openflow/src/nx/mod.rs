//! The messages of Open vSwitch: experimenter messages of Nicira.

mod async_config;
mod packet_in;
mod tlv_table;

use bytes::{Buf, BufMut};

pub use async_config::{AsyncProperty, AsyncTopic};
pub use packet_in::{NxPacketIn, PacketInFormat, PacketInProperty};
pub use tlv_table::{TlvMap, TlvTableCommand, TlvTableMod, TlvTableReply};

use crate::codec::{Decode, Encode, Reader, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::msg::{AsyncConfig, ControllerRole};

/// An experimenter message of Nicira that Open vSwitch takes or sends over OpenFlow 1.3 (`NXT_*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NxMessage {
    /// Asks for a role, before OpenFlow had them (`NXT_ROLE_REQUEST`, 10). 0 is equal, 1 master, 2
    /// slave; see [`NxMessage::role`].
    RoleRequest(u32),
    /// The role that the controller has (`NXT_ROLE_REPLY`, 11).
    RoleReply(u32),
    /// Chooses the form of packet-ins (`NXT_SET_PACKET_IN_FORMAT`, 16).
    SetPacketInFormat(PacketInFormat),
    /// A packet-in of the second form (`NXT_PACKET_IN`, 17).
    PacketIn(NxPacketIn),
    /// Which messages the controller gets unasked (`NXT_SET_ASYNC_CONFIG`, 19).
    SetAsyncConfig(AsyncConfig),
    /// Which controller this is, for [`Action::Controller`](crate::Action::Controller)
    /// (`NXT_SET_CONTROLLER_ID`, 20).
    SetControllerId(u16),
    /// Ends a flow monitor (`NXT_FLOW_MONITOR_CANCEL`, 21).
    FlowMonitorCancel(u32),
    /// The switch tells of no changes for now: too many (`NXT_FLOW_MONITOR_PAUSED`, 22).
    FlowMonitorPaused,
    /// The switch tells of changes again (`NXT_FLOW_MONITOR_RESUMED`, 23).
    FlowMonitorResumed,
    /// Maps tunnel options to fields (`NXT_TLV_TABLE_MOD`, 24).
    TlvTableMod(TlvTableMod),
    /// Asks for the map (`NXT_TLV_TABLE_REQUEST`, 25).
    TlvTableRequest,
    /// The map (`NXT_TLV_TABLE_REPLY`, 26).
    TlvTableReply(TlvTableReply),
    /// Which messages the controller gets unasked, as OpenFlow 1.4 says it
    /// (`NXT_SET_ASYNC_CONFIG2`, 27).
    SetAsyncConfig2(Vec<AsyncProperty>),
    /// A paused packet goes on (`NXT_RESUME`, 28).
    Resume(Vec<PacketInProperty>),
    /// Forgets the connections of a zone (`NXT_CT_FLUSH_ZONE`, 29).
    CtFlushZone(u16),
    /// A packet-in of the third form (`NXT_PACKET_IN2`, 30).
    PacketIn2(Vec<PacketInProperty>),
}

/// The numbers of the messages.
mod number {
    pub(super) const ROLE_REQUEST: u32 = 10;
    pub(super) const ROLE_REPLY: u32 = 11;
    pub(super) const SET_PACKET_IN_FORMAT: u32 = 16;
    pub(super) const PACKET_IN: u32 = 17;
    pub(super) const SET_ASYNC_CONFIG: u32 = 19;
    pub(super) const SET_CONTROLLER_ID: u32 = 20;
    pub(super) const FLOW_MONITOR_CANCEL: u32 = 21;
    pub(super) const FLOW_MONITOR_PAUSED: u32 = 22;
    pub(super) const FLOW_MONITOR_RESUMED: u32 = 23;
    pub(super) const TLV_TABLE_MOD: u32 = 24;
    pub(super) const TLV_TABLE_REQUEST: u32 = 25;
    pub(super) const TLV_TABLE_REPLY: u32 = 26;
    pub(super) const SET_ASYNC_CONFIG2: u32 = 27;
    pub(super) const RESUME: u32 = 28;
    pub(super) const CT_FLUSH_ZONE: u32 = 29;
    pub(super) const PACKET_IN2: u32 = 30;
}

impl NxMessage {
    /// The `subtype`, or `exp_type` in the words of the specification.
    pub fn exp_type(&self) -> u32 {
        match self {
            Self::RoleRequest(_) => number::ROLE_REQUEST,
            Self::RoleReply(_) => number::ROLE_REPLY,
            Self::SetPacketInFormat(_) => number::SET_PACKET_IN_FORMAT,
            Self::PacketIn(_) => number::PACKET_IN,
            Self::SetAsyncConfig(_) => number::SET_ASYNC_CONFIG,
            Self::SetControllerId(_) => number::SET_CONTROLLER_ID,
            Self::FlowMonitorCancel(_) => number::FLOW_MONITOR_CANCEL,
            Self::FlowMonitorPaused => number::FLOW_MONITOR_PAUSED,
            Self::FlowMonitorResumed => number::FLOW_MONITOR_RESUMED,
            Self::TlvTableMod(_) => number::TLV_TABLE_MOD,
            Self::TlvTableRequest => number::TLV_TABLE_REQUEST,
            Self::TlvTableReply(_) => number::TLV_TABLE_REPLY,
            Self::SetAsyncConfig2(_) => number::SET_ASYNC_CONFIG2,
            Self::Resume(_) => number::RESUME,
            Self::CtFlushZone(_) => number::CT_FLUSH_ZONE,
            Self::PacketIn2(_) => number::PACKET_IN2,
        }
    }

    /// The role of [`NxMessage::RoleRequest`] and [`NxMessage::RoleReply`] as OpenFlow numbers it.
    pub fn role(nx_role: u32) -> ControllerRole {
        // The older numbers have no "no change" at their front.
        nx_role.saturating_add(1).into()
    }

    /// Reads what follows `exp_type`; `None`, without moving, where this crate does not know it.
    pub(crate) fn decode(exp_type: u32, r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match exp_type {
            number::ROLE_REQUEST => Self::RoleRequest(r.fixed::<4>()?.get_u32()),
            number::ROLE_REPLY => Self::RoleReply(r.fixed::<4>()?.get_u32()),
            number::SET_PACKET_IN_FORMAT => {
                Self::SetPacketInFormat(r.fixed::<4>()?.get_u32().into())
            }
            number::PACKET_IN => Self::PacketIn(NxPacketIn::decode(r)?),
            number::SET_ASYNC_CONFIG => Self::SetAsyncConfig(AsyncConfig::decode(r)?),
            number::SET_CONTROLLER_ID => Self::SetControllerId(padded_u16(r)?),
            number::FLOW_MONITOR_CANCEL => Self::FlowMonitorCancel(r.fixed::<4>()?.get_u32()),
            number::FLOW_MONITOR_PAUSED => Self::FlowMonitorPaused,
            number::FLOW_MONITOR_RESUMED => Self::FlowMonitorResumed,
            number::TLV_TABLE_MOD => Self::TlvTableMod(TlvTableMod::decode(r)?),
            number::TLV_TABLE_REQUEST => Self::TlvTableRequest,
            number::TLV_TABLE_REPLY => Self::TlvTableReply(TlvTableReply::decode(r)?),
            number::SET_ASYNC_CONFIG2 => Self::SetAsyncConfig2(r.list()?),
            number::RESUME => Self::Resume(r.list()?),
            number::CT_FLUSH_ZONE => Self::CtFlushZone(padded_u16(r)?),
            number::PACKET_IN2 => Self::PacketIn2(r.list()?),
            _ => return Ok(None),
        }))
    }
}

/// 16 bits behind 6 bytes of padding.
fn padded_u16(r: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let mut fields = r.fixed::<8>()?;
    fields.advance(6);
    Ok(fields.get_u16())
}

impl Encode for NxMessage {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::RoleRequest(role) | Self::RoleReply(role) => out.put_u32(*role),
            Self::SetPacketInFormat(format) => out.put_u32((*format).into()),
            Self::PacketIn(packet_in) => packet_in.encode(out)?,
            Self::SetAsyncConfig(config) => config.encode(out)?,
            Self::SetControllerId(number) | Self::CtFlushZone(number) => {
                put_padding(out, 6);
                out.put_u16(*number);
            }
            Self::FlowMonitorCancel(id) => out.put_u32(*id),
            Self::FlowMonitorPaused | Self::FlowMonitorResumed | Self::TlvTableRequest => {}
            Self::TlvTableMod(table_mod) => table_mod.encode(out)?,
            Self::TlvTableReply(reply) => reply.encode(out)?,
            Self::SetAsyncConfig2(properties) => put_list(out, properties)?,
            Self::Resume(properties) | Self::PacketIn2(properties) => put_list(out, properties)?,
        }
        Ok(())
    }
}
