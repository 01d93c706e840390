//! The tables of a bridge and the priorities within them.

use openflow::TableId;

/// The tables of the local, uplink and learning bridges, in the order in which frames pass them.
/// Not every role uses every table. The service bridge has tables of its own behind
/// [`Table::Classify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// Admits frames by port and VLAN and gives them the tag of their network.
    Classify = 0,
    /// Holds pinned MAC addresses to their vNICs.
    Source = 1,
    /// Tells the controller of source addresses it does not know.
    Learn = 2,
    /// Local bridge: marks frames with their vNIC and sends them along the chain.
    Forward = 3,
    /// Local bridge: takes frames back from the chain and restores the port they came in by.
    Return = 4,
    /// Local bridge: the ports of source addresses, for frames that an inline function has had.
    Restore = 5,
    /// Local bridge: tells copies from the rest.
    Dispatch = 6,
    /// Sends frames to their destination, or floods them.
    Deliver = 7,
    /// Local bridge: gives copies to the vNICs with `promiscuous: accept`.
    Copy = 8,
    /// Bonded uplinks: sends frames out by one of them. This table and those below are gone through
    /// by `resubmit`, from the tables above.
    Uplinks = 20,
    /// Bonded uplinks: the member that an address is chosen.
    Chosen = 21,
    /// Bonded uplinks: the member of an address, the one in [`Table::Sent`] first.
    Member = 22,
    /// Bonded uplinks: written by the switch, the members by which addresses have sent last.
    Sent = 23,
    /// Bonded uplinks: how a frame that arrives has to come in.
    Arrive = 24,
    /// Bonded uplinks: whether it did.
    Admit = 25,
}

/// The table that says which instances of functions have failed. No frame gets there; it is the last
/// one that Open vSwitch leaves to controllers.
pub(super) const FAILED: TableId = TableId(253);

/// The table that says which interfaces vNICs are at that are found by what the OVS database says. No
/// frame gets there either.
pub(super) const BOUND: TableId = TableId(252);

impl From<Table> for TableId {
    fn from(table: Table) -> Self {
        Self(table as u8)
    }
}

/// Priorities, the same in every table: a flow that says more stands above one that says less.
pub(super) mod priority {
    /// The controller's own probes where they come out of a function.
    pub(in crate::compile) const PROBE_BACK: u16 = 600;
    /// What says that it is a probe anywhere else. Probes are no part of the traffic.
    pub(in crate::compile) const PROBE: u16 = 500;
    /// What applies whatever else is there.
    pub(in crate::compile) const ALWAYS: u16 = 400;
    /// An exception to a specific flow.
    pub(in crate::compile) const EXCEPTION: u16 = 300;
    /// Broadcast and multicast of a specific port and VLAN.
    pub(in crate::compile) const MULTICAST: u16 = 250;
    /// A specific port, VLAN or address.
    pub(in crate::compile) const SPECIFIC: u16 = 200;
    /// An exception to what everything else is subject to.
    pub(in crate::compile) const CONFINED: u16 = 150;
    /// An address that is expected somewhere, while it is not known where.
    pub(in crate::compile) const EXPECTED: u16 = 120;
    /// Everything else of a port, VLAN or address.
    pub(in crate::compile) const DEFAULT: u16 = 100;
    /// In [`Table::Learn`](super::Table::Learn): an address that is known in a network with a
    /// limit, so that it is not one more there.
    pub(in crate::compile) const COUNTED: u16 = 60;
    /// In [`Table::Learn`](super::Table::Learn): everything of a network that may have no more
    /// addresses.
    pub(in crate::compile) const NETWORK: u16 = 50;
    /// The table-miss flow entry.
    pub(in crate::compile) const MISS: u16 = 0;
}
