//! Learned MAC addresses.

mod ethernet;
mod limits;
pub mod moves;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use openflow::{MacAddr, PortNo};

pub use ethernet::{EthernetHeader, FrameError};
pub use limits::{Limited, Limits};

use crate::topology::{Role, Vlan};

/// A MAC address that was learned, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnedMac {
    /// The network it was seen in.
    pub vlan: Vlan,
    /// The address.
    pub mac: MacAddr,
    /// Where its frames enter the host.
    pub at: Location,
}

/// A port of one of a host's bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Which bridge.
    pub role: Role,
    /// Which port of it.
    pub port: PortNo,
}

/// The MAC addresses learned on one host: for each network and address, where it was seen last.
///
/// It has no clock: a bridge ages an address by the idle timeout of its source flow, and tells
/// when it is gone. Addresses are chosen by guests, so there are never more than
/// [`MacTable::CAPACITY`], and the map is one that colliding keys do not slow down.
///
/// Room that is short is shared out fairly: a port that has fewer addresses than another takes a
/// place from the one that has most. So a guest that makes up addresses does not keep those of
/// others out. Besides, vNICs and networks may have [`Limits`].
#[derive(Debug, Clone, Default)]
pub struct MacTable {
    locations: HashMap<(Vlan, MacAddr), Known>,
    /// How many addresses each port has; none has 0.
    counts: HashMap<Location, usize>,
    limits: Limits,
}

/// Where an address is, and since when.
#[derive(Debug, Clone, Copy)]
struct Known {
    at: Location,
    since: Option<Instant>,
}

/// What became of an address that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// It was not known.
    New,
    /// It was known at another place.
    Moved {
        /// Where it was until now.
        from: Location,
    },
    /// It was known at this place.
    Known,
    /// It was not known, and another address was forgotten to make room for it.
    Displaced(LearnedMac),
    /// It is not known and there is no room for it: its frames go on being flooded.
    Full,
    /// It is not known there, and its vNIC or its network may have no more.
    Refused(Limited),
}

impl MacTable {
    /// How many addresses a host may have: each is one flow on every bridge that needs it, and
    /// a guest that makes up addresses must not fill the tables of the switch.
    pub const CAPACITY: usize = 16_384;

    /// Notes that a frame from `entry.mac` came in at `entry.at`, at a time that is not known.
    pub fn learn(&mut self, entry: LearnedMac) -> Learned {
        self.learn_at(entry, None)
    }

    /// Notes that a frame from `entry.mac` came in at `entry.at`, at the time of `seen` where that is
    /// known. Does not allocate for an address that is known.
    pub fn learn_at(&mut self, entry: LearnedMac, seen: Option<Instant>) -> Learned {
        let LearnedMac { vlan, mac, at } = entry;
        let known = self.location(vlan, mac);
        if known == Some(at) {
            return Learned::Known;
        }
        if let Some(limited) = self.limits.refuse(&entry, known) {
            return Learned::Refused(limited);
        }
        match known {
            Some(from) => {
                self.remove(&LearnedMac { at: from, ..entry });
                self.insert(entry, seen);
                Learned::Moved { from }
            }
            None if self.len() < Self::CAPACITY => {
                self.insert(entry, seen);
                Learned::New
            }
            None => match self.displaceable_by(at) {
                Some(other) => {
                    self.remove(&other);
                    self.insert(entry, seen);
                    Learned::Displaced(other)
                }
                None => Learned::Full,
            },
        }
    }

    /// Puts other limits into force. What is too much by them is forgotten: those that find no more
    /// room when all are taken in the order of VLAN and address. Returns how many these were.
    pub fn set_limits(&mut self, limits: Limits) -> usize {
        self.limits = limits;
        let mut all: Vec<LearnedMac> = self.iter().collect();
        all.sort_unstable();
        let mut surplus = Vec::new();
        for entry in all {
            match self.limits.refuse(&entry, None) {
                Some(_) => surplus.push(entry),
                None => self.limits.add(&entry),
            }
        }
        for LearnedMac { vlan, mac, at } in &surplus {
            self.locations.remove(&(*vlan, *mac));
            release(&mut self.counts, *at);
        }
        surplus.len()
    }

    /// The limits in force, and how far they are used up.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn insert(&mut self, entry: LearnedMac, since: Option<Instant>) {
        let LearnedMac { vlan, mac, at } = entry;
        self.locations.insert((vlan, mac), Known { at, since });
        *self.counts.entry(at).or_default() += 1;
        self.limits.add(&entry);
    }

    /// An address of the port that has most, if that still has as many as `at` once `at` has one
    /// more.
    fn displaceable_by(&self, at: Location) -> Option<LearnedMac> {
        let (&crowded, &most) = self.counts.iter().max_by_key(|(_, count)| **count)?;
        let own = self.counts.get(&at).copied().unwrap_or(0);
        (own + 1 < most)
            .then(|| self.iter().find(|entry| entry.at == crowded))
            .flatten()
    }

    /// Where `mac` was seen last in the network of `vlan`.
    pub fn location(&self, vlan: Vlan, mac: MacAddr) -> Option<Location> {
        self.locations.get(&(vlan, mac)).map(|known| known.at)
    }

    /// Since when `mac` has been at its place in the network of `vlan`, where that is known.
    pub fn since(&self, vlan: Vlan, mac: MacAddr) -> Option<Instant> {
        self.locations.get(&(vlan, mac))?.since
    }

    /// Forgets `entry`; says whether it was there, at this very place.
    pub fn remove(&mut self, entry: &LearnedMac) -> bool {
        let there = self.location(entry.vlan, entry.mac) == Some(entry.at);
        if there {
            self.locations.remove(&(entry.vlan, entry.mac));
            release(&mut self.counts, entry.at);
            self.limits.release(entry);
        }
        there
    }

    /// Forgets all addresses that `drop` is true of; says how many these were.
    pub fn purge(&mut self, mut drop: impl FnMut(&LearnedMac) -> bool) -> usize {
        let before = self.locations.len();
        let (counts, limits) = (&mut self.counts, &mut self.limits);
        self.locations.retain(|&(vlan, mac), known| {
            let at = known.at;
            let entry = LearnedMac { vlan, mac, at };
            let dropped = drop(&entry);
            if dropped {
                release(counts, at);
                limits.release(&entry);
            }
            !dropped
        });
        before - self.locations.len()
    }

    /// All addresses, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = LearnedMac> {
        self.locations
            .iter()
            .map(|(&(vlan, mac), &Known { at, .. })| LearnedMac { vlan, mac, at })
    }

    /// Which vNIC has most of the addresses that count for the limit of a network, and how many; the
    /// first of those that have the same number.
    pub fn most_in(&self, vlan: Vlan) -> Option<(Location, usize)> {
        let mut counts = BTreeMap::<Location, usize>::new();
        let of_network = self.iter().filter(|entry| entry.vlan == vlan);
        for entry in of_network.filter(|entry| self.limits.count_in_network(entry)) {
            *counts.entry(entry.at).or_default() += 1;
        }
        counts.into_iter().rev().max_by_key(|(_, count)| *count)
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.locations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.locations.is_empty()
    }
}

/// Counts one address less at `at`.
fn release(counts: &mut HashMap<Location, usize>, at: Location) {
    if let Entry::Occupied(mut count) = counts.entry(at) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VLAN: Vlan = Vlan::UNTAGGED;
    const A: Location = Location {
        role: Role::Local,
        port: PortNo(1),
    };
    const B: Location = Location {
        role: Role::Uplink,
        port: PortNo(1),
    };

    fn entry(number: u64, at: Location) -> LearnedMac {
        LearnedMac {
            vlan: VLAN,
            mac: MacAddr::from_u64(number),
            at,
        }
    }

    #[test]
    fn an_address_is_new_then_known_then_moved() {
        let mut macs = MacTable::default();
        assert_eq!(macs.learn(entry(2, A)), Learned::New);
        assert_eq!(macs.learn(entry(2, A)), Learned::Known);
        assert_eq!(macs.learn(entry(2, B)), Learned::Moved { from: A });
        assert_eq!(macs.location(VLAN, MacAddr::from_u64(2)), Some(B));
        assert_eq!(macs.len(), 1);
    }

    #[test]
    fn an_address_is_at_its_place_since_it_was_first_seen_there() {
        let mut macs = MacTable::default();
        let began = Instant::now();
        let after = |seconds| Some(began + std::time::Duration::from_secs(seconds));
        let since = |macs: &MacTable| macs.since(VLAN, MacAddr::from_u64(2));
        macs.learn_at(entry(2, A), after(1));
        macs.learn_at(entry(2, A), after(2));
        assert_eq!(since(&macs), after(1));
        macs.learn_at(entry(2, B), after(3));
        assert_eq!(since(&macs), after(3));
        macs.learn(entry(2, A));
        assert_eq!(since(&macs), None);
    }

    #[test]
    fn the_same_address_in_two_networks_is_two_addresses() {
        let mut macs = MacTable::default();
        let tagged = LearnedMac {
            vlan: Vlan::new(7).unwrap(),
            ..entry(2, B)
        };
        assert_eq!(macs.learn(entry(2, A)), Learned::New);
        assert_eq!(macs.learn(tagged), Learned::New);
        assert_eq!(macs.location(VLAN, tagged.mac), Some(A));
    }

    #[test]
    fn only_the_place_where_an_address_is_can_forget_it() {
        let mut macs = MacTable::default();
        macs.learn(entry(2, B));
        assert!(!macs.remove(&entry(2, A)));
        assert!(macs.remove(&entry(2, B)));
        assert!(macs.is_empty());
    }

    #[test]
    fn a_port_is_purged_without_its_neighbours() {
        let mut macs = MacTable::default();
        for (number, at) in [(2, A), (4, A), (6, B)] {
            macs.learn(entry(number, at));
        }
        assert_eq!(macs.purge(|entry| entry.at == A), 2);
        assert_eq!(macs.iter().collect::<Vec<_>>(), [entry(6, B)]);
    }

    #[test]
    fn a_port_that_fills_the_table_makes_room_for_others_up_to_an_equal_share() {
        let mut macs = MacTable::default();
        let capacity = MacTable::CAPACITY as u64;
        for number in 0..capacity {
            assert_eq!(macs.learn(entry(number << 1, A)), Learned::New);
        }
        for number in capacity..capacity + capacity / 2 {
            let Learned::Displaced(other) = macs.learn(entry(number << 1, B)) else {
                panic!("{number} found no room");
            };
            assert_eq!((other.at, macs.location(VLAN, other.mac)), (A, None));
        }
        for at in [A, B] {
            assert_eq!(macs.learn(entry(u64::MAX << 1, at)), Learned::Full);
        }
        assert_eq!(macs.len(), MacTable::CAPACITY);
        // What one has lost, the other may have.
        assert_eq!(macs.purge(|entry| entry.at == A), MacTable::CAPACITY / 2);
        assert_eq!(macs.learn(entry(u64::MAX << 1, B)), Learned::New);
    }

    #[test]
    fn a_full_table_refuses_new_addresses_and_still_moves_known_ones() {
        let mut macs = MacTable::default();
        for number in 0..MacTable::CAPACITY as u64 {
            assert_eq!(macs.learn(entry(number << 1, A)), Learned::New);
        }
        let one_more = entry(u64::MAX << 1, A);
        assert_eq!(macs.learn(one_more), Learned::Full);
        assert_eq!(macs.len(), MacTable::CAPACITY);
        assert_eq!(macs.learn(entry(0, B)), Learned::Moved { from: A });
        macs.remove(&entry(0, B));
        assert_eq!(macs.learn(one_more), Learned::New);
    }
}
