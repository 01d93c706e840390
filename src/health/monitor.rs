//! Probes the instances of a host, and says which ones do their work.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use openflow::{Action, PacketOut, PortNo};

use super::instance::{Instance, Legs, Record, Round, Verdict};
use super::probe::{Key, Path};
use crate::ports::Ports;
use crate::topology::Host;

/// The health checks of one host.
///
/// # A round
///
/// Every interval, three frames are sent by PACKET_OUT: one into each leg, which must come out of the
/// other, and one past the function, which only shows that the switch has handled the other two and
/// that packet-ins arrive. Where that one does not come back, or the bridge was busy meanwhile, a
/// round proves nothing against the function and counts for nothing.
///
/// After each input, take what is to be done with [`poll_output`](Self::poll_output).
#[derive(Debug, Default)]
pub struct Monitor {
    key: Key,
    /// By the OVS interface name of the ingress leg.
    instances: BTreeMap<String, Instance>,
    link: Link,
    /// There may be instances for which no round is due yet.
    unscheduled: bool,
    /// Of the last round.
    sequence: u64,
    outputs: VecDeque<Output>,
}

/// What can be asked of the service bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// It is not connected.
    #[default]
    Down,
    /// It has a transaction or a read-back to do, and answers nothing meanwhile.
    Busy,
    /// It answers.
    Ready,
}

/// What a [`Monitor`] wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A frame is to be sent to the service bridge.
    Send(PacketOut),
    /// There is another verdict.
    Ruling(Ruling),
}

/// A verdict that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Of the instance with this ingress leg.
    pub ingress: String,
    /// What holds from now on.
    pub verdict: Verdict,
    /// How many rounds in a row have led to it.
    pub rounds: u32,
}

impl Monitor {
    /// Probes the instances of `host` that are to be. What is known of those that it probed before
    /// stays.
    pub fn configure(&mut self, host: &Host) {
        let mut before = std::mem::take(&mut self.instances);
        for (instance, check) in host.health_checked() {
            let known = before
                .remove(&instance.ingress)
                .filter(|known| known.egress == instance.egress);
            let mut probed = known.unwrap_or_else(|| Instance::new(&instance.egress, check));
            if probed.check != check {
                probed.check = check;
                probed.start_anew();
            }
            self.instances.insert(instance.ingress.clone(), probed);
        }
        self.unscheduled = true;
    }

    /// The service bridge has these ports. An instance whose legs are others now, or have come back,
    /// is probed anew; what was found of it holds until then.
    pub fn set_ports(&mut self, ports: &Ports) {
        for (ingress, instance) in &mut self.instances {
            let legs = ports.get(ingress).zip(ports.get(&instance.egress));
            let legs = legs.map(|(ingress, egress)| Legs { ingress, egress });
            if instance.legs != legs {
                instance.legs = legs;
                instance.start_anew();
            }
        }
        self.unscheduled = true;
    }

    /// The instance with this ingress leg was found to be down by an earlier run of the controller;
    /// says whether it is one that is probed.
    pub fn recover(&mut self, ingress: &str) -> bool {
        let instance = self.instances.get_mut(ingress);
        instance
            .map(|instance| instance.record.verdict = Verdict::Down)
            .is_some()
    }

    /// What was found of the instance with this ingress leg; `None` where it is not probed.
    pub fn record(&self, ingress: &str) -> Option<Record> {
        Some(self.instances.get(ingress)?.record)
    }

    /// What can be asked of the service bridge from now on.
    pub fn set_link(&mut self, now: Instant, link: Link) {
        if self.link != link {
            match link {
                Link::Down => {
                    self.disconnect();
                    return;
                }
                Link::Busy => {
                    let rounds = self.instances.values_mut();
                    for round in rounds.filter_map(|instance| instance.round.as_mut()) {
                        round.excused = true;
                    }
                }
                Link::Ready => {}
            }
            self.link = link;
        }
        if self.unscheduled && link == Link::Ready {
            for (ingress, instance) in &mut self.instances {
                if instance.legs.is_some() {
                    instance.schedule(now, share(ingress));
                }
            }
            self.unscheduled = false;
        }
    }

    /// The connection to the service bridge is gone, or is another one: probing starts anew.
    pub fn disconnect(&mut self) {
        self.link = Link::Down;
        for instance in self.instances.values_mut() {
            instance.start_anew();
        }
        self.unscheduled = true;
    }

    /// A frame with the source address of a probe came out of `port`, which is the controller's own
    /// for those past the functions.
    ///
    /// One that is no probe of the round under way of the instance there, or came out of the wrong
    /// leg, is nothing.
    pub fn handle_frame(&mut self, now: Instant, port: PortNo, frame: &[u8]) {
        let key = &self.key;
        let found = self.instances.iter_mut().find_map(|(ingress, instance)| {
            let legs = instance.legs?;
            if ![legs.ingress, legs.egress, PortNo::CONTROLLER].contains(&port) {
                return None;
            }
            let (path, sequence) = key.read(ingress, frame)?;
            let expected_at = match path {
                Path::Right => legs.egress,
                Path::Left => legs.ingress,
                Path::Switch => PortNo::CONTROLLER,
            };
            (port == expected_at).then_some((ingress, instance, path, sequence))
        });
        let Some((ingress, instance, path, sequence)) = found else {
            return;
        };
        let current = instance.round.as_ref().map(|round| round.sequence);
        if current == Some(sequence) && instance.returned(now, path) && instance.count(now, true) {
            self.outputs.push_back(ruling(ingress, instance));
        }
    }

    /// Does what is due at `now`; an early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        for (ingress, instance) in &mut self.instances {
            if instance.expire(now) && instance.count(now, false) {
                self.outputs.push_back(ruling(ingress, instance));
            }
            let (Link::Ready, Some(legs)) = (self.link, instance.legs) else {
                continue;
            };
            if !instance.begin_round(now) {
                continue;
            }
            self.sequence += 1;
            instance.round = Some(Round::new(self.sequence, now));
            for path in Path::ALL {
                let frame = self.key.frame(ingress, path, self.sequence);
                let to = |port| PacketOut::new(vec![Action::output(port)], frame.clone());
                self.outputs.push_back(Output::Send(match path {
                    Path::Right => to(legs.ingress),
                    Path::Left => to(legs.egress),
                    Path::Switch => to(PortNo::TABLE),
                }));
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` where nothing is probed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = |instance: &Instance| {
            let next = instance.next.filter(|_| self.link == Link::Ready);
            instance.deadline().or(next)
        };
        self.instances.values().filter_map(due).min()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

fn ruling(ingress: &str, instance: &Instance) -> Output {
    Output::Ruling(Ruling {
        ingress: ingress.to_owned(),
        verdict: instance.record.verdict,
        rounds: instance.streak,
    })
}

/// How far into an interval an instance is probed, in 1,024ths: each at its own time.
fn share(ingress: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    ingress.hash(&mut hasher);
    u32::try_from(hasher.finish() % 1024).unwrap_or(0)
}
