//! `ovs-ofctl`, one process for many messages.

use std::io::Write;
use std::process::{Command, Stdio};

use openflow::{Message, Xid};

use super::skipped;
use crate::common::encode;

/// What `ovs-ofctl ofp-parse` prints for each message: its type and version, and what stands behind
/// its xid.
pub(crate) fn print(messages: &[Message]) -> Option<Vec<String>> {
    // Marks that can not be part of what is printed for a message.
    let xid = |i: usize| Xid(0x5000_0000 + i as u32);
    let wire: Vec<u8> = messages
        .iter()
        .enumerate()
        .flat_map(|(i, message)| encode(xid(i), message))
        .collect();
    let text = run(&["ofp-parse", "-"], &wire)?;
    let mut rest = text.as_str();
    let mut printed = Vec::new();
    for i in 0..messages.len() {
        let mark = |i| format!(" (xid={:#x}):", xid(i).0);
        let (kind, after) = rest
            .split_once(&mark(i))
            .unwrap_or_else(|| panic!("no {i} in {rest}"));
        let end = after.find(&mark(i + 1)).map_or(after.len(), |end| {
            // Back to the start of the line that the next mark is in.
            after[..end].rfind('\n').map_or(0, |newline| newline + 1)
        });
        printed.push(format!("{kind}: {}", after[..end].trim()).trim().to_owned());
        rest = &after[end..];
    }
    Some(printed)
}

/// What `ovs-ofctl parse-flows` understands of each flow, printed as for a message.
pub(crate) fn parse_flows(flows: &[String]) -> Option<Vec<String>> {
    let text = run(&["parse-flows", "-"], (flows.join("\n") + "\n").as_bytes())?;
    let parsed: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("OFPT_FLOW_MOD"))
        .filter_map(|line| line.split_once(" (xid="))
        .filter_map(|(kind, rest)| Some(format!("{kind}: {}", rest.split_once("): ")?.1)))
        .collect();
    assert_eq!(parsed.len(), flows.len(), "{text}");
    Some(parsed)
}

fn run(arguments: &[&str], input: &[u8]) -> Option<String> {
    let child = Command::new("ovs-ofctl")
        .args(["-O", "OpenFlow13"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skipped("ovs-ofctl");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("it ends")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ovs-ofctl {arguments:?}: {errors}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
