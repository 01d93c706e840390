//! Hosts by name: their bridges, and which port is used for what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use openflow::{DatapathId, MacAddr};

use crate::config::fields::Spanned;
use crate::config::names::suggestion;
use crate::config::raw;
use crate::config::report::Report;
use crate::config::tree::NodeId;
use crate::topology::{
    Bridge, Bridges, Chain, ChainBridges, Host, InterfaceMatch, Patch, Remote, Tunnel, Vlan, Vnic,
};

/// Names of patch ports where the file gives none; unique on a host, as OVS wants it.
const LOCAL_SERVICE: [&str; 2] = ["local-nf", "nf-local"];
const SERVICE_UPLINK: [&str; 2] = ["nf-uplink", "uplink-nf"];
const LOCAL_UPLINK: [&str; 2] = ["local-uplink", "uplink-local"];

/// The hosts that there are, being filled.
pub(super) struct Hosts<'c> {
    hosts: BTreeMap<&'c str, HostBuilder<'c>>,
}

impl<'c> Hosts<'c> {
    /// Hosts with their bridges and uplinks, but nothing on them.
    pub(super) fn new(hosts: &'c [raw::Host], report: &mut Report<'_>) -> Self {
        let mut datapath_ids = DatapathIds::default();
        let mut any_learning: Option<&Spanned<String>> = None;
        let mut builders = BTreeMap::new();
        for host in hosts {
            if let Some(raw::Bridges::AnyLearning(star)) = host.bridges {
                if let Some(first) = any_learning {
                    report.mistake(
                        star,
                        format!(
                            "host {:?} takes every bridge that no other host claims already (line \
                             {}); name the bridge",
                            first.value,
                            report.line(first.at)
                        ),
                    );
                }
                any_learning = any_learning.or(Some(&host.name));
            }
            let builder = HostBuilder::new(host, &mut datapath_ids, report);
            builders.insert(host.name.value.as_str(), builder);
        }
        Self { hosts: builders }
    }

    /// The host `name`; `None` once it has been reported that there is none.
    pub(super) fn resolve(
        &mut self,
        name: &Spanned<String>,
        report: &mut Report<'_>,
    ) -> Option<&mut HostBuilder<'c>> {
        if !self.hosts.contains_key(name.value.as_str()) {
            let hint = suggestion(&name.value, self.hosts.keys().copied(), "the hosts are");
            report.mistake(name.at, format!("there is no host {:?}{hint}", name.value));
        }
        self.hosts.get_mut(name.value.as_str())
    }

    /// All hosts.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut HostBuilder<'c>> {
        self.hosts.values_mut()
    }

    /// The finished hosts; those whose bridges are wrong are left out.
    /// `networks` are those of the whole topology, with how many addresses may be learned in each.
    pub(super) fn into_hosts(
        self,
        networks: &BTreeSet<Vlan>,
        max_macs: &BTreeMap<Vlan, u32>,
    ) -> BTreeMap<String, Host> {
        let vm_macs: BTreeSet<(Vlan, MacAddr)> = self
            .hosts
            .values()
            .flat_map(|builder| &builder.vnics)
            .flat_map(|vnic| {
                let vlans = vnic.membership.vlans().into_iter();
                vlans.filter_map(|vlan| Some((vlan, vnic.mac?)))
            })
            .collect();
        let finished = self.hosts.into_iter().filter_map(|(name, builder)| {
            let host = Host {
                name: name.to_owned(),
                bridges: builder.bridges?,
                uplinks: builder.uplinks,
                uplink_mode: builder
                    .host
                    .uplink_mode
                    .as_ref()
                    .map(|mode| mode.value)
                    .unwrap_or_default(),
                max_macs: max_macs.clone(),
                networks: networks.clone(),
                vm_macs: vm_macs.clone(),
                vnics: builder.vnics,
                ovsdb: builder.host.ovsdb.as_ref().map(|it| it.value.clone()),
                ovsdb_tls: builder.host.ovsdb_tls.as_ref().map(raw::Tls::files),
                chains: builder.chains,
                found_functions: builder.found_functions,
            };
            Some((name.to_owned(), host))
        });
        finished.collect()
    }
}

/// A host being filled.
pub(super) struct HostBuilder<'c> {
    host: &'c raw::Host,
    bridges: Option<Bridges>,
    uplinks: Vec<String>,
    pub(super) vnics: Vec<Vnic>,
    pub(super) chains: Vec<Chain>,
    found_functions: BTreeMap<String, InterfaceMatch>,
    /// What each OVS interface is used for, and where the file says so.
    ports: BTreeMap<String, (String, NodeId)>,
    /// What ports are found by, or by a part of it: what each is, and where the file says so.
    found_by: BTreeMap<InterfaceMatch, (String, NodeId)>,
    /// The same without the parts.
    found_by_all_of: BTreeMap<InterfaceMatch, (String, NodeId)>,
    /// The tunnels to other machines, by what Open vSwitch tells them apart by.
    tunnels: BTreeMap<(&'static str, IpAddr, u32), NodeId>,
}

impl<'c> HostBuilder<'c> {
    fn new(host: &'c raw::Host, datapath_ids: &mut DatapathIds, report: &mut Report<'_>) -> Self {
        let mut builder = Self {
            host,
            bridges: None,
            uplinks: Vec::new(),
            vnics: Vec::new(),
            chains: Vec::new(),
            found_functions: BTreeMap::new(),
            ports: BTreeMap::new(),
            found_by: BTreeMap::new(),
            found_by_all_of: BTreeMap::new(),
            tunnels: BTreeMap::new(),
        };
        builder.bridges = builder.build_bridges(datapath_ids, report);
        if let (Some(raw::Bridges::AnyLearning(_)), Some(first)) =
            (&host.bridges, host.uplinks.first())
        {
            report.mistake(
                first.at,
                "a host with learning: \"*\" has no uplinks: every port of its bridges is alike",
            );
        }
        for uplink in &host.uplinks {
            if builder.claim(uplink, "an uplink", report) {
                builder.uplinks.push(uplink.value.clone());
            }
        }
        builder
    }

    /// The host's name.
    pub(super) fn name(&self) -> &'c str {
        &self.host.name.value
    }

    /// Notes that the interface `name` is used as `usage`. Reports it if it is in use already, and
    /// is then `false`.
    pub(super) fn claim(
        &mut self,
        name: &Spanned<String>,
        usage: impl Into<String>,
        report: &mut Report<'_>,
    ) -> bool {
        let Spanned { at, value } = name;
        if let Some((earlier, first)) = self.ports.get(value) {
            let (host, line) = (self.name(), report.line(*first));
            report.mistake(
                *at,
                format!("{value:?} on host {host:?} is already {earlier} (line {line})"),
            );
            return false;
        }
        self.ports.insert(value.clone(), (usage.into(), *at));
        true
    }

    /// Notes that the interface that is used as `usage` is found by `wanted`. Reports it if an
    /// interface may be an earlier one as well, and is then `false`.
    pub(super) fn claim_match(
        &mut self,
        wanted: &Spanned<InterfaceMatch>,
        usage: &str,
        report: &mut Report<'_>,
    ) -> bool {
        let Spanned { at, value } = wanted;
        let narrower = self.found_by.get(value);
        let wider = || {
            value
                .parts()
                .find_map(|part| self.found_by_all_of.get(&part))
        };
        if let Some((other, first)) = narrower.or_else(wider) {
            let (host, line) = (self.name(), report.line(*first));
            report.mistake(
                *at,
                format!(
                    "on host {host:?} an interface with {value} may be that of {other} as \
                     well (line {line}); match by what is different"
                ),
            );
            return false;
        }
        for part in value.parts() {
            let entry = self.found_by.entry(part);
            entry.or_insert_with(|| (usage.to_owned(), *at));
        }
        self.found_by_all_of
            .insert(value.clone(), (usage.to_owned(), *at));
        true
    }

    /// Notes a port of a function. Reports it if it is in use already.
    pub(super) fn claim_function(
        &mut self,
        plug: &Spanned<raw::Plug>,
        usage: &str,
        report: &mut Report<'_>,
    ) {
        let at = plug.at;
        match plug.value.clone() {
            raw::Plug::Port(value) => {
                self.claim(&Spanned { at, value }, usage, report);
            }
            raw::Plug::Match(value) => {
                let wanted = Spanned { at, value };
                if self.claim_match(&wanted, usage, report) {
                    let called = plug.value.called();
                    self.found_functions.insert(called, wanted.value);
                }
            }
        }
    }

    /// Reports, at `at`, that no vNIC can be here, and is then `false`.
    pub(super) fn accepts_vnics(&self, at: NodeId, report: &mut Report<'_>) -> bool {
        let refused = matches!(self.host.bridges, Some(raw::Bridges::AnyLearning(_)));
        if refused {
            report.mistake(
                at,
                format!(
                    "host {:?} has no VMs: with learning: \"*\" every port of its bridges is \
                     alike; name the bridge to put vNICs on it",
                    self.name()
                ),
            );
        }
        !refused
    }

    /// Reports, at `at`, that no vNIC can be beside the service chains here, and is then `false`.
    pub(super) fn accepts_direct(&self, at: NodeId, report: &mut Report<'_>) -> bool {
        let refused = matches!(self.host.bridges, Some(raw::Bridges::Learning(_)));
        if refused {
            report.mistake(
                at,
                format!(
                    "a direct vNIC is plugged into the uplink bridge, and host {:?} has one learning \
                     bridge for all; leave \"type\" out",
                    self.name()
                ),
            );
        }
        !refused
    }

    /// Notes a tunnel. Reports, at its node, one that Open vSwitch could not tell from an earlier
    /// one, and would refuse.
    pub(super) fn claim_tunnel(&mut self, remote: &Spanned<Remote>, report: &mut Report<'_>) {
        let Remote { tunnel, ip } = remote.value;
        let (kind, what, key) = match tunnel {
            Tunnel::Vxlan { vni } => ("vxlan", "VNI", vni),
            // To Open vSwitch a tunnel without a key is one with the key 0.
            Tunnel::Gre { key } => ("gre", "key", key.unwrap_or(0)),
            Tunnel::Erspan { session, .. } => ("erspan", "session", session.into()),
        };
        let Some(first) = self.tunnels.get(&(kind, ip, key)) else {
            self.tunnels.insert((kind, ip, key), remote.at);
            return;
        };
        let (host, line) = (self.name(), report.line(*first));
        report.mistake(
            remote.at,
            format!(
                "host {host:?} already has a tunnel of this type to {ip} with this {what} (line \
                 {line}), and Open vSwitch refuses a second one; give it another {what}"
            ),
        );
    }

    /// Reports, at `at`, that no network function can be here, and is then `false`.
    pub(super) fn accepts_functions(&self, at: NodeId, report: &mut Report<'_>) -> bool {
        let name = self.name();
        let why = match &self.host.bridges {
            None
            | Some(raw::Bridges::Chain {
                service: Some(_), ..
            }) => return true,
            Some(raw::Bridges::Chain { service: None, .. }) => format!(
                "host {name:?} has no service bridge to plug a network function into; add one to \
                 its bridges, such as service: br.nf"
            ),
            Some(_) => format!(
                "host {name:?} has a learning bridge and so no service chains; network functions \
                 need the bridges local, service and uplink"
            ),
        };
        report.mistake(at, why);
        false
    }

    fn build_bridges(
        &mut self,
        datapath_ids: &mut DatapathIds,
        report: &mut Report<'_>,
    ) -> Option<Bridges> {
        let host = self.host;
        match host.bridges.as_ref()? {
            raw::Bridges::AnyLearning(_) => Some(Bridges::AnyLearning),
            raw::Bridges::Learning(bridge) => {
                let bridge = self.build_bridge(bridge.as_ref()?, datapath_ids, report);
                Some(Bridges::Learning(bridge))
            }
            raw::Bridges::Chain {
                local,
                service,
                uplink,
            } => {
                let mut build =
                    |bridge: &raw::Bridge| self.build_bridge(bridge, datapath_ids, report);
                let local = local.as_ref().map(&mut build);
                let built = service
                    .as_ref()
                    .map(|bridge| bridge.as_ref().map(&mut build));
                let uplink = uplink.as_ref().map(&mut build);
                let patches = self.build_patches(service.is_some(), report);
                Some(Bridges::Chain(ChainBridges {
                    local: local?,
                    service: match built {
                        Some(service) => Some(service?),
                        None => None,
                    },
                    uplink: uplink?,
                    patches,
                }))
            }
        }
    }

    fn build_bridge(
        &mut self,
        bridge: &raw::Bridge,
        datapath_ids: &mut DatapathIds,
        report: &mut Report<'_>,
    ) -> Bridge {
        let unique = self.claim(&bridge.name, "a bridge", report);
        let name = bridge.name.value.clone();
        let (datapath_id, at) = match &bridge.datapath_id {
            Some(given) => (given.value, given.at),
            None => (derived_datapath_id(self.name(), &name), bridge.name.at),
        };
        // The same bridge twice would have the same derived id twice.
        if unique {
            datapath_ids.claim(datapath_id, at, report);
        }
        Bridge { name, datapath_id }
    }

    fn build_patches(&mut self, service: bool, report: &mut Report<'_>) -> Vec<Patch> {
        let given = &self.host.patches;
        let pairs = if service {
            vec![
                (&given.local_service, LOCAL_SERVICE),
                (&given.service_uplink, SERVICE_UPLINK),
            ]
        } else {
            vec![(&given.local_uplink, LOCAL_UPLINK)]
        };
        let mut patches = Vec::new();
        for (given, default) in pairs {
            // A default name stands nowhere in the file; the host's name has to do.
            let [left, right] = given.clone().unwrap_or_else(|| {
                default.map(|name| Spanned {
                    at: self.host.name.at,
                    value: name.to_owned(),
                })
            });
            for end in [&left, &right] {
                self.claim(end, "a patch port", report);
            }
            patches.push(Patch {
                left: left.value,
                right: right.value,
            });
        }
        patches
    }
}

/// Which datapath ids are taken.
#[derive(Default)]
struct DatapathIds {
    first: BTreeMap<DatapathId, NodeId>,
}

impl DatapathIds {
    fn claim(&mut self, id: DatapathId, at: NodeId, report: &mut Report<'_>) {
        if let Some(first) = self.first.get(&id) {
            let line = report.line(*first);
            report.mistake(
                at,
                format!("another bridge has the datapath id {id} already (line {line})"),
            );
        } else {
            self.first.insert(id, at);
        }
    }
}

/// The datapath id of a bridge for which the file gives none: FNV-1a, 64 bits, of
/// `host/bridge`, and 1 where that is 0, which Open vSwitch refuses.
///
/// It never changes, so that a bridge once set up is recognised by every later version.
fn derived_datapath_id(host: &str, bridge: &str) -> DatapathId {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = format!("{host}/{bridge}")
        .bytes()
        .fold(OFFSET_BASIS, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
    DatapathId(hash.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values computed by another program, whose FNV-1a of "foobar" is the published
    /// 85944171f73967e8.
    #[test]
    fn derived_datapath_ids_never_change() {
        for (host, bridge, expected) in [
            ("node1", "br0", 0xeba553d1e6664f33),
            ("node1", "br0.local", 0xc22d211094a03546),
            ("node2", "br0", 0x87a8b6a474941e9e),
        ] {
            assert_eq!(derived_datapath_id(host, bridge), DatapathId(expected));
        }
    }
}
