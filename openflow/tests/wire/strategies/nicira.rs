//! The actions of Open vSwitch.

use super::*;

/// Actions of numbers only.
pub(super) fn nicira_small_action() -> impl Strategy<Value = Action> {
    let port_and_table = (any::<u16>(), any::<u8>().prop_map(TableId));
    let resubmit = prop_oneof![
        any::<u16>().prop_map(|in_port| Action::Resubmit { in_port }),
        port_and_table
            .clone()
            .prop_map(|(in_port, table_id)| Action::ResubmitTable { in_port, table_id }),
        port_and_table
            .prop_map(|(in_port, table_id)| Action::ResubmitTableCt { in_port, table_id }),
    ];
    prop_oneof![
        resubmit,
        select(vec![
            Action::PopQueue,
            Action::Exit,
            Action::CtClear,
            Action::DecNshTtl
        ]),
        any::<u32>().prop_map(Action::SetTunnel),
        any::<u64>().prop_map(Action::SetTunnel64),
        (any::<u16>(), any::<u32>())
            .prop_map(|(port, max_len)| Action::OutputTrunc { port, max_len }),
        (any::<u16>(), any::<u16>()).prop_map(|(idle_timeout, hard_timeout)| {
            Action::FinTimeout {
                idle_timeout,
                hard_timeout,
            }
        }),
        (any::<u16>(), any::<u16>(), any::<u8>()).prop_map(|(max_len, controller_id, reason)| {
            Action::Controller {
                max_len,
                controller_id,
                reason: reason.into(),
            }
        }),
        (any::<u64>(), any::<u64>())
            .prop_map(|(metadata, mask)| Action::WriteMetadata { metadata, mask }),
        (any::<u8>(), any::<u8>(), any::<u32>()).prop_map(|(clause, n_clauses, id)| {
            Action::Conjunction {
                clause,
                n_clauses,
                id,
            }
        }),
        any::<u32>().prop_map(|packet_type| Action::Decap { packet_type }),
    ]
}

/// Actions on parts of fields.
pub(super) fn nicira_field_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        subfields().prop_map(|(src, dst)| Action::RegMove { src, dst }),
        subfields().prop_map(|(src, dst)| Action::CopyField { src, dst }),
        (range(), any::<u64>()).prop_map(|(dst, value)| Action::RegLoad { dst, value }),
        oxm().prop_map(Action::RegLoad2),
        (range(), any::<u16>()).prop_map(|(src, max_len)| Action::OutputReg { src, max_len }),
        ((1..=64u16).prop_flat_map(subfield), any::<u16>())
            .prop_map(|(src, max_len)| Action::OutputReg2 { src, max_len }),
        any::<u16>()
            .prop_flat_map(subfield)
            .prop_map(Action::StackPush),
        any::<u16>()
            .prop_flat_map(subfield)
            .prop_map(Action::StackPop),
        (any::<u16>(), field(), any::<u16>()).prop_map(|(pkt_len, field, bit)| {
            Action::CheckPktLarger {
                pkt_len,
                field,
                bit,
            }
        }),
        oxm_id().prop_map(Action::DeleteField),
    ]
}

/// Actions with lists and options.
pub(super) fn nicira_large_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..4usize)
            .prop_flat_map(|words| bytes(6 + 8 * words))
            .prop_map(Action::Note),
        (any::<[u16; 4]>(), any::<u32>(), range()).prop_map(|(shorts, arg, dst)| {
            Action::Multipath(Multipath {
                fields: shorts[0].into(),
                basis: shorts[1],
                algorithm: shorts[2].into(),
                max_link: shorts[3],
                arg,
                dst,
            })
        }),
        (
            any::<[u16; 3]>(),
            any::<u32>(),
            list(any::<u16>()),
            prop::option::of(range())
        )
            .prop_map(|(shorts, member_kind, members, dst)| {
                Action::Bundle(Box::new(Bundle {
                    algorithm: shorts[0].into(),
                    fields: shorts[1].into(),
                    basis: shorts[2],
                    member_kind,
                    members,
                    dst,
                }))
            }),
        list(controller_property()).prop_map(Action::Controller2),
        list(any::<u16>()).prop_map(Action::DecTtlCntIds),
        sample().prop_map(Action::Sample),
        nat().prop_map(|nat| Action::Nat(Box::new(nat))),
        learn().prop_map(|learn| Action::Learn(Box::new(learn))),
        (any::<u16>(), any::<u32>(), list(encap_property())).prop_map(
            |(hdr_size, packet_type, properties)| Action::Encap {
                hdr_size,
                packet_type,
                properties
            }
        ),
    ]
}

pub(super) fn controller_property() -> impl Strategy<Value = ControllerProperty> {
    prop_oneof![
        any::<u16>().prop_map(ControllerProperty::MaxLen),
        any::<u16>().prop_map(ControllerProperty::ControllerId),
        any::<u8>().prop_map(|reason| ControllerProperty::Reason(reason.into())),
        bytes(0..20).prop_map(ControllerProperty::Userdata),
        Just(ControllerProperty::Pause),
        any::<u32>().prop_map(|meter| ControllerProperty::MeterId(MeterId(meter))),
        (6..=u16::MAX, bytes(0..20))
            .prop_map(|(kind, data)| ControllerProperty::Unknown(RawProperty { kind, data })),
    ]
}

pub(super) fn encap_property() -> impl Strategy<Value = EncapProperty> {
    (any::<u16>(), any::<u8>(), bytes(0..=251)).prop_map(|(class, kind, data)| EncapProperty {
        class,
        kind,
        data,
    })
}

pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let output = prop_oneof![
        Just(SampleOutput::None),
        any::<u16>().prop_map(SampleOutput::Port),
        (any::<u16>(), any::<u8>())
            .prop_map(|(port, direction)| SampleOutput::Directed(port, direction.into())),
    ];
    (any::<u16>(), any::<[u32; 3]>(), output).prop_map(|(probability, ids, output)| Sample {
        probability,
        collector_set_id: ids[0],
        obs_domain_id: ids[1],
        obs_point_id: ids[2],
        output,
    })
}

pub(super) fn nat() -> impl Strategy<Value = Nat> {
    use prop::option::of;
    let ipv4 = of(any::<u32>().prop_map(Into::into));
    let ipv6 = of(any::<u128>().prop_map(Into::into));
    let port = of(any::<u16>());
    (
        any::<u16>(),
        ipv4.clone(),
        ipv4,
        ipv6.clone(),
        ipv6,
        port.clone(),
        port,
    )
        .prop_map(
            |(flags, ipv4_min, ipv4_max, ipv6_min, ipv6_max, proto_min, proto_max)| Nat {
                flags: NatFlags::from_bits_retain(flags),
                ipv4_min,
                ipv4_max,
                ipv6_min,
                ipv6_max,
                proto_min,
                proto_max,
            },
        )
}

pub(super) fn learn_spec() -> impl Strategy<Value = LearnSpec> {
    let place = || (short_field(), any::<u16>());
    (1..=128u16).prop_flat_map(move |bits| {
        let bytes = 2 * u32::from(bits.div_ceil(16));
        let src = prop_oneof![
            place().prop_map(|(field, start)| LearnSource::Field(field, start)),
            any::<u128>().prop_map(move |v| LearnSource::Immediate(v >> (128 - 8 * bytes))),
        ];
        let dst = prop_oneof![
            place().prop_map(|(field, start)| LearnDestination::Match(field, start)),
            place().prop_map(|(field, start)| LearnDestination::Load(field, start)),
            Just(LearnDestination::Output),
        ];
        (src, dst).prop_map(move |(src, dst)| LearnSpec { bits, src, dst })
    })
}

pub(super) fn learn() -> impl Strategy<Value = Learn> {
    let limit = prop::option::of((any::<u32>(), prop::option::of((field(), any::<u16>()))));
    (
        any::<[u16; 6]>(),
        any::<u64>(),
        any::<u8>(),
        limit,
        list(learn_spec()),
    )
        .prop_map(|(shorts, cookie, table_id, limit, specs)| {
            let limit = limit.map(|(limit, result)| LearnLimit { limit, result });
            let mut flags = LearnFlags::from_bits_retain(shorts[5]);
            if let Some(LearnLimit { result, .. }) = limit {
                flags.set(LearnFlags::WRITE_RESULT, result.is_some());
            }
            Learn {
                idle_timeout: shorts[0],
                hard_timeout: shorts[1],
                priority: shorts[2],
                cookie: Cookie(cookie),
                flags,
                table_id: TableId(table_id),
                fin_idle_timeout: shorts[3],
                fin_hard_timeout: shorts[4],
                limit,
                specs,
            }
        })
}
