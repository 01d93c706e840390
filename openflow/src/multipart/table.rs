//! Counters of tables.

use crate::types::TableId;

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
