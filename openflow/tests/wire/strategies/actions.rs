//! Actions, instructions and buckets.

use super::*;

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![standard_action(), nicira_action(), unknown_action()]
}

pub(super) fn standard_action() -> impl Strategy<Value = Action> {
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

pub(super) fn nicira_action() -> impl Strategy<Value = Action> {
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

pub(super) fn ct_zone() -> impl Strategy<Value = CtZone> {
    prop_oneof![
        any::<u16>().prop_map(CtZone::Immediate),
        range().prop_map(CtZone::Field),
    ]
}

pub(super) fn unknown_action() -> impl Strategy<Value = Action> {
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

pub(super) fn instruction() -> impl Strategy<Value = Instruction> {
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

pub(super) fn bucket() -> impl Strategy<Value = Bucket> {
    (any::<u16>(), any::<u32>(), any::<u32>(), list(action())).prop_map(
        |(weight, watch_port, watch_group, actions)| Bucket {
            weight,
            watch_port: PortNo(watch_port),
            watch_group: GroupId(watch_group),
            actions,
        },
    )
}
