//! GET_ASYNC and SET_ASYNC: which messages a controller gets unasked.

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use bytes::{Buf, BufMut};

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

impl Decode for AsyncConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<24>()?;
        Ok(Self {
            packet_in_mask: [fields.get_u32(), fields.get_u32()],
            port_status_mask: [fields.get_u32(), fields.get_u32()],
            flow_removed_mask: [fields.get_u32(), fields.get_u32()],
        })
    }
}

impl Encode for AsyncConfig {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        for masks in [
            self.packet_in_mask,
            self.port_status_mask,
            self.flow_removed_mask,
        ] {
            masks.iter().for_each(|&mask| out.put_u32(mask));
        }
        Ok(())
    }
}
