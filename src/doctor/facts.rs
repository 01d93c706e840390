//! What is known of a machine with Open vSwitch.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use openflow::PortNo;

use crate::ovsdb::{Database, Interface};

/// What hypervisors note of the interfaces of guests.
const GUEST_IDS: [&str; 4] = ["attached-mac", "iface-id", "vm-id", "vm-uuid"];

/// Everything that findings are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `other_config:vlan-limit` of Open vSwitch, where it is set.
    pub vlan_limit: Option<String>,
    /// The bridges of its database, by name.
    pub bridges: BTreeMap<String, Bridge>,
    /// The network devices of the machine, by name.
    pub devices: BTreeMap<String, Device>,
    /// The bridges of the database that the configuration names, by name with their datapath ids, or
    /// why it can not be asked; nothing where it names none, or no vNIC is found by it.
    pub ovsdb: Option<Result<DatapathIds, String>>,
    /// By which device packets to an address of a remote sink leave, where there is a route.
    pub routes: BTreeMap<IpAddr, String>,
    /// What each bridge of the host holds, by name; bridges that were not asked are missing.
    pub contents: BTreeMap<String, Contents>,
}

/// The datapath ids of bridges, 16 hex digits, by the names of the bridges.
pub type DatapathIds = BTreeMap<String, Option<String>>;

impl Facts {
    /// Whether the devices are those that Open vSwitch has: each of its bridges is one itself, with the
    /// address that it says. In another network namespace, or on another machine, it has others, which
    /// may be called the same.
    pub fn sees_its_devices(&self) -> bool {
        self.bridges.iter().all(|(name, bridge)| {
            // One that could not be made has no address.
            let own = bridge.ports.get(name).and_then(|own| own.mac.as_ref());
            let seen = self.devices.get(name).and_then(|seen| seen.mac.as_ref());
            own.is_none() || own == seen
        })
    }

    /// Whether the device of a port is gone, as far as that can be seen from here.
    pub(super) fn is_gone(&self, name: &str, port: &Port) -> bool {
        let is_device = port.kind.is_empty() && self.sees_its_devices();
        is_device && !self.devices.contains_key(name)
    }

    /// What the database says of which interface is whose.
    pub(super) fn database(&self) -> Database {
        let interfaces = self.bridges.iter().flat_map(|(bridge, it)| {
            it.ports.iter().map(|(name, port)| {
                let interface = Interface {
                    bridge: Some(bridge.clone()),
                    external_ids: port.external_ids.clone(),
                    ofport: port.ofport.map(PortNo),
                };
                (name.clone(), interface)
            })
        });
        Database {
            bridges: self
                .bridges
                .keys()
                .map(|name| (name.clone(), None))
                .collect(),
            interfaces: interfaces.collect(),
        }
    }
}

/// A bridge (table `Bridge`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridge {
    /// `fail_mode`: `secure`, `standalone` or nothing, which is the same as the latter.
    pub fail_mode: Option<String>,
    /// The datapath id in force, 16 hex digits.
    pub datapath_id: Option<String>,
    /// `datapath_type`; empty for `system`.
    pub datapath_type: String,
    /// `other_config`.
    pub other_config: BTreeMap<String, String>,
    /// `protocols`; empty for Open vSwitch's default, which includes OpenFlow 1.3.
    pub protocols: BTreeSet<String>,
    /// Whether it runs a spanning tree protocol.
    pub has_spanning_tree: bool,
    /// How many mirrors it has.
    pub mirrors: usize,
    /// Where it connects to.
    pub controllers: Vec<Controller>,
    /// Its interfaces by name, its own among them.
    pub ports: BTreeMap<String, Port>,
}

impl Bridge {
    /// The interfaces in a row of the table `Port`: several in a bond.
    pub(super) fn members(&self, row: &str) -> Vec<&str> {
        let ports = self.ports.iter().filter(|(_, port)| port.row == row);
        ports.map(|(name, _)| name.as_str()).collect()
    }
}

/// Where a bridge connects to (table `Controller`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controller {
    /// `target`
    pub target: String,
    /// Whether it is connected.
    pub is_connected: bool,
    /// `connection_mode`
    pub connection_mode: Option<String>,
    /// Why the last connection ended.
    pub last_error: Option<String>,
}

/// An interface (table `Interface`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Port {
    /// The name of its row in the table `Port`; another one than its own in a bond.
    pub row: String,
    /// `type`; empty for a device of the system.
    pub kind: String,
    /// `options`
    pub options: BTreeMap<String, String>,
    /// `external_ids`
    pub external_ids: BTreeMap<String, String>,
    /// Why it could not be opened.
    pub error: Option<String>,
    /// Whether it has a link, where that is known.
    pub has_link: Option<bool>,
    /// Whether it is up, where that is known.
    pub is_up: Option<bool>,
    /// Its MTU, where that is known.
    pub mtu: Option<u32>,
    /// `ofport`, where it is a port.
    pub ofport: Option<u32>,
    /// `mac_in_use`, where it has one.
    pub mac: Option<String>,
}

impl Port {
    /// What a hypervisor has noted of it: it is a guest's then, known to the configuration or not.
    pub(super) fn guest(&self) -> Option<String> {
        let noted = GUEST_IDS.iter().filter_map(|key| {
            let value = self.external_ids.get(*key)?;
            Some(format!("{key}={value}"))
        });
        let noted: Vec<String> = noted.collect();
        (!noted.is_empty()).then(|| noted.join(", "))
    }
}

/// A network device of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its MTU, where that is known.
    pub mtu: Option<u32>,
    /// Its MAC address.
    pub mac: Option<String>,
    /// Who uses it already: the device that it is part of, or the address by which the machine is
    /// reached there.
    pub user: Option<String>,
    /// The features that are on and can be switched off, in the words of `ethtool -k`.
    pub offloads: BTreeSet<String>,
}

/// What a bridge holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// It did not say.
    Unreadable(String),
    /// It did.
    Read(Holds),
}

/// What a bridge holds that it should not, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// How `ovs-ofctl` is told of the bridge.
    pub ofctl_name: String,
    /// Whether any of its flows are ours.
    pub has_ours: bool,
    /// The interfaces that the controller has noted vNICs to be at, by the names of the vNICs' ports.
    pub bound: BTreeMap<String, String>,
    /// What is somebody else's.
    pub foreign: Vec<Foreign>,
    /// Flows and groups of ours that are not as they should be, each in words.
    pub wrong: Vec<String>,
    /// The ingress legs of the functions whose health check has failed.
    pub failed: Vec<String>,
}

/// Something that somebody else has put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// Flows of one cookie.
    Flows {
        /// Their cookie.
        cookie: u64,
        /// How many there are.
        count: usize,
        /// One of them, in the syntax of `ovs-ofctl`.
        example: String,
    },
    /// A group.
    Group(u32),
    /// A meter.
    Meter(u32),
}
