//! Counters of switches, added up.
//!
//! A counter goes back to 0 with the device, flow or meter that it is of. What an operator is shown only
//! grows, and nothing of it is counted twice.
//!
//! A port shows what its device has counted, which goes on when the port is taken out of the bridge and
//! put back, or vswitchd is started again: only the age of the port begins anew. So its age says nothing.
//! A device is another one where it has counted less; the last reading of a port that is gone is kept for
//! when it is back.
//!
//! A meter that has begun anew is younger than before, or has counted less. A flow is not told
//! apart like that: one that is replaced gets younger and goes on counting. But of each flow that goes
//! there is a notice with its last counts, which Open vSwitch sends once nothing uses the flow any more, a
//! moment later. So what was read of a flow is kept until its notice is here, and of a flow that is back
//! meanwhile nothing is read: the next reading has it all.
//!
//! What can not be known is left out: what a device has counted after it was read last, when it goes; what
//! a flow has, of which the notice was lost with the connection; where a flow or meter has come back while
//! the bridge was not connected and has counted more by now than it had before, so much of it; and the
//! same where another device has come in the place of one. Open vSwitch accounts for frames twice a
//! second: those of the last moment of a flow it counts to the one in its place.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use openflow::{Cookie, MeterId};

use crate::program::{FlowKey, Meter};
use crate::status::Cause;
use crate::topology::{Role, Vlan};

/// How long after a flow its notice may come.
pub(super) const SETTLE: Duration = Duration::from_secs(5);

/// Frames and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many frames.
    pub frames: u64,
    /// How many bytes these had.
    pub bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, more: Self) {
        self.frames += more.frames;
        self.bytes += more.bytes;
    }

    /// What it has more than `before`; `None` where it has begun anew since.
    fn since(self, before: Self) -> Option<Self> {
        Some(Self {
            frames: self.frames.checked_sub(before.frames)?,
            bytes: self.bytes.checked_sub(before.bytes)?,
        })
    }
}

/// Where frames come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// vNICs.
    Vnics,
    /// Uplinks.
    Uplinks,
    /// The host itself.
    Host,
}

/// A counter of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Counter {
    /// Of the port that is this interface, from what is attached there.
    Received(String),
    /// To it.
    Sent(String),
    /// One with another cookie is another flow: what it counts is something else.
    Flow(FlowKey, Cookie),
    /// One that is changed begins anew.
    Meter(MeterId, Option<Meter>),
}

impl Counter {
    fn is_of_port(&self) -> bool {
        matches!(self, Self::Received(_) | Self::Sent(_))
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Received(String),
    Sent(String),
    Network(Vlan, Source),
    Drop(Cause, Option<String>),
}

impl Item {
    /// The port that it is about.
    pub(super) fn port(&self) -> Option<&str> {
        match self {
            Self::Received(port) | Self::Sent(port) => Some(port),
            Self::Network(..) => None,
            Self::Drop(_, port) => port.as_deref(),
        }
    }
}

/// What a counter was at.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) counter: Counter,
    /// What it counts; `None` where that is no longer known, or of no interest.
    pub(super) item: Option<Item>,
    pub(super) count: Count,
    /// How long the port, flow or meter is there.
    pub(super) age: Duration,
}

/// What was read, added up.
#[derive(Debug, Default)]
pub(super) struct Tally {
    bridges: BTreeMap<Role, Bridge>,
    totals: BTreeMap<(Role, Item), Count>,
}

/// The counters of one bridge.
#[derive(Debug, Default)]
struct Bridge {
    /// When it was asked for them, while it has not answered.
    asked: Option<Instant>,
    /// Those that have ended since then. The answer may have them as they were before.
    ended: HashSet<Counter>,
    known: HashMap<Counter, Known>,
}

/// A counter that was read.
#[derive(Debug)]
struct Known {
    item: Item,
    at: Count,
    age: Duration,
    /// Since when it is not there.
    missing: Option<Instant>,
}

impl Known {
    /// How much of what was read now is new; `None` where that can not be told.
    fn growth(&self, now: Instant, reading: &Reading) -> Option<Count> {
        let is_another = match reading.counter {
            Counter::Flow(..) if reading.age < SETTLE && self.at != Count::default() => {
                return None;
            }
            Counter::Flow(..) => self.is_settled(now),
            Counter::Meter(..) => self.is_settled(now) || reading.age < self.age,
            Counter::Received(_) | Counter::Sent(_) => false,
        };
        let before = if is_another {
            Count::default()
        } else {
            self.at
        };
        Some(reading.count.since(before).unwrap_or(reading.count))
    }

    /// Whether it is not there for so long that no notice of it will come.
    fn is_settled(&self, now: Instant) -> bool {
        let missing = self.missing;
        missing.is_some_and(|since| now.saturating_duration_since(since) >= SETTLE)
    }
}

impl Bridge {
    /// Forgets ports that are gone and not configured. One that is configured may have been at many
    /// interfaces, as guests are at another one each time they start: of those gone, the last is kept.
    fn forget_ports(&mut self, is_configured: impl Fn(&str) -> bool) {
        let mut last: BTreeMap<&Item, (Instant, &Counter)> = BTreeMap::new();
        for (counter, known) in &self.known {
            let Some(since) = known.missing.filter(|_| counter.is_of_port()) else {
                continue;
            };
            if known.item.port().is_some_and(&is_configured) {
                let kept = last.entry(&known.item).or_insert((since, counter));
                if kept.0 < since {
                    *kept = (since, counter);
                }
            }
        }
        let last: HashSet<Counter> = last.into_values().map(|(_, it)| it.clone()).collect();
        self.known.retain(|counter, known| {
            known.missing.is_none() || !counter.is_of_port() || last.contains(counter)
        });
    }
}

impl Tally {
    /// The bridge with `role` is asked.
    pub(super) fn ask(&mut self, now: Instant, role: Role) {
        let bridge = self.bridges.entry(role).or_default();
        bridge.asked = Some(now);
        bridge.ended.clear();
    }

    /// When the bridge with `role` was asked, while it has not answered.
    pub(super) fn asked(&self, role: Role) -> Option<Instant> {
        self.bridges.get(&role)?.asked
    }

    /// Whether any bridge has still to answer.
    pub(super) fn is_asking(&self) -> bool {
        self.bridges.values().any(|bridge| bridge.asked.is_some())
    }

    /// The bridge with `role` will not answer.
    pub(super) fn give_up(&mut self, role: Role) {
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.asked = None;
        }
    }

    /// Adds what the bridge with `role` has answered; whether that `is_whole`, so that what is not in it
    /// is not there.
    pub(super) fn add(&mut self, now: Instant, role: Role, read: Vec<Reading>, is_whole: bool) {
        let bridge = self.bridges.entry(role).or_default();
        bridge.asked = None;
        let ended = std::mem::take(&mut bridge.ended);
        let mut before = std::mem::take(&mut bridge.known);
        let after = &mut bridge.known;
        for reading in read {
            if after.contains_key(&reading.counter) || ended.contains(&reading.counter) {
                continue;
            }
            let known = before.remove(&reading.counter);
            let growth = match &known {
                Some(known) => known.growth(now, &reading),
                None => Some(reading.count),
            };
            let Some(growth) = growth else {
                after.extend(known.map(|known| (reading.counter, known)));
                continue;
            };
            let Some(item) = reading.item.or(known.map(|known| known.item)) else {
                continue;
            };
            let total = self.totals.entry((role, item.clone())).or_default();
            total.add(growth);
            let known = Known {
                item,
                at: reading.count,
                age: reading.age,
                missing: None,
            };
            after.insert(reading.counter, known);
        }
        for (counter, mut known) in before {
            if is_whole && !ended.contains(&counter) {
                known.missing.get_or_insert(now);
            }
            if counter.is_of_port() || !known.is_settled(now) {
                after.insert(counter, known);
            }
        }
    }

    /// A flow of the bridge with `role` is gone; these are its last counts. What it counted, as far as that
    /// is known, is `item`.
    pub(super) fn flow_gone(
        &mut self,
        role: Role,
        counter: Counter,
        item: Option<Item>,
        last: Count,
    ) {
        let bridge = self.bridges.entry(role).or_default();
        let known = bridge.known.get(&counter);
        let growth = known.and_then(|known| last.since(known.at));
        let item = known.map(|known| known.item.clone()).or(item);
        if growth.is_some() {
            bridge.known.remove(&counter);
        }
        if bridge.asked.is_some() {
            bridge.ended.insert(counter);
        }
        let growth = growth.unwrap_or(last);
        if let Some(item) = item.filter(|_| growth != Count::default()) {
            self.totals.entry((role, item)).or_default().add(growth);
        }
    }

    /// The interface `name` is no longer the port of the bridge with `role` that it was: the numbers in an
    /// answer that is on its way may be those of other ports. What was read of it is kept.
    pub(super) fn port_gone(&mut self, role: Role, name: &str) {
        let bridge = self.bridges.get_mut(&role);
        if let Some(bridge) = bridge.filter(|bridge| bridge.asked.is_some()) {
            let counters = [Counter::Received, Counter::Sent].map(|of| of(name.to_owned()));
            bridge.ended.extend(counters);
        }
    }

    /// Forgets the totals of the bridge with `role` that are about a port which is not there: names come
    /// and go, and would pile up. What was read of one that is gone is kept while it `is_configured`.
    pub(super) fn retain_ports(
        &mut self,
        role: Role,
        is_there: impl Fn(&str) -> bool,
        is_configured: impl Fn(&str) -> bool,
    ) {
        self.totals
            .retain(|(at, item), _| *at != role || item.port().is_none_or(&is_there));
        if let Some(bridge) = self.bridges.get_mut(&role) {
            bridge.forget_ports(is_configured);
        }
    }

    /// How many counters of the bridge with `role` are remembered.
    #[cfg(test)]
    pub(super) fn known_count(&self, role: Role) -> usize {
        self.bridges.get(&role).map_or(0, |at| at.known.len())
    }

    /// What was counted so far, by bridge.
    pub(super) fn totals(&self) -> &BTreeMap<(Role, Item), Count> {
        &self.totals
    }
}
