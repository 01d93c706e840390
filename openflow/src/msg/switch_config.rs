//! GET_CONFIG and SET_CONFIG.

use bitflags::bitflags;

/// How the switch treats fragments and table misses (`ofp_switch_config`, §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SwitchConfig {
    /// What happens to IP fragments.
    pub flags: ConfigFlags,
    /// How many bytes of a packet go to the controller where no output action says so.
    pub miss_send_len: u16,
}

bitflags! {
    /// What happens to IP fragments (`ofp_config_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct ConfigFlags: u16 {
        /// They are dropped (`OFPC_FRAG_DROP`).
        const FRAG_DROP = 1 << 0;
        /// They are reassembled (`OFPC_FRAG_REASM`).
        const FRAG_REASM = 1 << 1;
        const _ = !0;
    }
}
