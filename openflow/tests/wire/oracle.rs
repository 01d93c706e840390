//! Other programs as judges of what the bytes mean. Where a program is missing its tests say so
//! and pass.

mod meanings;
mod ofctl;
mod tshark;

use openflow::{Action, FlowMod, FlowModCommand, Instruction, Message, TableId};

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
