//! What a bridge holds against what it is to hold.
//!
//! [`found`] picks bridgechain's own entries out of what a bridge answered, [`diff`] compares them
//! with the wanted ones, and [`Plan::messages`] is what to send so that they become equal. All of
//! it is pure; entries of others are never part of it.

mod diff;
mod found;
mod order;

pub use diff::{Changes, Plan, diff};
pub use found::{Found, everything, found};
pub use order::{add_flow, delete_flow};

#[cfg(test)]
mod tests;
