//! The ports that a bridge has at the moment.

use std::collections::{BTreeMap, BTreeSet};

use openflow::{Port, PortConfig, PortNo, PortReason, PortState, PortStatus};

/// The ports of one bridge, by OVS interface name and by OpenFlow port number.
///
/// The bridge's own LOCAL port is among them, under the bridge's name.
///
/// An interface may go by another name than its own ([`Ports::call`]): then it has only that, for as long
/// as it keeps its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// By interface.
    numbers: BTreeMap<String, PortNo>,
    interfaces: BTreeMap<PortNo, String>,
    /// The other names of interfaces, all of which are there.
    called: BTreeMap<String, String>,
    /// The interfaces that have other names, by these.
    aliases: BTreeMap<String, String>,
    /// Those of them that are known to have no link, or are shut.
    down: BTreeSet<PortNo>,
    /// Those that are not said to be live.
    not_live: BTreeSet<PortNo>,
    /// The bridge tells which ports are live: at least one was. Old versions of Open vSwitch do not.
    tells_live: bool,
}

impl Ports {
    /// The number of the port called `name`.
    pub fn get(&self, name: &str) -> Option<PortNo> {
        let interface = match self.aliases.get(name) {
            Some(interface) => interface,
            None if self.called.contains_key(name) => return None,
            None => name,
        };
        self.numbers.get(interface).copied()
    }

    /// The name of the port numbered `number`.
    pub fn name(&self, number: PortNo) -> Option<&str> {
        self.interface(number)
            .map(|interface| self.known_as(interface))
    }

    /// The OVS interface name of the port numbered `number`, whatever else it is called.
    pub fn interface(&self, number: PortNo) -> Option<&str> {
        self.interfaces.get(&number).map(String::as_str)
    }

    /// The number of the port that is the OVS interface `name`, whatever else it is called.
    pub fn number_of(&self, name: &str) -> Option<PortNo> {
        self.numbers.get(name).copied()
    }

    fn known_as<'a>(&'a self, interface: &'a str) -> &'a str {
        self.called.get(interface).map_or(interface, String::as_str)
    }

    /// Gives other names to interfaces, `INTERFACE: NAME`, in place of those given before; returns
    /// the numbers of the ports that go by another name now. No two have the same. Interfaces that are
    /// not there get none.
    pub fn call(&mut self, mut names: BTreeMap<String, String>) -> BTreeSet<PortNo> {
        names.retain(|interface, _| self.numbers.contains_key(interface));
        let before = std::mem::replace(&mut self.called, names);
        let aliases = self.called.iter();
        self.aliases = aliases
            .map(|(interface, name)| (name.clone(), interface.clone()))
            .collect();
        let interfaces = before.keys().chain(self.called.keys());
        interfaces
            .filter(|&interface| before.get(interface) != self.called.get(interface))
            .filter_map(|interface| self.number_of(interface))
            .collect()
    }

    /// The interfaces that have other names, with these.
    pub fn called(&self) -> &BTreeMap<String, String> {
        &self.called
    }

    /// Whether the port numbered `number` is there and, as far as is known, frames pass it: it has a link,
    /// nobody has shut it, and it is live. A tunnel always has a link; whether it is live is what BFD or
    /// CFM have found, where these are in use.
    pub fn is_up(&self, number: PortNo) -> bool {
        let is_dead = self.tells_live && self.not_live.contains(&number);
        self.interfaces.contains_key(&number) && !self.down.contains(&number) && !is_dead
    }

    /// The numbers of the ports that [are up](Self::is_up).
    pub fn up(&self) -> impl Iterator<Item = PortNo> {
        let numbers = self.interfaces.keys().copied();
        numbers.filter(|number| self.is_up(*number))
    }

    /// Adds a port, in place of any that has its name or its number.
    pub fn insert(&mut self, name: String, number: PortNo) {
        self.remove(number);
        if let Some(renumbered) = self.number_of(&name) {
            self.remove(renumbered);
        }
        self.numbers.insert(name.clone(), number);
        self.interfaces.insert(number, name);
    }

    /// Takes out the port numbered `number`, with any other name it has, and returns its interface name.
    pub fn remove(&mut self, number: PortNo) -> Option<String> {
        let name = self.interfaces.remove(&number)?;
        self.numbers.remove(&name);
        self.down.remove(&number);
        self.not_live.remove(&number);
        if let Some(alias) = self.called.remove(&name) {
            self.aliases.remove(&alias);
        }
        Some(name)
    }

    /// Follows what a bridge tells of one of its ports, and returns the numbers that stand for
    /// another port now, or for none.
    ///
    /// No number does where only its link or its configuration changed, and neither at the end of a
    /// port whose name or number another one has taken over.
    pub fn update(&mut self, PortStatus { reason, desc }: &PortStatus) -> BTreeSet<PortNo> {
        let (name, number) = name_and_number(desc);
        let number_before = self.number_of(&name);
        let is_there = number_before == Some(number);
        let is_deleted = *reason == PortReason::Delete;
        if is_there != is_deleted {
            if is_there {
                self.follow_link(desc);
            }
            return BTreeSet::new();
        }
        if is_deleted {
            self.remove(number);
        } else {
            self.insert(name, number);
            self.follow_link(desc);
        }
        // A port that comes back under another number is no longer at the one before.
        number_before.into_iter().chain([number]).collect()
    }

    /// Follows what is told of the link of a port. The first that is live says something of all the others.
    fn follow_link(&mut self, port: &Port) {
        self.tells_live |= is_live(port);
        let is_down = port.state.contains(PortState::LINK_DOWN)
            || port.config.contains(PortConfig::PORT_DOWN);
        for (set, is_in) in [
            (&mut self.down, is_down),
            (&mut self.not_live, !is_live(port)),
        ] {
            match is_in {
                true => set.insert(port.port_no),
                false => set.remove(&port.port_no),
            };
        }
    }

    /// All ports in the order of their interface names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PortNo)> {
        self.numbers
            .iter()
            .map(|(interface, number)| (self.known_as(interface), *number))
    }
}

impl FromIterator<(String, PortNo)> for Ports {
    fn from_iter<T: IntoIterator<Item = (String, PortNo)>>(ports: T) -> Self {
        let mut all = Self::default();
        for (name, number) in ports {
            all.insert(name, number);
        }
        all
    }
}

impl<'p> FromIterator<&'p Port> for Ports {
    fn from_iter<T: IntoIterator<Item = &'p Port>>(ports: T) -> Self {
        let mut all = Self::default();
        for port in ports {
            let (name, number) = name_and_number(port);
            all.insert(name, number);
            all.follow_link(port);
        }
        all
    }
}

fn is_live(port: &Port) -> bool {
    port.state.contains(PortState::LIVE)
}

fn name_and_number(port: &Port) -> (String, PortNo) {
    (port.name.to_string(), port.port_no)
}

#[cfg(test)]
mod tests {
    use openflow::{MacAddr, PortFeatures, PortName};

    use super::*;

    #[test]
    fn a_port_that_comes_back_under_another_number_leaves_nothing_of_the_old_one() {
        let mut ports: Ports = [("vma0".to_owned(), PortNo(4))].into_iter().collect();
        ports.insert("vma0".to_owned(), PortNo(9));
        assert_eq!(ports.get("vma0"), Some(PortNo(9)));
        assert_eq!(ports.name(PortNo(4)), None);
    }

    #[test]
    fn a_number_that_is_given_to_another_port_leaves_nothing_of_the_old_one() {
        let mut ports: Ports = [("vma0".to_owned(), PortNo(4))].into_iter().collect();
        ports.insert("vmb0".to_owned(), PortNo(4));
        assert_eq!(ports.get("vma0"), None);
        assert_eq!(ports.name(PortNo(4)), Some("vmb0"));
    }

    #[test]
    fn an_interface_goes_by_the_name_it_was_given() {
        let names = |pairs: &[(&str, &str)]| {
            let own =
                |(interface, name): &(&str, &str)| ((*interface).to_owned(), (*name).to_owned());
            pairs.iter().map(own).collect::<BTreeMap<_, _>>()
        };
        let numbers = |changed: BTreeSet<PortNo>| changed.iter().map(|it| it.0).collect::<Vec<_>>();
        let mut ports: Ports = [
            ("vnet0".to_owned(), PortNo(4)),
            ("eth1".to_owned(), PortNo(1)),
        ]
        .into_iter()
        .collect();
        assert_eq!(numbers(ports.call(names(&[("vnet0", "guest")]))), [4]);
        assert_eq!(ports.get("guest"), Some(PortNo(4)));
        assert_eq!(ports.get("vnet0"), None);
        assert_eq!(ports.name(PortNo(4)), Some("guest"));
        assert_eq!(ports.interface(PortNo(4)), Some("vnet0"));
        let all: Vec<_> = ports.iter().collect();
        assert_eq!(all, [("eth1", PortNo(1)), ("guest", PortNo(4))]);
        // One that is not there can not have it.
        assert_eq!(numbers(ports.call(names(&[("vnet7", "guest")]))), [4]);
        assert_eq!(ports.get("vnet0"), Some(PortNo(4)));
        let changed = ports.update(&told(PortReason::Add, "vnet7", 9));
        assert_eq!(numbers(changed), [9]);
        assert_eq!(ports.get("guest"), None);
        assert_eq!(numbers(ports.call(names(&[("vnet7", "guest")]))), [9]);
        assert_eq!(ports.get("guest"), Some(PortNo(9)));
        // The same names again change nothing.
        assert!(ports.call(names(&[("vnet7", "guest")])).is_empty());
    }

    #[test]
    fn a_name_that_was_given_ends_with_the_port() {
        let called = || {
            let mut ports: Ports = [("tap0".to_owned(), PortNo(5))].into_iter().collect();
            ports.call([("tap0".to_owned(), "guest".to_owned())].into());
            assert_eq!(ports.get("guest"), Some(PortNo(5)));
            ports
        };
        let ends: [&[PortStatus]; 3] = [
            &[
                told(PortReason::Delete, "tap0", 5),
                told(PortReason::Add, "tap0", 7),
            ],
            &[told(PortReason::Add, "tap0", 7)],
            &[
                told(PortReason::Add, "eve0", 5),
                told(PortReason::Add, "tap0", 7),
            ],
        ];
        for end in ends {
            let mut ports = called();
            for status in end {
                ports.update(status);
            }
            assert_eq!(ports.get("guest"), None, "{end:?}");
            assert_eq!(ports.get("tap0"), Some(PortNo(7)), "{end:?}");
        }
        let mut ports = called();
        ports.update(&told(PortReason::Modify, "tap0", 5));
        assert_eq!(ports.get("guest"), Some(PortNo(5)));
    }

    fn told(reason: PortReason, name: &str, number: u32) -> PortStatus {
        let desc = Port {
            port_no: PortNo(number),
            hw_addr: MacAddr([2, 0, 0, 0, 0, 9]),
            name: PortName::new(name).unwrap(),
            config: PortConfig::empty(),
            state: PortState::LIVE,
            curr: PortFeatures::empty(),
            advertised: PortFeatures::empty(),
            supported: PortFeatures::empty(),
            peer: PortFeatures::empty(),
            curr_speed: 0,
            max_speed: 0,
        };
        PortStatus { reason, desc }
    }

    #[test]
    fn links_are_followed() {
        let without_link = |reason| {
            let mut status = told(reason, "ips-in", 4);
            status.desc.state = PortState::LINK_DOWN;
            status
        };
        let number = PortNo(4);
        let mut ports = Ports::from_iter([&without_link(PortReason::Add).desc]);
        assert!(!ports.is_up(number));
        ports.update(&told(PortReason::Modify, "ips-in", 4));
        assert!(ports.is_up(number));
        ports.update(&without_link(PortReason::Modify));
        assert!(!ports.is_up(number));
        // Another port under this number has a link of its own.
        ports.update(&told(PortReason::Add, "ids0", 4));
        assert!(ports.is_up(number));
        ports.update(&told(PortReason::Delete, "ids0", 4));
        assert!(!ports.is_up(number));
    }

    #[test]
    fn a_port_that_is_not_live_passes_nothing_where_others_are() {
        let not_live = |name, number| {
            let mut status = told(PortReason::Modify, name, number);
            status.desc.state = PortState::empty();
            status
        };
        let (sink, other) = (
            not_live("sink0", 4).desc,
            told(PortReason::Add, "ids0", 5).desc,
        );
        // Whichever comes first.
        for ports in [[&sink, &other], [&other, &sink]] {
            let mut ports = Ports::from_iter(ports);
            assert!(!ports.is_up(PortNo(4)) && ports.is_up(PortNo(5)));
            ports.update(&told(PortReason::Modify, "sink0", 4));
            assert!(ports.is_up(PortNo(4)));
            ports.update(&not_live("sink0", 4));
            assert!(!ports.is_up(PortNo(4)));
        }
        // A switch that never says so says nothing by that, until it does.
        let mut ports = Ports::from_iter([&sink]);
        assert!(ports.is_up(PortNo(4)));
        ports.update(&told(PortReason::Add, "ids0", 5));
        assert!(!ports.is_up(PortNo(4)));
        assert_eq!(Vec::from_iter(ports.up()), [PortNo(5)]);
    }

    #[test]
    fn what_a_bridge_tells_is_followed() {
        use PortReason::{Add, Delete, Modify};
        // What is told, the numbers that changed, what is there then.
        type Chapter = (PortStatus, &'static [u32], &'static [(&'static str, u32)]);
        let story: [Chapter; 8] = [
            (told(Add, "vma0", 4), &[4], &[("vma0", 4)]),
            (told(Modify, "vma0", 4), &[], &[("vma0", 4)]),
            (told(Add, "vma0", 9), &[4, 9], &[("vma0", 9)]),
            (told(Delete, "vma0", 4), &[], &[("vma0", 9)]),
            (told(Modify, "vmb0", 9), &[9], &[("vmb0", 9)]),
            (told(Delete, "vma0", 9), &[], &[("vmb0", 9)]),
            (told(Delete, "vmb0", 9), &[9], &[]),
            (told(Delete, "vmb0", 9), &[], &[]),
        ];
        let mut ports = Ports::default();
        for (status, changed, there) in story {
            let numbers: Vec<u32> = ports.update(&status).into_iter().map(|it| it.0).collect();
            assert_eq!(numbers, changed, "{status:?}");
            let all: Vec<(&str, u32)> = ports.iter().map(|(name, it)| (name, it.0)).collect();
            assert_eq!(all, there, "{status:?}");
        }
    }
}
