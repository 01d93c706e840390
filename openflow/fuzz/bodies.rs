// What holds for any bytes: the bodies of the fuzz targets, and of the seeded tests beside them.

use bytes::{Bytes, BytesMut};
use openflow::{Action, Framer, Match, Message, Reassembler, Xid};

/// A message is refused, or it is stable: what it encodes to decodes to the same and encodes to the
/// same bytes again.
pub(crate) fn message(data: &[u8]) {
    let Ok((xid, message)) = Message::decode(Bytes::copy_from_slice(data)) else {
        return;
    };
    let wire = encode(xid, &message);
    assert_eq!(
        Message::decode(wire.clone()).as_ref(),
        Ok(&(xid, message.clone()))
    );
    assert_eq!(encode(xid, &message), wire);
    assert!(!format!("{message:?}").is_empty());
    if let Message::FlowMod(flow_mod) = message {
        assert!(!flow_mod.to_string().is_empty());
    }
}

fn encode(xid: Xid, message: &Message) -> Bytes {
    let mut out = Vec::new();
    message
        .encode(xid, &mut out)
        .expect("what was decoded can be encoded");
    out.into()
}

/// The messages in a stream do not depend on how its bytes arrive. The first byte says how.
pub(crate) fn framer(data: &[u8]) {
    let Some((&step, stream)) = data.split_first() else {
        return;
    };
    let whole = frames([stream].into_iter());
    let parts = frames(stream.chunks(usize::from(step) + 1));
    assert_eq!(whole, parts);
    assert!(whole.iter().map(Bytes::len).sum::<usize>() <= stream.len());
}

fn frames<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match Framer::new().next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return frames,
            }
        }
    }
    frames
}

/// As for messages; and the canonical form of a match is its own canonical form.
pub(crate) fn flow_match(data: &[u8]) {
    let Ok(match_) = Match::from_wire(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut wire = Vec::new();
    match_
        .to_wire(&mut wire)
        .expect("what was decoded can be encoded");
    assert_eq!(Match::from_wire(&wire.into()).as_ref(), Ok(&match_));
    let canonical = match_.canonical();
    assert_eq!(canonical.canonical(), canonical);
    assert_eq!(match_.to_string().is_empty(), match_.is_empty());
}

/// As for messages.
pub(crate) fn actions(data: &[u8]) {
    let Ok(actions) = Action::list_from_wire(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut wire = Vec::new();
    Action::list_to_wire(&actions, &mut wire).expect("what was decoded can be encoded");
    assert_eq!(Action::list_from_wire(&wire.into()).as_ref(), Ok(&actions));
    assert!(actions.iter().all(|action| !action.to_string().is_empty()));
}

/// However parts come, no more is kept than the bound, and nothing when all is forgotten.
pub(crate) fn multipart(data: &[u8]) {
    const BOUND: usize = 1 << 12;
    let mut replies = Reassembler::new(BOUND);
    let mut xids = Vec::new();
    for frame in frames([data].into_iter()) {
        let length = frame.len();
        if let Ok((xid, Message::MultipartReply(part))) = Message::decode(frame) {
            xids.push(xid);
            if let Ok(Some(whole)) = replies.push(xid, length, part) {
                let mut out = Vec::new();
                // An element can be as long as a message, and then not fit behind the headers.
                let _ = whole.encode_split(xid, &mut out);
            }
            assert!(replies.pending_bytes() <= BOUND);
        }
    }
    xids.into_iter().for_each(|xid| replies.forget(xid));
    assert_eq!(replies.pending_bytes(), 0);
}
