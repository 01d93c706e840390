//! The message itself: what its header says, then what is in it.

use openflow::{Header, Message, VERSION, Xid, experimenter};

use super::extension::{self, onf};
use super::values::Hexadecimal;
use super::writer::{Fields, Record};

/// A message with the xid of its header.
#[derive(Clone, Copy)]
pub(in crate::decode) struct Whole<'a>(
    pub(in crate::decode) Xid,
    pub(in crate::decode) &'a Message,
);

impl Fields for Whole<'_> {
    fn fields(&self, record: &mut Record<'_>) {
        let Self(xid, message) = *self;
        record
            .head("type", &message.kind())
            .field("xid", &Hexadecimal(xid.0))
            .unless(VERSION, "version", &message.version());
        match message {
            Message::Hello(hello) => hello.fields(record),
            Message::Error(error) => error.fields(record),
            Message::EchoRequest(data) | Message::EchoReply(data) => {
                record.field("data", data);
            }
            Message::FeaturesRequest
            | Message::GetConfigRequest
            | Message::BarrierRequest
            | Message::BarrierReply
            | Message::GetAsyncRequest => {}
            Message::FeaturesReply(reply) => reply.fields(record),
            Message::GetConfigReply(config) | Message::SetConfig(config) => config.fields(record),
            Message::PacketIn(packet_in) => packet_in.fields(record),
            Message::FlowRemoved(removed) => removed.fields(record),
            Message::PortStatus(status) => status.fields(record),
            Message::PacketOut(packet_out) => packet_out.fields(record),
            Message::FlowMod(flow_mod) => flow_mod.fields(record),
            Message::GroupMod(group_mod) => group_mod.fields(record),
            Message::PortMod(port_mod) => port_mod.fields(record),
            Message::TableMod(table_mod) => table_mod.fields(record),
            Message::MultipartRequest(request) => request.fields(record),
            Message::MultipartReply(reply) => reply.fields(record),
            Message::QueueGetConfigRequest(port) => {
                record.field("port", port);
            }
            Message::QueueGetConfigReply(reply) => reply.fields(record),
            Message::RoleRequest(role) | Message::RoleReply(role) => role.fields(record),
            Message::GetAsyncReply(config) | Message::SetAsync(config) => config.fields(record),
            Message::MeterMod(meter_mod) => meter_mod.fields(record),
            Message::BundleControl(control) => control.fields(record),
            Message::BundleAdd(add) => extension::bundle_add(add, xid, record),
            Message::FlowMonitorCancel(id) => {
                extension::start(record, experimenter::ONF, onf::FLOW_MONITOR_CANCEL)
                    .field("id", id);
            }
            Message::FlowMonitorPaused => {
                extension::start(record, experimenter::ONF, onf::FLOW_MONITOR_PAUSED);
            }
            Message::FlowMonitorResumed => {
                extension::start(record, experimenter::ONF, onf::FLOW_MONITOR_RESUMED);
            }
            Message::Nicira(message) => message.fields(record),
            Message::Experimenter {
                experimenter,
                exp_type,
                data,
            } => {
                extension::start(record, *experimenter, *exp_type).field("data", data);
            }
            Message::Unknown { kind: _, body } => {
                record.field("data", body);
            }
            newer => {
                record.entry("data", |out| out.hex(&body_of(newer)));
            }
        }
    }
}

/// What follows the header of a message that has no names here yet.
pub(super) fn body_of(message: &Message) -> Vec<u8> {
    let mut wire = Vec::new();
    match message.encode(Xid(0), &mut wire) {
        Ok(()) => wire.split_off(Header::LEN),
        Err(_) => wire,
    }
}
