//! Every length in every structure is believed only where it fits.

use bytes::Bytes;
use openflow::*;

use crate::common::{encode, hex};

/// A length field in a message.
struct Case {
    name: &'static str,
    message: Message,
    /// Where the field is.
    at: usize,
    /// How many bytes it has.
    width: usize,
    /// Lies that make another well-formed message: the rest is then something unknown.
    plausible: &'static [usize],
}

fn case(name: &'static str, message: Message, at: usize) -> Case {
    Case {
        name,
        message,
        at,
        width: 2,
        plausible: &[],
    }
}

const MATCH_AT: usize = 48;
/// Behind an empty match.
const INSTRUCTIONS_AT: usize = MATCH_AT + 8;
const MULTIPART_AT: usize = 16;

fn flow_mod(match_: Match, instructions: Vec<Instruction>) -> Message {
    Message::FlowMod(FlowMod {
        match_,
        instructions,
        ..FlowMod::add()
    })
}

fn instruction(instruction: Instruction) -> Message {
    flow_mod(Match::new(), vec![instruction])
}

fn actions(actions: Vec<Action>) -> Message {
    instruction(Instruction::ApplyActions(actions))
}

fn group_mod(actions: Vec<Action>) -> Message {
    Message::GroupMod(GroupMod {
        command: GroupModCommand::Add,
        kind: GroupType::All,
        group_id: GroupId(1),
        buckets: vec![Bucket::new(actions)],
    })
}

fn reply(body: MultipartReplyBody) -> Message {
    Message::MultipartReply(MultipartReply {
        flags: MultipartFlags::empty(),
        body,
    })
}

fn flow_stats() -> FlowStats {
    FlowStats {
        table_id: TableId(1),
        duration_sec: 2,
        duration_nsec: 3,
        priority: 4,
        idle_timeout: 5,
        hard_timeout: 6,
        flags: FlowModFlags::empty(),
        cookie: Cookie(7),
        packet_count: 8,
        byte_count: 9,
        match_: Match::new(),
        instructions: vec![Instruction::ClearActions],
    }
}

fn table_features(properties: Vec<TableFeature>) -> Message {
    reply(MultipartReplyBody::TableFeatures(vec![TableFeatures {
        table_id: TableId(1),
        name: FixedStr::new("first").expect("it is short"),
        metadata_match: 2,
        metadata_write: 3,
        config: TableConfig::empty(),
        max_entries: 4,
        properties,
    }]))
}

fn cases() -> Vec<Case> {
    let in_port = || Match::new().with(OxmField::InPort, 0x0102_0304u32);
    let output = || Action::output(PortNo(1));
    let action_at = INSTRUCTIONS_AT + 8;
    let drop_band = || {
        vec![MeterBand::Drop {
            rate: 1,
            burst_size: 2,
        }]
    };
    let queue = PacketQueue {
        queue_id: QueueId(1),
        port: PortNo(2),
        properties: vec![QueueProperty::MinRate(3)],
    };
    let queues = Message::QueueGetConfigReply(QueueGetConfigReply {
        port: PortNo(2),
        queues: vec![queue],
    });
    let group_stats = GroupStats {
        group_id: GroupId(1),
        ref_count: 2,
        packet_count: 3,
        byte_count: 4,
        duration_sec: 5,
        duration_nsec: 6,
        bucket_stats: vec![BucketCounter {
            packet_count: 7,
            byte_count: 8,
        }],
    };
    let meter_stats = MeterStats {
        meter_id: MeterId(1),
        flow_count: 2,
        packet_in_count: 3,
        byte_in_count: 4,
        duration_sec: 5,
        duration_nsec: 6,
        band_stats: vec![MeterBandStats {
            packet_band_count: 7,
            byte_band_count: 8,
        }],
    };
    let group_desc = GroupDesc {
        kind: GroupType::All,
        group_id: GroupId(1),
        buckets: vec![Bucket::new(vec![])],
    };
    let meter_config = MeterConfig {
        flags: MeterFlags::KBPS,
        meter_id: MeterId(1),
        bands: drop_band(),
    };
    let packet_out = Message::PacketOut(PacketOut::new(vec![output()], Bytes::new()));
    let bundle_add = Message::BundleAdd(BundleAdd::new(1, BundleFlags::ATOMIC, packet_out.clone()));
    let meter_mod = Message::MeterMod(MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::KBPS,
        meter_id: MeterId(1),
        bands: drop_band(),
    });
    let next_tables = TableFeature::NextTables(vec![TableId(1), TableId(2)]);
    let instructions = TableFeature::Instructions(vec![TypeId::new(1)]);
    let experimenter_feature = ExperimenterFeature {
        experimenter: 1,
        exp_type: 2,
        data: Bytes::new(),
    };
    let packet_in2 = NxMessage::PacketIn2(vec![PacketInProperty::FullLen(1)]);
    vec![
        case("ofp_header", flow_mod(in_port(), vec![]), 2),
        // What is no longer in the element is its padding.
        Case {
            plausible: &[4, 5, 6, 7],
            ..case("ofp_hello_elem", Message::Hello(Hello::new()), 10)
        },
        case("ofp_match", flow_mod(in_port(), vec![]), MATCH_AT + 2),
        Case {
            width: 1,
            ..case("oxm", flow_mod(in_port(), vec![]), MATCH_AT + 7)
        },
        case(
            "instruction",
            instruction(Instruction::GotoTable(TableId(1))),
            INSTRUCTIONS_AT + 2,
        ),
        case(
            "instruction",
            instruction(Instruction::WriteMetadata {
                metadata: 1,
                mask: 2,
            }),
            INSTRUCTIONS_AT + 2,
        ),
        // Without its action, and that for an instruction without a name.
        Case {
            plausible: &[8],
            ..case("apply", actions(vec![output()]), INSTRUCTIONS_AT + 2)
        },
        case("action", actions(vec![output()]), action_at + 2),
        case(
            "set_field",
            actions(vec![Action::set_field(OxmField::IpEcn, 1u8)]),
            action_at + 2,
        ),
        Case {
            width: 1,
            ..case(
                "oxm of set_field",
                actions(vec![Action::set_field(OxmField::IpEcn, 1u8)]),
                action_at + 7,
            )
        },
        case(
            "nx_action",
            actions(vec![Action::SetTunnel64(1)]),
            action_at + 2,
        ),
        case(
            "nx_action_bundle",
            actions(vec![Action::DecTtlCntIds(vec![1, 2, 3])]),
            action_at + 2,
        ),
        // A list that ends earlier or later, in what is padding otherwise.
        Case {
            plausible: &[1, 2, 4],
            ..case(
                "n_controllers",
                actions(vec![Action::DecTtlCntIds(vec![1, 2, 3])]),
                action_at + 10,
            )
        },
        case(
            "nested",
            actions(vec![Action::Clone(vec![Action::PopVlan])]),
            action_at + 18,
        ),
        case(
            "controller2",
            actions(vec![Action::Controller2(vec![ControllerProperty::MaxLen(
                1,
            )])]),
            action_at + 18,
        ),
        Case {
            plausible: &[0],
            ..case("actions_len", packet_out.clone(), 16)
        },
        case("bucket", group_mod(vec![]), 16),
        case("bucket", group_mod(vec![output()]), 16),
        case("band", meter_mod, 18),
        case("queue", queues.clone(), 24),
        case("queue property", queues, 34),
        case(
            "flow stats",
            reply(MultipartReplyBody::Flow(vec![flow_stats()])),
            MULTIPART_AT,
        ),
        case(
            "group stats",
            reply(MultipartReplyBody::Group(vec![group_stats])),
            MULTIPART_AT,
        ),
        case(
            "meter stats",
            reply(MultipartReplyBody::Meter(vec![meter_stats])),
            MULTIPART_AT + 4,
        ),
        case(
            "group desc",
            reply(MultipartReplyBody::GroupDesc(vec![group_desc])),
            MULTIPART_AT,
        ),
        case(
            "meter config",
            reply(MultipartReplyBody::MeterConfig(vec![meter_config])),
            MULTIPART_AT,
        ),
        case("table features", table_features(vec![]), MULTIPART_AT),
        // Fewer tables, or padding for tables.
        Case {
            plausible: &[4, 5, 7, 8],
            ..case(
                "next tables",
                table_features(vec![next_tables]),
                MULTIPART_AT + 66,
            )
        },
        Case {
            plausible: &[4],
            ..case(
                "instruction ids",
                table_features(vec![instructions.clone()]),
                MULTIPART_AT + 66,
            )
        },
        case(
            "instruction id",
            table_features(vec![instructions]),
            MULTIPART_AT + 70,
        ),
        // Data that is its padding.
        Case {
            plausible: &[13, 14, 15, 16],
            ..case(
                "experimenter feature",
                table_features(vec![TableFeature::Experimenter(experimenter_feature)]),
                MULTIPART_AT + 66,
            )
        },
        case("bundle add", bundle_add, 26),
        case("packet_in2 property", Message::Nicira(packet_in2), 18),
    ]
}

fn read(wire: &[u8], at: usize, width: usize) -> usize {
    wire[at..at + width]
        .iter()
        .fold(0, |number, &byte| number << 8 | usize::from(byte))
}

#[test]
fn lies_are_refused() {
    for Case {
        name,
        message,
        at,
        width,
        plausible,
    } in cases()
    {
        let wire = encode(Xid(1), &message);
        let truth = read(&wire, at, width);
        let max = (1 << (8 * width)) - 1;
        let accepted: Vec<usize> = (0..=max)
            .filter(|&length| length != truth)
            .filter(|length| {
                let mut lie = wire.to_vec();
                lie[at..at + width].copy_from_slice(&length.to_be_bytes()[8 - width..]);
                Message::decode(lie.into()).is_ok()
            })
            .collect();
        assert_eq!(accepted, plausible, "{name}, truly {truth}: {message:?}");
    }
}

/// An element whose length takes in the next one: the bytes that it has no use for are an error.
#[test]
fn left_over_bytes_are_refused() {
    let pop = || Action::PopVlan;
    let goto = || Instruction::GotoTable(TableId(1));
    let band = || MeterBand::Drop {
        rate: 1,
        burst_size: 2,
    };
    let meter_mod = Message::MeterMod(MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::KBPS,
        meter_id: MeterId(1),
        bands: vec![band(), band()],
    });
    let properties = vec![ControllerProperty::Pause, ControllerProperty::Pause];
    let action_at = INSTRUCTIONS_AT + 8;
    let cases = [
        (
            flow_mod(Match::new(), vec![goto(), goto()]),
            INSTRUCTIONS_AT + 2,
            16,
        ),
        (actions(vec![pop(), pop()]), action_at + 2, 16),
        (actions(vec![Action::Exit, Action::Exit]), action_at + 2, 32),
        (
            actions(vec![Action::Controller2(properties)]),
            action_at + 18,
            12,
        ),
        (meter_mod, 18, 32),
    ];
    for (message, at, length) in cases {
        let mut wire = encode(Xid(1), &message).to_vec();
        wire[at..at + 2].copy_from_slice(&u16::to_be_bytes(length));
        let error = Message::decode(wire.into()).expect_err("bytes are left");
        assert!(
            matches!(error.problem(), Problem::LeftOver { .. }),
            "{error}: {message:?}"
        );
    }
}

/// Experimenters may have actions of 8 bytes, but those of Nicira and of the ONF have a subtype.
#[test]
fn actions_of_nicira_have_room_for_a_subtype() {
    let packet_out = |experimenter| {
        let fixed = "040d0020 00000001 ffffffff fffffffd 0008 000000000000";
        Message::decode(hex(&format!("{fixed} ffff 0008 {experimenter}")))
    };
    assert!(packet_out("00abcdef").is_ok());
    assert!(packet_out("00002320").is_err());
    assert!(packet_out("4f4e4600").is_err());
}
