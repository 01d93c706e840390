//! vNICs: the networks they are members of, what they see, and what they may send.

use std::collections::BTreeSet;
use std::fmt;

use openflow::MacAddr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Vlan;

/// A virtual network interface of a VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vnic {
    /// The VM's name.
    pub vm: String,
    /// The OVS interface name on the host, or, for a vNIC that is [found](Self::found_by) by other
    /// things than that, what it is found by: that is what its port is called here, whichever
    /// interface it is. Unique on the host.
    pub port: String,
    /// What tells its interface from others where the configuration gives no name.
    pub found_by: Option<InterfaceMatch>,
    /// The address that belongs to this vNIC; `None` for a vNIC whose addresses are all learned.
    /// Unique in the topology, but for the vNICs of a VM that [roams](Self::roams).
    pub mac: Option<MacAddr>,
    /// Which networks it is a member of, and how they are tagged.
    pub membership: Membership,
    /// What it sees besides its own frames.
    pub promiscuous: Promiscuous,
    /// Which bridge it is plugged into.
    pub attachment: Attachment,
    /// What it may send, and be sent.
    pub security: PortSecurity,
    /// Its VM may run on several hosts. On each of them its address is protected from other vNICs
    /// and otherwise learned, at its own port or at an uplink, wherever the VM is.
    pub roams: bool,
}

impl Vnic {
    /// The address pinned to this vNIC: the one it has and that is never anywhere else.
    pub fn pinned_mac(&self) -> Option<MacAddr> {
        self.mac.filter(|_| !self.roams)
    }

    /// The address of this vNIC that is learned, on this host or at an uplink, since its VM
    /// [roams](Self::roams).
    pub fn roaming_mac(&self) -> Option<MacAddr> {
        self.mac.filter(|_| self.roams)
    }

    /// Whether it sees all frames of `vlan`.
    pub fn accepts(&self, vlan: Vlan) -> bool {
        self.promiscuous == Promiscuous::Accept && self.membership.delivery(vlan).is_some()
    }
}

/// What the OVS database must say about the interface of a vNIC (`match`): these `external_ids` of
/// it, all of them. At least one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceMatch {
    /// `attached-mac`, however that is written.
    pub mac: Option<MacAddr>,
    /// `iface-id`
    pub iface_id: Option<String>,
    /// `vm-id`, or `vm-uuid`, as OpenStack calls it.
    pub vm_id: Option<String>,
}

impl InterfaceMatch {
    /// Every match that an interface which agrees with this one agrees with, too: with some of what
    /// is asked for, or all of it.
    pub fn parts(&self) -> impl Iterator<Item = Self> {
        let kept = |bit: u8, mask: u8| mask & bit != 0;
        let parts: BTreeSet<Self> = (1..8)
            .map(|mask| Self {
                mac: self.mac.filter(|_| kept(1, mask)),
                iface_id: self.iface_id.clone().filter(|_| kept(2, mask)),
                vm_id: self.vm_id.clone().filter(|_| kept(4, mask)),
            })
            .collect();
        parts.into_iter().filter(|part| *part != Self::default())
    }
}

/// In the words of `ovs-vsctl`: `external_ids:attached-mac=52:54:00:00:00:0a`. OpenFlow has room for
/// names of 15 bytes, so this is no port's own name.
impl fmt::Display for InterfaceMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = [
            ("iface-id", self.iface_id.clone()),
            ("vm-id", self.vm_id.clone()),
            ("attached-mac", self.mac.map(|mac| mac.to_string())),
        ];
        let ids = ids
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        for (position, (key, value)) in ids.enumerate() {
            let before = if position == 0 { "external_ids:" } else { "," };
            write!(f, "{before}{key}={value}")?;
        }
        Ok(())
    }
}

/// The networks a vNIC is a member of (`vlan_mode`, `network`, `trunked_networks`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// `access`: one network, untagged towards the guest.
    Access(Vlan),
    /// `trunked`: several networks.
    Trunked {
        /// The networks tagged towards the guest; never [`Vlan::UNTAGGED`].
        tagged: BTreeSet<Vlan>,
        /// The network that untagged frames from the guest belong to, if any. Where it is in
        /// `tagged` too it is delivered tagged (OVS `native-tagged`), else untagged.
        native: Option<Vlan>,
    },
}

impl Membership {
    /// How frames of `vlan` reach the guest; `None` where it is no member.
    pub fn delivery(&self, vlan: Vlan) -> Option<Tagging> {
        match self {
            Self::Access(own) => (*own == vlan).then_some(Tagging::Untagged),
            Self::Trunked { tagged, .. } if tagged.contains(&vlan) => Some(Tagging::Tagged),
            Self::Trunked { native, .. } => (*native == Some(vlan)).then_some(Tagging::Untagged),
        }
    }

    /// The network of an untagged (or priority-tagged) frame from the guest, if it is admitted.
    pub fn untagged_ingress(&self) -> Option<Vlan> {
        match self {
            Self::Access(vlan) => Some(*vlan),
            Self::Trunked { native, .. } => *native,
        }
    }

    /// The VLANs that the guest may tag its frames with.
    pub fn tagged_ingress(&self) -> impl Iterator<Item = Vlan> {
        match self {
            Self::Access(_) => None,
            Self::Trunked { tagged, .. } => Some(tagged.iter().copied()),
        }
        .into_iter()
        .flatten()
    }

    /// All networks it is a member of, in ascending order.
    pub fn vlans(&self) -> BTreeSet<Vlan> {
        self.tagged_ingress()
            .chain(self.untagged_ingress())
            .collect()
    }
}

/// Whether a frame carries its network's tag at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tagging {
    /// With an 802.1Q tag.
    Tagged,
    /// Without one.
    Untagged,
}

/// What a vNIC sees besides its own frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promiscuous {
    /// Broadcast, unknown unicast and multicast of its networks.
    #[default]
    Bum,
    /// All frames of its networks on this host.
    Accept,
    /// Broadcast and multicast, but no unknown unicast to other addresses than its own, which it
    /// has.
    Reject,
}

/// Which bridge a vNIC is plugged into (`type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attachment {
    /// The local bridge, in front of the service chains (AHV's kNormalNic).
    #[default]
    Normal,
    /// The uplink bridge, beside the service chains: its own frames are never inspected (AHV's
    /// kDirectNic).
    Direct,
}

/// What a vNIC may send, and be sent, in the words of VMware ESXi. The default limits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortSecurity {
    /// Whether it may send from other addresses than the one pinned to it.
    pub forged_transmits: Permission,
    /// Whether frames to other addresses than the one pinned to it reach it: whether these are
    /// learned at its port.
    pub mac_changes: Permission,
    /// How many addresses may be learned at its port.
    pub max_macs: Option<u32>,
    /// How many broadcast and multicast frames it may send per second.
    pub storm_limit: Option<u32>,
}

/// Whether something is permitted (`accept`, `reject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It is.
    #[default]
    Accept,
    /// It is not.
    Reject,
}
