//! Plans, carried out on a model of a switch.

use std::collections::BTreeMap;

use openflow::{
    Action, Bucket, Cookie, FlowModFlags, GroupId, GroupType, Instruction, Match, Message,
    MeterBand, MeterFlags, MeterId, OxmField, PortNo, TableId,
};
use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::compile;
use crate::cookie::{self, Class};
use crate::fake_switch::FakeSwitch;
use crate::ofctl::Dialect;
use crate::program::{Flow, FlowKey, Group, Meter, Program};

const OUR_FIRST_GROUP: u32 = 0xb41d_0000;
const OUR_FIRST_METER: u32 = 0x1_0000;
const FOREIGN_GROUP: GroupId = GroupId(7);

fn key(table: u8, priority: u16, port: u32) -> FlowKey {
    let match_ = match port {
        0 => Match::new(),
        port => Match::new()
            .with(OxmField::InPort, port)
            .with(OxmField::EthDst, 1u8),
    };
    FlowKey {
        table: TableId(table),
        priority,
        match_: match_.canonical(),
    }
}

/// Keys from a small space, so that wanted and found have many in common. Foreign flows are in a
/// table of their own: one with a key of ours would be replaced, which no switch can avoid.
fn keys(tables: std::ops::Range<u8>) -> impl Strategy<Value = FlowKey> {
    (tables, 0..3u16, 0..3u32).prop_map(|(table, priority, port)| key(table, priority, port))
}

fn flow(cookie: impl Into<Cookie>, action: Action) -> Flow {
    Flow {
        cookie: cookie.into(),
        idle_timeout: 0,
        flags: FlowModFlags::SEND_FLOW_REM,
        instructions: vec![Instruction::ApplyActions(vec![action])],
    }
}

fn group(port: u32) -> Group {
    Group {
        kind: if port == 0 {
            GroupType::Indirect
        } else {
            GroupType::All
        },
        buckets: vec![Bucket::new(vec![Action::output(PortNo(port))])],
    }
}

fn our_groups() -> impl Strategy<Value = BTreeMap<GroupId, Group>> {
    btree_map(
        (0..4u32).prop_map(|n| GroupId(OUR_FIRST_GROUP + n)),
        (0..3u32).prop_map(group),
        0..4,
    )
}

fn our_flow(groups: Vec<GroupId>, meters: Vec<MeterId>) -> impl Strategy<Value = Flow> {
    let action = prop_oneof![
        (1..3u32).prop_map(|port| Action::output(PortNo(port))),
        any::<prop::sample::Index>().prop_map(move |index| match groups.as_slice() {
            [] => Action::PopVlan,
            groups => Action::Group(*index.get(groups)),
        }),
    ];
    let class = prop_oneof![Just(Class::Pipeline), Just(Class::LearnedSource)];
    let meter = any::<prop::sample::Index>().prop_map(move |index| match meters.as_slice() {
        [] => None,
        meters => Some(*index.get(meters)).filter(|id| *id != MeterId::CONTROLLER),
    });
    (class, 0..2u16, action, meter).prop_map(|(class, idle_timeout, action, meter)| {
        let mut flow = flow(class.cookie(), action);
        flow.idle_timeout = idle_timeout;
        let metered = meter.map(Instruction::Meter);
        flow.instructions.splice(0..0, metered);
        flow
    })
}

fn program() -> impl Strategy<Value = Program> {
    let meter = (1..3u32).prop_map(|rate| Meter {
        flags: MeterFlags::PKTPS,
        bands: vec![MeterBand::Drop {
            rate,
            burst_size: 0,
        }],
    });
    let ids = prop_oneof![
        Just(MeterId::CONTROLLER),
        (0..3u32).prop_map(|n| MeterId(OUR_FIRST_METER + n)),
    ];
    let meters = btree_map(ids, meter, 0..4);
    (our_groups(), meters).prop_flat_map(move |(groups, meters)| {
        let group_ids = groups.keys().copied().collect();
        let meter_ids = meters.keys().copied().collect();
        (
            btree_map(keys(0..2), our_flow(group_ids, meter_ids), 0..12),
            Just(groups),
            Just(meters),
        )
            .prop_map(|(flows, groups, meters)| Program {
                flows,
                groups,
                meters,
            })
    })
}

fn foreign() -> impl Strategy<Value = Program> {
    let cookie = any::<u64>().prop_filter("not ours", |cookie| !cookie::is_ours(Cookie(*cookie)));
    let flow = cookie.prop_map(|cookie| flow(Cookie(cookie), Action::Group(FOREIGN_GROUP)));
    btree_map(keys(9..10), flow, 0..4).prop_map(|flows| Program {
        flows,
        groups: [(FOREIGN_GROUP, group(1))].into(),
        meters: [(
            MeterId(1),
            Meter {
                flags: MeterFlags::KBPS,
                bands: Vec::new(),
            },
        )]
        .into(),
    })
}

fn both(mut ours: Program, foreign: Program) -> Program {
    ours.flows.extend(foreign.flows);
    ours.groups.extend(foreign.groups);
    ours.meters.extend(foreign.meters);
    ours
}

/// How many keys have another content in `a` than in `b`.
fn differences<K: Ord, V: PartialEq>(a: &BTreeMap<K, V>, b: &BTreeMap<K, V>) -> usize {
    let only_in_b = b.keys().filter(|key| !a.contains_key(key)).count();
    a.iter()
        .filter(|(key, content)| b.get(key) != Some(content))
        .count()
        + only_in_b
}

proptest! {
    #[test]
    fn a_plan_makes_the_switch_hold_what_is_wanted_and_touches_nothing_else(
        wanted in program(), there in program(), foreign in foreign(),
    ) {
        let mut switch = FakeSwitch { program: both(there, foreign.clone()), ..Default::default() };
        let found = found(switch.snapshot());
        prop_assert_eq!(found.foreign, foreign.flows.len());

        let plan = diff(&wanted, &found.ours);
        let messages = plan.messages();
        prop_assert_eq!(switch.commit(&messages), Ok(()));
        prop_assert_eq!(&switch.program, &both(wanted.clone(), foreign));

        let Program { flows, groups, meters } = &found.ours;
        let needed = differences(&wanted.flows, flows)
            + differences(&wanted.groups, groups)
            + differences(&wanted.meters, meters);
        prop_assert_eq!(messages.len(), needed);
        prop_assert!(diff(&wanted, &super::found(switch.snapshot()).ours).is_empty());
    }

    #[test]
    fn one_by_one_a_plan_never_leaves_a_changed_or_kept_flow_out(
        wanted in program(), there in program(),
    ) {
        let mut switch = FakeSwitch { program: there.clone(), ..Default::default() };
        for message in diff(&wanted, &there).messages() {
            prop_assert_eq!(switch.apply(&message), Ok(()));
            for key in there.flows.keys().filter(|key| wanted.flows.contains_key(key)) {
                prop_assert!(switch.program.flows.contains_key(key), "without {key:?}");
            }
        }
    }

    #[test]
    fn equal_programs_have_no_difference(program in program()) {
        prop_assert!(diff(&program, &program).is_empty());
        prop_assert!(diff(&program, &program).messages().is_empty());
    }
}

#[test]
fn the_groups_and_meters_of_the_tests_are_ours() {
    assert!(compile::is_our_group(GroupId(OUR_FIRST_GROUP)));
    assert!(!compile::is_our_group(FOREIGN_GROUP));
    assert!(compile::is_our_meter(MeterId(OUR_FIRST_METER)));
}

#[test]
fn a_flow_that_somebody_put_in_the_place_of_ours_is_not_deleted_with_it() {
    let ours = Program {
        flows: [(key(0, 1, 1), flow(Class::Flood.cookie(), Action::PopVlan))].into(),
        ..Program::default()
    };
    let theirs = Program {
        flows: [(key(0, 1, 1), flow(Cookie(0), Action::PopVlan))].into(),
        ..Program::default()
    };
    let mut switch = FakeSwitch {
        program: theirs.clone(),
        ..Default::default()
    };
    let messages = diff(&Program::default(), &ours).messages();
    assert!(matches!(messages.as_slice(), [Message::FlowMod(_)]));
    assert_eq!(switch.commit(&messages), Ok(()));
    assert_eq!(switch.program, theirs);
}

#[test]
fn what_a_flow_has_passed_is_not_counted_as_dropped_when_it_drops_from_then_on() {
    for (class, resets) in [(Class::DropForged, true), (Class::Pipeline, false)] {
        let flow = flow(class.cookie(), Action::PopVlan);
        let Message::FlowMod(flow_mod) = add_flow(&key(0, 1, 1), &flow) else {
            panic!("not a FLOW_MOD");
        };
        let flags = flow_mod.flags;
        assert_eq!(
            flags.contains(FlowModFlags::RESET_COUNTS),
            resets,
            "{class:?}"
        );
        // The switch keeps that with the flow.
        let mut switch = FakeSwitch::default();
        switch.apply(&Message::FlowMod(flow_mod)).unwrap();
        assert_eq!(found(switch.snapshot()).ours.flows[&key(0, 1, 1)], flow);
    }
}

#[test]
fn a_plan_reads_as_a_bundle_of_ovs_ofctl() {
    let meter = |rate| Meter {
        flags: MeterFlags::PKTPS,
        bands: vec![MeterBand::Drop {
            rate,
            burst_size: 0,
        }],
    };
    let to_group = flow(
        Class::Flood.cookie(),
        Action::Group(GroupId(OUR_FIRST_GROUP)),
    );
    let known = |idle_timeout| Flow {
        idle_timeout,
        ..flow(Class::LearnedSource.cookie(), Action::output(PortNo(6)))
    };
    let wanted = Program {
        flows: [(key(1, 2, 0), to_group), (key(0, 1, 1), known(300))].into(),
        groups: [
            (GroupId(OUR_FIRST_GROUP), group(1)),
            (GroupId(OUR_FIRST_GROUP + 1), group(0)),
        ]
        .into(),
        meters: [(MeterId::CONTROLLER, meter(1000))].into(),
    };
    let found = Program {
        flows: [
            (key(0, 1, 1), known(60)),
            (key(0, 2, 2), known(60)),
            (key(3, 0, 0), known(60)),
        ]
        .into(),
        groups: [
            (GroupId(OUR_FIRST_GROUP), group(2)),
            (GroupId(OUR_FIRST_GROUP + 2), group(0)),
        ]
        .into(),
        meters: [(MeterId::CONTROLLER, meter(10))].into(),
    };
    let text = diff(&wanted, &found).text(Dialect::Numbers).to_string();
    let expected = "\
# flows 1 added, 1 changed, 2 removed; groups 1 added, 1 changed, 1 removed; \
meters 0 added, 1 changed, 0 removed
# meter modify meter=controller,pktps,bands=type=drop,rate=1000
group add group_id=3021799425,type=indirect,bucket=actions=output:0
group modify group_id=3021799424,type=all,bucket=actions=output:1
flow add cookie=0x6272636800000005,table=1,priority=2,send_flow_rem actions=group:3021799424
flow add cookie=0x6272636800000003,table=0,priority=1,idle_timeout=300,send_flow_rem,\
in_port=1,dl_dst=00:00:00:00:00:01 actions=output:6
flow delete_strict cookie=0x6272636800000000/0xffffffff00000000,table=0,priority=2,\
in_port=2,dl_dst=00:00:00:00:00:01
flow delete_strict cookie=0x6272636800000000/0xffffffff00000000,table=3,priority=0
group delete group_id=3021799426
";
    assert_eq!(text, expected);
}
