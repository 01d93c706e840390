//! Goes through all cases of a question and answer game.
//!
//! What is to be explored is a function that asks; it is called again and again, and each time one
//! question is answered in another way than before, until there is no other way left. So it can be
//! written as if there was one frame with known headers.

use std::rc::Rc;

use openflow::Subfield;

use super::class::{Choice, Class};
use super::payload::{About, Memo};
use super::set::{Answer, Exceptions};
use super::value::{Question, Value, Var};
use crate::learning::Location;
use crate::topology::Role;

/// Hands out answers, and takes note of the class of headers for which they are right.
///
/// The answers to one question split the class into parts that have nothing in common and leave
/// nothing out. So of all calls of the explored function, any header is in the class of exactly one.
pub(crate) struct Explorer {
    root: Rc<Class>,
    class: Rc<Class>,
    /// The questions of this call that were asked already, each with its answers.
    points: Vec<Point>,
    /// How many of them have come up again so far.
    at: usize,
    /// Exceptions that are known to take in all of a list, by the address of that.
    known: Vec<(Rc<Exceptions>, usize)>,
    memo: Memo,
}

struct Point {
    /// Every possible answer with its part of the class.
    cases: Vec<(u32, Rc<Class>)>,
    current: usize,
}

impl Explorer {
    /// Of all frames in `class`; `memo` may be that of another explorer.
    pub(crate) fn new(class: Class, memo: Memo) -> Self {
        let root = Rc::new(class);
        Self {
            class: Rc::clone(&root),
            root,
            points: Vec::new(),
            at: 0,
            known: Vec::new(),
            memo,
        }
    }

    /// What it has found out, for another explorer.
    pub(crate) fn into_memo(self) -> Memo {
        self.memo
    }

    /// The class as far as the questions have come.
    pub(crate) fn class(&self) -> &Rc<Class> {
        &self.class
    }

    /// The answer to a question with these `cases`, which must be the parts of the class.
    pub(crate) fn case(
        &mut self,
        cases: impl FnOnce(&Rc<Class>, &mut Memo) -> Vec<(u32, Rc<Class>)>,
    ) -> u32 {
        if self.at == self.points.len() {
            let cases = cases(&self.class, &mut self.memo);
            self.points.push(Point { cases, current: 0 });
        }
        let point = &self.points[self.at];
        self.at += 1;
        let (answer, class) = &point.cases[point.current];
        self.class = Rc::clone(class);
        *answer
    }

    /// Whether the variable is as asked.
    pub(crate) fn ask(&mut self, question: Question) -> bool {
        match self.class.is(question) {
            Answer::Always => return true,
            Answer::Never => return false,
            Answer::Depends => {}
        }
        let answer = self.case(|class, memo| {
            let (yes, no) = class.split(question, memo);
            let cases = [(1, yes), (0, no)];
            cases
                .into_iter()
                .filter_map(|(answer, class)| Some((answer, Rc::new(class?))))
                .collect()
        });
        answer == 1
    }

    /// Whether `found` agrees with `value` in the bits of `mask`.
    pub(crate) fn is(&mut self, found: Value, value: u128, mask: u128) -> bool {
        found
            .is(value, mask)
            .unwrap_or_else(|question| self.ask(question))
    }

    /// Whether none of `numbers` is a value of `var`, as all of them are excepted. That is found out
    /// once for each list, which must stay where it is.
    pub(crate) fn excludes<T>(&mut self, var: Var, numbers: &[(u128, T)]) -> bool {
        let values = self.class.values(var);
        let Some(except) = values.exceptions() else {
            return false;
        };
        let list = numbers.as_ptr().addr();
        let mut known = self.known.iter();
        if known.any(|(own, other)| *other == list && Rc::ptr_eq(own, except)) {
            return true;
        }
        let all = numbers.iter().all(|(number, _)| except.contain(*number));
        if all {
            self.known.push((Rc::clone(except), list));
        }
        all
    }

    /// Whether what the frame carries is as `is_so` says, which must ask about nothing else. All
    /// headers with the same answer are one class: what else was asked on the way does not divide
    /// it. `about` is the same for the same `is_so` only.
    pub(crate) fn decide(&mut self, about: About, is_so: impl Fn(&mut Self) -> bool) -> bool {
        let answer = self.case(|class, memo| {
            let payload = class.payload();
            let parts = memo.decided(payload, about, |memo| {
                let class = Class::default().with_payload(Rc::clone(payload));
                let mut explorer = Self::new(class, std::mem::take(memo));
                let mut parts = Vec::new();
                loop {
                    let answer = is_so(&mut explorer).into();
                    parts.push((answer, Rc::clone(explorer.class.payload())));
                    if !explorer.advance() {
                        break;
                    }
                }
                *memo = explorer.into_memo();
                parts
            });
            let parts = parts.into_iter();
            parts
                .map(|(answer, payload)| (answer, Rc::new(class.with_payload(payload))))
                .collect()
        });
        answer == 1
    }

    /// Whether a port is up.
    pub(crate) fn is_up(&mut self, at: Location) -> bool {
        if let Some(is_up) = self.class.port(at) {
            return is_up;
        }
        let answer = self.case(|class, _| {
            [(1, true), (0, false)]
                .map(|(answer, is_up)| (answer, Rc::new(class.with_port(at, is_up))))
                .to_vec()
        });
        answer == 1
    }

    /// What a bridge has written into its own table about `key`, when other frames passed: nothing,
    /// or a number that may be any.
    ///
    /// So what is explored is right for everything that a bridge may have learned.
    pub(crate) fn recall(&mut self, role: Role, key: &[(Subfield, Value)]) -> Option<Value> {
        let key = key
            .iter()
            .map(|(part, value)| (*part, self.class.name(*value)));
        let choice = Choice::Memory {
            role,
            key: key.collect(),
        };
        if self.class.choice(&choice).is_none() {
            let choice = Rc::new(choice.clone());
            self.case(|class, _| {
                [0, 1]
                    .map(|is_there| (0, Rc::new(class.with_choice(&choice, is_there))))
                    .to_vec()
            });
        }
        let (number, is_there) = self.class.choice(&choice)?;
        (is_there == 1).then(|| Value::var(Var::Memory(number)))
    }

    /// Goes on to the next case; false if there is none.
    pub(crate) fn advance(&mut self) -> bool {
        while let Some(last) = self.points.last_mut() {
            last.current += 1;
            if last.current < last.cases.len() {
                self.at = 0;
                self.class = Rc::clone(&self.root);
                return true;
            }
            self.points.pop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use openflow::OxmField;

    use super::*;

    #[test]
    fn every_header_is_in_exactly_one_case() {
        let var = Var::Field(OxmField::VlanPcp);
        let bit = |value, mask| Question { var, value, mask };
        let mut explorer = Explorer::new(Class::default(), Memo::default());
        let mut seen = Vec::new();
        loop {
            let high = explorer.ask(bit(4, 4));
            // What was answered is not asked again.
            assert_eq!(explorer.ask(bit(4, 4)), high);
            let name = match high {
                true if explorer.ask(bit(5, 7)) => "five",
                true => "other high ones",
                false => "low",
            };
            let set = explorer.class().values(var);
            let values: Vec<u128> = (0..8).filter(|value| set.contains(*value)).collect();
            seen.push((name, values));
            if !explorer.advance() {
                break;
            }
        }
        let expected: [(&str, &[u128]); 3] = [
            ("five", &[5]),
            ("other high ones", &[4, 6, 7]),
            ("low", &[0, 1, 2, 3]),
        ];
        let expected: Vec<_> = expected
            .map(|(name, values)| (name, values.to_vec()))
            .into();
        assert_eq!(seen, expected);
    }
}
