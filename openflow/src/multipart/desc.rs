//! Who made the switch.

use crate::fixed_str::FixedStr;

/// Who made the switch (`ofp_desc`, §7.3.5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
