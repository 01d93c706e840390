//! Which messages a controller gets unasked, as OpenFlow 1.4 says it.

use bytes::Buf;

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use crate::property::{RawProperty, decode_property, put_property};

/// Which messages of one kind a controller gets unasked (`ofp14_async_config_prop_reasons`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AsyncProperty {
    /// Bit `n` of `mask` is for reason `n` of the topic.
    Reasons {
        /// The kind of message, and the role of the controller.
        topic: AsyncTopic,
        /// For which reasons it is sent.
        mask: u32,
    },
    /// A property of an experimenter.
    Unknown(RawProperty),
}

wire_enum! {
    /// A kind of message and the role of the controller (`ofp14_async_config_prop_type`).
    pub enum AsyncTopic(u16) {
        /// Packet-ins to a slave (`OFPACPT_PACKET_IN_SLAVE`).
        PacketInSlave = 0,
        /// Packet-ins to others (`OFPACPT_PACKET_IN_MASTER`).
        PacketInMaster = 1,
        /// Port status to a slave (`OFPACPT_PORT_STATUS_SLAVE`).
        PortStatusSlave = 2,
        /// Port status to others (`OFPACPT_PORT_STATUS_MASTER`).
        PortStatusMaster = 3,
        /// Flow-removed to a slave (`OFPACPT_FLOW_REMOVED_SLAVE`).
        FlowRemovedSlave = 4,
        /// Flow-removed to others (`OFPACPT_FLOW_REMOVED_MASTER`).
        FlowRemovedMaster = 5,
        /// Role status to a slave (`OFPACPT_ROLE_STATUS_SLAVE`).
        RoleStatusSlave = 6,
        /// Role status to others (`OFPACPT_ROLE_STATUS_MASTER`).
        RoleStatusMaster = 7,
        /// Table status to a slave (`OFPACPT_TABLE_STATUS_SLAVE`).
        TableStatusSlave = 8,
        /// Table status to others (`OFPACPT_TABLE_STATUS_MASTER`).
        TableStatusMaster = 9,
        /// Forwarded requests to a slave (`OFPACPT_REQUESTFORWARD_SLAVE`).
        RequestForwardSlave = 10,
        /// Forwarded requests to others (`OFPACPT_REQUESTFORWARD_MASTER`).
        RequestForwardMaster = 11,
    }
}

impl Decode for AsyncProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_property(r, |kind, body| {
            Ok(match AsyncTopic::from(kind) {
                AsyncTopic::Unknown(kind) => Self::Unknown(RawProperty {
                    kind,
                    data: body.rest(),
                }),
                topic => Self::Reasons {
                    topic,
                    mask: body.fixed::<4>()?.get_u32(),
                },
            })
        })
    }
}

impl Encode for AsyncProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Reasons { topic, mask } => {
                put_property(out, (*topic).into(), &mask.to_be_bytes())
            }
            Self::Unknown(raw) => raw.encode(out),
        }
    }
}
