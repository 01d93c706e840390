//! The words of AHV's `acli`, for networks, VMs and their vNICs.
//!
//! ```text
//! line --words--> words --parse--> Command --edits--> Edits of the configuration
//!                                          --answer-> text
//! ```
//!
//! Names and arguments are AHV's, and what they mean is too, but for three things. What AHV ignores in
//! silence is refused here. What a hypervisor has to know, such as memory, is none of an argument: VMs are
//! made elsewhere, and named here. And a vNIC has a port here, which is the name of its OVS interface, or
//! something that this is found by: `port=` may be given, and is made up otherwise.

mod answer;
mod complete;
mod edits;
mod functions;
mod given;
mod help;
mod parse;
#[cfg(test)]
mod tests;
mod usage;

pub use answer::{answer, answer_json};
pub use complete::complete;
pub use edits::{edits, question};
pub use help::{explain, overview};
pub use parse::{ParseError, parse, words};
pub use usage::{COMMANDS, Usage};

use crate::edit::Plug;

/// A command of `acli`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `net.list`
    NetList,
    /// `net.create NAME vlan=ID`
    NetCreate {
        /// Its name.
        name: String,
        /// Its VLAN.
        vlan: u16,
    },
    /// `net.delete NETWORK`
    NetDelete {
        /// Its name, VLAN or UUID.
        network: String,
    },
    /// `net.list_vms NETWORK`
    NetListVms {
        /// Its name, VLAN or UUID.
        network: String,
    },
    /// `vm.list`
    VmList,
    /// `vm.get VM`
    VmGet {
        /// Its name or UUID.
        vm: String,
    },
    /// `vm.create NAME [host=HOST]`
    VmCreate {
        /// Its name.
        name: String,
        /// Where it runs; the only host there is where that is missing.
        host: Option<String>,
    },
    /// `vm.delete VM,...`
    VmDelete {
        /// Names or UUIDs, apart by commas.
        vms: String,
    },
    /// `vm.nic_create VM ...`
    NicCreate {
        /// Its name or UUID.
        vm: String,
        /// What it is like.
        nic: NewNic,
    },
    /// `vm.nic_update VM NIC ...`
    NicUpdate {
        /// Its name or UUID.
        vm: String,
        /// The MAC address, port or UUID of the vNIC.
        nic: String,
        /// Another network.
        network: Option<String>,
        /// How it is a member of networks.
        trunk: Option<Trunk>,
    },
    /// `vm.nic_delete VM NIC`
    NicDelete {
        /// Its name or UUID.
        vm: String,
        /// The MAC address, port or UUID of the vNIC.
        nic: String,
        /// `CHAIN/FUNCTION`, where the vNIC is part of an instance of it.
        function: Option<String>,
        /// The host of the instance, where several have such a port.
        host: Option<String>,
    },
}

/// A vNIC to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewNic {
    /// A guest's (`kNormalNic`, `kDirectNic`).
    Guest {
        /// Its network.
        network: String,
        /// The networks that are tagged, if it is `kTrunked`.
        trunked: Option<Vec<String>>,
        /// Whether it is a `kDirectNic`.
        direct: bool,
        /// Its MAC address.
        mac: Option<String>,
        /// Its OVS interface, or what that is found by.
        plug: Option<Plug>,
    },
    /// A network function's (`kNetworkFunctionNic`), which becomes a part of an instance of it.
    Function {
        /// What it is for.
        leg: Leg,
        /// `CHAIN/FUNCTION`; the function that is called like the VM where that is missing.
        function: Option<String>,
        /// Where the VM runs; where it is said to run, or the only host there is, if that is missing.
        host: Option<String>,
        /// Its OVS interface.
        port: Option<String>,
    },
}

/// What a vNIC of a network function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// `kTap`: it gets copies.
    Tap,
    /// `kIngress`: the leg that faces the VMs.
    Ingress,
    /// `kEgress`: the leg that faces the uplink.
    Egress,
}

/// What `update_vlan_trunk_info=true` makes of a vNIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trunk {
    /// `vlan_mode=kAccess`
    Access,
    /// `vlan_mode=kTrunked`, with other networks than before if there are some.
    Trunked(Option<Vec<String>>),
}
