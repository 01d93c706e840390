//! Inline functions: frames go out by one leg and come in again by the other.

use openflow::{Action, Bucket, GroupId, GroupType, Match, PortNo};

use super::Insertion;
use super::stage::{Direction, INSTANCE, STEP, Stage};
use super::taps::choose;
use crate::compile::builder::{self, Builder, apply, apply_then};
use crate::compile::tables::priority;
use crate::cookie::Class;
use crate::program::Group;
use crate::topology::{FailurePolicy, Function, InlineInstance, Redundancy};

/// How far the search for an instance has come, in [`STEP`]. The instance that was chosen is in
/// [`INSTANCE`], by its ingress leg in both directions.
mod step {
    /// The frame has just come to the function.
    pub(super) const ARRIVED: u32 = 0;
    /// An instance was chosen by the conversation: one whose ingress leg is up.
    pub(super) const CHOSEN: u32 = 1;
    /// Its egress leg is down.
    pub(super) const REJECTED: u32 = 2;
    /// Another one was chosen by the conversation.
    pub(super) const CHOSEN_AGAIN: u32 = 3;
    /// The first is tried, and from here on one after the other.
    pub(super) const IN_TURN: u32 = 4;
}

/// An inline function in front of a frame.
pub(super) struct Inline<'a> {
    pub(super) at: Stage,
    /// The stage behind it.
    pub(super) next: Stage,
    pub(super) function: &'a Function,
    pub(super) shadow: bool,
    pub(super) failure_policy: FailurePolicy,
    pub(super) instances: &'a [InlineInstance],
}

/// The ports of an instance.
#[derive(Debug, Clone, Copy)]
struct Legs {
    /// Faces the guests.
    ingress: PortNo,
    /// Faces the uplink.
    egress: PortNo,
}

/// What is left to do where a leg is down.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    /// The search goes on with this step.
    Step(u32),
    /// No instance is left.
    GiveUp,
}

impl Insertion<'_> {
    /// Into an instance of an inline function of which both legs are up; else past it, or nowhere,
    /// as its failure policy says. In shadow mode a copy goes that way.
    ///
    /// The switch fails over by itself. A bucket of a fast-failover group watches one port, so there
    /// is a group for each leg; and a bucket holds one output at most, so what comes where a leg is
    /// down stands in a table.
    pub(super) fn through(&self, builder: &mut Builder, inline: &Inline<'_>) {
        let legs: Vec<Option<Legs>> = inline
            .instances
            .iter()
            .map(|instance| self.legs(instance))
            .collect();
        let in_service = legs.iter().flatten().count();
        if in_service == 0 || !inline.function.enabled {
            let passes = inline.shadow || !inline.function.enabled || inline.may_bypass();
            let instructions = match passes {
                true => apply_then(Vec::new(), inline.next.table()),
                false => Vec::new(),
            };
            self.flow(builder, inline.at, instructions);
            return;
        }
        let search = match inline.function.redundancy {
            Redundancy::ActiveActive if in_service > 1 => self.share(builder, inline, &legs),
            _ => self.in_turn(builder, inline, &legs),
        };
        let instructions = match inline.shadow {
            true => apply_then(vec![Action::Clone(search)], inline.next.table()),
            false => apply(search),
        };
        let arrived = self.of_chain().with(STEP, step::ARRIVED);
        self.step(builder, inline.at, arrived, instructions);
    }

    /// Chooses an instance by the conversation. The switch can tell of one leg only whether it is
    /// up while it chooses; where the other turns out to be down it chooses once more among the
    /// rest, and then tries one after the other.
    fn share(
        &self,
        builder: &mut Builder,
        inline: &Inline<'_>,
        legs: &[Option<Legs>],
    ) -> Vec<Action> {
        let at = inline.at;
        let ingress: Vec<Option<PortNo>> = legs
            .iter()
            .map(|legs| Some(legs.as_ref()?.ingress))
            .collect();
        let go_on = |choice, step| {
            vec![
                choice,
                Action::set_field(STEP, step),
                builder::resubmit(at.table()),
            ]
        };
        let last_resort = match legs.iter().flatten().count() {
            0..=2 => Otherwise::GiveUp,
            _ => {
                let first = self.in_turn(builder, inline, legs);
                let at_first = self.of_chain().with(STEP, step::IN_TURN);
                self.step(builder, at, at_first, apply(first));
                Otherwise::Step(step::IN_TURN)
            }
        };
        for (place, legs) in legs.iter().enumerate() {
            let Some(legs) = legs else { continue };
            let entry = Action::output(inline.ends(*legs).0);
            let rounds = [
                (step::CHOSEN, "first", Otherwise::Step(step::REJECTED)),
                (step::CHOSEN_AGAIN, "second", last_resort),
            ];
            for (step, round, otherwise) in rounds {
                let name = inline.group_name(place, round);
                let group = self.failover(
                    builder,
                    inline,
                    &name,
                    legs.egress,
                    entry.clone(),
                    otherwise,
                );
                let chosen = self.chosen(step, *legs);
                self.step(builder, at, chosen, apply(vec![group]));
            }
            let mut others = ingress.clone();
            others[place] = None;
            let again = choose(Redundancy::ActiveActive, &others);
            let rejected = self.chosen(step::REJECTED, *legs);
            self.step(
                builder,
                at,
                rejected,
                apply(go_on(again, step::CHOSEN_AGAIN)),
            );
        }
        if !inline.shadow {
            // No instance has its ingress leg up.
            let instructions = match inline.may_bypass() {
                true => apply_then(
                    vec![Action::set_field(STEP, step::ARRIVED)],
                    inline.next.table(),
                ),
                false => Vec::new(),
            };
            builder.flow(
                at.table(),
                priority::DEFAULT,
                self.of_chain(),
                Class::Function,
                instructions,
            );
        }
        go_on(choose(Redundancy::ActiveActive, &ingress), step::CHOSEN)
    }

    /// Tries one instance after the other; returns what tries the first.
    fn in_turn(
        &self,
        builder: &mut Builder,
        inline: &Inline<'_>,
        legs: &[Option<Legs>],
    ) -> Vec<Action> {
        let there = || {
            (0..).zip(
                legs.iter()
                    .enumerate()
                    .filter_map(|(place, legs)| Some((place, (*legs)?))),
            )
        };
        let count = there().count();
        let mut first = Vec::new();
        for (turn, (place, legs)) in there() {
            let step = step::IN_TURN + turn;
            let otherwise = match turn as usize + 1 == count {
                true => Otherwise::GiveUp,
                false => Otherwise::Step(step + 1),
            };
            let (entry, exit) = inline.ends(legs);
            let mut failover = |watched, leg, action| {
                let name = inline.group_name(place, leg);
                self.failover(builder, inline, &name, watched, action, otherwise)
            };
            let enter = failover(entry, "enter", Action::output(entry));
            let exit = vec![failover(exit, "exit", enter)];
            if turn == 0 {
                first = exit;
            } else {
                let its_turn = self.of_chain().with(STEP, step);
                self.step(builder, inline.at, its_turn, apply(exit));
            }
        }
        first
    }

    /// Does `action` while `watched` is up.
    fn failover(
        &self,
        builder: &mut Builder,
        inline: &Inline<'_>,
        name: &str,
        watched: PortNo,
        action: Action,
        otherwise: Otherwise,
    ) -> Action {
        let mut buckets = vec![live(watched, vec![action])];
        let rest = match otherwise {
            Otherwise::Step(step) => Some(vec![
                Action::set_field(STEP, step),
                builder::resubmit(inline.at.table()),
            ]),
            Otherwise::GiveUp => inline.may_bypass().then(|| {
                vec![
                    Action::set_field(STEP, step::ARRIVED),
                    builder::resubmit(inline.next.table()),
                ]
            }),
        };
        // This one must always count as live: it watches a patch port, which always is.
        buckets.extend(rest.map(|actions| live(self.left, actions)));
        let name = format!("{}/{name}", self.chain.name);
        let kind = GroupType::FastFailover;
        Action::Group(builder.group(&name, Group { kind, buckets }))
    }

    fn step(
        &self,
        builder: &mut Builder,
        at: Stage,
        match_: Match,
        instructions: Vec<openflow::Instruction>,
    ) {
        builder.flow(
            at.table(),
            priority::SPECIFIC,
            match_,
            Class::Function,
            instructions,
        );
    }

    fn chosen(&self, step: u32, legs: Legs) -> Match {
        self.of_chain()
            .with(STEP, step)
            .with(INSTANCE, legs.ingress.0)
    }

    /// The legs of an instance in service: it is enabled, both its legs are there, and it has not
    /// failed.
    fn legs(&self, instance: &InlineInstance) -> Option<Legs> {
        if !instance.enabled || self.failed.contains(&instance.ingress) {
            return None;
        }
        Some(Legs {
            ingress: self.ports.get(&instance.ingress)?,
            egress: self.ports.get(&instance.egress)?,
        })
    }
}

impl Inline<'_> {
    /// The legs by which a frame goes in and comes out.
    fn ends(&self, Legs { ingress, egress }: Legs) -> (PortNo, PortNo) {
        match self.at.direction {
            Direction::Right => (ingress, egress),
            Direction::Left => (egress, ingress),
        }
    }

    /// Whether frames pass by it while it is down. Of a copy there is nothing to save.
    fn may_bypass(&self) -> bool {
        !self.shadow && self.failure_policy == FailurePolicy::FailOpen
    }

    /// The name of a group for the instance at `place`, unique in the chain.
    fn group_name(&self, place: usize, use_: &str) -> String {
        let ingress = &self.instances[place].ingress;
        let direction = self.at.direction;
        format!("{}/{direction}/{use_}/{ingress}", self.function.name)
    }
}

/// A bucket that counts as live while `watched` is up.
fn live(watched: PortNo, actions: Vec<Action>) -> Bucket {
    Bucket {
        weight: 0,
        watch_port: watched,
        watch_group: GroupId::ANY,
        actions,
    }
}
