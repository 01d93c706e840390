//! GET_ASYNC and SET_ASYNC: which messages a controller gets unasked.

/// Which messages a controller gets unasked (`ofp_async_config`, §7.3.10).
///
/// Of each pair the first mask holds as master or equal, the second as slave; bit `n` of a mask
/// is for reason `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AsyncConfig {
    /// By [`PacketInReason`](crate::PacketInReason).
    pub packet_in_mask: [u32; 2],
    /// By [`PortReason`](crate::PortReason).
    pub port_status_mask: [u32; 2],
    /// By [`FlowRemovedReason`](crate::FlowRemovedReason).
    pub flow_removed_mask: [u32; 2],
}
