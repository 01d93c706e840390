//! All classes of a host, kept to be compared with what other flows do.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use openflow::{Action, GroupId, Instruction, OxmField, TableId};

use super::Subject;
use super::engine::{
    Class, Explorer, MISS, Memo, Metered, Model, Outcome, Place, Sent, Value, Var,
};
use super::property::{self, Shares};
use super::rule::{Occupant, Site};
use super::search::{Root, roots};
use super::witness::{Counterexample, Witness};
use crate::learning::Location;
use crate::program::Program;
use crate::topology::Role;

/// A host whose classes of frames are known, with what becomes of each.
///
/// Flows that differ in a few places can then be looked at for the frames that meet these places.
#[derive(Debug)]
pub struct Explored<'a> {
    subject: Subject<'a>,
    site: Site<'a>,
    model: Model<'a>,
    cells: Vec<Cell>,
    /// The classes that come by each place, by their numbers.
    by_place: BTreeMap<Place, Vec<usize>>,
    shares: Shares,
    memo: RefCell<Memo>,
}

/// What changes of flows come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Nothing else becomes of any frame.
    Same,
    /// A property does not hold any more.
    Refuted(Box<Counterexample>),
    /// Something else becomes of this frame, though all properties hold.
    Unnoticed(Witness),
}

/// A class and what becomes of it.
#[derive(Debug)]
struct Cell {
    root: Root,
    class: Rc<Class>,
    outcome: Outcome,
}

/// A copy of a frame, as it leaves the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copy {
    /// By which port.
    pub at: Location,
    /// With which VLAN ids, outermost first, those of the payload left out.
    pub vids: Vec<Option<u16>>,
    /// How many tags of the frame as it came in are not in the payload any more.
    pub uncovered: u8,
    /// Whether the rest is as it came in.
    pub is_unchanged: bool,
    /// The mark, where it is one of ours: neither 0 nor what it came in with.
    pub pkt_mark: Option<u32>,
    /// After how many bytes it is cut off, where it is.
    pub max_len: Option<u32>,
}

/// What can be seen of an outcome.
#[derive(Debug, PartialEq, Eq)]
struct Visible {
    /// What network functions get, in order.
    functions: Vec<Copy>,
    /// What others get, sorted.
    others: Vec<Copy>,
    /// The bridges and ports that the controller is told of.
    told: Vec<(Role, Option<u128>)>,
    metered: Vec<Metered>,
    faults: Vec<String>,
}

impl<'a> Explored<'a> {
    /// Goes through all classes of frames; `None` where there are more than `limit`, all of which
    /// would be kept.
    pub fn new(subject: &Subject<'a>, limit: usize) -> Option<Self> {
        let site = subject.site();
        let (model, _) = subject.model();
        let mut cells = Vec::new();
        let mut shares = Shares::new();
        let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        let mut memo = Memo::default();
        for root in roots(&site, &model) {
            let class = root.class(&mut memo);
            let mut explorer = Explorer::new(class, memo);
            loop {
                if cells.len() == limit {
                    return None;
                }
                let (expected, outcome) = root.next(&site, &model, &mut explorer);
                let case = root.case(&site, explorer.class(), &expected, &outcome);
                for (function, share) in property::check(&case).shares {
                    shares.entry(function).or_default().insert(share);
                }
                for place in &outcome.found {
                    let here: &mut Vec<usize> = by_place.entry(*place).or_default();
                    if here.last() != Some(&cells.len()) {
                        here.push(cells.len());
                    }
                }
                cells.push(Cell {
                    root,
                    class: Rc::clone(explorer.class()),
                    outcome,
                });
                if !explorer.advance() {
                    break;
                }
            }
            memo = explorer.into_memo();
        }
        Some(Self {
            subject: *subject,
            site,
            model,
            cells,
            by_place,
            shares,
            memo: RefCell::new(memo),
        })
    }

    /// One frame of every class, with all copies of it that leave the host, in the order of sending.
    pub fn witnesses(&self) -> impl Iterator<Item = (Witness, Vec<Copy>)> {
        self.cells.iter().enumerate().filter_map(|(number, cell)| {
            let class = cell.class.with_one_case(number);
            let witness = Witness::of(&class, cell.root.at, cell.root.is_tagged)?;
            let sent = cell.outcome.sent.iter();
            Some((witness, sent.map(|sent| copy(sent, &cell.class)).collect()))
        })
    }

    /// Judges the flows of a bridge with some changes, by the classes of frames that come by these.
    pub fn judge(&self, role: Role, changed: &Program) -> Judgement {
        let model = self.model.with(role, changed);
        let mut shares = self.shares.clone();
        let mut unnoticed = None;
        for number in self.affected(role, changed) {
            let Cell {
                root,
                class,
                outcome: before,
            } = &self.cells[number];
            let mut explorer = Explorer::new(Class::clone(class), self.memo.take());
            loop {
                let (expected, outcome) = root.next(&self.site, &model, &mut explorer);
                let class = explorer.class();
                let case = root.case(&self.site, class, &expected, &outcome);
                let verdict = property::check(&case);
                let name = |function| self.site.function(function).name.clone();
                let other_share = property::compare(&mut shares, verdict.shares, name);
                let violations = verdict.violations.into_iter().chain(other_share);
                let mut found =
                    violations.filter_map(|one| Counterexample::new(one, &case, &model));
                if let Some(counterexample) = found.next() {
                    drop(found);
                    self.memo.replace(explorer.into_memo());
                    return Judgement::Refuted(Box::new(counterexample));
                }
                if unnoticed.is_none()
                    && self.visible(before, class) != self.visible(&outcome, class)
                {
                    let class = class.with_one_case(0);
                    unnoticed = Witness::of(&class, root.at, root.is_tagged);
                }
                if !explorer.advance() {
                    break;
                }
            }
            self.memo.replace(explorer.into_memo());
        }
        unnoticed.map_or(Judgement::Same, Judgement::Unnoticed)
    }

    /// The classes that come by something that is changed, by their numbers.
    fn affected(&self, role: Role, changed: &Program) -> BTreeSet<usize> {
        let Some((_, _, own)) = self.subject.bridges.iter().find(|(own, ..)| *own == role) else {
            return BTreeSet::new();
        };
        let mut affected = BTreeSet::new();
        if own.meters != changed.meters {
            let is_other = |metered: &Metered| {
                metered.role == role
                    && own.meters.get(&metered.meter) != changed.meters.get(&metered.meter)
            };
            let cells = (0..).zip(&self.cells);
            let metered = cells.filter(|(_, cell)| cell.outcome.metered.iter().any(is_other));
            affected.extend(metered.map(|(number, _)| number));
        }
        let groups = leading_to_changed_groups(own, changed);
        let mut tables: BTreeSet<TableId> = BTreeSet::new();
        tables.extend(
            changed
                .flows
                .keys()
                .filter(|key| !own.flows.contains_key(key))
                .map(|key| key.table),
        );
        for table in &tables {
            let of_table = self
                .by_place
                .range((role, *table, 0)..=(role, *table, MISS));
            affected.extend(of_table.flat_map(|(_, cells)| cells));
        }
        for (place, key, flow) in self.model.flows(role) {
            let now = changed.flows.get(key);
            let is_changed = now.is_none_or(|now| now.instructions != flow.instructions);
            if is_changed || !groups.is_empty() && leads_to(&flow.instructions, &groups) {
                for place in [place, self.model.alike(place)] {
                    affected.extend(self.by_place.get(&place).into_iter().flatten());
                }
            }
        }
        affected
    }

    fn visible(&self, outcome: &Outcome, class: &Class) -> Visible {
        let copies = outcome
            .sent
            .iter()
            .filter(|sent| class.port(sent.at) != Some(false))
            .map(|sent| copy(sent, class));
        let is_function = |copy: &Copy| {
            let occupant = self.site.occupant(copy.at);
            matches!(occupant, Occupant::Tap(_) | Occupant::Leg(..))
        };
        let (functions, mut others): (Vec<_>, Vec<_>) = copies.partition(is_function);
        others.sort_unstable();
        let told = outcome.told.iter();
        Visible {
            functions,
            others,
            told: told
                .map(|(role, _, port)| (*role, class.resolve(*port).as_number()))
                .collect(),
            metered: outcome.metered.clone(),
            faults: outcome.faults.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The groups that are changed, and those that hand frames to such a group.
fn leading_to_changed_groups(own: &Program, changed: &Program) -> BTreeSet<GroupId> {
    let all = own.groups.keys().chain(changed.groups.keys());
    let mut leading: BTreeSet<GroupId> = all
        .filter(|id| own.groups.get(id) != changed.groups.get(id))
        .copied()
        .collect();
    loop {
        let before = leading.len();
        for (id, group) in &own.groups {
            let mut buckets = group.buckets.iter();
            if buckets.any(|bucket| mention(&bucket.actions, &leading)) {
                leading.insert(*id);
            }
        }
        if leading.len() == before {
            return leading;
        }
    }
}

fn leads_to(instructions: &[Instruction], groups: &BTreeSet<GroupId>) -> bool {
    instructions.iter().any(|instruction| match instruction {
        Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => {
            mention(actions, groups)
        }
        _ => false,
    })
}

fn mention(actions: &[Action], groups: &BTreeSet<GroupId>) -> bool {
    actions.iter().any(|action| match action {
        Action::Group(id) => groups.contains(id),
        Action::Clone(actions) => mention(actions, groups),
        _ => false,
    })
}

fn copy(sent: &Sent, class: &Class) -> Copy {
    let number = |value| class.resolve(value).as_number();
    let (vids, uncovered) = sent.packet.vids();
    Copy {
        at: sent.at,
        vids: vids
            .into_iter()
            .map(|vid| number(vid).map(|vid| vid as u16))
            .collect(),
        uncovered,
        is_unchanged: sent.packet.is_unchanged(),
        pkt_mark: Some(sent.packet.pkt_mark)
            .filter(|mark| *mark != Value::var(Var::Field(OxmField::PktMark)))
            .map(|mark| number(mark).map_or(u32::MAX, |mark| mark as u32))
            .filter(|mark| *mark != 0),
        max_len: sent.max_len,
    }
}
