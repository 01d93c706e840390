//! What bridges write into their own tables while a frame passes (`NXAST_LEARN`).

use openflow::{
    Action, Instruction, Learn, LearnDestination, LearnSource, OxmField, Subfield, TableId,
};

use super::packet::Packet;
use super::value::Value;
use crate::program::Program;
use crate::topology::Role;

/// The flow entries that a learn action writes, as far as they are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) priority: u16,
    /// What an entry is about.
    pub(super) conditions: Vec<Subfield>,
    /// What it loads.
    pub(super) loads: Vec<Subfield>,
}

/// A flow entry that was written while this frame passed.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) role: Role,
    pub(super) table: TableId,
    pub(super) priority: u16,
    pub(super) conditions: Vec<(Subfield, Value)>,
    pub(super) loads: Vec<(Subfield, Value)>,
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
            let value = match spec.src {
                LearnSource::Field(field, start) => packet.bits(part(field, start, spec.bits))?,
                LearnSource::Immediate(value) => Value::number(value),
            };
            match spec.dst {
                LearnDestination::Match(field, start) => {
                    note.conditions.push((part(field, start, spec.bits), value));
                }
                LearnDestination::Load(field, start) => {
                    note.loads.push((part(field, start, spec.bits), value));
                }
                LearnDestination::Output => return None,
            }
        }
        Some(note)
    }
}

/// All that the learn actions of a program may have written, with the table.
pub(super) fn written_by(program: &Program) -> Vec<(TableId, Memory)> {
    let mut written = Vec::new();
    for instruction in program.flows.values().flat_map(|flow| &flow.instructions) {
        if let Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) = instruction
        {
            collect(actions, &mut written);
        }
    }
    for bucket in program.groups.values().flat_map(|group| &group.buckets) {
        collect(&bucket.actions, &mut written);
    }
    written
}

fn collect(actions: &[Action], written: &mut Vec<(TableId, Memory)>) {
    for action in actions {
        match action {
            Action::Clone(actions) => collect(actions, written),
            Action::Learn(learn) => {
                let memory = (learn.table_id, Memory::of(learn));
                if !written.contains(&memory) {
                    written.push(memory);
                }
            }
            _ => {}
        }
    }
}

impl Memory {
    fn of(learn: &Learn) -> Self {
        let mut memory = Self {
            priority: learn.priority,
            conditions: Vec::new(),
            loads: Vec::new(),
        };
        for spec in &learn.specs {
            match spec.dst {
                LearnDestination::Match(field, start) => {
                    memory.conditions.push(part(field, start, spec.bits));
                }
                LearnDestination::Load(field, start) => {
                    memory.loads.push(part(field, start, spec.bits));
                }
                LearnDestination::Output => {}
            }
        }
        memory
    }
}

fn part(field: OxmField, start: u16, bits: u16) -> Subfield {
    Subfield {
        field: field.canonical(),
        start,
        bits,
    }
}
