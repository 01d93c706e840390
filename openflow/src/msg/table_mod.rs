//! TABLE_MOD.

use bitflags::bitflags;

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::types::TableId;
use bytes::{Buf, BufMut};

/// Configures a table (`ofp_table_mod`, §7.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableMod {
    /// The table, or [`TableId::ALL`].
    pub table_id: TableId,
    /// Its configuration.
    pub config: TableConfig,
}

bitflags! {
    /// The configuration of a table (`ofp_table_config`). OpenFlow 1.3 gives no bit a meaning;
    /// bits 0 and 1 were the table-miss behaviour of OpenFlow 1.1 and 1.2.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct TableConfig: u32 {
        /// Bits of earlier versions (`OFPTC_DEPRECATED_MASK`).
        const DEPRECATED = 3;
        const _ = !0;
    }
}

impl Decode for TableMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let table_id = TableId(fields.get_u8());
        fields.advance(3);
        Ok(Self {
            table_id,
            config: TableConfig::from_bits_retain(fields.get_u32()),
        })
    }
}

impl Encode for TableMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u8(self.table_id.0);
        put_padding(out, 3);
        out.put_u32(self.config.bits());
        Ok(())
    }
}
