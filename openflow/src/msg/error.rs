//! ERROR: a message was refused.

use bytes::Bytes;

use super::error_code::ErrorCode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::macros::wire_enum;
use bytes::{Buf, BufMut};

/// A message was refused (`ofp_error_msg`, §7.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorMsg {
    /// The `version` of the header: a peer that speaks another one answers with its own.
    pub version: u8,
    /// What is wrong.
    pub error: ErrorKind,
    /// The start of the refused message (64 bytes or more), or a text where a HELLO failed. It may
    /// be cut anywhere.
    pub data: Bytes,
}

impl ErrorMsg {
    /// An OpenFlow 1.3 error of the specification that quotes `data`.
    pub const fn new(error: ErrorCode, data: Bytes) -> Self {
        Self {
            version: crate::header::VERSION,
            error: ErrorKind::Standard(error),
            data,
        }
    }
}

/// Who numbers an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The specification.
    Standard(ErrorCode),
    /// An experimenter (`ofp_error_experimenter_msg`). Open vSwitch sends some errors of plain
    /// OpenFlow in this form, such as ONF 2600 for a duplicate instruction.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What is wrong, as the experimenter numbers it.
        exp_type: u16,
    },
}

wire_enum! {
    /// What kind of thing went wrong (`ofp_error_type`).
    pub enum ErrorType(u16) {
        /// The versions did not match (`OFPET_HELLO_FAILED`).
        HelloFailed = 0,
        /// The request was not understood (`OFPET_BAD_REQUEST`).
        BadRequest = 1,
        /// An action (`OFPET_BAD_ACTION`).
        BadAction = 2,
        /// An instruction (`OFPET_BAD_INSTRUCTION`).
        BadInstruction = 3,
        /// A match (`OFPET_BAD_MATCH`).
        BadMatch = 4,
        /// A flow entry could not be changed (`OFPET_FLOW_MOD_FAILED`).
        FlowModFailed = 5,
        /// A group could not be changed (`OFPET_GROUP_MOD_FAILED`).
        GroupModFailed = 6,
        /// A port could not be changed (`OFPET_PORT_MOD_FAILED`).
        PortModFailed = 7,
        /// A table could not be changed (`OFPET_TABLE_MOD_FAILED`).
        TableModFailed = 8,
        /// A queue (`OFPET_QUEUE_OP_FAILED`).
        QueueOpFailed = 9,
        /// The configuration of the switch (`OFPET_SWITCH_CONFIG_FAILED`).
        SwitchConfigFailed = 10,
        /// The role of the controller (`OFPET_ROLE_REQUEST_FAILED`).
        RoleRequestFailed = 11,
        /// A meter could not be changed (`OFPET_METER_MOD_FAILED`).
        MeterModFailed = 12,
        /// The features of a table could not be set (`OFPET_TABLE_FEATURES_FAILED`).
        TableFeaturesFailed = 13,
    }
}

/// `OFPET_EXPERIMENTER`
const EXPERIMENTER: u16 = 0xffff;

impl ErrorMsg {
    pub(crate) fn decode(r: &mut Reader<'_>, version: u8) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<4>()?;
        let (kind, code) = (fields.get_u16(), fields.get_u16());
        let error = match kind {
            EXPERIMENTER => ErrorKind::Experimenter {
                experimenter: r.fixed::<4>()?.get_u32(),
                exp_type: code,
            },
            kind => ErrorKind::Standard(ErrorCode {
                kind: kind.into(),
                code,
            }),
        };
        Ok(Self {
            version,
            error,
            data: r.rest(),
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self.error {
            ErrorKind::Standard(ErrorCode { kind, code }) => {
                out.put_u16(kind.into());
                out.put_u16(code);
            }
            ErrorKind::Experimenter {
                experimenter,
                exp_type,
            } => {
                out.put_u16(EXPERIMENTER);
                out.put_u16(exp_type);
                out.put_u32(experimenter);
            }
        }
        out.extend_from_slice(&self.data);
    }
}
