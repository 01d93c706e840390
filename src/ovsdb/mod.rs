//! What an OVS database says about the interfaces of a host, as it changes.
//!
//! A client of the OVSDB protocol (RFC 7047) that reads three tables and writes nothing. It asks for
//! the state and all changes of it with one `monitor` request. ovs-vswitchd notes the number of a port
//! there as it makes it, a moment before or after OpenFlow tells of it.
//!
//! ```text
//!  bytes --framing--> JSON values --session--> table updates --tables--> Database --feed--> host
//! ```
//!
//! Everything but `feed` is without I/O: bytes and the clock go in, bytes and a [`Database`] come out.

mod feed;
mod framing;
mod session;
mod tables;
pub(crate) mod tls;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;

use std::collections::BTreeMap;

use openflow::{DatapathId, PortNo};

pub(crate) use feed::{Access, Watch, watch};
pub use feed::{Feed, Link};
pub use framing::{FrameError, Framer};
pub use session::{Session, SessionError};
pub use tables::{TableError, Tables};

/// What a database says about bridges and interfaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database {
    /// The bridges by name, each with its datapath id, once ovs-vswitchd has made it.
    pub bridges: BTreeMap<String, Option<DatapathId>>,
    /// The interfaces that have any `external_ids`, by name.
    pub interfaces: BTreeMap<String, Interface>,
}

/// What a database says about one interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// The bridge it is on.
    pub bridge: Option<String>,
    /// What others, hypervisors mostly, have noted of it.
    pub external_ids: BTreeMap<String, String>,
    /// The number that ovs-vswitchd has given its port; none before it has one, and where it could not
    /// be made.
    pub ofport: Option<PortNo>,
}
