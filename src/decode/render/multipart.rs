//! Multipart messages: the header's fields, then the `body`, a list or a structure.

use openflow::{
    Desc, Message, MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, TableStats, Xid,
};

use super::writer::{Fields, Record};

impl Fields for MultipartRequest {
    fn fields(&self, record: &mut Record<'_>) {
        use MultipartRequestBody as Body;
        record.head("multipart", &self.body.kind()).unless(
            MultipartFlags::empty(),
            "flags",
            &self.flags,
        );
        match &self.body {
            Body::Desc | Body::Table | Body::GroupDesc | Body::PortDesc => record,
            Body::Flow(request) | Body::Aggregate(request) => record.field("body", request),
            Body::MeterConfig(meter) => record.entry("body", |out| {
                out.record(|record| {
                    record.field("meter_id", meter);
                });
            }),
            Body::Unknown { kind: _, data } => record.field("body", data),
            _ => record.entry("body", |out| {
                out.hex(&body_of(&Message::MultipartRequest(self.clone())));
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
            Body::GroupDesc(groups) => record.field("body", groups),
            Body::MeterConfig(meters) => record.field("body", meters),
            Body::PortDesc(ports) => record.field("body", ports),
            Body::Unknown { kind: _, data } => record.field("body", data),
            _ => record.entry("body", |out| {
                out.hex(&body_of(&Message::MultipartReply(self.clone())));
            }),
        };
    }
}

/// What follows the multipart header of a kind that has no names here yet.
fn body_of(message: &Message) -> Vec<u8> {
    const BODY_AT: usize = 16;
    let mut wire = Vec::new();
    match message.encode(Xid(0), &mut wire) {
        Ok(()) => wire.split_off(BODY_AT),
        Err(_) => wire,
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

impl Fields for TableStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .field("active_count", &self.active_count)
            .field("lookup_count", &self.lookup_count)
            .field("matched_count", &self.matched_count);
    }
}
