//! One frame of a class, that can be sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{MacAddr, OxmField, Prerequisite, Subfield};

use super::engine::{Choice, Class, Explorer, Memo, Model, Set, TPIDS, Value, Var, ones};
use super::property::{Case, Property, Violation};
use super::rule::{Fate, Way};
use super::search::Root;
use crate::learning::Location;
use crate::program::{Flow, FlowKey};
use crate::protocols::ethertype::{ARP, IPV4, IPV6};
use crate::simulate::{Frame, Headers, Tag};
use crate::topology::Role;

/// A frame, and all that must be for it to go the way that it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where it comes in.
    pub from: Location,
    /// What it is.
    pub frame: Frame,
    /// The mark that the host itself has put there.
    pub pkt_mark: u32,
    /// Ports that are down.
    pub down: Vec<Location>,
    /// What bridges remember by themselves.
    pub remembered: Vec<Remembered>,
    /// Whether a hash has to choose in a certain way.
    pub depends_on_hash: bool,
    /// Whether it may have another IP address as its source.
    pub free_source: bool,
}

/// Something that a bridge has written into its own table, when another frame passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Which bridge.
    pub role: Role,
    /// What it is about: parts of fields, and their values.
    pub key: Vec<(Subfield, u128)>,
    /// The number that it remembers: a port.
    pub value: u64,
}

/// A frame of which a property does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// Which property.
    pub property: Property,
    /// What is wrong, in words.
    pub what: String,
    /// The frame.
    pub witness: Witness,
    /// Who gets it: ports in the order of sending, network functions among them.
    pub seen: Vec<Location>,
    /// Who should get it, network functions apart; sorted.
    pub wanted: Vec<Location>,
    /// The flows that it finds on its way, in order.
    pub flows: Vec<(Role, FlowKey, Flow)>,
}

impl Counterexample {
    /// A frame of the class of `case`; `None` where there is none after all.
    pub(super) fn new(violation: Violation, case: &Case<'_>, model: &Model<'_>) -> Option<Self> {
        let Violation { property, what } = violation;
        let wanted = match &case.expected.fate {
            Fate::Refused(_) | Fate::Probe => Vec::new(),
            Fate::Admitted(Way {
                guests, outside, ..
            }) => [guests.as_slice(), outside.as_slice()].concat(),
        };
        // Of flows that do the same, those that this frame finds.
        let root = Root {
            at: case.from,
            is_tagged: case.is_tagged,
        };
        let mut explorer = Explorer::new(case.class.with_one_case(0), Memo::default());
        let (_, outcome) = root.next(case.site, model, &mut explorer);
        Some(Self {
            property,
            what,
            witness: Witness::of(explorer.class(), case.from, case.is_tagged)?,
            seen: outcome.sent.iter().map(|sent| sent.at).collect(),
            wanted,
            flows: outcome
                .found
                .iter()
                .filter_map(|place| {
                    let (key, flow) = model.flow(*place)?;
                    Some((place.0, key.clone(), flow.clone()))
                })
                .collect(),
        })
    }
}

/// Addresses that are nobody's, and types, to be taken where any will do.
const SRC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x01]);
const DST: [MacAddr; 3] = [
    MacAddr([0x02, 0, 0, 0, 0, 0xff]),
    MacAddr::BROADCAST,
    MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]),
];
/// How many tags a frame is given at the most.
const MAX_TAGS: u8 = 4;

impl Witness {
    /// A frame of the class; `None` if it has none.
    pub(super) fn of(class: &Class, from: Location, is_tagged: bool) -> Option<Self> {
        let number = |var, wishes: &[u128]| {
            let values = class.values(var);
            let wish = wishes.iter().copied().find(|wish| values.contains(*wish));
            wish.or_else(|| values.any())
        };
        let address = |field, wishes: &[MacAddr]| {
            let wishes: Vec<u128> = wishes.iter().map(|mac| u128::from(*mac)).collect();
            let number = number(Var::Field(field), &wishes)?;
            Some(MacAddr::from_u64(number as u64))
        };
        let src = address(OxmField::EthSrc, &[SRC])?;
        let mut dst = address(OxmField::EthDst, &DST)?;
        if dst == src {
            let others = class.values(Var::Field(OxmField::EthDst));
            let other = others.without([(src.into(), ones(48))]).any();
            dst = other.map_or(dst, |other| MacAddr::from_u64(other as u64));
        }
        let mut frame = Frame::new(src, dst);
        let mut tpid = is_tagged.then_some(TPIDS[0]);
        let mut count = 0;
        while let Some(found) = tpid.take() {
            let tci = number(Var::Tci(count), &[])? as u16;
            frame.tags.push(Tag {
                tpid: found,
                pcp: (tci >> 13) as u8,
                vid: tci & 0xfff,
            });
            count += 1;
            let kind = number(Var::Type(count), &[IPV4.into()])? as u16;
            tpid = Some(kind).filter(|kind| TPIDS.contains(kind) && count < MAX_TAGS);
        }
        frame.ethertype = number(Var::Type(count), &[IPV4.into()])? as u16;
        let asked = |field: OxmField| class.is_asked(Var::Field(field));
        if OxmField::all().any(|field| field.prerequisite() != Prerequisite::None && asked(field)) {
            let field = |field: OxmField| number(Var::Field(field), &[]);
            frame.headers = headers(frame.ethertype, field);
        }
        let free_source = match frame.headers {
            Some(Headers::Ip { .. }) => !asked(OxmField::Ipv4Src) && !asked(OxmField::Ipv6Src),
            _ => false,
        };
        let down = class.ports().iter().filter(|(_, is_up)| !is_up);
        // Addresses are those of the frame.
        let evaluate = |value: Value| {
            let known = value.resolved(|var| {
                let number = match var {
                    Var::Field(OxmField::EthSrc) => Some(frame.src.into()),
                    Var::Field(OxmField::EthDst) => Some(frame.dst.into()),
                    var => number(var, &[]),
                };
                (number.unwrap_or_default(), ones(var.bits()))
            });
            known.as_number()
        };
        let remembered = remembered(class, evaluate)?;
        let is_hash = |choice: &Choice| !matches!(choice, Choice::Memory { .. });
        Some(Self {
            from,
            pkt_mark: number(Var::Field(OxmField::PktMark), &[0])? as u32,
            down: down.map(|(at, _)| *at).collect(),
            depends_on_hash: class.choices().iter().any(|(choice, _)| is_hash(choice)),
            remembered,
            free_source,
            frame,
        })
    }
}

/// What bridges have to remember for a frame to be of the class. `None` where that can not be: a frame
/// to its own address asks twice about the same, and may have been answered in two ways.
fn remembered(class: &Class, evaluate: impl Fn(Value) -> Option<u128>) -> Option<Vec<Remembered>> {
    // Bridge, key, and the numbers that it may be, if there is one.
    type Answer = (Role, Vec<(Subfield, u128)>, Option<Set>);
    let mut answers: Vec<Answer> = Vec::new();
    for (number, (choice, is_there)) in (0..).zip(class.choices()) {
        let Choice::Memory { role, key } = &**choice else {
            continue;
        };
        let key = key.iter();
        let key = key.map(|(part, value)| Some((*part, evaluate(*value)?)));
        let key: Vec<_> = key.collect::<Option<_>>()?;
        let numbers = (*is_there == 1).then(|| class.values(Var::Memory(number)));
        let same = |(own, about, _): &&mut Answer| own == role && *about == key;
        match answers.iter_mut().find(same) {
            None => answers.push((*role, key, numbers)),
            Some((.., before)) => match (before, numbers) {
                (None, None) => {}
                (Some(before), Some(numbers)) => *before = before.and(&numbers),
                _ => return None,
            },
        }
    }
    let there = answers.into_iter().filter_map(|(role, key, numbers)| {
        let numbers = numbers?;
        Some(numbers.any().map(|number| Remembered {
            role,
            key,
            value: number as u64,
        }))
    });
    there.collect()
}

/// The headers that go with an EtherType, with the values of these fields.
fn headers(ethertype: u16, field: impl Fn(OxmField) -> Option<u128>) -> Option<Headers> {
    let ipv4 = |name| Some(Ipv4Addr::from_bits(field(name)? as u32));
    let ipv6 = |name| Some(IpAddr::V6(Ipv6Addr::from_bits(field(name)?)));
    let (src, dst) = match ethertype {
        ARP => {
            return Some(Headers::Arp {
                operation: field(OxmField::ArpOp)? as u16,
                sender: ipv4(OxmField::ArpSpa)?,
                target: ipv4(OxmField::ArpTpa)?,
            });
        }
        IPV4 => (
            IpAddr::V4(ipv4(OxmField::Ipv4Src)?),
            IpAddr::V4(ipv4(OxmField::Ipv4Dst)?),
        ),
        IPV6 => (ipv6(OxmField::Ipv6Src)?, ipv6(OxmField::Ipv6Dst)?),
        _ => return None,
    };
    let protocol = field(OxmField::IpProto)? as u8;
    let (first, second) = match protocol {
        Headers::TCP => (Some(OxmField::TcpSrc), Some(OxmField::TcpDst)),
        Headers::UDP => (Some(OxmField::UdpSrc), Some(OxmField::UdpDst)),
        Headers::SCTP => (Some(OxmField::SctpSrc), Some(OxmField::SctpDst)),
        Headers::ICMP => (Some(OxmField::Icmpv4Type), None),
        Headers::ICMPV6 => (Some(OxmField::Icmpv6Type), None),
        _ => (None, None),
    };
    let port = |name: Option<OxmField>| name.and_then(&field).unwrap_or_default() as u16;
    Some(Headers::Ip {
        src,
        dst,
        protocol,
        ports: [port(first), port(second)],
    })
}
