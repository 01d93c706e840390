//! Asks the switch for counters, beside whatever else is under way.

use openflow::{
    EncodeError, Message, MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, Xid,
};

use super::event::Event;
use super::wire::Wire;

/// All parts together, as they are on the wire. What is more is left out: counters are not worth
/// more memory.
const MAX_BYTES: usize = 16 << 20;

/// The state of a survey.
#[derive(Debug)]
pub(super) struct Survey {
    /// The requests that are not yet answered in full.
    open: Vec<Xid>,
    bytes: usize,
    answers: Vec<MultipartReplyBody>,
    /// Nothing was refused or left out.
    is_whole: bool,
}

impl Survey {
    pub(super) fn begin(
        requests: Vec<MultipartRequestBody>,
        wire: &mut Wire,
    ) -> Result<Self, EncodeError> {
        let ask = |body| {
            wire.send(&Message::MultipartRequest(MultipartRequest {
                flags: MultipartFlags::empty(),
                body,
            }))
        };
        Ok(Self {
            open: requests.into_iter().map(ask).collect::<Result<_, _>>()?,
            bytes: 0,
            answers: Vec::new(),
            is_whole: true,
        })
    }

    /// Whether `xid` is that of a request which is not answered in full.
    pub(super) fn awaits(&self, xid: Xid) -> bool {
        self.open.contains(&xid)
    }

    /// Takes a part of `bytes` bytes that answers a request which [is awaited](Self::awaits); says
    /// whether it was the last one.
    pub(super) fn handle(&mut self, xid: Xid, part: MultipartReply, bytes: usize) -> bool {
        self.bytes += bytes;
        match self.bytes <= MAX_BYTES {
            true => self.answers.push(part.body),
            false => self.is_whole = false,
        }
        match part.flags.contains(MultipartFlags::MORE) {
            true => false,
            false => self.close(xid),
        }
    }

    /// A request is refused: a switch may lack what was asked for. Says whether it was the last one.
    pub(super) fn refuse(&mut self, xid: Xid) -> bool {
        self.is_whole = false;
        self.close(xid)
    }

    /// Nothing more comes for a request. Says whether it was the last one.
    fn close(&mut self, xid: Xid) -> bool {
        self.open.retain(|&open| open != xid);
        self.open.is_empty()
    }

    /// What was answered, and so much of it as there was room for.
    pub(super) fn finish(self) -> Event {
        Event::Surveyed {
            answers: self.answers,
            is_whole: self.is_whole,
        }
    }
}
