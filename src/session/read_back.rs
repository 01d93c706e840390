//! Reads back what the switch holds: meters, groups and flows, each in as many parts as it takes.

use std::time::{Duration, Instant};

use openflow::{
    FlowStatsRequest, Message, MeterId, MultipartFlags, MultipartReply, MultipartReplyBody,
    MultipartRequest, MultipartRequestBody, Xid,
};

use super::event::{CloseReason, Snapshot};
use super::wire::Wire;

/// How long the switch may take for the next part.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// All parts together, as they are on the wire: 256 MiB, which is some 1,600,000 flows. It takes
/// some five times as much memory to hold them. A bridge with more is not served, whoever's the
/// flows are: what can not be read back can not be compared.
const MAX_BYTES: usize = 256 << 20;

/// The state of a read-back.
#[derive(Debug)]
pub(super) struct ReadBack {
    deadline: Instant,
    /// The requests that are not yet answered in full.
    open: Vec<Xid>,
    bytes: usize,
    snapshot: Snapshot,
}

impl ReadBack {
    /// Sends the requests, the one for flows last: of the three only flows go by themselves, and
    /// so the last FLOW_REMOVED ahead of the end of the list is older than the list.
    pub(super) fn begin(now: Instant, wire: &mut Wire) -> Result<Self, CloseReason> {
        let open = [
            MultipartRequestBody::MeterConfig(MeterId::ALL),
            MultipartRequestBody::GroupDesc,
            MultipartRequestBody::Flow(FlowStatsRequest::all()),
        ]
        .into_iter()
        .map(|body| {
            let request = MultipartRequest {
                flags: MultipartFlags::empty(),
                body,
            };
            wire.send(&Message::MultipartRequest(request))
        })
        .collect::<Result<_, _>>()?;
        Ok(Self {
            deadline: now + TIME_LIMIT,
            open,
            bytes: 0,
            snapshot: Snapshot::default(),
        })
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether `xid` is that of a request which is not answered in full.
    pub(super) fn awaits(&self, xid: Xid) -> bool {
        self.open.contains(&xid)
    }

    /// Takes a part of `bytes` bytes that answers a request which [is awaited](Self::awaits); the
    /// snapshot when it was the last one.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        xid: Xid,
        part: MultipartReply,
        bytes: usize,
    ) -> Result<Option<Snapshot>, CloseReason> {
        self.deadline = now + TIME_LIMIT;
        self.bytes += bytes;
        if self.bytes > MAX_BYTES {
            let what = format!(
                "the bridge holds more than {} MiB of flows",
                MAX_BYTES >> 20
            );
            return Err(CloseReason::Protocol(what));
        }
        match part.body {
            MultipartReplyBody::Flow(flows) => self.snapshot.flows.extend(flows),
            MultipartReplyBody::GroupDesc(groups) => self.snapshot.groups.extend(groups),
            MultipartReplyBody::MeterConfig(meters) => self.snapshot.meters.extend(meters),
            _ => {
                let what = "a request for flows, groups or meters was answered with something else";
                return Err(CloseReason::Protocol(what.into()));
            }
        }
        if !part.flags.contains(MultipartFlags::MORE) {
            self.open.retain(|&open| open != xid);
        }
        Ok(self
            .open
            .is_empty()
            .then(|| std::mem::take(&mut self.snapshot)))
    }
}
