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
        let result = match self.poll_write(cx, now) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            _ if self.is_backed_up() => Poll::Pending,
            _ => self.poll_read(cx),
        };
        result.map(|result| self.ended = result.err())
    }

    fn is_backed_up(&mut self) -> bool {
        self.session.output().len() - self.written > OUTPUT_LIMIT
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
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
                    self.stalled.get_or_insert(now);
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
        let drained = self.stalled.map(|since| since + DRAIN_LIMIT);
        if self.is_backed_up() {
            drained
        } else {
            self.session.poll_timeout().into_iter().chain(drained).min()
        }
    }

    /// Does what is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.stalled.is_some_and(|since| now >= since + DRAIN_LIMIT) {
            self.ended = Some(Ended::NotReading);
        } else if !self.is_backed_up() {
            // A peer that is not read can not be blamed for its silence.
            self.session.handle_timeout(now);
        }
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
