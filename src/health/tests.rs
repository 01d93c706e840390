//! Health checks under a clock that stands still until it is told otherwise.

use std::time::{Duration, Instant};

use openflow::{Action, PacketOut, PortNo};

use super::{Link, Monitor, Output, Verdict};
use crate::config;
use crate::ports::Ports;
use crate::topology::{FunctionKind, Host, InlineInstance, Topology};

const INTERVAL: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(3);
const INGRESS: PortNo = PortNo(4);
const EGRESS: PortNo = PortNo(5);

/// The instance `in`/`out`, which takes three losses to go down and two passes to come up.
fn topology(check: &str, instances: &str) -> Topology {
    let text = format!(
        "
networks: {{ demo: {{ vlan: 1 }} }}
hosts: {{ node1: {{ bridges: {{ local: l, service: s, uplink: u }}, uplinks: [eth1] }} }}
service_chains:
  inspect:
    networks: [demo]
    functions:
      - name: ips
        mode: inline
        health_check: {{ {check} }}
        instances: [{instances}]
"
    );
    config::parse("test.yaml", &text).unwrap().0
}

const CHECK: &str = "interval: 5, timeout: 3, success_threshold: 2, failure_threshold: 3";
const INSTANCE: &str = "{ host: node1, ingress: in, egress: out }";

fn host(topology: &Topology) -> &Host {
    &topology.hosts["node1"]
}

fn ports() -> Ports {
    [("in", INGRESS), ("out", EGRESS)]
        .map(|(name, number)| (name.to_owned(), number))
        .into_iter()
        .collect()
}

/// What is done with the frames of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bump {
    right: bool,
    left: bool,
    switch: bool,
}

const WELL: Bump = Bump {
    right: true,
    left: true,
    switch: true,
};
const DEAD: Bump = Bump {
    right: false,
    left: false,
    switch: true,
};

struct Bench {
    monitor: Monitor,
    now: Instant,
    verdicts: Vec<(Verdict, u32)>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            monitor: Monitor::default(),
            now: Instant::now(),
            verdicts: Vec::new(),
        };
        bench.monitor.configure(host(&topology(CHECK, INSTANCE)));
        bench.monitor.set_ports(&ports());
        bench.monitor.set_link(bench.now, Link::Ready);
        bench
    }

    /// Lets time pass until the next frames are sent.
    fn next_round(&mut self) -> Vec<PacketOut> {
        for _ in 0..10 {
            let due = self.monitor.poll_timeout().expect("nothing is probed");
            assert!(due >= self.now);
            self.now = due;
            self.monitor.handle_timeout(due);
            let sent = self.outputs();
            if !sent.is_empty() {
                return sent;
            }
        }
        panic!("no probe is sent");
    }

    fn outputs(&mut self) -> Vec<PacketOut> {
        let mut sent = Vec::new();
        while let Some(output) = self.monitor.poll_output() {
            match output {
                Output::Send(packet_out) => sent.push(packet_out),
                Output::Ruling(ruling) => {
                    assert_eq!(ruling.ingress, "in");
                    self.verdicts.push((ruling.verdict, ruling.rounds));
                }
            }
        }
        sent
    }

    /// Brings frames back as `bump` does.
    fn bring_back(&mut self, sent: &[PacketOut], bump: Bump) {
        for packet_out in sent {
            let (back, at) = match (packet_out.actions.as_slice(), packet_out.in_port) {
                ([to], _) if *to == Action::output(INGRESS) => (bump.right, EGRESS),
                ([to], _) if *to == Action::output(EGRESS) => (bump.left, INGRESS),
                ([to], PortNo::CONTROLLER) if *to == Action::output(PortNo::TABLE) => {
                    (bump.switch, PortNo::CONTROLLER)
                }
                _ => panic!("sent to nowhere: {packet_out:?}"),
            };
            if back {
                self.monitor.handle_frame(self.now, at, &packet_out.data);
            }
        }
        assert!(self.outputs().is_empty());
    }

    fn round(&mut self, bump: Bump) {
        let sent = self.next_round();
        assert_eq!(sent.len(), 3);
        self.bring_back(&sent, bump);
    }

    /// Rounds one after the other, and the verdicts of all that are over after the last.
    fn rounds(&mut self, bumps: &[Bump]) -> Vec<(Verdict, u32)> {
        for bump in bumps {
            self.round(*bump);
        }
        self.let_pass(TIMEOUT);
        std::mem::take(&mut self.verdicts)
    }

    fn let_pass(&mut self, time: Duration) {
        self.now += time;
        self.monitor.handle_timeout(self.now);
        self.outputs();
    }

    fn counts(&self) -> (u64, u64) {
        let record = self.monitor.record("in").unwrap();
        (record.passes, record.losses)
    }
}

#[test]
fn verdicts_take_as_many_rounds_in_a_row_as_configured() {
    let mut bench = Bench::new();
    assert_eq!(bench.rounds(&[WELL]), []);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 2)]);
    assert_eq!(bench.rounds(&[DEAD, DEAD]), []);
    assert_eq!(bench.rounds(&[DEAD]), [(Verdict::Down, 3)]);
    assert_eq!(bench.rounds(&[DEAD, WELL]), []);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 2)]);
    assert_eq!(bench.counts(), (4, 4));
}

#[test]
fn an_instance_that_was_never_heard_of_goes_down_after_its_losses() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.rounds(&[DEAD, DEAD, DEAD, DEAD]),
        [(Verdict::Down, 3)]
    );
}

#[test]
fn one_that_flaps_changes_nothing() {
    let mut bench = Bench::new();
    let flapping = [WELL, DEAD, DEAD].repeat(5);
    assert_eq!(bench.rounds(&flapping), []);
    assert_eq!(bench.counts(), (5, 10));
}

#[test]
fn both_directions_must_work() {
    for broken in [
        Bump {
            right: false,
            ..WELL
        },
        Bump {
            left: false,
            ..WELL
        },
    ] {
        let mut bench = Bench::new();
        assert_eq!(
            bench.rounds(&[broken; 3]),
            [(Verdict::Down, 3)],
            "{broken:?}"
        );
    }
}

#[test]
fn rounds_come_at_the_interval() {
    let mut bench = Bench::new();
    bench.next_round();
    let mut last = bench.now;
    for _ in 0..3 {
        bench.next_round();
        assert_eq!(bench.now - last, INTERVAL);
        last = bench.now;
    }
    // The time that a task was late does not move the rounds after it.
    bench.let_pass(3 * INTERVAL + Duration::from_secs(1));
    bench.next_round();
    assert_eq!(bench.now - last, 4 * INTERVAL);
}

#[test]
fn an_early_call_does_nothing() {
    let mut bench = Bench::new();
    let due = bench.monitor.poll_timeout().unwrap();
    bench.monitor.handle_timeout(due - Duration::from_nanos(1));
    assert_eq!(bench.monitor.poll_output(), None);
}

#[test]
fn a_probe_that_comes_late_is_lost() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    bench.bring_back(&sent, DEAD);
    bench.let_pass(TIMEOUT - Duration::from_nanos(1));
    assert_eq!(bench.counts(), (0, 0));
    bench.let_pass(Duration::from_nanos(1));
    assert_eq!(bench.counts(), (0, 1));
    bench.bring_back(&sent, WELL);
    assert_eq!(bench.counts(), (0, 1));
    // Nor does it count for the round after.
    let late = sent;
    let sent = bench.next_round();
    bench.bring_back(&late, WELL);
    bench.bring_back(&sent, DEAD);
    bench.let_pass(TIMEOUT);
    assert_eq!(bench.counts(), (0, 2));
}

#[test]
fn the_round_trip_is_that_of_the_slower_direction() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    let half = Bump {
        left: false,
        ..WELL
    };
    bench.bring_back(&sent, half);
    bench.let_pass(Duration::from_millis(40));
    // One that came back twice came back.
    bench.bring_back(&sent, half);
    assert_eq!(bench.counts(), (0, 0));
    bench.bring_back(&sent, WELL);
    let record = bench.monitor.record("in").unwrap();
    assert_eq!(record.round_trip, Some(Duration::from_millis(40)));
    assert_eq!(bench.counts(), (1, 0));
    bench.bring_back(&sent, WELL);
    assert_eq!(bench.counts(), (1, 0));
}

#[test]
fn a_frame_that_was_not_sent_is_not_believed() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    let mut forged = sent.clone();
    for packet_out in &mut forged {
        let mut data = packet_out.data.to_vec();
        *data.last_mut().unwrap() ^= 1;
        packet_out.data = data.into();
    }
    bench.bring_back(&forged, WELL);
    // Another run of the controller knows other probes.
    let mut other = Bench::new();
    let of_other_run = other.next_round();
    bench.bring_back(&of_other_run, WELL);
    bench.bring_back(&sent, DEAD);
    bench.let_pass(TIMEOUT);
    assert_eq!(bench.counts(), (0, 1));
}

#[test]
fn a_function_that_sends_back_where_it_came_from_does_not_forward() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    for packet_out in &sent {
        for (leg, other) in [(INGRESS, EGRESS), (EGRESS, INGRESS)] {
            if packet_out.actions == [Action::output(leg)] {
                bench.monitor.handle_frame(bench.now, leg, &packet_out.data);
                // Nor from a port that is no leg at all.
                let nobody = PortNo(other.0 + 10);
                bench
                    .monitor
                    .handle_frame(bench.now, nobody, &packet_out.data);
            }
        }
    }
    bench.bring_back(&sent, DEAD);
    bench.let_pass(TIMEOUT);
    assert_eq!(bench.counts(), (0, 1));
}

#[test]
fn without_a_word_from_the_switch_nothing_is_proved() {
    let mut bench = Bench::new();
    let silent = Bump {
        switch: false,
        ..DEAD
    };
    assert_eq!(bench.rounds(&[silent; 10]), []);
    assert_eq!(bench.counts(), (0, 0));
    // What does come back counts.
    let forwarded = Bump {
        switch: false,
        ..WELL
    };
    assert_eq!(bench.rounds(&[forwarded; 2]), [(Verdict::Up, 2)]);
}

#[test]
fn the_time_of_a_function_begins_when_the_switch_has_handled_the_probes() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    bench.let_pass(TIMEOUT - Duration::from_millis(1));
    bench.bring_back(&sent, DEAD);
    bench.let_pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(bench.counts(), (0, 0));
    bench.bring_back(&sent, WELL);
    assert_eq!(bench.counts(), (1, 0));
}

#[test]
fn while_the_bridge_is_busy_nothing_is_sent_and_nothing_is_lost() {
    let mut bench = Bench::new();
    let sent = bench.next_round();
    bench.bring_back(&sent, DEAD);
    bench.monitor.set_link(bench.now, Link::Busy);
    bench.let_pass(TIMEOUT);
    assert_eq!(bench.counts(), (0, 0));
    assert_eq!(bench.monitor.poll_timeout(), None);
    bench.monitor.handle_timeout(bench.now + 10 * INTERVAL);
    assert_eq!(bench.monitor.poll_output(), None);
    bench.monitor.set_link(bench.now, Link::Ready);
    assert_eq!(bench.rounds(&[DEAD; 3]), [(Verdict::Down, 3)]);
}

#[test]
fn a_connection_that_goes_takes_the_round_with_it_and_leaves_the_verdict() {
    let mut bench = Bench::new();
    assert_eq!(bench.rounds(&[DEAD; 3]), [(Verdict::Down, 3)]);
    bench.round(WELL);
    let sent = bench.next_round();
    bench.monitor.disconnect();
    assert_eq!(bench.monitor.poll_timeout(), None);
    bench.let_pass(10 * INTERVAL);
    bench.bring_back(&sent, WELL);
    bench.monitor.set_link(bench.now, Link::Ready);
    assert_eq!(bench.counts(), (1, 3));
    assert_eq!(bench.monitor.record("in").unwrap().verdict, Verdict::Down);
    // The pass before does not count any more.
    assert_eq!(bench.rounds(&[WELL]), []);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 2)]);
}

#[test]
fn a_leg_that_comes_back_keeps_the_verdict_and_is_probed_anew() {
    let mut bench = Bench::new();
    assert_eq!(bench.rounds(&[DEAD; 3]), [(Verdict::Down, 3)]);
    bench.round(WELL);
    let mut without = ports();
    without.remove(EGRESS);
    bench.monitor.set_ports(&without);
    bench.monitor.set_link(bench.now, Link::Ready);
    assert_eq!(bench.monitor.poll_timeout(), None);
    bench.monitor.set_ports(&ports());
    bench.monitor.set_link(bench.now, Link::Ready);
    assert_eq!(bench.rounds(&[WELL]), []);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 2)]);
}

#[test]
fn what_an_earlier_run_has_found_holds_until_the_checks_are_passed() {
    let mut bench = Bench::new();
    assert!(bench.monitor.recover("in"));
    assert!(!bench.monitor.recover("out"));
    assert_eq!(bench.rounds(&[DEAD; 5]), []);
    assert_eq!(bench.rounds(&[WELL]), []);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 2)]);
}

#[test]
fn another_configuration_keeps_what_is_known() {
    let mut bench = Bench::new();
    assert_eq!(bench.rounds(&[DEAD; 3]), [(Verdict::Down, 3)]);
    let quick = topology("success_threshold: 1", INSTANCE);
    bench.monitor.configure(host(&quick));
    bench.monitor.set_ports(&ports());
    bench.monitor.set_link(bench.now, Link::Ready);
    assert_eq!(bench.monitor.record("in").unwrap().verdict, Verdict::Down);
    assert_eq!(bench.rounds(&[WELL]), [(Verdict::Up, 1)]);
    // With another leg it is another instance.
    let other = topology(CHECK, "{ host: node1, ingress: in, egress: out2 }");
    bench.monitor.configure(host(&other));
    bench.monitor.set_ports(&ports());
    assert_eq!(bench.monitor.record("in"), Some(super::Record::default()));
    bench.monitor.configure(&Host {
        chains: Vec::new(),
        ..host(&other).clone()
    });
    assert_eq!(bench.monitor.record("in"), None);
    assert_eq!(bench.monitor.poll_timeout(), None);
}

#[test]
fn many_instances_are_not_probed_at_the_same_moment() {
    const MANY: usize = 50;
    let names = |n: usize| (format!("in{n}"), format!("out{n}"));
    let mut topology = topology(CHECK, INSTANCE);
    let host = topology.hosts.get_mut("node1").unwrap();
    if let FunctionKind::Inline { instances, .. } = &mut host.chains[0].functions[0].kind {
        *instances = (0..MANY)
            .map(|n| {
                let (ingress, egress) = names(n);
                InlineInstance {
                    ingress,
                    egress,
                    enabled: true,
                }
            })
            .collect();
    }
    let legs = (0..MANY).flat_map(|n| {
        let (ingress, egress) = names(n);
        [ingress, egress]
    });
    let mut monitor = Monitor::default();
    monitor.configure(host);
    monitor.set_ports(&legs.zip((1..).map(PortNo)).collect());
    let start = Instant::now();
    monitor.set_link(start, Link::Ready);
    let (mut sent, mut most) = (0, 0);
    while let Some(due) = monitor.poll_timeout().filter(|due| *due < start + INTERVAL) {
        monitor.handle_timeout(due);
        let at_once = std::iter::from_fn(|| monitor.poll_output()).count() / 3;
        sent += at_once;
        most = most.max(at_once);
    }
    assert_eq!(sent, MANY);
    assert!(most <= 3, "{most} at once");
}
