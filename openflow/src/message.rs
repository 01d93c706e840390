//! A message: the only place that tells the types apart.

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{Decode, Encode, Reader, Structure, put_padding, set_length};
use crate::error::{DecodeError, EncodeError, ExpectedLength, Problem};
use crate::experimenter::{NICIRA, ONF};
use crate::header::{Header, MessageType, VERSION};
use crate::msg::{
    AsyncConfig, BundleAdd, BundleControl, ErrorCode, ErrorMsg, FeaturesReply, FlowMod,
    FlowRemoved, GroupMod, Hello, MeterMod, PacketIn, PacketOut, PortMod, PortStatus,
    QueueGetConfigReply, Role, SwitchConfig, TableMod,
};
use crate::multipart::{MultipartReply, MultipartRequest};
use crate::nx::NxMessage;
use crate::types::{PortNo, Xid};

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
    /// ONF experimenter message 1870: ends a flow monitor.
    FlowMonitorCancel(u32),
    /// ONF experimenter message 1871: the switch tells of no changes of flow tables for now.
    FlowMonitorPaused,
    /// ONF experimenter message 1872: the switch tells of changes of flow tables again.
    FlowMonitorResumed,
    /// An experimenter message of Nicira that this crate knows.
    Nicira(NxMessage),
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

const HEADER: Structure = Structure::of_message("ofp_header");

/// The structure of a message, for errors about its own fields.
fn structure_of(kind: MessageType) -> &'static Structure {
    macro_rules! named {
        ($name:literal) => {
            const { &Structure::of_message($name) }
        };
    }
    match kind {
        MessageType::Hello => named!("ofp_hello"),
        MessageType::Error => named!("ofp_error_msg"),
        MessageType::Experimenter => named!("ofp_experimenter_header"),
        MessageType::FeaturesReply => named!("ofp_switch_features"),
        MessageType::GetConfigReply | MessageType::SetConfig => named!("ofp_switch_config"),
        MessageType::PacketIn => named!("ofp_packet_in"),
        MessageType::FlowRemoved => named!("ofp_flow_removed"),
        MessageType::PortStatus => named!("ofp_port_status"),
        MessageType::PacketOut => named!("ofp_packet_out"),
        MessageType::FlowMod => named!("ofp_flow_mod"),
        MessageType::GroupMod => named!("ofp_group_mod"),
        MessageType::PortMod => named!("ofp_port_mod"),
        MessageType::TableMod => named!("ofp_table_mod"),
        MessageType::MultipartRequest => named!("ofp_multipart_request"),
        MessageType::MultipartReply => named!("ofp_multipart_reply"),
        MessageType::QueueGetConfigRequest => named!("ofp_queue_get_config_request"),
        MessageType::QueueGetConfigReply => named!("ofp_queue_get_config_reply"),
        MessageType::RoleRequest | MessageType::RoleReply => named!("ofp_role_request"),
        MessageType::GetAsyncReply | MessageType::SetAsync => named!("ofp_async_config"),
        MessageType::MeterMod => named!("ofp_meter_mod"),
        _ => &HEADER,
    }
}

/// ONF experimenter messages.
mod onf {
    pub(super) const FLOW_MONITOR_CANCEL: u32 = 1870;
    pub(super) const FLOW_MONITOR_PAUSED: u32 = 1871;
    pub(super) const FLOW_MONITOR_RESUMED: u32 = 1872;
    pub(super) const BUNDLE_CONTROL: u32 = 2300;
    pub(super) const BUNDLE_ADD: u32 = 2301;
}

impl Message {
    /// Reads a whole message, as a [`Framer`](crate::Framer) yields it.
    ///
    /// Payloads and unknown parts of the result are slices of `frame`: they are not copied, and as
    /// long as one is kept, so is the buffer that `frame` is part of.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] where a length does not fit what it is the length of, where bytes are
    /// missing or left, or where the version is not 1.3 (in HELLO and ERROR it may be any). Numbers
    /// without a meaning are not errors: they decode to `Unknown` values.
    pub fn decode(frame: Bytes) -> Result<(Xid, Self), DecodeError> {
        let mut r = Reader::new(&frame, &HEADER);
        let decoded = Self::decode_from(&mut r)?;
        match r.remaining() {
            0 => Ok(decoded),
            _ => {
                let expected = ExpectedLength::Exactly(frame.len());
                let length = frame.len() - r.remaining();
                Err(r.bad_length("length", Header::LENGTH_AT, length, expected))
            }
        }
    }

    /// Reads the message at the front of `r`, of which it may be a part.
    pub(crate) fn decode_from(r: &mut Reader<'_>) -> Result<(Xid, Self), DecodeError> {
        let start = r.offset();
        let Some(header) = Header::peek(r.peek()) else {
            return Err(r.truncated("header", Header::LEN));
        };
        let Header {
            version,
            kind,
            length,
            xid,
        } = header;
        r.skip(Header::LEN, "header")?;
        let length_at = start + Header::LENGTH_AT;
        r.body(&HEADER, Header::LEN, length_at, length.into(), |body| {
            body.enter(structure_of(kind));
            if version != VERSION && !matches!(kind, MessageType::Hello | MessageType::Error) {
                return Err(bad_version(body, start, version));
            }
            match Self::decode_body(header, body) {
                Ok(message) => Ok((xid, message)),
                Err(error) => Err(error.in_message(kind)),
            }
        })
    }

    #[inline]
    fn decode_body(header: Header, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match header.kind {
            MessageType::Hello => Self::Hello(Hello::decode(body, header.version)?),
            MessageType::Error => Self::Error(ErrorMsg::decode(body, header.version)?),
            MessageType::EchoRequest => Self::EchoRequest(body.rest()),
            MessageType::EchoReply => Self::EchoReply(body.rest()),
            MessageType::Experimenter => Self::decode_experimenter(header.xid, body)?,
            MessageType::FeaturesRequest => Self::FeaturesRequest,
            MessageType::FeaturesReply => Self::FeaturesReply(FeaturesReply::decode(body)?),
            MessageType::GetConfigRequest => Self::GetConfigRequest,
            MessageType::GetConfigReply => Self::GetConfigReply(SwitchConfig::decode(body)?),
            MessageType::SetConfig => Self::SetConfig(SwitchConfig::decode(body)?),
            MessageType::PacketIn => Self::PacketIn(PacketIn::decode(body)?),
            MessageType::FlowRemoved => Self::FlowRemoved(FlowRemoved::decode(body)?),
            MessageType::PortStatus => Self::PortStatus(PortStatus::decode(body)?),
            MessageType::PacketOut => Self::PacketOut(PacketOut::decode(body)?),
            MessageType::FlowMod => Self::FlowMod(FlowMod::decode(body)?),
            MessageType::GroupMod => Self::GroupMod(GroupMod::decode(body)?),
            MessageType::PortMod => Self::PortMod(PortMod::decode(body)?),
            MessageType::TableMod => Self::TableMod(TableMod::decode(body)?),
            MessageType::MultipartRequest => {
                Self::MultipartRequest(MultipartRequest::decode(body)?)
            }
            MessageType::MultipartReply => Self::MultipartReply(MultipartReply::decode(body)?),
            MessageType::BarrierRequest => Self::BarrierRequest,
            MessageType::BarrierReply => Self::BarrierReply,
            MessageType::QueueGetConfigRequest => {
                Self::QueueGetConfigRequest(PortNo(body.fixed::<8>()?.get_u32()))
            }
            MessageType::QueueGetConfigReply => {
                Self::QueueGetConfigReply(QueueGetConfigReply::decode(body)?)
            }
            MessageType::RoleRequest => Self::RoleRequest(Role::decode(body)?),
            MessageType::RoleReply => Self::RoleReply(Role::decode(body)?),
            MessageType::GetAsyncRequest => Self::GetAsyncRequest,
            MessageType::GetAsyncReply => Self::GetAsyncReply(AsyncConfig::decode(body)?),
            MessageType::SetAsync => Self::SetAsync(AsyncConfig::decode(body)?),
            MessageType::MeterMod => Self::MeterMod(MeterMod::decode(body)?),
            MessageType::Unknown(kind) => Self::Unknown {
                kind,
                body: body.rest(),
            },
        })
    }

    fn decode_experimenter(xid: Xid, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = body.fixed::<8>()?;
        let experimenter = fields.get_u32();
        let exp_type = fields.get_u32();
        if experimenter == NICIRA
            && let Some(message) = NxMessage::decode(exp_type, body)?
        {
            return Ok(Self::Nicira(message));
        }
        Ok(match (experimenter, exp_type) {
            (ONF, onf::FLOW_MONITOR_CANCEL) => {
                Self::FlowMonitorCancel(body.fixed::<4>()?.get_u32())
            }
            (ONF, onf::FLOW_MONITOR_PAUSED) => Self::FlowMonitorPaused,
            (ONF, onf::FLOW_MONITOR_RESUMED) => Self::FlowMonitorResumed,
            (ONF, onf::BUNDLE_CONTROL) => Self::BundleControl(BundleControl::decode(body)?),
            (ONF, onf::BUNDLE_ADD) => Self::BundleAdd(BundleAdd::decode(body, xid)?),
            _ => Self::Experimenter {
                experimenter,
                exp_type,
                data: body.rest(),
            },
        })
    }

    /// Appends the message with its header to `out`.
    ///
    /// Room in `out` is reused: a buffer that is cleared and filled again does not allocate.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where the message has no form on the wire, longer than 65,535 bytes for
    /// instance; `out` is then as it was.
    ///
    /// ```
    /// use openflow::{Message, Xid};
    /// let mut out = Vec::new();
    /// Message::BarrierRequest.encode(Xid(7), &mut out)?;
    /// assert_eq!(out, [4, 20, 0, 8, 0, 0, 0, 7]);
    /// # Ok::<(), openflow::EncodeError>(())
    /// ```
    pub fn encode(&self, xid: Xid, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        Header::put(out, self.version(), self.kind().into(), xid);
        let encoded = self
            .encode_body(xid, out)
            .and_then(|()| set_length(out, start, start + Header::LENGTH_AT, HEADER.name));
        if encoded.is_err() {
            out.truncate(start);
        }
        encoded
    }

    fn encode_body(&self, xid: Xid, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Hello(hello) => hello.encode(out)?,
            Self::Error(error) => error.encode(out),
            Self::EchoRequest(data) | Self::EchoReply(data) => out.extend_from_slice(data),
            Self::FeaturesRequest
            | Self::GetConfigRequest
            | Self::BarrierRequest
            | Self::BarrierReply
            | Self::GetAsyncRequest => {}
            Self::FeaturesReply(reply) => reply.encode(out)?,
            Self::GetConfigReply(config) | Self::SetConfig(config) => config.encode(out)?,
            Self::PacketIn(packet_in) => packet_in.encode(out)?,
            Self::FlowRemoved(removed) => removed.encode(out)?,
            Self::PortStatus(status) => status.encode(out)?,
            Self::PacketOut(packet_out) => packet_out.encode(out)?,
            Self::FlowMod(flow_mod) => flow_mod.encode(out)?,
            Self::GroupMod(group_mod) => group_mod.encode(out)?,
            Self::PortMod(port_mod) => port_mod.encode(out)?,
            Self::TableMod(table_mod) => table_mod.encode(out)?,
            Self::MultipartRequest(request) => request.encode(out)?,
            Self::MultipartReply(reply) => reply.encode(out)?,
            Self::QueueGetConfigRequest(port) => {
                out.put_u32(port.0);
                put_padding(out, 4);
            }
            Self::QueueGetConfigReply(reply) => reply.encode(out)?,
            Self::RoleRequest(role) | Self::RoleReply(role) => role.encode(out)?,
            Self::GetAsyncReply(config) | Self::SetAsync(config) => config.encode(out)?,
            Self::MeterMod(meter_mod) => meter_mod.encode(out)?,
            Self::BundleControl(control) => {
                put_experimenter(out, ONF, onf::BUNDLE_CONTROL);
                control.encode(out)?;
            }
            Self::BundleAdd(add) => {
                put_experimenter(out, ONF, onf::BUNDLE_ADD);
                add.encode(out, xid)?;
            }
            Self::FlowMonitorCancel(id) => {
                put_experimenter(out, ONF, onf::FLOW_MONITOR_CANCEL);
                out.put_u32(*id);
            }
            Self::FlowMonitorPaused => put_experimenter(out, ONF, onf::FLOW_MONITOR_PAUSED),
            Self::FlowMonitorResumed => put_experimenter(out, ONF, onf::FLOW_MONITOR_RESUMED),
            Self::Nicira(message) => {
                put_experimenter(out, NICIRA, message.exp_type());
                message.encode(out)?;
            }
            Self::Experimenter {
                experimenter,
                exp_type,
                data,
            } => {
                put_experimenter(out, *experimenter, *exp_type);
                out.extend_from_slice(data);
            }
            Self::Unknown { body, .. } => out.extend_from_slice(body),
        }
        Ok(())
    }

    /// The type in the header.
    pub fn kind(&self) -> MessageType {
        match self {
            Self::Hello(_) => MessageType::Hello,
            Self::Error(_) => MessageType::Error,
            Self::EchoRequest(_) => MessageType::EchoRequest,
            Self::EchoReply(_) => MessageType::EchoReply,
            Self::FeaturesRequest => MessageType::FeaturesRequest,
            Self::FeaturesReply(_) => MessageType::FeaturesReply,
            Self::GetConfigRequest => MessageType::GetConfigRequest,
            Self::GetConfigReply(_) => MessageType::GetConfigReply,
            Self::SetConfig(_) => MessageType::SetConfig,
            Self::PacketIn(_) => MessageType::PacketIn,
            Self::FlowRemoved(_) => MessageType::FlowRemoved,
            Self::PortStatus(_) => MessageType::PortStatus,
            Self::PacketOut(_) => MessageType::PacketOut,
            Self::FlowMod(_) => MessageType::FlowMod,
            Self::GroupMod(_) => MessageType::GroupMod,
            Self::PortMod(_) => MessageType::PortMod,
            Self::TableMod(_) => MessageType::TableMod,
            Self::MultipartRequest(_) => MessageType::MultipartRequest,
            Self::MultipartReply(_) => MessageType::MultipartReply,
            Self::BarrierRequest => MessageType::BarrierRequest,
            Self::BarrierReply => MessageType::BarrierReply,
            Self::QueueGetConfigRequest(_) => MessageType::QueueGetConfigRequest,
            Self::QueueGetConfigReply(_) => MessageType::QueueGetConfigReply,
            Self::RoleRequest(_) => MessageType::RoleRequest,
            Self::RoleReply(_) => MessageType::RoleReply,
            Self::GetAsyncRequest => MessageType::GetAsyncRequest,
            Self::GetAsyncReply(_) => MessageType::GetAsyncReply,
            Self::SetAsync(_) => MessageType::SetAsync,
            Self::MeterMod(_) => MessageType::MeterMod,
            Self::BundleControl(_)
            | Self::BundleAdd(_)
            | Self::FlowMonitorCancel(_)
            | Self::FlowMonitorPaused
            | Self::FlowMonitorResumed
            | Self::Nicira(_)
            | Self::Experimenter { .. } => MessageType::Experimenter,
            Self::Unknown { kind, .. } => (*kind).into(),
        }
    }

    /// The version in the header.
    pub fn version(&self) -> u8 {
        match self {
            Self::Hello(hello) => hello.version,
            Self::Error(error) => error.version,
            _ => VERSION,
        }
    }

    pub(crate) fn is_of_bundle(&self) -> bool {
        matches!(self, Self::BundleControl(_) | Self::BundleAdd(_))
    }
}

#[cold]
fn bad_version(r: &Reader<'_>, offset: usize, version: u8) -> DecodeError {
    let problem = Problem::BadValue {
        found: version.into(),
        expected: "4 (OpenFlow 1.3)",
    };
    let error_code = ErrorCode::OFPBRC_BAD_VERSION;
    DecodeError {
        offset,
        error_code,
        ..r.error("version", problem)
    }
}

fn put_experimenter(out: &mut Vec<u8>, experimenter: u32, exp_type: u32) {
    out.put_u32(experimenter);
    out.put_u32(exp_type);
}
