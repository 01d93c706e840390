//! What bridges write into their own tables while a frame passes (`NXAST_LEARN`).

use openflow::{Learn, LearnDestination, LearnSource, OxmField, Subfield, TableId};

use super::packet::Packet;
use crate::topology::Role;

/// All that bridges wrote into their own tables, the latest last. Frames that come later find it
/// there, if they are [injected](super::Network::inject_after) with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory(pub(super) Vec<Note>);

/// A flow entry that a bridge wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    role: Role,
    table: TableId,
    priority: u16,
    conditions: Vec<(Subfield, u128)>,
    loads: Vec<(Subfield, u128)>,
}

impl Note {
    /// What `learn` writes when it is carried out on `packet`; `None` where the packet lacks a
    /// field, or the entry would do something else than load fields.
    pub(super) fn write(role: Role, learn: &Learn, packet: &Packet) -> Option<Self> {
        let mut note = Self {
            role,
            table: learn.table_id,
            priority: learn.priority,
            conditions: Vec::new(),
            loads: Vec::new(),
        };
        for spec in &learn.specs {
            let part = |field: OxmField, start| Subfield {
                field,
                start,
                bits: spec.bits,
            };
            let value = match spec.src {
                LearnSource::Field(field, start) => packet.bits(part(field, start))?,
                LearnSource::Immediate(value) => value,
            };
            match spec.dst {
                LearnDestination::Match(field, start) => {
                    note.conditions.push((part(field, start), value));
                }
                LearnDestination::Load(field, start) => {
                    note.loads.push((part(field, start), value));
                }
                LearnDestination::Output => return None,
            }
        }
        Some(note)
    }

    /// Whether a look-up of `packet` finds this entry rather than one of `priority`.
    pub(super) fn applies(
        &self,
        role: Role,
        table: TableId,
        priority: Option<u16>,
        packet: &Packet,
    ) -> bool {
        self.role == role
            && self.table == table
            // An entry with the same key takes the place of the one that was there.
            && Some(self.priority) >= priority
            && self
                .conditions
                .iter()
                .all(|(part, value)| packet.bits(*part) == Some(*value))
    }

    /// Carries it out.
    pub(super) fn apply(&self, packet: &mut Packet) -> Option<()> {
        self.loads
            .iter()
            .try_for_each(|(part, value)| packet.load(*part, *value))
    }
}
