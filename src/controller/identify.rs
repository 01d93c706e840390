//! Which bridge of the configuration a connected bridge is.

use openflow::{DatapathId, PortNo};

use crate::ports::Ports;
use crate::topology::{Bridges, Role, Topology};

/// What a bridge tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) datapath_id: DatapathId,
    /// The name of the LOCAL port, which is that of the bridge.
    name: Option<String>,
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
    pub(super) fn new(datapath_id: DatapathId, ports: &Ports) -> Self {
        Self {
            datapath_id,
            name: ports.name(PortNo::LOCAL).map(str::to_owned),
        }
    }

    /// The name, for the log.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("without LOCAL port")
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

/// What a bridge would have to be to be known, for the log: the first few.
pub(super) fn known_bridges(topology: &Topology) -> String {
    const MAX_NAMED: usize = 10;
    let mut known: Vec<String> = bridges(topology)
        .map(|(place, name, id)| format!("{name} of {} (datapath id {id})", place.host.host))
        .collect();
    match known.len() {
        0 => return "none".into(),
        1..=MAX_NAMED => {}
        count => {
            known.truncate(MAX_NAMED);
            known.push(format!("{} more", count - MAX_NAMED));
        }
    }
    known.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn topology(hosts: &str) -> Topology {
        config::parse("test.yaml", hosts).unwrap().0
    }

    fn place(topology: &Topology, datapath_id: u64, name: &str) -> Option<(String, Role)> {
        let (datapath_id, name) = (DatapathId(datapath_id), Some(name.to_owned()));
        let place = Identity { datapath_id, name }.place(topology)?;
        Some((place.host.host, place.role))
    }

    const TWO_HOSTS: &str = "
hosts:
  a: { bridges: { local: lbr, uplink: { name: ubr, datapath_id: '00000000000000a1' } } }
  b: { bridges: { local: lbr-b, uplink: { name: ubr, datapath_id: '00000000000000b1' } } }
";

    #[test]
    fn the_datapath_id_comes_before_the_name() {
        let topology = topology(TWO_HOSTS);
        let uplink_of_b = Some(("b".into(), Role::Uplink));
        assert_eq!(place(&topology, 0xb1, "ubr"), uplink_of_b);
        assert_eq!(place(&topology, 0xb1, "lbr"), uplink_of_b);
        assert_eq!(place(&topology, 0xb1, "other"), uplink_of_b);
    }

    #[test]
    fn a_name_counts_where_only_one_host_has_it() {
        let topology = topology(TWO_HOSTS);
        assert_eq!(place(&topology, 7, "lbr"), Some(("a".into(), Role::Local)));
        assert_eq!(place(&topology, 7, "ubr"), None);
        assert_eq!(place(&topology, 7, "other"), None);
        let nameless = Identity {
            datapath_id: DatapathId(7),
            name: None,
        };
        assert_eq!(nameless.place(&topology), None);
    }

    #[test]
    fn what_no_host_names_goes_to_the_host_that_takes_any() {
        let topology = topology(&format!(
            "{TWO_HOSTS}  any: {{ bridges: {{ learning: '*' }} }}"
        ));
        assert_eq!(place(&topology, 7, "lbr"), Some(("a".into(), Role::Local)));
        let any = Some(("any".into(), Role::Learning));
        assert_eq!(place(&topology, 7, "other"), any);
        assert_eq!(place(&topology, 7, "ubr"), any);
    }

    #[test]
    fn the_log_names_what_would_be_known_and_not_too_much_of_it() {
        let known = known_bridges(&topology(TWO_HOSTS));
        assert!(
            known.ends_with("ubr of b (datapath id 00000000000000b1)"),
            "{known}"
        );
        let many: String = (0..8)
            .map(|n| format!("  h{n}: {{ bridges: {{ local: l{n}, uplink: u{n} }} }}\n"))
            .collect();
        let known = known_bridges(&topology(&format!("hosts:\n{many}")));
        assert!(known.ends_with(", 6 more"), "{known}");
        assert_eq!(
            known_bridges(&topology("hosts: { any: { bridges: { learning: '*' } } }")),
            "none"
        );
    }
}
