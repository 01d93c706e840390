//! What no frame may do, wherever it goes.

use openflow::OxmField;

use super::{Case, Property, Verdict};
use crate::prove::engine::{Sent, Value, Var};
use crate::prove::rule::{Occupant, Wanted, Way};
use crate::simulate::Fault;
use crate::topology::{Tagging, Vlan};

/// What must not happen in a well-formed program.
pub(super) fn check_faults(case: &Case<'_>, verdict: &mut Verdict) {
    verdict.concerns(Property::Defined);
    verdict.concerns(Property::NoLoop);
    for fault in &case.outcome.faults {
        let property = match fault {
            Fault::Loop => Property::NoLoop,
            _ => Property::Defined,
        };
        verdict.violated(property, fault.to_string());
    }
}

/// The mark is 0 outside, or whatever the host itself has put there.
pub(super) fn check_marks(case: &Case<'_>, verdict: &mut Verdict) {
    if case.outcome.sent.is_empty() {
        return;
    }
    verdict.concerns(Property::Marks);
    let own = Value::var(Var::Field(OxmField::PktMark));
    for sent in &case.outcome.sent {
        let mark = sent.packet.pkt_mark;
        if mark != own && case.class.resolve(mark).as_number() != Some(0) {
            let (bits, _) = case.class.resolve(mark).known();
            let what = format!("{} gets it with the mark {bits:#x}", case.name(sent.at));
            verdict.violated(Property::Marks, what);
            return;
        }
    }
}

/// Every copy is of a network of its port, and otherwise as it was sent; or as a tap wants it.
pub(super) fn check_copies(case: &Case<'_>, way: &Way, verdict: &mut Verdict) {
    if case.outcome.sent.is_empty() {
        return;
    }
    verdict.concerns(Property::Isolation);
    verdict.concerns(Property::Unchanged);
    for sent in &case.outcome.sent {
        let Some(Look { tags, max_len }) = expected_look(case, way, sent) else {
            let name = case.name(sent.at);
            let what = match way.network {
                Some(vlan) => format!("{name} gets a frame of VLAN {vlan}, and is no member"),
                None => format!("{name} gets a frame of a VLAN that it is no member of"),
            };
            verdict.violated(Property::Isolation, what);
            continue;
        };
        let (vids, uncovered) = sent.packet.vids();
        if !tags.are(&vids, case) {
            let found: Vec<String> = vids
                .iter()
                .map(|vid| match case.class.resolve(*vid).as_number() {
                    Some(vid) => format!("tag {vid}"),
                    None => "another tag".to_owned(),
                })
                .collect();
            let found = match found.is_empty() {
                true => "no tag".to_owned(),
                false => found.join(" and "),
            };
            let what = format!(
                "{} gets it with {found}, not with {tags}",
                case.name(sent.at)
            );
            verdict.violated(Property::Isolation, what);
        }
        if uncovered != u8::from(case.is_tagged) {
            let what = format!(
                "{} gets it without a tag of its payload",
                case.name(sent.at)
            );
            verdict.violated(Property::Unchanged, what);
        }
        if !sent.packet.is_unchanged() {
            let what = format!("{} gets it with other addresses", case.name(sent.at));
            verdict.violated(Property::Unchanged, what);
        }
        if sent.max_len != max_len.map(u32::from) {
            let what = match (sent.max_len, max_len) {
                (None, _) => "in full",
                (Some(_), None) => "cut off",
                (Some(_), Some(_)) => "cut off at another length",
            };
            let what = format!("{} gets it {what}", case.name(sent.at));
            verdict.violated(Property::Unchanged, what);
        }
    }
}

/// What a copy has to look like.
struct Look {
    tags: Tags,
    max_len: Option<u16>,
}

/// How a frame has to be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tags {
    /// With these, outermost first; untagged is none.
    These([Vlan; 2]),
    /// As it came.
    Own,
}

impl Tags {
    fn are(self, vids: &[Value], case: &Case<'_>) -> bool {
        match self {
            Self::Own => match case.is_tagged {
                true => *vids == [own_vid()],
                false => vids.is_empty(),
            },
            Self::These(vlans) => {
                let mut wanted = vlans.iter().filter(|vlan| vlan.is_tagged());
                let mut found = vids.iter();
                let mut all = found
                    .by_ref()
                    .map(|vid| case.class.resolve(*vid).as_number());
                all.all(|vid| wanted.next().map(|vlan| vlan.id().into()) == vid && vid.is_some())
                    && wanted.next().is_none()
            }
        }
    }
}

impl std::fmt::Display for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::These(vlans) = self else {
            return f.write_str("its own tag");
        };
        let tags = vlans.iter().filter(|vlan| vlan.is_tagged());
        let tags: Vec<String> = tags.map(|vlan| format!("tag {vlan}")).collect();
        match tags.is_empty() {
            true => f.write_str("no tag"),
            false => f.write_str(&tags.join(" and ")),
        }
    }
}

/// What a copy has to look like at its port; `None` where that is no member of its network.
fn expected_look(case: &Case<'_>, way: &Way, sent: &Sent) -> Option<Look> {
    let whole = |tags| Look {
        tags,
        max_len: None,
    };
    let Some(network) = way.network else {
        return Some(whole(Tags::Own));
    };
    let on_the_way = whole(Tags::These([Vlan::UNTAGGED, network]));
    match case.site.occupant(sent.at) {
        Occupant::Vnic(place) => {
            let vnic = &case.site.host.vnics[place];
            match vnic.membership.delivery(network)? {
                Tagging::Tagged => Some(on_the_way),
                Tagging::Untagged => Some(whole(Tags::These([Vlan::UNTAGGED; 2]))),
            }
        }
        Occupant::HostItself if network.is_tagged() => None,
        Occupant::Tap(function) | Occupant::Leg(function, _) => {
            let visit = way.visits.iter().find(|visit| visit.function == function);
            let instance = visit.and_then(|visit| {
                let mut instances = visit.instances.iter();
                instances.find(|instance| instance.entry == sent.at)
            });
            match visit.map(|visit| visit.wanted) {
                Some(Wanted::Copy(look)) => Some(Look {
                    tags: Tags::These(look.tags),
                    max_len: instance.and_then(|instance| instance.max_len),
                }),
                _ => Some(on_the_way),
            }
        }
        _ => Some(on_the_way),
    }
}

fn own_vid() -> Value {
    Value::var(Var::Tci(0)).part(0, 12)
}
