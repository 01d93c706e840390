//! Goes through all classes of frames of a host, from port to port.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use openflow::PortNo;

use super::engine::{Class, Explorer, Memo, Model, Outcome, Packet, Question, TPIDS, Var};
use super::property::{self, Case, Property, Share};
use super::rule::{self, Expected, FunctionId, Header, Site};
use super::witness::Counterexample;
use super::{Proof, Subject};
use crate::learning::Location;
use crate::topology::Role;

/// Where frames come in, and whether they have a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) at: Location,
    pub(super) is_tagged: bool,
}

impl Root {
    /// All frames that come in there.
    pub(super) fn class(self, memo: &mut Memo) -> Class {
        // It is up, as a frame comes in by it.
        let any = Class::default().with_payload(memo.any());
        let mut class = any.with_port(self.at, true);
        for tpid in TPIDS.into_iter().filter(|_| !self.is_tagged) {
            let question = Question {
                var: Var::Type(0),
                value: tpid.into(),
                mask: u16::MAX.into(),
            };
            // There are other types.
            class = class.split(question, memo).1.unwrap_or(class);
        }
        class
    }
}

impl Root {
    /// A class of its frames, to be held against the properties.
    pub(super) fn case<'c>(
        self,
        site: &'c Site<'c>,
        class: &'c Class,
        expected: &'c Expected,
        outcome: &'c Outcome,
    ) -> Case<'c> {
        Case {
            site,
            from: self.at,
            is_tagged: self.is_tagged,
            class,
            expected,
            outcome,
        }
    }

    /// What is wanted of the frames that the explorer is at, and what becomes of them.
    pub(super) fn next(
        self,
        site: &Site<'_>,
        model: &Model<'_>,
        explorer: &mut Explorer,
    ) -> (Expected, Outcome) {
        let packet = Packet::received(self.at.port, self.is_tagged);
        let outcome = model.walk(self.at.role, packet, explorer);
        let mut header = Header::new(explorer, self.is_tagged);
        (rule::expect(site, self.at, &mut header), outcome)
    }
}

/// All places where frames may come in: the ports that there are, but for the ends of patches, and
/// on every bridge one that is not there.
pub(super) fn roots(site: &Site<'_>, model: &Model<'_>) -> Vec<Root> {
    let mut places: Vec<Location> = site.all_ports().filter(|at| !model.is_patch(*at)).collect();
    let mut unknown: BTreeMap<_, u32> = BTreeMap::new();
    for Location { role, port } in site.all_ports() {
        let number = unknown.entry(role).or_insert(1);
        if port.0 <= PortNo::MAX.0 {
            *number = (*number).max(port.0 + 1);
        }
    }
    places.extend(unknown.into_iter().map(|(role, number)| Location {
        role,
        port: PortNo(number),
    }));
    // The controller may send frames in there itself.
    places.push(Location {
        role: Role::Service,
        port: PortNo::CONTROLLER,
    });
    places
        .into_iter()
        .filter(|at| model.has(at.role))
        .flat_map(|at| [false, true].map(|is_tagged| Root { at, is_tagged }))
        .collect()
}

/// What came of the classes of one root.
#[derive(Default)]
struct Findings {
    classes: usize,
    concerned: BTreeMap<Property, usize>,
    counterexamples: BTreeMap<Property, Counterexample>,
    /// How functions with several instances share frames, each with the first frame for which it
    /// is so.
    shares: BTreeMap<FunctionId, BTreeMap<Share, Option<Counterexample>>>,
}

pub(super) fn search(subject: &Subject<'_>, limit: usize) -> Proof {
    let site = subject.site();
    let (model, strange) = subject.model();
    let roots = roots(&site, &model);
    let mut findings: Vec<(usize, Findings)> = Vec::new();
    let (next, classes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let may_go_on = || classes.fetch_add(1, Ordering::Relaxed) < limit;
    let work = || {
        let (mut own, mut memo) = (Vec::new(), Memo::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(root) = roots.get(number) else {
                return own;
            };
            own.push((number, explore(&site, &model, *root, &mut memo, may_go_on)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        findings.extend(work());
        for other in others {
            match other.join() {
                Ok(found) => findings.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    findings.sort_by_key(|(number, _)| *number);
    let mut all = Findings::default();
    for (_, found) in findings {
        all.classes += found.classes;
        for (property, count) in found.concerned {
            *all.concerned.entry(property).or_default() += count;
        }
        for (property, counterexample) in found.counterexamples {
            all.counterexamples
                .entry(property)
                .or_insert(counterexample);
        }
        for (function, shares) in found.shares {
            let known = all.shares.entry(function).or_default();
            for (share, example) in shares {
                known.entry(share).or_insert(example);
            }
        }
    }
    for shares in all.shares.into_values() {
        let others: Vec<Share> = shares.keys().cloned().collect();
        let mut contradicting = shares.into_iter().filter(|(share, example)| {
            example.is_some() && others.iter().any(|other| share.contradicts(other))
        });
        if let Some((_, Some(example))) = contradicting.next() {
            let property = example.property;
            all.counterexamples.entry(property).or_insert(example);
        }
    }
    Proof {
        classes: all.classes,
        is_complete: classes.into_inner() <= limit,
        concerned: all.concerned,
        counterexamples: all.counterexamples.into_values().collect(),
        not_understood: strange
            .into_iter()
            .map(|(role, key)| (role, key.clone()))
            .collect(),
    }
}

/// Goes through the classes of one root, as long as it may.
fn explore(
    site: &Site<'_>,
    model: &Model<'_>,
    root: Root,
    memo: &mut Memo,
    may_go_on: impl Fn() -> bool,
) -> Findings {
    let mut findings = Findings::default();
    let class = root.class(memo);
    let mut explorer = Explorer::new(class, std::mem::take(memo));
    while may_go_on() {
        let (expected, outcome) = root.next(site, model, &mut explorer);
        findings.classes += 1;
        let case = root.case(site, explorer.class(), &expected, &outcome);
        let verdict = property::check(&case);
        for property in verdict.concerned {
            *findings.concerned.entry(property).or_default() += 1;
        }
        for (function, share) in verdict.shares {
            let shares = findings.shares.entry(function).or_default();
            shares.entry(share).or_insert_with(|| {
                let violation = property::different(&site.function(function).name);
                Counterexample::new(violation, &case, model)
            });
        }
        for violation in verdict.violations {
            if findings.counterexamples.contains_key(&violation.property) {
                continue;
            }
            if let Some(counterexample) = Counterexample::new(violation, &case, model) {
                let property = counterexample.property;
                findings.counterexamples.insert(property, counterexample);
            }
        }
        if !explorer.advance() {
            break;
        }
    }
    *memo = explorer.into_memo();
    findings
}
