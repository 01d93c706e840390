//! A host in a test: its state, a model of a switch for each bridge, and the wires between them.
//!
//! Nothing passes a wire by itself: a test moves one thing at a time, or all until it is quiet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::{
    Action, BufferId, Cookie, ErrorCode, ErrorMsg, ErrorType, FlowRemovedReason, MacAddr, Match,
    Message, MultipartRequestBody, OxmField, PacketIn, PacketInReason, PacketOut, Port, PortConfig,
    PortFeatures, PortName, PortNo, PortReason, PortState, PortStatus, TableId, Xid,
};

use crate::compile;
use crate::cookie::{self, Class};
use crate::fake_switch::FakeSwitch;
use crate::host::{HostState, Outbox};
use crate::learning::{Learned, LearnedMac, Limits, Location, MacTable};
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Program};
use crate::reconcile::found;
use crate::session::{Event, Snapshot};
use crate::topology::{Role, Topology, Vlan};

pub(super) struct Lab {
    pub(super) state: HostState,
    pub(super) topology: Arc<Topology>,
    pub(super) wires: Wires,
    pub(super) now: Instant,
}

#[derive(Default)]
pub(super) struct Wires(pub(super) BTreeMap<Role, Wire>);

/// One bridge and its connection.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) switch: FakeSwitch,
    pub(super) ports: Ports,
    pub(super) connected: bool,
    /// Why the next transaction is refused, whatever is in it.
    pub(super) refuse_next: Option<String>,
    /// What was sent since somebody looked last.
    pub(super) sent: Sent,
    /// The inline function between `ips-in` and `ips-out` does not forward.
    pub(super) dead: bool,
    to_switch: VecDeque<Request>,
    to_controller: VecDeque<Event>,
    /// A transaction or a read-back is under way.
    busy: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// The plain messages.
    pub(super) plain: Vec<Message>,
    /// The transactions.
    pub(super) commits: Vec<Vec<Message>>,
    pub(super) read_backs: usize,
    /// Requests for counters; a test answers them.
    pub(super) surveys: Vec<Vec<MultipartRequestBody>>,
    /// Frames; these change nothing.
    pub(super) frames: Vec<PacketOut>,
}

impl Sent {
    /// Whether nothing was changed.
    pub(super) fn no_change(&self) -> bool {
        self.plain.is_empty() && self.commits.is_empty()
    }
}

enum Request {
    Send(Message),
    Commit(Vec<Message>),
    ReadBack,
    /// The flows were read; groups and meters are read and answered next.
    Answer(Snapshot),
}

impl Outbox for Wires {
    fn send(&mut self, role: Role, message: &Message) {
        let wire = self.idle(role);
        match message {
            Message::PacketOut(frame) => wire.sent.frames.push(frame.clone()),
            _ => wire.sent.plain.push(message.clone()),
        }
        wire.to_switch.push_back(Request::Send(message.clone()));
    }

    fn commit(&mut self, role: Role, changes: Vec<Message>) {
        assert!(!changes.is_empty(), "an empty transaction");
        let wire = self.idle(role);
        wire.busy = true;
        wire.sent.commits.push(changes.clone());
        wire.to_switch.push_back(Request::Commit(changes));
    }

    fn read_back(&mut self, role: Role) {
        let wire = self.idle(role);
        wire.busy = true;
        wire.sent.read_backs += 1;
        wire.to_switch.push_back(Request::ReadBack);
    }

    fn survey(&mut self, role: Role, requests: Vec<MultipartRequestBody>) {
        self.idle(role).sent.surveys.push(requests);
    }
}

impl Wires {
    pub(super) fn get(&mut self, role: Role) -> &mut Wire {
        self.0.entry(role).or_default()
    }

    /// The wire of a bridge for which something may be asked.
    fn idle(&mut self, role: Role) -> &mut Wire {
        let wire = self.get(role);
        assert!(wire.connected, "{role}: nobody there");
        assert!(!wire.busy, "{role}: something is under way already");
        wire
    }
}

impl Wire {
    /// Lets the switch process the next message; says whether there was one.
    pub(super) fn step_switch(&mut self) -> bool {
        let Some(request) = self.to_switch.pop_front() else {
            return false;
        };
        match request {
            Request::Send(Message::PacketOut(packet_out)) => self.packet_out(&packet_out),
            Request::Send(message) => {
                if self.switch.apply(&message).is_err() {
                    self.to_controller.push_back(refusal());
                }
            }
            Request::Commit(changes) => {
                let result = match self.refuse_next.take() {
                    Some(reason) => Err(reason),
                    None => self.switch.commit(&changes),
                };
                self.to_controller.push_back(match result {
                    Ok(()) => Event::Committed,
                    Err(reason) => Event::Rejected(reason),
                });
            }
            Request::ReadBack => {
                let flows = self.switch.snapshot();
                self.to_switch.push_front(Request::Answer(flows));
            }
            Request::Answer(Snapshot { flows, .. }) => {
                let snapshot = Snapshot {
                    flows,
                    ..self.switch.snapshot()
                };
                self.to_controller.push_back(Event::ReadBack(snapshot));
            }
        }
        true
    }

    /// A frame is sent out of a leg of the function, which may bring it back by the other; or it is
    /// handled as if it had come in by one.
    fn packet_out(&mut self, packet_out: &PacketOut) {
        let [Action::Output { port, .. }] = packet_out.actions.as_slice() else {
            return;
        };
        let comes_in_by = match self.ports.name(*port) {
            _ if *port == PortNo::TABLE => Some(packet_out.in_port),
            Some("ips-in") if !self.dead => self.ports.get("ips-out"),
            Some("ips-out") if !self.dead => self.ports.get("ips-in"),
            _ => None,
        };
        let in_port = comes_in_by.map(|port| port.0.into());
        let mut flows = self.switch.program.flows.iter();
        let brought = flows.any(|(key, flow)| {
            let is_from = key.match_.get(OxmField::InPort).map(|(port, _)| port) == in_port;
            is_from && flow.cookie == Class::Probe.cookie()
        });
        if let (true, Some(port)) = (brought, comes_in_by) {
            let probe = PacketIn {
                cookie: Class::Probe.cookie(),
                data: packet_out.data.clone(),
                ..packet_in(port.0, 0, 0)
            };
            self.push_event(Event::PacketIn(probe));
        }
    }

    /// Hands the notices of removed flows to the wire. Open vSwitch sends them from another thread,
    /// so that they may come behind what happened after them.
    pub(super) fn tell_removed(&mut self) {
        let removed = self.switch.removed.drain(..);
        if self.connected {
            self.to_controller.extend(removed.map(Event::FlowRemoved));
        }
    }

    /// A frame comes in; the switch tells the controller if it does not know the source.
    pub(super) fn frame(&mut self, role: Role, port: u32, vlan: u16, mac: u64) {
        let entry = entry(role, port, vlan, mac);
        if self.connected && !self.sources(role).any(|source| source == entry) {
            self.to_controller
                .push_back(Event::PacketIn(packet_in(port, vlan, mac)));
        }
    }

    /// The addresses whose source flows the switch has.
    pub(super) fn sources(&self, role: Role) -> impl Iterator<Item = LearnedMac> {
        let flows = self.switch.program.flows.iter();
        flows.filter_map(move |(key, flow)| compile::recover(role, key, flow))
    }

    /// The source flow of an address times out, if it is there.
    pub(super) fn idle_out(&mut self, role: Role, entry: &LearnedMac) {
        let keys: Vec<FlowKey> = self
            .switch
            .program
            .flows
            .iter()
            .filter(|(key, flow)| compile::recover(role, key, flow).as_ref() == Some(entry))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.switch.remove(&key, FlowRemovedReason::IdleTimeout);
        }
    }

    /// A port gets a number, another one than before perhaps.
    pub(super) fn add_port(&mut self, name: &str, number: u32) {
        if let Some(old) = self.ports.get(name) {
            self.del_port(old);
        }
        let taken = self.ports.name(PortNo(number)).map(str::to_owned);
        assert_eq!(taken, None, "port {number} is taken");
        self.ports.insert(name.to_owned(), PortNo(number));
        self.port_status(PortReason::Add, name, PortNo(number));
    }

    pub(super) fn del_port(&mut self, number: PortNo) {
        if let Some(name) = self.ports.remove(number) {
            self.port_status(PortReason::Delete, &name, number);
        }
    }

    pub(super) fn port_status(&mut self, reason: PortReason, name: &str, number: PortNo) {
        if self.connected {
            let desc = port(name, number);
            self.to_controller
                .push_back(Event::PortStatus(PortStatus { reason, desc }));
        }
    }

    pub(super) fn push_event(&mut self, event: Event) {
        self.to_controller.push_back(event);
    }
}

impl Lab {
    /// The host of `topology` with bridges that have these ports and hold nothing.
    pub(super) fn new(topology: Topology, ports: &[(Role, &[(&str, u32)])]) -> Self {
        let topology = Arc::new(topology);
        let mut wires = Wires::default();
        for (role, ports) in ports {
            wires.get(*role).ports = ports
                .iter()
                .map(|(name, number)| ((*name).to_owned(), PortNo(*number)))
                .collect();
        }
        Self {
            state: HostState::new(Arc::clone(&topology), "node1"),
            topology,
            wires,
            now: Instant::now(),
        }
    }

    pub(super) fn connect(&mut self, role: Role) {
        let wire = self.wires.get(role);
        wire.connected = true;
        wire.busy = false;
        wire.to_switch.clear();
        wire.to_controller.clear();
        wire.switch.removed.clear();
        let ports = wire.ports.clone();
        self.state.bridge_up(role, None, ports, &mut self.wires);
    }

    /// The connection breaks; what was sent and not processed is lost.
    pub(super) fn disconnect(&mut self, role: Role) {
        let wire = self.wires.get(role);
        wire.connected = false;
        wire.busy = false;
        wire.to_switch.clear();
        wire.to_controller.clear();
        self.state.bridge_down(role);
    }

    /// Another controller process, which knows nothing; no bridge is connected to it yet.
    pub(super) fn restart(&mut self) {
        for role in self.roles() {
            self.disconnect(role);
            self.wires.get(role).switch.removed.clear();
        }
        self.state = HostState::new(Arc::clone(&self.topology), "node1");
        self.take_sent();
    }

    pub(super) fn reload(&mut self, topology: Topology) {
        self.topology = Arc::new(topology);
        self.state
            .reload(self.now, Arc::clone(&self.topology), &mut self.wires);
    }

    /// Lets the controller process the next event of a bridge; says whether there was one.
    pub(super) fn step_controller(&mut self, role: Role) -> bool {
        let wire = self.wires.get(role);
        let Some(event) = wire.to_controller.pop_front() else {
            return false;
        };
        if let Event::Committed | Event::Rejected(_) | Event::ReadBack(_) = event {
            wire.busy = false;
        }
        self.state
            .handle_event(self.now, role, event, &mut self.wires);
        true
    }

    /// Moves everything there is on the wires, until nothing more happens. No time passes.
    pub(super) fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut moved = false;
            for role in self.roles() {
                let wire = self.wires.get(role);
                moved |= wire.step_switch();
                wire.tell_removed();
                moved |= self.step_controller(role);
            }
            if !moved {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// The same, while notices of removed flows stay where they are.
    pub(super) fn settle_untold(&mut self) {
        for role in self.roles().into_iter().cycle().take(1000) {
            self.wires.get(role).step_switch();
            self.step_controller(role);
        }
    }

    /// Settles, and lets time pass until nothing waits for it any more but health checks, which
    /// always do.
    pub(super) fn settle_in_time(&mut self) {
        self.settle();
        for _ in 0..100 {
            let bridges = self.state.bridges.values();
            let waits = bridges.filter_map(|bridge| bridge.backoff.until());
            let Some(due) = waits.chain(self.state.notices.poll_timeout()).min() else {
                return;
            };
            self.now = self.now.max(due);
            self.state.handle_timeout(self.now, &mut self.wires);
            self.settle();
        }
        panic!("it never stops waiting");
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.state.handle_timeout(self.now, &mut self.wires);
        self.settle();
    }

    /// Lets time pass, with all that happens meanwhile.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.state.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.state.handle_timeout(self.now, &mut self.wires);
            self.settle();
        }
        self.now = end;
    }

    pub(super) fn frame(&mut self, role: Role, port: u32, vlan: u16, mac: u64) {
        self.wires.get(role).frame(role, port, vlan, mac);
    }

    pub(super) fn roles(&self) -> Vec<Role> {
        self.wires.0.keys().copied().collect()
    }

    /// What was sent to each bridge since the last time.
    pub(super) fn take_sent(&mut self) -> BTreeMap<Role, Sent> {
        let wires = self.wires.0.iter_mut();
        wires
            .map(|(role, wire)| (*role, std::mem::take(&mut wire.sent)))
            .collect()
    }

    /// What the bridge with `role` is to hold by the topology, its ports and the learned addresses.
    pub(super) fn wanted(&self, role: Role) -> Program {
        let host = &self.topology.hosts["node1"];
        let (settings, ports) = (&self.topology.controller, &self.wires.0[&role].ports);
        let mut wanted = compile::bridge(host, settings, role, ports, &self.state.failed);
        let limits = Limits::new(host, |role| self.wires.0.get(&role).map(|wire| &wire.ports));
        let mut macs = MacTable::default();
        macs.set_limits(limits);
        for entry in self.state.macs().iter() {
            assert_eq!(macs.learn(entry), Learned::New, "{entry:?}");
        }
        let addresses = compile::addresses(host, settings, role, ports, &macs);
        wanted.flows.extend(addresses);
        wanted
    }

    /// Bridgechain's own entries on the bridge with `role`.
    pub(super) fn held_by(&self, role: Role) -> Program {
        found(self.wires.0[&role].switch.snapshot()).ours
    }

    /// Checks that every connected bridge holds what it is to hold, that the controller knows
    /// it, and that the addresses it knows are those that the switches know.
    pub(super) fn assert_in_sync(&self) {
        let mut sources = Vec::new();
        for (role, wire) in &self.wires.0 {
            sources.extend(wire.sources(*role));
            if wire.connected {
                assert_eq!(self.held_by(*role), self.wanted(*role), "{role}");
                assert_eq!(
                    self.state.bridges[role].installed,
                    self.wanted(*role),
                    "{role}"
                );
            }
        }
        if self.wires.0.values().all(|wire| wire.connected) {
            let mut known: Vec<_> = self.state.macs().iter().collect();
            known.sort_unstable();
            sources.sort_unstable();
            assert_eq!(known, sources);
        }
    }
}

pub(super) fn entry(role: Role, port: u32, vlan: u16, mac: u64) -> LearnedMac {
    LearnedMac {
        vlan: Vlan::new(vlan).unwrap(),
        mac: MacAddr::from_u64(mac),
        at: Location {
            role,
            port: PortNo(port),
        },
    }
}

pub(super) fn port(name: &str, port_no: PortNo) -> Port {
    Port {
        port_no,
        hw_addr: MacAddr([2, 0, 0, 0, 0, 9]),
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

/// The start of a broadcast from `mac`, tagged as it is between bridges.
pub(super) fn packet_in(port: u32, vlan: u16, mac: u64) -> PacketIn {
    let mut data = MacAddr::BROADCAST.0.to_vec();
    data.extend(MacAddr::from_u64(mac).0);
    if vlan != 0 {
        data.extend([0x81, 0x00]);
        data.extend(vlan.to_be_bytes());
    }
    data.extend([0x08, 0x06, 0x00, 0x01]);
    PacketIn {
        buffer_id: BufferId::NO_BUFFER,
        total_len: 64,
        reason: PacketInReason::NoMatch,
        table_id: TableId(2),
        cookie: Class::Pipeline.cookie(),
        match_: Match::new().with(OxmField::InPort, port),
        data: Bytes::from(data),
    }
}

/// The switch refuses a plain message.
pub(super) fn refusal() -> Event {
    let table_full = ErrorCode {
        kind: ErrorType::FlowModFailed,
        code: 1,
    };
    Event::SwitchError {
        xid: Xid(7),
        error: ErrorMsg::new(table_full, Bytes::new()),
    }
}

/// A flow of somebody else's.
pub(super) fn foreign_flow() -> (FlowKey, Flow) {
    let cookie = Cookie(0xbeef);
    assert!(!cookie::is_ours(cookie));
    let key = FlowKey {
        table: TableId(0),
        priority: 61_000,
        match_: Match::new().with(OxmField::InPort, PortNo(77)),
    };
    let flow = Flow {
        cookie,
        idle_timeout: 0,
        flags: openflow::FlowModFlags::SEND_FLOW_REM,
        instructions: Vec::new(),
    };
    (key, flow)
}
