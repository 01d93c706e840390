//! Flows, groups and meters in the syntax of `ovs-ofctl`.
//!
//! A [`Dialect`] decides how ports are written: by number, which every command takes, or by name,
//! which those take that talk to a bridge (`add-flows`, not `parse-flows`).

use std::fmt::{self, Display};

use openflow::{
    Action, Bucket, FlowModFlags, GroupId, GroupType, Instruction, Match, MatchEntry, MeterBand,
    MeterFlags, MeterId, OxmField, PortNo,
};

use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Group, Meter};

/// How ports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect<'p> {
    /// `in_port=1`, `output:2`
    Numbers,
    /// `in_port=vma0`, `output:local-nf`; by number where a port has none. Names are those of OVS
    /// interfaces.
    Names(&'p Ports),
}

impl<'p> Dialect<'p> {
    /// The port as `in_port=`, `output:` and `watch_port:` take it.
    pub fn port(self, port: PortNo) -> impl Display + use<'p> {
        display(move |f| match self {
            Self::Names(ports) if port != PortNo::LOCAL => match ports.interface(port) {
                Some(name) if is_plain(name) => f.write_str(name),
                Some(name) => write!(f, "{name:?}"),
                None => port.fmt(f),
            },
            _ => port.fmt(f),
        })
    }

    /// `in_port=vma0,dl_vlan=3000`; nothing for the empty match.
    pub fn match_<'a>(self, match_: &'a Match) -> impl Display + use<'a, 'p> {
        display(move |f| {
            separated(f, ",", match_.entries(), |f, entry| match entry {
                MatchEntry::Oxm(oxm) if oxm.field == OxmField::InPort => {
                    write!(f, "in_port={}", self.port(PortNo(oxm.value as u32)))
                }
                other => other.fmt(f),
            })
        })
    }

    /// `push_vlan:0x8100,output:vmb0`; `drop` for no actions at all.
    pub fn actions<'a>(self, actions: &'a [Action]) -> impl Display + use<'a, 'p> {
        display(move |f| match actions {
            [] => f.write_str("drop"),
            _ => separated(f, ",", actions, |f, action| self.action(action).fmt(f)),
        })
    }

    /// One action.
    pub fn action<'a>(self, action: &'a Action) -> impl Display + use<'a, 'p> {
        display(move |f| match action {
            Action::Output { port, .. } if port.is_real() && *port != PortNo::LOCAL => {
                write!(f, "output:{}", self.port(*port))
            }
            other => other.fmt(f),
        })
    }

    /// The instructions of a flow, as they stand behind `actions=`.
    pub fn instructions<'a>(self, instructions: &'a [Instruction]) -> impl Display + use<'a, 'p> {
        display(move |f| match instructions {
            [] => f.write_str("drop"),
            _ => separated(f, ",", instructions, |f, instruction| match instruction {
                Instruction::GotoTable(table) => write!(f, "goto_table:{table}"),
                Instruction::WriteMetadata { metadata, mask } => {
                    write!(f, "write_metadata:{metadata:#x}/{mask:#x}")
                }
                Instruction::WriteActions(actions) => {
                    write!(f, "write_actions({})", self.actions(actions))
                }
                Instruction::ApplyActions(actions) => self.actions(actions).fmt(f),
                Instruction::ClearActions => f.write_str("clear_actions"),
                Instruction::Meter(meter) => write!(f, "meter:{meter}"),
                other => write!(f, "<{other:?}>"),
            }),
        })
    }

    /// A flow as `add-flows` takes it.
    pub fn flow<'a>(self, key: &'a FlowKey, flow: &'a Flow) -> impl Display + use<'a, 'p> {
        display(move |f| {
            let FlowKey {
                table,
                priority,
                match_,
            } = key;
            write!(
                f,
                "cookie={},table={table},priority={priority}",
                flow.cookie
            )?;
            if flow.idle_timeout != 0 {
                write!(f, ",idle_timeout={}", flow.idle_timeout)?;
            }
            for (flag, name) in FLOW_FLAGS {
                if flow.flags.contains(flag) {
                    write!(f, ",{name}")?;
                }
            }
            if !match_.is_empty() {
                write!(f, ",{}", self.match_(match_))?;
            }
            write!(f, " actions={}", self.instructions(&flow.instructions))
        })
    }

    /// A group as `add-groups` takes it.
    pub fn group<'a>(self, id: GroupId, group: &'a Group) -> impl Display + use<'a, 'p> {
        display(move |f| {
            let kind: &dyn Display = match group.kind {
                GroupType::All => &"all",
                GroupType::Select => &"select",
                GroupType::Indirect => &"indirect",
                GroupType::FastFailover => &"ff",
                other => &display(move |f| write!(f, "<{other:?}>")),
            };
            write!(f, "group_id={},type={kind}", id.0)?;
            group
                .buckets
                .iter()
                .try_for_each(|bucket| write!(f, ",bucket={}", self.bucket(group.kind, bucket)))
        })
    }

    fn bucket<'a>(self, kind: GroupType, bucket: &'a Bucket) -> impl Display + use<'a, 'p> {
        display(move |f| {
            if kind == GroupType::Select {
                write!(f, "weight:{},", bucket.weight)?;
            }
            if bucket.watch_port != PortNo::ANY {
                write!(f, "watch_port:{},", self.port(bucket.watch_port))?;
            }
            if bucket.watch_group != GroupId::ANY {
                write!(f, "watch_group:{},", bucket.watch_group.0)?;
            }
            write!(f, "actions={}", self.actions(&bucket.actions))
        })
    }

    /// A meter as `add-meter` takes it.
    pub fn meter<'a>(self, id: MeterId, meter: &'a Meter) -> impl Display + use<'a> {
        display(move |f| {
            write!(f, "meter={id}")?;
            for (flag, name) in METER_FLAGS {
                if meter.flags.contains(flag) {
                    write!(f, ",{name}")?;
                }
            }
            f.write_str(",bands=")?;
            separated(f, ",", &meter.bands, |f, band| match band {
                MeterBand::Drop { rate, burst_size } => {
                    write!(f, "type=drop,rate={rate}")?;
                    burst(f, *burst_size)
                }
                MeterBand::DscpRemark {
                    rate,
                    burst_size,
                    prec_level,
                } => {
                    write!(f, "type=dscp_remark,rate={rate}")?;
                    burst(f, *burst_size)?;
                    write!(f, ",prec_level={prec_level}")
                }
                other => write!(f, "<{other:?}>"),
            })
        })
    }
}

const FLOW_FLAGS: [(FlowModFlags, &str); 5] = [
    (FlowModFlags::SEND_FLOW_REM, "send_flow_rem"),
    (FlowModFlags::CHECK_OVERLAP, "check_overlap"),
    (FlowModFlags::RESET_COUNTS, "reset_counts"),
    (FlowModFlags::NO_PKT_COUNTS, "no_packet_counts"),
    (FlowModFlags::NO_BYT_COUNTS, "no_byte_counts"),
];

const METER_FLAGS: [(MeterFlags, &str); 4] = [
    (MeterFlags::KBPS, "kbps"),
    (MeterFlags::PKTPS, "pktps"),
    (MeterFlags::BURST, "burst"),
    (MeterFlags::STATS, "stats"),
];

fn burst(f: &mut fmt::Formatter<'_>, size: u32) -> fmt::Result {
    match size {
        0 => Ok(()),
        size => write!(f, ",burst_size={size}"),
    }
}

/// Whether `ovs-ofctl` takes a port name without quotes: it must not look like a number, a word
/// of its own or a piece of its syntax.
fn is_plain(name: &str) -> bool {
    const RESERVED: [&str; 10] = [
        "in_port",
        "table",
        "normal",
        "flood",
        "all",
        "controller",
        "local",
        "any",
        "none",
        "unset",
    ];
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    items: &[T],
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// What `write` writes. (`std::fmt::from_fn`, once that is stable.)
fn display(write: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> impl Display {
    struct FromFn<F>(F);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Display for FromFn<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0(f)
        }
    }

    FromFn(write)
}
