//! ROLE: which controller commands.

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use bytes::{Buf, BufMut};

/// The role of a controller, in request and reply (`ofp_role_request`, §7.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// The role.
    pub role: ControllerRole,
    /// Grows with every change of the master; a request with a lower one is refused as stale.
    pub generation_id: u64,
}

wire_enum! {
    /// What a controller may do (`ofp_controller_role`).
    pub enum ControllerRole(u32) {
        /// Asks without change (`OFPCR_ROLE_NOCHANGE`).
        NoChange = 0,
        /// Everything, with others (`OFPCR_ROLE_EQUAL`).
        Equal = 1,
        /// Everything, alone (`OFPCR_ROLE_MASTER`).
        Master = 2,
        /// Only read (`OFPCR_ROLE_SLAVE`).
        Slave = 3,
    }
}

impl Decode for Role {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let role = fields.get_u32().into();
        fields.advance(4);
        Ok(Self {
            role,
            generation_id: fields.get_u64(),
        })
    }
}

impl Encode for Role {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.role.into());
        put_padding(out, 4);
        out.put_u64(self.generation_id);
        Ok(())
    }
}
