//! The map from tunnel options to the fields `tun_metadata0` to `tun_metadata63`.

use bytes::{Buf, BufMut};

use crate::codec::{Decode, Encode, Reader, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;

/// Changes the map (`nx_tlv_table_mod`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlvTableMod {
    /// What to do.
    pub command: TlvTableCommand,
    /// With which options; none to clear.
    pub maps: Vec<TlvMap>,
}

wire_enum! {
    /// What happens to the map (`nx_tlv_table_mod_command`).
    pub enum TlvTableCommand(u16) {
        /// Options are added (`NXTTMC_ADD`).
        Add = 0,
        /// Options are removed (`NXTTMC_DELETE`).
        Delete = 1,
        /// All options are removed (`NXTTMC_CLEAR`).
        Clear = 2,
    }
}

/// The map (`nx_tlv_table_reply`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlvTableReply {
    /// How many bytes of options there may be.
    pub max_option_space: u32,
    /// How many fields there may be.
    pub max_fields: u16,
    /// The options.
    pub maps: Vec<TlvMap>,
}

/// An option and its field (`nx_tlv_map`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlvMap {
    /// The class of the Geneve option.
    pub option_class: u16,
    /// Its type.
    pub option_type: u8,
    /// Its length in bytes, a multiple of 4.
    pub option_len: u8,
    /// Its field: `n` for `tun_metadata<n>`.
    pub index: u16,
}

impl Decode for TlvTableMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = r.fixed::<8>()?.get_u16().into();
        Ok(Self {
            command,
            maps: r.list()?,
        })
    }
}

impl Encode for TlvTableMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.command.into());
        put_padding(out, 6);
        put_list(out, &self.maps)
    }
}

impl Decode for TlvTableReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        let max_option_space = fields.get_u32();
        let max_fields = fields.get_u16();
        Ok(Self {
            max_option_space,
            max_fields,
            maps: r.list()?,
        })
    }
}

impl Encode for TlvTableReply {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.max_option_space);
        out.put_u16(self.max_fields);
        put_padding(out, 10);
        put_list(out, &self.maps)
    }
}

impl Decode for TlvMap {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        Ok(Self {
            option_class: fields.get_u16(),
            option_type: fields.get_u8(),
            option_len: fields.get_u8(),
            index: fields.get_u16(),
        })
    }
}

impl Encode for TlvMap {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.option_class);
        out.put_u8(self.option_type);
        out.put_u8(self.option_len);
        out.put_u16(self.index);
        put_padding(out, 2);
        Ok(())
    }
}
