//! Multipart messages that are longer than a message can be.

use super::{MultipartFlags, MultipartReplyBody, MultipartRequestBody, encode_header};
use crate::codec::{Encode, set_length};
use crate::error::EncodeError;
use crate::header::{Header, MessageType, VERSION};
use crate::types::Xid;

impl MultipartRequestBody {
    /// Appends the request as one message, or, where a list is longer than 65,535 bytes, as several,
    /// of which all but the last have [`MultipartFlags::MORE`].
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where an element of the list does not fit in a message alone, or has no form
    /// on the wire; `out` is then as it was.
    pub fn encode_split(&self, xid: Xid, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let parts = Parts::new(MessageType::MultipartRequest, self.kind().into(), xid);
        match self {
            Self::TableFeatures(list) => parts.encode_list(out, list),
            whole => parts.encode_list(out, std::slice::from_ref(whole)),
        }
    }
}

impl MultipartReplyBody {
    /// Appends the reply as one message, or, where a list is longer than 65,535 bytes, as several, of
    /// which all but the last have [`MultipartFlags::MORE`].
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where an element of the list does not fit in a message alone, or has no form
    /// on the wire; `out` is then as it was.
    pub fn encode_split(&self, xid: Xid, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let parts = Parts::new(MessageType::MultipartReply, self.kind().into(), xid);
        match self {
            Self::Flow(list) => parts.encode_list(out, list),
            Self::Table(list) => parts.encode_list(out, list),
            Self::PortStats(list) => parts.encode_list(out, list),
            Self::Queue(list) => parts.encode_list(out, list),
            Self::Group(list) => parts.encode_list(out, list),
            Self::GroupDesc(list) => parts.encode_list(out, list),
            Self::Meter(list) => parts.encode_list(out, list),
            Self::MeterConfig(list) => parts.encode_list(out, list),
            Self::TableFeatures(list) => parts.encode_list(out, list),
            Self::PortDesc(list) => parts.encode_list(out, list),
            whole => parts.encode_list(out, std::slice::from_ref(whole)),
        }
    }
}

/// What the parts of a message have in common.
struct Parts {
    message: MessageType,
    kind: u16,
    xid: Xid,
}

impl Parts {
    /// Header of the message and of the multipart.
    const HEADER_LEN: usize = Header::LEN + 8;
    const MAX_LEN: usize = u16::MAX as usize;

    fn new(message: MessageType, kind: u16, xid: Xid) -> Self {
        Self { message, kind, xid }
    }

    fn encode_list<T: Encode>(&self, out: &mut Vec<u8>, list: &[T]) -> Result<(), EncodeError> {
        let start = out.len();
        let encoded = self.try_encode_list(out, list);
        if encoded.is_err() {
            out.truncate(start);
        }
        encoded
    }

    fn try_encode_list<T: Encode>(&self, out: &mut Vec<u8>, list: &[T]) -> Result<(), EncodeError> {
        let mut part = out.len();
        self.put_header(out, MultipartFlags::empty());
        for element in list {
            let start = out.len();
            element.encode(out)?;
            if out.len() - part <= Self::MAX_LEN || start == part + Self::HEADER_LEN {
                continue;
            }
            // The element was one too many: it begins the next part.
            let element = out.split_off(start);
            self.finish(out, part, MultipartFlags::MORE)?;
            part = start;
            self.put_header(out, MultipartFlags::empty());
            out.extend_from_slice(&element);
        }
        self.finish(out, part, MultipartFlags::empty())
    }

    fn put_header(&self, out: &mut Vec<u8>, flags: MultipartFlags) {
        Header::put(out, VERSION, self.message.into(), self.xid);
        encode_header(out, self.kind, flags);
    }

    /// Writes length and flags of the part that began at `start`.
    fn finish(
        &self,
        out: &mut [u8],
        start: usize,
        flags: MultipartFlags,
    ) -> Result<(), EncodeError> {
        let flags_at = start + Header::LEN + 2;
        out[flags_at..flags_at + 2].copy_from_slice(&flags.bits().to_be_bytes());
        set_length(
            out,
            start,
            start + Header::LENGTH_AT,
            "ofp_multipart_request",
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::*;
    use crate::frame::Framer;
    use crate::message::Message;
    use crate::multipart::{Reassembler, TableFeatures, TableStats};
    use crate::types::TableId;

    fn frames(wire: Vec<u8>) -> Vec<Bytes> {
        let mut buffer = BytesMut::from(&wire[..]);
        let mut frames = Vec::new();
        while let Some(frame) = Framer::new().next(&mut buffer).unwrap() {
            frames.push(frame);
        }
        assert!(buffer.is_empty());
        frames
    }

    #[test]
    fn a_long_reply_takes_as_few_parts_as_possible_and_comes_back_whole() {
        let table = |count| TableStats {
            table_id: TableId(1),
            active_count: count,
            lookup_count: 2,
            matched_count: 3,
        };
        // 24 bytes each: 2,729 fit behind the 16 bytes of headers.
        for (count, parts) in [
            (0, 1),
            (1, 1),
            (2_729, 1),
            (2_730, 2),
            (5_458, 2),
            (5_459, 3),
        ] {
            let body = MultipartReplyBody::Table((0..count).map(table).collect());
            let mut out = Vec::new();
            body.encode_split(Xid(7), &mut out).unwrap();
            let frames = frames(out);
            assert_eq!(frames.len(), parts, "{count} tables");
            let mut replies = Reassembler::new(1 << 20);
            let mut whole = None;
            for frame in frames {
                assert_eq!(whole, None);
                let length = frame.len();
                let (xid, Message::MultipartReply(part)) = Message::decode(frame).unwrap() else {
                    panic!("not a multipart reply");
                };
                whole = replies.push(xid, length, part).unwrap();
            }
            assert_eq!(whole, Some(body));
        }
    }

    #[test]
    fn a_request_that_fits_is_written_as_encode_does() {
        let features = TableFeatures {
            table_id: TableId(3),
            name: Default::default(),
            metadata_match: 1,
            metadata_write: 2,
            config: Default::default(),
            max_entries: 4,
            properties: vec![],
        };
        for body in [
            MultipartRequestBody::Desc,
            MultipartRequestBody::TableFeatures(vec![features.clone(), features]),
        ] {
            let mut split = Vec::new();
            body.encode_split(Xid(7), &mut split).unwrap();
            let flags = MultipartFlags::empty();
            let message =
                Message::MultipartRequest(crate::multipart::MultipartRequest { flags, body });
            let mut whole = Vec::new();
            message.encode(Xid(7), &mut whole).unwrap();
            assert_eq!(split, whole);
        }
    }

    #[test]
    fn an_element_that_fits_in_no_message_leaves_the_buffer_as_it_was() {
        let data = vec![0; 65_520].into();
        let body = MultipartReplyBody::Unknown { kind: 99, data };
        let mut out = vec![1, 2, 3];
        assert!(matches!(
            body.encode_split(Xid(7), &mut out),
            Err(EncodeError::TooLong { .. })
        ));
        assert_eq!(out, [1, 2, 3]);
    }
}
