//! The header that every message begins with.

use crate::macros::wire_enum;
use crate::types::Xid;

/// The version of OpenFlow 1.3 on the wire.
pub const VERSION: u8 = 4;

/// The header of a message (`ofp_header`, §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// [`VERSION`], or another in HELLO and ERROR.
    pub version: u8,
    /// What kind of message it is. (`type` is a word of the language.)
    pub kind: MessageType,
    /// The length of the whole message in bytes, header included.
    pub length: u16,
    /// Pairs a reply with its request.
    pub xid: Xid,
}

impl Header {
    /// The length of the header in bytes.
    pub const LEN: usize = 8;

    /// Reads the header at the front of `bytes`; `None` where there are less than 8 bytes.
    ///
    /// Nothing is checked: `length` may be shorter than the header itself.
    pub fn peek(bytes: &[u8]) -> Option<Self> {
        let &[version, kind, l0, l1, x0, x1, x2, x3] = bytes.first_chunk()?;
        Some(Self {
            version,
            kind: kind.into(),
            length: u16::from_be_bytes([l0, l1]),
            xid: Xid(u32::from_be_bytes([x0, x1, x2, x3])),
        })
    }

    /// Appends the header of a message whose length is not known yet.
    pub(crate) fn put(out: &mut Vec<u8>, version: u8, kind: u8, xid: Xid) {
        let [x0, x1, x2, x3] = xid.0.to_be_bytes();
        out.extend_from_slice(&[version, kind, 0, 0, x0, x1, x2, x3]);
    }

    /// Where the length is, from the start of the header.
    pub(crate) const LENGTH_AT: usize = 2;
}

wire_enum! {
    /// What kind of message it is (`ofp_type`).
    pub enum MessageType(u8) {
        /// `OFPT_HELLO`
        Hello = 0,
        /// `OFPT_ERROR`
        Error = 1,
        /// `OFPT_ECHO_REQUEST`
        EchoRequest = 2,
        /// `OFPT_ECHO_REPLY`
        EchoReply = 3,
        /// `OFPT_EXPERIMENTER`
        Experimenter = 4,
        /// `OFPT_FEATURES_REQUEST`
        FeaturesRequest = 5,
        /// `OFPT_FEATURES_REPLY`
        FeaturesReply = 6,
        /// `OFPT_GET_CONFIG_REQUEST`
        GetConfigRequest = 7,
        /// `OFPT_GET_CONFIG_REPLY`
        GetConfigReply = 8,
        /// `OFPT_SET_CONFIG`
        SetConfig = 9,
        /// `OFPT_PACKET_IN`
        PacketIn = 10,
        /// `OFPT_FLOW_REMOVED`
        FlowRemoved = 11,
        /// `OFPT_PORT_STATUS`
        PortStatus = 12,
        /// `OFPT_PACKET_OUT`
        PacketOut = 13,
        /// `OFPT_FLOW_MOD`
        FlowMod = 14,
        /// `OFPT_GROUP_MOD`
        GroupMod = 15,
        /// `OFPT_PORT_MOD`
        PortMod = 16,
        /// `OFPT_TABLE_MOD`
        TableMod = 17,
        /// `OFPT_MULTIPART_REQUEST`
        MultipartRequest = 18,
        /// `OFPT_MULTIPART_REPLY`
        MultipartReply = 19,
        /// `OFPT_BARRIER_REQUEST`
        BarrierRequest = 20,
        /// `OFPT_BARRIER_REPLY`
        BarrierReply = 21,
        /// `OFPT_QUEUE_GET_CONFIG_REQUEST`
        QueueGetConfigRequest = 22,
        /// `OFPT_QUEUE_GET_CONFIG_REPLY`
        QueueGetConfigReply = 23,
        /// `OFPT_ROLE_REQUEST`
        RoleRequest = 24,
        /// `OFPT_ROLE_REPLY`
        RoleReply = 25,
        /// `OFPT_GET_ASYNC_REQUEST`
        GetAsyncRequest = 26,
        /// `OFPT_GET_ASYNC_REPLY`
        GetAsyncReply = 27,
        /// `OFPT_SET_ASYNC`
        SetAsync = 28,
        /// `OFPT_METER_MOD`
        MeterMod = 29,
    }
}
