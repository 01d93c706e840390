//! What becomes of a steady stream while the IPS is down.

use std::time::{Duration, Instant};

use anyhow::Result;
use integration::stream::{Arrived, Stream};
use integration::wait;

use super::report::{Cell, Report};
use super::{FIRST, IDS, SECOND, Stage, VM_A, VM_B};

/// The pause after each frame.
const PAUSE: Duration = Duration::from_millis(2);
/// How many frames are looked at in each situation.
const FRAMES: usize = 200;
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

/// Lets the IPS fail and recover under a stream from one guest to the other.
pub(super) fn measure(
    stage: &Stage,
    failure: Failure,
    outcome: Outcome,
    report: &mut Report,
) -> Result<()> {
    let lab = &stage.lab;
    let stream = lab.stream_every(VM_A, lab.mac(VM_B)?, PAUSE)?;
    let begun = Instant::now();
    lab.await_stream(&stream, VM_B, FRAMES)?;

    failure.begin(stage)?;
    match outcome {
        // What is before it in the chain goes on seeing frames.
        Outcome::Stop => lab.await_stream(&stream, IDS, FRAMES)?,
        Outcome::Bypass | Outcome::TakeOver => lab.await_stream(&stream, VM_B, FRAMES)?,
    }
    let before = Counts::now(stage, &stream);
    lab.await_stream(&stream, IDS, FRAMES)?;
    let after = Counts::now(stage, &stream);

    let ended = Instant::now();
    failure.end(stage)?;
    // It is back when it gets frames and they arrive.
    let is_back = || {
        let now = Counts::now(stage, &stream);
        Ok((now.by[0] > after.by[0] && now.guest > after.guest).then_some(()))
    };
    wait::until("the IPS to be back", is_back)?;
    let back = ended.elapsed();
    lab.await_stream(&stream, VM_B, FRAMES)?;
    let length = begun.elapsed();
    let tally = stream.finish(lab)?;

    let expected = match outcome {
        Outcome::Stop => ["nothing", "nobody"],
        Outcome::Bypass => ["frames", "nobody"],
        Outcome::TakeOver => ["frames", "the second IPS"],
    };
    let gets = ["nothing", "frames"][usize::from(after.guest > before.guest)];
    let by = match [0, 1].map(|it| after.by[it] > before.by[it]) {
        [false, false] => "nobody",
        [true, false] => "the first IPS",
        [false, true] => "the second IPS",
        [true, true] => "both IPS",
    };
    let per_frame = length / tally.sent.max(1);
    let gap = longest_gap(&tally.arrivals(VM_B));
    let limit = match failure {
        Failure::LinkDown => AT_ONCE,
        Failure::StandsStill => BY_PROBES,
    };
    let interrupted = match outcome {
        Outcome::Stop => Cell::of("until it is back"),
        Outcome::Bypass | Outcome::TakeOver => Cell::time(per_frame * gap, limit),
    };
    let Arrived { duplicated, .. } = tally.at(VM_B);
    report.failure(
        outcome,
        failure,
        [
            Cell::expected(gets, expected[0]),
            Cell::expected(by, expected[1]),
            interrupted,
            Cell::time(back, BY_PROBES),
            Cell::copies(duplicated.len(), 0),
        ],
    );
    Ok(())
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
