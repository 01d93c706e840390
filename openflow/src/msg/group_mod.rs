//! GROUP_MOD: groups are added, changed and deleted.

use crate::action::Action;
use crate::macros::wire_enum;
use crate::types::{GroupId, PortNo};

/// Adds, changes or deletes a group (`ofp_group_mod`, §7.3.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupMod {
    /// What to do.
    pub command: GroupModCommand,
    /// How the group chooses among its buckets. (`type` is a word of the language.)
    pub kind: GroupType,
    /// Which group; [`GroupId::ALL`] deletes all.
    pub group_id: GroupId,
    /// The buckets; none in a delete.
    pub buckets: Vec<Bucket>,
}

wire_enum! {
    /// What a group-mod does (`ofp_group_mod_command`).
    pub enum GroupModCommand(u16) {
        /// Adds a group that is not there yet (`OFPGC_ADD`).
        Add = 0,
        /// Changes a group that is there (`OFPGC_MODIFY`).
        Modify = 1,
        /// Deletes a group and the flow entries that use it (`OFPGC_DELETE`).
        Delete = 2,
        /// Adds or changes (`OFPGC_ADD_OR_MOD` of Open vSwitch).
        AddOrModify = 0x8000,
    }
}

wire_enum! {
    /// How a group chooses among its buckets (`ofp_group_type`).
    pub enum GroupType(u8) {
        /// All of them: flooding (`OFPGT_ALL`).
        All = 0,
        /// One, by hash and weight (`OFPGT_SELECT`).
        Select = 1,
        /// The only one (`OFPGT_INDIRECT`).
        Indirect = 2,
        /// The first whose watched port or group is up (`OFPGT_FF`).
        FastFailover = 3,
    }
}

/// A list of actions in a group (`ofp_bucket`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// Its share in a select group, 0 in others.
    pub weight: u16,
    /// The port whose state decides in a fast-failover group, else [`PortNo::ANY`].
    pub watch_port: PortNo,
    /// The group whose state decides in a fast-failover group, else [`GroupId::ANY`].
    pub watch_group: GroupId,
    /// What happens to the copy of the packet.
    pub actions: Vec<Action>,
}

impl Bucket {
    /// A bucket without weight that watches nothing, as `all` and `indirect` groups have.
    pub fn new(actions: Vec<Action>) -> Self {
        Self {
            weight: 0,
            watch_port: PortNo::ANY,
            watch_group: GroupId::ANY,
            actions,
        }
    }
}
