//! Experimenter messages that the codec knows.

use openflow::{BundleAdd, BundleControl, RawProperty, Xid, experimenter};

use super::message::Whole;
use super::values::Hexadecimal;
use super::writer::{Fields, Record};

/// What experimenter messages begin with.
fn experimenter<'r, 'w>(
    record: &'r mut Record<'w>,
    experimenter: u32,
    exp_type: u32,
) -> &'r mut Record<'w> {
    record
        .field("experimenter", &Hexadecimal(experimenter))
        .field("exp_type", &exp_type)
}

impl Fields for BundleControl {
    /// The extension calls the second field `type`, which is the message's here.
    fn fields(&self, record: &mut Record<'_>) {
        experimenter(record, experimenter::ONF, 2300)
            .field("bundle_id", &self.bundle_id)
            .field("bundle_ctrl_type", &self.kind)
            .field("flags", &self.flags)
            .field("properties", &self.properties);
    }
}

/// A message in a bundle: it has the xid of the message around it unless it says otherwise.
pub(super) fn bundle_add(add: &BundleAdd, xid: Xid, record: &mut Record<'_>) {
    experimenter(record, experimenter::ONF, 2301)
        .field("bundle_id", &add.bundle_id)
        .field("flags", &add.flags)
        .field(
            "message",
            &Whole(add.inner_xid.unwrap_or(xid), &add.message),
        )
        .field("properties", &add.properties);
}

impl Fields for RawProperty {
    fn fields(&self, record: &mut Record<'_>) {
        record.field("type", &self.kind).field("data", &self.data);
    }
}
