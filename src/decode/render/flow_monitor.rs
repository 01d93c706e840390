//! Flow monitors.

use openflow::{
    Action, FlowMonitorRequest, FlowUpdate, FlowUpdateFull, Instruction, NxFlowMonitorRequest,
    PortNo,
};

use super::action::Actions;
use super::instruction::Instructions;
use super::values::{Hexadecimal, Name};
use super::writer::{Fields, Record};

impl Fields for FlowMonitorRequest {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("id", &self.id)
            .field("flags", &self.flags)
            .unless(PortNo::ANY, "out_port", &self.out_port)
            .field("table_id", &self.table_id)
            .field("match", &self.match_);
    }
}

impl Fields for NxFlowMonitorRequest {
    fn fields(&self, record: &mut Record<'_>) {
        const ANY_PORT: u16 = 0xffff;
        record
            .field("id", &self.id)
            .field("flags", &self.flags)
            .unless(ANY_PORT, "out_port", &self.out_port)
            .field("table_id", &self.table_id)
            .field("match", &self.match_);
    }
}

/// What an entry does: instructions in the form of the ONF, actions in that of Nicira.
pub(super) trait Doing: Sized {
    fn fields(list: &[Self], record: &mut Record<'_>);
}

impl Doing for Instruction {
    fn fields(list: &[Self], record: &mut Record<'_>) {
        record.named("instructions", "actions", &Instructions(list));
    }
}

impl Doing for Action {
    fn fields(list: &[Self], record: &mut Record<'_>) {
        record.field("actions", &Actions(list));
    }
}

impl<T: Doing> Fields for FlowUpdate<T> {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::Full(full) => full.fields(record),
            Self::Abbreviated { xid } => {
                record
                    .field("event", &Name("ABBREV"))
                    .field("xid", &Hexadecimal(xid.0));
            }
        }
    }
}

impl<T: Doing> Fields for FlowUpdateFull<T> {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("event", &self.event)
            .field("reason", &self.reason)
            .field("priority", &self.priority)
            .unless(0, "idle_timeout", &self.idle_timeout)
            .unless(0, "hard_timeout", &self.hard_timeout)
            .field("table_id", &self.table_id)
            .field("cookie", &self.cookie)
            .field("match", &self.match_);
        T::fields(&self.actions, record);
    }
}
