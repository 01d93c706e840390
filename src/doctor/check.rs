//! What is looked at.

use std::fmt;

use serde::Serialize;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Frames go wrong, or nowhere.
    Error,
    /// They may, at some time.
    Warning,
    /// All is well.
    Ok,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The bridge is there.
    Bridge,
    /// It answers.
    Answer,
    /// `fail_mode=secure`
    FailMode,
    /// `other_config:datapath-id`
    DatapathId,
    /// No hidden flows.
    InBand,
    /// `set-controller`
    Controller,
    /// It is connected to the controller.
    Connected,
    /// `protocols` has OpenFlow13.
    Protocols,
    /// All bridges of the host in one datapath.
    DatapathType,
    /// No spanning tree.
    SpanningTree,
    /// No mirrors.
    Mirror,
    /// `other_config:vlan-limit`
    VlanLimit,
    /// Patch ports.
    Patch,
    /// Tunnels to remote sinks.
    Tunnel,
    /// The way to remote sinks.
    Route,
    /// The database by which vNICs are found.
    Ovsdb,
    /// Ports of the configuration.
    Port,
    /// Ports that could not be opened.
    Device,
    /// The devices of this machine are those of Open vSwitch.
    Namespace,
    /// Links.
    Link,
    /// Health checks of functions.
    Health,
    /// Ports that are in no configuration.
    Stray,
    /// Room for the longest frames.
    Mtu,
    /// What the machine does to frames before they are seen.
    Offload,
    /// Flows, groups and meters of others.
    Foreign,
    /// Flows and groups of the configuration.
    Flows,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Bridge,
        Self::Answer,
        Self::FailMode,
        Self::DatapathId,
        Self::InBand,
        Self::Controller,
        Self::Connected,
        Self::Protocols,
        Self::DatapathType,
        Self::SpanningTree,
        Self::Mirror,
        Self::VlanLimit,
        Self::Patch,
        Self::Tunnel,
        Self::Route,
        Self::Ovsdb,
        Self::Port,
        Self::Device,
        Self::Namespace,
        Self::Link,
        Self::Health,
        Self::Stray,
        Self::Mtu,
        Self::Offload,
        Self::Foreign,
        Self::Flows,
    ];

    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Answer => "answer",
            Self::FailMode => "fail-mode",
            Self::DatapathId => "datapath-id",
            Self::InBand => "in-band",
            Self::Controller => "controller",
            Self::Connected => "connected",
            Self::Protocols => "protocols",
            Self::DatapathType => "datapath-type",
            Self::SpanningTree => "spanning-tree",
            Self::Mirror => "mirror",
            Self::VlanLimit => "vlan-limit",
            Self::Patch => "patch",
            Self::Tunnel => "tunnel",
            Self::Route => "route",
            Self::Ovsdb => "ovsdb",
            Self::Port => "port",
            Self::Device => "device",
            Self::Namespace => "namespace",
            Self::Link => "link",
            Self::Health => "health",
            Self::Stray => "stray",
            Self::Mtu => "mtu",
            Self::Offload => "offload",
            Self::Foreign => "foreign",
            Self::Flows => "flows",
        }
    }

    /// What it is like where nothing is wrong.
    pub fn good(self) -> &'static str {
        match self {
            Self::Bridge => "all bridges are there",
            Self::Answer => "they answer OpenFlow 1.3",
            Self::FailMode => "they keep their flows while the controller is away",
            Self::DatapathId => "their datapath ids are those of the configuration, and stay",
            Self::InBand => "they have no hidden flows",
            Self::Controller => "they know the controller, and no other",
            Self::Connected => "they are connected to it",
            Self::Protocols => "they speak OpenFlow 1.3",
            Self::DatapathType => "they are in one datapath",
            Self::SpanningTree => "no spanning tree protocol takes ports out of service",
            Self::Mirror => "no mirror copies frames past the configuration",
            Self::VlanLimit => "frames with two tags are told apart from those with one",
            Self::Patch => "patch ports join the bridges",
            Self::Tunnel => "tunnels lead to the remote sinks",
            Self::Route => "the remote sinks can be reached",
            Self::Ovsdb => "the database by which vNICs are found is that of this machine",
            Self::Port => "the ports of the configuration are there",
            Self::Device => "their devices are open",
            Self::Namespace => "Open vSwitch has the devices that are seen here",
            Self::Link => "they have a link",
            Self::Health => "no health check of a function has failed",
            Self::Stray => "there are no other ports",
            Self::Mtu => "the longest frames of the guests fit everywhere",
            Self::Offload => "frames are seen as they are on the wire",
            Self::Foreign => "nobody else has put flows, groups or meters there",
            Self::Flows => "flows and groups are as they should be",
        }
    }

    /// How bad it is in most cases.
    pub fn level(self) -> Level {
        match self {
            Self::Bridge
            | Self::Answer
            | Self::FailMode
            | Self::Controller
            | Self::Connected
            | Self::Protocols
            | Self::DatapathType
            | Self::Patch
            | Self::Tunnel
            | Self::Route
            | Self::Ovsdb
            | Self::Port
            | Self::Device
            | Self::Link
            | Self::Health
            | Self::Flows => Level::Error,
            Self::DatapathId
            | Self::InBand
            | Self::SpanningTree
            | Self::Mirror
            | Self::VlanLimit
            | Self::Namespace
            | Self::Stray
            | Self::Mtu
            | Self::Offload
            | Self::Foreign => Level::Warning,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Ok => "ok",
        })
    }
}
