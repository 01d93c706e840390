//! Lines of hex in, lines of text, JSON or hex out.

use serde_json::{Value, json};

use crate::command::{corpus, lines, object, objects, run};

const BARRIER: &str = "0414000800000007";

#[test]
fn every_message_of_the_corpus_is_shown_in_every_format() {
    let corpus = corpus();
    let input = corpus.join("\n");
    let (text, status) = lines(&[], input.as_bytes());
    assert_eq!((text.len(), status), (corpus.len(), Some(0)));
    let (hex, status) = lines(&["--reencode"], input.as_bytes());
    assert_eq!(status, Some(0));
    for (given, written) in corpus.iter().zip(&hex) {
        assert_eq!(&given.replace(' ', "").to_lowercase(), written);
    }
    let objects = objects(&[], input.as_bytes());
    for ((object, text), hex) in objects.iter().zip(&text).zip(&hex) {
        assert_eq!(
            object["version"],
            json!(u8::from_str_radix(&hex[..2], 16).unwrap())
        );
        assert_eq!(
            object["xid"],
            json!(u32::from_str_radix(&hex[8..16], 16).unwrap())
        );
        // The type is a name, of messages that are not known a number.
        let kind = object["type"].to_string().replace('"', "");
        assert!(text.starts_with(&format!("{kind} xid=0x")), "{text}");
        assert_no_stopgap(object);
    }
}

/// What the codec knows has names of its own: the stopgaps are for what it learns later.
fn assert_no_stopgap(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(!["bytes", "debug"].contains(&name.as_str()), "{fields:?}");
                assert_no_stopgap(value);
            }
        }
        Value::Array(values) => values.iter().for_each(assert_no_stopgap),
        _ => {}
    }
}

#[test]
fn a_flow_mod_has_the_fields_of_its_structure() {
    let object = object(concat!(
        "04 0e 0070 00000006",                  // FLOW_MOD
        "0000000000001234 00000000000000ff",    // cookie, cookie_mask
        "02 00 003c 0000 000a",                 // table_id, ADD, timeouts, priority
        "ffffffff fffffffe ffffffff 0001 0000", // no buffer, LOCAL, any, SEND_FLOW_REM
        "0001 001e 80000004 00000001",          // in_port
        "80000606 52540000000a",                // eth_dst
        "80000d04 1000 1000 0000",              // vlan_vid with its mask
        "0004 0018 00000000",                   // APPLY_ACTIONS
        "0000 0010 fffffffd 0040 000000000000", // output to the controller
        "0001 0008 03 000000",                  // GOTO_TABLE
    ));
    assert_eq!(
        object,
        json!({
            "type": "FLOW_MOD", "version": 4, "xid": 6,
            "cookie": 0x1234, "cookie_mask": 255, "table_id": 2, "command": "ADD",
            "idle_timeout": 60, "hard_timeout": 0, "priority": 10, "buffer_id": 0xffff_ffff_u32,
            "out_port": 0xffff_fffe_u32, "out_group": 0xffff_ffff_u32, "flags": 1,
            "match": {
                "in_port": 1,
                "eth_dst": "52:54:00:00:00:0a",
                "vlan_vid": "0x1000/0x1000",
            },
            "instructions": [
                {"type": "APPLY_ACTIONS", "actions": [
                    {"type": "OUTPUT", "port": 0xffff_fffd_u32, "max_len": 64},
                ]},
                {"type": "GOTO_TABLE", "table_id": 3},
            ],
        })
    );
}

#[test]
fn header_fields_and_multiparts_and_experimenters_have_their_names() {
    for (line, expected) in [
        (
            BARRIER,
            json!({"type": "BARRIER_REQUEST", "version": 4, "xid": 7}),
        ),
        // A HELLO of OpenFlow 1.4 with a version bitmap of 1.3 and 1.4.
        (
            "0500001000000001 00010008 00000030",
            json!({
                "type": "HELLO", "version": 5, "xid": 1,
                "elements": [{"type": "VERSIONBITMAP", "bitmaps": [48]}],
            }),
        ),
        (
            "0412001000000002 000d 0001 00000000",
            json!({
                "type": "MULTIPART_REQUEST", "version": 4, "xid": 2,
                "multipart": "PORT_DESC", "flags": 1,
            }),
        ),
        (
            "0412001c00000002 ffff 0000 00000000 00abcdef 00000009 01020304",
            json!({
                "type": "MULTIPART_REQUEST", "version": 4, "xid": 2,
                "multipart": "EXPERIMENTER", "flags": 0,
                "experimenter": 0x00ab_cdef, "exp_type": 9, "data": "01020304",
            }),
        ),
        (
            "0404001400000003 00abcdef 00000005 0a0b0c0d",
            json!({
                "type": "EXPERIMENTER", "version": 4, "xid": 3,
                "experimenter": 0x00ab_cdef, "exp_type": 5, "data": "0a0b0c0d",
            }),
        ),
        (
            "0401001000000004 0001 0006 deadbeef",
            json!({
                "type": "ERROR", "version": 4, "xid": 4,
                "error_type": "BAD_REQUEST", "code": "BAD_LEN", "data": "deadbeef",
            }),
        ),
        (
            "0401001000000004 ffff 0a28 4f4e4600",
            json!({
                "type": "ERROR", "version": 4, "xid": 4, "error_type": "EXPERIMENTER",
                "experimenter": 0x4f4e_4600, "exp_type": 2600, "data": "",
            }),
        ),
        // What has no name keeps its number.
        (
            "0463000a00000005 abcd",
            json!({"type": 99, "version": 4, "xid": 5, "data": "abcd"}),
        ),
        (
            "0401000e00000004 0063 0007 dead",
            json!({
                "type": "ERROR", "version": 4, "xid": 4,
                "error_type": 99, "code": 7, "data": "dead",
            }),
        ),
    ] {
        assert_eq!(object(line), expected, "{line}");
    }
}

#[test]
fn text_is_one_readable_line() {
    let (text, _) = lines(
        &[],
        b"04 14 0008 00000007\n0412001000000002 000d 0001 00000000\n0401000c00000004 0001 0006\n",
    );
    assert_eq!(
        text,
        [
            "BARRIER_REQUEST xid=0x7",
            "MULTIPART_REQUEST xid=0x2 PORT_DESC flags=MORE",
            "ERROR xid=0x4 error_type=BAD_REQUEST code=BAD_LEN data=",
        ]
    );
}

#[test]
fn non_zero_padding_is_written_as_zero() {
    // A ROLE_REQUEST with 0xff in its padding.
    let (hex, _) = lines(
        &["--reencode"],
        b"0418001800000001 00000002 ffffffff 0000000000000005",
    );
    assert_eq!(hex, ["041800180000000100000002000000000000000000000005"]);
}

#[test]
fn what_is_no_message_is_an_error_line_and_the_next_line_is_read() {
    let bad = [
        ("04", "header needs 8 bytes, 1 are left"),
        (
            "041400080000000",
            "the line has an odd number of hex digits",
        ),
        ("0x04140008", "byte 2 of the line is 'x', not a hex digit"),
        (
            "04140008 0000 # 7",
            "byte 15 of the line is '#', not a hex digit",
        ),
        // Longer and shorter than the header says, and shorter than a header can be.
        ("0414000800000007ff", "length is 8, expected 9"),
        ("0414000900000007", "length needs 1 bytes, 0 are left"),
        ("0414000700000007", "length is 7, expected 8 or more"),
        // Of OpenFlow 1.0.
        (
            "0114000800000007",
            "version is 1, expected 4 (OpenFlow 1.3)",
        ),
    ];
    let input: String = bad
        .iter()
        .map(|(line, _)| format!("{line}\n{BARRIER}\n"))
        .collect();
    for arguments in [&[][..], &["--json"], &["--reencode"]] {
        let (lines, status) = lines(arguments, input.as_bytes());
        assert_eq!(status, Some(1));
        assert_eq!(lines.len(), 2 * bad.len());
        for (pair, (line, reason)) in lines.chunks(2).zip(bad) {
            assert!(pair[0].starts_with("error: "), "{line}: {}", pair[0]);
            assert!(pair[0].ends_with(reason), "{line}: {}", pair[0]);
            assert!(!pair[1].starts_with("error: "), "{}", pair[1]);
        }
    }
}

#[test]
fn blanks_comments_and_empty_lines_are_no_messages() {
    let input = format!("# one\n\n   \r\n\t04 14\t0008 0000 0007 \r\n#{BARRIER}\n{BARRIER}");
    let (text, status) = lines(&[], input.as_bytes());
    assert_eq!(text, ["BARRIER_REQUEST xid=0x7", "BARRIER_REQUEST xid=0x7"]);
    assert_eq!(status, Some(0));
    assert_eq!(lines(&[], b""), (vec![], Some(0)));
}

#[test]
fn mistakes_in_the_arguments_have_status_2() {
    for arguments in [
        &["--json", "--reencode"][..],
        &["--port", "6653"],
        &["--pcap"],
        &["--pcap", "x", "--port", "65536"],
        &["--no-such-option"],
        &["a-file"],
    ] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

/// A sequence of numbers that looks random and is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn damaged_messages_give_a_line_each_and_what_is_decoded_encodes_stably() {
    let corpus: Vec<Vec<u8>> = corpus()
        .iter()
        .filter(|line| line.len() < 2000)
        .map(|line| {
            let digits = line.replace(' ', "");
            let bytes = digits.as_bytes().chunks(2);
            bytes
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        })
        .collect();
    let mut random = Random(1);
    let mut damaged = Vec::new();
    for message in corpus.iter().cycle().take(20_000) {
        let mut bytes = message.clone();
        match random.below(4) {
            // Cut off, with a header that says so.
            0 => {
                bytes.truncate(8 + random.below(bytes.len() - 7));
                let length = (bytes.len() as u16).to_be_bytes();
                bytes[2..4].copy_from_slice(&length);
            }
            1 => {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            _ => {
                let at =
                    8.min(bytes.len() - 1) + random.below(bytes.len().saturating_sub(8).max(1));
                bytes[at] ^= 1 << random.below(8);
            }
        }
        damaged.push(
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        );
    }
    let input = damaged.join("\n");
    let (text, _) = lines(&[], input.as_bytes());
    let (json, _) = lines(&["--json"], input.as_bytes());
    let (hex, _) = lines(&["--reencode"], input.as_bytes());
    assert_eq!([text.len(), json.len(), hex.len()], [damaged.len(); 3]);
    let mut decoded = Vec::new();
    for ((text, json), hex) in text.iter().zip(&json).zip(hex) {
        let is_error = hex.starts_with("error: ");
        assert_eq!(text.starts_with("error: "), is_error, "{text}");
        assert_eq!(json.starts_with("error: "), is_error, "{json}");
        if !is_error {
            let _: Value =
                serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
            decoded.push(hex);
        }
    }
    assert!(decoded.len() > damaged.len() / 4, "{}", decoded.len());
    let (again, status) = lines(&["--reencode"], decoded.join("\n").as_bytes());
    assert_eq!((again, status), (decoded, Some(0)));
}
