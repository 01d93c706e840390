//! The other messages.

use super::*;

pub(super) fn hello() -> impl Strategy<Value = Message> {
    let element = prop_oneof![
        list(any::<u32>()).prop_map(HelloElement::VersionBitmap),
        (2..=u16::MAX, bytes(0..20)).prop_map(|(kind, data)| HelloElement::Unknown { kind, data }),
    ];
    (any::<u8>(), list(element)).prop_map(|(version, elements)| {
        Message::Hello(Hello {
            version,
            elements,
            ..Hello::new()
        })
    })
}

pub(super) fn error() -> impl Strategy<Value = Message> {
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

pub(super) fn features_reply() -> impl Strategy<Value = FeaturesReply> {
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

pub(super) fn switch_config() -> impl Strategy<Value = SwitchConfig> {
    (flags16(ConfigFlags::from_bits_retain), any::<u16>()).prop_map(|(flags, miss_send_len)| {
        SwitchConfig {
            flags,
            miss_send_len,
        }
    })
}

pub(super) fn packet_in() -> impl Strategy<Value = PacketIn> {
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

pub(super) fn flow_removed() -> impl Strategy<Value = FlowRemoved> {
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

pub(super) fn port() -> impl Strategy<Value = Port> {
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

pub(super) fn port_mod() -> impl Strategy<Value = PortMod> {
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

pub(super) fn packet_out() -> impl Strategy<Value = PacketOut> {
    (any::<u32>(), any::<u32>(), list(action()), bytes(0..100)).prop_map(
        |(buffer_id, in_port, actions, data)| PacketOut {
            buffer_id: BufferId(buffer_id),
            in_port: PortNo(in_port),
            actions,
            data,
        },
    )
}

pub(super) fn flow_mod() -> impl Strategy<Value = FlowMod> {
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

pub(super) fn group_mod() -> impl Strategy<Value = GroupMod> {
    (any::<u16>(), any::<u8>(), any::<u32>(), list(bucket())).prop_map(
        |(command, kind, group_id, buckets)| GroupMod {
            command: command.into(),
            kind: kind.into(),
            group_id: GroupId(group_id),
            buckets,
        },
    )
}

pub(super) fn meter_band() -> impl Strategy<Value = MeterBand> {
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

pub(super) fn meter_mod() -> impl Strategy<Value = MeterMod> {
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

pub(super) fn role() -> impl Strategy<Value = Role> {
    (any::<u32>(), any::<u64>()).prop_map(|(role, generation_id)| Role {
        role: role.into(),
        generation_id,
    })
}

pub(super) fn async_config() -> impl Strategy<Value = AsyncConfig> {
    any::<[[u32; 2]; 3]>().prop_map(|[packet_in_mask, port_status_mask, flow_removed_mask]| {
        AsyncConfig {
            packet_in_mask,
            port_status_mask,
            flow_removed_mask,
        }
    })
}

pub(super) fn queue() -> impl Strategy<Value = PacketQueue> {
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

pub(super) fn bundle() -> impl Strategy<Value = Message> {
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
