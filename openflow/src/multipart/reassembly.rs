//! Multipart messages of several parts: put together, and taken apart where one is too long.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{
    MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest, MultipartRequestBody,
    MultipartType,
};
use crate::types::Xid;

/// Puts the parts of multipart messages together, by xid and type, within a bound on memory.
///
/// The bound counts the bytes of the messages as received, also of parts without content; in memory
/// decoded lists are a few times as large.
///
/// ```
/// use openflow::{MultipartFlags, MultipartReply, MultipartReplyBody, Reassembler, Xid};
/// let mut replies = Reassembler::new(1 << 20);
/// let part = |flags| MultipartReply { flags, body: MultipartReplyBody::Table(vec![]) };
/// assert_eq!(replies.push(Xid(1), 16, part(MultipartFlags::MORE)), Ok(None));
/// assert_eq!(
///     replies.push(Xid(1), 16, part(MultipartFlags::empty())),
///     Ok(Some(MultipartReplyBody::Table(vec![])))
/// );
/// # Ok::<(), openflow::ReassemblyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reassembler<B = MultipartReplyBody> {
    max_bytes: usize,
    bytes: usize,
    unfinished: HashMap<(Xid, MultipartType), Unfinished<B>>,
}

#[derive(Clone, Debug)]
struct Unfinished<B> {
    bytes: usize,
    body: B,
}

/// Why a part was refused. What has been collected for its xid and type is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReassemblyError {
    /// The unfinished messages together are longer than the bound: `OFPBRC_MULTIPART_BUFFER_OVERFLOW`
    /// is the error for the peer.
    #[error("unfinished multipart messages of {bytes} bytes, at most {max} are kept")]
    TooLong {
        /// How long they would be.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// More than one part of a kind that has only one, or that this crate does not know.
    #[error("a second part of {kind:?}, which is no list of a known kind")]
    NotAList {
        /// The kind.
        kind: MultipartType,
    },
}

/// A part of a multipart message: [`MultipartReply`] or [`MultipartRequest`].
pub trait Part {
    /// What is collected.
    type Body: MultipartBody;
    /// Flags and content of the part.
    fn into_parts(self) -> (MultipartFlags, Self::Body);
}

/// The content of multipart messages, which further parts add to.
pub trait MultipartBody: Sized {
    /// What it is about.
    fn kind(&self) -> MultipartType;

    /// Adds the content of the next part.
    ///
    /// # Errors
    ///
    /// Gives `part` back where it is not more of the same list.
    fn append(&mut self, part: Self) -> Result<(), Self>;
}

impl<B: MultipartBody> Reassembler<B> {
    /// Keeps at most `max_bytes` of messages that are not complete.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            bytes: 0,
            unfinished: HashMap::new(),
        }
    }

    /// Takes a part that was `length` bytes long as received; gives the whole after the last one.
    ///
    /// # Errors
    ///
    /// A [`ReassemblyError`] where the part can not be added; what was collected of its message is
    /// dropped then.
    pub fn push(
        &mut self,
        xid: Xid,
        length: usize,
        part: impl Part<Body = B>,
    ) -> Result<Option<B>, ReassemblyError> {
        let (flags, body) = part.into_parts();
        let more = flags.contains(MultipartFlags::MORE);
        let key = (xid, body.kind());
        let collected = match self.unfinished.entry(key) {
            Entry::Vacant(_) if !more => return Ok(Some(body)),
            Entry::Vacant(place) => {
                place.insert(Unfinished {
                    bytes: length,
                    body,
                });
                self.bytes += length;
                return self.check(key).map(|()| None);
            }
            Entry::Occupied(mut place) => {
                let unfinished = place.get_mut();
                unfinished.bytes += length;
                self.bytes += length;
                match unfinished.body.append(body) {
                    Ok(()) if more => None,
                    appended => {
                        let finished = place.remove();
                        self.bytes -= finished.bytes;
                        Some(appended.map(|()| finished.body))
                    }
                }
            }
        };
        match collected {
            Some(Ok(whole)) => Ok(Some(whole)),
            Some(Err(_)) => Err(ReassemblyError::NotAList { kind: key.1 }),
            None => self.check(key).map(|()| None),
        }
    }

    /// Drops what has been collected for a request that is no longer waited for.
    pub fn forget(&mut self, xid: Xid) {
        self.unfinished.retain(|key, unfinished| {
            let keep = key.0 != xid;
            if !keep {
                self.bytes -= unfinished.bytes;
            }
            keep
        });
    }

    /// How many bytes of messages are kept that are not complete.
    pub fn pending_bytes(&self) -> usize {
        self.bytes
    }

    fn check(&mut self, key: (Xid, MultipartType)) -> Result<(), ReassemblyError> {
        if self.bytes <= self.max_bytes {
            return Ok(());
        }
        let error = ReassemblyError::TooLong {
            bytes: self.bytes,
            max: self.max_bytes,
        };
        if let Some(dropped) = self.unfinished.remove(&key) {
            self.bytes -= dropped.bytes;
        }
        Err(error)
    }
}

impl Part for MultipartReply {
    type Body = MultipartReplyBody;

    fn into_parts(self) -> (MultipartFlags, MultipartReplyBody) {
        (self.flags, self.body)
    }
}

impl Part for MultipartRequest {
    type Body = MultipartRequestBody;

    fn into_parts(self) -> (MultipartFlags, MultipartRequestBody) {
        (self.flags, self.body)
    }
}

impl MultipartBody for MultipartReplyBody {
    fn kind(&self) -> MultipartType {
        self.kind()
    }

    fn append(&mut self, part: Self) -> Result<(), Self> {
        match (self, part) {
            (Self::Flow(list), Self::Flow(mut more)) => list.append(&mut more),
            (Self::Table(list), Self::Table(mut more)) => list.append(&mut more),
            (Self::PortStats(list), Self::PortStats(mut more)) => list.append(&mut more),
            (Self::Queue(list), Self::Queue(mut more)) => list.append(&mut more),
            (Self::Group(list), Self::Group(mut more)) => list.append(&mut more),
            (Self::GroupDesc(list), Self::GroupDesc(mut more)) => list.append(&mut more),
            (Self::Meter(list), Self::Meter(mut more)) => list.append(&mut more),
            (Self::MeterConfig(list), Self::MeterConfig(mut more)) => list.append(&mut more),
            (Self::TableFeatures(list), Self::TableFeatures(mut more)) => list.append(&mut more),
            (Self::PortDesc(list), Self::PortDesc(mut more)) => list.append(&mut more),
            (Self::FlowMonitor(list), Self::FlowMonitor(mut more)) => list.append(&mut more),
            (Self::NxFlowMonitor(list), Self::NxFlowMonitor(mut more)) => list.append(&mut more),
            (_, part) => return Err(part),
        }
        Ok(())
    }
}

impl MultipartBody for MultipartRequestBody {
    fn kind(&self) -> MultipartType {
        self.kind()
    }

    fn append(&mut self, part: Self) -> Result<(), Self> {
        match (self, part) {
            (Self::TableFeatures(list), Self::TableFeatures(mut more)) => list.append(&mut more),
            (Self::FlowMonitor(list), Self::FlowMonitor(mut more)) => list.append(&mut more),
            (Self::NxFlowMonitor(list), Self::NxFlowMonitor(mut more)) => list.append(&mut more),
            (_, part) => return Err(part),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multipart::{AggregateStats, TableStats};
    use crate::types::TableId;

    const MORE: MultipartFlags = MultipartFlags::MORE;
    const LAST: MultipartFlags = MultipartFlags::empty();

    fn table(id: u8) -> TableStats {
        TableStats {
            table_id: TableId(id),
            active_count: 0,
            lookup_count: 0,
            matched_count: 0,
        }
    }

    fn tables(flags: MultipartFlags, ids: &[u8]) -> MultipartReply {
        let list = ids.iter().copied().map(table).collect();
        MultipartReply {
            flags,
            body: MultipartReplyBody::Table(list),
        }
    }

    fn aggregate(flags: MultipartFlags) -> MultipartReply {
        let stats = AggregateStats {
            packet_count: 1,
            byte_count: 2,
            flow_count: 3,
        };
        MultipartReply {
            flags,
            body: MultipartReplyBody::Aggregate(stats),
        }
    }

    #[test]
    fn parts_of_several_requests_may_alternate() {
        let mut replies = Reassembler::new(1000);
        assert_eq!(replies.push(Xid(1), 40, tables(MORE, &[1])), Ok(None));
        assert_eq!(replies.push(Xid(2), 40, tables(MORE, &[2])), Ok(None));
        assert_eq!(replies.push(Xid(1), 16, tables(MORE, &[])), Ok(None));
        // The same xid with another kind is another message.
        assert!(matches!(
            replies.push(Xid(1), 40, aggregate(LAST)),
            Ok(Some(_))
        ));
        assert_eq!(replies.pending_bytes(), 96);
        assert_eq!(
            replies.push(Xid(1), 64, tables(LAST, &[3, 4])),
            Ok(Some(MultipartReplyBody::Table(vec![
                table(1),
                table(3),
                table(4)
            ])))
        );
        assert_eq!(replies.pending_bytes(), 40);
        replies.forget(Xid(2));
        assert_eq!(replies.pending_bytes(), 0);
    }

    #[test]
    fn the_bound_holds_over_all_unfinished_messages() {
        let mut replies = Reassembler::new(100);
        assert_eq!(replies.push(Xid(1), 60, tables(MORE, &[1])), Ok(None));
        let error = ReassemblyError::TooLong {
            bytes: 101,
            max: 100,
        };
        assert_eq!(replies.push(Xid(2), 41, tables(MORE, &[1])), Err(error));
        // What was refused is gone, the other one goes on.
        assert_eq!(replies.push(Xid(2), 40, tables(MORE, &[2])), Ok(None));
        assert!(matches!(
            replies.push(Xid(1), 60, tables(LAST, &[2])),
            Ok(Some(_))
        ));
        assert_eq!(replies.pending_bytes(), 40);
    }

    #[test]
    fn parts_without_content_count_too() {
        let mut replies = Reassembler::new(1600);
        for _ in 0..100 {
            assert_eq!(replies.push(Xid(1), 16, tables(MORE, &[])), Ok(None));
        }
        assert!(replies.push(Xid(1), 16, tables(MORE, &[])).is_err());
        assert_eq!(replies.pending_bytes(), 0);
    }

    #[test]
    fn a_second_part_of_what_is_no_list_is_refused() {
        let mut replies = Reassembler::new(1000);
        assert_eq!(replies.push(Xid(1), 40, aggregate(MORE)), Ok(None));
        let error = ReassemblyError::NotAList {
            kind: MultipartType::Aggregate,
        };
        assert_eq!(replies.push(Xid(1), 40, aggregate(LAST)), Err(error));
        assert_eq!(replies.pending_bytes(), 0);
    }
}
