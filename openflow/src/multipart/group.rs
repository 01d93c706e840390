//! Groups: what the switch has, their counters, and what they can do.

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::msg::{Bucket, GroupType};
use crate::types::GroupId;
use bitflags::bitflags;
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
        let buckets = r.body(&GROUP_DESC, GROUP_DESC_LEN, start, length, Reader::list)?;
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

/// Counters of a group (`ofp_group_stats`, §7.3.5.9).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupStats {
    /// The group.
    pub group_id: GroupId,
    /// How many flow entries and groups use it.
    pub ref_count: u32,
    /// Packets that it handled.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
    /// How long the group has been there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
    /// Counters of each bucket.
    pub bucket_stats: Vec<BucketCounter>,
}

/// Counters of a bucket (`ofp_bucket_counter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketCounter {
    /// Packets that it handled.
    pub packet_count: u64,
    /// Their bytes.
    pub byte_count: u64,
}

const GROUP_STATS: Structure = Structure::of_message("ofp_group_stats");
const GROUP_STATS_LEN: usize = 40;

impl Decode for GroupStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<GROUP_STATS_LEN>()?;
        let length = fields.get_u16().into();
        fields.advance(2);
        let group_id = GroupId(fields.get_u32());
        let ref_count = fields.get_u32();
        fields.advance(4);
        Ok(Self {
            group_id,
            ref_count,
            packet_count: fields.get_u64(),
            byte_count: fields.get_u64(),
            duration_sec: fields.get_u32(),
            duration_nsec: fields.get_u32(),
            bucket_stats: r.body(&GROUP_STATS, GROUP_STATS_LEN, start, length, Reader::list)?,
        })
    }
}

impl Encode for GroupStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        put_padding(out, 4);
        out.put_u32(self.group_id.0);
        out.put_u32(self.ref_count);
        put_padding(out, 4);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        put_list(out, &self.bucket_stats)?;
        set_length(out, start, start, GROUP_STATS.name)
    }
}

impl Decode for BucketCounter {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<16>()?;
        Ok(Self {
            packet_count: fields.get_u64(),
            byte_count: fields.get_u64(),
        })
    }
}

impl Encode for BucketCounter {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        Ok(())
    }
}

/// What groups can do (`ofp_group_features`, §7.3.5.11).
///
/// The arrays are by [`GroupType`]: all, select, indirect, fast failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupFeatures {
    /// Bit `n` is set where group type `n` is supported.
    pub types: u32,
    /// What they can do.
    pub capabilities: GroupCapabilities,
    /// How many groups there may be of each type.
    pub max_groups: [u32; 4],
    /// Bit `n` is set where action type `n` is supported, for each group type.
    pub actions: [u32; 4],
}

bitflags! {
    /// What groups can do (`ofp_group_capabilities`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct GroupCapabilities: u32 {
        /// Weights in select groups (`OFPGFC_SELECT_WEIGHT`).
        const SELECT_WEIGHT = 1 << 0;
        /// Liveness in select groups (`OFPGFC_SELECT_LIVENESS`).
        const SELECT_LIVENESS = 1 << 1;
        /// Groups that use groups (`OFPGFC_CHAINING`).
        const CHAINING = 1 << 2;
        /// Loops of groups are refused (`OFPGFC_CHAINING_CHECKS`).
        const CHAINING_CHECKS = 1 << 3;
        const _ = !0;
    }
}

impl Decode for GroupFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<40>()?;
        Ok(Self {
            types: fields.get_u32(),
            capabilities: GroupCapabilities::from_bits_retain(fields.get_u32()),
            max_groups: std::array::from_fn(|_| fields.get_u32()),
            actions: std::array::from_fn(|_| fields.get_u32()),
        })
    }
}

impl Encode for GroupFeatures {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.types);
        out.put_u32(self.capabilities.bits());
        self.max_groups.iter().for_each(|&max| out.put_u32(max));
        self.actions
            .iter()
            .for_each(|&actions| out.put_u32(actions));
        Ok(())
    }
}
