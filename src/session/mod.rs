//! One OpenFlow connection, without I/O.
//!
//! A [`Session`] is given bytes and the time, and gives back events and bytes. It shakes hands,
//! keeps the connection alive, pairs answers with requests and knows nothing of what the bridge
//! is for. Its owner reads and writes the socket.

mod describe;
mod event;
mod handshake;
mod keepalive;
mod read_back;
mod survey;
#[cfg(test)]
mod tests;
mod transaction;
mod wire;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use openflow::{
    DecodeError, ErrorCode, ErrorMsg, Framer, Header, Message, MessageType, MultipartRequestBody,
    Xid,
};

pub(crate) use describe::refusal as describe_refusal;
pub use event::{CloseReason, Event, Snapshot};
use handshake::Handshake;
use keepalive::{Keepalive, Silence};
use read_back::ReadBack;
use survey::Survey;
use transaction::{Outcome, Transaction};
use wire::Wire;

/// The state of one OpenFlow connection.
///
/// A session goes through handshake, service and end. [`Event::Identified`] tells of the first
/// change, after which it may be told to [`send`](Self::send), [`commit`](Self::commit) and
/// [`read_back`](Self::read_back); [`Event::Closed`] of the second, after which it takes nothing
/// and says nothing.
///
/// After each input, be it bytes, time or a command, the owner takes the events with
/// [`receive`](Self::receive) until there is none, writes what is in
/// [`output`](Self::output), and calls [`handle_timeout`](Self::handle_timeout) at
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    wire: Wire,
    events: VecDeque<Event>,
    framer: Framer,
    keepalive: Keepalive,
    read_back: Option<ReadBack>,
    survey: Option<Survey>,
    transaction: Option<Transaction>,
    last_bundle: u32,
}

#[derive(Debug)]
enum Phase {
    Handshake(Handshake),
    Service,
    Closed,
}

impl Session {
    /// A session whose peer was just connected. Our HELLO is in the output.
    pub fn new(now: Instant) -> Self {
        let mut session = Self {
            phase: Phase::Closed,
            wire: Wire::default(),
            events: VecDeque::new(),
            framer: Framer::new(),
            keepalive: Keepalive::new(now),
            read_back: None,
            survey: None,
            transaction: None,
            last_bundle: 0,
        };
        match Handshake::begin(now, &mut session.wire) {
            Ok(handshake) => session.phase = Phase::Handshake(handshake),
            Err(reason) => session.close(reason),
        }
        session
    }

    /// The next event, for which messages are taken from the front of `input` as needed.
    ///
    /// At `None` all whole messages of `input` were taken; the start of another one stays there,
    /// to be given again with what follows it. After the end all of it is thrown away.
    pub fn receive(&mut self, now: Instant, input: &mut BytesMut) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_closed() {
                input.clear();
                return None;
            }
            if let Err(reason) = self.receive_frame(now, input)? {
                self.close(reason);
            }
        }
    }

    /// Takes one message from `input`, if there is a whole one.
    fn receive_frame(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Option<Result<(), CloseReason>> {
        if let Err(reason) = self.check_greeting(input) {
            return Some(Err(reason));
        }
        match self.framer.next(input) {
            Ok(frame) => frame.map(|frame| self.handle_frame(now, frame)),
            Err(error) => {
                self.wire.refuse(input, ErrorCode::OFPBRC_BAD_LEN);
                Some(Err(CloseReason::Protocol(error.to_string())))
            }
        }
    }

    /// Whether `input` may be the start of OpenFlow.
    ///
    /// The length field of a peer that speaks something else is any number, so that its whole
    /// message might never come: its first bytes must do.
    fn check_greeting(&mut self, input: &[u8]) -> Result<(), CloseReason> {
        let Phase::Handshake(handshake) = &self.phase else {
            return Ok(());
        };
        let Some(&kind) = input.get(1).filter(|_| handshake.awaits_hello()) else {
            return Ok(());
        };
        if matches!(
            MessageType::from(kind),
            MessageType::Hello | MessageType::Error
        ) {
            return Ok(());
        }
        let start = input.get(..Header::LEN).unwrap_or(input).escape_ascii();
        let reason = format!("not OpenFlow: it begins with \"{start}\", not with a HELLO");
        let text = Bytes::from_static(b"expected a HELLO");
        self.wire
            .error(Xid(0), ErrorCode::OFPHFC_INCOMPATIBLE, text);
        Err(CloseReason::Protocol(reason))
    }

    fn handle_frame(&mut self, now: Instant, frame: Bytes) -> Result<(), CloseReason> {
        self.keepalive.heard(now);
        let (xid, message) = Message::decode(frame.clone()).map_err(|error: DecodeError| {
            self.wire.refuse(&frame, error.error_code());
            CloseReason::Protocol(error.to_string())
        })?;
        match message {
            Message::EchoRequest(data) => {
                self.wire.reply(xid, &Message::EchoReply(data))?;
                Ok(())
            }
            Message::EchoReply(_) => Ok(()),
            message => match &mut self.phase {
                Phase::Handshake(handshake) => {
                    if let Some(bridge) = handshake.handle(xid, message, &mut self.wire)? {
                        self.phase = Phase::Service;
                        self.events.push_back(Event::Identified {
                            datapath_id: bridge.datapath_id,
                            ports: bridge.ports,
                        });
                        self.events
                            .extend(bridge.port_changes.into_iter().map(Event::PortStatus));
                    }
                    Ok(())
                }
                Phase::Service => self.serve(now, xid, message, &frame),
                Phase::Closed => Ok(()),
            },
        }
    }

    /// Takes a message after the handshake.
    fn serve(
        &mut self,
        now: Instant,
        xid: Xid,
        message: Message,
        frame: &Bytes,
    ) -> Result<(), CloseReason> {
        match message {
            Message::PacketIn(packet_in) => self.events.push_back(Event::PacketIn(packet_in)),
            Message::FlowRemoved(removed) => self.events.push_back(Event::FlowRemoved(removed)),
            Message::PortStatus(status) => self.events.push_back(Event::PortStatus(status)),
            Message::Error(error) => self.handle_error(xid, error)?,
            Message::MultipartReply(part) if self.is_surveyed(xid) => {
                if let Some(survey) = &mut self.survey
                    && survey.handle(xid, part, frame.len())
                {
                    self.finish_survey();
                }
            }
            Message::MultipartReply(part) => {
                if let Some(read_back) = self.read_back.as_mut().filter(|it| it.awaits(xid))
                    && let Some(snapshot) = read_back.handle(now, xid, part, frame.len())?
                {
                    self.read_back = None;
                    self.events.push_back(Event::ReadBack(snapshot));
                }
            }
            Message::BundleControl(_) | Message::BarrierReply => {
                if let Some(transaction) = &mut self.transaction {
                    let outcome = transaction.handle_reply(now, xid, &message, &mut self.wire)?;
                    self.finish(outcome);
                }
            }
            // A second HELLO is of no effect (§6.3.1), nor is an answer that nobody asked for.
            Message::Hello(_)
            | Message::FeaturesReply(_)
            | Message::GetConfigReply(_)
            | Message::QueueGetConfigReply(_)
            | Message::RoleReply(_)
            | Message::GetAsyncReply(_)
            | Message::Experimenter { .. } => {}
            _ => self.wire.refuse(frame, ErrorCode::OFPBRC_BAD_TYPE),
        }
        Ok(())
    }

    fn handle_error(&mut self, xid: Xid, error: ErrorMsg) -> Result<(), CloseReason> {
        if let Some(transaction) = self.transaction.as_mut().filter(|it| it.owns(xid)) {
            let outcome = transaction.handle_error(xid, &error);
            self.finish(outcome);
        } else if self.is_surveyed(xid) {
            if self.survey.as_mut().is_some_and(|it| it.refuse(xid)) {
                self.finish_survey();
            }
        } else if self
            .read_back
            .as_ref()
            .is_some_and(|read_back| read_back.awaits(xid))
        {
            let what = describe::error(&error);
            return Err(CloseReason::Protocol(format!(
                "the bridge can not be read: {what}"
            )));
        } else {
            self.events.push_back(Event::SwitchError { xid, error });
        }
        Ok(())
    }

    fn is_surveyed(&self, xid: Xid) -> bool {
        self.survey.as_ref().is_some_and(|it| it.awaits(xid))
    }

    fn finish_survey(&mut self) {
        let survey = self.survey.take();
        self.events.extend(survey.map(Survey::finish));
    }

    fn finish(&mut self, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else { return };
        self.transaction = None;
        self.events.push_back(match outcome {
            Outcome::Committed => Event::Committed,
            Outcome::Rejected(reason) => Event::Rejected(reason),
        });
    }

    /// Does what is due at `now`; an early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Err(reason) = self.check_deadlines(now) {
            self.close(reason);
        }
    }

    fn check_deadlines(&mut self, now: Instant) -> Result<(), CloseReason> {
        match &self.phase {
            Phase::Handshake(handshake) if now >= handshake.deadline() => {
                return Err(CloseReason::HandshakeTimeout);
            }
            Phase::Handshake(_) | Phase::Closed => return Ok(()),
            Phase::Service => {}
        }
        if self
            .read_back
            .as_ref()
            .is_some_and(|it| now >= it.deadline())
        {
            return Err(CloseReason::Unanswered(
                "the request for flows, groups and meters",
            ));
        }
        if self
            .transaction
            .as_ref()
            .is_some_and(|it| now >= it.deadline())
        {
            return Err(CloseReason::Unanswered("a bundle request"));
        }
        if self.is_busy() {
            return Ok(());
        }
        match self.keepalive.check(now) {
            Silence::Short => {}
            Silence::Probe => {
                self.wire.send(&Message::EchoRequest(Bytes::new()))?;
            }
            Silence::Gone => return Err(CloseReason::Silent),
        }
        Ok(())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` after the end.
    ///
    /// Any call may change it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Closed => None,
            Phase::Handshake(handshake) => Some(handshake.deadline()),
            Phase::Service => [
                self.read_back.as_ref().map(ReadBack::deadline),
                self.transaction.as_ref().map(Transaction::deadline),
            ]
            .into_iter()
            .flatten()
            .min()
            .or_else(|| Some(self.keepalive.timeout())),
        }
    }

    /// Whether the bridge has a transaction or a read-back to do, which may take Open vSwitch the
    /// better part of a minute in which it says nothing else: only their own deadlines count then.
    pub fn is_busy(&self) -> bool {
        self.read_back.is_some() || self.transaction.is_some()
    }

    /// How many bytes of output the changes of the transaction under way have come to; 0 where
    /// there is none.
    pub fn transaction_len(&self) -> usize {
        self.transaction.as_ref().map_or(0, Transaction::len)
    }

    /// Bytes to be written, in order. The owner removes what it has written.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.wire.output()
    }

    /// Appends `message` to the output and gives back its xid, with which an
    /// [`Event::SwitchError`] would refer to it.
    ///
    /// A message that can not be encoded ends the session: what the owner believes of the bridge
    /// would no longer be true.
    pub fn send(&mut self, message: &Message) -> Xid {
        if self.is_closed() {
            return Xid::default();
        }
        self.wire.send(message).unwrap_or_else(|error| {
            self.close(error.into());
            Xid::default()
        })
    }

    /// Sends FLOW_MODs, GROUP_MODs and METER_MODs as a transaction, which ends in
    /// [`Event::Committed`] or [`Event::Rejected`].
    ///
    /// Flows and groups take effect in order and all at once, or not at all. Meters can not be
    /// in a bundle: they are added and changed one by one before it, and deleted after it.
    ///
    /// One transaction at a time: a second one before the first has ended ends in
    /// [`Event::Rejected`] at once and sends nothing.
    pub fn commit(&mut self, now: Instant, changes: Vec<Message>) {
        if self.is_closed() {
            return;
        }
        if changes.is_empty() {
            self.events.push_back(Event::Committed);
            return;
        }
        if self.transaction.is_some() {
            let reason = "another transaction is under way";
            self.events.push_back(Event::Rejected(reason.into()));
            return;
        }
        self.last_bundle = self.last_bundle.wrapping_add(1);
        match Transaction::begin(now, self.last_bundle, changes, &mut self.wire) {
            Ok(transaction) => self.transaction = Some(transaction),
            Err(error) => {
                let reason = format!("a change can not be sent: {error}");
                self.events.push_back(Event::Rejected(reason));
            }
        }
    }

    /// Asks for all flows, groups and meters; [`Event::ReadBack`] has the answer.
    ///
    /// A second call before the answer starts over.
    pub fn read_back(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        match ReadBack::begin(now, &mut self.wire) {
            Ok(read_back) => self.read_back = Some(read_back),
            Err(reason) => self.close(reason),
        }
    }

    /// Asks for counters; [`Event::Surveyed`] has the answers, without those that the switch refuses.
    ///
    /// This goes beside whatever else is under way, and nothing is done where no answer comes. A
    /// second call before the answer starts over.
    pub fn survey(&mut self, requests: Vec<MultipartRequestBody>) {
        if self.is_closed() || requests.is_empty() {
            return;
        }
        match Survey::begin(requests, &mut self.wire) {
            Ok(survey) => self.survey = Some(survey),
            Err(error) => self.close(error.into()),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    fn close(&mut self, reason: CloseReason) {
        self.phase = Phase::Closed;
        self.read_back = None;
        self.survey = None;
        self.transaction = None;
        self.events.push_back(Event::Closed(reason));
    }
}
