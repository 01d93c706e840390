//! `tshark` as the second judge, and the only one for what Open vSwitch does not do.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::{BufMut, Bytes};
use openflow::*;

use super::{of_open_vswitch, skipped};
use crate::common::encode;

/// What `tshark` finds in each message: the values of `fields`, those of a field that is there
/// several times between commas.
fn dissect(messages: &[Bytes], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut arguments = vec!["-r", "-", "-T", "fields", "-E", "occurrence=a"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let child = Command::new("tshark")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skipped("tshark");
        return None;
    };
    let capture = capture(messages);
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(&capture));
        child.wait_with_output().expect("it ends")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    let rows: Vec<Vec<String>> = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.len(), messages.len(), "{text}");
    Some(rows)
}

/// A capture file with a TCP segment for each message.
fn capture(messages: &[Bytes]) -> Vec<u8> {
    const ETHERNET: u32 = 1;
    let mut file = Vec::new();
    file.put_u32(0xa1b2_c3d4); // big-endian, microseconds
    file.put_u16(2);
    file.put_u16(4);
    file.put_u64(0);
    file.put_u32(0x4_0000);
    file.put_u32(ETHERNET);
    let mut sequence = 1;
    for message in messages {
        let length = (14 + 20 + 20 + message.len()) as u32;
        file.put_u64(0);
        file.put_u32(length);
        file.put_u32(length);
        put_segment(&mut file, message, sequence);
        sequence += message.len() as u32;
    }
    file
}

fn put_segment(file: &mut Vec<u8>, message: &[u8], sequence: u32) {
    file.extend_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00]);
    file.extend_from_slice(&[0x45, 0]); // IPv4, 20 bytes
    file.put_u16((40 + message.len()) as u16);
    file.extend_from_slice(&[0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    file.put_u16(6653);
    file.put_u16(50000);
    file.put_u32(sequence);
    file.put_u32(1);
    file.extend_from_slice(&[0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]); // 20 bytes, ACK
    file.extend_from_slice(message);
}

fn flow_mod(match_: Match, instructions: Vec<Instruction>) -> Bytes {
    let flow_mod = FlowMod {
        match_,
        instructions,
        ..FlowMod::add()
    };
    encode(Xid(1), &Message::FlowMod(flow_mod))
}

#[test]
fn tshark_finds_whole_messages() {
    // A segment has no room for longer ones.
    let wires: Vec<_> = of_open_vswitch()
        .map(|sample| sample.wire)
        .filter(|wire| wire.len() < 60_000)
        .collect();
    let fields = [
        "openflow_v4.version",
        "openflow_v4.length",
        "openflow_v4.xid",
        "_ws.malformed",
    ];
    let Some(rows) = dissect(&wires, &fields) else {
        return;
    };
    for (wire, row) in wires.iter().zip(rows) {
        let header = Header::peek(wire).expect("it is whole");
        if header.version != VERSION {
            continue;
        }
        // An error, or a bundle, has another message inside.
        let first = |values: &String| values.split(',').next().map(str::to_owned);
        assert_eq!(
            first(&row[1]),
            Some(header.length.to_string()),
            "{wire:02x?}"
        );
        assert_eq!(
            first(&row[2]),
            Some(header.xid.0.to_string()),
            "{wire:02x?}"
        );
        // The packet in a message may be cut; that is not the message's fault. And tshark 4.0 takes
        // every experimenter's multipart reply for malformed.
        let experimenter = wire[1] == 19 && wire[8..10] == [0xff, 0xff];
        assert!(
            !row[3].contains("openflow") || experimenter,
            "{}: {wire:02x?}",
            row[3]
        );
    }
}

/// Bits, bytes, and whether there may be a mask, by the number of the field: the table of §7.2.3.7.
const BASIC_FIELDS: [(u8, usize, bool); 40] = [
    (32, 4, false),   // in_port
    (32, 4, false),   // in_phy_port
    (64, 8, true),    // metadata
    (48, 6, true),    // eth_dst
    (48, 6, true),    // eth_src
    (16, 2, false),   // eth_type
    (13, 2, true),    // vlan_vid
    (3, 1, false),    // vlan_pcp
    (6, 1, false),    // ip_dscp
    (2, 1, false),    // ip_ecn
    (8, 1, false),    // ip_proto
    (32, 4, true),    // ipv4_src
    (32, 4, true),    // ipv4_dst
    (16, 2, false),   // tcp_src
    (16, 2, false),   // tcp_dst
    (16, 2, false),   // udp_src
    (16, 2, false),   // udp_dst
    (16, 2, false),   // sctp_src
    (16, 2, false),   // sctp_dst
    (8, 1, false),    // icmpv4_type
    (8, 1, false),    // icmpv4_code
    (16, 2, false),   // arp_op
    (32, 4, true),    // arp_spa
    (32, 4, true),    // arp_tpa
    (48, 6, true),    // arp_sha
    (48, 6, true),    // arp_tha
    (128, 16, true),  // ipv6_src
    (128, 16, true),  // ipv6_dst
    (20, 4, true),    // ipv6_flabel
    (8, 1, false),    // icmpv6_type
    (8, 1, false),    // icmpv6_code
    (128, 16, false), // ipv6_nd_target
    (48, 6, false),   // ipv6_nd_sll
    (48, 6, false),   // ipv6_nd_tll
    (20, 4, false),   // mpls_label
    (3, 1, false),    // mpls_tc
    (1, 1, false),    // mpls_bos
    (24, 3, true),    // pbb_isid
    (64, 8, true),    // tunnel_id
    (9, 2, true),     // ipv6_exthdr
];

#[test]
fn tshark_finds_every_basic_field_where_the_specification_puts_it() {
    let value = |field: OxmField| 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10 & field.full_mask();
    let mut wires = Vec::new();
    let mut expected = Vec::new();
    for (number, (bits, bytes, maskable)) in (0..).zip(BASIC_FIELDS) {
        let class = OxmClass::Basic.number();
        let field = OxmField::from_wire(class, number, None).expect("all are known");
        assert_eq!(
            (field.bits(), field.is_maskable()),
            (bits, maskable),
            "{field:?}"
        );
        let exact = Oxm::new(field, value(field));
        let masked = Oxm::masked(field, value(field), field.full_mask());
        for (oxm, length) in [(exact, bytes), (masked, 2 * bytes)] {
            wires.push(flow_mod([oxm].into_iter().collect(), vec![]));
            let has_mask = u8::from(oxm.mask.is_some());
            expected.push([
                "0x8000".to_owned(),
                number.to_string(),
                has_mask.to_string(),
                length.to_string(),
            ]);
        }
    }
    let names = [
        "openflow_v4.oxm.class",
        "openflow_v4.oxm.field",
        "openflow_v4.oxm.hm",
        "openflow_v4.oxm.length",
    ];
    let Some(rows) = dissect(&wires, &names) else {
        return;
    };
    for (row, expected) in rows.iter().zip(expected) {
        assert_eq!(row[..], expected);
    }
}

#[test]
fn tshark_finds_every_standard_action() {
    let cases = [
        (
            Action::Output {
                port: PortNo(7),
                max_len: 99,
            },
            0,
            "output.port",
            "7",
        ),
        (Action::CopyTtlOut, 11, "copy_ttl_out.pad", "00000000"),
        (Action::CopyTtlIn, 12, "copy_ttl_in.pad", "00000000"),
        (Action::SetMplsTtl(17), 15, "set_mpls_ttl.ttl", "17"),
        (Action::DecMplsTtl, 16, "dec_mpls_ttl.pad", "00000000"),
        (
            Action::PushVlan(0x88a8),
            17,
            "push_vlan.ethertype",
            "0x88a8",
        ),
        (Action::PopVlan, 18, "pop_vlan.pad", "00000000"),
        (
            Action::PushMpls(0x8847),
            19,
            "push_mpls.ethertype",
            "0x8847",
        ),
        (Action::PopMpls(0x0800), 20, "pop_mpls.ethertype", "0x0800"),
        (
            Action::SetQueue(QueueId(18)),
            21,
            "set_queue.queue_id",
            "18",
        ),
        (Action::Group(GroupId(19)), 22, "group.group_id", "19"),
        (Action::SetNwTtl(20), 23, "set_nw_ttl.ttl", "20"),
        (Action::DecNwTtl, 24, "dec_nw_ttl.pad", "00000000"),
        (
            Action::set_field(OxmField::IpEcn, 1u8),
            25,
            "set_field.pad",
            "00000000000000",
        ),
        (Action::PushPbb(0x88e7), 26, "push_pbb.ethertype", "0x88e7"),
        (Action::PopPbb, 27, "pop_pbb.pad", "00000000"),
    ];
    let wires: Vec<_> = cases
        .iter()
        .map(|(action, ..)| vec![Instruction::ApplyActions(vec![action.clone()])])
        .map(|instructions| flow_mod(Match::new(), instructions))
        .collect();
    let mut names = vec!["openflow_v4.action.type".to_owned()];
    names.extend(
        cases
            .iter()
            .map(|(_, _, name, _)| format!("openflow_v4.action.{name}")),
    );
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let Some(rows) = dissect(&wires, &names) else {
        return;
    };
    for (i, ((action, kind, _, value), row)) in cases.iter().zip(rows).enumerate() {
        assert_eq!(row[0], kind.to_string(), "{action:?}");
        assert_eq!(row[i + 1], *value, "{action:?}");
    }
}

#[test]
fn tshark_finds_every_instruction() {
    let instructions = vec![
        Instruction::Meter(MeterId(3)),
        Instruction::ApplyActions(vec![]),
        Instruction::ClearActions,
        Instruction::WriteActions(vec![]),
        Instruction::WriteMetadata {
            metadata: 0x37,
            mask: 0x3f,
        },
        Instruction::GotoTable(TableId(38)),
    ];
    let names = [
        "openflow_v4.instruction.type",
        "openflow_v4.instruction.meter.meter_id",
        "openflow_v4.instruction.write_metadata.value",
        "openflow_v4.instruction.write_metadata.mask",
        "openflow_v4.instruction.goto_table.table_id",
    ];
    let Some(rows) = dissect(&[flow_mod(Match::new(), instructions)], &names) else {
        return;
    };
    assert_eq!(
        rows[0],
        [
            "6,4,5,3,2,1",
            "3",
            "0x0000000000000037",
            "0x000000000000003f",
            "38"
        ]
    );
}

/// Of a message that Open vSwitch prints only in part: which cookie, and which group.
#[test]
fn tshark_finds_the_numbers_of_a_flow_mod() {
    let flow_mod = FlowMod {
        cookie: Cookie(0x11),
        cookie_mask: 0x12,
        table_id: TableId(13),
        command: FlowModCommand::ModifyStrict,
        idle_timeout: 14,
        hard_timeout: 15,
        priority: 16,
        buffer_id: BufferId(17),
        out_port: PortNo(18),
        out_group: GroupId(19),
        flags: FlowModFlags::NO_PKT_COUNTS,
        ..FlowMod::add()
    };
    let names = [
        "cookie",
        "cookie_mask",
        "table_id",
        "command",
        "idle_timeout",
        "hard_timeout",
        "priority",
        "buffer_id",
        "out_port",
        "out_group",
        "flags",
    ]
    .map(|name| format!("openflow_v4.flowmod.{name}"));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let wire = encode(Xid(1), &Message::FlowMod(flow_mod));
    let Some(rows) = dissect(&[wire], &names) else {
        return;
    };
    assert_eq!(
        rows[0],
        [
            "0x0000000000000011",
            "0x0000000000000012",
            "13",
            "2",
            "14",
            "15",
            "16",
            "17",
            "18",
            "19",
            "0x0008",
        ]
    );
}
