//! ROLE: which controller commands.

use crate::macros::wire_enum;

/// The role of a controller, in request and reply (`ofp_role_request`, §7.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// The role.
    pub role: ControllerRole,
    /// Grows with every change of the master; a request with a lower one is refused as stale.
    pub generation_id: u64,
}

wire_enum! {
    /// What a controller may do (`ofp_controller_role`).
    pub enum ControllerRole(u32) {
        /// Asks without change (`OFPCR_ROLE_NOCHANGE`).
        NoChange = 0,
        /// Everything, with others (`OFPCR_ROLE_EQUAL`).
        Equal = 1,
        /// Everything, alone (`OFPCR_ROLE_MASTER`).
        Master = 2,
        /// Only read (`OFPCR_ROLE_SLAVE`).
        Slave = 3,
    }
}
