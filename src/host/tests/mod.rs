//! A host's state against models of its switches.

mod disturbance;
mod health;
mod interleaving;
mod lab;
mod learning;
mod limits;
mod reload;
mod restart;
mod roaming;
mod topologies;
mod uplinks;
