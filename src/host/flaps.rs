//! Addresses that move to and fro.

use std::time::Instant;

use tracing::{info, warn};

use super::HostState;
use super::limits::network_name;
use super::sparing::Topic;
use crate::learning::moves::{self, Flap, Verdict};
use crate::learning::{LearnedMac, Location};
use crate::status::{self, Kind};

impl HostState {
    /// Whether an address that is known at `from`, and is seen at `entry.at`, has moved so often
    /// that it stays where it is.
    pub(super) fn is_held_at(&mut self, now: Instant, from: Location, entry: &LearnedMac) -> bool {
        self.release_held_addresses(now);
        match self.moves.claim(now, entry, from) {
            Verdict::Follow => false,
            Verdict::Hold { began } => {
                if let Some(flap) = began {
                    self.report_flap(&flap, entry.at);
                }
                true
            }
        }
    }

    /// Lets addresses move again that were held for long enough by `now`.
    pub(super) fn release_held_addresses(&mut self, now: Instant) {
        while let Some(flap) = self.moves.handle_timeout(now) {
            if !self.may_say(Topic::Flap, Some(flap.held_at)) {
                continue;
            }
            info!(
                host = self.name,
                mac = %flap.mac,
                network = network_name(&self.topology, flap.vlan),
                ports = self.names(&flap),
                ignored = flap.ignored,
                "the MAC address that flapped may move again"
            );
        }
    }

    /// Says that an address flaps, which was seen `at` a port last.
    fn report_flap(&mut self, flap: &Flap, at: Location) {
        if !self.may_say(Topic::Flap, Some(at)) {
            return;
        }
        let held_at = self.port_name(flap.held_at);
        let message = format!("flaps between {}, held at {held_at}", self.names(flap));
        self.happened(Kind::MacFlaps, flap.mac.to_string(), message);
        warn!(
            host = self.name,
            mac = %flap.mac,
            network = network_name(&self.topology, flap.vlan),
            ports = self.names(flap),
            moves = moves::MOVES,
            within = ?flap.within,
            held_at = self.port_name(flap.held_at),
            hold = ?moves::HOLD,
            "the MAC address flaps: it moves between ports, and is held at one of them"
        );
    }

    /// The addresses that are held at `now`.
    pub(super) fn held_addresses(&self, now: Instant) -> Vec<status::HeldAddress> {
        let shown = |(until, flap): (Instant, &Flap)| status::HeldAddress {
            mac: flap.mac.to_string(),
            network: network_name(&self.topology, flap.vlan).to_owned(),
            held_at: self.port_name(flap.held_at).to_owned(),
            seen_at: self.names(flap),
            ignored: flap.ignored,
            seconds_left: until.saturating_duration_since(now).as_secs_f64(),
        };
        self.moves.held().map(shown).collect()
    }

    /// The names of all ports at which the address was seen.
    fn names(&self, flap: &Flap) -> String {
        let mut names: Vec<&str> = flap.places.iter().map(|at| self.port_name(at)).collect();
        if flap.places.and_others {
            names.push("others");
        }
        names.join(", ")
    }
}
