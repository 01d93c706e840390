//! One OpenFlow connection, without I/O.

mod event;

pub use event::{CloseReason, Event, Snapshot};
