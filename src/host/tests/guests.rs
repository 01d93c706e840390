//! vNICs that are found by what the OVS database says of interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openflow::{MacAddr, PortNo};
use proptest::prelude::*;

use super::lab::Lab;
use super::log;
use super::topologies::{CHAIN, NETWORK, chain, changed, lab};
use crate::ovsdb::{Database, Feed, Interface, Link};
use crate::status::Kind;
use crate::topology::{InterfaceMatch, Role, Topology};

/// What the two guests are found by.
const IDS: [(&str, &str); 2] = [
    ("attached-mac", "02:00:00:00:00:01"),
    ("iface-id", "b9b9cbc4"),
];

/// `chain()`, in which guest1 and guest2 are found.
fn found() -> Topology {
    changed(&chain(), |host| {
        let first = InterfaceMatch {
            mac: Some(MacAddr([2, 0, 0, 0, 0, 1])),
            ..InterfaceMatch::default()
        };
        let second = InterfaceMatch {
            iface_id: Some(IDS[1].1.to_owned()),
            ..InterfaceMatch::default()
        };
        for (vnic, wanted) in host.vnics.iter_mut().zip([first, second]) {
            vnic.port = wanted.to_string();
            vnic.found_by = Some(wanted);
        }
    })
}

/// A database in which interfaces, by name, are on a bridge and are a guest, by position, with the
/// number of their port; 0 is none.
fn database(interfaces: &[(&str, &str, usize, u32)]) -> Database {
    let interfaces = interfaces.iter().map(|(name, bridge, guest, number)| {
        let (key, value) = IDS[*guest];
        let interface = Interface {
            bridge: Some((*bridge).to_owned()),
            external_ids: [(key.to_owned(), value.to_owned())].into(),
            ofport: Some(PortNo(*number)).filter(|number| number.0 > 0),
        };
        ((*name).to_owned(), interface)
    });
    Database {
        bridges: ["br0.local", "br.nf", "br0"]
            .map(|name| (name.to_owned(), None))
            .into(),
        interfaces: interfaces.collect(),
    }
}

fn feed(database: Database) -> Feed {
    Feed {
        database: Some(Arc::new(database)),
        link: Link::Up,
    }
}

fn hear(lab: &mut Lab, database: Database) {
    lab.state.database(&feed(database), &mut lab.wires);
}

/// The connection to the database is gone.
fn lose_database(lab: &mut Lab, last: Option<Arc<Database>>) {
    let down = Feed {
        database: last,
        link: Link::Down("closed by the server".to_owned()),
    };
    lab.state.database(&down, &mut lab.wires);
}

/// A host on which guest1 is at vnet0, which is port 5.
fn bound() -> Lab {
    let mut lab = lab(found());
    lab.wires.get(Role::Local).add_port("vnet0", 5);
    for role in CHAIN {
        lab.connect(role);
    }
    hear(&mut lab, database(&[("vnet0", "br0.local", 0, 5)]));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    lab.take_sent();
    lab
}

/// Checks that the guests are bound to these interfaces of the local bridge, and no others, and that
/// all bridges hold what follows from that.
#[track_caller]
fn assert_at(lab: &mut Lab, expected: &[(usize, &str)]) {
    let host = &found().hosts["node1"];
    let names = expected
        .iter()
        .map(|(guest, interface)| ((*interface).to_owned(), host.vnics[*guest].port.clone()))
        .collect();
    assert_eq!(*lab.state.bridges[&Role::Local].ports.called(), names);
    lab.wires.get(Role::Local).ports.call(names);
    lab.assert_in_sync();
    lab.wires.get(Role::Local).ports.call(BTreeMap::new());
}

fn happened(lab: &mut Lab) -> Vec<Kind> {
    let news = lab.state.take_happenings().into_iter();
    news.map(|it| it.kind)
        .filter(|kind| *kind != Kind::BridgeInSync)
        .collect()
}

#[test]
fn a_guest_is_served_where_the_database_says_it_is() {
    let mut lab = lab(found());
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    assert_at(&mut lab, &[]);
    // The row comes first, then its number, then the port.
    hear(&mut lab, database(&[("vnet0", "br0.local", 0, 0)]));
    hear(&mut lab, database(&[("vnet0", "br0.local", 0, 5)]));
    lab.settle();
    lab.take_sent();
    lab.wires.get(Role::Local).add_port("vnet0", 5);
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    let sent = lab.take_sent();
    assert!(!sent[&Role::Local].commits.is_empty());
    assert!(sent[&Role::Service].no_change() && sent[&Role::Uplink].no_change());
    // The port comes first, then the row, then its number.
    lab.wires.get(Role::Local).add_port("vnet1", 6);
    lab.settle();
    assert!(lab.take_sent()[&Role::Local].no_change());
    hear(
        &mut lab,
        database(&[("vnet0", "br0.local", 0, 5), ("vnet1", "br0.local", 1, 0)]),
    );
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    hear(
        &mut lab,
        database(&[("vnet0", "br0.local", 0, 5), ("vnet1", "br0.local", 1, 6)]),
    );
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0"), (1, "vnet1")]);
}

#[test]
fn a_guest_that_comes_back_under_another_name_is_told_and_what_was_learned_there_is_forgotten() {
    let mut lab = bound();
    lab.frame(Role::Local, 5, NETWORK, 0x10);
    lab.settle();
    assert_eq!(lab.state.macs().len(), 1);
    happened(&mut lab);
    lab.wires.get(Role::Local).del_port(PortNo(5));
    hear(&mut lab, database(&[]));
    lab.settle();
    assert_at(&mut lab, &[]);
    assert_eq!(lab.state.macs().len(), 0);
    hear(&mut lab, database(&[("tap9", "br0.local", 0, 6)]));
    lab.wires.get(Role::Local).add_port("tap9", 6);
    lab.settle();
    assert_at(&mut lab, &[(0, "tap9")]);
    hear(&mut lab, database(&[("tap10", "br0.local", 0, 7)]));
    lab.settle();
    assert_eq!(
        happened(&mut lab),
        [
            Kind::GuestUnbound,
            Kind::PortGone,
            Kind::PortAdded,
            Kind::GuestBound,
            // The row of the next one is there before its port is.
            Kind::GuestUnbound,
        ]
    );
}

#[test]
fn a_guest_whose_ids_are_written_to_another_port_moves_there() {
    let mut lab = bound();
    lab.wires.get(Role::Local).add_port("vnet1", 6);
    lab.settle();
    happened(&mut lab);
    hear(&mut lab, database(&[("vnet1", "br0.local", 0, 6)]));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet1")]);
    assert_eq!(happened(&mut lab), [Kind::GuestMoved]);
}

/// guest1's tap goes, and guest2's comes under the same name.
fn replug(lab: &mut Lab, number: u32) {
    let wire = lab.wires.get(Role::Local);
    wire.del_port(PortNo(5));
    wire.add_port("vnet0", number);
}

#[test]
fn a_tap_with_the_name_of_an_earlier_one_is_nobodys_until_the_database_says_whose() {
    let before = || Some(Arc::new(database(&[("vnet0", "br0.local", 0, 5)])));
    let after = |number| database(&[("vnet0", "br0.local", 1, number)]);
    // While there is no database, be it with a number that was used before.
    for number in [7, 5] {
        let mut lab = bound();
        lose_database(&mut lab, before());
        happened(&mut lab);
        replug(&mut lab, number);
        lab.settle();
        assert_at(&mut lab, &[]);
        assert_eq!(
            happened(&mut lab),
            [Kind::PortGone, Kind::GuestUnbound, Kind::PortAdded]
        );
        hear(&mut lab, after(number));
        lab.settle();
        assert_at(&mut lab, &[(1, "vnet0")]);
    }
    // While the bridge is away, too.
    let mut lab = bound();
    lose_database(&mut lab, before());
    lab.disconnect(Role::Local);
    replug(&mut lab, 7);
    lab.connect(Role::Local);
    lab.settle();
    assert_at(&mut lab, &[]);
    hear(&mut lab, after(7));
    lab.settle();
    assert_at(&mut lab, &[(1, "vnet0")]);
    // The bridge is heard before the database.
    let mut lab = bound();
    replug(&mut lab, 7);
    lab.settle();
    assert_at(&mut lab, &[]);
    hear(&mut lab, after(7));
    lab.settle();
    assert_at(&mut lab, &[(1, "vnet0")]);
    // The database is heard before the bridge.
    let mut lab = bound();
    hear(&mut lab, after(7));
    lab.settle();
    assert_at(&mut lab, &[]);
    replug(&mut lab, 7);
    lab.settle();
    assert_at(&mut lab, &[(1, "vnet0")]);
}

#[test]
fn a_port_that_comes_back_without_a_change_of_the_database_is_whose_it_was() {
    let mut lab = bound();
    // A device that vanishes keeps its row and the number there.
    lab.wires.get(Role::Local).del_port(PortNo(5));
    lab.settle();
    assert_at(&mut lab, &[]);
    lab.wires.get(Role::Local).add_port("vnet0", 5);
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    // The same, if the database is back only later, with nothing new.
    let last = Some(Arc::new(database(&[("vnet0", "br0.local", 0, 5)])));
    lose_database(&mut lab, last.clone());
    lab.wires.get(Role::Local).del_port(PortNo(5));
    lab.wires.get(Role::Local).add_port("vnet0", 5);
    lab.settle();
    assert_at(&mut lab, &[]);
    let up = Feed {
        database: last,
        link: Link::Up,
    };
    lab.state.database(&up, &mut lab.wires);
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
}

#[test]
fn another_database_starts_anew_and_guests_stay_meanwhile() {
    let mut lab = bound();
    lab.state.change_database(None);
    lab.reload(found());
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    let shown = lab.state.status(lab.now).database.expect("a database");
    assert!(!shown.connected);
    assert!(shown.error.is_some());
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    // What the one before said of this port counts no more.
    replug(&mut lab, 5);
    lab.settle();
    assert_at(&mut lab, &[]);
    happened(&mut lab);
    hear(&mut lab, database(&[("vnet0", "br0.local", 0, 5)]));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    assert_eq!(
        happened(&mut lab),
        [Kind::DatabaseConnected, Kind::GuestBound]
    );
}

#[test]
fn why_there_is_no_database_is_said() {
    let mut lab = lab(found());
    let error = |lab: &Lab| lab.state.status(lab.now).database.unwrap().error;
    let not_asked = "not asked yet: no bridge of the host has connected";
    assert_eq!(error(&lab).as_deref(), Some(not_asked));
    lab.connect(Role::Local);
    lab.settle();
    for (link, told) in [
        (Link::Connecting, Some("not answered yet")),
        (Link::Down("refused".to_owned()), Some("refused")),
        (Link::Up, None),
    ] {
        let feed = Feed {
            link,
            ..feed(database(&[]))
        };
        lab.state.database(&feed, &mut lab.wires);
        assert_eq!(error(&lab).as_deref(), told);
    }
}

#[test]
fn without_a_database_guests_stay_where_they_are_and_a_restart_finds_them_there() {
    let mut lab = bound();
    let last = database(&[("vnet0", "br0.local", 0, 5)]);
    lose_database(&mut lab, Some(Arc::new(last)));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    let shown = lab.state.status(lab.now);
    let shown_database = shown.database.expect("a database");
    assert!(!shown_database.connected);
    assert_eq!(
        shown_database.error.as_deref(),
        Some("closed by the server")
    );
    assert_eq!(shown.guests[0].port.as_deref(), Some("vnet0"));
    assert!(shown.guests[0].present);
    assert_eq!(shown.guests[1].port, None);

    lab.restart();
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));
    let refused = Feed {
        database: None,
        link: Link::Down("refused".to_owned()),
    };
    lab.state.database(&refused, &mut lab.wires);
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    assert!(lab.take_sent().values().all(|sent| sent.no_change()));

    // The switch starts anew, and has no notes.
    lab.disconnect(Role::Local);
    lab.wires.get(Role::Local).switch = Default::default();
    lab.connect(Role::Local);
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
}

#[test]
fn a_number_that_another_interface_has_got_meanwhile_is_nobodys() {
    let mut lab = bound();
    lab.restart();
    let wire = lab.wires.get(Role::Local);
    wire.del_port(PortNo(5));
    wire.add_port("eve0", 5);
    for role in CHAIN {
        lab.connect(role);
    }
    lab.settle();
    assert_at(&mut lab, &[]);
}

#[test]
fn of_several_interfaces_the_one_with_the_newest_port_is_taken_when_that_comes() {
    let mut lab = bound();
    let several = [("vnet0", "br0.local", 0, 5), ("vnet1", "br0.local", 0, 6)];
    hear(&mut lab, database(&several));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    lab.wires.get(Role::Local).add_port("vnet1", 6);
    let warned = log::warnings(|| lab.settle());
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains("vnet1 and vnet0 all claim to be it"),
        "{warned:?}"
    );
    assert_at(&mut lab, &[(0, "vnet1")]);
    lab.wires.get(Role::Local).del_port(PortNo(6));
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
    assert!(
        lab.state
            .status(lab.now)
            .database
            .expect("a database")
            .problems
            .is_empty()
    );
}

#[test]
fn guests_stay_on_a_bridge_that_the_database_does_not_have() {
    let mut lab = bound();
    hear(&mut lab, Database::default());
    lab.settle();
    // The lab's bridges tell no datapath id, so nothing is known to be wrong; a real one does.
    assert_at(&mut lab, &[]);
    let mut lab = bound();
    let id = Some(openflow::DatapathId(7));
    let ports = lab.wires.get(Role::Local).ports.clone();
    lab.disconnect(Role::Local);
    lab.wires.get(Role::Local).connected = true;
    lab.state.bridge_up(Role::Local, id, ports, &mut lab.wires);
    lab.settle();
    let warned = log::warnings(|| {
        hear(&mut lab, Database::default());
        // Once is enough.
        hear(&mut lab, Database::default());
    });
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains("no bridge br0.local with datapath id 0000000000000007"),
        "{warned:?}"
    );
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
}

#[test]
fn a_vnic_that_is_named_again_is_no_longer_found() {
    let mut lab = bound();
    lab.reload(changed(&found(), |host| {
        host.vnics[0].port = "vnet0".to_owned();
        host.vnics[0].found_by = None;
    }));
    lab.settle();
    lab.assert_in_sync();
    let changes: usize = lab.take_sent()[&Role::Local]
        .commits
        .iter()
        .map(Vec::len)
        .sum();
    assert_eq!(changes, 1, "only the note goes");
    lab.reload(found());
    lab.settle();
    assert_at(&mut lab, &[(0, "vnet0")]);
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Switch(Role),
    Controller(Role),
    Connect(Role),
    Disconnect(Role),
    Restart,
    Frame(u32, u64),
    AddPort(usize, u32),
    DelPort(u32),
    /// An interface of the database becomes one of a guest, or of nobody, on a bridge.
    Note(usize, Option<usize>, &'static str),
    Delete(usize),
    /// The database comes to know the numbers that ports have now.
    Number,
    /// The controller hears of all that.
    Hear,
    /// It hears no more of it.
    Deaf,
    Lose,
}

const INTERFACES: [&str; 3] = ["vnet0", "vnet1", "vnet2"];

fn step() -> impl Strategy<Value = Step> {
    let role = || prop::sample::select(CHAIN.to_vec());
    let interface = || 0..INTERFACES.len();
    prop_oneof![
        10 => role().prop_map(Step::Switch),
        10 => role().prop_map(Step::Controller),
        2 => role().prop_map(Step::Connect),
        1 => role().prop_map(Step::Disconnect),
        1 => Just(Step::Restart),
        3 => (5..9u32, 1..3u64).prop_map(|(port, mac)| Step::Frame(port, mac << 4)),
        4 => (interface(), 5..9u32).prop_map(|(name, number)| Step::AddPort(name, number)),
        2 => (5..9u32).prop_map(Step::DelPort),
        5 => (interface(), prop::option::weighted(0.9, 0..2usize), prop::sample::select(vec!["br0.local", "br0.local", "br0"]))
            .prop_map(|(name, guest, bridge)| Step::Note(name, guest, bridge)),
        2 => interface().prop_map(Step::Delete),
        4 => Just(Step::Number),
        5 => Just(Step::Hear),
        1 => Just(Step::Deaf),
        1 => Just(Step::Lose),
    ]
}

/// The database as it is: whose an interface is, on which bridge, and its number, 0 for none.
type Rows = BTreeMap<&'static str, (Option<usize>, &'static str, u32)>;

/// The database, and what the controller has heard of it.
#[derive(Default)]
struct World {
    rows: Rows,
    last: Option<Arc<Database>>,
    /// The controller knows that it hears every change.
    hears: bool,
    /// Interface, number and guest of all that was ever heard of the local bridge, and of that which
    /// was heard last.
    ever: BTreeSet<(&'static str, u32, usize)>,
    lately: BTreeSet<(&'static str, u32, usize)>,
}

impl World {
    fn hear(&mut self, lab: &mut Lab) {
        let known = self.rows.iter();
        let known: Vec<_> = known
            .filter_map(|(name, (guest, bridge, number))| {
                Some((*name, *bridge, (*guest)?, *number))
            })
            .collect();
        let local = known
            .iter()
            .filter(|(_, bridge, ..)| *bridge == "br0.local");
        self.lately = local
            .map(|&(name, _, guest, number)| (name, number, guest))
            .collect();
        self.ever.extend(&self.lately);
        self.hears = true;
        let database = Arc::new(database(&known));
        self.last = Some(Arc::clone(&database));
        let feed = Feed {
            database: Some(database),
            link: Link::Up,
        };
        lab.state.database(&feed, &mut lab.wires);
    }

    fn number(&mut self, lab: &mut Lab) {
        let ports = &lab.wires.get(Role::Local).ports;
        for (name, (_, _, number)) in &mut self.rows {
            *number = ports.get(name).map_or(0, |number| number.0);
        }
    }

    /// Checks that every guest is at a port that the database has said is its, by name and number:
    /// where it is heard, just now.
    fn check(&self, lab: &mut Lab) {
        let is_up = lab.wires.get(Role::Local).connected;
        let Some(bridge) = lab.state.bridges.get(&Role::Local) else {
            return;
        };
        let said = if self.hears && is_up {
            &self.lately
        } else {
            &self.ever
        };
        let host = &lab.topology.hosts["node1"];
        for (interface, name) in bridge.ports.called() {
            let number = bridge.ports.number_of(interface).map(|number| number.0);
            let is_said = said.iter().any(|(told, told_number, guest)| {
                told == interface
                    && Some(*told_number) == number
                    && host.vnics[*guest].port == *name
            });
            assert!(is_said, "{name} at {interface}, {number:?}; said: {said:?}");
        }
    }
}

fn happen(lab: &mut Lab, world: &mut World, step: Step) {
    match step {
        Step::Switch(role) => {
            lab.wires.get(role).step_switch();
        }
        Step::Controller(role) => {
            lab.step_controller(role);
        }
        Step::Connect(role) => lab.connect(role),
        Step::Disconnect(role) => lab.disconnect(role),
        Step::Restart => {
            world.hears = false;
            lab.restart();
        }
        Step::Frame(port, mac) => lab.frame(Role::Local, port, NETWORK, mac),
        Step::AddPort(name, number) => {
            let wire = lab.wires.get(Role::Local);
            wire.del_port(PortNo(number));
            wire.add_port(INTERFACES[name], number);
        }
        Step::DelPort(number) => lab.wires.get(Role::Local).del_port(PortNo(number)),
        Step::Note(name, guest, bridge) => {
            let row = world.rows.entry(INTERFACES[name]).or_default();
            *row = (guest, bridge, row.2);
        }
        Step::Delete(name) => {
            world.rows.remove(INTERFACES[name]);
        }
        Step::Number => world.number(lab),
        Step::Hear => world.hear(lab),
        Step::Deaf => {
            world.hears = false;
            lose_database(lab, world.last.clone());
        }
        Step::Lose => {
            lab.disconnect(Role::Local);
            lab.wires.get(Role::Local).switch = Default::default();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, guests come to be at the interfaces that say so: of several
    /// the one with the highest port number; and at no time at others that have their names.
    #[test]
    fn guests_come_to_be_where_they_are(steps in prop::collection::vec(step(), 0..100)) {
        let (mut lab, mut world) = (lab(found()), World::default());
        for step in steps {
            happen(&mut lab, &mut world, step);
            world.check(&mut lab);
        }
        for role in CHAIN {
            if !lab.wires.get(role).connected {
                lab.connect(role);
            }
        }
        world.number(&mut lab);
        world.hear(&mut lab);
        lab.settle_in_time();
        let ports = lab.wires.get(Role::Local).ports.clone();
        let expected: Vec<(usize, &str)> = (0..2)
            .filter_map(|guest| {
                let mine = world.rows.iter();
                let mine = mine.filter(|(_, row)| (row.0, row.1) == (Some(guest), "br0.local"));
                let there = mine.filter_map(|(name, _)| Some((ports.get(name)?, *name)));
                Some((guest, there.max()?.1))
            })
            .collect();
        assert_at(&mut lab, &expected);
        // Another controller finds the same, be it without the database at first.
        lab.take_sent();
        lab.restart();
        for role in CHAIN {
            lab.connect(role);
        }
        lab.settle();
        prop_assert!(lab.take_sent().values().all(|sent| sent.no_change()));
        world.hear(&mut lab);
        lab.settle();
        prop_assert!(lab.take_sent().values().all(|sent| sent.no_change()));
        assert_at(&mut lab, &expected);
    }
}
