//! Experimenter messages that the codec knows: bundles and flow monitors of the ONF, and those of
//! Open vSwitch.

use openflow::{
    AsyncProperty, BundleAdd, BundleControl, NxMessage, NxPacketIn, PacketInProperty, RawProperty,
    TlvMap, TlvTableMod, TlvTableReply, Xid, experimenter,
};

use super::message::Whole;
use super::values::Hexadecimal;
use super::writer::{Fields, Record};

/// What experimenter messages and multiparts begin with.
pub(super) fn start<'r, 'w>(
    record: &'r mut Record<'w>,
    experimenter: u32,
    exp_type: u32,
) -> &'r mut Record<'w> {
    record
        .field("experimenter", &Hexadecimal(experimenter))
        .field("exp_type", &exp_type)
}

/// ONF experimenter messages.
pub(super) mod onf {
    pub(in crate::decode::render) const FLOW_MONITOR_CANCEL: u32 = 1870;
    pub(in crate::decode::render) const FLOW_MONITOR_PAUSED: u32 = 1871;
    pub(in crate::decode::render) const FLOW_MONITOR_RESUMED: u32 = 1872;
    pub(super) const BUNDLE_CONTROL: u32 = 2300;
    pub(super) const BUNDLE_ADD: u32 = 2301;
}

impl Fields for BundleControl {
    /// The extension calls the second field `type`, which is the message's here.
    fn fields(&self, record: &mut Record<'_>) {
        start(record, experimenter::ONF, onf::BUNDLE_CONTROL)
            .field("bundle_id", &self.bundle_id)
            .field("bundle_ctrl_type", &self.kind)
            .field("flags", &self.flags)
            .field("properties", &self.properties);
    }
}

/// A message in a bundle: it has the xid of the message around it unless it says otherwise.
pub(super) fn bundle_add(add: &BundleAdd, xid: Xid, record: &mut Record<'_>) {
    let inner = Whole(add.inner_xid.unwrap_or(xid), &add.message);
    start(record, experimenter::ONF, onf::BUNDLE_ADD)
        .field("bundle_id", &add.bundle_id)
        .field("flags", &add.flags)
        .field("message", &inner)
        .field("properties", &add.properties);
}

impl Fields for RawProperty {
    fn fields(&self, record: &mut Record<'_>) {
        record.head("type", &self.kind).field("data", &self.data);
    }
}

impl Fields for NxMessage {
    fn fields(&self, record: &mut Record<'_>) {
        start(record, experimenter::NICIRA, self.exp_type());
        match self {
            Self::RoleRequest(role) | Self::RoleReply(role) => record.field("role", role),
            Self::SetPacketInFormat(format) => record.field("format", format),
            Self::PacketIn(packet_in) => record.with(packet_in),
            Self::SetAsyncConfig(config) => record.with(config),
            Self::SetControllerId(id) => record.field("controller_id", id),
            Self::FlowMonitorCancel(id) => record.field("id", id),
            Self::FlowMonitorPaused | Self::FlowMonitorResumed | Self::TlvTableRequest => record,
            Self::TlvTableMod(change) => record.with(change),
            Self::TlvTableReply(table) => record.with(table),
            Self::SetAsyncConfig2(properties) => record.field("properties", properties),
            Self::Resume(properties) | Self::PacketIn2(properties) => {
                record.field("properties", properties)
            }
            Self::CtFlushZone(zone) => record.field("zone_id", zone),
            newer => record.debug(newer),
        };
    }
}

impl Fields for NxPacketIn {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("reason", &self.reason)
            .field("table_id", &self.table_id)
            .field("cookie", &self.cookie)
            .field("buffer_id", &self.buffer_id)
            .field("total_len", &self.total_len)
            .field("match", &self.match_)
            .field("data", &self.data);
    }
}

impl Fields for PacketInProperty {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::Packet(packet) => record.kind("PACKET").field("packet", packet),
            Self::FullLen(length) => record.kind("FULL_LEN").field("full_len", length),
            Self::BufferId(id) => record.kind("BUFFER_ID").field("buffer_id", id),
            Self::TableId(table) => record.kind("TABLE_ID").field("table_id", table),
            Self::Cookie(cookie) => record.kind("COOKIE").field("cookie", cookie),
            Self::Reason(reason) => record.kind("REASON").field("reason", reason),
            Self::Metadata(metadata) => record.kind("METADATA").field("metadata", metadata),
            Self::Userdata(data) => record.kind("USERDATA").field("userdata", data),
            Self::Continuation(data) => record.kind("CONTINUATION").field("continuation", data),
            Self::Unknown(property) => record.with(property),
            newer => record.debug(newer),
        };
    }
}

impl Fields for AsyncProperty {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::Reasons { topic, mask } => record
                .head("type", topic)
                .field("mask", &Hexadecimal(*mask)),
            Self::Unknown(property) => record.with(property),
            newer => record.debug(newer),
        };
    }
}

impl Fields for TlvTableMod {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("command", &self.command)
            .field("maps", &self.maps);
    }
}

impl Fields for TlvTableReply {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("max_option_space", &self.max_option_space)
            .field("max_fields", &self.max_fields)
            .field("maps", &self.maps);
    }
}

impl Fields for TlvMap {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("option_class", &Hexadecimal(self.option_class))
            .field("option_type", &Hexadecimal(self.option_type))
            .field("option_len", &self.option_len)
            .field("index", &self.index);
    }
}
