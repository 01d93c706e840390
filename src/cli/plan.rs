//! Plans, and differences of texts, as a person reads them.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use bridgechain::status::{BridgePlan, BridgeState, Changes, Plan};
use similar::{ChangeTag, TextDiff};

/// What goes to each bridge, a line each.
pub(super) fn text(plan: &Plan) -> String {
    // A String takes everything.
    let mut text = String::new();
    for host in &plan.hosts {
        let mut states = host.bridges.iter().map(|bridge| bridge.state);
        if states.all(|state| state == BridgeState::Disconnected) {
            let _ = writeln!(text, "{}: not connected", host.name);
            continue;
        }
        for bridge in &host.bridges {
            let _ = writeln!(text, "{} {}: {}", host.name, bridge.name, line(bridge));
        }
    }
    text
}

fn line(bridge: &BridgePlan) -> String {
    match bridge.state {
        BridgeState::Disconnected => "not connected".to_owned(),
        BridgeState::Reading => "is just being read; it gets what is missing then".to_owned(),
        BridgeState::Removed => "no longer configured; its flows stay".to_owned(),
        BridgeState::Known if bridge.messages() == 0 => "no change".to_owned(),
        BridgeState::Known => {
            let kinds = [
                ("flow-mod", bridge.flows),
                ("group-mod", bridge.groups),
                ("meter-mod", bridge.meters),
            ];
            let kinds = kinds
                .into_iter()
                .filter(|(_, changes)| changes.messages() > 0);
            let kinds: Vec<String> = kinds.map(|(what, changes)| count(what, changes)).collect();
            kinds.join("; ")
        }
    }
}

fn count(what: &str, changes: Changes) -> String {
    let Changes {
        add,
        modify,
        delete,
    } = changes;
    let parts = [(add, "add"), (modify, "modify"), (delete, "delete")];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, verb)| format!("{verb} {number}"))
        .collect();
    let messages = changes.messages();
    let plural = if messages == 1 { "" } else { "s" };
    format!("{messages} {what}{plural} ({})", parts.join(", "))
}

/// The unified difference of two texts, in colours where stdout is a terminal; empty where there is
/// none.
pub(super) fn diff(old: (&str, &str), new: (&str, &str)) -> String {
    let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    unified(old, new, coloured)
}

fn unified((old_name, old): (&str, &str), (new_name, new): (&str, &str), coloured: bool) -> String {
    if old == new {
        return String::new();
    }
    let paint = |colour: &str, line: &str| match coloured {
        true => format!("\x1b[{colour}m{line}\x1b[0m\n"),
        false => format!("{line}\n"),
    };
    let mut text = paint("1", &format!("--- {old_name}")) + &paint("1", &format!("+++ {new_name}"));
    let diff = TextDiff::from_lines(old, new);
    for hunk in diff.unified_diff().iter_hunks() {
        text.push_str(&paint("36", &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, colour) = match change.tag() {
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
                ChangeTag::Equal => (' ', "0"),
            };
            let line = format!("{sign}{}", change.value().trim_end_matches(['\r', '\n']));
            match change.tag() {
                ChangeTag::Equal => text.push_str(&format!("{line}\n")),
                _ => text.push_str(&paint(colour, &line)),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use bridgechain::status::HostPlan;

    use super::*;

    #[test]
    fn a_plan_says_what_goes_to_each_bridge() {
        let bridge = |name: &str, state, flows| BridgePlan {
            role: "local".to_owned(),
            name: name.to_owned(),
            state,
            flows,
            groups: Changes::default(),
            meters: Changes::default(),
        };
        let some = Changes {
            add: 4,
            modify: 0,
            delete: 1,
        };
        let none = Changes::default();
        let mut meters = bridge("br0", BridgeState::Known, none);
        meters.meters.modify = 1;
        let away = HostPlan {
            name: "node2".to_owned(),
            bridges: vec![bridge("br0", BridgeState::Disconnected, none); 2],
        };
        let plan = Plan {
            hosts: vec![
                HostPlan {
                    name: "node1".to_owned(),
                    bridges: vec![
                        bridge("br0.local", BridgeState::Known, some),
                        bridge("br.nf", BridgeState::Known, none),
                        meters,
                        bridge("br1", BridgeState::Disconnected, none),
                    ],
                },
                away,
            ],
        };
        assert_eq!(
            text(&plan),
            "node1 br0.local: 5 flow-mods (add 4, delete 1)\n\
             node1 br.nf: no change\n\
             node1 br0: 1 meter-mod (modify 1)\n\
             node1 br1: not connected\n\
             node2: not connected\n"
        );
    }

    #[test]
    fn a_difference_is_unified_and_coloured_only_on_a_terminal() {
        let (old, new) = (("a", "x\ny\n"), ("b", "x\nz\n"));
        let plain = unified(old, new, false);
        assert_eq!(plain, "--- a\n+++ b\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n");
        assert!(unified(old, new, true).contains("\x1b[31m-y\x1b[0m"));
        assert_eq!(unified(old, old, true), "");
    }
}
