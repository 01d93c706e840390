//! What tables can do.

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::fixed_str::FixedStr;
use crate::msg::{ErrorCode, TableConfig};
use crate::oxm::OxmId;
use crate::property::{RawProperty, decode_property, encode_property, put_property};
use crate::types::TableId;

/// What a table can do (`ofp_table_features`, §7.3.5.5). In a request it is what the table is to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableFeatures {
    /// The table.
    pub table_id: TableId,
    /// Its name.
    pub name: FixedStr<32>,
    /// Which bits of the metadata it can match.
    pub metadata_match: u64,
    /// Which bits of the metadata it can write.
    pub metadata_write: u64,
    /// Its configuration.
    pub config: TableConfig,
    /// How many entries it can have.
    pub max_entries: u32,
    /// The rest.
    pub properties: Vec<TableFeature>,
}

/// A property of a table (`ofp_table_feature_prop_type`).
///
/// `Miss` is for the table-miss flow entry; without it, what holds for all holds for it too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFeature {
    /// Instructions (`OFPTFPT_INSTRUCTIONS`).
    Instructions(Vec<TypeId>),
    /// Instructions (`OFPTFPT_INSTRUCTIONS_MISS`).
    InstructionsMiss(Vec<TypeId>),
    /// Tables to go to (`OFPTFPT_NEXT_TABLES`).
    NextTables(Vec<TableId>),
    /// Tables to go to (`OFPTFPT_NEXT_TABLES_MISS`).
    NextTablesMiss(Vec<TableId>),
    /// Actions in a set (`OFPTFPT_WRITE_ACTIONS`).
    WriteActions(Vec<TypeId>),
    /// Actions in a set (`OFPTFPT_WRITE_ACTIONS_MISS`).
    WriteActionsMiss(Vec<TypeId>),
    /// Actions carried out at once (`OFPTFPT_APPLY_ACTIONS`).
    ApplyActions(Vec<TypeId>),
    /// Actions carried out at once (`OFPTFPT_APPLY_ACTIONS_MISS`).
    ApplyActionsMiss(Vec<TypeId>),
    /// Fields to match (`OFPTFPT_MATCH`).
    Match(Vec<OxmId>),
    /// Fields that may be left out (`OFPTFPT_WILDCARDS`).
    Wildcards(Vec<OxmId>),
    /// Fields to set in a set of actions (`OFPTFPT_WRITE_SETFIELD`).
    WriteSetField(Vec<OxmId>),
    /// Fields to set in a set of actions (`OFPTFPT_WRITE_SETFIELD_MISS`).
    WriteSetFieldMiss(Vec<OxmId>),
    /// Fields to set at once (`OFPTFPT_APPLY_SETFIELD`).
    ApplySetField(Vec<OxmId>),
    /// Fields to set at once (`OFPTFPT_APPLY_SETFIELD_MISS`).
    ApplySetFieldMiss(Vec<OxmId>),
    /// A property of an experimenter (`OFPTFPT_EXPERIMENTER`).
    Experimenter(ExperimenterFeature),
    /// A property of an experimenter (`OFPTFPT_EXPERIMENTER_MISS`).
    ExperimenterMiss(ExperimenterFeature),
    /// A property with a number that OpenFlow 1.3 does not give.
    Unknown(RawProperty),
}

/// What an experimenter says of a table (`ofp_table_feature_prop_experimenter`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExperimenterFeature {
    /// Whose it is.
    pub experimenter: u32,
    /// What it is, as the experimenter numbers it.
    pub exp_type: u32,
    /// What follows, without padding.
    pub data: Bytes,
}

/// The type of an instruction or action, without its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId {
    /// The `type`: 0xffff for those of experimenters.
    pub kind: u16,
    /// What follows type and length: an experimenter id and what the experimenter adds, or nothing.
    pub data: Bytes,
}

impl TypeId {
    /// A type of the specification.
    pub const fn new(kind: u16) -> Self {
        Self {
            kind,
            data: Bytes::new(),
        }
    }
}

/// `ofp_table_feature_prop_type`
mod kind {
    pub(super) const INSTRUCTIONS: u16 = 0;
    pub(super) const INSTRUCTIONS_MISS: u16 = 1;
    pub(super) const NEXT_TABLES: u16 = 2;
    pub(super) const NEXT_TABLES_MISS: u16 = 3;
    pub(super) const WRITE_ACTIONS: u16 = 4;
    pub(super) const WRITE_ACTIONS_MISS: u16 = 5;
    pub(super) const APPLY_ACTIONS: u16 = 6;
    pub(super) const APPLY_ACTIONS_MISS: u16 = 7;
    pub(super) const MATCH: u16 = 8;
    pub(super) const WILDCARDS: u16 = 10;
    pub(super) const WRITE_SETFIELD: u16 = 12;
    pub(super) const WRITE_SETFIELD_MISS: u16 = 13;
    pub(super) const APPLY_SETFIELD: u16 = 14;
    pub(super) const APPLY_SETFIELD_MISS: u16 = 15;
    pub(super) const EXPERIMENTER: u16 = 0xfffe;
    pub(super) const EXPERIMENTER_MISS: u16 = 0xffff;
}

const FEATURES: Structure = Structure::new("ofp_table_features", ErrorCode::OFPTFFC_BAD_LEN);
const FIXED_LEN: usize = 64;

impl Decode for TableFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<FIXED_LEN>()?;
        let length = fields.get_u16().into();
        let table_id = TableId(fields.get_u8());
        fields.advance(5);
        let mut name = FixedStr::default();
        fields.copy_to_slice(&mut name.0);
        Ok(Self {
            table_id,
            name,
            metadata_match: fields.get_u64(),
            metadata_write: fields.get_u64(),
            config: TableConfig::from_bits_retain(fields.get_u32()),
            max_entries: fields.get_u32(),
            properties: r.body(&FEATURES, FIXED_LEN, start, length, Reader::list)?,
        })
    }
}

impl Encode for TableFeatures {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u8(self.table_id.0);
        put_padding(out, 5);
        out.extend_from_slice(&self.name.0);
        out.put_u64(self.metadata_match);
        out.put_u64(self.metadata_write);
        out.put_u32(self.config.bits());
        out.put_u32(self.max_entries);
        put_list(out, &self.properties)?;
        set_length(out, start, start, FEATURES.name)
    }
}

impl Decode for TableFeature {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_property(r, |kind, body| {
            body.enter(&FEATURES);
            Ok(match kind {
                kind::INSTRUCTIONS => Self::Instructions(body.list()?),
                kind::INSTRUCTIONS_MISS => Self::InstructionsMiss(body.list()?),
                kind::NEXT_TABLES => Self::NextTables(body.list()?),
                kind::NEXT_TABLES_MISS => Self::NextTablesMiss(body.list()?),
                kind::WRITE_ACTIONS => Self::WriteActions(body.list()?),
                kind::WRITE_ACTIONS_MISS => Self::WriteActionsMiss(body.list()?),
                kind::APPLY_ACTIONS => Self::ApplyActions(body.list()?),
                kind::APPLY_ACTIONS_MISS => Self::ApplyActionsMiss(body.list()?),
                kind::MATCH => Self::Match(body.list()?),
                kind::WILDCARDS => Self::Wildcards(body.list()?),
                kind::WRITE_SETFIELD => Self::WriteSetField(body.list()?),
                kind::WRITE_SETFIELD_MISS => Self::WriteSetFieldMiss(body.list()?),
                kind::APPLY_SETFIELD => Self::ApplySetField(body.list()?),
                kind::APPLY_SETFIELD_MISS => Self::ApplySetFieldMiss(body.list()?),
                kind::EXPERIMENTER => Self::Experimenter(Decode::decode(body)?),
                kind::EXPERIMENTER_MISS => Self::ExperimenterMiss(Decode::decode(body)?),
                kind => Self::Unknown(RawProperty {
                    kind,
                    data: body.rest(),
                }),
            })
        })
    }
}

impl Encode for TableFeature {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Instructions(list) => put(out, kind::INSTRUCTIONS, list),
            Self::InstructionsMiss(list) => put(out, kind::INSTRUCTIONS_MISS, list),
            Self::NextTables(list) => put(out, kind::NEXT_TABLES, list),
            Self::NextTablesMiss(list) => put(out, kind::NEXT_TABLES_MISS, list),
            Self::WriteActions(list) => put(out, kind::WRITE_ACTIONS, list),
            Self::WriteActionsMiss(list) => put(out, kind::WRITE_ACTIONS_MISS, list),
            Self::ApplyActions(list) => put(out, kind::APPLY_ACTIONS, list),
            Self::ApplyActionsMiss(list) => put(out, kind::APPLY_ACTIONS_MISS, list),
            Self::Match(list) => put(out, kind::MATCH, list),
            Self::Wildcards(list) => put(out, kind::WILDCARDS, list),
            Self::WriteSetField(list) => put(out, kind::WRITE_SETFIELD, list),
            Self::WriteSetFieldMiss(list) => put(out, kind::WRITE_SETFIELD_MISS, list),
            Self::ApplySetField(list) => put(out, kind::APPLY_SETFIELD, list),
            Self::ApplySetFieldMiss(list) => put(out, kind::APPLY_SETFIELD_MISS, list),
            Self::Experimenter(feature) => {
                encode_property(out, kind::EXPERIMENTER, |out| feature.encode(out))
            }
            Self::ExperimenterMiss(feature) => {
                encode_property(out, kind::EXPERIMENTER_MISS, |out| feature.encode(out))
            }
            Self::Unknown(RawProperty { kind, data }) => put_property(out, *kind, data),
        }
    }
}

fn put<T: Encode>(out: &mut Vec<u8>, kind: u16, list: &[T]) -> Result<(), EncodeError> {
    encode_property(out, kind, |out| put_list(out, list))
}

impl Decode for ExperimenterFeature {
    /// Takes all that is left.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        Ok(Self {
            experimenter: fields.get_u32(),
            exp_type: fields.get_u32(),
            data: r.rest(),
        })
    }
}

impl Encode for ExperimenterFeature {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.experimenter);
        out.put_u32(self.exp_type);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}

impl Decode for TableId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.fixed::<1>()?.get_u8()))
    }
}

impl Encode for TableId {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u8(self.0);
        Ok(())
    }
}

const TYPE_ID: Structure = Structure::new("type id", ErrorCode::OFPTFFC_BAD_LEN);
const TYPE_ID_LEN: usize = 4;

impl Decode for TypeId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<TYPE_ID_LEN>()?;
        let kind = header.get_u16();
        let length = header.get_u16().into();
        let data = r.body(&TYPE_ID, TYPE_ID_LEN, start + 2, length, |body| {
            Ok(body.rest())
        })?;
        Ok(Self { kind, data })
    }
}

impl Encode for TypeId {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(self.kind);
        out.put_u16(0);
        out.extend_from_slice(&self.data);
        set_length(out, start, start + 2, TYPE_ID.name)
    }
}
