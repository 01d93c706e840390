//! PACKET_OUT: the controller sends a packet.

use bytes::Bytes;

use crate::action::Action;
use crate::types::{BufferId, PortNo};

/// A packet for the switch to send (`ofp_packet_out`, §7.3.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PacketOut {
    /// A packet that waits in the switch; [`BufferId::NO_BUFFER`] where `data` has it.
    pub buffer_id: BufferId,
    /// The ingress port that the packet is given, or [`PortNo::CONTROLLER`].
    pub in_port: PortNo,
    /// What to do with it.
    pub actions: Vec<Action>,
    /// The packet from its Ethernet header on.
    pub data: Bytes,
}
