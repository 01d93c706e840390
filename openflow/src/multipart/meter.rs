//! Meters, as the switch has them.

use crate::msg::{MeterBand, MeterFlags};
use crate::types::MeterId;

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
