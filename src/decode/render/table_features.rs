//! What tables can do.

use bytes::Buf;
use openflow::{ExperimenterFeature, OxmId, TableFeature, TableFeatures, TableId, TypeId};

use super::values::Hexadecimal;
use super::writer::{Fields, Record};

impl Fields for TableFeatures {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .field("name", &self.name)
            .field("metadata_match", &Hexadecimal(self.metadata_match))
            .field("metadata_write", &Hexadecimal(self.metadata_write))
            .field("config", &self.config)
            .field("max_entries", &self.max_entries)
            .field("properties", &self.properties);
    }
}

impl Fields for TableFeature {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::Instructions(ids) => instructions(record.kind("INSTRUCTIONS"), ids),
            Self::InstructionsMiss(ids) => instructions(record.kind("INSTRUCTIONS_MISS"), ids),
            Self::NextTables(ids) => tables(record.kind("NEXT_TABLES"), ids),
            Self::NextTablesMiss(ids) => tables(record.kind("NEXT_TABLES_MISS"), ids),
            Self::WriteActions(ids) => actions(record.kind("WRITE_ACTIONS"), ids),
            Self::WriteActionsMiss(ids) => actions(record.kind("WRITE_ACTIONS_MISS"), ids),
            Self::ApplyActions(ids) => actions(record.kind("APPLY_ACTIONS"), ids),
            Self::ApplyActionsMiss(ids) => actions(record.kind("APPLY_ACTIONS_MISS"), ids),
            Self::Match(ids) => match_fields(record.kind("MATCH"), ids),
            Self::Wildcards(ids) => match_fields(record.kind("WILDCARDS"), ids),
            Self::WriteSetField(ids) => match_fields(record.kind("WRITE_SETFIELD"), ids),
            Self::WriteSetFieldMiss(ids) => match_fields(record.kind("WRITE_SETFIELD_MISS"), ids),
            Self::ApplySetField(ids) => match_fields(record.kind("APPLY_SETFIELD"), ids),
            Self::ApplySetFieldMiss(ids) => match_fields(record.kind("APPLY_SETFIELD_MISS"), ids),
            Self::Experimenter(feature) => feature.fields(record.kind("EXPERIMENTER")),
            Self::ExperimenterMiss(feature) => feature.fields(record.kind("EXPERIMENTER_MISS")),
            Self::Unknown(property) => property.fields(record),
            newer => _ = record.debug(newer),
        }
    }
}

impl Fields for ExperimenterFeature {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("experimenter", &Hexadecimal(self.experimenter))
            .field("exp_type", &self.exp_type)
            .field("experimenter_data", &self.data);
    }
}

fn instructions(record: &mut Record<'_>, ids: &[TypeId]) {
    record.entry("instruction_ids", |out| {
        out.list(ids, |out, id| {
            out.record(|record| type_id(record, id, &INSTRUCTIONS));
        });
    });
}

fn actions(record: &mut Record<'_>, ids: &[TypeId]) {
    record.entry("action_ids", |out| {
        out.list(ids, |out, id| {
            out.record(|record| type_id(record, id, &ACTIONS));
        });
    });
}

fn tables(record: &mut Record<'_>, ids: &Vec<TableId>) {
    record.field("next_table_ids", ids);
}

fn match_fields(record: &mut Record<'_>, ids: &Vec<OxmId>) {
    record.field("oxm_ids", ids);
}

fn type_id(record: &mut Record<'_>, id: &TypeId, names: &[(u16, &'static str)]) {
    match names.iter().find(|(kind, _)| *kind == id.kind) {
        Some((_, name)) => record.kind(name),
        None => record.head("type", &id.kind),
    };
    let mut data = id.data.clone();
    if id.kind == EXPERIMENTER && data.len() >= 4 {
        record.field("experimenter", &Hexadecimal(data.get_u32()));
    }
    record.optional("data", Some(&data).filter(|data| !data.is_empty()));
}

/// `OFPIT_EXPERIMENTER` and `OFPAT_EXPERIMENTER`: their ids begin with the experimenter's.
const EXPERIMENTER: u16 = 0xffff;

/// `ofp_instruction_type`
const INSTRUCTIONS: [(u16, &str); 7] = [
    (1, "GOTO_TABLE"),
    (2, "WRITE_METADATA"),
    (3, "WRITE_ACTIONS"),
    (4, "APPLY_ACTIONS"),
    (5, "CLEAR_ACTIONS"),
    (6, "METER"),
    (EXPERIMENTER, "EXPERIMENTER"),
];

/// `ofp_action_type`
const ACTIONS: [(u16, &str); 17] = [
    (0, "OUTPUT"),
    (11, "COPY_TTL_OUT"),
    (12, "COPY_TTL_IN"),
    (15, "SET_MPLS_TTL"),
    (16, "DEC_MPLS_TTL"),
    (17, "PUSH_VLAN"),
    (18, "POP_VLAN"),
    (19, "PUSH_MPLS"),
    (20, "POP_MPLS"),
    (21, "SET_QUEUE"),
    (22, "GROUP"),
    (23, "SET_NW_TTL"),
    (24, "DEC_NW_TTL"),
    (25, "SET_FIELD"),
    (26, "PUSH_PBB"),
    (27, "POP_PBB"),
    (EXPERIMENTER, "EXPERIMENTER"),
];
