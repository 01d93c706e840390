//! TABLE_MOD.

use bitflags::bitflags;

use crate::types::TableId;

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
