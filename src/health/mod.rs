//! Which network functions do their work: what health checks have found.
//!
//! A [`Monitor`] sends probes through the data path: one in at either leg of an instance, which must
//! come out of the other. It is pure: frames and time in, frames and verdicts out.

mod instance;
mod monitor;
mod probe;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use instance::{Record, Verdict};
pub use monitor::{Link, Monitor, Output, Ruling};
pub(crate) use probe::{MAC, MAC_MASK, MAX_LEN};

/// The instances of one host's network functions that have failed their health check, each by the
/// OVS interface name of its ingress leg.
///
/// Frames are kept from them as from one whose port is down. That a port is down is not noted here:
/// the switch sees that by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed(BTreeSet<String>);

impl Failed {
    /// Whether the instance with this ingress leg has failed.
    pub fn contains(&self, ingress: &str) -> bool {
        self.0.contains(ingress)
    }

    /// Notes that an instance has failed, or that it is well again; says whether that is news.
    pub fn set(&mut self, ingress: &str, failed: bool) -> bool {
        if failed {
            self.0.insert(ingress.to_owned())
        } else {
            self.0.remove(ingress)
        }
    }

    /// Forgets the instances that `keep` is not true of.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|ingress| keep(ingress));
    }

    /// The ingress legs, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
