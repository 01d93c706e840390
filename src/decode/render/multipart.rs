//! Multipart messages: the header's fields, then the `body`, a list or a structure.

use openflow::{
    Desc, Message, MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, experimenter,
};

use super::extension;
use super::message::body_of;
use super::writer::{Fields, Record, Value};

/// ONF and Nicira multiparts for flow monitors.
const ONF_FLOW_MONITOR: u32 = 1870;
const NX_FLOW_MONITOR: u32 = 2;

impl Fields for MultipartRequest {
    fn fields(&self, record: &mut Record<'_>) {
        use MultipartRequestBody as Body;
        record.head("multipart", &self.body.kind()).unless(
            MultipartFlags::empty(),
            "flags",
            &self.flags,
        );
        match &self.body {
            Body::Desc
            | Body::Table
            | Body::GroupDesc
            | Body::GroupFeatures
            | Body::MeterFeatures
            | Body::PortDesc => record,
            Body::Flow(request) | Body::Aggregate(request) => record.field("body", request),
            Body::PortStats(port) => record.field("body", &Alone("port_no", port)),
            Body::Queue(request) => record.field("body", request),
            Body::Group(group) => record.field("body", &Alone("group_id", group)),
            Body::Meter(meter) | Body::MeterConfig(meter) => {
                record.field("body", &Alone("meter_id", meter))
            }
            Body::TableFeatures(tables) => record.field("body", tables),
            Body::FlowMonitor(monitors) => {
                extension::start(record, experimenter::ONF, ONF_FLOW_MONITOR)
                    .field("body", monitors)
            }
            Body::NxFlowMonitor(monitors) => {
                extension::start(record, experimenter::NICIRA, NX_FLOW_MONITOR)
                    .field("body", monitors)
            }
            Body::Experimenter {
                experimenter,
                exp_type,
                data,
            } => extension::start(record, *experimenter, *exp_type).field("data", data),
            Body::Unknown { kind: _, data } => record.field("data", data),
            _ => record.entry("data", |out| {
                out.hex(&after_header(&Message::MultipartRequest(self.clone())));
            }),
        };
    }
}

impl Fields for MultipartReply {
    fn fields(&self, record: &mut Record<'_>) {
        use MultipartReplyBody as Body;
        record.head("multipart", &self.body.kind()).unless(
            MultipartFlags::empty(),
            "flags",
            &self.flags,
        );
        match &self.body {
            Body::Desc(desc) => record.field("body", &**desc),
            Body::Flow(flows) => record.field("body", flows),
            Body::Aggregate(stats) => record.field("body", stats),
            Body::Table(tables) => record.field("body", tables),
            Body::PortStats(ports) => record.field("body", ports),
            Body::Queue(queues) => record.field("body", queues),
            Body::Group(groups) => record.field("body", groups),
            Body::GroupDesc(groups) => record.field("body", groups),
            Body::GroupFeatures(features) => record.field("body", features),
            Body::Meter(meters) => record.field("body", meters),
            Body::MeterConfig(meters) => record.field("body", meters),
            Body::MeterFeatures(features) => record.field("body", features),
            Body::TableFeatures(tables) => record.field("body", tables),
            Body::PortDesc(ports) => record.field("body", ports),
            Body::FlowMonitor(updates) => {
                extension::start(record, experimenter::ONF, ONF_FLOW_MONITOR).field("body", updates)
            }
            Body::NxFlowMonitor(updates) => {
                extension::start(record, experimenter::NICIRA, NX_FLOW_MONITOR)
                    .field("body", updates)
            }
            Body::Experimenter {
                experimenter,
                exp_type,
                data,
            } => extension::start(record, *experimenter, *exp_type).field("data", data),
            Body::Unknown { kind: _, data } => record.field("data", data),
            _ => record.entry("data", |out| {
                out.hex(&after_header(&Message::MultipartReply(self.clone())));
            }),
        };
    }
}

/// A multipart message of a kind that has no names here yet, as on the wire.
fn after_header(message: &Message) -> Vec<u8> {
    /// Of the multipart header.
    const LEN: usize = 8;
    let mut body = body_of(message);
    body.drain(..LEN.min(body.len()));
    body
}

/// A body of one field.
struct Alone<'a, T>(&'static str, &'a T);

impl<T: Value> Fields for Alone<'_, T> {
    fn fields(&self, record: &mut Record<'_>) {
        record.field(self.0, self.1);
    }
}

impl Fields for Desc {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("mfr_desc", &self.mfr_desc)
            .field("hw_desc", &self.hw_desc)
            .field("sw_desc", &self.sw_desc)
            .field("serial_num", &self.serial_num)
            .field("dp_desc", &self.dp_desc);
    }
}
