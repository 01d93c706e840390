//! Plans, and differences of texts, as a person reads them.

use std::fmt::Write;

use bridgechain::api::config::Applied;
use bridgechain::status::{BridgePlan, BridgeState, Changes, Plan};
use similar::{ChangeTag, TextDiff};

use super::style::{Colour, Style};

/// What follows from a new text: what goes to each bridge, and what takes effect later only.
pub(super) fn applied(applied: &Applied) -> String {
    let mut text = text(&applied.plan);
    let settings = applied.needs_restart.iter();
    let settings: Vec<String> = settings.map(|key| format!("controller.{key}")).collect();
    if !settings.is_empty() {
        let settings = settings.join(", ");
        // A String takes everything.
        let _ = writeln!(
            text,
            "{settings}: takes effect when the controller is started again"
        );
    }
    text
}

/// What goes to each bridge, a line each.
pub(super) fn text(plan: &Plan) -> String {
    // A String takes everything.
    let mut text = String::new();
    for host in &plan.hosts {
        let all_are = |state| host.bridges.iter().all(|bridge| bridge.state == state);
        let common = if all_are(BridgeState::Disconnected) {
            Some("not connected")
        } else if all_are(BridgeState::Removed) {
            Some("no longer configured; the flows of its bridges stay")
        } else {
            None
        };
        if let Some(common) = common {
            let _ = writeln!(text, "{}: {common}", host.name);
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

/// The unified difference of two texts, each with its name, for stdout; empty where there is none.
pub(super) fn diff(old: (&str, &str), new: (&str, &str)) -> String {
    unified(old, new, Style::stdout())
}

fn unified((old_name, old): (&str, &str), (new_name, new): (&str, &str), style: Style) -> String {
    if old == new {
        return String::new();
    }
    let mut text = format!("--- {old_name}\n+++ {new_name}\n");
    let diff = TextDiff::from_lines(old, new);
    for hunk in diff.unified_diff().iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\r', '\n']);
            let line = match change.tag() {
                ChangeTag::Equal => format!(" {line}"),
                ChangeTag::Delete => style.paint(Colour::Red, &format!("-{line}")),
                ChangeTag::Insert => style.paint(Colour::Green, &format!("+{line}")),
            };
            text.push_str(&format!("{line}\n"));
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
        let gone = HostPlan {
            name: "node3".to_owned(),
            bridges: vec![bridge("br0", BridgeState::Removed, none); 2],
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
                gone,
            ],
        };
        let answer = |needs_restart: &[&str]| Applied {
            dry_run: true,
            changed: true,
            warnings: Vec::new(),
            plan: plan.clone(),
            needs_restart: needs_restart.iter().map(|&key| key.to_owned()).collect(),
        };
        assert_eq!(applied(&answer(&[])), text(&plan));
        let later = applied(&answer(&["listen", "metrics"]));
        let later = later.strip_prefix(&text(&plan));
        assert_eq!(
            later,
            Some(
                "controller.listen, controller.metrics: takes effect when the controller is \
                 started again\n"
            )
        );
        assert_eq!(
            text(&plan),
            "node1 br0.local: 5 flow-mods (add 4, delete 1)\n\
             node1 br.nf: no change\n\
             node1 br0: 1 meter-mod (modify 1)\n\
             node1 br1: not connected\n\
             node2: not connected\n\
             node3: no longer configured; the flows of its bridges stay\n"
        );
    }

    #[test]
    fn a_difference_is_unified() {
        let (old, new) = (("a", "x\ny\n"), ("b", "x\nz\n"));
        let shown = unified(old, new, Style::PLAIN);
        assert_eq!(shown, "--- a\n+++ b\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n");
        assert_eq!(unified(old, old, Style::PLAIN), "");
    }
}
