//! The outgoing side: transaction ids and the bytes to be written.

use bytes::Bytes;
use openflow::{EncodeError, ErrorCode, ErrorMsg, Message, Xid};

/// How much of a refused message an ERROR quotes: what the specification asks for at least.
const QUOTE_LEN: usize = 64;

/// Numbers messages and appends them to the output.
#[derive(Debug, Default)]
pub(super) struct Wire {
    last_xid: u32,
    output: Vec<u8>,
}

impl Wire {
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Appends `message` under an xid of its own, one above the last one's.
    ///
    /// A message that can not be encoded leaves the output as it was.
    pub(super) fn send(&mut self, message: &Message) -> Result<Xid, EncodeError> {
        let xid = self.next_xid();
        self.reply(xid, message)?;
        self.last_xid = xid.0;
        Ok(xid)
    }

    /// The xid that the next message sent will have.
    pub(super) fn next_xid(&self) -> Xid {
        Xid(self.last_xid.wrapping_add(1))
    }

    /// Appends `message` under the xid of the message it answers.
    pub(super) fn reply(&mut self, xid: Xid, message: &Message) -> Result<(), EncodeError> {
        message.encode(xid, &mut self.output)
    }

    /// Appends an ERROR that answers `frame`, which is quoted.
    pub(super) fn refuse(&mut self, frame: &[u8], error: ErrorCode) {
        let quote = &frame[..frame.len().min(QUOTE_LEN)];
        self.error(xid_of(frame), error, Bytes::copy_from_slice(quote));
    }

    /// Appends an ERROR that carries `data`, of which at most the length of a quote or a sentence.
    pub(super) fn error(&mut self, xid: Xid, error: ErrorCode, data: Bytes) {
        let message = Message::Error(ErrorMsg::new(error, data));
        if let Err(error) = self.reply(xid, &message) {
            tracing::error!(%error, "an ERROR message can not be encoded");
        }
    }
}

/// The xid in the header of a message, or 0 where the message ends before it.
fn xid_of(frame: &[u8]) -> Xid {
    let bytes = frame
        .get(4..8)
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or_default();
    Xid(u32::from_be_bytes(bytes))
}
