//! What becomes of a steady stream while the IPS is down.

use std::time::{Duration, Instant};

use anyhow::Result;
use integration::stream::{Arrived, Stream, Tally};
use integration::wait;

use super::report::{Cell, Report};
use super::{FIRST, IDS, SECOND, Stage, VM_A, VM_B};

/// The pause after each frame.
const PAUSE: Duration = Duration::from_millis(2);
/// How many frames are looked at in each situation.
const FRAMES: usize = 200;
/// What the controller logs when a health check has failed.
const DOWN: &str = "function is down";
/// A failure that the switch sees by itself must be over by then; the lab's machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Two probes must be lost, or pass, of one every half a second.
const BY_PROBES: Duration = Duration::from_secs(3);

/// How the IPS fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// One of its ports goes down.
    LinkDown,
    /// Its ports are up, but nothing comes through.
    StandsStill,
}

impl Failure {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::LinkDown => "a link of the IPS goes down",
            Self::StandsStill => "the IPS stands still",
        }
    }

    fn begin(self, stage: &Stage) -> Result<()> {
        match self {
            Self::LinkDown => set_link(stage, "down"),
            Self::StandsStill => stage.first.pause(),
        }
    }

    fn end(self, stage: &Stage) -> Result<()> {
        match self {
            Self::LinkDown => set_link(stage, "up"),
            Self::StandsStill => stage.first.resume(),
        }
    }
}

/// What is configured to become of frames then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// `fail_close`
    Stop,
    /// `fail_open`
    Bypass,
    /// A second instance.
    TakeOver,
}

impl Outcome {
    pub(super) fn config(self) -> &'static str {
        match self {
            Self::Stop => "fail_close",
            Self::Bypass => "fail_open",
            Self::TakeOver => "fail_close, two instances",
        }
    }
}

fn set_link(stage: &Stage, state: &str) -> Result<()> {
    let host = stage.lab.layout().host();
    host.ip(&["link", "set", "dev", FIRST[1], state]).map(drop)
}

/// How many frames of the stream have come to the guest and to the functions.
#[derive(Clone, Copy)]
struct Counts {
    guest: usize,
    by: [usize; 2],
}

impl Counts {
    fn now(stage: &Stage, stream: &Stream) -> Self {
        let at = |port| stage.lab.arrived(stream, port);
        Self {
            guest: at(VM_B),
            by: [at(FIRST[0]), at(SECOND[0])],
        }
    }
}

/// What came of a stream under which the IPS failed and recovered.
struct Course {
    /// How long it took until the controller said so, where that was waited for.
    told: Duration,
    /// How many frames came to the guest from the failure until it was seen to.
    stragglers: usize,
    /// What came to whom while the IPS was down: to the guest, to each IPS.
    guest: bool,
    by: [bool; 2],
    /// How long it took from its end until the IPS was back.
    back: Duration,
    /// The time from one frame to the next.
    per_frame: Duration,
    tally: Tally,
}

/// Lets the IPS fail and recover under a stream from one guest to the other.
pub(super) fn measure(
    stage: &Stage,
    failure: Failure,
    outcome: Outcome,
    report: &mut Report,
) -> Result<()> {
    let course = run(stage, failure, outcome)?;
    let gets = ["nothing", "frames"][usize::from(course.guest)];
    let by = match course.by {
        [false, false] => "nobody",
        [true, false] => "the first IPS",
        [false, true] => "the second IPS",
        [true, true] => "both IPS",
    };
    let expected = match outcome {
        Outcome::Stop => ["nothing", "nobody"],
        Outcome::Bypass => ["frames", "nobody"],
        Outcome::TakeOver => ["frames", "the second IPS"],
    };
    let noticed = match (outcome, failure) {
        (Outcome::Stop, Failure::StandsStill) => course.told,
        (Outcome::Stop, Failure::LinkDown) => course.per_frame * u32::try_from(course.stragglers)?,
        // No frame arrives before that.
        _ => course.per_frame * longest_gap(&course.tally.arrivals(VM_B)),
    };
    let limit = match failure {
        Failure::LinkDown => AT_ONCE,
        Failure::StandsStill => BY_PROBES,
    };
    let Arrived { duplicated, .. } = course.tally.at(VM_B);
    report.failure(
        outcome,
        failure,
        [
            Cell::expected(gets, expected[0]),
            Cell::expected(by, expected[1]),
            Cell::time(noticed, limit),
            Cell::time(course.back, BY_PROBES),
            Cell::copies(duplicated.len(), 0),
        ],
    );
    Ok(())
}

fn run(stage: &Stage, failure: Failure, outcome: Outcome) -> Result<Course> {
    let lab = &stage.lab;
    let stream = lab.stream_every(VM_A, lab.mac(VM_B)?, PAUSE)?;
    let begun = Instant::now();
    lab.await_stream(&stream, VM_B, FRAMES)?;

    let (at_first, reports) = (Counts::now(stage, &stream), stage.controller.logged(DOWN));
    let failed = Instant::now();
    failure.begin(stage)?;
    // The frames do not tell when it was noticed that nothing comes through.
    if (outcome, failure) == (Outcome::Stop, Failure::StandsStill) {
        stage.controller.wait_for_log(DOWN, reports + 1)?;
    }
    let told = failed.elapsed();
    let goes_on = match outcome {
        Outcome::Stop => IDS,
        Outcome::Bypass | Outcome::TakeOver => VM_B,
    };
    lab.await_stream(&stream, goes_on, FRAMES)?;

    let before = Counts::now(stage, &stream);
    lab.await_stream(&stream, IDS, FRAMES)?;
    let after = Counts::now(stage, &stream);

    let ended = Instant::now();
    failure.end(stage)?;
    // It is back when it gets frames and they arrive.
    wait::until("the IPS to be back", || {
        let now = Counts::now(stage, &stream);
        Ok((now.by[0] > after.by[0] && now.guest > after.guest).then_some(()))
    })?;
    let back = ended.elapsed();
    lab.await_stream(&stream, VM_B, FRAMES)?;
    let length = begun.elapsed();
    let tally = stream.finish(lab)?;
    Ok(Course {
        told,
        stragglers: before.guest - at_first.guest,
        guest: after.guest > before.guest,
        by: [0, 1].map(|it| after.by[it] > before.by[it]),
        back,
        per_frame: length / tally.sent.max(1),
        tally,
    })
}

/// How many frames are missing, at the most, between one that arrived and the next. What an IPS that
/// stood still lets go in the end comes late, and ends nothing.
fn longest_gap(arrivals: &[u32]) -> u32 {
    let (mut latest, mut longest) = (None, 0);
    for &number in arrivals {
        let next = latest.map_or(number, |latest| latest + 1);
        if number >= next {
            longest = longest.max(number - next);
            latest = Some(number);
        }
    }
    longest
}
