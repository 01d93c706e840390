//! How many addresses may be learned behind the vNICs of a host.

use std::collections::{BTreeMap, HashSet};

use openflow::MacAddr;

use super::{LearnedMac, Location};
use crate::ports::Ports;
use crate::topology::{Host, Role, Vlan};

/// What can have a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limited {
    /// The vNIC at a port, in all its networks together.
    Vnic(Location),
    /// A network, behind all vNICs of the host together.
    Network(Vlan),
}

/// The limits that a host sets to the addresses learned behind its vNICs (`max_macs`), and how far
/// they are used up.
///
/// Counts are kept with every address that comes and goes; nothing is counted anew for a frame.
/// Addresses of the configuration, at uplinks, and of the host itself count nowhere and are refused
/// by nothing here.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// The addresses of the configuration; the one of a VM that roams is learned.
    own: HashSet<MacAddr>,
    /// The vNICs by their places, each with its own limit if it has one.
    vnics: BTreeMap<Location, Option<Room>>,
    /// Networks that have a limit.
    networks: BTreeMap<Vlan, Room>,
}

#[derive(Debug, Clone, Copy)]
struct Room {
    limit: u32,
    used: u32,
}

impl Room {
    fn new(limit: u32) -> Self {
        Self { limit, used: 0 }
    }

    fn is_used_up(self) -> bool {
        self.used >= self.limit
    }
}

impl Limits {
    /// The limits of `host` with `ports`, those of the bridge with a role. Nothing is used yet.
    pub fn new<'p>(host: &Host, ports: impl Fn(Role) -> Option<&'p Ports>) -> Self {
        let mut vnics = BTreeMap::new();
        for vnic in &host.vnics {
            let role = host.bridge_of(vnic);
            if let Some(port) = ports(role).and_then(|ports| ports.get(&vnic.port)) {
                let at = Location { role, port };
                vnics.insert(at, vnic.security.max_macs.map(Room::new));
            }
        }
        let networks = host.max_macs.iter();
        Self {
            own: host.vnics.iter().filter_map(|vnic| vnic.mac).collect(),
            vnics,
            networks: networks
                .map(|(vlan, limit)| (*vlan, Room::new(*limit)))
                .collect(),
        }
    }

    /// Whether `entry` counts for its network: that has a limit, and a vNIC is where it is.
    pub fn count_in_network(&self, entry: &LearnedMac) -> bool {
        self.networks.contains_key(&entry.vlan)
            && self.vnics.contains_key(&entry.at)
            && !self.own.contains(&entry.mac)
    }

    /// What has no room for `entry`, an address that was last seen at `known`. One that moves from
    /// vNIC to vNIC is not one more in its network.
    pub fn refuse(&self, entry: &LearnedMac, known: Option<Location>) -> Option<Limited> {
        let of_vnic = self.vnics.get(&entry.at)?;
        if self.own.contains(&entry.mac) {
            return None;
        }
        if of_vnic.is_some_and(Room::is_used_up) {
            return Some(Limited::Vnic(entry.at));
        }
        let is_counted = known.is_some_and(|at| self.vnics.contains_key(&at));
        let network = Limited::Network(entry.vlan);
        (!is_counted && self.is_reached(network)).then_some(network)
    }

    /// Whether a limit is reached; never where there is none.
    pub fn is_reached(&self, what: Limited) -> bool {
        self.room(what).is_some_and(Room::is_used_up)
    }

    /// All limits that are reached.
    pub fn reached(&self) -> impl Iterator<Item = Limited> {
        let vnics = self.vnics.keys().copied().map(Limited::Vnic);
        let networks = self.networks.keys().copied().map(Limited::Network);
        vnics.chain(networks).filter(|what| self.is_reached(*what))
    }

    /// How many addresses something may have, where that is limited.
    pub fn limit(&self, what: Limited) -> Option<u32> {
        self.room(what).map(|room| room.limit)
    }

    fn room(&self, what: Limited) -> Option<Room> {
        match what {
            Limited::Vnic(at) => self.vnics.get(&at).copied().flatten(),
            Limited::Network(vlan) => self.networks.get(&vlan).copied(),
        }
    }

    /// Counts an address that is learned.
    pub(super) fn add(&mut self, entry: &LearnedMac) {
        self.rooms(entry, |room| room.used += 1);
    }

    /// Counts an address no more.
    pub(super) fn release(&mut self, entry: &LearnedMac) {
        self.rooms(entry, |room| room.used -= 1);
    }

    fn rooms(&mut self, entry: &LearnedMac, mut change: impl FnMut(&mut Room)) {
        let Some(of_vnic) = self.vnics.get_mut(&entry.at) else {
            return;
        };
        if self.own.contains(&entry.mac) {
            return;
        }
        let network = self.networks.get_mut(&entry.vlan);
        for room in of_vnic.iter_mut().chain(network) {
            change(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use openflow::PortNo;
    use proptest::prelude::*;

    use super::*;
    use crate::learning::MacTable;

    fn at(port: u32) -> Location {
        Location {
            role: Role::Learning,
            port: PortNo(port),
        }
    }

    fn vlan(id: u16) -> Vlan {
        Vlan::new(id).unwrap()
    }

    fn entry(vid: u16, mac: u64, port: u32) -> LearnedMac {
        LearnedMac {
            vlan: vlan(vid),
            mac: MacAddr::from_u64(mac << 1),
            at: at(port),
        }
    }

    /// Two vNICs, one with a limit, a network with one, and port 3 is an uplink.
    fn limits() -> Limits {
        Limits {
            own: HashSet::new(),
            vnics: [(at(1), Some(Room::new(2))), (at(2), None)].into(),
            networks: [(vlan(10), Room::new(3))].into(),
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Learn(LearnedMac),
        Remove(LearnedMac),
        PurgePort(u32),
        SetLimits,
    }

    fn step() -> impl Strategy<Value = Step> {
        let entry = || {
            (prop::sample::select(vec![10, 20]), 1..7_u64, 1..4_u32)
                .prop_map(|(vid, mac, port)| entry(vid, mac, port))
        };
        prop_oneof![
            8 => entry().prop_map(Step::Learn),
            4 => entry().prop_map(Step::Remove),
            1 => (1..4_u32).prop_map(Step::PurgePort),
            1 => Just(Step::SetLimits),
        ]
    }

    proptest! {
        #[test]
        fn what_is_counted_on_the_way_is_what_there_is(steps in prop::collection::vec(step(), 0..60)) {
            let mut macs = MacTable::default();
            macs.set_limits(limits());
            for step in steps {
                match step {
                    Step::Learn(entry) => {
                        macs.learn(entry);
                    }
                    Step::Remove(entry) => {
                        macs.remove(&entry);
                    }
                    Step::PurgePort(port) => {
                        macs.purge(|entry| entry.at == at(port));
                    }
                    Step::SetLimits => prop_assert_eq!(macs.set_limits(limits()), 0),
                }
                let all: Vec<LearnedMac> = macs.iter().collect();
                let of_vnic = all.iter().filter(|entry| entry.at == at(1)).count();
                let of_network = all.iter().filter(|entry| entry.vlan == vlan(10));
                let of_network = of_network.filter(|entry| entry.at != at(3)).count();
                prop_assert!(of_vnic <= 2 && of_network <= 3, "{:?}", all);
                let limits = macs.limits();
                prop_assert_eq!(limits.is_reached(Limited::Vnic(at(1))), of_vnic == 2);
                prop_assert_eq!(limits.is_reached(Limited::Network(vlan(10))), of_network == 3);
                prop_assert_eq!(limits.reached().count(), usize::from(of_vnic == 2) + usize::from(of_network == 3));
            }
        }
    }

    #[test]
    fn other_limits_forget_the_highest_addresses() {
        let mut macs = MacTable::default();
        for (vid, mac, port) in [
            (10, 9, 1),
            (10, 8, 1),
            (20, 1, 1),
            (10, 7, 2),
            (10, 6, 3),
            (10, 5, 2),
        ] {
            macs.learn(entry(vid, mac, port));
        }
        assert_eq!(macs.set_limits(limits()), 1);
        let mut left: Vec<LearnedMac> = macs.iter().collect();
        left.sort_unstable();
        let expected = [(10, 5, 2), (10, 6, 3), (10, 7, 2), (10, 8, 1), (20, 1, 1)];
        assert_eq!(left, expected.map(|(vid, mac, port)| entry(vid, mac, port)));
    }
}
