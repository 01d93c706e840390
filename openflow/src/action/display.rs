//! Actions in the syntax of `ovs-ofctl`.

use std::fmt;

use super::controller::reason_name;
use super::{Action, Subfield};
use crate::display::{Hex, HexDots, Separated};
use crate::types::{PortNo, TableId};

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
            Self::CopyTtlOut => f.write_str("<copy_ttl_out>"),
            Self::CopyTtlIn => f.write_str("<copy_ttl_in>"),
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
            Self::SetField(oxm) | Self::RegLoad2(oxm) => {
                let (name, value) = oxm.as_set_field();
                write!(f, "set_field:{value}->{name}")
            }
            Self::SetFieldRaw(raw) => match raw.as_set_field() {
                Some((name, value)) => write!(f, "set_field:{value}->{name}"),
                None => write!(f, "<set_field {raw}>"),
            },
            Self::PushPbb(ethertype) => write!(f, "<push_pbb {ethertype:#06x}>"),
            Self::PopPbb => f.write_str("<pop_pbb>"),
            Self::Resubmit { in_port } => write!(f, "resubmit:{}", PortNo::from_16_bits(*in_port)),
            Self::ResubmitTable { in_port, table_id } => {
                write!(f, "resubmit({})", ResubmitTo(*in_port, *table_id))
            }
            Self::ResubmitTableCt { in_port, table_id } => {
                write!(f, "resubmit({},ct)", ResubmitTo(*in_port, *table_id))
            }
            Self::SetTunnel(id) => write!(f, "set_tunnel:{id:#x}"),
            Self::SetTunnel64(id) => write!(f, "set_tunnel64:{id:#x}"),
            Self::PopQueue => f.write_str("pop_queue"),
            Self::RegMove { src, dst } => write!(f, "move:{src}->{dst}"),
            Self::CopyField { src, dst } => write!(f, "<copy_field {src}->{dst}>"),
            Self::RegLoad { dst, value } => write!(f, "load:{value:#x}->{dst}"),
            Self::Note(note) => write!(f, "note:{}", HexDots(note)),
            Self::Multipath(multipath) => multipath.fmt(f),
            Self::Bundle(bundle) => bundle.fmt(f),
            Self::OutputReg { src, .. } | Self::OutputReg2 { src, .. } => write!(f, "output:{src}"),
            Self::OutputTrunc { port, max_len } => {
                write!(
                    f,
                    "output(port={},max_len={max_len})",
                    PortNo::from_16_bits(*port)
                )
            }
            Self::Learn(learn) => learn.fmt(f),
            Self::Exit => f.write_str("exit"),
            Self::FinTimeout {
                idle_timeout,
                hard_timeout,
            } => {
                write!(
                    f,
                    "fin_timeout(idle_timeout={idle_timeout},hard_timeout={hard_timeout})"
                )
            }
            Self::Controller {
                max_len,
                controller_id,
                reason,
            } => {
                let reason = reason_name(*reason);
                write!(
                    f,
                    "controller(reason={reason},max_len={max_len},id={controller_id})"
                )
            }
            Self::Controller2(properties) => write!(f, "controller({})", Separated(properties)),
            Self::DecTtlCntIds(ids) => write!(f, "dec_ttl({})", Separated(ids)),
            Self::WriteMetadata { metadata, mask } => {
                write!(f, "<write_metadata {metadata:#x}/{mask:#x}>")
            }
            Self::StackPush(subfield) => write!(f, "push:{subfield}"),
            Self::StackPop(subfield) => write!(f, "pop:{subfield}"),
            Self::Sample(sample) => sample.fmt(f),
            Self::Conjunction {
                clause,
                n_clauses,
                id,
            } => {
                write!(
                    f,
                    "conjunction({id},{}/{n_clauses})",
                    u16::from(*clause) + 1
                )
            }
            Self::Ct(ct) => ct.fmt(f),
            Self::Nat(nat) => nat.fmt(f),
            Self::CtClear => f.write_str("ct_clear"),
            Self::Clone(actions) => write!(f, "clone({})", Separated(actions)),
            Self::Encap {
                packet_type,
                properties,
                ..
            } => {
                write!(f, "encap({}", PacketType(*packet_type))?;
                match properties.as_slice() {
                    [] => f.write_str(")"),
                    properties => write!(f, "({}))", Separated(properties)),
                }
            }
            // Whatever the next header is: what `ovs-ofctl` means by empty parentheses.
            Self::Decap {
                packet_type: 0x1_fffe,
            } => f.write_str("decap()"),
            Self::Decap { packet_type } => {
                let (namespace, kind) = (packet_type >> 16, packet_type & 0xffff);
                write!(f, "decap(packet_type(ns={namespace},type={kind:#x}))")
            }
            Self::DecNshTtl => f.write_str("dec_nsh_ttl"),
            Self::CheckPktLarger {
                pkt_len,
                field,
                bit,
            } => {
                let dst = Subfield {
                    field: *field,
                    start: *bit,
                    bits: 1,
                };
                write!(f, "check_pkt_larger({pkt_len})->{dst}")
            }
            Self::DeleteField(id) => write!(f, "delete_field:{id}"),
            Self::Experimenter { experimenter, data } => {
                write!(f, "<experimenter {experimenter:#010x} {}>", Hex(data))
            }
            Self::Unknown { kind, data } => write!(f, "<action {kind} {}>", Hex(data)),
        }
    }
}

/// Port and table of a resubmit; what stays as it is, is left out.
struct ResubmitTo(u16, TableId);

impl fmt::Display for ResubmitTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SAME_PORT => {}
            port => PortNo::from_16_bits(port).fmt(f)?,
        }
        match self.1 {
            TableId::ALL => f.write_str(","),
            table => write!(f, ",{table}"),
        }
    }
}

/// The name that `encap` has for a type of packet.
struct PacketType(u32);

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("ethernet"),
            0x1_894f => f.write_str("nsh"),
            0x1_8847 => f.write_str("mpls"),
            0x1_8848 => f.write_str("mpls_mc"),
            other => write!(f, "{other:#010x}"),
        }
    }
}
