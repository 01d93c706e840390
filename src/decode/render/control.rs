//! Messages about the connection and the switch as a whole.

use openflow::{
    AsyncConfig, ErrorCode, ErrorKind, ErrorMsg, FeaturesReply, Hello, HelloElement, Role,
    SwitchConfig, TableMod,
};

use super::values::{Hexadecimal, Name};
use super::writer::{Fields, Record};

impl Fields for Hello {
    fn fields(&self, record: &mut Record<'_>) {
        record.field("elements", &self.elements);
        if !self.data.is_empty() {
            record.field("data", &self.data);
        }
    }
}

impl Fields for HelloElement {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::VersionBitmap(words) => record.kind("VERSIONBITMAP").field(
                "bitmaps",
                &Vec::from_iter(words.iter().copied().map(Hexadecimal)),
            ),
            Self::Unknown { kind, data } => record.head("type", kind).field("data", data),
            newer => record.debug(newer),
        };
    }
}

impl Fields for ErrorMsg {
    /// The specification calls the first field `type`, which is the message's here.
    fn fields(&self, record: &mut Record<'_>) {
        match self.error {
            ErrorKind::Standard(error @ ErrorCode { kind, .. }) => {
                record.field("error_type", &kind).field("code", &error)
            }
            ErrorKind::Experimenter {
                experimenter,
                exp_type,
            } => record
                .field("error_type", &Name("EXPERIMENTER"))
                .field("experimenter", &Hexadecimal(experimenter))
                .field("exp_type", &exp_type),
        };
        record.field("data", &self.data);
    }
}

impl Fields for FeaturesReply {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("datapath_id", &self.datapath_id)
            .field("n_buffers", &self.n_buffers)
            .field("n_tables", &self.n_tables)
            .field("auxiliary_id", &self.auxiliary_id)
            .field("capabilities", &self.capabilities)
            .unless(0, "reserved", &self.reserved);
    }
}

impl Fields for SwitchConfig {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("flags", &self.flags)
            .field("miss_send_len", &self.miss_send_len);
    }
}

impl Fields for TableMod {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .field("config", &self.config);
    }
}

impl Fields for Role {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("role", &self.role)
            .field("generation_id", &self.generation_id);
    }
}

impl Fields for AsyncConfig {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("packet_in_mask", &self.packet_in_mask.map(Hexadecimal))
            .field("port_status_mask", &self.port_status_mask.map(Hexadecimal))
            .field(
                "flow_removed_mask",
                &self.flow_removed_mask.map(Hexadecimal),
            );
    }
}
