//! Who made the switch.

use crate::codec::{Decode, Encode, Reader};
use crate::error::{DecodeError, EncodeError};
use crate::fixed_str::FixedStr;
use bytes::Buf;

/// Who made the switch (`ofp_desc`, §7.3.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Desc {
    /// The manufacturer.
    pub mfr_desc: FixedStr<256>,
    /// The hardware.
    pub hw_desc: FixedStr<256>,
    /// The software; Open vSwitch puts its version here.
    pub sw_desc: FixedStr<256>,
    /// The serial number.
    pub serial_num: FixedStr<32>,
    /// The datapath, for people.
    pub dp_desc: FixedStr<256>,
}

impl Decode for Desc {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<1056>()?;
        let mut desc = Self::default();
        fields.copy_to_slice(&mut desc.mfr_desc.0);
        fields.copy_to_slice(&mut desc.hw_desc.0);
        fields.copy_to_slice(&mut desc.sw_desc.0);
        fields.copy_to_slice(&mut desc.serial_num.0);
        fields.copy_to_slice(&mut desc.dp_desc.0);
        Ok(desc)
    }
}

impl Encode for Desc {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.mfr_desc.0);
        out.extend_from_slice(&self.hw_desc.0);
        out.extend_from_slice(&self.sw_desc.0);
        out.extend_from_slice(&self.serial_num.0);
        out.extend_from_slice(&self.dp_desc.0);
        Ok(())
    }
}
