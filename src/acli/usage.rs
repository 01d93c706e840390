//! The commands there are, and how each is written.

/// How a command is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Its name.
    pub name: &'static str,
    /// What it is about, in order; names of arguments without a key.
    pub positions: &'static [&'static str],
    /// The arguments with a key, each with the values it may have, or with the name of what it takes.
    pub arguments: &'static [(&'static str, &'static [&'static str])],
    /// What it does.
    pub help: &'static str,
}

const MODES: &[&str] = &["kAccess", "kTrunked"];
const KINDS: &[&str] = &["kNormalNic", "kDirectNic", "kNetworkFunctionNic"];
const LEGS: &[&str] = &["kTap", "kIngress", "kEgress"];

/// All commands.
pub const COMMANDS: [Usage; 11] = [
    Usage {
        name: "net.create",
        positions: &["NAME"],
        arguments: &[("vlan", &["ID"])],
        help: "make a network; VLAN 0 is the untagged one",
    },
    Usage {
        name: "net.delete",
        positions: &["NETWORK"],
        arguments: &[],
        help: "delete a network that nobody uses",
    },
    Usage {
        name: "net.list",
        positions: &[],
        arguments: &[],
        help: "list the networks",
    },
    Usage {
        name: "net.list_vms",
        positions: &["NETWORK"],
        arguments: &[],
        help: "list the VMs with a vNIC in a network",
    },
    Usage {
        name: "vm.create",
        positions: &["NAME"],
        arguments: &[("host", &["HOST"])],
        help: "make a VM known, without vNICs yet",
    },
    Usage {
        name: "vm.delete",
        positions: &["VM,..."],
        arguments: &[],
        help: "delete VMs with their vNICs; asks before",
    },
    Usage {
        name: "vm.get",
        positions: &["VM"],
        arguments: &[],
        help: "show a VM and its vNICs",
    },
    Usage {
        name: "vm.list",
        positions: &[],
        arguments: &[],
        help: "list the VMs",
    },
    Usage {
        name: "vm.nic_create",
        positions: &["VM"],
        arguments: &[
            ("network", &["NETWORK"]),
            ("vlan_mode", MODES),
            ("trunked_networks", &["NETWORKS"]),
            ("type", KINDS),
            ("network_function_nic_type", LEGS),
            ("network_function", &["CHAIN/FUNCTION"]),
            ("host", &["HOST"]),
            ("mac", &["MAC"]),
            ("port", &["PORT|none"]),
            ("iface_id", &["ID"]),
            ("vm_id", &["ID"]),
        ],
        help: "make a vNIC",
    },
    Usage {
        name: "vm.nic_delete",
        positions: &["VM", "NIC"],
        arguments: &[
            ("network_function", &["CHAIN/FUNCTION"]),
            ("host", &["HOST"]),
        ],
        help: "delete a vNIC",
    },
    Usage {
        name: "vm.nic_update",
        positions: &["VM", "NIC"],
        arguments: &[
            ("network", &["NETWORK"]),
            ("update_vlan_trunk_info", &["true"]),
            ("vlan_mode", MODES),
            ("trunked_networks", &["NETWORKS"]),
        ],
        help: "change the networks of a vNIC",
    },
];

impl Usage {
    /// How it is written, in a line.
    pub fn line(&self) -> String {
        let mut line = self.name.to_owned();
        for position in self.positions {
            line.push_str(&format!(" {position}"));
        }
        for (key, values) in self.arguments {
            let values = values.join("|");
            match *key {
                "vlan" => line.push_str(&format!(" {key}={values}")),
                _ => line.push_str(&format!(" [{key}={values}]")),
            }
        }
        line
    }
}
