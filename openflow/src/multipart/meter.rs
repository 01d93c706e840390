//! Meters: what the switch has, their counters, and what they can do.

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
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
        let bands = r.body(&METER_CONFIG, METER_CONFIG_LEN, start, length, Reader::list)?;
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

/// Counters of a meter (`ofp_meter_stats`, §7.3.5.12).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeterStats {
    /// The meter.
    pub meter_id: MeterId,
    /// How many flow entries use it.
    pub flow_count: u32,
    /// Packets that it measured.
    pub packet_in_count: u64,
    /// Their bytes.
    pub byte_in_count: u64,
    /// How long the meter has been there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
    /// Counters of each band.
    pub band_stats: Vec<MeterBandStats>,
}

/// Counters of a band (`ofp_meter_band_stats`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeterBandStats {
    /// Packets that it applied to.
    pub packet_band_count: u64,
    /// Their bytes.
    pub byte_band_count: u64,
}

const METER_STATS: Structure = Structure::of_message("ofp_meter_stats");
const METER_STATS_LEN: usize = 40;

impl Decode for MeterStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<METER_STATS_LEN>()?;
        let meter_id = MeterId(fields.get_u32());
        let length = fields.get_u16().into();
        fields.advance(6);
        Ok(Self {
            meter_id,
            flow_count: fields.get_u32(),
            packet_in_count: fields.get_u64(),
            byte_in_count: fields.get_u64(),
            duration_sec: fields.get_u32(),
            duration_nsec: fields.get_u32(),
            band_stats: r.body(
                &METER_STATS,
                METER_STATS_LEN,
                start + 4,
                length,
                Reader::list,
            )?,
        })
    }
}

impl Encode for MeterStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(self.meter_id.0);
        put_padding(out, 8);
        out.put_u32(self.flow_count);
        out.put_u64(self.packet_in_count);
        out.put_u64(self.byte_in_count);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        put_list(out, &self.band_stats)?;
        set_length(out, start, start + 4, METER_STATS.name)
    }
}

impl Decode for MeterBandStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        Ok(Self {
            packet_band_count: fields.get_u64(),
            byte_band_count: fields.get_u64(),
        })
    }
}

impl Encode for MeterBandStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.packet_band_count);
        out.put_u64(self.byte_band_count);
        Ok(())
    }
}

/// What meters can do (`ofp_meter_features`, §7.3.5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeterFeatures {
    /// How many meters there may be.
    pub max_meter: u32,
    /// Bit `n` is set where band type `n` is supported.
    pub band_types: u32,
    /// Bits as in [`MeterFlags`].
    pub capabilities: u32,
    /// How many bands a meter may have.
    pub max_bands: u8,
    /// The highest colour.
    pub max_color: u8,
}

impl Decode for MeterFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        Ok(Self {
            max_meter: fields.get_u32(),
            band_types: fields.get_u32(),
            capabilities: fields.get_u32(),
            max_bands: fields.get_u8(),
            max_color: fields.get_u8(),
        })
    }
}

impl Encode for MeterFeatures {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.max_meter);
        out.put_u32(self.band_types);
        out.put_u32(self.capabilities);
        out.put_u8(self.max_bands);
        out.put_u8(self.max_color);
        put_padding(out, 2);
        Ok(())
    }
}
