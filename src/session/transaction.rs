//! Changes that take effect together: one bundle (ONF extension 230), and what can not be in one.
//!
//! OPEN, all changes and CLOSE go out at once; COMMIT only when the switch has answered CLOSE and
//! refused none of them, for Open vSwitch leaves a refused change out and would commit the rest.

use std::time::{Duration, Instant};

use openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, EncodeError, ErrorMsg, Message, Xid,
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
    /// All is out but for the COMMIT.
    Filling,
    /// There were only changes that need no bundle; a BARRIER_REQUEST follows them.
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
    /// them and flows may use them.
    ///
    /// Where one can not be encoded nothing is sent.
    pub(super) fn begin(
        now: Instant,
        bundle_id: u32,
        mut changes: Vec<Message>,
        wire: &mut Wire,
    ) -> Result<Self, EncodeError> {
        changes.sort_by_key(|change| !is_meter_mod(change));
        let before = wire.output().len();
        let mut transaction = Self {
            deadline: now + time_limit(&changes),
            len: 0,
            bundle_id,
            changes,
            first_change: Xid::default(),
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
        if !self.changes.iter().all(is_meter_mod) {
            self.open = Some(self.control(BundleControlKind::OpenRequest, wire)?);
        }
        self.first_change = wire.next_xid();
        for change in &self.changes {
            if is_meter_mod(change) {
                wire.send(change)?;
            } else {
                let add = BundleAdd::new(self.bundle_id, FLAGS, change.clone());
                wire.send(&Message::BundleAdd(add))?;
            }
        }
        (self.stage, self.awaited) = if self.open.is_some() {
            (
                Stage::Filling,
                self.control(BundleControlKind::CloseRequest, wire)?,
            )
        } else {
            (Stage::Unbundled, wire.send(&Message::BarrierRequest)?)
        };
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
        self.changes
            .get(xid.0.wrapping_sub(self.first_change.0) as usize)
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

/// Meters are changed one by one: OpenFlow has them in no bundle.
fn is_meter_mod(change: &Message) -> bool {
    matches!(change, Message::MeterMod(_))
}
