//! Actions in the syntax of `ovs-ofctl`.

use std::fmt;

use super::{Action, Subfield};
use crate::types::{PortNo, TableId};

/// `NXM_NX_REG0[0..15]`, `NXM_OF_IN_PORT[]`.
impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, start, bits } = *self;
        let name = field.c_name();
        match bits {
            bits if start == 0 && bits == u16::from(field.bits()) => write!(f, "{name}[]"),
            1 => write!(f, "{name}[{start}]"),
            bits => write!(
                f,
                "{name}[{start}..{}]",
                u32::from(start) + u32::from(bits) - 1
            ),
        }
    }
}

/// The port that keeps the ingress port in a resubmit.
const SAME_PORT: u16 = 0xfff8;

/// In `ovs-ofctl` syntax; what that has no syntax for is in angle brackets.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output {
                port: PortNo::CONTROLLER,
                max_len,
            } => {
                write!(f, "CONTROLLER:{max_len}")
            }
            Self::Output { port, .. } if port.0 > PortNo::MAX.0 => port.fmt(f),
            Self::Output { port, .. } => write!(f, "output:{port}"),
            Self::CopyTtlOut => f.write_str("copy_ttl_out"),
            Self::CopyTtlIn => f.write_str("copy_ttl_in"),
            Self::SetMplsTtl(ttl) => write!(f, "set_mpls_ttl({ttl})"),
            Self::DecMplsTtl => f.write_str("dec_mpls_ttl"),
            Self::PushVlan(ethertype) => write!(f, "push_vlan:{ethertype:#06x}"),
            Self::PopVlan => f.write_str("pop_vlan"),
            Self::PushMpls(ethertype) => write!(f, "push_mpls:{ethertype:#06x}"),
            Self::PopMpls(ethertype) => write!(f, "pop_mpls:{ethertype:#06x}"),
            Self::SetQueue(queue) => write!(f, "set_queue:{}", queue.0),
            Self::Group(group) => write!(f, "group:{}", group.0),
            Self::SetNwTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
            Self::DecNwTtl => f.write_str("dec_ttl"),
            Self::SetField(oxm) => {
                let (name, value) = oxm.as_set_field();
                write!(f, "set_field:{value}->{name}")
            }
            Self::SetFieldRaw(raw) => write!(f, "<set_field {raw}>"),
            Self::PushPbb(ethertype) => write!(f, "<push_pbb {ethertype:#06x}>"),
            Self::PopPbb => f.write_str("<pop_pbb>"),
            Self::Resubmit { in_port } => write!(f, "resubmit:{}", PortNo::from_16_bits(*in_port)),
            Self::ResubmitTable { in_port, table_id } => {
                f.write_str("resubmit(")?;
                if *in_port != SAME_PORT {
                    PortNo::from_16_bits(*in_port).fmt(f)?;
                }
                match *table_id {
                    TableId(255) => f.write_str(",)"),
                    table => write!(f, ",{table})"),
                }
            }
            Self::RegMove { src, dst } => write!(f, "move:{src}->{dst}"),
            Self::RegLoad { dst, value } => write!(f, "load:{value:#x}->{dst}"),
            Self::Experimenter { experimenter, data } => {
                write!(f, "<experimenter {experimenter:#010x} {data:?}>")
            }
            Self::Unknown { kind, data } => write!(f, "<action {kind} {data:?}>"),
        }
    }
}
