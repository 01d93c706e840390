//! The actions of Open vSwitch, by the names that its source gives to their fields.

use openflow::{
    Action, Bundle, Conntrack, ControllerProperty, CtZone, EncapProperty, Learn, LearnDestination,
    LearnSource, LearnSpec, MatchEntry, Multipath, Nat, OxmField, Sample, SampleOutput, Subfield,
    experimenter,
};

use super::action::{Actions, bytes_of};
use super::values::{Hexadecimal, Name};
use super::writer::{Fields, Record, Value, Writer};

/// An action that is none of the specification.
pub(super) fn fields<'r, 'w>(action: &Action, record: &'r mut Record<'w>) -> &'r mut Record<'w> {
    match action {
        Action::Resubmit { in_port } => nicira(record, "RESUBMIT").field("in_port", in_port),
        Action::ResubmitTable { in_port, table_id } => nicira(record, "RESUBMIT_TABLE")
            .field("in_port", in_port)
            .field("table_id", table_id),
        Action::ResubmitTableCt { in_port, table_id } => nicira(record, "RESUBMIT_TABLE_CT")
            .field("in_port", in_port)
            .field("table_id", table_id),
        Action::SetTunnel(id) => nicira(record, "SET_TUNNEL").field("tun_id", id),
        Action::SetTunnel64(id) => nicira(record, "SET_TUNNEL64").field("tun_id", id),
        Action::PopQueue => nicira(record, "POP_QUEUE"),
        Action::RegMove { src, dst } => nicira(record, "REG_MOVE")
            .field("src", src)
            .field("dst", dst),
        Action::RegLoad { dst, value } => nicira(record, "REG_LOAD")
            .field("dst", dst)
            .field("value", value),
        Action::RegLoad2(oxm) => nicira(record, "REG_LOAD2").field("field", &MatchEntry::Oxm(*oxm)),
        Action::CopyField { src, dst } => start(record, experimenter::ONF, "COPY_FIELD")
            .field("src", src)
            .field("dst", dst),
        Action::Note(note) => nicira(record, "NOTE").field("note", note),
        Action::Multipath(multipath) => nicira(record, "MULTIPATH").with(multipath),
        Action::Bundle(bundle) => nicira(
            record,
            match bundle.dst {
                Some(_) => "BUNDLE_LOAD",
                None => "BUNDLE",
            },
        )
        .with(&**bundle),
        Action::OutputReg { src, max_len } => nicira(record, "OUTPUT_REG")
            .field("src", src)
            .field("max_len", max_len),
        Action::OutputReg2 { src, max_len } => nicira(record, "OUTPUT_REG2")
            .field("src", src)
            .field("max_len", max_len),
        Action::OutputTrunc { port, max_len } => nicira(record, "OUTPUT_TRUNC")
            .field("port", port)
            .field("max_len", max_len),
        Action::Learn(learn) => nicira(
            record,
            match learn.limit {
                Some(_) => "LEARN2",
                None => "LEARN",
            },
        )
        .with(&**learn),
        Action::Exit => nicira(record, "EXIT"),
        Action::FinTimeout {
            idle_timeout,
            hard_timeout,
        } => nicira(record, "FIN_TIMEOUT")
            .field("fin_idle_timeout", idle_timeout)
            .field("fin_hard_timeout", hard_timeout),
        Action::Controller {
            max_len,
            controller_id,
            reason,
        } => nicira(record, "CONTROLLER")
            .field("max_len", max_len)
            .field("controller_id", controller_id)
            .field("reason", reason),
        Action::Controller2(properties) => {
            nicira(record, "CONTROLLER2").field("properties", properties)
        }
        Action::DecTtlCntIds(ids) => nicira(record, "DEC_TTL_CNT_IDS").field("cnt_ids", ids),
        Action::WriteMetadata { metadata, mask } => nicira(record, "WRITE_METADATA")
            .field("metadata", metadata)
            .field("mask", mask),
        Action::StackPush(field) => nicira(record, "STACK_PUSH").field("field", field),
        Action::StackPop(field) => nicira(record, "STACK_POP").field("field", field),
        Action::Sample(sample) => nicira(
            record,
            match sample.output {
                SampleOutput::None => "SAMPLE",
                SampleOutput::Port(_) => "SAMPLE2",
                SampleOutput::Directed(..) => "SAMPLE3",
            },
        )
        .with(sample),
        Action::Conjunction {
            clause,
            n_clauses,
            id,
        } => nicira(record, "CONJUNCTION")
            .field("clause", clause)
            .field("n_clauses", n_clauses)
            .field("id", id),
        Action::Ct(conntrack) => nicira(record, "CT").with(&**conntrack),
        Action::Nat(nat) => nicira(record, "NAT").with(&**nat),
        Action::CtClear => nicira(record, "CT_CLEAR"),
        Action::Clone(actions) => nicira(record, "CLONE").field("actions", &Actions(actions)),
        Action::Encap {
            hdr_size,
            packet_type,
            properties,
        } => nicira(record, "ENCAP")
            .field("hdr_size", hdr_size)
            .field("new_pkt_type", packet_type)
            .field("props", properties),
        Action::Decap { packet_type } => nicira(record, "DECAP").field("new_pkt_type", packet_type),
        Action::DecNshTtl => nicira(record, "DEC_NSH_TTL"),
        Action::CheckPktLarger {
            pkt_len,
            field,
            bit,
        } => nicira(record, "CHECK_PKT_LARGER")
            .field("pkt_len", pkt_len)
            .field("dst", &bits(*field, *bit, 1)),
        Action::DeleteField(id) => nicira(record, "DELETE_FIELD").field("field", id),
        // The list of actions is open: one that is new is shown as on the wire.
        newer => record.entry("bytes", |out| out.hex(&bytes_of(newer))),
    }
}

fn nicira<'r, 'w>(record: &'r mut Record<'w>, subtype: &'static str) -> &'r mut Record<'w> {
    start(record, experimenter::NICIRA, subtype)
}

/// What the actions of an experimenter begin with.
fn start<'r, 'w>(
    record: &'r mut Record<'w>,
    experimenter: u32,
    subtype: &'static str,
) -> &'r mut Record<'w> {
    record
        .kind("EXPERIMENTER")
        .field("experimenter", &Hexadecimal(experimenter))
        .field("subtype", &Name(subtype))
}

/// `NXM_NX_REG0[0..15]`
impl Value for Subfield {
    fn write(&self, out: &mut Writer) {
        out.word(self);
    }
}

fn bits(field: OxmField, start: u16, bits: u16) -> Subfield {
    Subfield { field, start, bits }
}

impl Fields for Multipath {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("fields", &self.fields)
            .field("basis", &self.basis)
            .field("algorithm", &self.algorithm)
            .field("max_link", &self.max_link)
            .field("arg", &self.arg)
            .field("dst", &self.dst);
    }
}

impl Fields for Bundle {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("algorithm", &self.algorithm)
            .field("fields", &self.fields)
            .field("basis", &self.basis)
            .field("member_type", &Hexadecimal(self.member_kind))
            .optional("dst", self.dst.as_ref())
            .field("members", &self.members);
    }
}

impl Fields for ControllerProperty {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::MaxLen(length) => record.kind("MAX_LEN").field("max_len", length),
            Self::ControllerId(id) => record.kind("CONTROLLER_ID").field("controller_id", id),
            Self::Reason(reason) => record.kind("REASON").field("reason", reason),
            Self::Userdata(data) => record.kind("USERDATA").field("userdata", data),
            Self::Pause => record.kind("PAUSE"),
            Self::MeterId(meter) => record.kind("METER_ID").field("meter_id", meter),
            Self::Unknown(property) => record.with(property),
            newer => record.debug(newer),
        };
    }
}

impl Fields for Learn {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("idle_timeout", &self.idle_timeout)
            .field("hard_timeout", &self.hard_timeout)
            .field("priority", &self.priority)
            .field("cookie", &self.cookie)
            .field("flags", &self.flags)
            .field("table_id", &self.table_id)
            .field("fin_idle_timeout", &self.fin_idle_timeout)
            .field("fin_hard_timeout", &self.fin_hard_timeout);
        if let Some(limit) = self.limit {
            let result = limit.result.map(|(field, bit)| bits(field, bit, 1));
            record
                .field("limit", &limit.limit)
                .optional("result_dst", result.as_ref());
        }
        record.field("specs", &self.specs);
    }
}

impl Fields for LearnSpec {
    fn fields(&self, record: &mut Record<'_>) {
        record.field("n_bits", &self.bits);
        match self.src {
            LearnSource::Field(field, start) => record
                .field("src_type", &Name("FIELD"))
                .field("src", &bits(field, start, self.bits)),
            // Up to 128 bits: more than a number of JSON is sure to hold.
            LearnSource::Immediate(value) => record
                .field("src_type", &Name("IMMEDIATE"))
                .entry("src", |out| out.word(format_args!("{value:#x}"))),
        };
        match self.dst {
            LearnDestination::Match(field, start) => record
                .field("dst_type", &Name("MATCH"))
                .field("dst", &bits(field, start, self.bits)),
            LearnDestination::Load(field, start) => record
                .field("dst_type", &Name("LOAD"))
                .field("dst", &bits(field, start, self.bits)),
            LearnDestination::Output => record.field("dst_type", &Name("OUTPUT")),
        };
    }
}

impl Fields for Sample {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("probability", &self.probability)
            .field("collector_set_id", &self.collector_set_id)
            .field("obs_domain_id", &self.obs_domain_id)
            .field("obs_point_id", &self.obs_point_id);
        match self.output {
            SampleOutput::None => record,
            SampleOutput::Port(port) => record.field("sampling_port", &port),
            SampleOutput::Directed(port, direction) => record
                .field("sampling_port", &port)
                .field("direction", &direction),
        };
    }
}

impl Fields for Conntrack {
    fn fields(&self, record: &mut Record<'_>) {
        record.field("flags", &self.flags);
        match self.zone {
            CtZone::Immediate(zone) => record.field("zone_imm", &zone),
            CtZone::Field(field) => record.field("zone_src", &field),
        };
        record
            .field("recirc_table", &self.recirc_table)
            .field("alg", &self.alg)
            .field("actions", &Actions(&self.actions));
    }
}

impl Fields for Nat {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("flags", &self.flags)
            .optional("ipv4_min", self.ipv4_min.as_ref())
            .optional("ipv4_max", self.ipv4_max.as_ref())
            .optional("ipv6_min", self.ipv6_min.as_ref())
            .optional("ipv6_max", self.ipv6_max.as_ref())
            .optional("proto_min", self.proto_min.as_ref())
            .optional("proto_max", self.proto_max.as_ref());
    }
}

impl Fields for EncapProperty {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("class", &self.class)
            .field("type", &self.kind)
            .field("data", &self.data);
    }
}
