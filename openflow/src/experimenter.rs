//! Experimenter ids.

/// Nicira: the extensions of Open vSwitch (`NX_EXPERIMENTER_ID`).
pub const NICIRA: u32 = 0x0000_2320;
/// The Open Networking Foundation: bundles and other backports (`ONF_EXPERIMENTER_ID`).
pub const ONF: u32 = 0x4f4e_4600;
