//! A switch that has tables and a connection, but no frames.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bridgechain::program::FlowKey;
use bytes::{Bytes, BytesMut};
use openflow::{
    BufferId, BundleControl, BundleControlKind, Capabilities, Cookie, DatapathId, FeaturesReply,
    FlowMod, FlowModCommand, FlowRemoved, FlowRemovedReason, FlowStats, Framer, GroupDesc, GroupId,
    GroupMod, GroupModCommand, Hello, MacAddr, Match, Message, MeterBandStats, MeterConfig,
    MeterId, MeterMod, MeterModCommand, MeterStats, MultipartFlags, MultipartReply,
    MultipartReplyBody, MultipartRequestBody, OxmField, PacketIn, PacketInReason, Port, PortConfig,
    PortFeatures, PortName, PortNo, PortReason, PortState, PortStats, PortStatus, TableId, Xid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long to wait for anything; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(10);
/// The first xid of what the switch sends unasked.
const OWN_XIDS: u32 = 0x8000_0000;

/// A bridge with its tables, and its connection while it has one.
pub(crate) struct Switch {
    pub(crate) datapath_id: DatapathId,
    pub(crate) ports: Vec<Port>,
    pub(crate) flows: BTreeMap<FlowKey, FlowMod>,
    groups: BTreeMap<GroupId, GroupMod>,
    meters: BTreeMap<MeterId, MeterMod>,
    /// The frames that flows have seen; 0 where nothing is said.
    pub(crate) frames: BTreeMap<FlowKey, u64>,
    /// How often it was asked for counters.
    pub(crate) surveys: Cell<usize>,
    bundle: Vec<Message>,
    connection: Option<Connection>,
}

struct Connection {
    stream: TcpStream,
    input: BytesMut,
    last_xid: u32,
}

/// What the controller did to the tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) bundles: usize,
    pub(crate) bundled: Vec<Message>,
    /// Outside of bundles.
    pub(crate) plain: Vec<Message>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Switch {
    /// A bridge with a LOCAL port of its name and further ports, numbered from 1.
    pub(crate) fn new(datapath_id: u64, name: &str, ports: &[&str]) -> Self {
        let further = ports
            .iter()
            .zip(1..)
            .map(|(name, number)| port(number, name));
        Self {
            datapath_id: DatapathId(datapath_id),
            ports: std::iter::once(port(PortNo::LOCAL.0, name))
                .chain(further)
                .collect(),
            flows: BTreeMap::new(),
            groups: BTreeMap::new(),
            meters: BTreeMap::new(),
            frames: BTreeMap::new(),
            surveys: Cell::new(0),
            bundle: Vec::new(),
            connection: None,
        }
    }

    /// Connects, or connects again: the old connection is left open, as if the network had cut it.
    pub(crate) async fn connect(&mut self, controller: SocketAddr) -> Option<TcpStream> {
        let stream = TcpStream::connect(controller).await.unwrap();
        let new = Connection {
            stream,
            input: BytesMut::new(),
            last_xid: OWN_XIDS,
        };
        let old = self.connection.replace(new);
        self.send(Xid(1), &Message::Hello(Hello::new())).await;
        old.map(|old| old.stream)
    }

    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Serves the controller until it has nothing more to say; returns what it changed.
    ///
    /// An echo is the fence: what came before its reply is all that the controller does about
    /// what it was told before. When nothing comes in between, all is said.
    pub(crate) async fn settle(&mut self) -> Changes {
        let mut changes = Changes::default();
        loop {
            let fence = self.own_xid();
            self.send(fence, &Message::EchoRequest(Bytes::from_static(b"fence")))
                .await;
            let mut quiet = true;
            loop {
                let (xid, message) = self.next().await.expect("the connection stays open");
                if xid == fence && matches!(message, Message::EchoReply(_)) {
                    break;
                }
                quiet = false;
                self.handle(xid, message, &mut changes).await;
            }
            if quiet {
                return changes;
            }
        }
    }

    /// Waits for the controller to close the connection.
    pub(crate) async fn closed(&mut self) {
        let closed = async {
            while let Some((xid, message)) = self.next().await {
                if !matches!(message, Message::Error(_)) {
                    self.handle(xid, message, &mut Changes::default()).await;
                }
            }
        };
        timeout(LIMIT, closed)
            .await
            .expect("the controller closes the connection in time");
        self.connection = None;
    }

    /// Says what is not OpenFlow.
    pub(crate) async fn garbage(&mut self) {
        self.connection()
            .stream
            .write_all(&[4, 10, 0, 4, 0, 0, 0, 0])
            .await
            .unwrap();
    }

    /// Hands a frame to the controller, as the flow for unknown sources does.
    pub(crate) async fn packet_in(&mut self, in_port: u32, vlan: u16, source: MacAddr) {
        let (_, miss) = self
            .to_controller()
            .expect("a flow sends frames to the controller");
        let mut data = MacAddr::BROADCAST.0.to_vec();
        data.extend(source.0);
        if vlan != 0 {
            data.extend([0x81, 0x00]);
            data.extend(vlan.to_be_bytes());
        }
        data.extend([0x08, 0x06]);
        data.resize(64, 0);
        let packet_in = PacketIn {
            buffer_id: BufferId::NO_BUFFER,
            total_len: 64,
            reason: PacketInReason::Action,
            table_id: miss.table_id,
            cookie: miss.cookie,
            match_: Match::new().with(OxmField::InPort, PortNo(in_port)),
            data: data.into(),
        };
        self.send(Xid(0), &Message::PacketIn(packet_in)).await;
    }

    /// The flow that sends frames to the controller.
    fn to_controller(&self) -> Option<(&FlowKey, &FlowMod)> {
        self.flows
            .iter()
            .find(|(_, flow)| format!("{:?}", flow.instructions).contains("CONTROLLER"))
    }

    /// Removes a flow and tells the controller.
    pub(crate) async fn remove(&mut self, key: &FlowKey, reason: FlowRemovedReason) {
        let flow = self.flows.remove(key).expect("the flow is there");
        let removed = FlowRemoved {
            cookie: flow.cookie,
            priority: flow.priority,
            reason,
            table_id: flow.table_id,
            duration_sec: 0,
            duration_nsec: 0,
            idle_timeout: flow.idle_timeout,
            hard_timeout: 0,
            packet_count: 0,
            byte_count: 0,
            match_: flow.match_,
        };
        self.send(Xid(0), &Message::FlowRemoved(removed)).await;
    }

    /// Adds a port and tells the controller.
    pub(crate) async fn add_port(&mut self, number: u32, name: &str) {
        let desc = port(number, name);
        self.ports.push(desc);
        let status = PortStatus {
            reason: PortReason::Add,
            desc,
        };
        self.send(Xid(0), &Message::PortStatus(status)).await;
    }

    /// The flows with this cookie.
    pub(crate) fn flows_with(&self, cookie: Cookie) -> impl Iterator<Item = &FlowKey> {
        self.flows
            .iter()
            .filter(move |(_, flow)| flow.cookie == cookie)
            .map(|(key, _)| key)
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("the switch is connected")
    }

    fn own_xid(&mut self) -> Xid {
        let connection = self.connection();
        connection.last_xid += 1;
        Xid(connection.last_xid)
    }

    async fn send(&mut self, xid: Xid, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(xid, &mut bytes).unwrap();
        self.connection().stream.write_all(&bytes).await.unwrap();
    }

    /// The next message of the controller, or `None` when it has closed.
    async fn next(&mut self) -> Option<(Xid, Message)> {
        let Connection { stream, input, .. } = self.connection();
        loop {
            if let Some(frame) = Framer::new().next(input).unwrap() {
                return Some(Message::decode(frame).unwrap());
            }
            let read = timeout(LIMIT, stream.read_buf(input)).await;
            if read
                .expect("the controller says something in time")
                .unwrap()
                == 0
            {
                return None;
            }
        }
    }

    /// Does what the controller asks for.
    async fn handle(&mut self, xid: Xid, message: Message, changes: &mut Changes) {
        let reply = match message {
            Message::Hello(_) | Message::EchoReply(_) => return,
            Message::EchoRequest(data) => Message::EchoReply(data),
            Message::FeaturesRequest => Message::FeaturesReply(FeaturesReply {
                datapath_id: self.datapath_id,
                n_buffers: 0,
                n_tables: 254,
                auxiliary_id: 0,
                capabilities: Capabilities::empty(),
                reserved: 0,
            }),
            Message::MultipartRequest(request) => Message::MultipartReply(MultipartReply {
                flags: MultipartFlags::empty(),
                body: self.describe(&request.body),
            }),
            Message::BarrierRequest => Message::BarrierReply,
            Message::BundleAdd(add) => {
                self.bundle.push(*add.message);
                return;
            }
            Message::BundleControl(control) => self.bundle_control(control, changes),
            change @ (Message::FlowMod(_) | Message::MeterMod(_)) => {
                self.apply(change.clone());
                changes.plain.push(change);
                return;
            }
            other => panic!("a controller does not send {other:?}"),
        };
        self.send(xid, &reply).await;
    }

    fn bundle_control(&mut self, control: BundleControl, changes: &mut Changes) -> Message {
        let kind = match control.kind {
            BundleControlKind::OpenRequest => {
                self.bundle.clear();
                BundleControlKind::OpenReply
            }
            BundleControlKind::CloseRequest => BundleControlKind::CloseReply,
            BundleControlKind::CommitRequest => {
                changes.bundles += 1;
                for change in std::mem::take(&mut self.bundle) {
                    self.apply(change.clone());
                    changes.bundled.push(change);
                }
                BundleControlKind::CommitReply
            }
            other => panic!("{other:?}"),
        };
        Message::BundleControl(BundleControl { kind, ..control })
    }

    fn describe(&self, request: &MultipartRequestBody) -> MultipartReplyBody {
        match request {
            MultipartRequestBody::PortDesc => MultipartReplyBody::PortDesc(self.ports.clone()),
            MultipartRequestBody::Flow(asked) => {
                let flows = self.flows.iter().filter(|(key, flow)| {
                    let mask = asked.cookie_mask;
                    let table = [key.table, TableId::ALL].contains(&asked.table_id);
                    table && flow.cookie.0 & mask == asked.cookie.0 & mask
                });
                let frames = |key| self.frames.get(key).copied().unwrap_or_default();
                let flows = flows.map(|(key, flow)| flow_stats(flow, frames(key)));
                MultipartReplyBody::Flow(flows.collect())
            }
            MultipartRequestBody::PortStats(_) => {
                self.surveys.set(self.surveys.get() + 1);
                MultipartReplyBody::PortStats(self.ports.iter().map(port_stats).collect())
            }
            MultipartRequestBody::Meter(_) => {
                MultipartReplyBody::Meter(self.meters.keys().map(meter_stats).collect())
            }
            MultipartRequestBody::GroupDesc => {
                MultipartReplyBody::GroupDesc(self.groups.values().map(group_desc).collect())
            }
            MultipartRequestBody::MeterConfig(_) => {
                MultipartReplyBody::MeterConfig(self.meters.values().map(meter_config).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn apply(&mut self, change: Message) {
        match change {
            Message::FlowMod(flow) => {
                let key = FlowKey {
                    table: flow.table_id,
                    priority: flow.priority,
                    match_: flow.match_.canonical(),
                };
                match flow.command {
                    FlowModCommand::Add => drop(self.flows.insert(key, flow)),
                    FlowModCommand::DeleteStrict => drop(self.flows.remove(&key)),
                    other => panic!("{other:?}"),
                }
            }
            Message::GroupMod(group) => match group.command {
                GroupModCommand::Delete => drop(self.groups.remove(&group.group_id)),
                _ => drop(self.groups.insert(group.group_id, group)),
            },
            Message::MeterMod(meter) => match meter.command {
                MeterModCommand::Delete => drop(self.meters.remove(&meter.meter_id)),
                _ => drop(self.meters.insert(meter.meter_id, meter)),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn port(number: u32, name: &str) -> Port {
    Port {
        port_no: PortNo(number),
        hw_addr: MacAddr([0x02, 0, 0, 0, 0, 1]),
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

/// Ten times its number of frames in, a hundred times out, of 100 bytes each.
fn port_stats(port: &Port) -> PortStats {
    let number = u64::from(port.port_no.0 & 0xffff);
    PortStats {
        port_no: port.port_no,
        rx_packets: number * 10,
        tx_packets: number * 100,
        rx_bytes: number * 1000,
        tx_bytes: number * 10_000,
        rx_dropped: 0,
        tx_dropped: 0,
        rx_errors: 0,
        tx_errors: 0,
        rx_frame_err: 0,
        rx_over_err: 0,
        rx_crc_err: 0,
        collisions: 0,
        duration_sec: 1,
        duration_nsec: 0,
    }
}

/// Of 7 frames of 700 bytes, 3 were dropped.
fn meter_stats(id: &MeterId) -> MeterStats {
    MeterStats {
        meter_id: *id,
        flow_count: 1,
        packet_in_count: 7,
        byte_in_count: 700,
        duration_sec: 1,
        duration_nsec: 0,
        band_stats: vec![MeterBandStats {
            packet_band_count: 3,
            byte_band_count: 300,
        }],
    }
}

fn flow_stats(flow: &FlowMod, frames: u64) -> FlowStats {
    FlowStats {
        table_id: flow.table_id,
        duration_sec: 1,
        duration_nsec: 0,
        priority: flow.priority,
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        flags: flow.flags,
        cookie: flow.cookie,
        packet_count: frames,
        byte_count: frames * 100,
        match_: flow.match_.clone(),
        instructions: flow.instructions.clone(),
    }
}

fn group_desc(group: &GroupMod) -> GroupDesc {
    GroupDesc {
        kind: group.kind,
        group_id: group.group_id,
        buckets: group.buckets.clone(),
    }
}

fn meter_config(meter: &MeterMod) -> MeterConfig {
    MeterConfig {
        flags: meter.flags,
        meter_id: meter.meter_id,
        bands: meter.bands.clone(),
    }
}
