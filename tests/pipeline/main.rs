//! The compiled flows against everything that can judge them: the rule of who sees which frame, and
//! a real Open vSwitch.

mod compiled;
mod copying;
mod cost;
mod depth;
mod found;
mod marks;
mod mutants;
mod mutate;
mod ofctl;
mod ovs;
mod prove;
mod rule;
mod scenario;
mod sharing;
mod traced;
mod uplinks;
mod visibility;
mod world;
