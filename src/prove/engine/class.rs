//! A class of headers: what is known of a frame, and of the host while it passes.

use std::rc::Rc;

use openflow::{OFPVID_PRESENT, Subfield};

use super::payload::{Memo, Payload};
use super::set::{Answer, Set};
use super::value::{Question, Value, Var};
use crate::learning::Location;
use crate::topology::Role;

/// All frames whose variables are in these sets, while these ports are up or down, and hashes
/// choose what they choose here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Class {
    /// Variables that are not in here may have any value; those of the payload are in none.
    sets: Vec<(Var, Set)>,
    payload: Rc<Payload>,
    ports: Vec<(Location, bool)>,
    choices: Vec<(Rc<Choice>, u16)>,
}

/// Something that is the same whenever it comes up for one frame, and that nothing is known of
/// before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// By hash, among the buckets of a group.
    Group(Location),
    /// By hash, among ports.
    Members {
        /// On this bridge.
        role: Role,
        /// `nx_hash_fields`
        fields: u16,
        /// The seed.
        basis: u16,
        /// `nx_bd_algorithm`
        algorithm: u16,
        /// As in the action.
        members: Vec<u16>,
        /// The address that is hashed; `None` where it is the conversation.
        address: Option<Value>,
    },
    /// By hash, among links.
    Links {
        /// `nx_hash_fields`
        fields: u16,
        /// The seed.
        basis: u16,
        /// `nx_mp_algorithm`, its argument and the number of links less one.
        algorithm: (u16, u32, u16),
    },
    /// What a bridge remembers by itself ([`Explorer::recall`](super::Explorer::recall)).
    Memory {
        /// Which bridge.
        role: Role,
        /// What it is about: parts of fields, and their values.
        key: Vec<(Subfield, Value)>,
    },
}

impl Class {
    fn set(&self, var: Var) -> Option<&Set> {
        self.sets
            .iter()
            .find(|(own, _)| *own == var)
            .map(|(_, set)| set)
    }

    /// Whether a variable may not have any value.
    pub(crate) fn is_asked(&self, var: Var) -> bool {
        match var.is_of_payload() {
            true => self.payload.is_asked(var),
            false => self.set(var).is_some(),
        }
    }

    /// The values that a variable may have; in the first case of the payload, if it is of that.
    pub(crate) fn values(&self, var: Var) -> Set {
        match var.is_of_payload() {
            true => self.payload.values(var),
            false => self.set(var).cloned().unwrap_or_else(|| anything(var)),
        }
    }

    /// Whether the values of a variable are as asked.
    pub(crate) fn is(&self, question: Question) -> Answer {
        let Question { var, value, mask } = question;
        if var.is_of_payload() {
            return self.payload.is(question);
        }
        match self.set(var) {
            Some(set) => set.is(value, mask),
            None => anything(var).is(value, mask),
        }
    }

    /// `value` as it is told from others in choices: a whole variable stays one, whatever is known
    /// of it.
    pub(crate) fn name(&self, value: Value) -> Value {
        match value.is_whole() {
            true => value,
            false => self.resolve(value),
        }
    }

    /// `value` with all that is known here of its variable.
    pub(crate) fn resolve(&self, value: Value) -> Value {
        value.resolved(|var| match self.set(var) {
            _ if var.is_of_payload() => self.payload.known(var),
            Some(set) => set.known(),
            None => anything(var).known(),
        })
    }

    /// What is known of what the frame carries.
    pub(crate) fn payload(&self) -> &Rc<Payload> {
        &self.payload
    }

    /// The part that carries this, a part of what it carries so far.
    #[must_use]
    pub(crate) fn with_payload(&self, payload: Rc<Payload>) -> Self {
        Self {
            payload,
            ..self.clone()
        }
    }

    /// The part with one case of the payload, where there are several: whichever it is, `number`
    /// says.
    #[must_use]
    pub(crate) fn with_one_case(&self, number: usize) -> Self {
        let case = number % self.payload.count().max(1);
        self.with_payload(Rc::new(self.payload.only(case)))
    }

    /// The part with other values of `var`, which is none of the payload; `None` where there are
    /// none.
    #[must_use]
    pub(crate) fn with(&self, var: Var, set: Set) -> Option<Self> {
        if set.is_empty() {
            return None;
        }
        let mut class = self.clone();
        match class.sets.iter_mut().find(|(own, _)| *own == var) {
            Some((_, own)) => *own = set,
            None => class.sets.push((var, set)),
        }
        Some(class)
    }

    /// The part for which the answer is yes, and the rest; `None` for either that is empty.
    pub(crate) fn split(
        &self,
        question: Question,
        memo: &mut Memo,
    ) -> (Option<Self>, Option<Self>) {
        let Question { var, value, mask } = question;
        if var.is_of_payload() {
            let [yes, no] = memo.split(&self.payload, question);
            let with = |payload: Option<_>| Some(self.with_payload(payload?));
            return (with(yes), with(no));
        }
        let set = self.values(var);
        match set.is(value, mask) {
            Answer::Always => (Some(self.clone()), None),
            Answer::Never => (None, Some(self.clone())),
            Answer::Depends => (
                self.with(var, set.only(value, mask)),
                self.with(var, set.without([(value, mask)])),
            ),
        }
    }

    /// Whether a port is up, where that matters already.
    pub(crate) fn port(&self, at: Location) -> Option<bool> {
        let found = self.ports.iter().find(|(own, _)| *own == at);
        found.map(|(_, is_up)| *is_up)
    }

    /// The ports of which it matters whether they are up.
    pub(crate) fn ports(&self) -> &[(Location, bool)] {
        &self.ports
    }

    /// The part for which a port is up, or down.
    #[must_use]
    pub(crate) fn with_port(&self, at: Location, is_up: bool) -> Self {
        let mut class = self.clone();
        class.ports.push((at, is_up));
        class
    }

    /// What was chosen, if this choice came up already, and its number.
    pub(crate) fn choice(&self, choice: &Choice) -> Option<(u16, u16)> {
        let position = self.choices.iter().position(|(own, _)| **own == *choice)?;
        Some((position as u16, self.choices[position].1))
    }

    /// The part for which this is chosen.
    #[must_use]
    pub(crate) fn with_choice(&self, choice: &Rc<Choice>, chosen: u16) -> Self {
        let mut class = self.clone();
        class.choices.push((Rc::clone(choice), chosen));
        class
    }

    /// The part for which a hash is a number below `links`, or a little above where that is no power
    /// of two: it is the variable with the number of this choice.
    #[must_use]
    pub(crate) fn with_link(&self, choice: &Rc<Choice>, links: u32) -> Self {
        let mut class = self.with_choice(choice, 0);
        let var = Var::Hash(class.choices.len() as u16 - 1);
        let high = !(u128::from(links.next_power_of_two()) - 1);
        class.sets.push((var, anything(var).only(0, high)));
        class
    }

    /// All choices and how they came out, in the order in which they came up.
    pub(crate) fn choices(&self) -> &[(Rc<Choice>, u16)] {
        &self.choices
    }
}

/// All values of a variable.
fn anything(var: Var) -> Set {
    let all = Set::all(var.bits());
    match var {
        // A tag that is there is there.
        Var::Tci(_) => all.only(OFPVID_PRESENT.into(), OFPVID_PRESENT.into()),
        Var::Field(_) | Var::Type(_) | Var::Hash(_) | Var::Memory(_) => all,
    }
}
