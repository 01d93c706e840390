//! What is proved: the properties, and how one walk is held against the rule.

mod bounds;
mod delivery;
mod functions;
mod learning;
mod limits;
mod sharing;

use std::fmt;

use serde::Serialize;

pub(crate) use sharing::{Share, Shares, compare, different};

use super::engine::{Class, Outcome, Sent};
use super::rule::{Expected, Fate, FunctionId, Occupant, Refusal, Site, Way};
use crate::learning::Location;

/// Something that holds for every frame on a host that does what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// What is done with every frame is known and defined.
    Defined,
    /// No frame runs in a loop.
    NoLoop,
    /// A refused frame reaches nobody.
    Refused,
    /// A frame of a known address reaches nobody else than it is for.
    Unicast,
    /// All other frames reach every member of their network.
    Flood,
    /// Nobody gets a frame twice, and nobody his own.
    Once,
    /// A frame stays in its network.
    Isolation,
    /// A frame arrives as it was sent.
    Unchanged,
    /// No mark leaves the host.
    Marks,
    /// A tap gets every frame of its chain once, and no others.
    Taps,
    /// An inline function gets every frame of its chain once, in order, and no others.
    Inline,
    /// What an inline function that is down should stop, stops.
    FailClose,
    /// What an inline function that is down should let pass, passes.
    FailOpen,
    /// Both directions of a conversation pass the same instance.
    Conversations,
    /// The controller is told of every source that it does not know, and of nothing else.
    Learning,
    /// What is limited is what the configuration says, and a tap's limit stops no frame.
    Limits,
}

impl Property {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Defined,
        Self::NoLoop,
        Self::Refused,
        Self::Unicast,
        Self::Flood,
        Self::Once,
        Self::Isolation,
        Self::Unchanged,
        Self::Marks,
        Self::Taps,
        Self::Inline,
        Self::FailClose,
        Self::FailOpen,
        Self::Conversations,
        Self::Learning,
        Self::Limits,
    ];

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::NoLoop => "no_loop",
            Self::Refused => "refused",
            Self::Unicast => "unicast",
            Self::Flood => "flood",
            Self::Once => "once",
            Self::Isolation => "isolation",
            Self::Unchanged => "unchanged",
            Self::Marks => "marks",
            Self::Taps => "taps",
            Self::Inline => "inline",
            Self::FailClose => "fail_close",
            Self::FailOpen => "fail_open",
            Self::Conversations => "conversations",
            Self::Learning => "learning",
            Self::Limits => "limits",
        }
    }

    /// What it says.
    pub fn statement(self) -> &'static str {
        match self {
            Self::Defined => "one flow decides at every table, and what it does is known",
            Self::NoLoop => "no frame runs in a loop",
            Self::Refused => "a refused frame reaches nobody, not even a tap or the controller",
            Self::Unicast => "a frame to a known address reaches that and vNICs that accept all",
            Self::Flood => "every other frame reaches all members of its network",
            Self::Once => "no port gets a frame twice, and no sender gets its own",
            Self::Isolation => {
                "what leaves a port is of a network of that port, tagged as it takes it"
            }
            Self::Unchanged => "addresses and payload arrive as they were sent",
            Self::Marks => "no mark of ours leaves the host",
            Self::Taps => "a tap gets each frame of its chain that it wants once, and no other",
            Self::Inline => {
                "an inline function that is up gets each frame of its chain once, in order, by \
                 the right leg, and no other"
            }
            Self::FailClose => "nothing passes an inline function that is down and fails close",
            Self::FailOpen => "everything passes an inline function that is down and fails open",
            Self::Conversations => "both directions of a conversation pass the same instance",
            Self::Learning => {
                "the controller is told of each source that it does not know, and of no other"
            }
            Self::Limits => {
                "storm and rate limits are where they should be, and stop no other frame"
            }
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) property: Property,
    /// What is wrong, in words.
    pub(crate) what: String,
}

/// One class of frames and what became of it, to be held against the rule.
pub(crate) struct Case<'a> {
    pub(crate) site: &'a Site<'a>,
    /// Where its frames come in.
    pub(crate) from: Location,
    /// Whether they come with a tag.
    pub(crate) is_tagged: bool,
    pub(crate) class: &'a Class,
    pub(crate) expected: &'a Expected,
    pub(crate) outcome: &'a Outcome,
}

/// What the properties say of a case.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The properties that have something to say about the case.
    pub(crate) concerned: Vec<Property>,
    pub(crate) violations: Vec<Violation>,
    /// How functions with several instances share the frames of the case.
    pub(crate) shares: Vec<(FunctionId, Share)>,
}

impl Verdict {
    fn concerns(&mut self, property: Property) {
        self.concerned.push(property);
    }

    fn violated(&mut self, property: Property, what: impl Into<String>) {
        self.violations.push(Violation {
            property,
            what: what.into(),
        });
    }
}

/// Holds a case against all properties.
pub(crate) fn check(case: &Case<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    bounds::check_faults(case, &mut verdict);
    bounds::check_marks(case, &mut verdict);
    limits::check(case, &mut verdict);
    match &case.expected.fate {
        Fate::Refused(refusal) => case.check_refused(*refusal, &mut verdict),
        Fate::Probe => {
            case.check_nobody("it is a probe", &mut verdict);
            learning::check_probe(case, &mut verdict);
        }
        Fate::Admitted(way) => {
            let passage = functions::check(case, way, &mut verdict);
            delivery::check(case, way, passage, &mut verdict);
            bounds::check_copies(case, way, &mut verdict);
            learning::check(case, way, &mut verdict);
            sharing::check(case, &way.visits[..passage.reached], &mut verdict);
        }
    }
    verdict
}

impl Case<'_> {
    fn check_refused(&self, refusal: Refusal, verdict: &mut Verdict) {
        self.check_nobody(&refusal.to_string(), verdict);
        if !self.outcome.told.is_empty() {
            let what = format!("{refusal}, but the controller is told of it");
            verdict.violated(Property::Refused, what);
        }
    }

    fn check_nobody(&self, why: &str, verdict: &mut Verdict) {
        verdict.concerns(Property::Refused);
        if let Some(sent) = self.outcome.sent.first() {
            let port = self.name(sent.at);
            verdict.violated(Property::Refused, format!("{why}, but {port} gets it"));
        }
    }

    /// What was sent to somebody who is no network function.
    fn received(&self) -> impl Iterator<Item = &Sent> {
        self.outcome.sent.iter().filter(|sent| {
            !matches!(
                self.site.occupant(sent.at),
                Occupant::Tap(_) | Occupant::Leg(..)
            )
        })
    }

    /// Where the frame was sent in, for the way that a sender is known.
    fn is_sender(&self, way: &Way, at: Location) -> bool {
        way.sender == Some(at)
    }

    fn name(&self, at: Location) -> String {
        match self.site.name(at) {
            Some(name) => name.to_owned(),
            None => format!("port {} of the {} bridge", at.port, at.role),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "nothing is to come in by that port",
            Self::Network => "the sender is no member of that network",
            Self::InnerTag => "a second tag inside would come to light",
            Self::Reserved => "bridges do not forward reserved multicast",
            Self::MulticastSource => "its source is a multicast address",
            Self::Spoofed => "its source address is somebody else's",
            Self::Forged => "its sender may use its own address only",
            Self::TooMany => "its vNIC or its network has as many addresses as it may have",
            Self::OtherUplink => "it is another uplink that takes such frames in",
            Self::Function => "the function has nothing to send there",
        })
    }
}
