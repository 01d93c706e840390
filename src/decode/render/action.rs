//! Actions: objects in JSON, the syntax of `ovs-ofctl` in text.

use std::fmt::Display;

use openflow::{Action, MatchEntry, Message, PacketOut, Xid};

use super::nicira_action;
use super::values::Hexadecimal;
use super::writer::{Fields, Record, Style, Value, Writer};

/// A list of actions.
#[derive(Clone, Copy)]
pub(super) struct Actions<'a>(pub(super) &'a [Action]);

impl Value for Actions<'_> {
    fn write(&self, out: &mut Writer) {
        match (out.style(), self.0) {
            (Style::Text, []) => out.raw("drop"),
            (Style::Text, actions) => write_separated(out, actions),
            (Style::Json, actions) => out.list(actions.iter(), |out, item| Object(item).write(out)),
        }
    }
}

pub(super) fn write_separated<T: Display>(out: &mut Writer, list: &[T]) {
    for (index, item) in list.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.raw(format_args!("{comma}{item}"));
    }
}

/// An action by the names of its structure.
struct Object<'a>(&'a Action);

impl Fields for Object<'_> {
    fn fields(&self, record: &mut Record<'_>) {
        match self.0 {
            Action::Output { port, max_len } => record
                .kind("OUTPUT")
                .field("port", port)
                .field("max_len", max_len),
            Action::CopyTtlOut => record.kind("COPY_TTL_OUT"),
            Action::CopyTtlIn => record.kind("COPY_TTL_IN"),
            Action::SetMplsTtl(ttl) => record.kind("SET_MPLS_TTL").field("mpls_ttl", ttl),
            Action::DecMplsTtl => record.kind("DEC_MPLS_TTL"),
            Action::PushVlan(ethertype) => record.kind("PUSH_VLAN").field("ethertype", ethertype),
            Action::PopVlan => record.kind("POP_VLAN"),
            Action::PushMpls(ethertype) => record.kind("PUSH_MPLS").field("ethertype", ethertype),
            Action::PopMpls(ethertype) => record.kind("POP_MPLS").field("ethertype", ethertype),
            Action::SetQueue(queue) => record.kind("SET_QUEUE").field("queue_id", queue),
            Action::Group(group) => record.kind("GROUP").field("group_id", group),
            Action::SetNwTtl(ttl) => record.kind("SET_NW_TTL").field("nw_ttl", ttl),
            Action::DecNwTtl => record.kind("DEC_NW_TTL"),
            Action::SetField(oxm) => record
                .kind("SET_FIELD")
                .field("field", &MatchEntry::Oxm(*oxm)),
            Action::SetFieldRaw(raw) => record
                .kind("SET_FIELD")
                .field("field", &MatchEntry::Raw(raw.clone())),
            Action::PushPbb(ethertype) => record.kind("PUSH_PBB").field("ethertype", ethertype),
            Action::PopPbb => record.kind("POP_PBB"),
            Action::Experimenter { experimenter, data } => record
                .kind("EXPERIMENTER")
                .field("experimenter", &Hexadecimal(*experimenter))
                .field("data", data),
            Action::Unknown { kind, data } => record.head("type", kind).field("data", data),
            extension => nicira_action::fields(extension, record),
        };
    }
}

/// An action that has no names here yet, as on the wire.
pub(super) fn bytes_of(action: &Action) -> Vec<u8> {
    /// Header and fixed part of a packet-out.
    const ACTIONS_AT: usize = 24;
    let message = PacketOut::new(vec![action.clone()], Default::default());
    let mut wire = Vec::new();
    match Message::PacketOut(message).encode(Xid(0), &mut wire) {
        Ok(()) => wire.split_off(ACTIONS_AT),
        Err(_) => Vec::new(),
    }
}
