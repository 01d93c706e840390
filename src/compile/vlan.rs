//! Matching on and changing 802.1Q tags.

use openflow::{Action, Match, OxmField};

use crate::topology::Vlan;

/// `vlan_vid` of a frame without a tag (`OFPVID_NONE`).
const NO_TAG: u16 = 0;
/// Set in `vlan_vid` where there is a tag (`OFPVID_PRESENT`).
const PRESENT: u16 = 0x1000;
/// The low bits of a VLAN tag: its VID.
pub(super) const VID_BITS: u16 = 12;
/// The register that is 1 for a frame that had a priority tag.
const UNCOVERED: OxmField = OxmField::Reg1;
/// TPID of a service tag (802.1ad).
pub(super) const ETHERTYPE_8021AD: u16 = 0x88a8;
/// TPID of 802.1Q.
pub(super) const ETHERTYPE_8021Q: u16 = 0x8100;

/// `match_` restricted to frames that carry the tag of `vlan` (none on the untagged network).
pub(super) fn of(match_: Match, vlan: Vlan) -> Match {
    if vlan.is_tagged() {
        match_.with(OxmField::VlanVid, PRESENT | vlan.id())
    } else {
        untagged(match_)
    }
}

/// The network whose frames have this `vlan_vid`, if any have.
pub(super) fn network_of(vid: u128) -> Option<Vlan> {
    let vid = u16::try_from(vid).ok()?;
    match vid & PRESENT {
        0 => (vid == NO_TAG).then_some(Vlan::UNTAGGED),
        _ => Vlan::new(vid & !PRESENT).filter(|vlan| vlan.is_tagged()),
    }
}

/// `match_` restricted to frames without a tag.
pub(super) fn untagged(match_: Match) -> Match {
    match_.with(OxmField::VlanVid, NO_TAG)
}

/// `match_` restricted to frames with a priority tag: VID 0, so of no VLAN.
pub(super) fn priority_tagged(match_: Match) -> Match {
    match_.with(OxmField::VlanVid, PRESENT)
}

/// `match_` restricted to frames with the reserved VID 4095, which no VLAN has and no bridge
/// forwards (IEEE 802.1Q, table 9-2).
pub(super) fn of_no_vlan(match_: Match) -> Match {
    match_.with(OxmField::VlanVid, PRESENT | 0xfff)
}

/// Gives an untagged frame the tag of `vlan`.
pub(super) fn tag(vlan: Vlan) -> Vec<Action> {
    if vlan.is_tagged() {
        vec![Action::PushVlan(ETHERTYPE_8021Q), set_vid(vlan)]
    } else {
        Vec::new()
    }
}

/// Turns a priority tag into the tag of `vlan`; its priority bits are kept.
pub(super) fn retag(vlan: Vlan) -> Vec<Action> {
    if vlan.is_tagged() {
        vec![set_vid(vlan)]
    } else {
        vec![Action::PopVlan, Action::set_field(UNCOVERED, 1_u32)]
    }
}

/// Frames of which [`retag`] took the priority tag off, and another tag came to light.
pub(super) fn uncovered() -> Match {
    Match::new()
        .with(UNCOVERED, 1_u32)
        .with_masked(OxmField::VlanVid, PRESENT, PRESENT)
}

fn set_vid(vlan: Vlan) -> Action {
    Action::set_field(OxmField::VlanVid, PRESENT | vlan.id())
}

/// The network whose frames a `vlan_vid` of a match admits; `None` for a priority tag or a VID
/// that no network has.
pub(super) fn from_match(vlan_vid: u128) -> Option<Vlan> {
    match u16::try_from(vlan_vid).ok()? {
        NO_TAG => Some(Vlan::UNTAGGED),
        tagged if tagged & PRESENT != 0 => {
            Vlan::new(tagged & !PRESENT).filter(|vlan| vlan.is_tagged())
        }
        _ => None,
    }
}
