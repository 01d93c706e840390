//! METER_MOD: meters are added, changed and deleted.

use bitflags::bitflags;
use bytes::Bytes;

use crate::macros::wire_enum;
use crate::types::MeterId;

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
