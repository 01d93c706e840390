//! Asks the switch for counters, beside whatever else is under way.

use openflow::{
    EncodeError, Message, MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, Xid,
};

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
        if self.bytes <= MAX_BYTES {
            self.answers.push(part.body);
        }
        match part.flags.contains(MultipartFlags::MORE) {
            true => false,
            false => self.close(xid),
        }
    }

    /// A request is answered, or refused: a switch may lack what was asked for. Says whether it was
    /// the last one.
    pub(super) fn close(&mut self, xid: Xid) -> bool {
        self.open.retain(|&open| open != xid);
        self.open.is_empty()
    }

    pub(super) fn into_answers(self) -> Vec<MultipartReplyBody> {
        self.answers
    }
}
