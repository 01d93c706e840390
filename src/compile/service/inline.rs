//! Inline functions: frames go out by one leg and come in again by the other.

use openflow::{Action, Bucket, GroupId, GroupType, PortNo};

use super::Insertion;
use super::stage::{Direction, Stage};
use crate::compile::builder::{self, Builder, apply, apply_then};
use crate::program::Group;
use crate::topology::{FailurePolicy, Function, InlineInstance};

impl Insertion<'_> {
    /// Into an inline function, as long as both its legs are up; else past it, or nowhere, as its
    /// failure policy says.
    ///
    /// A bucket of a fast-failover group watches one port, so there is a group for each leg. The
    /// switch fails over by itself.
    pub(super) fn through(
        &self,
        builder: &mut Builder,
        at: Stage,
        next: Stage,
        function: &Function,
        failure_policy: FailurePolicy,
        instances: &[InlineInstance],
    ) {
        let may_bypass = failure_policy == FailurePolicy::FailOpen;
        let Some(legs) = instances.first().and_then(|instance| self.legs(instance)) else {
            let instructions = match may_bypass {
                true => apply_then(Vec::new(), next.table()),
                false => Vec::new(),
            };
            self.flow(builder, at, instructions);
            return;
        };
        let (entry, exit) = match at.direction {
            Direction::Right => (legs.ingress, legs.egress),
            Direction::Left => (legs.egress, legs.ingress),
        };
        let mut failover = |watched: PortNo, step: &str, action: Action| {
            let mut buckets = vec![live(watched, action)];
            if may_bypass {
                // This one must always count as live: it watches a patch port, which always is.
                // A bucket holds one output at most, so what comes next stands in its table.
                buckets.push(live(self.left, builder::resubmit(next.table())));
            }
            let name = format!(
                "{}/{}/{}/{step}",
                self.chain.name, function.name, at.direction
            );
            let kind = GroupType::FastFailover;
            Action::Group(builder.group(&name, Group { kind, buckets }))
        };
        let enter = failover(entry, "enter", Action::output(entry));
        let exit = failover(exit, "exit", enter);
        self.flow(builder, at, apply(vec![exit]));
    }

    /// The legs of an instance that is there, with both legs, and has not failed.
    fn legs(&self, instance: &InlineInstance) -> Option<Legs> {
        if self.failed.contains(&instance.ingress) {
            return None;
        }
        Some(Legs {
            ingress: self.ports.get(&instance.ingress)?,
            egress: self.ports.get(&instance.egress)?,
        })
    }
}

/// The ports of an inline function.
struct Legs {
    /// Faces the guests.
    ingress: PortNo,
    /// Faces the uplink.
    egress: PortNo,
}

/// A bucket that counts as live while `watched` is up.
fn live(watched: PortNo, action: Action) -> Bucket {
    Bucket {
        weight: 0,
        watch_port: watched,
        watch_group: GroupId::ANY,
        actions: vec![action],
    }
}
