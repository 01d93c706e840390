//! The messages of Open vSwitch.

use super::*;

pub(super) fn packet_in_property() -> impl Strategy<Value = PacketInProperty> {
    use PacketInProperty as Property;
    prop_oneof![
        bytes(0..80).prop_map(Property::Packet),
        any::<u32>().prop_map(Property::FullLen),
        any::<u32>().prop_map(|id| Property::BufferId(BufferId(id))),
        any::<u8>().prop_map(|table| Property::TableId(TableId(table))),
        any::<u64>().prop_map(|cookie| Property::Cookie(Cookie(cookie))),
        any::<u8>().prop_map(|reason| Property::Reason(reason.into())),
        flow_match().prop_map(Property::Metadata),
        bytes(0..20).prop_map(Property::Userdata),
        bytes(0..20).prop_map(Property::Continuation),
        (9..=u16::MAX, bytes(0..20))
            .prop_map(|(kind, data)| Property::Unknown(RawProperty { kind, data })),
    ]
}

pub(super) fn tlv_map() -> impl Strategy<Value = TlvMap> {
    (any::<u16>(), any::<u8>(), any::<u8>(), any::<u16>()).prop_map(
        |(option_class, option_type, option_len, index)| TlvMap {
            option_class,
            option_type,
            option_len,
            index,
        },
    )
}

pub(super) fn nx_packet_in() -> impl Strategy<Value = NxPacketIn> {
    packet_in().prop_map(|packet_in| NxPacketIn {
        buffer_id: packet_in.buffer_id,
        total_len: packet_in.total_len,
        reason: packet_in.reason,
        table_id: packet_in.table_id,
        cookie: packet_in.cookie,
        match_: packet_in.match_,
        data: packet_in.data,
    })
}

pub(super) fn nx_message() -> impl Strategy<Value = NxMessage> {
    let async_property = prop_oneof![
        (0..12u16, any::<u32>()).prop_map(|(topic, mask)| AsyncProperty::Reasons {
            topic: topic.into(),
            mask
        }),
        (12..=u16::MAX, bytes(0..20))
            .prop_map(|(kind, data)| AsyncProperty::Unknown(RawProperty { kind, data })),
    ];
    let tlv_table = prop_oneof![
        (any::<u16>(), list(tlv_map())).prop_map(|(command, maps)| {
            NxMessage::TlvTableMod(TlvTableMod {
                command: command.into(),
                maps,
            })
        }),
        (any::<u32>(), any::<u16>(), list(tlv_map())).prop_map(
            |(max_option_space, max_fields, maps)| {
                NxMessage::TlvTableReply(TlvTableReply {
                    max_option_space,
                    max_fields,
                    maps,
                })
            }
        ),
    ];
    prop_oneof![
        any::<u32>().prop_map(NxMessage::RoleRequest),
        any::<u32>().prop_map(NxMessage::RoleReply),
        any::<u32>().prop_map(|format| NxMessage::SetPacketInFormat(format.into())),
        nx_packet_in().prop_map(NxMessage::PacketIn),
        async_config().prop_map(NxMessage::SetAsyncConfig),
        any::<u16>().prop_map(NxMessage::SetControllerId),
        any::<u16>().prop_map(NxMessage::CtFlushZone),
        any::<u32>().prop_map(NxMessage::FlowMonitorCancel),
        prop_oneof![
            select(vec![
                NxMessage::FlowMonitorPaused,
                NxMessage::FlowMonitorResumed,
                NxMessage::TlvTableRequest,
            ]),
            tlv_table,
            list(async_property).prop_map(NxMessage::SetAsyncConfig2),
            list(packet_in_property()).prop_map(NxMessage::Resume),
            list(packet_in_property()).prop_map(NxMessage::PacketIn2),
        ],
    ]
}
