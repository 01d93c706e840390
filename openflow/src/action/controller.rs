//! Options of a packet that goes to the controller.

use std::fmt;

use bytes::{Buf, Bytes};

use crate::codec::{Decode, Encode, Reader};
use crate::display::HexDots;
use crate::error::{DecodeError, EncodeError};
use crate::msg::PacketInReason;
use crate::property::{RawProperty, decode_property, put_property};
use crate::types::MeterId;

/// An option of a packet that goes to the controller (`nx_action_controller2_prop_type`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ControllerProperty {
    /// How many bytes of it at most (`NXAC2PT_MAX_LEN`).
    MaxLen(u16),
    /// Which controller (`NXAC2PT_CONTROLLER_ID`).
    ControllerId(u16),
    /// The reason to give (`NXAC2PT_REASON`).
    Reason(PacketInReason),
    /// Bytes to hand to the controller with it (`NXAC2PT_USERDATA`).
    Userdata(Bytes),
    /// The controller may let the packet go on from here (`NXAC2PT_PAUSE`).
    Pause,
    /// The meter that limits it (`NXAC2PT_METER_ID`).
    MeterId(MeterId),
    /// Another option.
    Unknown(RawProperty),
}

mod kind {
    pub(super) const MAX_LEN: u16 = 0;
    pub(super) const CONTROLLER_ID: u16 = 1;
    pub(super) const REASON: u16 = 2;
    pub(super) const USERDATA: u16 = 3;
    pub(super) const PAUSE: u16 = 4;
    pub(super) const METER_ID: u16 = 5;
}

impl Decode for ControllerProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_property(r, |kind, body| {
            Ok(match kind {
                kind::MAX_LEN => Self::MaxLen(body.fixed::<4>()?.get_u16()),
                kind::CONTROLLER_ID => Self::ControllerId(body.fixed::<4>()?.get_u16()),
                kind::REASON => Self::Reason(body.fixed::<1>()?.get_u8().into()),
                kind::USERDATA => Self::Userdata(body.rest()),
                kind::PAUSE => Self::Pause,
                kind::METER_ID => Self::MeterId(MeterId(body.fixed::<4>()?.get_u32())),
                kind => Self::Unknown(RawProperty {
                    kind,
                    data: body.rest(),
                }),
            })
        })
    }
}

impl Encode for ControllerProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::MaxLen(max_len) => put_number(out, kind::MAX_LEN, u32::from(*max_len) << 16),
            Self::ControllerId(id) => put_number(out, kind::CONTROLLER_ID, u32::from(*id) << 16),
            Self::Reason(reason) => put_property(out, kind::REASON, &[(*reason).into()]),
            Self::Userdata(data) => put_property(out, kind::USERDATA, data),
            Self::Pause => put_property(out, kind::PAUSE, &[]),
            Self::MeterId(meter) => put_number(out, kind::METER_ID, meter.0),
            Self::Unknown(raw) => raw.encode(out),
        }
    }
}

/// Numbers of 16 bits stand at the front of 4 bytes; those of 8 bits are alone.
fn put_number(out: &mut Vec<u8>, kind: u16, word: u32) -> Result<(), EncodeError> {
    put_property(out, kind, &word.to_be_bytes())
}

impl fmt::Display for ControllerProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxLen(max_len) => write!(f, "max_len={max_len}"),
            Self::ControllerId(id) => write!(f, "id={id}"),
            Self::Reason(reason) => write!(f, "reason={}", reason_name(*reason)),
            Self::Userdata(data) => write!(f, "userdata={}", HexDots(data)),
            Self::Pause => f.write_str("pause"),
            Self::MeterId(meter) => write!(f, "meter_id={}", meter.0),
            Self::Unknown(RawProperty { kind, data }) => write!(f, "<{kind}={}>", HexDots(data)),
        }
    }
}

/// The word that `ovs-ofctl` has for a reason.
pub(super) fn reason_name(reason: PacketInReason) -> String {
    match reason {
        PacketInReason::NoMatch => "no_match".to_owned(),
        PacketInReason::Action => "action".to_owned(),
        PacketInReason::InvalidTtl => "invalid_ttl".to_owned(),
        PacketInReason::ActionSet => "action_set".to_owned(),
        PacketInReason::Group => "group".to_owned(),
        PacketInReason::PacketOut => "packet_out".to_owned(),
        PacketInReason::Unknown(number) => number.to_string(),
    }
}
