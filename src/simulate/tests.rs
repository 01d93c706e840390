//! Hand-made programs, each for one rule of OpenFlow or of Open vSwitch.

use openflow::{
    Action, Bucket, Bundle, Cookie, FlowModFlags, GroupId, GroupType, HashFields, Instruction,
    LinkAlgorithm, MacAddr, Match, MemberAlgorithm, Multipath, OFPVID_NONE, OFPVID_PRESENT, Oxm,
    OxmField, PortNo, Subfield, TableId,
};

use super::*;
use crate::program::{Flow, FlowKey, Group};

const A: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]);
const B: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0b]);
/// Ports 1 to 4 exist on every bridge of these tests, beside LOCAL.
const PORTS: [&str; 4] = ["p1", "p2", "p3", "p4"];

/// A program put together flow by flow.
#[derive(Default)]
struct Tables(Program);

impl Tables {
    fn flow(mut self, table: u8, priority: u16, match_: Match, then: Vec<Instruction>) -> Self {
        let key = FlowKey {
            table: TableId(table),
            priority,
            match_: match_.canonical(),
        };
        let flow = Flow {
            cookie: Cookie(0),
            idle_timeout: 0,
            flags: FlowModFlags::empty(),
            instructions: then,
        };
        self.0.flows.insert(key, flow);
        self
    }

    fn group(mut self, id: u32, kind: GroupType, buckets: Vec<Bucket>) -> Self {
        self.0.groups.insert(GroupId(id), Group { kind, buckets });
        self
    }

    /// A bridge of this program alone, LOCAL being port 0xfffffffe.
    fn network(self) -> Network {
        Network {
            bridges: [(Role::Local, self.bridge())].into(),
        }
    }

    fn bridge(self) -> Bridge {
        let mut ports: Ports = (1..)
            .map(PortNo)
            .zip(PORTS)
            .map(|(n, p)| (p.into(), n))
            .collect();
        ports.insert("br0".to_owned(), PortNo::LOCAL);
        Bridge {
            ports,
            program: self.0,
            ..Bridge::default()
        }
    }
}

fn any() -> Match {
    Match::new()
}

fn apply(actions: impl Into<Vec<Action>>) -> Vec<Instruction> {
    vec![Instruction::ApplyActions(actions.into())]
}

fn goto(table: u8) -> Vec<Instruction> {
    vec![Instruction::GotoTable(TableId(table))]
}

fn output(port: u32) -> Action {
    Action::output(PortNo(port))
}

fn vid(vid: u16) -> Action {
    Action::set_field(OxmField::VlanVid, OFPVID_PRESENT | vid)
}

fn frame() -> Frame {
    Frame::new(A, B)
}

/// Port and VLAN ids of every copy of `frame`, sent in by port 1 of a bridge with these tables.
fn sent(tables: Tables, frame: Frame) -> Vec<(u32, Vec<u16>)> {
    let network = tables.network();
    let walk = network.inject(Role::Local, PortNo(1), frame);
    assert_eq!(walk.faults, []);
    copies(&walk)
}

fn copies(walk: &Walk<'_>) -> Vec<(u32, Vec<u16>)> {
    let vids = |frame: &Frame| frame.tags.iter().map(|tag| tag.vid).collect();
    walk.deliveries
        .iter()
        .map(|copy| (copy.port.0, vids(&copy.frame)))
        .collect()
}

#[test]
fn a_table_miss_drops() {
    assert_eq!(sent(Tables::default(), frame()), []);
    let goes_on_into_nothing = Tables::default().flow(0, 0, any(), goto(1));
    assert_eq!(sent(goes_on_into_nothing, frame()), []);
}

#[test]
fn the_highest_priority_that_matches_wins() {
    let tables = Tables::default()
        .flow(0, 10, any(), apply([output(2)]))
        .flow(0, 20, any().with(OxmField::EthSrc, A), apply([output(3)]))
        .flow(0, 30, any().with(OxmField::EthSrc, B), apply([output(4)]));
    assert_eq!(sent(tables, frame()), [(3, vec![])]);
}

#[test]
fn equal_priorities_are_a_fault_where_it_matters() {
    let overlapping = |out| {
        let tables = Tables::default()
            .flow(0, 10, any().with(OxmField::EthSrc, A), apply([output(2)]))
            .flow(0, 10, any().with(OxmField::EthDst, B), apply([output(out)]));
        tables
            .network()
            .inject(Role::Local, PortNo(1), frame())
            .faults
    };
    assert_eq!(overlapping(2), []);
    assert_eq!(
        overlapping(3),
        [Fault::Ambiguous {
            role: Role::Local,
            table: TableId(0),
            priority: 10
        }]
    );
}

#[test]
fn masks_select_the_bits_that_are_compared() {
    let group_bit = any().with_masked(OxmField::EthDst, 1_u64 << 40, 1_u64 << 40);
    let tables = || Tables::default().flow(0, 1, group_bit.clone(), apply([output(2)]));
    assert_eq!(sent(tables(), frame()), []);
    assert_eq!(
        sent(tables(), Frame::new(A, MacAddr::BROADCAST)),
        [(2, vec![])]
    );
}

#[test]
fn vlan_vid_tells_no_tag_from_a_priority_tag() {
    let tables = || {
        Tables::default()
            .flow(
                0,
                9,
                any().with(OxmField::VlanVid, OFPVID_NONE),
                apply([output(2)]),
            )
            .flow(
                0,
                9,
                any().with(OxmField::VlanVid, OFPVID_PRESENT),
                apply([output(3)]),
            )
            .flow(
                0,
                8,
                any().with_masked(OxmField::VlanVid, OFPVID_PRESENT, OFPVID_PRESENT),
                apply([output(4)]),
            )
    };
    assert_eq!(sent(tables(), frame()), [(2, vec![])]);
    assert_eq!(sent(tables(), frame().tagged(0)), [(3, vec![0])]);
    assert_eq!(sent(tables(), frame().tagged(5)), [(4, vec![5])]);
}

#[test]
fn tags_are_changed_in_the_order_of_the_actions() {
    let tables = Tables::default().flow(
        0,
        1,
        any(),
        apply([
            Action::PushVlan(Tag::CUSTOMER),
            vid(5),
            output(2),
            Action::PopVlan,
            output(3),
        ]),
    );
    assert_eq!(sent(tables, frame()), [(2, vec![5]), (3, vec![])]);
}

#[test]
fn a_tag_within_a_popped_tag_is_payload() {
    let tables = Tables::default()
        .flow(
            0,
            1,
            any().with(OxmField::EthType, Tag::CUSTOMER),
            [apply([Action::PopVlan]), goto(1)].concat(),
        )
        .flow(
            1,
            1,
            any().with(OxmField::VlanVid, OFPVID_NONE),
            apply([output(2)]),
        );
    assert_eq!(sent(tables, frame().tagged(7).tagged(5)), [(2, vec![7])]);
}

#[test]
fn output_to_the_port_a_frame_came_in_by_is_suppressed() {
    let tables = || Tables::default().flow(0, 1, any(), apply([output(1), output(2)]));
    assert_eq!(sent(tables(), frame()), [(2, vec![])]);
    let network = tables().network();
    let walk = network.inject(Role::Local, PortNo(1), frame());
    assert!(walk.pass.steps.contains(&Step::Suppress(PortNo(1))));
}

#[test]
fn in_port_and_a_changed_in_port_lead_back() {
    let back = Tables::default().flow(0, 1, any(), apply([Action::output(PortNo::IN_PORT)]));
    assert_eq!(sent(back, frame()), [(1, vec![])]);
    let in_port = Subfield::whole(OxmField::NxInPort);
    let cleared = Tables::default().flow(
        0,
        1,
        any(),
        apply([
            Action::RegLoad {
                dst: in_port,
                value: 0,
            },
            output(1),
            output(2),
        ]),
    );
    assert_eq!(sent(cleared, frame()), [(1, vec![]), (2, vec![])]);
    let as_if_from_2 = Tables::default().flow(
        0,
        1,
        any(),
        apply([
            Action::RegLoad {
                dst: in_port,
                value: 2,
            },
            output(1),
            output(2),
        ]),
    );
    assert_eq!(sent(as_if_from_2, frame()), [(1, vec![])]);
}

#[test]
fn flooding_goes_to_all_other_ports() {
    for port in [PortNo::FLOOD, PortNo::ALL] {
        let tables = Tables::default().flow(0, 1, any(), apply([Action::output(port)]));
        let mut ports: Vec<u32> = sent(tables, frame())
            .into_iter()
            .map(|(port, _)| port)
            .collect();
        ports.sort_unstable();
        assert_eq!(ports, [2, 3, 4, PortNo::LOCAL.0]);
    }
}

#[test]
fn ports_that_do_not_exist_get_nothing() {
    let tables = Tables::default().flow(0, 1, any(), apply([output(77)]));
    assert_eq!(sent(tables, frame()), []);
}

#[test]
fn bits_move_between_fields() {
    let mark = |start| Subfield {
        field: OxmField::PktMark,
        start,
        bits: 16,
    };
    let in_port = Subfield::whole(OxmField::NxInPort);
    let register = Subfield {
        field: OxmField::Reg3,
        start: 4,
        bits: 16,
    };
    let tables = Tables::default()
        .flow(
            0,
            1,
            any(),
            vec![
                Instruction::ApplyActions(vec![
                    Action::RegMove {
                        src: in_port,
                        dst: mark(8),
                    },
                    Action::SetField(Oxm::masked(OxmField::PktMark, 0xf000_000f_u32, 0xff_u32)),
                    Action::RegMove {
                        src: mark(0),
                        dst: register,
                    },
                ]),
                Instruction::WriteMetadata {
                    metadata: 0xffff,
                    mask: 0xff00,
                },
                Instruction::GotoTable(TableId(1)),
            ],
        )
        .flow(
            1,
            1,
            any()
                .with(OxmField::PktMark, 0x10f_u32)
                .with(OxmField::Reg3, 0x10f0_u32)
                .with(OxmField::Metadata, 0xff00_u64),
            apply([output(2)]),
        );
    assert_eq!(sent(tables, frame()), [(2, vec![])]);
}

#[test]
fn reserved_port_numbers_survive_the_16_bit_in_port() {
    let in_port = Subfield::whole(OxmField::NxInPort);
    let register = Subfield {
        field: OxmField::Reg0,
        start: 0,
        bits: 16,
    };
    let tables = Tables::default()
        .flow(
            0,
            1,
            any().with(OxmField::InPort, PortNo::LOCAL),
            [
                apply([Action::RegMove {
                    src: in_port,
                    dst: register,
                }]),
                goto(1),
            ]
            .concat(),
        )
        .flow(
            1,
            1,
            any().with(OxmField::Reg0, 0xfffe_u32),
            apply([
                Action::RegLoad {
                    dst: in_port,
                    value: 0,
                },
                Action::RegMove {
                    src: register,
                    dst: in_port,
                },
                Action::output(PortNo::LOCAL),
                output(2),
            ]),
        );
    let network = tables.network();
    let walk = network.inject(Role::Local, PortNo::LOCAL, frame());
    assert_eq!(copies(&walk), [(2, vec![])]);
}

#[test]
fn the_action_set_is_carried_out_at_the_end() {
    let write = |actions| {
        vec![
            Instruction::WriteActions(actions),
            Instruction::GotoTable(TableId(1)),
        ]
    };
    let tables = Tables::default()
        .flow(0, 1, any(), write(vec![output(2), output(3), vid(5)]))
        .flow(1, 1, any(), apply([output(4)]));
    assert_eq!(
        sent(tables, frame().tagged(9)),
        [(4, vec![9]), (3, vec![5])]
    );
    let cleared = Tables::default()
        .flow(0, 1, any(), write(vec![output(2)]))
        .flow(1, 1, any(), vec![Instruction::ClearActions]);
    assert_eq!(sent(cleared, frame()), []);
}

#[test]
fn every_bucket_of_an_all_group_gets_the_frame_as_it_was() {
    let tables = Tables::default()
        .flow(0, 1, any(), apply([Action::Group(GroupId(1)), output(4)]))
        .group(
            1,
            GroupType::All,
            vec![
                Bucket::new(vec![output(2), Action::PopVlan]),
                Bucket::new(vec![output(1)]),
                Bucket::new(vec![output(3)]),
            ],
        );
    assert_eq!(
        sent(tables, frame().tagged(5)),
        [(2, vec![]), (3, vec![5]), (4, vec![5])]
    );
}

#[test]
fn an_indirect_group_has_one_bucket() {
    let tables = Tables::default()
        .flow(0, 1, any(), apply([Action::Group(GroupId(1))]))
        .group(1, GroupType::Indirect, vec![Bucket::new(vec![output(3)])]);
    assert_eq!(sent(tables, frame()), [(3, vec![])]);
}

#[test]
fn a_select_group_takes_one_live_bucket_by_hash_and_weight() {
    let bucket = |port, weight| Bucket {
        weight,
        watch_port: PortNo(port),
        ..Bucket::new(vec![output(port)])
    };
    let ports = (0..6).map(|flow_hash| {
        let tables = Tables::default()
            .flow(0, 1, any(), apply([Action::Group(GroupId(1))]))
            .group(
                1,
                GroupType::Select,
                vec![bucket(2, 2), bucket(99, 4), bucket(3, 1)],
            );
        sent(
            tables,
            Frame {
                flow_hash,
                ..frame()
            },
        )[0]
        .0
    });
    assert_eq!(ports.collect::<Vec<_>>(), [2, 2, 3, 2, 2, 3]);
}

#[test]
fn fast_failover_takes_the_first_live_bucket() {
    let bucket = |port| Bucket {
        watch_port: PortNo(port),
        ..Bucket::new(vec![output(port)])
    };
    let tables = |buckets| {
        Tables::default()
            .flow(0, 1, any(), apply([Action::Group(GroupId(1))]))
            .group(1, GroupType::FastFailover, buckets)
    };
    assert_eq!(
        sent(tables(vec![bucket(99), bucket(3), bucket(2)]), frame()),
        [(3, vec![])]
    );
    assert_eq!(sent(tables(vec![bucket(99)]), frame()), []);
}

#[test]
fn a_resubmit_comes_back_with_what_was_changed() {
    let resubmit = |table| Action::ResubmitTable {
        in_port: 0xfff8,
        table_id: TableId(table),
    };
    let tables = || {
        Tables::default()
            .flow(0, 1, any(), apply([resubmit(5), output(3)]))
            .flow(5, 1, any(), [apply([vid(9)]), goto(6)].concat())
            .flow(6, 1, any(), apply([output(2)]))
    };
    assert_eq!(sent(tables(), frame()), [(2, vec![9]), (3, vec![9])]);
    let in_a_bucket = tables()
        .flow(0, 2, any(), apply([Action::Group(GroupId(1)), output(3)]))
        .group(1, GroupType::Indirect, vec![Bucket::new(vec![resubmit(5)])]);
    assert_eq!(sent(in_a_bucket, frame()), [(2, vec![9]), (3, vec![])]);
    let endless = tables().flow(5, 2, any(), apply([resubmit(255)]));
    let network = endless.network();
    let walk = network.inject(Role::Local, PortNo(1), frame());
    assert_eq!(walk.faults, [Fault::Loop]);
}

#[test]
fn a_packet_in_is_a_copy() {
    let tables = Tables::default()
        .flow(
            0,
            1,
            any(),
            [apply([Action::controller(64), vid(5)]), goto(3)].concat(),
        )
        .flow(3, 1, any(), apply([output(2)]));
    let network = tables.network();
    let walk = network.inject(Role::Local, PortNo(1), frame().tagged(4));
    assert_eq!(copies(&walk), [(2, vec![5])]);
    assert_eq!(
        walk.packet_ins,
        [PacketIn {
            role: Role::Local,
            table: TableId(0),
            in_port: PortNo(1),
            frame: frame().tagged(4),
        }]
    );
}

/// Two bridges: port 4 of the local one and port 1 of the uplink one are a pair of patch ports.
fn joined(local: Tables, uplink: Tables) -> Network {
    let mut local = local.bridge();
    let mut uplink = uplink.bridge();
    local.patches.insert(PortNo(4), (Role::Uplink, PortNo(1)));
    uplink.patches.insert(PortNo(1), (Role::Local, PortNo(4)));
    Network {
        bridges: [(Role::Local, local), (Role::Uplink, uplink)].into(),
    }
}

#[test]
fn a_patch_port_keeps_the_mark_and_clears_the_rest() {
    let local = Tables::default().flow(
        0,
        1,
        any(),
        vec![
            Instruction::WriteMetadata {
                metadata: 7,
                mask: u64::MAX,
            },
            Instruction::ApplyActions(vec![
                Action::set_field(OxmField::PktMark, 7_u32),
                Action::set_field(OxmField::Reg0, 7_u32),
                output(4),
                output(2),
            ]),
        ],
    );
    let uplink = Tables::default().flow(
        0,
        1,
        any()
            .with(OxmField::InPort, PortNo(1))
            .with(OxmField::PktMark, 7_u32)
            .with(OxmField::Reg0, 0_u32)
            .with(OxmField::Metadata, 0_u64),
        apply([output(1), output(3)]),
    );
    let network = joined(local, uplink);
    let walk = network.inject(Role::Local, PortNo(1), frame());
    let places: Vec<_> = walk
        .deliveries
        .iter()
        .map(|copy| (copy.role, copy.port.0, copy.pkt_mark))
        .collect();
    assert_eq!(places, [(Role::Uplink, 3, 7), (Role::Local, 2, 7)]);
}

#[test]
fn an_inline_function_lets_frames_pass_and_they_come_in_anew() {
    let tables = Tables::default()
        .flow(
            0,
            2,
            any().with(OxmField::InPort, PortNo(1)),
            apply([Action::set_field(OxmField::PktMark, 7_u32), output(2)]),
        )
        .flow(
            0,
            1,
            any()
                .with(OxmField::InPort, PortNo(3))
                .with(OxmField::PktMark, 0_u32),
            apply([output(4)]),
        );
    let mut bridge = tables.bridge();
    bridge.wires = [(PortNo(2), PortNo(3)), (PortNo(3), PortNo(2))].into();
    let network = Network {
        bridges: [(Role::Service, bridge)].into(),
    };
    let walk = network.inject(Role::Service, PortNo(1), frame());
    assert_eq!(copies(&walk), [(2, vec![]), (4, vec![])]);
}

#[test]
fn a_loop_is_found() {
    let bounce = || Tables::default().flow(0, 1, any(), apply([Action::output(PortNo::IN_PORT)]));
    let there = Tables::default()
        .flow(
            0,
            2,
            any().with(OxmField::InPort, PortNo(1)),
            apply([output(4)]),
        )
        .flow(0, 1, any(), apply([Action::output(PortNo::IN_PORT)]));
    let network = joined(there, bounce());
    assert_eq!(
        network.inject(Role::Local, PortNo(1), frame()).faults,
        [Fault::Loop]
    );
}

#[test]
fn what_is_not_simulated_is_said() {
    let tables = Tables::default().flow(
        0,
        1,
        any(),
        vec![
            Instruction::ApplyActions(vec![Action::DecNwTtl, Action::Group(GroupId(9))]),
            Instruction::GotoTable(TableId(0)),
        ],
    );
    let role = Role::Local;
    assert_eq!(
        tables.network().inject(role, PortNo(1), frame()).faults,
        [
            Fault::Action {
                role,
                action: Action::DecNwTtl
            },
            Fault::NoSuchGroup {
                role,
                id: GroupId(9)
            },
            Fault::Backward {
                role,
                table: TableId(0)
            },
        ]
    );
}

const REGISTER: Subfield = Subfield {
    field: OxmField::Reg3,
    start: 0,
    bits: 16,
};

fn bundle(algorithm: MemberAlgorithm, fields: HashFields, members: &[u16]) -> Bundle {
    Bundle {
        algorithm,
        fields,
        basis: 0,
        member_kind: Bundle::PORTS,
        members: members.to_vec(),
        dst: Some(REGISTER),
    }
}

/// Chooses a port and sends the frame out by it.
fn choose(bundle: Bundle) -> Tables {
    let output = Action::OutputReg {
        src: Subfield::whole(OxmField::Reg3),
        max_len: 0,
    };
    Tables::default().flow(
        0,
        1,
        any(),
        apply([Action::Bundle(Box::new(bundle)), output]),
    )
}

/// The port that each of many conversations leaves by, with these links down.
fn chosen(bundle: &Bundle, down: &[u32]) -> Vec<Option<u32>> {
    let mut network = choose(bundle.clone()).network();
    for port in down {
        network.set_down(Role::Local, PortNo(*port));
    }
    (0..64_u8)
        .map(|conversation| {
            let frame = Frame {
                flow_hash: u32::from(conversation) << 8,
                ..Frame::new(MacAddr([2, 0, 0, 0, 1, conversation]), B)
            };
            let walk = network.inject(Role::Local, PortNo(1), frame);
            assert_eq!(walk.faults, []);
            copies(&walk).first().map(|(port, _)| *port)
        })
        .collect()
}

#[test]
fn highest_random_weight_moves_only_the_share_of_a_member_that_is_not_live() {
    for fields in [HashFields::SymmetricL3L4Udp, HashFields::EthSrc] {
        let members = bundle(MemberAlgorithm::Hrw, fields, &[2, 3, 4]);
        let before = chosen(&members, &[]);
        for port in [2, 3, 4] {
            assert!(before.contains(&Some(port)), "{before:?}");
            let nobody_there = [2, 3, 4].map(|it| if it == port { 0 } else { it as u16 });
            let drained = bundle(MemberAlgorithm::Hrw, fields, &nobody_there);
            for after in [chosen(&members, &[port]), chosen(&drained, &[])] {
                for (before, after) in before.iter().zip(&after) {
                    match *before == Some(port) {
                        true => assert!(after.is_some() && *after != Some(port)),
                        false => assert_eq!(after, before),
                    }
                }
            }
        }
        assert_eq!(chosen(&members, &[2, 3, 4]), [None; 64]);
    }
}

#[test]
fn a_member_that_is_no_port_counts_as_live() {
    let members = bundle(
        MemberAlgorithm::ActiveBackup,
        HashFields::EthSrc,
        &[0xffff, 2],
    );
    assert_eq!(chosen(&members, &[]), [None; 64]);
}

#[test]
fn the_first_live_member_is_active_and_the_others_are_backups() {
    let members = bundle(MemberAlgorithm::ActiveBackup, HashFields::EthSrc, &[2, 3]);
    assert_eq!(chosen(&members, &[]), [Some(2); 64]);
    assert_eq!(chosen(&members, &[2]), [Some(3); 64]);
    assert_eq!(chosen(&members, &[2, 3]), [None; 64]);
    let at_once = Bundle {
        dst: None,
        ..members
    };
    let tables = Tables::default().flow(0, 1, any(), apply([Action::Bundle(Box::new(at_once))]));
    assert_eq!(sent(tables, frame()), [(2, vec![])]);
}

#[test]
fn multipath_numbers_conversations() {
    let multipath = Action::Multipath(Multipath {
        fields: HashFields::SymmetricL3L4Udp,
        basis: 0,
        algorithm: LinkAlgorithm::ModuloN,
        max_link: 3,
        arg: 0,
        dst: REGISTER,
    });
    let link = |flow_hash| {
        let mut tables =
            Tables::default().flow(0, 1, any(), [apply([multipath.clone()]), goto(1)].concat());
        for link in 0..3_u32 {
            let match_ = any().with(OxmField::Reg3, link);
            tables = tables.flow(1, 1, match_, apply([output(link + 2)]));
        }
        let frame = Frame {
            flow_hash,
            ..frame()
        };
        sent(tables, frame).first().map(|(port, _)| *port)
    };
    let links: std::collections::BTreeSet<_> = (0..64).map(link).collect();
    assert_eq!(links, [None, Some(2), Some(3), Some(4)].into());
    assert_eq!(link(7), link(7));
}

#[test]
fn a_clone_changes_nothing_outside() {
    let tables = Tables::default().flow(
        0,
        1,
        any(),
        apply([
            Action::Clone(vec![Action::PushVlan(Tag::CUSTOMER), vid(5), output(2)]),
            output(3),
        ]),
    );
    assert_eq!(sent(tables, frame()), [(2, vec![5]), (3, vec![])]);
}

#[test]
fn a_copy_may_be_cut_off() {
    let actions = [
        Action::OutputTrunc {
            port: 2,
            max_len: 64,
        },
        output(3),
    ];
    let network = Tables::default()
        .flow(0, 1, any(), apply(actions))
        .network();
    let walk = network.inject(Role::Local, PortNo(1), frame());
    let cut: Vec<_> = walk.deliveries.iter().map(|copy| copy.max_len).collect();
    assert_eq!(cut, [Some(64), None]);
}

#[test]
fn a_port_that_is_down_gets_nothing_and_is_not_live() {
    let watching = |port| Bucket {
        weight: 0,
        watch_port: PortNo(port),
        watch_group: GroupId::ANY,
        actions: vec![output(port)],
    };
    let buckets = vec![watching(2), watching(3)];
    let tables = Tables::default()
        .group(1, GroupType::FastFailover, buckets)
        .flow(
            0,
            1,
            any(),
            apply([Action::Group(GroupId(1)), output(2), output(4)]),
        );
    let mut network = tables.network();
    network.set_down(Role::Local, PortNo(2));
    let walk = network.inject(Role::Local, PortNo(1), frame());
    assert_eq!(copies(&walk), [(3, vec![]), (4, vec![])]);
    assert!(walk.pass.steps.contains(&Step::Down(PortNo(2))));
}
