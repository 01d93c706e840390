//! A host's state against models of its switches.

mod disturbance;
mod flaps;
mod guests;
mod health;
mod interleaving;
mod lab;
mod learning;
mod leaving;
mod limits;
mod log;
mod mac_table;
mod reload;
mod restart;
mod roaming;
mod sparing;
mod statistics;
mod topologies;
mod uplinks;
