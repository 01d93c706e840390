//! A flow table that can be asked for the flows of a whole class of headers.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::rc::Rc;

use openflow::{Match, MatchEntry, Oxm, OxmField, Prerequisite};

use super::class::Class;
use super::mixer::Mixer;
use super::packet::Packet;
use super::payload::{Condition, Memo};
use super::set::Answer;
use super::value::{Question, Var};
use crate::program::{Flow, FlowKey};

/// The answer of [`Table::look_up`] where no flow matches.
pub(crate) const MISS: u32 = u32::MAX;

/// The flows of one table, the one that is looked at first on top.
#[derive(Debug, Default)]
pub(crate) struct Table<'p> {
    flows: Vec<Entry<'p>>,
    /// The flows by the fields and bits that they look at.
    shapes: Vec<Shape>,
}

#[derive(Debug)]
struct Entry<'p> {
    key: &'p FlowKey,
    flow: &'p Flow,
    /// Values in the order of the fields of its shape.
    values: Vec<u128>,
    shape: usize,
    /// Flows of the same priority that match some frame that this one matches, and do something
    /// else with it.
    rivals: Vec<u32>,
    /// The first flow of the same priority that does the same with a frame. Flows that look at what
    /// a frame carries may be taken one for the other then.
    alike: u32,
}

/// Flows that look at the same bits.
#[derive(Debug)]
struct Shape {
    fields: Vec<(OxmField, u128)>,
    by_values: HashMap<Vec<u128>, Vec<u32>, BuildHasherDefault<Mixer>>,
    /// The first of its flows: none of the others is looked at before.
    first: u32,
}

impl<'p> Table<'p> {
    /// A table of these flows. Those that match fields which are not known here are left out and
    /// given back.
    pub(crate) fn new(mut flows: Vec<(&'p FlowKey, &'p Flow)>) -> (Self, Vec<&'p FlowKey>) {
        let mut table = Self::default();
        let mut strange = Vec::new();
        flows.sort_by_key(|(key, _)| std::cmp::Reverse(key.priority));
        let mut shapes: HashMap<Vec<(OxmField, u128)>, usize> = HashMap::new();
        for (key, flow) in flows {
            let Some(conditions) = conditions(&key.match_) else {
                strange.push(key);
                continue;
            };
            let fields: Vec<_> = conditions
                .iter()
                .map(|(field, _, mask)| (*field, *mask))
                .collect();
            let values: Vec<u128> = conditions.iter().map(|(_, value, _)| *value).collect();
            let number = table.flows.len() as u32;
            let shape = *shapes.entry(fields).or_insert_with_key(|fields| {
                table.shapes.push(Shape {
                    fields: fields.clone(),
                    by_values: HashMap::default(),
                    first: number,
                });
                table.shapes.len() - 1
            });
            table.shapes[shape]
                .by_values
                .entry(values.clone())
                .or_default()
                .push(number);
            table.flows.push(Entry {
                key,
                flow,
                values,
                shape,
                rivals: Vec::new(),
                alike: number,
            });
        }
        table.find_rivals();
        table.find_alike();
        (table, strange)
    }

    /// A flow by its number.
    pub(crate) fn flow(&self, number: u32) -> Option<(&'p FlowKey, &'p Flow)> {
        let entry = self.flows.get(number as usize)?;
        Some((entry.key, entry.flow))
    }

    /// The other flows that might be taken in place of this one.
    pub(crate) fn rivals(&self, number: u32) -> &[u32] {
        self.flows
            .get(number as usize)
            .map_or(&[], |entry| &entry.rivals)
    }

    /// The flow that is taken for this one, where both do the same.
    pub(crate) fn alike(&self, number: u32) -> u32 {
        self.flows
            .get(number as usize)
            .map_or(number, |entry| entry.alike)
    }

    /// The flow that a packet finds, by its number, for every part of the class; or one that is
    /// [alike](Self::alike).
    pub(crate) fn look_up(
        &self,
        packet: &Packet,
        class: &Rc<Class>,
        memo: &mut Memo,
    ) -> Vec<(u32, Rc<Class>)> {
        let candidates = self.candidates(packet, class);
        let mut cases = Vec::new();
        self.divide(&candidates, packet, class, memo, &mut cases);
        cases
    }

    /// The flows that a packet of this class may match, in order, down to one that it matches in
    /// any case.
    fn candidates(&self, packet: &Packet, class: &Class) -> Vec<u32> {
        let mut found = Vec::new();
        // No flow behind this one matters.
        let mut last = MISS;
        for shape in self.shapes.iter() {
            if shape.first > last {
                break;
            }
            let mut values = Vec::with_capacity(shape.fields.len());
            let mut bits = Vec::with_capacity(shape.fields.len());
            for (field, mask) in &shape.fields {
                let Some(value) = packet.read(*field) else {
                    break;
                };
                // What several cases have in common is not looked for.
                let value = match value.variable() {
                    Some(var) if var.is_of_payload() && class.payload().count() > 1 => value,
                    _ => class.resolve(value),
                };
                let (known, which) = value.known();
                values.push(known & mask);
                bits.push(which & mask);
            }
            if values.len() < shape.fields.len() {
                continue;
            }
            let is_known = |((_, mask), known): (&(OxmField, u128), &u128)| mask == known;
            if shape.fields.iter().zip(&bits).all(is_known) {
                if let Some(flows) = shape.by_values.get(&values) {
                    found.push(flows[0]);
                    last = last.min(flows[0]);
                }
                continue;
            }
            let agrees = |flow: &[u128]| {
                let mut bits = flow.iter().zip(&values).zip(&bits);
                bits.all(|((flow, value), bits)| (flow ^ value) & bits == 0)
            };
            found.extend(
                shape
                    .by_values
                    .iter()
                    .filter(|(flow, _)| agrees(flow))
                    .map(|(_, flows)| flows[0]),
            );
        }
        found.retain(|number| *number <= last);
        found.sort_unstable();
        found
    }

    /// Divides `class` among the candidates. Where nothing but what the frame carries decides, that
    /// was done before, as a rule, and parts with one outcome stay together.
    fn divide(
        &self,
        candidates: &[u32],
        packet: &Packet,
        class: &Rc<Class>,
        memo: &mut Memo,
        cases: &mut Vec<(u32, Rc<Class>)>,
    ) {
        if let Some(conditions) = self.about_payload(candidates, packet, class) {
            let parts = memo.parts(class.payload(), conditions, MISS).into_iter();
            let class = |payload| Rc::new(class.with_payload(payload));
            cases.extend(parts.map(|(number, payload)| (number, class(payload))));
            return;
        }
        let mut rest = Rest::new(class);
        for (position, &number) in candidates.iter().enumerate() {
            let Some(open) = self.open_questions(number, packet, &rest.class) else {
                continue;
            };
            if let [question] = open[..]
                && !question.var.is_of_payload()
            {
                if rest.take_out_first(question) && !rest.settle() {
                    return;
                }
                cases.extend(rest.take(question).map(|class| (number, class)));
                continue;
            }
            if !rest.settle() {
                return;
            }
            // What this flow leaves over answers each of the questions with no.
            let mut class = Some(rest.class);
            for question in open {
                let Some(whole) = class else { return };
                let (yes, no) = whole.split(question, memo);
                if let Some(no) = no {
                    let behind = &candidates[position + 1..];
                    self.divide(behind, packet, &Rc::new(no), memo, cases);
                }
                class = yes.map(Rc::new);
            }
            cases.extend(class.map(|class| (number, class)));
            return;
        }
        if rest.settle() {
            cases.push((MISS, rest.class));
        }
    }

    /// What decides among the candidates, where that is what the frame carries and nothing else.
    fn about_payload(
        &self,
        candidates: &[u32],
        packet: &Packet,
        class: &Class,
    ) -> Option<Vec<Condition>> {
        let mut conditions = Vec::new();
        for &number in candidates {
            let Some(mut open) = self.questions(number, packet) else {
                continue;
            };
            let of_frame = |question: &Question| !question.var.is_of_payload();
            let mut answers = open
                .iter()
                .filter(|one| of_frame(one))
                .map(|one| class.is(*one));
            if let Some(other) = answers.find(|answer| *answer != Answer::Always) {
                match other {
                    Answer::Depends => return None,
                    _ => continue,
                }
            }
            open.retain(|question| question.var.is_of_payload());
            let decides = open.is_empty();
            conditions.push((self.alike(number), open));
            if decides {
                break;
            }
        }
        let asks = conditions.iter().any(|(_, open)| !open.is_empty());
        asks.then_some(conditions)
    }

    /// The questions to a packet of a class that a flow depends on; `None` if it does not match in
    /// any case.
    fn open_questions(&self, number: u32, packet: &Packet, class: &Class) -> Option<Vec<Question>> {
        let mut open = self.questions(number, packet)?;
        let mut is_out = false;
        open.retain(|question| match class.is(*question) {
            Answer::Always => false,
            Answer::Never => {
                is_out = true;
                false
            }
            Answer::Depends => true,
        });
        (!is_out).then_some(open)
    }

    /// What is to be asked about a packet to know whether the flow matches; `None` if it does not
    /// in any case.
    fn questions(&self, number: u32, packet: &Packet) -> Option<Vec<Question>> {
        let entry = &self.flows[number as usize];
        let shape = &self.shapes[entry.shape];
        let mut questions = Vec::new();
        for ((field, mask), value) in shape.fields.iter().zip(&entry.values) {
            match packet.read(*field)?.is(*value, *mask) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(question) => questions.push(question),
            }
        }
        Some(questions)
    }

    /// The questions to a packet that a rival of the flow it found depends on; `None` if that does
    /// not match in any case.
    pub(crate) fn rival_questions(&self, number: u32, packet: &Packet) -> Option<Vec<Question>> {
        self.questions(number, packet)
    }

    /// Of two flows of one priority that match one frame, either may be taken.
    fn find_rivals(&mut self) {
        let mut rivals = Vec::new();
        for shape in 0..self.shapes.len() {
            for other in shape + 1..self.shapes.len() {
                self.rivals_of(shape, other, &mut rivals);
            }
        }
        for (one, other) in rivals {
            self.flows[one as usize].rivals.push(other);
            self.flows[other as usize].rivals.push(one);
        }
    }

    /// Flows that look at what a frame carries are often many with one effect: those of a filter.
    fn find_alike(&mut self) {
        let mut firsts: Vec<u32> = Vec::new();
        for number in 0..self.flows.len() {
            let entry = &self.flows[number];
            let shape = &self.shapes[entry.shape];
            let looks_inside = |(field, _): &(OxmField, u128)| {
                *field == OxmField::EthType || field.prerequisite() != Prerequisite::None
            };
            if !entry.rivals.is_empty() || !shape.fields.iter().any(looks_inside) {
                continue;
            }
            let is_alike = |first: &&u32| {
                let first = &self.flows[**first as usize];
                first.key.priority == entry.key.priority
                    && first.flow.instructions == entry.flow.instructions
            };
            match firsts.iter().find(is_alike).copied() {
                Some(first) => self.flows[number].alike = first,
                None => firsts.push(number as u32),
            }
        }
    }

    fn rivals_of(&self, one: usize, other: usize, rivals: &mut Vec<(u32, u32)>) {
        // The bits that both shapes look at: flows that differ in these have no frame in common.
        let (one, other) = (&self.shapes[one], &self.shapes[other]);
        let common: Vec<(usize, usize, u128)> = one
            .fields
            .iter()
            .enumerate()
            .filter_map(|(here, (field, mask))| {
                let there = other.fields.iter().position(|(own, _)| own == field)?;
                Some((here, there, mask & other.fields[there].1))
            })
            .collect();
        let mut groups: HashMap<(u16, Vec<u128>), Vec<u32>> = HashMap::new();
        for number in one.by_values.values().flatten() {
            let entry = &self.flows[*number as usize];
            let bits = common
                .iter()
                .map(|(here, _, mask)| entry.values[*here] & mask);
            let place = (entry.key.priority, bits.collect());
            groups.entry(place).or_default().push(*number);
        }
        for number in other.by_values.values().flatten() {
            let entry = &self.flows[*number as usize];
            let bits = common
                .iter()
                .map(|(_, there, mask)| entry.values[*there] & mask);
            let place = (entry.key.priority, bits.collect());
            for rival in groups.get(&place).into_iter().flatten() {
                if self.flows[*rival as usize].flow.instructions != entry.flow.instructions {
                    rivals.push((*rival, *number));
                }
            }
        }
    }
}

/// What flows leave over of a class. As long as all of them ask for one variable, what they take is
/// put aside together: copying the class for each would take its time.
struct Rest {
    /// Without what is put aside.
    class: Rc<Class>,
    var: Option<Var>,
    singles: HashSet<u128, BuildHasherDefault<Mixer>>,
    masked: Vec<(u128, u128)>,
}

impl Rest {
    fn new(class: &Rc<Class>) -> Self {
        Self {
            class: Rc::clone(class),
            var: None,
            singles: HashSet::default(),
            masked: Vec::new(),
        }
    }

    /// Whether a question is about another variable than those that are put aside.
    fn take_out_first(&self, question: Question) -> bool {
        self.var.is_some_and(|var| var != question.var)
    }

    /// Takes out the part for which the answer is yes, and gives it where there is any left.
    fn take(&mut self, question: Question) -> Option<Rc<Class>> {
        let Question { var, value, mask } = question;
        let agrees = |(v, m): &&(u128, u128)| (v ^ value) & m & mask == 0;
        let mut set = self.class.values(var).only(value, mask);
        let taken = self.masked.iter().filter(agrees).copied();
        self.var = Some(var);
        if let Some(single) = set.single() {
            let is_new = self.singles.insert(single);
            if !is_new || taken.clone().any(|(v, m)| (v ^ single) & m == 0) {
                return None;
            }
        } else {
            let singles = self.singles.iter().map(|single| (*single, u128::MAX));
            set = set.without(taken.chain(singles).collect::<Vec<_>>());
            self.masked.push((value, mask));
        }
        self.class.with(var, set).map(Rc::new)
    }

    /// Takes what was put aside out of the class; false if nothing is left of it then.
    fn settle(&mut self) -> bool {
        let Some(var) = self.var.take() else {
            return true;
        };
        let singles = self.singles.drain().map(|single| (single, u128::MAX));
        let taken = singles.chain(self.masked.drain(..));
        let set = self.class.values(var).without(taken);
        match self.class.with(var, set) {
            Some(class) => {
                self.class = Rc::new(class);
                true
            }
            None => false,
        }
    }
}

/// Fields with values and masks; `None` where there is a field that is not known here.
fn conditions(match_: &Match) -> Option<Vec<(OxmField, u128, u128)>> {
    let mut conditions = Vec::with_capacity(match_.entries().len());
    for entry in match_.entries() {
        let MatchEntry::Oxm(Oxm { field, value, mask }) = entry else {
            return None;
        };
        let full = field.full_mask();
        let mask = mask.unwrap_or(full) & full;
        conditions.push((*field, value & mask, mask));
    }
    // Networks first: they leave less to ask about addresses than the other way round.
    conditions.sort_by_key(|(field, ..)| {
        let is_behind = field.prerequisite() != Prerequisite::None;
        let is_address = field.bits() == 48;
        (is_address, is_behind, field.bits(), *field)
    });
    Some(conditions)
}
