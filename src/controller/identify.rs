//! Which bridge of the configuration a connected bridge is.

use std::fmt;

use openflow::{DatapathId, Port, PortNo};

use crate::topology::{Bridges, Role, Topology};

/// What a bridge tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) datapath_id: DatapathId,
    /// The name of the LOCAL port, which is that of the bridge.
    pub(super) name: Option<String>,
}

/// The place of a bridge in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: HostKey,
    pub(super) role: Role,
}

/// What has state of its own: a host of the configuration, or one bridge of a host that takes any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostKey {
    pub(super) host: String,
    /// Which bridge, for a host that takes any (`learning: "*"`).
    pub(super) instance: Option<DatapathId>,
}

impl Identity {
    pub(super) fn new(datapath_id: DatapathId, ports: &[Port]) -> Self {
        let local = ports.iter().find(|port| port.port_no == PortNo::LOCAL);
        Self {
            datapath_id,
            name: local.map(|port| port.name.to_string()),
        }
    }

    /// The place of this bridge: by its datapath id; else by its name, where only one host has
    /// a bridge of that name; else at the host that takes any.
    pub(super) fn place(&self, topology: &Topology) -> Option<Place> {
        self.by_datapath_id(topology)
            .or_else(|| self.by_name(topology))
            .or_else(|| self.at_any(topology))
    }

    /// Whether the configuration has this very datapath id.
    pub(super) fn is_known_by_datapath_id(&self, topology: &Topology) -> bool {
        self.by_datapath_id(topology).is_some()
    }

    fn by_datapath_id(&self, topology: &Topology) -> Option<Place> {
        bridges(topology)
            .find(|(.., id)| *id == self.datapath_id)
            .map(|(place, ..)| place)
    }

    fn by_name(&self, topology: &Topology) -> Option<Place> {
        let name = self.name.as_deref()?;
        let mut named = bridges(topology).filter(|(_, bridge, _)| *bridge == name);
        let (place, ..) = named.next()?;
        named.next().is_none().then_some(place)
    }

    fn at_any(&self, topology: &Topology) -> Option<Place> {
        let host = topology
            .hosts
            .values()
            .find(|it| it.bridges == Bridges::AnyLearning)?;
        let instance = Some(self.datapath_id);
        Some(Place {
            host: HostKey {
                host: host.name.clone(),
                instance,
            },
            role: Role::Learning,
        })
    }
}

/// All bridges that the configuration names, with their names and datapath ids.
fn bridges(topology: &Topology) -> impl Iterator<Item = (Place, &str, DatapathId)> {
    topology.hosts.values().flat_map(|host| {
        host.bridges().map(|(role, bridge)| {
            let host = HostKey {
                host: host.name.clone(),
                instance: None,
            };
            (
                Place { host, role },
                bridge.name.as_str(),
                bridge.datapath_id,
            )
        })
    })
}

/// What a bridge would have to be to be known, for the log.
pub(super) fn known_bridges(topology: &Topology) -> String {
    let known: Vec<String> = bridges(topology)
        .map(|(place, name, id)| format!("{name} of {} (datapath id {id})", place.host))
        .collect();
    if known.is_empty() {
        "none".into()
    } else {
        known.join(", ")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "without LOCAL port"),
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            None => f.write_str(&self.host),
            Some(id) => write!(f, "{}/{id}", self.host),
        }
    }
}
