//! Messages about flow entries and packets.

use openflow::{
    BufferId, FlowMod, FlowModFlags, FlowRemoved, FlowStats, FlowStatsRequest, GroupId, PacketIn,
    PacketOut, PortNo,
};

use super::action::Actions;
use super::instruction::Instructions;
use super::values::Hexadecimal;
use super::writer::{Fields, Record};

impl Fields for FlowMod {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("command", &self.command)
            .field("table_id", &self.table_id)
            .field("cookie", &self.cookie)
            .unless(
                Hexadecimal(0),
                "cookie_mask",
                &Hexadecimal(self.cookie_mask),
            )
            .unless(0, "idle_timeout", &self.idle_timeout)
            .unless(0, "hard_timeout", &self.hard_timeout)
            .field("priority", &self.priority)
            .unless(BufferId::NO_BUFFER, "buffer_id", &self.buffer_id)
            .unless(PortNo::ANY, "out_port", &self.out_port)
            .unless(GroupId::ANY, "out_group", &self.out_group)
            .unless(FlowModFlags::empty(), "flags", &self.flags)
            .field("match", &self.match_)
            .named("instructions", "actions", &Instructions(&self.instructions));
    }
}

impl Fields for FlowRemoved {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("reason", &self.reason)
            .field("table_id", &self.table_id)
            .field("cookie", &self.cookie)
            .field("priority", &self.priority)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec)
            .unless(0, "idle_timeout", &self.idle_timeout)
            .unless(0, "hard_timeout", &self.hard_timeout)
            .field("packet_count", &self.packet_count)
            .field("byte_count", &self.byte_count)
            .field("match", &self.match_);
    }
}

impl Fields for PacketIn {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("reason", &self.reason)
            .field("table_id", &self.table_id)
            .field("cookie", &self.cookie)
            .unless(BufferId::NO_BUFFER, "buffer_id", &self.buffer_id)
            .field("total_len", &self.total_len)
            .field("match", &self.match_)
            .field("data", &self.data);
    }
}

impl Fields for PacketOut {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .unless(BufferId::NO_BUFFER, "buffer_id", &self.buffer_id)
            .field("in_port", &self.in_port)
            .field("actions", &Actions(&self.actions))
            .field("data", &self.data);
    }
}

impl Fields for FlowStatsRequest {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .unless(PortNo::ANY, "out_port", &self.out_port)
            .unless(GroupId::ANY, "out_group", &self.out_group)
            .field("cookie", &self.cookie)
            .field("cookie_mask", &Hexadecimal(self.cookie_mask))
            .field("match", &self.match_);
    }
}

impl Fields for FlowStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec)
            .field("priority", &self.priority)
            .unless(0, "idle_timeout", &self.idle_timeout)
            .unless(0, "hard_timeout", &self.hard_timeout)
            .unless(FlowModFlags::empty(), "flags", &self.flags)
            .field("cookie", &self.cookie)
            .field("packet_count", &self.packet_count)
            .field("byte_count", &self.byte_count)
            .field("match", &self.match_)
            .named("instructions", "actions", &Instructions(&self.instructions));
    }
}
