//! METER_MOD: meters are added, changed and deleted.

use bitflags::bitflags;
use bytes::Bytes;

use super::error_code::ErrorCode;
use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use crate::types::MeterId;
use bytes::{Buf, BufMut};

/// Adds, changes or deletes a meter (`ofp_meter_mod`, §7.3.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MeterMod {
    /// What to do.
    pub command: MeterModCommand,
    /// What the rates count.
    pub flags: MeterFlags,
    /// Which meter; [`MeterId::ALL`] deletes all.
    pub meter_id: MeterId,
    /// The bands; the one of the highest rate below the measured rate applies.
    pub bands: Vec<MeterBand>,
}

wire_enum! {
    /// What a meter-mod does (`ofp_meter_mod_command`).
    pub enum MeterModCommand(u16) {
        /// Adds a meter (`OFPMC_ADD`).
        Add = 0,
        /// Changes a meter (`OFPMC_MODIFY`).
        Modify = 1,
        /// Deletes a meter and the flow entries that use it (`OFPMC_DELETE`).
        Delete = 2,
    }
}

bitflags! {
    /// What the rates of a meter count (`ofp_meter_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct MeterFlags: u16 {
        /// kbit/s (`OFPMF_KBPS`).
        const KBPS = 1 << 0;
        /// Packets per second (`OFPMF_PKTPS`).
        const PKTPS = 1 << 1;
        /// The burst size is given (`OFPMF_BURST`).
        const BURST = 1 << 2;
        /// Count what the meter does (`OFPMF_STATS`).
        const STATS = 1 << 3;
        const _ = !0;
    }
}

/// What happens above a rate (`ofp_meter_band_header`).
///
/// Rates are in kbit/s or packets/s, bursts in kbit or packets, by the flags of the meter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MeterBand {
    /// Packets are dropped (`OFPMBT_DROP`).
    Drop {
        /// Above this rate.
        rate: u32,
        /// Beyond a burst of this size.
        burst_size: u32,
    },
    /// The drop precedence in the DSCP is raised (`OFPMBT_DSCP_REMARK`).
    DscpRemark {
        /// Above this rate.
        rate: u32,
        /// Beyond a burst of this size.
        burst_size: u32,
        /// By how many levels.
        prec_level: u8,
    },
    /// A band of an experimenter (`OFPMBT_EXPERIMENTER`).
    Experimenter {
        /// Above this rate.
        rate: u32,
        /// Beyond a burst of this size.
        burst_size: u32,
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter id.
        data: Bytes,
    },
    /// A band with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `type`.
        kind: u16,
        /// Above this rate.
        rate: u32,
        /// Beyond a burst of this size.
        burst_size: u32,
        /// What follows the burst size.
        data: Bytes,
    },
}

impl Decode for MeterMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let command = fields.get_u16().into();
        let flags = MeterFlags::from_bits_retain(fields.get_u16());
        let meter_id = MeterId(fields.get_u32());
        Ok(Self {
            command,
            flags,
            meter_id,
            bands: r.list()?,
        })
    }
}

impl Encode for MeterMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.command.into());
        out.put_u16(self.flags.bits());
        out.put_u32(self.meter_id.0);
        put_list(out, &self.bands)
    }
}

const BAND: Structure = Structure::new("ofp_meter_band_header", ErrorCode::OFPMMFC_BAD_BAND);
const BAND_HEADER_LEN: usize = 12;
/// `OFPMBT_DROP`
const DROP: u16 = 1;
/// `OFPMBT_DSCP_REMARK`
const DSCP_REMARK: u16 = 2;
/// `OFPMBT_EXPERIMENTER`
const EXPERIMENTER: u16 = 0xffff;

impl Decode for MeterBand {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<BAND_HEADER_LEN>()?;
        let kind = fields.get_u16();
        let length = usize::from(fields.get_u16());
        let rate = fields.get_u32();
        let burst_size = fields.get_u32();
        r.body(&BAND, BAND_HEADER_LEN, start + 2, length, |body| {
            Ok(match kind {
                DROP => {
                    body.fixed::<4>()?;
                    Self::Drop { rate, burst_size }
                }
                DSCP_REMARK => {
                    let prec_level = body.fixed::<4>()?.get_u8();
                    Self::DscpRemark {
                        rate,
                        burst_size,
                        prec_level,
                    }
                }
                EXPERIMENTER => {
                    let experimenter = body.fixed::<4>()?.get_u32();
                    Self::Experimenter {
                        rate,
                        burst_size,
                        experimenter,
                        data: body.rest(),
                    }
                }
                kind => Self::Unknown {
                    kind,
                    rate,
                    burst_size,
                    data: body.rest(),
                },
            })
        })
    }
}

impl Encode for MeterBand {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let mut header = |kind: u16, rate: &u32, burst_size: &u32| {
            out.put_u16(kind);
            out.put_u16(0);
            out.put_u32(*rate);
            out.put_u32(*burst_size);
        };
        match self {
            Self::Drop { rate, burst_size } => {
                header(DROP, rate, burst_size);
                put_padding(out, 4);
            }
            Self::DscpRemark {
                rate,
                burst_size,
                prec_level,
            } => {
                header(DSCP_REMARK, rate, burst_size);
                out.put_u8(*prec_level);
                put_padding(out, 3);
            }
            Self::Experimenter {
                rate,
                burst_size,
                experimenter,
                data,
            } => {
                header(EXPERIMENTER, rate, burst_size);
                out.put_u32(*experimenter);
                out.extend_from_slice(data);
            }
            Self::Unknown {
                kind,
                rate,
                burst_size,
                data,
            } => {
                header(*kind, rate, burst_size);
                out.extend_from_slice(data);
            }
        }
        set_length(out, start, start + 2, BAND.name)
    }
}
