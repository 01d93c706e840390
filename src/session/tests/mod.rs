//! Scripts: what a peer sends and when, and what the session answers and tells.

mod garbage;
mod handshake;
mod keepalive;
mod read_back;
mod service;
mod survey;
mod transaction;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use openflow::{
    Capabilities, DatapathId, ErrorCode, ErrorMsg, FeaturesReply, Framer, Hello, HelloElement,
    MacAddr, Message, MultipartFlags, MultipartReply, MultipartReplyBody, Port, PortConfig,
    PortFeatures, PortName, PortNo, PortReason, PortState, PortStatus, Xid,
};

use super::{Event, Session};

/// A session, the clock that it is told, and its peer's side of the wire.
struct Script {
    session: Session,
    start: Instant,
    now: Instant,
    input: BytesMut,
}

const DATAPATH_ID: DatapathId = DatapathId(0x5254_0000_00a1);

impl Script {
    /// A peer has just connected.
    fn new() -> Self {
        let start = Instant::now();
        let session = Session::new(start);
        Self {
            session,
            start,
            now: start,
            input: BytesMut::new(),
        }
    }

    /// A bridge with only its LOCAL port is in service, and all that led to it is taken.
    fn in_service() -> Self {
        let mut script = Self::new();
        script.sent();
        script.receive(Xid(1), &hello());
        let [features, ports] = script.sent_xids();
        script.receive(features, &features_reply());
        let events = script.receive(ports, &port_desc(vec![local_port()], false));
        assert!(
            matches!(events[..], [Event::Identified { .. }]),
            "{events:?}"
        );
        assert_eq!(script.sent(), []);
        script
    }

    /// The peer sends `message`.
    fn receive(&mut self, xid: Xid, message: &Message) -> Vec<Event> {
        let mut bytes = Vec::new();
        message.encode(xid, &mut bytes).unwrap();
        self.receive_bytes(&bytes)
    }

    /// The peer sends `bytes`.
    fn receive_bytes(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.input.extend_from_slice(bytes);
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.receive(self.now, &mut self.input)).collect()
    }

    /// The reason for the end, which must be all that there is to tell.
    #[track_caller]
    fn closed(&mut self, events: &[Event]) -> String {
        let [Event::Closed(reason)] = events else {
            panic!("not the end: {events:?}")
        };
        assert_eq!(self.session.poll_timeout(), None);
        reason.to_string()
    }

    /// The clock shows so many seconds since the start.
    fn at(&mut self, seconds: u64) -> Vec<Event> {
        self.now = self.start + Duration::from_secs(seconds);
        self.session.handle_timeout(self.now);
        self.events()
    }

    /// When the session wants to be woken, in seconds since the start.
    fn timeout(&self) -> Option<u64> {
        self.session
            .poll_timeout()
            .map(|timeout| (timeout - self.start).as_secs())
    }

    /// What the session has sent since the last look.
    fn sent(&mut self) -> Vec<(Xid, Message)> {
        let mut output = BytesMut::from(&self.session.output()[..]);
        self.session.output().clear();
        let framer = Framer::new();
        let frames = std::iter::from_fn(|| framer.next(&mut output).unwrap());
        let messages = frames
            .map(|frame| Message::decode(frame).unwrap())
            .collect();
        assert!(output.is_empty(), "half a message was sent");
        messages
    }

    /// The xids of the messages sent since the last look, of which there are `N`.
    #[track_caller]
    fn sent_xids<const N: usize>(&mut self) -> [Xid; N] {
        let xids: Vec<Xid> = self.sent().into_iter().map(|(xid, _)| xid).collect();
        xids.try_into().unwrap()
    }

    /// The one message sent since the last look.
    #[track_caller]
    fn sent_one(&mut self) -> (Xid, Message) {
        let sent: [_; 1] = self.sent().try_into().unwrap();
        let [one] = sent;
        one
    }

    /// The ERROR that is the one message sent since the last look.
    #[track_caller]
    fn sent_error(&mut self) -> (Xid, ErrorMsg) {
        match self.sent_one() {
            (xid, Message::Error(error)) => (xid, error),
            other => panic!("no ERROR: {other:?}"),
        }
    }
}

fn hello() -> Message {
    Message::Hello(Hello::new())
}

fn features_reply() -> Message {
    Message::FeaturesReply(FeaturesReply {
        datapath_id: DATAPATH_ID,
        n_buffers: 0,
        n_tables: 254,
        auxiliary_id: 0,
        capabilities: Capabilities::empty(),
        reserved: 0,
    })
}

fn port(number: PortNo, name: &str) -> Port {
    Port {
        port_no: number,
        hw_addr: MacAddr([0x52, 0x54, 0, 0, 0, 1]),
        name: PortName::new(name).unwrap(),
        config: PortConfig::empty(),
        state: PortState::LIVE,
        curr: PortFeatures::empty(),
        advertised: PortFeatures::empty(),
        supported: PortFeatures::empty(),
        peer: PortFeatures::empty(),
        curr_speed: 0,
        max_speed: 0,
    }
}

fn local_port() -> Port {
    port(PortNo::LOCAL, "br0")
}

fn port_added(number: u32) -> PortStatus {
    PortStatus {
        reason: PortReason::Add,
        desc: port(PortNo(number), &format!("p{number}")),
    }
}

fn multipart(body: MultipartReplyBody, more: bool) -> Message {
    let flags = if more {
        MultipartFlags::MORE
    } else {
        MultipartFlags::empty()
    };
    Message::MultipartReply(MultipartReply { flags, body })
}

fn port_desc(ports: Vec<Port>, more: bool) -> Message {
    multipart(MultipartReplyBody::PortDesc(ports), more)
}

fn error(code: ErrorCode) -> Message {
    Message::Error(ErrorMsg::new(code, Bytes::new()))
}
