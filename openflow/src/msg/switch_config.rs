//! GET_CONFIG and SET_CONFIG.

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use bitflags::bitflags;
use bytes::{Buf, BufMut};

/// How the switch treats fragments and table misses (`ofp_switch_config`, §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SwitchConfig {
    /// What happens to IP fragments.
    pub flags: ConfigFlags,
    /// How many bytes of a packet go to the controller where no output action says so.
    pub miss_send_len: u16,
}

bitflags! {
    /// What happens to IP fragments (`ofp_config_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct ConfigFlags: u16 {
        /// They are dropped (`OFPC_FRAG_DROP`).
        const FRAG_DROP = 1 << 0;
        /// They are reassembled (`OFPC_FRAG_REASM`).
        const FRAG_REASM = 1 << 1;
        const _ = !0;
    }
}

impl Decode for SwitchConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<4>()?;
        let flags = ConfigFlags::from_bits_retain(fields.get_u16());
        Ok(Self {
            flags,
            miss_send_len: fields.get_u16(),
        })
    }
}

impl Encode for SwitchConfig {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.flags.bits());
        out.put_u16(self.miss_send_len);
        Ok(())
    }
}
