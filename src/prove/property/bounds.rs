//! What no frame may do, wherever it goes.

use openflow::OxmField;

use super::{Case, Property, Verdict};
use crate::prove::engine::{Sent, Value, Var};
use crate::prove::rule::{Occupant, Way};
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

/// Every copy is of a network of its port, and otherwise as it was sent.
pub(super) fn check_copies(case: &Case<'_>, way: &Way, verdict: &mut Verdict) {
    if case.outcome.sent.is_empty() {
        return;
    }
    verdict.concerns(Property::Isolation);
    verdict.concerns(Property::Unchanged);
    for sent in &case.outcome.sent {
        let name = case.name(sent.at);
        match expected_tag(case, way, sent) {
            Err(NotAMember) => {
                let what = match way.network {
                    Some(vlan) => format!("{name} gets a frame of VLAN {vlan}, and is no member"),
                    None => format!("{name} gets a frame of a VLAN that it is no member of"),
                };
                verdict.violated(Property::Isolation, what);
            }
            Ok(tag) => {
                let (vids, uncovered) = sent.packet.vids();
                let is_right = match (tag, vids.as_slice()) {
                    (Tags::None, []) => true,
                    (Tags::Own, [vid]) => *vid == own_vid(),
                    (Tags::Of(vlan), [vid]) => {
                        case.class.resolve(*vid).as_number() == Some(vlan.id().into())
                    }
                    _ => false,
                };
                if !is_right {
                    let found = match vids.as_slice() {
                        [] => "no tag".to_owned(),
                        [vid] => match case.class.resolve(*vid).as_number() {
                            Some(vid) => format!("tag {vid}"),
                            None => "another tag".to_owned(),
                        },
                        several => format!("{} tags", several.len()),
                    };
                    let what = format!("{name} gets it with {found}, not with {tag}");
                    verdict.violated(Property::Isolation, what);
                }
                if uncovered != u8::from(case.is_tagged) {
                    let what = format!("{name} gets it without a tag of its payload");
                    verdict.violated(Property::Unchanged, what);
                }
            }
        }
        if !sent.packet.is_unchanged() {
            let what = format!("{name} gets it with other addresses");
            verdict.violated(Property::Unchanged, what);
        }
        if sent.max_len.is_some() && !is_copy(case, sent) {
            verdict.violated(Property::Unchanged, format!("{name} gets it cut off"));
        }
    }
}

/// How a frame has to be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tags {
    None,
    Of(Vlan),
    /// As it came.
    Own,
}

impl std::fmt::Display for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("no tag"),
            Self::Of(vlan) => write!(f, "tag {vlan}"),
            Self::Own => f.write_str("its own tag"),
        }
    }
}

struct NotAMember;

/// How the port takes frames of this network.
fn expected_tag(case: &Case<'_>, way: &Way, sent: &Sent) -> Result<Tags, NotAMember> {
    let Some(network) = way.network else {
        return Ok(Tags::Own);
    };
    let on_the_way = match network.is_tagged() {
        true => Tags::Of(network),
        false => Tags::None,
    };
    match case.site.occupant(sent.at) {
        Occupant::Vnic(place) => match case.site.host.vnics[place].membership.delivery(network) {
            None => Err(NotAMember),
            Some(Tagging::Tagged) => Ok(on_the_way),
            Some(Tagging::Untagged) => Ok(Tags::None),
        },
        Occupant::HostItself if network.is_tagged() => Err(NotAMember),
        _ => Ok(on_the_way),
    }
}

/// Whether it is a copy for a network function.
fn is_copy(case: &Case<'_>, sent: &Sent) -> bool {
    matches!(case.site.occupant(sent.at), Occupant::Tap(_))
}

fn own_vid() -> Value {
    Value::var(Var::Tci(0)).part(0, 12)
}
