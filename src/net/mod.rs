//! Sockets and timers around the [session](crate::session); no decisions about bridges.

mod connection;
mod listener;

pub(crate) use connection::{Connection, Ended, Socket, sleep_until};
pub use listener::ListenError;
pub(crate) use listener::Listener;
