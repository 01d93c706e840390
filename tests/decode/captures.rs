//! Packet captures in, lines with time and direction out.

use std::io::Write;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::command::{data, lines, objects, run};
use crate::packets::{CONTROLLER, ETHERNET, SWITCH, Segment, pcap, pcap_of_nanoseconds, pcapng};

/// Three messages: BARRIER_REQUEST, ECHO_REQUEST with 3,000 bytes, BARRIER_REPLY.
fn stream() -> Vec<u8> {
    let mut stream = vec![4, 20, 0, 8, 0, 0, 0, 1];
    stream.extend([4, 2, 0x0b, 0xc0, 0, 0, 0, 2]);
    // Nothing in it looks like a message.
    stream.extend([0xaa; 3000]);
    stream.extend([4, 21, 0, 8, 0, 0, 0, 3]);
    stream
}

/// The stream in segments of `size` bytes behind a SYN.
fn segments(size: usize) -> Vec<Segment> {
    let mut segments = vec![Segment::syn(999)];
    for (index, chunk) in stream().chunks(size).enumerate() {
        segments.push(Segment::new(1000 + (index * size) as u32, chunk));
    }
    segments
}

fn ethernet(segments: &[Segment]) -> Vec<Vec<u8>> {
    segments
        .iter()
        .map(|segment| segment.ethernet(&[]))
        .collect()
}

/// A file with a capture in it, and the arguments to read it.
struct Capture(NamedTempFile);

impl Capture {
    fn new(bytes: &[u8]) -> Self {
        let mut file = NamedTempFile::new().expect("a temporary file");
        file.write_all(bytes).expect("room in it");
        Self(file)
    }

    fn of(segments: &[Segment]) -> Self {
        Self::new(&pcap(ETHERNET, &ethernet(segments)))
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let path = self.0.path().to_str().expect("UTF-8");
        [&["--pcap", path], more].concat()
    }

    /// The lines of text without the time, and the exit status.
    fn lines(&self) -> (Vec<String>, Option<i32>) {
        let (mut lines, status) = lines(&self.arguments(&[]), b"");
        for line in &mut lines {
            let message = line.strip_prefix("error: ");
            let prefix = if message.is_some() { "error: " } else { "" };
            let (_time, rest) = message.unwrap_or(line).split_once(' ').expect("a time");
            *line = format!("{prefix}{rest}").chars().take(90).collect();
        }
        (lines, status)
    }

    fn objects(&self, more: &[&str]) -> Vec<Value> {
        objects(&self.arguments(more), b"")
    }
}

const SWITCH_TO_CONTROLLER: &str = "10.0.0.1:40000 -> 10.0.0.2:6653";

/// What becomes of the whole stream.
fn whole() -> Vec<String> {
    let echo = format!(
        "{SWITCH_TO_CONTROLLER} ECHO_REQUEST xid=0x2 data={}",
        "aa".repeat(3000)
    );
    vec![
        format!("{SWITCH_TO_CONTROLLER} BARRIER_REQUEST xid=0x1"),
        echo.chars().take(90).collect(),
        format!("{SWITCH_TO_CONTROLLER} BARRIER_REPLY xid=0x3"),
    ]
}

#[test]
fn lines_have_time_and_direction_in_every_format() {
    let capture = Capture::of(&segments(4000));
    let (text, status) = lines(&capture.arguments(&[]), b"");
    assert_eq!(status, Some(0));
    assert_eq!(
        text[0],
        "1700000000.000001000 10.0.0.1:40000 -> 10.0.0.2:6653 BARRIER_REQUEST xid=0x1"
    );
    let (hex, _) = lines(&capture.arguments(&["--reencode"]), b"");
    assert_eq!(
        hex[2],
        "1700000000.000001000 10.0.0.1:40000 -> 10.0.0.2:6653 0415000800000003"
    );
    assert_eq!(
        capture.objects(&[])[0],
        json!({
            "time": 1_700_000_000.000_001_f64, "src": "10.0.0.1:40000", "dst": "10.0.0.2:6653",
            "type": "BARRIER_REQUEST", "version": 4, "xid": 1,
        })
    );
}

#[test]
fn segments_in_any_order_give_the_same_messages() {
    for size in [1, 7, 100, 1448, 5000] {
        let in_order = segments(size);
        assert_eq!(Capture::of(&in_order).lines(), (whole(), Some(0)), "{size}");

        let mut backwards = in_order.clone();
        backwards[1..].reverse();
        assert_eq!(
            Capture::of(&backwards).lines(),
            (whole(), Some(0)),
            "{size}"
        );

        let twice: Vec<_> = in_order.iter().chain(&in_order).cloned().collect();
        assert_eq!(Capture::of(&twice).lines(), (whole(), Some(0)), "{size}");

        let mut overlapping = in_order.clone();
        overlapping.extend(segments(size + 3));
        overlapping.sort_by_key(|segment| (segment.seq as usize * 7919) % 101);
        overlapping.sort_by_key(|segment| !segment.syn);
        assert_eq!(
            Capture::of(&overlapping).lines(),
            (whole(), Some(0)),
            "{size}"
        );
    }
}

#[test]
fn every_file_format_and_link_type_is_read() {
    let segments = segments(1000);
    let frames = ethernet(&segments);
    for file in [
        pcap(ETHERNET, &frames),
        pcap_of_nanoseconds(ETHERNET, &frames),
        pcapng(ETHERNET, &frames),
    ] {
        let capture = Capture::new(&file);
        assert_eq!(capture.lines(), (whole(), Some(0)));
        let time = &capture.objects(&[])[0]["time"];
        assert_eq!(time, &json!(1_700_000_000.000_001_f64));
    }
    let link = |header: &[u8]| -> Vec<Vec<u8>> {
        let packets = segments.iter().map(Segment::ipv4);
        packets.map(|packet| [header, &packet].concat()).collect()
    };
    let tagged = |tags: &[u16]| -> Vec<Vec<u8>> {
        segments
            .iter()
            .map(|segment| segment.ethernet(tags))
            .collect()
    };
    let sll = [0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0];
    let sll2 = [8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0];
    // A tag behind the header of the link.
    let sll_tagged = [&sll[..14], &[0x81, 0, 0x0b, 0xb8, 8, 0]].concat();
    for (name, number, packets) in [
        ("Ethernet, one tag", 1, tagged(&[3000])),
        ("Ethernet, two tags", 1, tagged(&[3000, 5])),
        ("Linux cooked", 113, link(&sll)),
        ("Linux cooked, tagged", 113, link(&sll_tagged)),
        ("Linux cooked 2", 276, link(&sll2)),
        ("BSD loopback", 0, link(&[2, 0, 0, 0])),
        ("OpenBSD loopback", 108, link(&[0, 0, 0, 2])),
        ("raw IP", 101, link(&[])),
        ("raw IPv4", 228, link(&[])),
    ] {
        let capture = Capture::new(&pcap(number, &packets));
        assert_eq!(capture.lines(), (whole(), Some(0)), "{name}");
    }
    for number in [101, 229] {
        let packets: Vec<_> = segments.iter().map(Segment::ipv6).collect();
        let objects = Capture::new(&pcap(number, &packets)).objects(&[]);
        assert_eq!(objects.len(), 3);
        assert_eq!(objects[0]["src"], "[::1]:40000");
        assert_eq!(objects[0]["dst"], "[::2]:6653");
    }
}

#[test]
fn packets_of_another_link_type_are_an_error_once() {
    let packets = vec![vec![0; 60]; 3];
    let (lines, status) = lines(&Capture::new(&pcap(105, &packets)).arguments(&[]), b"");
    assert_eq!(lines, ["error: packets of link type 105 can not be read"]);
    assert_eq!(status, Some(1));
}

#[test]
fn a_gap_is_reported_and_the_next_message_is_found() {
    // In the capture 1,000 bytes in the middle of the echo are missing; the other side got them.
    let mut gap = segments(1000);
    gap.remove(2);
    gap.insert(3, Segment::acknowledgement(1000 + 3000));
    let (lines, status) = Capture::of(&gap).lines();
    assert_eq!(status, Some(1));
    let error = |reason| format!("error: {SWITCH_TO_CONTROLLER}: {reason}");
    let expected = [
        whole()[0].clone(),
        error("1000 bytes are not in the capture"),
        error("2008 bytes skipped, no message seems to begin in them"),
        whole()[2].clone(),
    ];
    let cut: Vec<String> = expected
        .iter()
        .map(|line| line.chars().take(90).collect())
        .collect();
    assert_eq!(lines, cut);
}

#[test]
fn a_capture_that_begins_or_ends_inside_a_message_says_so() {
    let late = &segments(1000)[2..];
    let (lines, status) = Capture::of(late).lines();
    assert_eq!(status, Some(1));
    assert!(lines[0].starts_with("error: "), "{lines:?}");
    assert_eq!(lines[1..], whole()[2..]);

    let early = &segments(1000)[..3];
    let (lines, status) = Capture::of(early).lines();
    assert_eq!(status, Some(1));
    assert_eq!(lines[..1], whole()[..1]);
    assert!(
        lines[1].starts_with("error: ") && lines.len() == 2,
        "{lines:?}"
    );
}

#[test]
fn only_openflow_ports_are_looked_at() {
    let on_port = |port| {
        let mut segments = segments(4000);
        for segment in &mut segments {
            segment.ports = (SWITCH, port);
        }
        Capture::of(&segments)
    };
    assert_eq!(on_port(CONTROLLER).objects(&[]).len(), 3);
    assert_eq!(on_port(6633).objects(&[]).len(), 3);
    assert_eq!(on_port(6640).objects(&[]).len(), 0);
    assert_eq!(on_port(6640).objects(&["--port", "6640"]).len(), 3);
    assert_eq!(
        on_port(6640)
            .objects(&["--port", "1", "--port", "6640"])
            .len(),
        3
    );
    assert_eq!(on_port(CONTROLLER).objects(&["--port", "6640"]).len(), 0);
}

#[test]
fn what_can_not_be_decoded_is_an_error_with_its_place() {
    let bad = [4, 14, 0, 8, 0, 0, 0, 1];
    let good = [4, 20, 0, 8, 0, 0, 0, 2];
    let capture = Capture::of(&[Segment::syn(0), Segment::new(1, &[bad, good].concat())]);
    for arguments in [&[][..], &["--json"], &["--reencode"]] {
        let (lines, status) = lines(&capture.arguments(arguments), b"");
        assert_eq!(status, Some(1));
        assert_eq!(
            lines[0],
            "error: 1700000000.000001000 10.0.0.1:40000 -> 10.0.0.2:6653: \
             FlowMod: ofp_flow_mod at offset 8: fixed part needs 40 bytes, 0 are left"
        );
        assert!(!lines[1].starts_with("error: "), "{}", lines[1]);
    }
}

#[test]
fn files_that_are_no_captures_or_are_cut_off_are_errors() {
    for not_a_capture in [&b""[..], b"hello", &[0x0a, 0x0d, 0x0d, 0x0a], &[0; 100]] {
        let (lines, status) = lines(&Capture::new(not_a_capture).arguments(&[]), b"");
        assert_eq!(lines, ["error: this is neither a pcap nor a pcapng file"]);
        assert_eq!(status, Some(1));
    }
    let frames = ethernet(&segments(4000));
    for file in [pcap(ETHERNET, &frames), pcapng(ETHERNET, &frames)] {
        // What is before the end is shown.
        let longer = [&file[..], &file[file.len() - 60..file.len() - 20]].concat();
        for cut in [&file[..file.len() - 1], &longer] {
            let (lines, status) = lines(&Capture::new(cut).arguments(&[]), b"");
            assert_eq!(status, Some(1), "{lines:?}");
            let last = lines.last().expect("an error");
            assert!(last.starts_with("error: the file "), "{last}");
        }
    }
    let output = run(&["--pcap", "/does/not/exist"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/does/not/exist"));
}

#[test]
fn any_damage_to_a_capture_ends_in_lines() {
    // Each byte changed, one at a time; no crash, and nothing that lasts.
    let session = std::fs::read(data("ovs-session.pcap")).expect("the fixture");
    let short = &session[..1200];
    let damaged = pcapng(ETHERNET, &ethernet(&segments(100)[..4]));
    for file in [short, &damaged] {
        for index in (0..file.len()).step_by(5) {
            let mut damaged = file.to_vec();
            damaged[index] ^= 0xa5;
            let output = run(&Capture::new(&damaged).arguments(&[]), b"");
            assert!(matches!(output.status.code(), Some(0 | 1)), "byte {index}");
        }
    }
}
