//! Counters of tables.

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::types::TableId;
use bytes::{Buf, BufMut};

/// Counters of a table (`ofp_table_stats`, §7.3.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableStats {
    /// The table.
    pub table_id: TableId,
    /// How many entries it has.
    pub active_count: u32,
    /// How many packets were looked up in it.
    pub lookup_count: u64,
    /// How many of them matched an entry.
    pub matched_count: u64,
}

impl Decode for TableStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<24>()?;
        let table_id = TableId(fields.get_u8());
        fields.advance(3);
        Ok(Self {
            table_id,
            active_count: fields.get_u32(),
            lookup_count: fields.get_u64(),
            matched_count: fields.get_u64(),
        })
    }
}

impl Encode for TableStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u8(self.table_id.0);
        put_padding(out, 3);
        out.put_u32(self.active_count);
        out.put_u64(self.lookup_count);
        out.put_u64(self.matched_count);
        Ok(())
    }
}
