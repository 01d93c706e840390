//! Groups, as the switch has them.

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::msg::{Bucket, GroupType};
use crate::types::GroupId;
use bytes::{Buf, BufMut};

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

const GROUP_DESC: Structure = Structure::of_message("ofp_group_desc");
const GROUP_DESC_LEN: usize = 8;

impl Decode for GroupDesc {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<GROUP_DESC_LEN>()?;
        let length = usize::from(fields.get_u16());
        let kind = fields.get_u8().into();
        fields.advance(1);
        let group_id = GroupId(fields.get_u32());
        let buckets = r.body(&GROUP_DESC, GROUP_DESC_LEN, start, length)?.list()?;
        Ok(Self {
            kind,
            group_id,
            buckets,
        })
    }
}

impl Encode for GroupDesc {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u8(self.kind.into());
        put_padding(out, 1);
        out.put_u32(self.group_id.0);
        put_list(out, &self.buckets)?;
        set_length(out, start, start, GROUP_DESC.name)
    }
}
