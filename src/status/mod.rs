//! What an operator is shown: the state of hosts, and what has happened on them.
//!
//! These are the words of the API, version 1: what is here may get more fields, and loses none.

mod drops;
mod inventory;
mod mac;
mod plan;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use drops::{Cause, Dropped, Drops};
pub use inventory::{
    BridgePort, Bridges, Chain, ChainFunction, Chains, Functions, HostBridge, HostFunction,
    HostInstance, Hosts, Member, Network, Networks, Ports, Purpose, VlanMode, Vm, Vms, Vnic, Vnics,
};
pub use mac::{Mac, Macs, Origin};
pub use plan::{BridgePlan, BridgeState, Changes, HostPlan, Plan};

/// The state of all hosts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The version of the controller.
    pub version: String,
    /// In the order of their names.
    pub hosts: Vec<Host>,
}

/// The state of one host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Its name in the configuration.
    pub name: String,
    /// Its bridges, from the guests to the uplink.
    pub bridges: Vec<Bridge>,
    /// The network functions on it, in the order of the configuration.
    pub functions: Vec<Function>,
    /// The vNICs that are found by what the OVS database says.
    #[serde(default)]
    pub guests: Vec<Guest>,
    /// The ports of functions that are.
    #[serde(default)]
    pub function_ports: Vec<FunctionPort>,
    /// That database, where any port is found by it.
    #[serde(default)]
    #[schema(required)]
    pub database: Option<Database>,
    /// How many MAC addresses are learned.
    pub learned_macs: usize,
    /// The limits to the number of addresses (`max_macs`) that are reached: frames from others are
    /// dropped.
    #[serde(default)]
    pub reached_limits: Vec<ReachedLimit>,
    /// The addresses that flap, and are held where they are.
    #[serde(default)]
    pub held_addresses: Vec<HeldAddress>,
    /// FLOW_MODs sent since the start of the controller.
    pub flow_mods: u64,
    /// Transactions that a bridge refused since then.
    pub refused_transactions: u64,
    /// Frames that bridges handed to the controller since then, probes left out.
    #[serde(default)]
    pub packet_ins: u64,
    /// Times that a MAC address was seen at another port than before, and followed.
    #[serde(default)]
    pub mac_moves: u64,
    /// Times that one was seen at another port and not followed, for it moved too often.
    #[serde(default)]
    pub damped_mac_moves: u64,
}

/// A limit to the number of addresses that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReachedLimit {
    /// The network that has the limit; none where it is that of a vNIC.
    pub network: Option<String>,
    /// How many addresses it may have.
    pub limit: u32,
    /// The port of the vNIC that has the limit, or most addresses in the network.
    pub vnic: String,
    /// How many it has.
    pub addresses: usize,
}

/// An address that moves to and fro, and is held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeldAddress {
    /// The address.
    pub mac: String,
    /// In which network.
    pub network: String,
    /// The port where it is held.
    pub held_at: String,
    /// The ports where it was seen.
    pub seen_at: String,
    /// How often it was seen elsewhere since it is held.
    pub ignored: u64,
    /// How long it is still held, in seconds.
    pub seconds_left: f64,
}

/// The state of one bridge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bridge {
    /// What it is for: `local`, `service`, `uplink`, `learning`.
    pub role: String,
    /// Its name; that of the configuration while it is not connected.
    pub name: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it holds what it is to hold.
    pub in_sync: bool,
    /// How many flows of bridgechain it holds, the learned ones among them.
    pub flows: usize,
    /// How many it is to hold, as of when that was last found out.
    #[serde(default)]
    pub wanted_flows: usize,
    /// How many flows of others it had when it was last read.
    pub foreign_flows: usize,
}

/// The state of a network function on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Function {
    /// The chain it is in.
    pub chain: String,
    /// Its name there.
    pub name: String,
    /// How it is inserted.
    pub mode: Mode,
    /// Whether frames reach it at all.
    pub enabled: bool,
    /// Its instances on this host.
    pub instances: Vec<Instance>,
}

/// How a function is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It gets copies.
    Tap,
    /// It is in the way.
    Inline,
    /// It is tried out, on copies.
    Shadow,
}

/// The state of one instance of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// The name of its port, or of its ingress leg.
    pub name: String,
    /// Whether it gets frames, as far as the configuration goes.
    pub enabled: bool,
    /// Its ports: one, or the ingress and the egress leg.
    pub ports: Vec<Port>,
    /// What health checks have found.
    pub health: Health,
    /// How long that has been so, in seconds; not known of what an earlier run has found.
    #[schema(required)]
    pub since_seconds: Option<f64>,
    /// Rounds of probes that came through.
    pub passes: u64,
    /// Rounds of probes that did not.
    pub losses: u64,
    /// How long the slower probe of the last round that came through took.
    #[schema(required)]
    pub round_trip_seconds: Option<f64>,
}

/// A vNIC that is found by what the OVS database says, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Guest {
    /// Its VM.
    pub vm: String,
    /// What it is found by, in the words of `ovs-vsctl`.
    pub found_by: String,
    /// The bridge it belongs on.
    pub bridge: String,
    /// The OVS interface name of the port that it is bound to, if it is.
    #[schema(required)]
    pub port: Option<String>,
    /// Whether the bridge has that port.
    pub present: bool,
}

/// A port of a function that is found by what the OVS database says, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FunctionPort {
    /// Its function.
    pub function: String,
    /// What it is found by, in the words of `ovs-vsctl`.
    pub found_by: String,
    /// The bridge it belongs on.
    pub bridge: String,
    /// The OVS interface name of the port that it is bound to, if it is.
    #[schema(required)]
    pub port: Option<String>,
    /// Whether the bridge has that port.
    pub present: bool,
}

/// The state of the connection to an OVS database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Database {
    /// Where it is served.
    pub endpoint: String,
    /// Whether it is connected, and so every change of it is known.
    pub connected: bool,
    /// Why it is not.
    #[schema(required)]
    pub error: Option<String>,
    /// What is odd about the interfaces it has.
    pub problems: Vec<String>,
}

/// A port of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Port {
    /// OVS interface name.
    pub name: String,
    /// Whether the bridge has it; `false` too while the bridge was never connected.
    pub present: bool,
    /// Whether it has a link.
    pub link: bool,
}

/// What health checks have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// There is no health check.
    NotChecked,
    /// Nothing yet; it counts as up.
    Unknown,
    /// It forwards, in both directions.
    Up,
    /// It does not.
    Down,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Counts the events of a run of the controller from 1.
    pub sequence: u64,
    /// When, in seconds since 1970 (UTC).
    pub time: f64,
    /// On which host.
    pub host: String,
    /// What.
    pub happening: Happening,
}

/// What happened on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Happening {
    /// For programs.
    pub kind: Kind,
    /// What it happened to: a bridge, a port, a network, a MAC address, a VM, a database, a host, or an
    /// instance as `CHAIN/FUNCTION/INSTANCE`.
    pub subject: String,
    /// For people.
    pub message: String,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An instance of a function has passed its health checks.
    FunctionUp,
    /// An instance of a function has failed its health checks.
    FunctionDown,
    /// A port of a function has a link.
    LinkUp,
    /// A port of a function has lost its link.
    LinkDown,
    /// A bridge has another port.
    PortAdded,
    /// A bridge has lost a port.
    PortGone,
    /// A bridge has connected.
    BridgeConnected,
    /// The connection to a bridge is gone.
    BridgeDisconnected,
    /// A bridge holds what it is to hold.
    BridgeInSync,
    /// A bridge has refused changes.
    ChangesRefused,
    /// A MAC address moves to and fro, and is held where it is.
    MacFlaps,
    /// A vNIC or a network has as many addresses as it may have.
    LimitReached,
    /// More has happened to addresses and links than was told one by one.
    LeftOut,
    /// A vNIC was found at an interface.
    GuestBound,
    /// A vNIC is at another interface now.
    GuestMoved,
    /// A vNIC is at no interface any more.
    GuestUnbound,
    /// What the OVS database says of interfaces is odd.
    GuestProblem,
    /// The OVS database is connected.
    DatabaseConnected,
    /// The connection to the OVS database is gone, or could not be made.
    DatabaseDisconnected,
}

/// Which run of the controller a stream of events is of: the first thing it says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// When this run of the controller began, in seconds since 1970.
    pub run: f64,
    /// How many events there were in it.
    pub last: u64,
}

impl Run {
    /// Whether `run` is this one. What was written and read again may differ in the last digit.
    pub fn is(&self, run: f64) -> bool {
        (self.run - run).abs() < 0.001
    }
}

/// Events that a client of a stream does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// How many; `null` where that is not known, since they are of another run of the controller.
    #[schema(required)]
    pub missed: Option<u64>,
}

/// Events, as the API gives them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// When this run of the controller began, in seconds since 1970: in another run events are
    /// counted anew.
    pub run: f64,
    /// The sequence number of the oldest event that is still known. Where it is more than one above
    /// what a reader has seen, that reader has missed some.
    pub oldest: u64,
    /// In order.
    pub events: Vec<Event>,
}
