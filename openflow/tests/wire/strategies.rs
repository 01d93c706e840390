//! Generated messages of every type.

use bytes::Bytes;
use openflow::*;
use proptest::prelude::*;
use proptest::sample::select;

fn flags16<T: std::fmt::Debug>(from: fn(u16) -> T) -> impl Strategy<Value = T> {
    any::<u16>().prop_map(from)
}

fn bytes(length: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), length).prop_map(Bytes::from)
}

/// Bytes that make a structure of `header` bytes a multiple of 8 long.
fn aligned_bytes(header: usize) -> impl Strategy<Value = Bytes> {
    (0..4usize).prop_flat_map(move |words| bytes(words * 8 + header.wrapping_neg() % 8))
}

fn list<T>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>>
where
    T: std::fmt::Debug,
{
    prop::collection::vec(element, 0..4)
}

/// A number that is not one of `known`.
fn other_than<T>(known: &'static [T]) -> impl Strategy<Value = T>
where
    T: Arbitrary + PartialEq,
{
    any::<T>().prop_filter("has a name", |number| !known.contains(number))
}

fn field() -> impl Strategy<Value = OxmField> {
    select(OxmField::all().collect::<Vec<_>>())
}

fn value_of(field: OxmField) -> impl Strategy<Value = u128> {
    any::<u128>().prop_map(move |value| value >> (128 - 8 * field.byte_len()))
}

fn oxm() -> impl Strategy<Value = Oxm> {
    field().prop_flat_map(|field| {
        (value_of(field), prop::option::of(value_of(field))).prop_map(move |(value, mask)| Oxm {
            field,
            value,
            mask,
        })
    })
}

fn raw_oxm() -> impl Strategy<Value = RawOxm> {
    (2..0x1000u16, 0..0x80u8, any::<bool>(), bytes(0..=255)).prop_map(
        |(class, field, has_mask, payload)| RawOxm {
            class,
            field,
            has_mask,
            payload,
        },
    )
}

fn flow_match() -> impl Strategy<Value = Match> {
    let entry = prop_oneof![
        8 => oxm().prop_map(MatchEntry::Oxm),
        1 => raw_oxm().prop_map(MatchEntry::Raw),
    ];
    list(entry).prop_map(|entries| entries.into_iter().collect())
}

fn subfield(bits: u16) -> impl Strategy<Value = Subfield> {
    (field(), 0..1024u16).prop_map(move |(field, start)| Subfield { field, start, bits })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![standard_action(), nicira_action(), unknown_action()]
}

fn standard_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (any::<u32>(), any::<u16>()).prop_map(|(port, max_len)| Action::Output {
            port: PortNo(port),
            max_len
        }),
        select(vec![
            Action::CopyTtlOut,
            Action::CopyTtlIn,
            Action::DecMplsTtl,
            Action::PopVlan,
            Action::DecNwTtl,
            Action::PopPbb,
        ]),
        any::<u8>().prop_map(Action::SetMplsTtl),
        any::<u8>().prop_map(Action::SetNwTtl),
        any::<u16>().prop_map(Action::PushVlan),
        any::<u16>().prop_map(Action::PushMpls),
        any::<u16>().prop_map(Action::PopMpls),
        any::<u16>().prop_map(Action::PushPbb),
        any::<u32>().prop_map(|id| Action::SetQueue(QueueId(id))),
        any::<u32>().prop_map(|id| Action::Group(GroupId(id))),
        oxm().prop_map(Action::SetField),
        raw_oxm().prop_map(Action::SetFieldRaw),
    ]
}

/// A field whose header has no experimenter id.
fn short_field() -> impl Strategy<Value = OxmField> {
    field().prop_filter("an experimenter's", |field| {
        field.class().experimenter().is_none()
    })
}

/// A part of a field as it fits in 16 bits.
fn range() -> impl Strategy<Value = Subfield> {
    (short_field(), 0..1024u16, 1..=64u16).prop_map(|(field, start, bits)| Subfield {
        field,
        start,
        bits,
    })
}

fn subfields() -> impl Strategy<Value = (Subfield, Subfield)> {
    any::<u16>().prop_flat_map(|bits| (subfield(bits), subfield(bits)))
}

fn nicira_action() -> impl Strategy<Value = Action> {
    let leaf = prop_oneof![
        nicira_small_action(),
        nicira_field_action(),
        nicira_large_action()
    ];
    leaf.prop_recursive(3, 8, 3, |action| {
        let ct = (
            any::<u16>(),
            ct_zone(),
            any::<u8>(),
            any::<u16>(),
            list(action.clone()),
        );
        prop_oneof![
            list(action).prop_map(Action::Clone),
            ct.prop_map(|(flags, zone, recirc_table, alg, actions)| {
                Action::Ct(Box::new(Conntrack {
                    flags: CtFlags::from_bits_retain(flags),
                    zone,
                    recirc_table: TableId(recirc_table),
                    alg,
                    actions,
                }))
            }),
        ]
    })
}

fn ct_zone() -> impl Strategy<Value = CtZone> {
    prop_oneof![
        any::<u16>().prop_map(CtZone::Immediate),
        range().prop_map(CtZone::Field),
    ]
}

/// Actions of numbers only.
fn nicira_small_action() -> impl Strategy<Value = Action> {
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
fn nicira_field_action() -> impl Strategy<Value = Action> {
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

fn oxm_id() -> impl Strategy<Value = OxmId> {
    let known = (field(), any::<bool>()).prop_map(|(field, mask)| match mask {
        true => OxmId::from(field).with_mask(),
        false => OxmId::from(field),
    });
    let unknown = prop_oneof![
        (0..0xffff_0000u32).prop_map(|header| OxmId {
            header,
            experimenter: None
        }),
        (0xffff_0000..=u32::MAX, any::<u32>()).prop_map(|(header, experimenter)| OxmId {
            header,
            experimenter: Some(experimenter)
        }),
    ];
    prop_oneof![known, unknown]
}

/// Actions with lists and options.
fn nicira_large_action() -> impl Strategy<Value = Action> {
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

fn controller_property() -> impl Strategy<Value = ControllerProperty> {
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

fn encap_property() -> impl Strategy<Value = EncapProperty> {
    (any::<u16>(), any::<u8>(), bytes(0..=251)).prop_map(|(class, kind, data)| EncapProperty {
        class,
        kind,
        data,
    })
}

fn sample() -> impl Strategy<Value = Sample> {
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

fn nat() -> impl Strategy<Value = Nat> {
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

fn learn_spec() -> impl Strategy<Value = LearnSpec> {
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

fn learn() -> impl Strategy<Value = Learn> {
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

fn unknown_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (
            3..10u16,
            aligned_bytes(4).prop_filter("too short", |data| data.len() >= 4)
        )
            .prop_map(|(kind, data)| Action::Unknown { kind, data }),
        (other_than(&[experimenter::NICIRA]), aligned_bytes(8))
            .prop_map(|(experimenter, data)| Action::Experimenter { experimenter, data }),
    ]
}

fn instruction() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        any::<u8>().prop_map(|table| Instruction::GotoTable(TableId(table))),
        (any::<u64>(), any::<u64>())
            .prop_map(|(metadata, mask)| Instruction::WriteMetadata { metadata, mask }),
        list(action()).prop_map(Instruction::WriteActions),
        list(action()).prop_map(Instruction::ApplyActions),
        Just(Instruction::ClearActions),
        any::<u32>().prop_map(|meter| Instruction::Meter(MeterId(meter))),
        (any::<u32>(), aligned_bytes(8))
            .prop_map(|(experimenter, data)| Instruction::Experimenter { experimenter, data }),
        (7..0xffffu16, aligned_bytes(4))
            .prop_map(|(kind, data)| Instruction::Unknown { kind, data }),
    ]
}

fn hello() -> impl Strategy<Value = Message> {
    let element = prop_oneof![
        list(any::<u32>()).prop_map(HelloElement::VersionBitmap),
        (2..=u16::MAX, bytes(0..20)).prop_map(|(kind, data)| HelloElement::Unknown { kind, data }),
    ];
    (any::<u8>(), list(element)).prop_map(|(version, elements)| {
        Message::Hello(Hello {
            version,
            elements,
            unpadded: false,
        })
    })
}

fn error() -> impl Strategy<Value = Message> {
    let kind = prop_oneof![
        (0..0xffffu16, any::<u16>()).prop_map(|(kind, code)| ErrorKind::Standard(ErrorCode {
            kind: kind.into(),
            code
        })),
        (any::<u32>(), any::<u16>()).prop_map(|(experimenter, exp_type)| {
            ErrorKind::Experimenter {
                experimenter,
                exp_type,
            }
        }),
    ];
    (any::<u8>(), kind, bytes(0..80)).prop_map(|(version, error, data)| {
        Message::Error(ErrorMsg {
            version,
            error,
            data,
        })
    })
}

fn features_reply() -> impl Strategy<Value = FeaturesReply> {
    (
        any::<u64>(),
        any::<u32>(),
        any::<u8>(),
        any::<u8>(),
        any::<u32>(),
        any::<u32>(),
    )
        .prop_map(
            |(datapath_id, n_buffers, n_tables, auxiliary_id, capabilities, reserved)| {
                FeaturesReply {
                    datapath_id: DatapathId(datapath_id),
                    n_buffers,
                    n_tables,
                    auxiliary_id,
                    capabilities: Capabilities::from_bits_retain(capabilities),
                    reserved,
                }
            },
        )
}

fn switch_config() -> impl Strategy<Value = SwitchConfig> {
    (flags16(ConfigFlags::from_bits_retain), any::<u16>()).prop_map(|(flags, miss_send_len)| {
        SwitchConfig {
            flags,
            miss_send_len,
        }
    })
}

fn packet_in() -> impl Strategy<Value = PacketIn> {
    (
        any::<u32>(),
        any::<u16>(),
        any::<u8>(),
        any::<u8>(),
        any::<u64>(),
        flow_match(),
        bytes(0..100),
    )
        .prop_map(
            |(buffer_id, total_len, reason, table_id, cookie, match_, data)| PacketIn {
                buffer_id: BufferId(buffer_id),
                total_len,
                reason: reason.into(),
                table_id: TableId(table_id),
                cookie: Cookie(cookie),
                match_,
                data,
            },
        )
}

fn flow_removed() -> impl Strategy<Value = FlowRemoved> {
    let times = (any::<u32>(), any::<u32>(), any::<u16>(), any::<u16>());
    let counts = (any::<u64>(), any::<u64>());
    (
        any::<u64>(),
        any::<u16>(),
        any::<u8>(),
        any::<u8>(),
        times,
        counts,
        flow_match(),
    )
        .prop_map(
            |(cookie, priority, reason, table_id, times, counts, match_)| FlowRemoved {
                cookie: Cookie(cookie),
                priority,
                reason: reason.into(),
                table_id: TableId(table_id),
                duration_sec: times.0,
                duration_nsec: times.1,
                idle_timeout: times.2,
                hard_timeout: times.3,
                packet_count: counts.0,
                byte_count: counts.1,
                match_,
            },
        )
}

fn port() -> impl Strategy<Value = Port> {
    (
        any::<u32>(),
        any::<[u8; 6]>(),
        any::<[u8; 16]>(),
        any::<[u32; 8]>(),
    )
        .prop_map(|(port_no, hw_addr, name, words)| Port {
            port_no: PortNo(port_no),
            hw_addr: MacAddr(hw_addr),
            name: FixedStr(name),
            config: PortConfig::from_bits_retain(words[0]),
            state: PortState::from_bits_retain(words[1]),
            curr: PortFeatures::from_bits_retain(words[2]),
            advertised: PortFeatures::from_bits_retain(words[3]),
            supported: PortFeatures::from_bits_retain(words[4]),
            peer: PortFeatures::from_bits_retain(words[5]),
            curr_speed: words[6],
            max_speed: words[7],
        })
}

fn port_mod() -> impl Strategy<Value = PortMod> {
    (any::<u32>(), any::<[u8; 6]>(), any::<[u32; 3]>()).prop_map(|(port_no, hw_addr, words)| {
        PortMod {
            port_no: PortNo(port_no),
            hw_addr: MacAddr(hw_addr),
            config: PortConfig::from_bits_retain(words[0]),
            mask: PortConfig::from_bits_retain(words[1]),
            advertise: PortFeatures::from_bits_retain(words[2]),
        }
    })
}

fn packet_out() -> impl Strategy<Value = PacketOut> {
    (any::<u32>(), any::<u32>(), list(action()), bytes(0..100)).prop_map(
        |(buffer_id, in_port, actions, data)| PacketOut {
            buffer_id: BufferId(buffer_id),
            in_port: PortNo(in_port),
            actions,
            data,
        },
    )
}

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    let numbers = (
        any::<[u64; 2]>(),
        any::<[u32; 3]>(),
        any::<[u16; 4]>(),
        any::<[u8; 2]>(),
    );
    (numbers, flow_match(), list(instruction())).prop_map(
        |((longs, words, shorts, bytes), match_, instructions)| FlowMod {
            cookie: Cookie(longs[0]),
            cookie_mask: longs[1],
            table_id: TableId(bytes[0]),
            command: bytes[1].into(),
            idle_timeout: shorts[0],
            hard_timeout: shorts[1],
            priority: shorts[2],
            buffer_id: BufferId(words[0]),
            out_port: PortNo(words[1]),
            out_group: GroupId(words[2]),
            flags: FlowModFlags::from_bits_retain(shorts[3]),
            match_,
            instructions,
        },
    )
}

fn bucket() -> impl Strategy<Value = Bucket> {
    (any::<u16>(), any::<u32>(), any::<u32>(), list(action())).prop_map(
        |(weight, watch_port, watch_group, actions)| Bucket {
            weight,
            watch_port: PortNo(watch_port),
            watch_group: GroupId(watch_group),
            actions,
        },
    )
}

fn group_mod() -> impl Strategy<Value = GroupMod> {
    (any::<u16>(), any::<u8>(), any::<u32>(), list(bucket())).prop_map(
        |(command, kind, group_id, buckets)| GroupMod {
            command: command.into(),
            kind: kind.into(),
            group_id: GroupId(group_id),
            buckets,
        },
    )
}

fn meter_band() -> impl Strategy<Value = MeterBand> {
    (any::<u32>(), any::<u32>()).prop_flat_map(|(rate, burst_size)| {
        prop_oneof![
            Just(MeterBand::Drop { rate, burst_size }),
            any::<u8>().prop_map(move |prec_level| MeterBand::DscpRemark {
                rate,
                burst_size,
                prec_level
            }),
            (any::<u32>(), bytes(0..20)).prop_map(move |(experimenter, data)| {
                MeterBand::Experimenter {
                    rate,
                    burst_size,
                    experimenter,
                    data,
                }
            }),
            (3..0xffffu16, bytes(0..20)).prop_map(move |(kind, data)| MeterBand::Unknown {
                kind,
                rate,
                burst_size,
                data
            }),
        ]
    })
}

fn meter_mod() -> impl Strategy<Value = MeterMod> {
    let flags = flags16(MeterFlags::from_bits_retain);
    (any::<u16>(), flags, any::<u32>(), list(meter_band())).prop_map(
        |(command, flags, meter_id, bands)| MeterMod {
            command: command.into(),
            flags,
            meter_id: MeterId(meter_id),
            bands,
        },
    )
}

fn role() -> impl Strategy<Value = Role> {
    (any::<u32>(), any::<u64>()).prop_map(|(role, generation_id)| Role {
        role: role.into(),
        generation_id,
    })
}

fn async_config() -> impl Strategy<Value = AsyncConfig> {
    any::<[[u32; 2]; 3]>().prop_map(|[packet_in_mask, port_status_mask, flow_removed_mask]| {
        AsyncConfig {
            packet_in_mask,
            port_status_mask,
            flow_removed_mask,
        }
    })
}

fn queue() -> impl Strategy<Value = PacketQueue> {
    let property = prop_oneof![
        any::<u16>().prop_map(QueueProperty::MinRate),
        any::<u16>().prop_map(QueueProperty::MaxRate),
        (any::<u32>(), bytes(0..20))
            .prop_map(|(experimenter, data)| QueueProperty::Experimenter { experimenter, data }),
        (3..0xffffu16, bytes(0..20)).prop_map(|(kind, data)| QueueProperty::Unknown { kind, data }),
    ];
    (any::<u32>(), any::<u32>(), list(property)).prop_map(|(queue_id, port, properties)| {
        PacketQueue {
            queue_id: QueueId(queue_id),
            port: PortNo(port),
            properties,
        }
    })
}

fn property() -> impl Strategy<Value = RawProperty> {
    (any::<u16>(), bytes(0..20)).prop_map(|(kind, data)| RawProperty { kind, data })
}

fn bundle() -> impl Strategy<Value = Message> {
    let control = (any::<u32>(), any::<u16>(), any::<u16>(), list(property())).prop_map(
        |(bundle_id, kind, flags, properties)| {
            Message::BundleControl(BundleControl {
                bundle_id,
                kind: kind.into(),
                flags: BundleFlags::from_bits_retain(flags),
                properties,
            })
        },
    );
    let message = prop_oneof![
        flow_mod().prop_map(Message::FlowMod),
        group_mod().prop_map(Message::GroupMod),
        port_mod().prop_map(Message::PortMod),
        packet_out().prop_map(Message::PacketOut),
    ];
    let add = (any::<u32>(), any::<u16>(), message, list(property())).prop_map(
        |(bundle_id, flags, message, properties)| {
            let flags = BundleFlags::from_bits_retain(flags);
            Message::BundleAdd(BundleAdd {
                properties,
                ..BundleAdd::new(bundle_id, flags, message)
            })
        },
    );
    prop_oneof![control, add]
}

fn flow_stats_request() -> impl Strategy<Value = FlowStatsRequest> {
    (
        any::<u8>(),
        any::<[u32; 2]>(),
        any::<[u64; 2]>(),
        flow_match(),
    )
        .prop_map(|(table_id, words, longs, match_)| FlowStatsRequest {
            table_id: TableId(table_id),
            out_port: PortNo(words[0]),
            out_group: GroupId(words[1]),
            cookie: Cookie(longs[0]),
            cookie_mask: longs[1],
            match_,
        })
}

fn multipart_request() -> impl Strategy<Value = Message> {
    use MultipartRequestBody as Body;
    let body = prop_oneof![
        select(vec![
            Body::Desc,
            Body::Table,
            Body::GroupDesc,
            Body::PortDesc
        ]),
        flow_stats_request().prop_map(Body::Flow),
        flow_stats_request().prop_map(Body::Aggregate),
        any::<u32>().prop_map(|meter| Body::MeterConfig(MeterId(meter))),
        (100..0xffffu16, bytes(0..40)).prop_map(|(kind, data)| Body::Unknown { kind, data }),
    ];
    (flags16(MultipartFlags::from_bits_retain), body)
        .prop_map(|(flags, body)| Message::MultipartRequest(MultipartRequest { flags, body }))
}

fn desc() -> impl Strategy<Value = Desc> {
    bytes(1056).prop_map(|bytes| {
        let mut desc = Desc::default();
        desc.mfr_desc.0.copy_from_slice(&bytes[..256]);
        desc.hw_desc.0.copy_from_slice(&bytes[256..512]);
        desc.sw_desc.0.copy_from_slice(&bytes[512..768]);
        desc.serial_num.0.copy_from_slice(&bytes[768..800]);
        desc.dp_desc.0.copy_from_slice(&bytes[800..]);
        desc
    })
}

fn flow_stats() -> impl Strategy<Value = FlowStats> {
    let numbers = (
        any::<u8>(),
        any::<[u32; 2]>(),
        any::<[u16; 4]>(),
        any::<[u64; 3]>(),
    );
    (numbers, flow_match(), list(instruction())).prop_map(
        |((table_id, words, shorts, longs), match_, instructions)| FlowStats {
            table_id: TableId(table_id),
            duration_sec: words[0],
            duration_nsec: words[1],
            priority: shorts[0],
            idle_timeout: shorts[1],
            hard_timeout: shorts[2],
            flags: FlowModFlags::from_bits_retain(shorts[3]),
            cookie: Cookie(longs[0]),
            packet_count: longs[1],
            byte_count: longs[2],
            match_,
            instructions,
        },
    )
}

fn aggregate_stats() -> impl Strategy<Value = AggregateStats> {
    (any::<[u64; 2]>(), any::<u32>()).prop_map(|([packet_count, byte_count], flow_count)| {
        AggregateStats {
            packet_count,
            byte_count,
            flow_count,
        }
    })
}

fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), any::<u32>(), any::<[u64; 2]>()).prop_map(|(table_id, active_count, longs)| {
        TableStats {
            table_id: TableId(table_id),
            active_count,
            lookup_count: longs[0],
            matched_count: longs[1],
        }
    })
}

fn group_desc() -> impl Strategy<Value = GroupDesc> {
    (any::<u8>(), any::<u32>(), list(bucket())).prop_map(|(kind, group_id, buckets)| GroupDesc {
        kind: kind.into(),
        group_id: GroupId(group_id),
        buckets,
    })
}

fn meter_config() -> impl Strategy<Value = MeterConfig> {
    let flags = flags16(MeterFlags::from_bits_retain);
    (flags, any::<u32>(), list(meter_band())).prop_map(|(flags, meter_id, bands)| MeterConfig {
        flags,
        meter_id: MeterId(meter_id),
        bands,
    })
}

fn multipart_reply() -> impl Strategy<Value = Message> {
    use MultipartReplyBody as Body;
    let body = prop_oneof![
        desc().prop_map(|desc| Body::Desc(Box::new(desc))),
        list(flow_stats()).prop_map(Body::Flow),
        aggregate_stats().prop_map(Body::Aggregate),
        list(table_stats()).prop_map(Body::Table),
        list(group_desc()).prop_map(Body::GroupDesc),
        list(meter_config()).prop_map(Body::MeterConfig),
        list(port()).prop_map(Body::PortDesc),
        (100..0xffffu16, bytes(0..40)).prop_map(|(kind, data)| Body::Unknown { kind, data }),
    ];
    (flags16(MultipartFlags::from_bits_retain), body)
        .prop_map(|(flags, body)| Message::MultipartReply(MultipartReply { flags, body }))
}

/// A message of any type.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let controller_to_switch = prop_oneof![
        select(vec![
            Message::FeaturesRequest,
            Message::GetConfigRequest,
            Message::BarrierRequest,
            Message::BarrierReply,
            Message::GetAsyncRequest,
        ]),
        features_reply().prop_map(Message::FeaturesReply),
        switch_config().prop_map(Message::GetConfigReply),
        switch_config().prop_map(Message::SetConfig),
        packet_out().prop_map(Message::PacketOut),
        flow_mod().prop_map(Message::FlowMod),
        group_mod().prop_map(Message::GroupMod),
        port_mod().prop_map(Message::PortMod),
        (any::<u8>(), any::<u32>()).prop_map(|(table_id, config)| {
            let config = TableConfig::from_bits_retain(config);
            Message::TableMod(TableMod {
                table_id: TableId(table_id),
                config,
            })
        }),
        meter_mod().prop_map(Message::MeterMod),
    ];
    let rest = prop_oneof![
        hello(),
        error(),
        bytes(0..40).prop_map(Message::EchoRequest),
        bytes(0..40).prop_map(Message::EchoReply),
        packet_in().prop_map(Message::PacketIn),
        flow_removed().prop_map(Message::FlowRemoved),
        (any::<u8>(), port()).prop_map(|(reason, desc)| {
            Message::PortStatus(PortStatus {
                reason: reason.into(),
                desc,
            })
        }),
        multipart_request(),
        multipart_reply(),
        any::<u32>().prop_map(|port| Message::QueueGetConfigRequest(PortNo(port))),
        (any::<u32>(), list(queue())).prop_map(|(port, queues)| {
            Message::QueueGetConfigReply(QueueGetConfigReply {
                port: PortNo(port),
                queues,
            })
        }),
        role().prop_map(Message::RoleRequest),
        role().prop_map(Message::RoleReply),
        async_config().prop_map(Message::GetAsyncReply),
        async_config().prop_map(Message::SetAsync),
        bundle(),
        (
            other_than(&[experimenter::NICIRA, experimenter::ONF]),
            any::<u32>(),
            bytes(0..40)
        )
            .prop_map(|(experimenter, exp_type, data)| Message::Experimenter {
                experimenter,
                exp_type,
                data
            }),
        (30..=u8::MAX, bytes(0..40)).prop_map(|(kind, body)| Message::Unknown { kind, body }),
    ];
    prop_oneof![controller_to_switch, rest]
}
