//! What is known of what a frame carries: its type, and the fields behind that.
//!
//! Filters of taps ask a great deal about these fields, and what matters of the answers is whether a
//! frame is skipped. So headers that differ in nothing else are kept together, as several cases of
//! one [`Payload`]: there are as many classes as there are ways for a frame, and not as many
//! as the filters together have parts.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;

use openflow::Prerequisite;

use super::mixer::Mixer;
use super::set::{Answer, Set};
use super::value::{Question, Var};

/// The cases that there are; no header is in two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    cases: Vec<Case>,
}

/// Variables with their values; any value, where there is nothing about one.
type Case = Vec<(Var, Set)>;

/// How many payloads a [`Memo`] has something about at the most.
const MOST_KNOWN: usize = 4096;

/// What is asked about a payload, and the answer where all of it holds.
pub(super) type Condition = (u32, Vec<Question>);

/// What a question is about: the address of what it depends on, and whether there is a tag in front.
pub(crate) type About = (usize, bool);

/// The parts of a payload that get each of the answers.
pub(super) type Parts = Vec<(u32, Rc<Payload>)>;

impl Default for Payload {
    /// Any.
    fn default() -> Self {
        Self {
            cases: vec![Vec::new()],
        }
    }
}

impl Var {
    /// Whether it is about what a frame carries.
    pub(crate) fn is_of_payload(self) -> bool {
        match self {
            Self::Type(_) => true,
            Self::Field(field) => field.prerequisite() != Prerequisite::None,
            Self::Tci(_) | Self::Hash(_) | Self::Memory(_) => false,
        }
    }
}

impl Payload {
    /// How many cases there are.
    pub(crate) fn count(&self) -> usize {
        self.cases.len()
    }

    /// One case alone.
    pub(crate) fn only(&self, case: usize) -> Self {
        let case = self.cases.get(case).cloned();
        Self {
            cases: case.into_iter().collect(),
        }
    }

    /// Whether some case says something of a variable.
    pub(crate) fn is_asked(&self, var: Var) -> bool {
        self.cases.iter().any(|case| set(case, var).is_some())
    }

    /// The values that a variable has in the first case.
    pub(crate) fn values(&self, var: Var) -> Set {
        let first = self.cases.first().and_then(|case| set(case, var));
        first.cloned().unwrap_or_else(|| Set::all(var.bits()))
    }

    /// Whether it is as asked, in all cases.
    pub(crate) fn is(&self, question: Question) -> Answer {
        let mut answers = self.cases.iter().map(|case| answer(case, question));
        let Some(first) = answers.next() else {
            return Answer::Never;
        };
        match answers.all(|other| other == first) {
            true => first,
            false => Answer::Depends,
        }
    }

    /// The bits of a variable that are the same in all cases, and which these are.
    pub(crate) fn known(&self, var: Var) -> (u128, u128) {
        let known = |case| set(case, var).map_or((0, 0), Set::known);
        let all = self.cases.iter().map(known);
        let common = all.reduce(|(value, mask), (other, others)| {
            let mask = mask & others & !(value ^ other);
            (value & mask, mask)
        });
        common.unwrap_or((0, 0))
    }

    /// The part for which the answer is yes, and the rest; `None` for either that is empty.
    fn split(&self, question: Question) -> [Option<Self>; 2] {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for case in &self.cases {
            divide(case, question, &mut yes, &mut no);
        }
        [yes, no].map(|cases| (!cases.is_empty()).then_some(Self { cases }))
    }

    /// The parts that meet each of the conditions, and none of those in front of it; and what meets
    /// none, with the answer `otherwise`. Parts with the same answer are one.
    fn parts(&self, conditions: &[Condition], otherwise: u32) -> Parts {
        let mut rest = self.cases.clone();
        let mut parts: Vec<(u32, Vec<Case>)> = Vec::new();
        let mut add = |answer: u32, cases: Vec<Case>| {
            if cases.is_empty() {
                return;
            }
            match parts.iter_mut().find(|(own, _)| *own == answer) {
                Some((_, own)) => own.extend(cases),
                None => parts.push((answer, cases)),
            }
        };
        for (answer, questions) in conditions {
            let mut meeting = rest;
            let mut others = Vec::new();
            for question in questions {
                let mut yes = Vec::new();
                for case in &meeting {
                    divide(case, *question, &mut yes, &mut others);
                }
                meeting = yes;
            }
            add(*answer, meeting);
            rest = others;
        }
        add(otherwise, rest);
        of_cases(parts)
    }
}

fn set(case: &Case, var: Var) -> Option<&Set> {
    let found = case.iter().find(|(own, _)| *own == var);
    found.map(|(_, set)| set)
}

fn answer(case: &Case, Question { var, value, mask }: Question) -> Answer {
    match set(case, var) {
        Some(set) => set.is(value, mask),
        None => Set::all(var.bits()).is(value, mask),
    }
}

/// Adds the parts of a case to those for which the answer is yes, and to the others.
fn divide(case: &Case, question: Question, yes: &mut Vec<Case>, no: &mut Vec<Case>) {
    let Question { var, value, mask } = question;
    match answer(case, question) {
        Answer::Always => yes.push(case.clone()),
        Answer::Never => no.push(case.clone()),
        Answer::Depends => {
            let set = set(case, var).cloned();
            let set = set.unwrap_or_else(|| Set::all(var.bits()));
            yes.extend(with(case, var, set.only(value, mask)));
            no.extend(with(case, var, set.without([(value, mask)])));
        }
    }
}

fn with(case: &Case, var: Var, set: Set) -> Option<Case> {
    if set.is_empty() {
        return None;
    }
    let mut case = case.clone();
    match case.iter_mut().find(|(own, _)| *own == var) {
        Some((_, own)) => *own = set,
        None => case.push((var, set)),
    }
    Some(case)
}

/// What came of dividing payloads: classes that differ in other things ask the same of them again
/// and again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// By the address of the payload, which is kept with it.
    known: Map<usize, Known>,
    any: Rc<Payload>,
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

#[derive(Debug)]
struct Known {
    _payload: Rc<Payload>,
    splits: Map<Question, [Option<Rc<Payload>>; 2]>,
    parts: Map<(Vec<Condition>, u32), Parts>,
    decided: Map<About, Parts>,
}

impl Memo {
    fn of(&mut self, payload: &Rc<Payload>) -> &mut Known {
        if self.known.len() > MOST_KNOWN {
            self.known.clear();
        }
        let address = Rc::as_ptr(payload).addr();
        self.known.entry(address).or_insert_with(|| Known {
            _payload: Rc::clone(payload),
            splits: Map::default(),
            parts: Map::default(),
            decided: Map::default(),
        })
    }

    /// Any payload, the same at every call.
    pub(crate) fn any(&self) -> Rc<Payload> {
        Rc::clone(&self.any)
    }

    /// The part for which the answer is yes, and the rest; `None` for either that is empty.
    pub(super) fn split(
        &mut self,
        payload: &Rc<Payload>,
        question: Question,
    ) -> [Option<Rc<Payload>>; 2] {
        let splits = &mut self.of(payload).splits;
        let known = splits
            .entry(question)
            .or_insert_with(|| match payload.is(question) {
                Answer::Always => [Some(Rc::clone(payload)), None],
                Answer::Never => [None, Some(Rc::clone(payload))],
                Answer::Depends => payload.split(question).map(|part| part.map(Rc::new)),
            });
        known.clone()
    }

    /// The parts that meet each of the conditions, and none of those in front of it; and what meets
    /// none, with the answer `otherwise`. Parts with the same answer are one.
    pub(super) fn parts(
        &mut self,
        payload: &Rc<Payload>,
        conditions: Vec<Condition>,
        otherwise: u32,
    ) -> Parts {
        let parts = &mut self.of(payload).parts;
        let key = (conditions, otherwise);
        if let Some(known) = parts.get(&key) {
            return known.clone();
        }
        let found = payload.parts(&key.0, otherwise);
        parts.insert(key, found.clone());
        found
    }

    /// What `decide` has found of a payload before, about a question.
    pub(super) fn decided(
        &mut self,
        payload: &Rc<Payload>,
        about: About,
        decide: impl FnOnce(&mut Self) -> Vec<(u32, Rc<Payload>)>,
    ) -> Parts {
        if let Some(known) = self.of(payload).decided.get(&about) {
            return known.clone();
        }
        let mut parts: Vec<(u32, Vec<Case>)> = Vec::new();
        for (answer, part) in decide(self) {
            let cases = part.cases.iter().cloned();
            match parts.iter_mut().find(|(own, _)| *own == answer) {
                Some((_, own)) => own.extend(cases),
                None => parts.push((answer, cases.collect())),
            }
        }
        let parts = of_cases(parts);
        self.of(payload).decided.insert(about, parts.clone());
        parts
    }
}

fn of_cases(parts: Vec<(u32, Vec<Case>)>) -> Parts {
    let parts = parts.into_iter();
    parts
        .map(|(answer, cases)| (answer, Rc::new(Payload { cases })))
        .collect()
}
