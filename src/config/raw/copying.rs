//! What is copied to a tap, and what a copy looks like.

use std::num::NonZeroU16;

use super::filter;
use crate::config::fields::{Fields, Schema, integer, one_of};
use crate::config::report::Report;
use crate::config::tree::Node;
use crate::topology::{CopyScope, CopyTag, Copying, RateLimit, Vlan};

/// The keys of a function that are about copies.
pub(super) const KEYS: [&str; 6] = [
    "direction",
    "filter",
    "snap_length",
    "sampling",
    "rate_limit",
    "tag",
];

const RATE_LIMIT: Schema = Schema {
    what: "a rate limit",
    keys: &[
        ("kbps", "kilobits per second"),
        ("pps", "frames per second"),
    ],
};

const OUTER_TAGS: Schema = Schema {
    what: "a map of outer tags",
    keys: &[
        ("to_uplink", "the VLAN of frames from the guests"),
        ("to_guests", "the VLAN of frames to the guests"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 2] = [&RATE_LIMIT, &OUTER_TAGS];

/// Reads the [`KEYS`] of a tap.
pub(super) fn read(tap: &Fields<'_>, report: &mut Report<'_>) -> Copying {
    let scopes = [("all", CopyScope::All), ("east_west", CopyScope::EastWest)];
    let length = "a snap length in bytes";
    let share = "\"sampling\", one in so many conversations,";
    Copying {
        skip: tap
            .get("filter")
            .map(|node| filter::read(node, report))
            .unwrap_or_default(),
        scope: tap.word("direction", &scopes, report),
        // An Ethernet header is 14 bytes; Open vSwitch refuses to cut into it.
        snap_length: tap.number("snap_length", length, 14..=u16::MAX, report),
        sampling: tap
            .number("sampling", share, 2..=u16::MAX, report)
            .and_then(NonZeroU16::new),
        rate_limit: tap
            .get("rate_limit")
            .and_then(|node| rate_limit(node, report)),
        tag: tap
            .get("tag")
            .and_then(|node| tag(node, report))
            .unwrap_or_default(),
    }
}

fn rate_limit(node: Node<'_>, report: &mut Report<'_>) -> Option<RateLimit> {
    let fields = Fields::read(node, &RATE_LIMIT, report)?;
    let range = 1..=u32::MAX;
    let kbps = fields.number("kbps", "a rate in kbit/s", range.clone(), report);
    let pps = fields.number("pps", "a rate in frames per second", range, report);
    if let (Some(_), Some(at)) = (fields.key("kbps"), fields.key("pps")) {
        report.mistake(at, "a rate limit is in kbps or in pps, not in both");
    } else if fields.is_blank() {
        report.mistake(node.id(), "a rate limit needs \"kbps\" or \"pps\"");
    }
    kbps.map(RateLimit::Kbps).or(pps.map(RateLimit::Pps))
}

/// `keep`, `strip`, or `{ to_uplink: VLAN, to_guests: VLAN }`.
fn tag(node: Node<'_>, report: &mut Report<'_>) -> Option<CopyTag> {
    if node.entries().is_none() {
        let words = [("keep", CopyTag::Keep), ("strip", CopyTag::Strip)];
        return one_of(
            node,
            "\"tag\", where it is no map of outer tags,",
            &words,
            report,
        );
    }
    let fields = Fields::read(node, &OUTER_TAGS, report)?;
    let mut vlan = |key| {
        let node = fields.require(key, report)?;
        let id = integer(node, "an outer tag's VLAN", 1..=Vlan::MAX.id(), report)?;
        Vlan::new(id.value)
    };
    let (to_uplink, to_guests) = (vlan("to_uplink"), vlan("to_guests"));
    Some(CopyTag::Outer {
        to_uplink: to_uplink?,
        to_guests: to_guests?,
    })
}
