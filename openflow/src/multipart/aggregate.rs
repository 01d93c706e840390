//! Sums over flow entries.

/// Sums over the flow entries asked for (`ofp_aggregate_stats_reply`, §7.3.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AggregateStats {
    /// Packets that matched.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
    /// How many flow entries there are.
    pub flow_count: u32,
}
