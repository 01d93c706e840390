//! What the state of a host has done so far.

/// Counts since the state was made; only `foreign` is of the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// FLOW_MODs sent, in transactions and outside of them.
    pub flow_mods: u64,
    /// GROUP_MODs sent.
    pub group_mods: u64,
    /// METER_MODs sent.
    pub meter_mods: u64,
    /// Transactions sent.
    pub commits: u64,
    /// Transactions that a bridge refused.
    pub rejected: u64,
    /// Other messages that a bridge refused.
    pub errors: u64,
    /// Times that a bridge was read back after its first time, because what it holds was in doubt.
    pub resyncs: u64,
    /// Frames that came to be learned from.
    pub packet_ins: u64,
    /// MAC addresses learned from frames.
    pub learned: u64,
    /// MAC addresses learned from the source flows that a bridge still had.
    pub recovered: u64,
    /// MAC addresses that were seen at another port than before.
    pub moved: u64,
    /// Times that a MAC address was seen at another port and not followed, for it moved too often.
    pub damped: u64,
    /// MAC addresses that aged out, or whose port or network went.
    pub forgotten: u64,
    /// Frames that taught nothing: malformed, not admitted, or no room.
    pub ignored: u64,
    /// Flows of others on the bridges of the host, when each was last read.
    pub foreign: u64,
}
