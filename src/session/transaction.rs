//! Changes that take effect together: one bundle (ONF extension 230), and what can not be in one.
//!
//! OPEN, all changes and CLOSE go out at once; COMMIT only when the switch has answered CLOSE and
//! refused none of them, for Open vSwitch leaves a refused change out and would commit the rest.
//! Meters are changed before that, but deleted only once the COMMIT is answered: with a meter the
//! switch deletes the flows that use it.

use std::time::{Duration, Instant};

use openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, EncodeError, ErrorMsg, Message,
    MeterMod, MeterModCommand, Xid,
};

use super::describe;
use super::event::CloseReason;
use super::wire::Wire;

/// How long the switch may take for an answer, and how much longer for each change: Open vSwitch
/// takes some 10,000 of them a second, and a busy one far fewer.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const TIME_PER_CHANGE: Duration = Duration::from_millis(1);
const FLAGS: BundleFlags = BundleFlags::ATOMIC.union(BundleFlags::ORDERED);

/// The state of a transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    deadline: Instant,
    /// Bytes of output that it began with.
    len: usize,
    bundle_id: u32,
    changes: Vec<Message>,
    /// The xid of the first change; those of the others follow it one by one.
    first_change: Xid,
    /// Where in `changes` those begin that are sent when the bundle is in force.
    late: usize,
    /// The xid of the first of these, once it is sent.
    first_late: Option<Xid>,
    /// The xid of the OPEN_REQUEST, where there is a bundle.
    open: Option<Xid>,
    stage: Stage,
    /// The xid of the request whose answer ends the stage.
    awaited: Xid,
    /// What went wrong first.
    refusal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// All is out but for the COMMIT, and what is to follow that.
    Filling,
    /// There were only changes that need no bundle, or there are only such left; a
    /// BARRIER_REQUEST follows them.
    Unbundled,
    Committing,
    Discarding,
}

/// How a transaction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    Rejected(String),
}

impl Transaction {
    /// Sends `changes`, of which there must be some. Meters go first, for a bundle can not hold
    /// them and flows may use them; those to delete go last.
    ///
    /// Where one can not be encoded nothing is sent.
    pub(super) fn begin(
        now: Instant,
        bundle_id: u32,
        mut changes: Vec<Message>,
        wire: &mut Wire,
    ) -> Result<Self, EncodeError> {
        changes.sort_by_key(turn);
        let late = changes.partition_point(|change| turn(change) != Turn::Late);
        let before = wire.output().len();
        let mut transaction = Self {
            deadline: now + time_limit(&changes),
            len: 0,
            bundle_id,
            changes,
            first_change: Xid::default(),
            late,
            first_late: None,
            open: None,
            stage: Stage::Filling,
            awaited: Xid::default(),
            refusal: None,
        };
        transaction
            .send_all(wire)
            .inspect_err(|_| wire.output().truncate(before))?;
        transaction.len = wire.output().len() - before;
        Ok(transaction)
    }

    fn send_all(&mut self, wire: &mut Wire) -> Result<(), EncodeError> {
        let is_bundled = |change: &Message| turn(change) == Turn::Bundled;
        if self.changes.iter().any(is_bundled) {
            self.open = Some(self.control(BundleControlKind::OpenRequest, wire)?);
        }
        self.first_change = wire.next_xid();
        for change in &self.changes[..self.late] {
            if is_bundled(change) {
                let add = BundleAdd::new(self.bundle_id, FLAGS, change.clone());
                wire.send(&Message::BundleAdd(add))?;
            } else {
                wire.send(change)?;
            }
        }
        if self.open.is_some() {
            self.stage = Stage::Filling;
            self.awaited = self.control(BundleControlKind::CloseRequest, wire)?;
            Ok(())
        } else {
            self.send_late(wire)
        }
    }

    /// Sends what needs no bundle and is to come after it.
    fn send_late(&mut self, wire: &mut Wire) -> Result<(), EncodeError> {
        self.first_late = Some(wire.next_xid());
        for change in &self.changes[self.late..] {
            wire.send(change)?;
        }
        self.stage = Stage::Unbundled;
        self.awaited = wire.send(&Message::BarrierRequest)?;
        Ok(())
    }

    fn control(&self, kind: BundleControlKind, wire: &mut Wire) -> Result<Xid, EncodeError> {
        wire.send(&Message::BundleControl(BundleControl::new(
            self.bundle_id,
            kind,
            FLAGS,
        )))
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Bytes of output that it began with: all changes and what is around them.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether a message under this xid answers one of the transaction's.
    pub(super) fn owns(&self, xid: Xid) -> bool {
        xid == self.awaited || Some(xid) == self.open || self.change(xid).is_some()
    }

    fn change(&self, xid: Xid) -> Option<&Message> {
        let (early, late) = self.changes.split_at(self.late);
        let sent_from = |first: Xid| xid.0.wrapping_sub(first.0) as usize;
        let late = self.first_late.and_then(|first| late.get(sent_from(first)));
        early.get(sent_from(self.first_change)).or(late)
    }

    /// Takes an ERROR under an xid which the transaction [owns](Self::owns).
    pub(super) fn handle_error(&mut self, xid: Xid, error: &ErrorMsg) -> Option<Outcome> {
        let what = match self.change(xid) {
            Some(change) => describe::change(change),
            None if Some(xid) == self.open => "to open a bundle".into(),
            None => self.stage.request().into(),
        };
        let error = describe::error(error);
        self.refusal
            .get_or_insert_with(|| format!("the switch refuses {what}: {error}"));
        (xid == self.awaited).then(|| self.end())
    }

    /// Takes a reply under an xid which the transaction [owns](Self::owns).
    pub(super) fn handle_reply(
        &mut self,
        now: Instant,
        xid: Xid,
        reply: &Message,
        wire: &mut Wire,
    ) -> Result<Option<Outcome>, CloseReason> {
        if xid != self.awaited {
            return Ok(None);
        }
        let kind = match reply {
            Message::BundleControl(control) if control.bundle_id == self.bundle_id => {
                Some(control.kind)
            }
            _ => None,
        };
        match (self.stage, kind) {
            (Stage::Filling, Some(BundleControlKind::CloseReply)) => {
                let (stage, request) = match self.refusal {
                    None => (Stage::Committing, BundleControlKind::CommitRequest),
                    Some(_) => (Stage::Discarding, BundleControlKind::DiscardRequest),
                };
                self.awaited = self.control(request, wire)?;
                self.stage = stage;
                self.deadline = now + time_limit(&self.changes);
                Ok(None)
            }
            (Stage::Committing, Some(BundleControlKind::CommitReply))
                if self.late < self.changes.len() && self.refusal.is_none() =>
            {
                self.send_late(wire)?;
                self.deadline = now + time_limit(&self.changes);
                Ok(None)
            }
            (Stage::Committing, Some(BundleControlKind::CommitReply))
            | (Stage::Discarding, Some(BundleControlKind::DiscardReply)) => Ok(Some(self.end())),
            (Stage::Unbundled, None) if *reply == Message::BarrierReply => Ok(Some(self.end())),
            _ => Err(CloseReason::Protocol(format!(
                "something else came in answer to the request {}",
                self.stage.request()
            ))),
        }
    }

    fn end(&mut self) -> Outcome {
        self.refusal
            .take()
            .map_or(Outcome::Committed, Outcome::Rejected)
    }
}

impl Stage {
    /// What was asked of the switch, for messages.
    fn request(self) -> &'static str {
        match self {
            Self::Filling => "to close the bundle",
            Self::Unbundled => "for a barrier",
            Self::Committing => "to commit the bundle",
            Self::Discarding => "to discard the bundle",
        }
    }
}

fn time_limit(changes: &[Message]) -> Duration {
    let count = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    TIME_LIMIT.saturating_add(TIME_PER_CHANGE.saturating_mul(count))
}

/// When the turn of a change comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// By itself, before the bundle: OpenFlow has meters in no bundle.
    Early,
    Bundled,
    /// By itself, after the bundle.
    Late,
}

fn turn(change: &Message) -> Turn {
    match change {
        Message::MeterMod(MeterMod {
            command: MeterModCommand::Delete,
            ..
        }) => Turn::Late,
        Message::MeterMod(_) => Turn::Early,
        _ => Turn::Bundled,
    }
}
