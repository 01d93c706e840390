//! The AHV network model for plain Open vSwitch hosts.
//!
//! A topology ([`topology`]) and the ports that exist ([`ports`]) are compiled into flows
//! ([`compile`]); see `ARCHITECTURE.md` for the whole.

#[cfg(test)]
mod fake_switch;
mod net;
mod protocols;

pub mod acli;
pub mod api;
pub mod compile;
pub mod config;
pub mod controller;
pub mod cookie;
pub mod decode;
pub mod doctor;
pub mod edit;
pub mod environment;
pub mod guests;
pub mod health;
pub mod histogram;
pub mod host;
pub mod inventory;
pub mod learning;
pub mod ofctl;
pub mod ovsdb;
pub mod portmap;
pub mod ports;
pub mod program;
pub mod prove;
pub mod reconcile;
pub mod session;
pub mod setup;
pub mod simulate;
pub mod status;
pub mod store;
pub mod topology;
