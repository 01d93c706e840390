//! Other programs as judges of what the bytes mean. Where a program is missing its tests say so
//! and pass.

mod meanings;
mod ofctl;
mod tshark;

use std::io::Write;

use bytes::Bytes;
use openflow::*;

use crate::common::{Sample, corpus};

/// Flow entries that do nothing, in all ways to say so.
fn idle_flows() -> Vec<(String, FlowMod)> {
    let apply = |actions| Instruction::ApplyActions(actions);
    let idle = [
        vec![],
        vec![apply(vec![])],
        vec![apply(vec![]), Instruction::GotoTable(TableId(3))],
        vec![apply(vec![Action::Clone(vec![])])],
    ];
    idle.into_iter()
        .map(|instructions| FlowMod {
            instructions,
            ..FlowMod::add()
        })
        .map(|flow| ("idle".to_owned(), flow))
        .collect()
}

/// The messages of the corpus that Open vSwitch made: what is made by hand need not have a meaning.
fn of_open_vswitch() -> impl Iterator<Item = Sample> {
    corpus()
        .into_iter()
        .filter(|sample| sample.origin.starts_with("ovs-"))
}

/// Flow entries to be added.
fn flows() -> Vec<(String, FlowMod)> {
    of_open_vswitch()
        .filter_map(|sample| match Message::decode(sample.wire) {
            Ok((_, Message::FlowMod(flow))) if flow.command == FlowModCommand::Add => {
                Some((sample.origin, flow))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn ovs_ofctl_reads_our_text_as_the_flow_it_came_from() {
    let (origins, flows): (Vec<_>, Vec<_>) = flows().into_iter().chain(idle_flows()).unzip();
    let text: Vec<_> = flows.iter().map(FlowMod::to_string).collect();
    let wires: Vec<_> = flows.into_iter().map(Message::FlowMod).collect();
    let (Some(printed), Some(parsed)) = (ofctl::print(&wires), ofctl::parse_flows(&text)) else {
        return;
    };
    for (i, text) in text.iter().enumerate() {
        // Open vSwitch 3.1 does not take back what it writes itself for ct_nw_src and its kin.
        if printed[i].contains("***decode error: OFPBMC_BAD_PREREQ***") {
            assert!(text.contains("ct_nw_proto"), "{}: {text}", origins[i]);
            continue;
        }
        assert_eq!(parsed[i], printed[i], "{}: {text}", origins[i]);
    }
}

/// Every error that one side has a name for; both know the same ones.
#[test]
fn ovs_ofctl_names_errors_as_we_do() {
    let standard = (0..14).flat_map(|kind: u16| {
        (0..20).map(move |code| {
            ErrorKind::Standard(ErrorCode {
                kind: kind.into(),
                code,
            })
        })
    });
    let experimenter = |experimenter, end| {
        (0..end).map(move |exp_type| ErrorKind::Experimenter {
            experimenter,
            exp_type,
        })
    };
    let errors: Vec<_> = standard
        .chain(experimenter(experimenter::ONF, 4500))
        .chain(experimenter(experimenter::NICIRA, 50))
        .collect();
    let messages: Vec<_> = errors
        .iter()
        .map(|&error| ErrorMsg {
            version: VERSION,
            error,
            data: Bytes::from_static(b"quoted"),
        })
        .map(Message::Error)
        .collect();
    let Some(printed) = ofctl::print(&messages) else {
        return;
    };
    for (error, printed) in errors.iter().zip(printed) {
        let named = printed
            .lines()
            .next()
            .and_then(|line| line.split(": ").nth(1));
        let named = named.filter(|name| name.starts_with("OFP") || name.starts_with("NX"));
        let ours = error
            .name()
            .map(|name| name_in_open_vswitch(name).unwrap_or(name));
        assert_eq!(named, ours, "{error:?}: {printed}");
    }
}

/// The names that Open vSwitch has changed, or taken from another version.
fn name_in_open_vswitch(name: &str) -> Option<&'static str> {
    Some(match name {
        "OFPBRC_BAD_MULTIPART" => "OFPBRC_BAD_STAT",
        "OFPBRC_BAD_EXPERIMENTER" => "OFPBRC_BAD_VENDOR",
        "OFPBRC_BAD_EXP_TYPE" => "OFPBRC_BAD_SUBTYPE",
        "OFPBRC_IS_SLAVE" => "OFPBRC_IS_SECONDARY",
        "OFPBAC_BAD_EXPERIMENTER" => "OFPBAC_BAD_VENDOR",
        "OFPBAC_BAD_EXP_TYPE" => "OFPBAC_BAD_VENDOR_TYPE",
        "OFPTFFC_BAD_TYPE" => "OFPBPC_BAD_TYPE",
        "OFPTFFC_BAD_LEN" => "OFPBPC_BAD_LEN",
        "OFPTFFC_BAD_ARGUMENT" => "OFPBPC_BAD_VALUE",
        _ => return None,
    })
}

/// Says that the running test is skipped for lack of `what`: past the test harness, which keeps what
/// a passing test prints to itself. `integration/test` counts these lines.
fn skipped(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(
        std::io::stderr(),
        "\nSKIPPED: {test}: {what} is not installed"
    )
    .expect("stderr can be written");
}
