//! A socket with the session at its end.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time;

use crate::session::{CloseReason, Event, Session};

/// What is read before it is handled, at most: what bounds the answers, too.
const READ_AT_ONCE: usize = 256 << 10;
/// Room for one read.
const READ_ROOM: usize = 64 << 10;
/// While more than this waits to be written, nothing is read: a peer that asks must also listen.
const OUTPUT_LIMIT: usize = 4 << 20;
/// A peer for which more than this waits is given up, though it may read a little now and then:
/// what other bridges teach is for it, too, and never ends. A transaction comes on top, for it is
/// as large as the bridge, and there is one at a time.
const BACKLOG_LIMIT: usize = 64 << 20;
/// How long a peer may take to read anything at all of what waits for it.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);
/// How long the last words to a peer may take.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// A stream of bytes to a peer.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Socket for T {}

/// A connection to a peer that speaks OpenFlow, or should.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Box<dyn Socket>,
    peer: String,
    session: Session,
    input: BytesMut,
    /// How much of the session's output is written.
    written: usize,
    /// Since when the socket has taken nothing of what waits.
    stalled: Option<Instant>,
    ended: Option<Ended>,
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("closed by the peer")]
    ByPeer,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the peer does not read what is sent to it")]
    NotReading,
    #[error("the peer reads too slowly: more than {} MiB wait for it", BACKLOG_LIMIT >> 20)]
    ReadingTooSlowly,
    #[error("{0}")]
    BySession(CloseReason),
}

impl Connection {
    pub(crate) fn new(socket: Box<dyn Socket>, peer: String, now: Instant) -> Self {
        Self {
            socket,
            peer,
            session: Session::new(now),
            input: BytesMut::new(),
            written: 0,
            stalled: None,
            ended: None,
        }
    }

    /// Who is at the other end, such as `tcp:10.0.0.1:40000`.
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    pub(crate) fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The next event of what was read, or the end of the connection after the last one.
    pub(crate) fn next_event(&mut self, now: Instant) -> Result<Option<Event>, Ended> {
        match self.session.receive(now, &mut self.input) {
            Some(Event::Closed(reason)) => Err(Ended::BySession(reason)),
            Some(event) => Ok(Some(event)),
            None => self.ended.take().map_or(Ok(None), Err),
        }
    }

    /// Writes what waits and reads what is there; ready when there is something to handle.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if self.ended.is_some() {
            return Poll::Ready(());
        }
        let was_stalled = self.stalled.is_some();
        let result = match self.poll_write(cx, now) {
            Poll::Ready(Err(error)) => {
                // The peer may have said why it is gone.
                let _ = self.poll_read(cx);
                Poll::Ready(Err(error.into()))
            }
            _ if self.waiting() > BACKLOG_LIMIT + self.session.transaction_len() => {
                Poll::Ready(Err(Ended::ReadingTooSlowly))
            }
            // Time is running from now on, and nobody may have set a timer.
            _ if self.stalled.is_some() && !was_stalled => Poll::Ready(Ok(())),
            _ if self.is_backed_up() => Poll::Pending,
            _ => self.poll_read(cx),
        };
        result.map(|result| self.ended = result.err())
    }

    /// How much output is not yet written.
    fn waiting(&mut self) -> usize {
        self.session.output().len() - self.written
    }

    fn is_backed_up(&mut self) -> bool {
        self.waiting() > OUTPUT_LIMIT
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        let busy = self.session.is_busy();
        let output = self.session.output();
        if self.written > OUTPUT_LIMIT {
            output.drain(..self.written);
            self.written = 0;
        }
        while self.written < output.len() {
            let socket = Pin::new(&mut self.socket);
            match socket.poll_write(cx, &output[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.written += count;
                    self.stalled = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    // A bridge at work does not read either; the session knows how long it may.
                    self.stalled = (!busy).then(|| self.stalled.unwrap_or(now));
                    return Poll::Pending;
                }
            }
        }
        output.clear();
        output.shrink_to(OUTPUT_LIMIT);
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let before = self.input.len();
        while self.input.len() - before < READ_AT_ONCE {
            self.input.reserve(READ_ROOM);
            // A read that is not ready has taken nothing, so it can be dropped.
            match pin!(self.socket.read_buf(&mut self.input)).poll(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Ended::ByPeer)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending if self.input.len() > before => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub(crate) fn timeout(&mut self) -> Option<Instant> {
        let drained = self.drain_deadline();
        if self.may_blame() {
            self.session.poll_timeout().into_iter().chain(drained).min()
        } else {
            drained
        }
    }

    /// Does what is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self
            .drain_deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            self.ended = Some(Ended::NotReading);
        } else if self.may_blame() {
            self.session.handle_timeout(now);
        }
    }

    /// When the peer must have read something of what waits for it.
    fn drain_deadline(&self) -> Option<Instant> {
        self.stalled
            .filter(|_| !self.session.is_busy())
            .map(|since| since + DRAIN_LIMIT)
    }

    /// Whether the session's deadlines count: a peer that is not read can not be blamed for its
    /// silence, but nothing else ends a transaction or a read-back.
    fn may_blame(&mut self) -> bool {
        self.session.is_busy() || !self.is_backed_up()
    }

    /// Waits for the next event.
    pub(crate) async fn event(&mut self) -> Result<Event, Ended> {
        loop {
            if let Some(event) = self.next_event(Instant::now())? {
                return Ok(event);
            }
            let timeout = self.timeout();
            tokio::select! {
                () = poll_fn(|cx| self.poll(cx, Instant::now())) => {}
                () = sleep_until(timeout) => self.handle_timeout(Instant::now()),
            }
        }
    }

    /// Writes what is left, such as the reason for the end, and closes, in the background.
    ///
    /// What still comes in is read and thrown away: to close over unread input is a reset, which
    /// would destroy the last words on their way.
    pub(crate) fn close(mut self) {
        tokio::spawn(async move {
            let farewell = async {
                self.socket
                    .write_all(&self.session.output()[self.written..])
                    .await?;
                self.socket.shutdown().await?;
                while self.socket.read_buf(&mut self.input).await? > 0 {
                    self.input.clear();
                }
                io::Result::Ok(())
            };
            // The peer may be gone already; there is nobody else to tell.
            let _ = time::timeout(FAREWELL_LIMIT, farewell).await;
        });
    }
}

/// Ends at `deadline`, or never.
pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use openflow::{
        Capabilities, DatapathId, FeaturesReply, Hello, Message, MultipartFlags, MultipartReply,
        MultipartReplyBody, PacketOut, Xid,
    };
    use tokio::io::{DuplexStream, ReadBuf, duplex};

    use super::*;

    fn connection(socket: impl Socket + 'static) -> Connection {
        Connection::new(Box::new(socket), "test".into(), Instant::now())
    }

    fn echo_request(len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let message = Message::EchoRequest(vec![0xaa; len].into());
        message.encode(Xid(1), &mut bytes).unwrap();
        bytes
    }

    /// A peer that says hello, then asks for an endless echo and reads nothing.
    struct Flood {
        stream: DuplexStream,
        rest: Vec<u8>,
    }

    impl Flood {
        fn start(stream: DuplexStream) -> Self {
            let mut rest = Vec::new();
            let hello = Message::Hello(Hello::new());
            hello.encode(Xid(1), &mut rest).unwrap();
            Self { stream, rest }
        }

        /// Sends what fits; says how much that was.
        fn send(&mut self, cx: &mut Context<'_>) -> usize {
            if self.rest.is_empty() {
                self.rest = echo_request(60_000);
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.rest) {
                Poll::Ready(sent) => self.rest.drain(..sent.unwrap()).len(),
                Poll::Pending => 0,
            }
        }
    }

    /// Lets the peer send until the connection takes no more of it; how much waits for the peer.
    fn flood(connection: &mut Connection, peer: &mut Flood, now: Instant) -> usize {
        let cx = &mut Context::from_waker(Waker::noop());
        loop {
            let sent = peer.send(cx);
            let ready = connection.poll(cx, now).is_ready();
            assert!(connection.next_event(now).unwrap().is_none());
            let waiting = connection.session.output().len() - connection.written;
            assert!(waiting < OUTPUT_LIMIT + 2 * READ_AT_ONCE, "{waiting}");
            if sent == 0 && !ready {
                return waiting;
            }
        }
    }

    #[test]
    fn a_peer_that_asks_and_does_not_read_is_not_read_either_and_given_up() {
        let (near, far) = duplex(100_000);
        let (mut connection, now) = (connection(near), Instant::now());
        assert!(flood(&mut connection, &mut Flood::start(far), now) > OUTPUT_LIMIT);
        let limit = now + DRAIN_LIMIT;
        assert_eq!(connection.timeout(), Some(limit));
        connection.handle_timeout(limit - Duration::from_nanos(1));
        assert!(connection.next_event(now).unwrap().is_none());
        connection.handle_timeout(limit);
        let end = connection.next_event(now);
        assert!(matches!(end, Err(Ended::NotReading)), "{end:?}");
    }

    #[test]
    fn a_peer_that_reads_again_is_served_again() {
        let (near, far) = duplex(100_000);
        let (mut connection, mut now) = (connection(near), Instant::now());
        let mut peer = Flood::start(far);
        let cx = &mut Context::from_waker(Waker::noop());
        flood(&mut connection, &mut peer, now);
        now += Duration::from_secs(9);
        let mut part = vec![0; 100_000];
        while connection.is_backed_up() {
            let mut part = ReadBuf::new(&mut part);
            let read = Pin::new(&mut peer.stream).poll_read(cx, &mut part);
            assert!(read.is_ready());
            let _ = connection.poll(cx, now);
        }
        // It had 15 s for anything at all, and has read.
        now += Duration::from_millis(500);
        connection.handle_timeout(now);
        assert!(connection.next_event(now).unwrap().is_none());
        assert!(flood(&mut connection, &mut peer, now) > OUTPUT_LIMIT);
    }

    /// A bridge in service, and its end of the wire, which holds little.
    fn in_service(now: Instant) -> (Connection, DuplexStream) {
        let (near, mut far) = duplex(1000);
        let mut connection = connection(near);
        let features = FeaturesReply {
            datapath_id: DatapathId(1),
            n_buffers: 0,
            n_tables: 254,
            auxiliary_id: 0,
            capabilities: Capabilities::empty(),
            reserved: 0,
        };
        let ports = MultipartReply {
            flags: MultipartFlags::empty(),
            body: MultipartReplyBody::PortDesc(vec![]),
        };
        let mut bytes = Vec::new();
        for (xid, message) in [
            (1, Message::Hello(Hello::new())),
            (2, Message::FeaturesReply(features)),
            (3, Message::MultipartReply(ports)),
        ] {
            message.encode(Xid(xid), &mut bytes).unwrap();
        }
        let cx = &mut Context::from_waker(Waker::noop());
        let sent = Pin::new(&mut far).poll_write(cx, &bytes);
        assert!(matches!(sent, Poll::Ready(Ok(count)) if count == bytes.len()));
        assert!(connection.poll(cx, now).is_ready());
        let event = connection.next_event(now).unwrap();
        assert!(matches!(event, Some(Event::Identified { .. })), "{event:?}");
        (connection, far)
    }

    /// What takes 60,000 bytes of output, and some more.
    fn large() -> Message {
        let data = bytes::Bytes::from_static(&[0; 60_000]);
        Message::PacketOut(PacketOut::new(vec![], data))
    }

    #[test]
    fn a_peer_that_reads_a_little_now_and_then_is_given_up_when_too_much_waits() {
        let start = Instant::now();
        let (mut connection, mut peer) = in_service(start);
        let cx = &mut Context::from_waker(Waker::noop());
        // While so much waits the peer is not read, and its silence is not held against it.
        while !connection.is_backed_up() {
            connection.session.send(&large());
        }
        let _ = connection.poll(cx, start);
        for step in 1.. {
            for _ in 0..16 {
                connection.session.send(&large());
            }
            let mut little = [0; 1000];
            let read = Pin::new(&mut peer).poll_read(cx, &mut ReadBuf::new(&mut little));
            assert!(read.is_ready(), "something was written since the last time");
            let waiting = connection.waiting();
            let now = start + step * Duration::from_secs(14);
            let _ = connection.poll(cx, now);
            connection.handle_timeout(now);
            if let Err(end) = connection.next_event(now) {
                assert!(matches!(end, Ended::ReadingTooSlowly), "{end}");
                assert_eq!(
                    end.to_string(),
                    "the peer reads too slowly: more than 64 MiB wait for it"
                );
                assert!(waiting > BACKLOG_LIMIT);
                return;
            }
            assert!(waiting < BACKLOG_LIMIT + 2000, "{waiting}");
        }
    }

    #[test]
    fn a_transaction_may_be_larger_than_the_backlog_of_a_slow_peer() {
        let now = Instant::now();
        let (mut connection, _peer) = in_service(now);
        let cx = &mut Context::from_waker(Waker::noop());
        let changes = vec![large(); BACKLOG_LIMIT / 60_000 + 1];
        connection.session.commit(now, changes);
        assert!(connection.waiting() > BACKLOG_LIMIT);
        assert!(connection.poll(cx, now).is_pending());
        // What comes on top of it is the backlog.
        for _ in 0..BACKLOG_LIMIT / 60_000 + 1 {
            connection.session.send(&large());
        }
        assert!(connection.poll(cx, now).is_ready());
        let end = connection.next_event(now);
        assert!(matches!(end, Err(Ended::ReadingTooSlowly)), "{end:?}");
    }

    #[test]
    fn a_bridge_at_work_may_read_nothing_until_the_deadline_of_its_work() {
        let now = Instant::now();
        let (mut connection, _peer) = in_service(now);
        let cx = &mut Context::from_waker(Waker::noop());
        connection
            .session
            .commit(now, vec![large(); OUTPUT_LIMIT / 60_000 + 1]);
        assert!(connection.is_backed_up());
        assert!(connection.poll(cx, now).is_pending());
        let limit = connection.timeout().unwrap();
        assert!(limit >= now + Duration::from_secs(60));
        let before = limit - Duration::from_nanos(1);
        assert!(connection.poll(cx, before).is_pending());
        connection.handle_timeout(before);
        assert!(connection.next_event(before).unwrap().is_none());
        connection.handle_timeout(limit);
        let end = connection.next_event(limit);
        assert!(
            matches!(
                end,
                Err(Ended::BySession(CloseReason::Unanswered(
                    "a bundle request"
                )))
            ),
            "{end:?}"
        );
    }

    #[test]
    fn the_owner_is_told_when_time_begins_to_run() {
        let now = Instant::now();
        let (mut connection, _peer) = in_service(now);
        let cx = &mut Context::from_waker(Waker::noop());
        while !connection.is_backed_up() {
            connection.session.send(&large());
        }
        assert_eq!(connection.timeout(), None, "no timer, and nothing to read");
        assert!(connection.poll(cx, now).is_ready(), "look again");
        assert_eq!(connection.timeout(), Some(now + DRAIN_LIMIT));
        assert!(connection.poll(cx, now).is_pending());
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_told_before_it() {
        let (near, mut far) = duplex(1000);
        let mut connection = connection(near);
        let mut bytes = Vec::new();
        Message::Hello(Hello::new())
            .encode(Xid(1), &mut bytes)
            .unwrap();
        far.write_all(&bytes).await.unwrap();
        drop(far);
        let end = connection.event().await;
        assert!(matches!(end, Err(Ended::Io(_))), "{end:?}");
        let answers = connection.session.output().len() - 16;
        assert!(
            answers > 0,
            "its HELLO was handled, though it was gone before ours"
        );
    }

    /// Gives all of `input` at once and counts what is written.
    #[derive(Debug)]
    struct Counting {
        input: Vec<u8>,
        writes: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    }

    impl AsyncRead for Counting {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.input.is_empty() {
                return Poll::Pending;
            }
            buffer.put_slice(&std::mem::take(&mut self.input));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Counting {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_is_read_in_one_go_is_answered_in_one_write() {
        let mut input = Vec::new();
        Message::Hello(Hello::new())
            .encode(Xid(1), &mut input)
            .unwrap();
        for _ in 0..1000 {
            input.extend(echo_request(8));
        }
        let writes = std::sync::Arc::default();
        let socket = Counting {
            input,
            writes: std::sync::Arc::clone(&writes),
        };
        let (mut connection, now) = (connection(socket), Instant::now());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(connection.poll(cx, now).is_ready());
        assert!(connection.next_event(now).unwrap().is_none());
        assert_eq!(
            writes.swap(0, std::sync::atomic::Ordering::Relaxed),
            1,
            "our HELLO"
        );
        assert!(connection.poll(cx, now).is_pending());
        assert_eq!(
            writes.load(std::sync::atomic::Ordering::Relaxed),
            1,
            "1,000 answers"
        );
    }
}
