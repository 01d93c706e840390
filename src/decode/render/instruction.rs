//! Instructions: objects in JSON, what stands behind `actions=` of `ovs-ofctl` in text.

use openflow::Instruction;

use super::action::Actions;
use super::values::Hexadecimal;
use super::writer::{Fields, Record, Style, Value, Writer};

/// The instructions of a flow entry.
#[derive(Clone, Copy)]
pub(super) struct Instructions<'a>(pub(super) &'a [Instruction]);

impl Value for Instructions<'_> {
    fn write(&self, out: &mut Writer) {
        match out.style() {
            Style::Text => out.raw(openflow::Instructions(self.0)),
            Style::Json => out.list(self.0.iter(), |out, item| Object(item).write(out)),
        }
    }
}

/// An instruction by the names of its structure.
struct Object<'a>(&'a Instruction);

impl Fields for Object<'_> {
    fn fields(&self, record: &mut Record<'_>) {
        match self.0 {
            Instruction::GotoTable(table) => record.kind("GOTO_TABLE").field("table_id", table),
            Instruction::WriteMetadata { metadata, mask } => record
                .kind("WRITE_METADATA")
                .field("metadata", metadata)
                .field("metadata_mask", mask),
            Instruction::WriteActions(actions) => record
                .kind("WRITE_ACTIONS")
                .field("actions", &Actions(actions)),
            Instruction::ApplyActions(actions) => record
                .kind("APPLY_ACTIONS")
                .field("actions", &Actions(actions)),
            Instruction::ClearActions => record.kind("CLEAR_ACTIONS"),
            Instruction::Meter(meter) => record.kind("METER").field("meter_id", meter),
            Instruction::Experimenter { experimenter, data } => record
                .kind("EXPERIMENTER")
                .field("experimenter", &Hexadecimal(*experimenter))
                .field("data", data),
            Instruction::Unknown { kind, data } => record.head("type", kind).field("data", data),
            newer => record.debug(newer),
        };
    }
}
