//! Groups and meters.

use openflow::{Bucket, GroupDesc, GroupId, GroupMod, MeterBand, MeterConfig, MeterMod, PortNo};

use super::action::Actions;
use super::values::Hexadecimal;
use super::writer::{Fields, Record};

impl Fields for GroupMod {
    /// The specification calls the second field `type`, which is the message's here.
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("command", &self.command)
            .field("group_type", &self.kind)
            .field("group_id", &self.group_id)
            .field("buckets", &self.buckets);
    }
}

impl Fields for GroupDesc {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("type", &self.kind)
            .field("group_id", &self.group_id)
            .field("buckets", &self.buckets);
    }
}

impl Fields for Bucket {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .unless(0, "weight", &self.weight)
            .unless(PortNo::ANY, "watch_port", &self.watch_port)
            .unless(GroupId::ANY, "watch_group", &self.watch_group)
            .field("actions", &Actions(&self.actions));
    }
}

impl Fields for MeterMod {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("command", &self.command)
            .field("flags", &self.flags)
            .field("meter_id", &self.meter_id)
            .field("bands", &self.bands);
    }
}

impl Fields for MeterConfig {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("flags", &self.flags)
            .field("meter_id", &self.meter_id)
            .field("bands", &self.bands);
    }
}

impl Fields for MeterBand {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::Drop { rate, burst_size } => record
                .kind("DROP")
                .field("rate", rate)
                .field("burst_size", burst_size),
            Self::DscpRemark {
                rate,
                burst_size,
                prec_level,
            } => record
                .kind("DSCP_REMARK")
                .field("rate", rate)
                .field("burst_size", burst_size)
                .field("prec_level", prec_level),
            Self::Experimenter {
                rate,
                burst_size,
                experimenter,
                data,
            } => record
                .kind("EXPERIMENTER")
                .field("rate", rate)
                .field("burst_size", burst_size)
                .field("experimenter", &Hexadecimal(*experimenter))
                .field("data", data),
            Self::Unknown {
                kind,
                rate,
                burst_size,
                data,
            } => record
                .head("type", kind)
                .field("rate", rate)
                .field("burst_size", burst_size)
                .field("data", data),
            newer => record.debug(newer),
        };
    }
}
