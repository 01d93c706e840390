//! The order of an action set, which is that of a group's bucket too (§5.10).

use openflow::Action;

/// The actions in the order in which Open vSwitch carries them out: of each kind the last one
/// only, except for changes of fields; and of group, output and resubmit the first that is there.
pub(crate) fn in_set_order<'n>(actions: impl IntoIterator<Item = &'n Action>) -> Vec<&'n Action> {
    let mut pop = None;
    let mut push = None;
    let mut changes = Vec::new();
    let mut group = None;
    let mut output = None;
    let mut resubmit = None;
    for action in actions {
        match action {
            Action::PopVlan => pop = Some(action),
            Action::PushVlan(_) => push = Some(action),
            Action::Group(_) => group = Some(action),
            Action::Output { .. } => output = Some(action),
            Action::ResubmitTable { .. } => resubmit = Some(action),
            _ => changes.push(action),
        }
    }
    pop.into_iter()
        .chain(push)
        .chain(changes)
        .chain(group.or(output).or(resubmit))
        .collect()
}
