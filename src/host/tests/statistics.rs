//! What bridges have counted, however their ports, flows and meters come and go.

use std::time::{Duration, Instant};

use openflow::{
    Cookie, FlowRemoved, FlowRemovedReason, FlowStats, MultipartReplyBody, PortNo, PortReason,
    PortStats, PortStatus,
};
use proptest::prelude::*;

use super::lab::{Lab, port};
use super::topologies::{LOCAL_PORTS, chain, changed, running_lab};
use crate::cookie::Class;
use crate::host::Count;
use crate::host::tally::{Counter, Item, Reading, SETTLE, Tally};
use crate::program::FlowKey;
use crate::session::Event;
use crate::status::Cause;
use crate::topology::Role;

const SECOND: Duration = Duration::from_secs(1);

fn count(frames: u64) -> Count {
    Count {
        frames,
        bytes: frames * 100,
    }
}

/// The flow that drops what comes in by the vNIC `pinned` with a tag.
fn flow(lab: &mut Lab) -> FlowKey {
    let switch = &lab.wires.get(Role::Local).switch;
    let in_port = LOCAL_PORTS.iter().find(|(name, _)| *name == "pinned");
    let number = in_port.expect("the port").1;
    let mut flows = switch.program.flows.iter();
    let found = flows.find(|(key, flow)| {
        let in_port = key.match_.get(openflow::OxmField::InPort);
        flow.cookie == Class::DropVlan.cookie() && in_port.map(|(it, _)| it) == Some(number.into())
    });
    found.expect("the flow").0.clone()
}

fn cookie() -> Cookie {
    Class::DropVlan.cookie()
}

fn flow_stats(key: &FlowKey, frames: u64, seconds: u32) -> FlowStats {
    FlowStats {
        table_id: key.table,
        duration_sec: seconds,
        duration_nsec: 7,
        priority: key.priority,
        idle_timeout: 0,
        hard_timeout: 0,
        flags: openflow::FlowModFlags::SEND_FLOW_REM,
        cookie: cookie(),
        packet_count: frames,
        byte_count: frames * 100,
        match_: key.match_.clone(),
        instructions: Vec::new(),
    }
}

fn port_stats(number: u32, frames: u64, seconds: u32) -> PortStats {
    PortStats {
        port_no: PortNo(number),
        rx_packets: frames,
        tx_packets: 0,
        rx_bytes: frames * 100,
        tx_bytes: 0,
        rx_dropped: 0,
        tx_dropped: 0,
        rx_errors: 0,
        tx_errors: 0,
        rx_frame_err: 0,
        rx_over_err: 0,
        rx_crc_err: 0,
        collisions: 0,
        duration_sec: seconds,
        duration_nsec: 0,
    }
}

/// Somebody asks; returns how many of the bridges are asked.
fn ask(lab: &mut Lab) -> usize {
    lab.take_sent();
    lab.state.survey(lab.now, &mut lab.wires);
    let sent = lab.take_sent();
    sent.values().map(|sent| sent.surveys.len()).sum()
}

fn answer_in_part(lab: &mut Lab, role: Role, answers: Vec<MultipartReplyBody>, is_whole: bool) {
    let event = Event::Surveyed { answers, is_whole };
    lab.wires.get(role).push_event(event);
    lab.settle();
}

/// The local bridge answers, the others have nothing to tell.
fn answer(lab: &mut Lab, answer: MultipartReplyBody) {
    answer_in_part(lab, Role::Local, vec![answer], true);
    for role in [Role::Service, Role::Uplink] {
        answer_in_part(lab, role, Vec::new(), true);
    }
}

/// Somebody asks a second later, and the local bridge answers that.
fn read(lab: &mut Lab, answered: MultipartReplyBody) {
    lab.now += SECOND;
    assert_eq!(ask(lab), 3);
    answer(lab, answered);
}

/// The frames that are said to be dropped.
fn dropped(lab: &Lab) -> u64 {
    let statistics = lab.state.statistics();
    let drops = statistics.drops.iter();
    let of = drops.filter(|drop| drop.cause == Cause::Vlan);
    of.map(|drop| drop.frames).sum()
}

fn received(lab: &Lab, name: &str) -> u64 {
    let statistics = lab.state.statistics();
    let mut ports = statistics.ports.iter();
    let found = ports.find(|port| port.port == name);
    found.map_or(0, |port| port.received.frames)
}

fn gone(lab: &mut Lab, key: &FlowKey, frames: u64) {
    let removed = FlowRemoved {
        cookie: cookie(),
        priority: key.priority,
        reason: FlowRemovedReason::Delete,
        table_id: key.table,
        duration_sec: 100,
        duration_nsec: 0,
        idle_timeout: 0,
        hard_timeout: 0,
        packet_count: frames,
        byte_count: frames * 100,
        match_: key.match_.clone(),
    };
    lab.wires
        .get(Role::Local)
        .push_event(Event::FlowRemoved(removed));
    lab.settle();
}

#[test]
fn what_a_flow_has_counted_when_we_delete_it_is_not_lost() {
    // Whether its notice comes before the next reading, after it or while that is under way.
    for order in ["before", "after", "meanwhile", "never read"] {
        let mut lab = running_lab();
        let key = flow(&mut lab);
        let stats =
            |frames, seconds| MultipartReplyBody::Flow(vec![flow_stats(&key, frames, seconds)]);
        if order != "never read" {
            read(&mut lab, stats(10, 100));
            assert_eq!(dropped(&lab), 10);
        }
        // The vNIC goes and comes back, as by two changes of the configuration.
        let without = changed(&chain(), |host| host.vnics.retain(|it| it.port != "pinned"));
        lab.reload(without);
        lab.settle_untold();
        lab.reload(chain());
        lab.settle_untold();
        lab.wires.get(Role::Local).switch.removed.clear();
        match order {
            "after" => {
                read(&mut lab, stats(3, 0));
                assert_eq!(dropped(&lab), 10, "what is unknown is not told");
                gone(&mut lab, &key, 15);
            }
            "meanwhile" => {
                lab.now += SECOND;
                ask(&mut lab);
                gone(&mut lab, &key, 15);
                // Of the one that was there when this was asked.
                answer(&mut lab, stats(14, 100));
            }
            _ => gone(&mut lab, &key, 15),
        }
        assert_eq!(dropped(&lab), 15, "{order}");
        read(&mut lab, stats(7, 6));
        assert_eq!(dropped(&lab), 22, "{order}");
        read(&mut lab, stats(9, 7));
        assert_eq!(dropped(&lab), 24, "{order}");
    }
}

#[test]
fn what_a_bridge_leaves_out_of_an_answer_is_not_counted_again() {
    let mut lab = running_lab();
    let key = flow(&mut lab);
    let stats = |frames| MultipartReplyBody::Flow(vec![flow_stats(&key, frames, 100)]);
    read(&mut lab, stats(10));
    for _ in 0..10 {
        lab.now += SECOND;
        ask(&mut lab);
        for role in [Role::Local, Role::Service, Role::Uplink] {
            answer_in_part(&mut lab, role, Vec::new(), false);
        }
    }
    read(&mut lab, stats(11));
    assert_eq!(dropped(&lab), 11);
}

#[test]
fn who_asks_while_bridges_are_being_asked_waits_for_these_answers() {
    let mut lab = running_lab();
    let key = flow(&mut lab);
    let stats = MultipartReplyBody::Flow(vec![flow_stats(&key, 10, 100)]);
    assert_eq!(ask(&mut lab), 3);
    for role in [Role::Service, Role::Uplink] {
        answer_in_part(&mut lab, role, Vec::new(), true);
    }
    for _ in 0..9 {
        lab.now += SECOND;
        // The others have answered, and are asked anew.
        assert_eq!(ask(&mut lab), 2);
        assert!(lab.state.is_surveying());
        for role in [Role::Service, Role::Uplink] {
            answer_in_part(&mut lab, role, Vec::new(), true);
        }
    }
    answer_in_part(&mut lab, Role::Local, vec![stats], true);
    assert_eq!(dropped(&lab), 10);
    assert!(!lab.state.is_surveying());

    // One that does not answer is asked again some time.
    lab.now += SECOND;
    assert_eq!(ask(&mut lab), 3);
    lab.now += Duration::from_secs(10);
    assert_eq!(ask(&mut lab), 3);
}

#[test]
fn a_port_that_goes_and_comes_back_is_not_counted_again() {
    // Taken out and put back, told or not as while vswitchd is started again: its device goes on. One
    // that has counted less is another.
    for (told, frames, total) in [
        (true, 12, 12),
        (false, 12, 12),
        (true, 4, 14),
        (false, 4, 14),
    ] {
        let mut lab = running_lab();
        let stats =
            |frames, seconds| MultipartReplyBody::PortStats(vec![port_stats(1, frames, seconds)]);
        read(&mut lab, stats(10, 100));
        assert_eq!(received(&lab, "guest1"), 10);
        if told {
            for reason in [PortReason::Delete, PortReason::Add] {
                let desc = port("guest1", PortNo(1));
                let status = Event::PortStatus(PortStatus { reason, desc });
                lab.wires.get(Role::Local).push_event(status);
                lab.settle();
            }
        }
        read(&mut lab, stats(frames, 5));
        assert_eq!(received(&lab, "guest1"), total, "{told}, {frames}");
        read(&mut lab, stats(frames + 1, 6));
        assert_eq!(received(&lab, "guest1"), total + 1, "{told}, {frames}");
    }
}

/// It is not shown while it is away, and begins at 0 when it is back: what it has counted was shown.
#[test]
fn a_port_that_is_away_for_long_is_not_counted_again() {
    let mut lab = running_lab();
    let stats = |frames| MultipartReplyBody::PortStats(vec![port_stats(1, frames, 5)]);
    let tell = |lab: &mut Lab, reason| {
        let desc = port("guest1", PortNo(1));
        let status = Event::PortStatus(PortStatus { reason, desc });
        lab.wires.get(Role::Local).push_event(status);
        lab.settle();
    };
    read(&mut lab, stats(1000));
    tell(&mut lab, PortReason::Delete);
    for _ in 0..10 {
        read(&mut lab, MultipartReplyBody::PortStats(Vec::new()));
        assert_eq!(received(&lab, "guest1"), 0);
    }
    tell(&mut lab, PortReason::Add);
    read(&mut lab, stats(1005));
    assert_eq!(received(&lab, "guest1"), 5);
}

/// A reading of the port `name`, which is at `interface`.
fn port_reading(interface: &str, name: &str, frames: u64, age: Duration) -> Reading {
    Reading {
        counter: Counter::Received(interface.to_owned()),
        item: Some(Item::Received(name.to_owned())),
        count: count(frames),
        age,
    }
}

#[test]
fn of_ports_that_are_gone_one_is_kept_for_each_that_is_configured() {
    let mut tally = Tally::default();
    let mut now = Instant::now();
    let mut add = |tally: &mut Tally, read: Vec<Reading>| {
        now += SECOND;
        tally.add(now, Role::Local, read, true);
        tally.retain_ports(Role::Local, |_| true, |name| name != "other");
    };
    let reading =
        |interface: &str, name: &str, frames| port_reading(interface, name, frames, SECOND);
    // A guest gets another interface each time that it starts.
    for number in 0..100 {
        add(&mut tally, vec![reading(&format!("vnet{number}"), "a", 10)]);
    }
    add(&mut tally, vec![reading("tap", "other", 10)]);
    assert_eq!(tally.known_count(Role::Local), 2, "the last one, and tap");
    add(&mut tally, Vec::new());
    assert_eq!(tally.known_count(Role::Local), 1, "the last one");
    let of_a = (Role::Local, Item::Received("a".to_owned()));
    let total = |tally: &Tally| tally.totals()[&of_a].frames;
    assert_eq!(total(&tally), 1000);
    add(&mut tally, vec![reading("vnet99", "a", 11)]);
    assert_eq!(total(&tally), 1001);
}

/// What happens to a port of a switch.
#[derive(Debug, Clone)]
enum PortStep {
    /// Its device counts so many frames.
    Count(u64),
    /// It is taken out, if it is there, or put back.
    Plug,
    /// Another device comes in the place of its device.
    Renew,
    /// The counters are read, so many seconds later.
    Read(u64),
}

fn port_step() -> impl Strategy<Value = PortStep> {
    prop_oneof![
        3 => (0u64..20).prop_map(PortStep::Count),
        2 => Just(PortStep::Plug),
        1 => Just(PortStep::Renew),
        4 => (0u64..8).prop_map(PortStep::Read),
    ]
}

#[test]
fn what_is_no_longer_configured_and_comes_back_is_not_counted_again() {
    let mut lab = running_lab();
    let stats = |frames| MultipartReplyBody::PortStats(vec![port_stats(1, frames, 100)]);
    read(&mut lab, stats(10));
    let without = changed(&chain(), |host| host.vnics.retain(|it| it.port != "guest1"));
    lab.reload(without);
    lab.settle();
    for _ in 0..10 {
        read(&mut lab, stats(10));
        assert_eq!(received(&lab, "guest1"), 0);
    }
    lab.reload(chain());
    lab.settle();
    read(&mut lab, stats(11));
    assert_eq!(received(&lab, "guest1"), 11);
}

#[test]
fn a_flow_that_was_away_without_a_notice_counts_from_its_start() {
    let mut lab = running_lab();
    let key = flow(&mut lab);
    let stats = |frames| vec![flow_stats(&key, frames, 100)];
    read(&mut lab, MultipartReplyBody::Flow(stats(10)));
    // As after a restart of the switch.
    for _ in 0..6 {
        read(&mut lab, MultipartReplyBody::Flow(Vec::new()));
    }
    read(&mut lab, MultipartReplyBody::Flow(stats(12)));
    assert_eq!(dropped(&lab), 22);
}

/// What happens to a flow of a switch.
#[derive(Debug, Clone)]
enum Step {
    /// It counts so many frames.
    Count(u64),
    /// It is deleted, and is back at once.
    Renew,
    /// It is replaced by one that goes on counting.
    Replace,
    /// It is deleted.
    Delete,
    /// It is added, where it is not there.
    Add,
    /// The notice comes that is due the longest, or one behind it.
    Notice(bool),
    /// The counters are asked for.
    Ask,
    /// They are answered, all or none of them.
    Answer(bool),
    /// So many milliseconds pass.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..20).prop_map(Step::Count),
        2 => Just(Step::Renew),
        1 => Just(Step::Replace),
        1 => Just(Step::Delete),
        1 => Just(Step::Add),
        3 => any::<bool>().prop_map(Step::Notice),
        3 => Just(Step::Ask),
        3 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(Step::Answer),
        3 => (0u64..8000).prop_map(Step::Wait),
    ]
}

/// One flow of a switch, with its notices and answers on their way, and what is made of them.
struct World {
    tally: Tally,
    now: Instant,
    /// Its count and since when it is there.
    flow: Option<(u64, Instant)>,
    /// Last counts that were not told, and since when.
    untold: Vec<(u64, Instant)>,
    /// An answer that is on its way.
    answer: Option<Option<(u64, Duration)>>,
    /// All that was ever counted.
    truth: u64,
}

impl World {
    fn counter() -> Counter {
        let key = FlowKey {
            table: openflow::TableId(0),
            priority: 1,
            match_: openflow::Match::new(),
        };
        Counter::Flow(key, cookie())
    }

    fn item() -> Item {
        Item::Drop(Cause::Vlan, None)
    }

    fn told(&self) -> Count {
        let key = (Role::Local, Self::item());
        self.tally.totals().get(&key).copied().unwrap_or_default()
    }

    fn delete(&mut self) {
        if let Some((frames, _)) = self.flow.take() {
            self.untold.push((frames, self.now));
        }
    }

    fn notice(&mut self, index: usize) {
        if index < self.untold.len() {
            let (frames, _) = self.untold.remove(index);
            let item = Some(Self::item());
            let counter = Self::counter();
            self.tally
                .flow_gone(Role::Local, counter, item, count(frames));
        }
    }

    fn ask(&mut self) {
        if self.tally.asked(Role::Local).is_none() {
            self.tally.ask(self.now, Role::Local);
            let flow = self.flow;
            self.answer = Some(flow.map(|(frames, born)| (frames, self.now - born)));
        }
    }

    fn answer(&mut self, is_whole: bool) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let reading = answer.filter(|_| is_whole).map(|(frames, age)| Reading {
            counter: Self::counter(),
            item: Some(Self::item()),
            count: count(frames),
            age,
        });
        let read = Vec::from_iter(reading);
        self.tally.add(self.now, Role::Local, read, is_whole);
    }

    fn pass(&mut self, time: Duration) {
        // No notice takes longer than that.
        while let Some((_, since)) = self.untold.first().copied() {
            let due = since + SETTLE - Duration::from_millis(1);
            if due > self.now + time {
                break;
            }
            self.notice(0);
        }
        self.now += time;
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Count(frames) => {
                if let Some((counted, _)) = &mut self.flow {
                    *counted += frames;
                    self.truth += frames;
                }
            }
            Step::Renew => {
                self.delete();
                self.flow = Some((0, self.now));
            }
            Step::Replace => {
                if let Some((_, born)) = &mut self.flow {
                    *born = self.now;
                }
            }
            Step::Delete => self.delete(),
            Step::Add => {
                self.flow.get_or_insert((0, self.now));
            }
            Step::Notice(second) => self.notice(usize::from(second)),
            Step::Ask => self.ask(),
            Step::Answer(is_whole) => self.answer(is_whole),
            Step::Wait(milliseconds) => self.pass(Duration::from_millis(milliseconds)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever becomes of a port and its device: what is told is never more than was counted, and all of
    /// it where the device is the same all along.
    #[test]
    fn a_device_is_not_counted_twice(steps in prop::collection::vec(port_step(), 1..60)) {
        let mut tally = Tally::default();
        let mut now = Instant::now();
        let (mut counted, mut truth) = (0, 0);
        let (mut is_there, mut since) = (true, now);
        let is_same = !steps.iter().any(|step| matches!(step, PortStep::Renew));
        for step in &steps {
            match *step {
                PortStep::Count(frames) => {
                    counted += frames;
                    truth += frames;
                }
                PortStep::Plug => {
                    is_there = !is_there;
                    since = now;
                }
                PortStep::Renew => counted = 0,
                PortStep::Read(seconds) => {
                    now += Duration::from_secs(seconds);
                    let reading = port_reading("p", "p", counted, now - since);
                    let read = Vec::from_iter(is_there.then_some(reading));
                    tally.add(now, Role::Local, read, true);
                    tally.retain_ports(Role::Local, |_| true, |_| true);
                    let key = (Role::Local, Item::Received("p".to_owned()));
                    let told = tally.totals().get(&key).copied().unwrap_or_default();
                    prop_assert!(told.frames <= truth, "{told:?} of {truth}");
                    prop_assert!(!is_same || !is_there || told == count(truth));
                }
            }
        }
    }

    /// Whatever becomes of a flow: what is told only grows, is never more than was counted, and is all
    /// of it in the end.
    #[test]
    fn nothing_is_lost_or_counted_twice(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World {
            tally: Tally::default(),
            now: Instant::now(),
            flow: None,
            untold: Vec::new(),
            answer: None,
            truth: 0,
        };
        let mut before = Count::default();
        for step in &steps {
            world.step(step);
            let told = world.told();
            prop_assert!(told.frames >= before.frames, "{told:?} after {before:?}");
            prop_assert!(told.frames <= world.truth, "{told:?} of {}", world.truth);
            prop_assert_eq!(told.bytes, told.frames * 100);
            before = told;
        }
        for _ in 0..2 {
            world.answer(true);
            world.pass(SETTLE);
            world.ask();
        }
        world.answer(true);
        prop_assert_eq!(world.told(), count(world.truth));
    }
}
