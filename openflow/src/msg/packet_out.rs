//! PACKET_OUT: the controller sends a packet.

use bytes::Bytes;

use crate::action::ACTIONS;
use crate::action::Action;
use crate::codec::{Decode, Encode, Reader, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::types::{BufferId, PortNo};
use bytes::{Buf, BufMut};

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

impl PacketOut {
    /// Sends `data` as if it had come from the controller.
    pub const fn new(actions: Vec<Action>, data: Bytes) -> Self {
        let (buffer_id, in_port) = (BufferId::NO_BUFFER, PortNo::CONTROLLER);
        Self {
            buffer_id,
            in_port,
            actions,
            data,
        }
    }
}

impl Decode for PacketOut {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let buffer_id = BufferId(fields.get_u32());
        let in_port = PortNo(fields.get_u32());
        let actions_len = fields.get_u16().into();
        let actions = r.within(&ACTIONS, actions_len, Reader::list)?;
        Ok(Self {
            buffer_id,
            in_port,
            actions,
            data: r.rest(),
        })
    }
}

impl Encode for PacketOut {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.buffer_id.0);
        out.put_u32(self.in_port.0);
        let length_at = out.len();
        put_padding(out, 8);
        let start = out.len();
        put_list(out, &self.actions)?;
        set_length(out, start, length_at, "actions of ofp_packet_out")?;
        out.extend_from_slice(&self.data);
        Ok(())
    }
}
