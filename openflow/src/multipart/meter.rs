//! Meters, as the switch has them.

use crate::codec::{Decode, Encode, Reader, Structure, put_list, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::msg::{MeterBand, MeterFlags};
use crate::types::MeterId;
use bytes::{Buf, BufMut};

/// A meter (`ofp_meter_config`, §7.3.5.13).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeterConfig {
    /// What its rates count.
    pub flags: MeterFlags,
    /// Its number.
    pub meter_id: MeterId,
    /// Its bands.
    pub bands: Vec<MeterBand>,
}

const METER_CONFIG: Structure = Structure::of_message("ofp_meter_config");
const METER_CONFIG_LEN: usize = 8;

impl Decode for MeterConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<METER_CONFIG_LEN>()?;
        let length = usize::from(fields.get_u16());
        let flags = MeterFlags::from_bits_retain(fields.get_u16());
        let meter_id = MeterId(fields.get_u32());
        let bands = r
            .body(&METER_CONFIG, METER_CONFIG_LEN, start, length)?
            .list()?;
        Ok(Self {
            flags,
            meter_id,
            bands,
        })
    }
}

impl Encode for MeterConfig {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u16(self.flags.bits());
        out.put_u32(self.meter_id.0);
        put_list(out, &self.bands)?;
        set_length(out, start, start, METER_CONFIG.name)
    }
}
