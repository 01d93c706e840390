//! MAC addresses that move too often.
//!
//! A move costs a handful of flow-mods on every bridge of a host. One by one that is what live
//! migration and failover need, and such a move is followed at once. An address that two stations
//! use, or that a loop brings back, moves with every frame: it would keep switch and controller busy
//! with nothing else. So an address that moves more than [`MOVES`] times within [`WINDOW`] is held
//! for [`HOLD`] at the place where it was last, whoever else claims it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use openflow::MacAddr;

use super::{LearnedMac, Location};
use crate::topology::Vlan;

/// How often an address may move within [`WINDOW`]. A migration is one move, a failover and the
/// way back are two; with a pair that can not agree for a while this is still none too few (EVPN has
/// the same number for the same purpose, RFC 7432 §15.1).
pub const MOVES: usize = 5;

/// The time in which moves are counted: guests that migrate back and forth take longer for it, and
/// what sends from two places at once does so within seconds.
pub const WINDOW: Duration = Duration::from_secs(10);

/// How long an address is held: longer than [`WINDOW`], so that the moves before it no longer count,
/// and much shorter than addresses usually live, so that the end of a loop is soon noticed.
pub const HOLD: Duration = Duration::from_secs(30);

/// How many moving addresses are watched: as many as move in [`WINDOW`] where something has gone
/// very wrong. Addresses are chosen by guests, so there must be a bound; beyond it, what moved
/// longest ago is watched no more.
pub const WATCHED: usize = 4096;

/// How many addresses are held, and reported, at a time; the ports at which they are held have equal
/// shares. Beyond it an address is not held but moves no more than [`MOVES`] times in any [`WINDOW`],
/// which needs no report of its own.
pub const HELD: usize = 64;

/// How many places of an address are remembered for its report.
const PLACES: usize = 4;

/// What becomes of an address that is seen at another place than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has moved there.
    Follow,
    /// It stays where it was.
    Hold {
        /// Told once for each time that an address begins to be held.
        began: Option<Flap>,
    },
}

/// An address that moves to and fro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flap {
    /// The network.
    pub vlan: Vlan,
    /// The address.
    pub mac: MacAddr,
    /// Where it is held.
    pub held_at: Location,
    /// Where it was seen.
    pub places: Places,
    /// Within which time it moved [`MOVES`] times, before it was held.
    pub within: Duration,
    /// How often it was seen elsewhere since it is held.
    pub ignored: u64,
}

/// Different places, in the order in which they were seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places {
    first: [Option<Location>; PLACES],
    /// There were others.
    pub and_others: bool,
}

impl Places {
    fn add(&mut self, place: Location) {
        for slot in &mut self.first {
            match slot {
                Some(known) if *known == place => return,
                Some(_) => {}
                None => {
                    *slot = Some(place);
                    return;
                }
            }
        }
        self.and_others = true;
    }

    /// The first of them.
    pub fn iter(&self) -> impl Iterator<Item = Location> {
        self.first.iter().copied().flatten()
    }
}

type Address = (Vlan, MacAddr);

/// The addresses that have moved lately, and those that are held.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    watched: HashMap<Address, Watched>,
    held: HashMap<Address, Flap>,
    /// When each of them is of no more interest; the first is due next.
    due: BTreeSet<(Instant, Address)>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    /// The latest moves, the oldest first; those from `count` on are none.
    times: [Instant; MOVES],
    count: usize,
    places: Places,
    until: Instant,
}

impl Watched {
    /// Leaves out the moves that have no say any more at `now`.
    fn expire(&mut self, now: Instant) {
        let old = self.times[..self.count]
            .iter()
            .take_while(|time| now.saturating_duration_since(**time) > WINDOW)
            .count();
        self.times.copy_within(old..self.count, 0);
        self.count -= old;
    }
}

impl Moves {
    /// Says what becomes of an address that was at `from` and is seen at `entry.at`. For one that is
    /// held that costs one look-up, and nothing is allocated.
    pub fn claim(&mut self, now: Instant, entry: &LearnedMac, from: Location) -> Verdict {
        let address = (entry.vlan, entry.mac);
        if let Some(flap) = self.held.get_mut(&address) {
            flap.ignored += 1;
            flap.places.add(entry.at);
            return Verdict::Hold { began: None };
        }
        let mut moves = match self.watched.get(&address) {
            Some(moves) => *moves,
            None => {
                self.make_room();
                Watched {
                    times: [now; MOVES],
                    count: 0,
                    places: Places::default(),
                    until: now,
                }
            }
        };
        moves.expire(now);
        moves.places.add(from);
        moves.places.add(entry.at);
        if moves.count == MOVES {
            let has_room = self.has_room(from);
            let began = has_room.then(|| self.hold(now, entry, from, &moves));
            return Verdict::Hold { began };
        }
        moves.times[moves.count] = now;
        moves.count += 1;
        self.due.remove(&(moves.until, address));
        moves.until = now + WINDOW;
        self.due.insert((moves.until, address));
        self.watched.insert(address, moves);
        Verdict::Follow
    }

    /// Whether one more may be held `at` a port. Where all are taken, the port that has most of them gives
    /// one up: who is noisy does not keep others from being seen to flap.
    fn has_room(&mut self, at: Location) -> bool {
        if self.held.len() < HELD {
            return true;
        }
        let mut ports: BTreeMap<Location, usize> = BTreeMap::new();
        for flap in self.held.values() {
            *ports.entry(flap.held_at).or_default() += 1;
        }
        let own = ports.get(&at).copied().unwrap_or_default();
        let most = ports.into_iter().max_by_key(|(_, held)| *held);
        let most = most.filter(|(_, held)| *held > own + 1);
        let given_up = most.and_then(|(most, _)| {
            let is_there = |flap: &Flap| flap.held_at == most;
            let mut due = self.due.iter();
            due.find(|(_, address)| self.held.get(address).is_some_and(is_there))
                .copied()
        });
        if let Some((until, address)) = given_up {
            self.due.remove(&(until, address));
            self.held.remove(&address);
        }
        given_up.is_some()
    }

    /// Holds at `from` an address that has made these moves.
    fn hold(&mut self, now: Instant, entry: &LearnedMac, from: Location, moves: &Watched) -> Flap {
        let address = (entry.vlan, entry.mac);
        let flap = Flap {
            vlan: entry.vlan,
            mac: entry.mac,
            held_at: from,
            places: moves.places,
            within: moves.times[MOVES - 1].saturating_duration_since(moves.times[0]),
            ignored: 1,
        };
        let until = now + HOLD;
        self.watched.remove(&address);
        self.due.remove(&(moves.until, address));
        self.due.insert((until, address));
        self.held.insert(address, flap);
        flap
    }

    /// Makes room to watch one more.
    fn make_room(&mut self) {
        if self.watched.len() < WATCHED {
            return;
        }
        let oldest = self
            .due
            .iter()
            .find(|(_, address)| self.watched.contains_key(address))
            .copied();
        if let Some((until, address)) = oldest {
            self.due.remove(&(until, address));
            self.watched.remove(&address);
        }
    }

    /// The addresses that are held, the one that is released first at the front, with the time until which each of them is.
    pub fn held(&self) -> impl Iterator<Item = (Instant, &Flap)> {
        let due = self.due.iter();
        due.filter_map(|(until, address)| Some((*until, self.held.get(address)?)))
    }

    /// When to call [`Moves::handle_timeout`] next; `None` where nothing has moved lately.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(until, _)| *until)
    }

    /// Lets go what was held or watched for long enough by `now`. Returns one of those that were
    /// held, with all that was seen of it; call it again until there is none.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Flap> {
        while let Some(&(until, address)) = self.due.first()
            && until <= now
        {
            self.due.pop_first();
            self.watched.remove(&address);
            if let Some(flap) = self.held.remove(&address) {
                return Some(flap);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use openflow::PortNo;
    use proptest::prelude::*;

    use super::*;
    use crate::topology::Role;

    fn at(port: u32) -> Location {
        Location {
            role: Role::Local,
            port: PortNo(port),
        }
    }

    fn entry(mac: u64, port: u32) -> LearnedMac {
        LearnedMac {
            vlan: Vlan::UNTAGGED,
            mac: MacAddr::from_u64(mac << 1),
            at: at(port),
        }
    }

    /// A switch that goes by the verdicts, and a clock.
    struct Story {
        moves: Moves,
        now: Instant,
        places: HashMap<u64, Location>,
        begun: Vec<Flap>,
        ended: Vec<Flap>,
    }

    impl Story {
        fn new() -> Self {
            Self {
                moves: Moves::default(),
                now: Instant::now(),
                places: HashMap::new(),
                begun: Vec::new(),
                ended: Vec::new(),
            }
        }

        /// An address is seen at a port; says whether it is taken to be there then.
        fn seen(&mut self, mac: u64, port: u32) -> bool {
            let from = *self.places.entry(mac).or_insert(at(port));
            if from == at(port) {
                return true;
            }
            match self.moves.claim(self.now, &entry(mac, port), from) {
                Verdict::Follow => {
                    self.places.insert(mac, at(port));
                    true
                }
                Verdict::Hold { began } => {
                    self.begun.extend(began);
                    false
                }
            }
        }

        fn wait(&mut self, time: Duration) {
            self.now += time;
            while let Some(flap) = self.moves.handle_timeout(self.now) {
                self.ended.push(flap);
            }
        }
    }

    const MOMENT: Duration = Duration::from_millis(100);

    #[test]
    fn moves_one_by_one_are_followed_for_ever() {
        let mut story = Story::new();
        for port in 1..100 {
            assert!(story.seen(1, port), "to {port}");
            story.wait(WINDOW / MOVES as u32 + MOMENT);
        }
        assert!(story.begun.is_empty());
        story.wait(WINDOW);
        assert_eq!(story.moves.poll_timeout(), None);
    }

    #[test]
    fn the_move_after_too_many_is_not_followed_and_is_told_of_once() {
        let mut story = Story::new();
        story.seen(1, 1);
        for port in [2, 1, 2, 1, 2] {
            assert!(story.seen(1, port));
            story.wait(MOMENT);
        }
        let held_since = story.now;
        for port in [1, 3, 1, 1] {
            assert!(!story.seen(1, port));
            assert!(story.seen(1, 2), "where it is held it is at home");
            story.wait(MOMENT);
        }
        let [flap] = story.begun[..] else {
            panic!("{:?}", story.begun);
        };
        assert_eq!((flap.mac, flap.held_at), (entry(1, 0).mac, at(2)));
        assert_eq!(flap.places.iter().collect::<Vec<_>>(), [at(1), at(2)]);
        assert_eq!(flap.within, MOMENT * 4);

        assert_eq!(story.moves.poll_timeout(), Some(held_since + HOLD));
        story.wait(HOLD - MOMENT * 5);
        assert!(story.ended.is_empty());
        story.wait(MOMENT);
        let [summary] = story.ended[..] else {
            panic!("{:?}", story.ended);
        };
        assert_eq!(summary.ignored, 4);
        let places: Vec<Location> = summary.places.iter().collect();
        assert_eq!(
            (places, summary.places.and_others),
            (vec![at(1), at(2), at(3)], false)
        );

        // It is like any other then.
        assert!(story.seen(1, 3));
        assert_eq!(story.begun.len(), 1);
    }

    #[test]
    fn other_addresses_and_other_networks_are_not_concerned() {
        let mut story = Story::new();
        for _ in 0..10 {
            story.seen(1, 1);
            story.seen(1, 2);
        }
        assert_eq!(story.begun.len(), 1);
        assert!(story.seen(2, 1) && story.seen(2, 2));
        let tagged = LearnedMac {
            vlan: Vlan::new(7).unwrap(),
            ..entry(1, 1)
        };
        assert_eq!(
            story.moves.claim(story.now, &tagged, at(2)),
            Verdict::Follow
        );
    }

    #[test]
    fn more_places_than_a_report_has_room_for_are_others() {
        let mut story = Story::new();
        for port in 1..8 {
            story.seen(1, port);
        }
        let [flap] = story.begun[..] else {
            panic!("{:?}", story.begun);
        };
        assert_eq!(flap.places.iter().collect::<Vec<_>>(), [1, 2, 3, 4].map(at));
        assert!(flap.places.and_others);
    }

    #[test]
    fn addresses_that_a_guest_makes_up_need_no_more_than_so_much_memory() {
        let mut story = Story::new();
        for port in 1..=1 + MOVES as u32 {
            for mac in 0..2 * WATCHED as u64 {
                assert!(story.seen(mac, port));
            }
            assert!(story.moves.watched.len() <= WATCHED);
        }
        assert_eq!(story.moves.watched.len(), WATCHED);
        assert_eq!(story.moves.due.len(), WATCHED);
        // Whoever is watched is held, as far as there is room for that.
        let mut story = Story::new();
        for _ in 0..=MOVES {
            for mac in 0..WATCHED as u64 {
                story.seen(mac, 1);
                story.seen(mac, 2);
            }
        }
        assert_eq!((story.moves.held.len(), story.begun.len()), (HELD, HELD));
        assert_eq!(story.moves.due.len(), WATCHED);
        let last = WATCHED as u64 - 1;
        assert!(
            !story.seen(last, 1) || !story.seen(last, 2),
            "it does not move either"
        );
        story.wait(WINDOW + MOMENT);
        assert!(story.seen(last, 1) && story.seen(last, 2));
        story.wait(HOLD);
        assert_eq!(story.ended.len(), HELD);
        assert!(story.moves.watched.is_empty() && story.moves.held.is_empty());
        assert_eq!(story.moves.poll_timeout(), None);
    }

    proptest! {
        /// Against the rule as one would write it down.
        #[test]
        fn an_address_is_held_exactly_when_it_has_moved_too_often(
            steps in prop::collection::vec((0..4000_u64, 1..4_u32), 0..80)
        ) {
            let mut story = Story::new();
            let (mut followed, mut held_until) = (Vec::new(), None);
            for (wait, port) in steps {
                story.wait(Duration::from_millis(wait));
                let now = story.now;
                if held_until.is_some_and(|until| until <= now) {
                    (followed, held_until) = (Vec::new(), None);
                }
                let moves = story.places.get(&1).is_some_and(|known| *known != at(port));
                let recent = followed.iter().filter(|time| now - **time <= WINDOW).count();
                let is_held = held_until.is_some() || recent >= MOVES;
                prop_assert_eq!(story.seen(1, port), !moves || !is_held);
                if moves && is_held {
                    held_until.get_or_insert(now + HOLD);
                } else if moves {
                    followed.push(now);
                }
            }
        }
    }
}
