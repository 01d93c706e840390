//! From the first byte to a known bridge: HELLO, FEATURES and the ports.

use std::mem;
use std::time::{Duration, Instant};

use openflow::{
    DatapathId, ErrorCode, ErrorKind, ErrorMsg, ErrorType, FeaturesReply, Hello, HelloElement,
    Message, MultipartFlags, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, Port, PortStatus, VERSION, Xid,
};

use super::describe;
use super::event::CloseReason;
use super::wire::Wire;

/// How long a peer may take to say which bridge it is.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// More ports than Open vSwitch numbers (65,279), so that a peer can not fill the memory.
const MAX_PORTS: usize = 65_536;

/// The state of a handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    deadline: Instant,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Our HELLO is out, the peer's is awaited.
    Hello,
    /// The versions agree; which bridge it is was asked.
    Inquiry(Inquiry),
}

/// What a handshake finds out.
#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) datapath_id: DatapathId,
    pub(super) ports: Vec<Port>,
    /// Changes of ports that the list may or may not know of, to be told after it, in order:
    /// telling one twice does no harm, losing one does.
    pub(super) port_changes: Vec<PortStatus>,
}

impl Handshake {
    /// Sends our HELLO.
    pub(super) fn begin(now: Instant, wire: &mut Wire) -> Result<Self, CloseReason> {
        wire.send(&Message::Hello(Hello::new()))?;
        Ok(Self {
            deadline: now + TIME_LIMIT,
            stage: Stage::Hello,
        })
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the peer has not yet said that it speaks OpenFlow.
    pub(super) fn awaits_hello(&self) -> bool {
        matches!(self.stage, Stage::Hello)
    }

    /// The bridge, when `message` is the last thing that was to be known of it.
    pub(super) fn handle(
        &mut self,
        xid: Xid,
        message: Message,
        wire: &mut Wire,
    ) -> Result<Option<Bridge>, CloseReason> {
        match (&mut self.stage, message) {
            (_, Message::Error(error)) => Err(refused(&error)),
            (Stage::Hello, Message::Hello(hello)) => {
                agree(&hello).inspect_err(|reason| {
                    wire.error(
                        xid,
                        ErrorCode::OFPHFC_INCOMPATIBLE,
                        reason.to_string().into(),
                    );
                })?;
                self.stage = Stage::Inquiry(Inquiry::begin(wire)?);
                Ok(None)
            }
            (Stage::Hello, _) => Ok(None),
            (Stage::Inquiry(inquiry), message) => inquiry.handle(xid, message),
        }
    }
}

/// The peer's ERROR ends the handshake.
fn refused(error: &ErrorMsg) -> CloseReason {
    let what = describe::error(error);
    match error.error {
        ErrorKind::Standard(ErrorCode {
            kind: ErrorType::HelloFailed,
            ..
        }) => CloseReason::Version(format!("the peer refuses our HELLO: {what}")),
        _ => CloseReason::Protocol(format!("the peer refuses the handshake: {what}")),
    }
}

/// Whether the sender of `hello` speaks OpenFlow 1.3 (§6.3.1), or else what it speaks.
fn agree(hello: &Hello) -> Result<(), CloseReason> {
    if hello.speaks(VERSION) {
        return Ok(());
    }
    let has_bitmap = hello
        .elements
        .iter()
        .any(|element| matches!(element, HelloElement::VersionBitmap(_)));
    let spoken: Vec<String> = (1..=u8::MAX)
        .filter(|&version| match has_bitmap {
            true => hello.speaks(version),
            false => version == hello.version,
        })
        .map(describe::version)
        .collect();
    Err(CloseReason::Version(format!(
        "the peer speaks OpenFlow {}, needed is 1.3 \
         (ovs-vsctl set bridge BRIDGE protocols=OpenFlow13)",
        match &spoken[..] {
            [] => "of no known version".into(),
            spoken => spoken.join(", "),
        }
    )))
}

/// Who are you, and which ports have you got?
#[derive(Debug)]
struct Inquiry {
    features: Xid,
    port_desc: Xid,
    datapath_id: Option<DatapathId>,
    ports: Vec<Port>,
    port_changes: Vec<PortStatus>,
}

impl Inquiry {
    /// Asks both at once, which saves a round trip; replies come in the order of the requests.
    fn begin(wire: &mut Wire) -> Result<Self, CloseReason> {
        let port_desc = Message::MultipartRequest(MultipartRequest {
            flags: MultipartFlags::empty(),
            body: MultipartRequestBody::PortDesc,
        });
        Ok(Self {
            features: wire.send(&Message::FeaturesRequest)?,
            port_desc: wire.send(&port_desc)?,
            datapath_id: None,
            ports: Vec::new(),
            port_changes: Vec::new(),
        })
    }

    fn handle(&mut self, xid: Xid, message: Message) -> Result<Option<Bridge>, CloseReason> {
        match message {
            Message::FeaturesReply(reply) if xid == self.features => {
                self.datapath_id = Some(main_connection(&reply)?);
                Ok(None)
            }
            Message::MultipartReply(reply) if xid == self.port_desc => self.add_ports(reply),
            Message::PortStatus(status) => {
                self.port_changes.push(status);
                self.check_size()?;
                Ok(None)
            }
            // Not asked for: packet-ins are told again when they matter, and a reply under
            // another xid answers nobody.
            _ => Ok(None),
        }
    }

    fn add_ports(&mut self, part: MultipartReply) -> Result<Option<Bridge>, CloseReason> {
        let MultipartReplyBody::PortDesc(ports) = part.body else {
            return Err(CloseReason::Protocol(
                "PORT_DESC was answered with something else".into(),
            ));
        };
        self.ports.extend(ports);
        self.check_size()?;
        if part.flags.contains(MultipartFlags::MORE) {
            return Ok(None);
        }
        let datapath_id = self.datapath_id.ok_or_else(|| {
            CloseReason::Protocol("PORT_DESC was answered before FEATURES_REQUEST".into())
        })?;
        Ok(Some(Bridge {
            datapath_id,
            ports: mem::take(&mut self.ports),
            port_changes: mem::take(&mut self.port_changes),
        }))
    }

    fn check_size(&self) -> Result<(), CloseReason> {
        if self.ports.len() > MAX_PORTS || self.port_changes.len() > MAX_PORTS {
            let what = format!("the peer tells of more than {MAX_PORTS} ports");
            return Err(CloseReason::Protocol(what));
        }
        Ok(())
    }
}

/// The datapath id, on the only connection that a bridge is to open.
fn main_connection(reply: &FeaturesReply) -> Result<DatapathId, CloseReason> {
    match reply.auxiliary_id {
        0 => Ok(reply.datapath_id),
        id => Err(CloseReason::Protocol(format!(
            "auxiliary connection {id} is not served"
        ))),
    }
}
