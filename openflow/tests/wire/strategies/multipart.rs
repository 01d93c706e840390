//! Multipart requests and replies.

use super::*;

pub(super) fn flow_stats_request() -> impl Strategy<Value = FlowStatsRequest> {
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

pub(super) fn multipart_request() -> impl Strategy<Value = Message> {
    use MultipartRequestBody as Body;
    let body = prop_oneof![
        select(vec![
            Body::Desc,
            Body::Table,
            Body::GroupDesc,
            Body::GroupFeatures,
            Body::MeterFeatures,
            Body::PortDesc,
        ]),
        flow_stats_request().prop_map(Body::Flow),
        flow_stats_request().prop_map(Body::Aggregate),
        any::<u32>().prop_map(|port| Body::PortStats(PortNo(port))),
        (any::<u32>(), any::<u32>()).prop_map(|(port, queue)| {
            Body::Queue(QueueStatsRequest {
                port_no: PortNo(port),
                queue_id: QueueId(queue),
            })
        }),
        prop_oneof![
            any::<u32>().prop_map(|group| Body::Group(GroupId(group))),
            any::<u32>().prop_map(|meter| Body::Meter(MeterId(meter))),
            any::<u32>().prop_map(|meter| Body::MeterConfig(MeterId(meter))),
        ],
        list(table_features()).prop_map(Body::TableFeatures),
        list(flow_monitor_request()).prop_map(Body::FlowMonitor),
        list(nx_flow_monitor_request()).prop_map(Body::NxFlowMonitor),
        unknown_experimenter().prop_map(|(experimenter, exp_type, data)| Body::Experimenter {
            experimenter,
            exp_type,
            data
        }),
        (100..0xffffu16, bytes(0..40)).prop_map(|(kind, data)| Body::Unknown { kind, data }),
    ];
    (flags16(MultipartFlags::from_bits_retain), body)
        .prop_map(|(flags, body)| Message::MultipartRequest(MultipartRequest { flags, body }))
}

pub(super) fn desc() -> impl Strategy<Value = Desc> {
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

pub(super) fn flow_stats() -> impl Strategy<Value = FlowStats> {
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

pub(super) fn aggregate_stats() -> impl Strategy<Value = AggregateStats> {
    (any::<[u64; 2]>(), any::<u32>()).prop_map(|([packet_count, byte_count], flow_count)| {
        AggregateStats {
            packet_count,
            byte_count,
            flow_count,
        }
    })
}

pub(super) fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), any::<u32>(), any::<[u64; 2]>()).prop_map(|(table_id, active_count, longs)| {
        TableStats {
            table_id: TableId(table_id),
            active_count,
            lookup_count: longs[0],
            matched_count: longs[1],
        }
    })
}

pub(super) fn group_desc() -> impl Strategy<Value = GroupDesc> {
    (any::<u8>(), any::<u32>(), list(bucket())).prop_map(|(kind, group_id, buckets)| GroupDesc {
        kind: kind.into(),
        group_id: GroupId(group_id),
        buckets,
    })
}

pub(super) fn meter_config() -> impl Strategy<Value = MeterConfig> {
    let flags = flags16(MeterFlags::from_bits_retain);
    (flags, any::<u32>(), list(meter_band())).prop_map(|(flags, meter_id, bands)| MeterConfig {
        flags,
        meter_id: MeterId(meter_id),
        bands,
    })
}

pub(super) fn port_stats() -> impl Strategy<Value = PortStats> {
    (any::<[u32; 3]>(), any::<[u64; 12]>()).prop_map(|(words, longs)| PortStats {
        port_no: PortNo(words[0]),
        rx_packets: longs[0],
        tx_packets: longs[1],
        rx_bytes: longs[2],
        tx_bytes: longs[3],
        rx_dropped: longs[4],
        tx_dropped: longs[5],
        rx_errors: longs[6],
        tx_errors: longs[7],
        rx_frame_err: longs[8],
        rx_over_err: longs[9],
        rx_crc_err: longs[10],
        collisions: longs[11],
        duration_sec: words[1],
        duration_nsec: words[2],
    })
}

pub(super) fn queue_stats() -> impl Strategy<Value = QueueStats> {
    (any::<[u32; 4]>(), any::<[u64; 3]>()).prop_map(|(words, longs)| QueueStats {
        port_no: PortNo(words[0]),
        queue_id: QueueId(words[1]),
        tx_bytes: longs[0],
        tx_packets: longs[1],
        tx_errors: longs[2],
        duration_sec: words[2],
        duration_nsec: words[3],
    })
}

pub(super) fn group_stats() -> impl Strategy<Value = GroupStats> {
    let counter =
        (any::<u64>(), any::<u64>()).prop_map(|(packet_count, byte_count)| BucketCounter {
            packet_count,
            byte_count,
        });
    (any::<[u32; 4]>(), any::<[u64; 2]>(), list(counter)).prop_map(
        |(words, longs, bucket_stats)| GroupStats {
            group_id: GroupId(words[0]),
            ref_count: words[1],
            packet_count: longs[0],
            byte_count: longs[1],
            duration_sec: words[2],
            duration_nsec: words[3],
            bucket_stats,
        },
    )
}

pub(super) fn group_features() -> impl Strategy<Value = GroupFeatures> {
    (
        any::<u32>(),
        any::<u32>(),
        any::<[u32; 4]>(),
        any::<[u32; 4]>(),
    )
        .prop_map(|(types, capabilities, max_groups, actions)| GroupFeatures {
            types,
            capabilities: GroupCapabilities::from_bits_retain(capabilities),
            max_groups,
            actions,
        })
}

pub(super) fn meter_stats() -> impl Strategy<Value = MeterStats> {
    let band = (any::<u64>(), any::<u64>()).prop_map(|(packet_band_count, byte_band_count)| {
        MeterBandStats {
            packet_band_count,
            byte_band_count,
        }
    });
    (any::<[u32; 4]>(), any::<[u64; 2]>(), list(band)).prop_map(|(words, longs, band_stats)| {
        MeterStats {
            meter_id: MeterId(words[0]),
            flow_count: words[1],
            packet_in_count: longs[0],
            byte_in_count: longs[1],
            duration_sec: words[2],
            duration_nsec: words[3],
            band_stats,
        }
    })
}

pub(super) fn meter_features() -> impl Strategy<Value = MeterFeatures> {
    (any::<[u32; 3]>(), any::<[u8; 2]>()).prop_map(|(words, bytes)| MeterFeatures {
        max_meter: words[0],
        band_types: words[1],
        capabilities: words[2],
        max_bands: bytes[0],
        max_color: bytes[1],
    })
}

pub(super) fn table_feature() -> impl Strategy<Value = TableFeature> {
    use TableFeature as Feature;
    let types = || list((any::<u16>(), bytes(0..9)).prop_map(|(kind, data)| TypeId { kind, data }));
    let tables = || list(any::<u8>().prop_map(TableId));
    let fields = || list(oxm_id());
    let experimenters = || {
        (any::<u32>(), any::<u32>(), bytes(0..20)).prop_map(|(experimenter, exp_type, data)| {
            ExperimenterFeature {
                experimenter,
                exp_type,
                data,
            }
        })
    };
    prop_oneof![
        types().prop_map(Feature::Instructions),
        types().prop_map(Feature::InstructionsMiss),
        tables().prop_map(Feature::NextTables),
        tables().prop_map(Feature::NextTablesMiss),
        types().prop_map(Feature::WriteActions),
        types().prop_map(Feature::WriteActionsMiss),
        types().prop_map(Feature::ApplyActions),
        types().prop_map(Feature::ApplyActionsMiss),
        fields().prop_map(Feature::Match),
        prop_oneof![
            fields().prop_map(Feature::Wildcards),
            fields().prop_map(Feature::WriteSetField),
            fields().prop_map(Feature::WriteSetFieldMiss),
            fields().prop_map(Feature::ApplySetField),
            fields().prop_map(Feature::ApplySetFieldMiss),
            experimenters().prop_map(Feature::Experimenter),
            experimenters().prop_map(Feature::ExperimenterMiss),
            (16..0xfffeu16, bytes(0..20))
                .prop_map(|(kind, data)| Feature::Unknown(RawProperty { kind, data })),
        ],
    ]
}

pub(super) fn table_features() -> impl Strategy<Value = TableFeatures> {
    (
        any::<u8>(),
        any::<[u8; 32]>(),
        any::<[u64; 2]>(),
        any::<[u32; 2]>(),
        list(table_feature()),
    )
        .prop_map(|(table_id, name, longs, words, properties)| TableFeatures {
            table_id: TableId(table_id),
            name: FixedStr(name),
            metadata_match: longs[0],
            metadata_write: longs[1],
            config: TableConfig::from_bits_retain(words[0]),
            max_entries: words[1],
            properties,
        })
}

pub(super) fn flow_monitor_request() -> impl Strategy<Value = FlowMonitorRequest> {
    let numbers = (any::<u32>(), any::<u16>(), any::<u32>(), any::<u8>());
    (numbers, flow_match(), match_form()).prop_map(
        |((id, flags, out_port, table_id), match_, match_form)| FlowMonitorRequest {
            id,
            flags: FlowMonitorFlags::from_bits_retain(flags),
            out_port: PortNo(out_port),
            table_id: TableId(table_id),
            match_,
            match_form,
        },
    )
}

fn match_form() -> impl Strategy<Value = MatchForm> {
    select(vec![MatchForm::Headed, MatchForm::Bare])
}

pub(super) fn nx_flow_monitor_request() -> impl Strategy<Value = NxFlowMonitorRequest> {
    (
        any::<u32>(),
        any::<u16>(),
        any::<u16>(),
        any::<u8>(),
        flow_match(),
    )
        .prop_map(
            |(id, flags, out_port, table_id, match_)| NxFlowMonitorRequest {
                id,
                flags: FlowMonitorFlags::from_bits_retain(flags),
                out_port,
                table_id: TableId(table_id),
                match_,
            },
        )
}

pub(super) fn flow_update<T: std::fmt::Debug + Clone>(
    action: impl Strategy<Value = T>,
    match_form: impl Strategy<Value = MatchForm>,
) -> impl Strategy<Value = FlowUpdate<T>> {
    let event = prop_oneof![0..3u16, 4..=u16::MAX];
    let numbers = (event, any::<[u16; 4]>(), any::<u8>(), any::<u64>());
    let full = (numbers, flow_match(), match_form, list(action)).prop_map(
        |((event, shorts, table_id, cookie), match_, match_form, actions)| {
            FlowUpdate::Full(FlowUpdateFull {
                event: event.into(),
                reason: shorts[0],
                priority: shorts[1],
                idle_timeout: shorts[2],
                hard_timeout: shorts[3],
                table_id: TableId(table_id),
                cookie: Cookie(cookie),
                match_,
                match_form,
                actions,
            })
        },
    );
    let abbreviated = any::<u32>().prop_map(|xid| FlowUpdate::Abbreviated { xid: Xid(xid) });
    prop_oneof![4 => full, 1 => abbreviated]
}

pub(super) fn multipart_reply() -> impl Strategy<Value = Message> {
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
    let body = prop_oneof![
        body,
        list(port_stats()).prop_map(Body::PortStats),
        list(queue_stats()).prop_map(Body::Queue),
        list(group_stats()).prop_map(Body::Group),
        group_features().prop_map(Body::GroupFeatures),
        list(meter_stats()).prop_map(Body::Meter),
        meter_features().prop_map(Body::MeterFeatures),
        list(table_features()).prop_map(Body::TableFeatures),
        list(flow_update(instruction(), match_form())).prop_map(Body::FlowMonitor),
        list(flow_update(action(), Just(MatchForm::Bare))).prop_map(Body::NxFlowMonitor),
        unknown_experimenter().prop_map(|(experimenter, exp_type, data)| Body::Experimenter {
            experimenter,
            exp_type,
            data
        }),
    ];
    (flags16(MultipartFlags::from_bits_retain), body)
        .prop_map(|(flags, body)| Message::MultipartReply(MultipartReply { flags, body }))
}
