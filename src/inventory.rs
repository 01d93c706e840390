//! What a configuration says in its own words: networks, VMs with their vNICs, chains with their
//! functions, by name.
//!
//! [`Topology`](crate::topology::Topology) is what follows from it for the hosts; a VM without vNICs
//! is not even part of that. This is what is listed, found by name, and edited.

mod networks;

use std::collections::BTreeMap;

use openflow::MacAddr;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

pub use self::networks::{NoNetwork, find_network};

/// The namespace of the UUIDs of networks, VMs and vNICs.
const NAMESPACE: Uuid = Uuid::from_u128(0x6272_6964_6765_5c68_a169_6e00_6168_7600);

/// The names that a configuration gives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
pub struct Inventory {
    /// Networks.
    #[serde(default, deserialize_with = "section")]
    pub networks: BTreeMap<String, Network>,
    /// Hosts.
    #[serde(default, deserialize_with = "section")]
    pub hosts: BTreeMap<String, Host>,
    /// VMs.
    #[serde(default, deserialize_with = "section")]
    pub vms: BTreeMap<String, Vm>,
    /// Service chains.
    #[serde(default, deserialize_with = "section")]
    pub service_chains: BTreeMap<String, Chain>,
}

/// A network (`networks.NAME`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Network {
    /// Its VLAN; 0 is the untagged one.
    pub vlan: u16,
    /// How many addresses may be learned in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_macs: Option<u32>,
}

/// A host, of which only the name matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Host {}

/// A VM (`vms.NAME`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Vm {
    /// The hosts that it may run on.
    #[serde(rename = "host", deserialize_with = "one_or_more")]
    pub hosts: Vec<String>,
    /// Its vNICs.
    #[serde(default)]
    pub nics: Vec<Nic>,
}

/// A vNIC (`vms.NAME.nics[]`), its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Nic {
    /// The OVS interface.
    #[serde(default)]
    pub port: Option<String>,
    /// What it is found by without a port.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub found_by: Option<FoundBy>,
    /// The address pinned to it.
    #[serde(default)]
    pub mac: Option<String>,
    /// `access` or `trunked`.
    #[serde(default = "access")]
    pub vlan_mode: String,
    /// Its network, for a trunked one that of untagged frames.
    #[serde(default)]
    pub network: Option<String>,
    /// The networks that are tagged.
    #[serde(default)]
    pub trunked_networks: Vec<String>,
    /// `normal` or `direct`.
    #[serde(rename = "type", default = "normal")]
    pub kind: String,
    /// `bum`, `accept` or `reject`.
    #[serde(default = "bum")]
    pub promiscuous: String,
    /// `accept` or `reject`.
    #[serde(default = "accept")]
    pub forged_transmits: String,
    /// `accept` or `reject`.
    #[serde(default = "accept")]
    pub mac_changes: String,
    /// How many addresses may be learned at it.
    #[serde(default)]
    pub max_macs: Option<u32>,
    /// Broadcast and multicast frames that it may send per second.
    #[serde(default)]
    pub storm_limit: Option<u32>,
}

/// What the OVS interface of a vNIC is found by (`match`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
pub struct FoundBy {
    /// `attached-mac`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// `iface-id`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iface_id: Option<String>,
    /// `vm-id`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_id: Option<String>,
}

/// A service chain (`service_chains.NAME`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Chain {
    /// The networks whose frames pass it.
    #[serde(default)]
    pub networks: Vec<String>,
    /// The VMs whose frames pass it.
    #[serde(default)]
    pub vms: Vec<String>,
    /// Its functions in order.
    pub functions: Vec<Function>,
}

/// A network function of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// `tap` or `inline`.
    pub mode: String,
    /// Whether frames reach it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether an inline one gets copies only.
    #[serde(default)]
    pub shadow: bool,
    /// What happens to frames while an inline one is down, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_policy: Option<String>,
    /// Where it is plugged in.
    pub instances: Vec<Instance>,
}

/// An instance of a function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Instance {
    /// Its host.
    pub host: String,
    /// The port of a tap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// What that is found by without a name.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub found_by: Option<FoundBy>,
    /// The leg of an inline one that faces the VMs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<String>,
    /// The leg of an inline one that faces the uplink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<String>,
    /// What the ingress leg is found by without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_match: Option<FoundBy>,
    /// What the egress leg is found by without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_match: Option<FoundBy>,
    /// Whether it gets any frames.
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl Default for Nic {
    fn default() -> Self {
        Self {
            port: None,
            found_by: None,
            mac: None,
            vlan_mode: access(),
            network: None,
            trunked_networks: Vec::new(),
            kind: normal(),
            promiscuous: bum(),
            forged_transmits: accept(),
            mac_changes: accept(),
            max_macs: None,
            storm_limit: None,
        }
    }
}

fn access() -> String {
    "access".to_owned()
}

fn normal() -> String {
    "normal".to_owned()
}

fn bum() -> String {
    "bum".to_owned()
}

fn accept() -> String {
    "accept".to_owned()
}

fn yes() -> bool {
    true
}

/// What is in a section of the file, which may be there and empty.
fn section<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let entries = Option::<BTreeMap<String, T>>::deserialize(deserializer)?;
    Ok(entries.unwrap_or_default())
}

/// One name, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        More(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::More(names) => names,
    })
}

impl Inventory {
    /// Reads a text, which [`config::parse`](crate::config::parse) has found good.
    ///
    /// # Errors
    ///
    /// What does not fit, where it was not.
    pub fn read(text: &str) -> Result<Self, serde_yaml::Error> {
        serde_yaml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Who uses a network, as `vms.VM-A.nics[0]` or `service_chains.inspect`.
    pub fn users_of_network(&self, name: &str) -> Vec<String> {
        let vms = self.vms.iter().flat_map(|(vm, it)| {
            let nics = it.nics.iter().enumerate();
            let users = nics.filter(|(_, nic)| nic.networks().any(|network| network == name));
            users.map(move |(index, _)| format!("vms.{vm}.nics[{index}]"))
        });
        let chains = self.service_chains.iter();
        let chains = chains.filter(|(_, chain)| chain.networks.iter().any(|own| own == name));
        vms.chain(chains.map(|(chain, _)| format!("service_chains.{chain}")))
            .collect()
    }

    /// The chains that list a VM.
    pub fn users_of_vm(&self, name: &str) -> Vec<String> {
        let chains = self.service_chains.iter();
        let chains = chains.filter(|(_, chain)| chain.vms.iter().any(|own| own == name));
        chains
            .map(|(chain, _)| format!("service_chains.{chain}"))
            .collect()
    }

    /// The name of the network with this VLAN.
    pub fn network_of_vlan(&self, vlan: u16) -> Option<&str> {
        let mut networks = self.networks.iter();
        networks.find_map(|(name, network)| (network.vlan == vlan).then_some(name.as_str()))
    }
}

impl Vm {
    /// The index of the vNIC with this port, MAC address, label or UUID; `vm` is the name of the VM.
    pub fn nic(&self, vm: &str, nic: &str) -> Option<usize> {
        let mac = nic.parse::<MacAddr>().ok();
        let is_it = |own: &Nic| {
            own.label() == nic
                || (mac.is_some() && own.address() == mac)
                || own.uuid(vm).to_string() == nic.to_ascii_lowercase()
        };
        self.nics.iter().position(is_it)
    }
}

impl Nic {
    /// The networks it is a member of.
    pub fn networks(&self) -> impl Iterator<Item = &str> {
        let native = self.network.iter();
        native.chain(&self.trunked_networks).map(String::as_str)
    }

    /// Its MAC address as a number.
    pub fn address(&self) -> Option<MacAddr> {
        self.mac
            .as_ref()
            .and_then(|mac| mac.replace('-', ":").parse().ok())
    }

    /// What it is called: its port, its address, or what it is found by.
    pub fn label(&self) -> &str {
        let named = self.port.as_deref().or(self.mac.as_deref());
        let found_by = self.found_by.as_ref();
        named
            .or_else(|| found_by.and_then(FoundBy::label))
            .unwrap_or("?")
    }

    /// The UUID of the vNIC, which stays as long as its label.
    pub fn uuid(&self, vm: &str) -> Uuid {
        uuid("nic", &format!("{vm}/{}", self.label()))
    }
}

impl FoundBy {
    /// What says most about it.
    fn label(&self) -> Option<&str> {
        let labels = [&self.iface_id, &self.mac, &self.vm_id];
        labels.into_iter().find_map(Option::as_deref)
    }
}

impl Instance {
    /// What it is called: its port, or its ingress leg, or what that is found by.
    pub fn label(&self) -> &str {
        let named = self.port.as_deref().or(self.ingress.as_deref());
        let found_by = self.found_by.as_ref().or(self.ingress_match.as_ref());
        named
            .or_else(|| found_by.and_then(FoundBy::label))
            .unwrap_or("?")
    }

    /// Whether it is one of an inline function that has no egress leg yet, which is what it waits for.
    pub fn waits(&self) -> bool {
        let has_ingress = self.ingress.is_some() || self.ingress_match.is_some();
        has_ingress && self.egress.is_none() && self.egress_match.is_none()
    }

    /// Whether one of its ports is called so.
    pub fn has_port(&self, name: &str) -> bool {
        let named = [&self.port, &self.ingress, &self.egress];
        let named = named.into_iter().filter_map(Option::as_deref);
        let found = [&self.found_by, &self.ingress_match, &self.egress_match];
        let found = found.into_iter().flatten().filter_map(FoundBy::label);
        named.chain(found).any(|port| port == name)
    }
}

/// The UUID of the thing of some kind (`network`, `vm`, `nic`) with a name: version 5, so the same at
/// all times and on all hosts.
pub fn uuid(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}/{name}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
networks: { demo: { vlan: 7 }, spare: { vlan: 8 } }
hosts: { node1: { bridges: { local: l, service: s, uplink: u } } }
vms:
  A: { host: node1, nics: [{ port: a0, mac: '52-54-00-00-00-0A', network: demo }] }
  B: { host: [node1, node2] }
service_chains:
  c: { networks: [demo], vms: [A], functions: [{ name: f, mode: tap, instances: [{ host: node1, port: t0 }] }] }
";

    #[test]
    fn things_are_found_by_what_they_are_called() {
        let inventory = Inventory::read(TEXT).unwrap();
        let vm = &inventory.vms["A"];
        let uuid = vm.nics[0].uuid("A").to_string();
        for name in ["a0", "52:54:00:00:00:0a", "52:54:00:00:00:0A", &uuid] {
            assert_eq!(vm.nic("A", name), Some(0), "{name}");
        }
        assert_eq!(vm.nic("A", "a1"), None);
        assert_eq!(inventory.vms["B"].hosts, ["node1", "node2"]);
        let users = inventory.users_of_network("demo");
        assert_eq!(users, ["vms.A.nics[0]", "service_chains.c"]);
        assert!(inventory.users_of_network("spare").is_empty());
        assert_eq!(inventory.users_of_vm("A"), ["service_chains.c"]);
        assert_eq!(inventory.network_of_vlan(8), Some("spare"));
    }

    #[test]
    fn uuids_are_stable() {
        let demo = uuid("network", "demo");
        assert_eq!(demo.get_version_num(), 5);
        assert_eq!(demo, uuid("network", "demo"));
        assert_ne!(demo, uuid("vm", "demo"));
    }
}
