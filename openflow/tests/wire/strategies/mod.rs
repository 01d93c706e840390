//! Generated messages of every type.

mod actions;
mod fields;
mod messages;
mod multipart;
mod nicira;
mod nx;

use bytes::Bytes;
use openflow::*;
use proptest::prelude::*;
use proptest::sample::select;

use actions::*;
use fields::*;
use messages::*;
use multipart::*;
use nicira::*;
use nx::*;

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

fn property() -> impl Strategy<Value = RawProperty> {
    (any::<u16>(), bytes(0..20)).prop_map(|(kind, data)| RawProperty { kind, data })
}

fn unknown_experimenter() -> impl Strategy<Value = (u32, u32, Bytes)> {
    let experimenter = other_than(&[experimenter::NICIRA, experimenter::ONF]);
    (experimenter, any::<u32>(), bytes(0..40))
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
        prop_oneof![
            any::<u32>().prop_map(Message::FlowMonitorCancel),
            Just(Message::FlowMonitorPaused),
            Just(Message::FlowMonitorResumed),
            nx_message().prop_map(Message::Nicira),
            nx_message().prop_map(Message::Nicira),
        ],
        unknown_experimenter().prop_map(|(experimenter, exp_type, data)| Message::Experimenter {
            experimenter,
            exp_type,
            data
        }),
        (30..=u8::MAX, bytes(0..40)).prop_map(|(kind, body)| Message::Unknown { kind, body }),
    ];
    prop_oneof![controller_to_switch, rest]
}
