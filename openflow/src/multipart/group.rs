//! Groups, as the switch has them.

use crate::msg::{Bucket, GroupType};
use crate::types::GroupId;

/// A group (`ofp_group_desc`, §7.3.5.10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupDesc {
    /// How it chooses among its buckets.
    pub kind: GroupType,
    /// Its number.
    pub group_id: GroupId,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
}
