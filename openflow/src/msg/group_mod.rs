//! GROUP_MOD: groups are added, changed and deleted.

use super::error_code::ErrorCode;
use crate::action::ACTIONS;
use crate::action::Action;
use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use crate::types::{GroupId, PortNo};
use bytes::{Buf, BufMut};

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

impl Decode for GroupMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let command = fields.get_u16().into();
        let kind = fields.get_u8().into();
        fields.advance(1);
        let group_id = GroupId(fields.get_u32());
        Ok(Self {
            command,
            kind,
            group_id,
            buckets: r.list()?,
        })
    }
}

impl Encode for GroupMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.command.into());
        out.put_u8(self.kind.into());
        put_padding(out, 1);
        out.put_u32(self.group_id.0);
        put_list(out, &self.buckets)
    }
}

const BUCKET: Structure = Structure::new("ofp_bucket", ErrorCode::OFPGMFC_BAD_BUCKET);
const BUCKET_HEADER_LEN: usize = 16;

impl Decode for Bucket {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<BUCKET_HEADER_LEN>()?;
        let length = usize::from(fields.get_u16());
        let weight = fields.get_u16();
        let watch_port = PortNo(fields.get_u32());
        let watch_group = GroupId(fields.get_u32());
        let actions = r.body(&BUCKET, BUCKET_HEADER_LEN, start, length, |body| {
            body.within(&ACTIONS, body.remaining(), Reader::list)
        })?;
        Ok(Self {
            weight,
            watch_port,
            watch_group,
            actions,
        })
    }
}

impl Encode for Bucket {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u16(self.weight);
        out.put_u32(self.watch_port.0);
        out.put_u32(self.watch_group.0);
        put_padding(out, 4);
        put_list(out, &self.actions)?;
        set_length(out, start, start, BUCKET.name)
    }
}
