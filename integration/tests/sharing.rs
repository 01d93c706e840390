//! Several instances of a function: conversations of real TCP and UDP, over IPv4 and IPv6.

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use bridgechain::cookie::Class;
use common::conversation::{self, Conversation, Kind};
use common::{FAR, set_link, start};
use integration::bump::Bump;
use integration::frame::Tag;
use integration::netns::RawSocket;
use integration::{Lab, wait};

const SHARED: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - name: ips
        mode: inline
        redundancy: active_active
        instances:
          - { host: node1, ingress: in0, egress: out0 }
          - { host: node1, ingress: in1, egress: out1 }
          - { host: node1, ingress: in2, egress: out2 }
";

/// The same function as a tap.
const TAP: &str = "
      - name: ids
        mode: tap
        instances:
          - { host: node1, port: in0 }
          - { host: node1, port: in1 }
          - { host: node1, port: in2 }
";

/// The host of [`SHARED`] with [`TAP`].
fn tap() -> String {
    let (head, _) = SHARED.split_once("\n      - name").unwrap_or((SHARED, ""));
    format!("{head}{TAP}")
}

/// The instance that each conversation goes to.
type Shares = BTreeMap<Conversation, char>;

/// A guest and somebody outside, who talk through the function.
struct Talk {
    lab: Lab,
    guest: RawSocket,
    far: RawSocket,
    /// What the last frame of all said.
    number: Cell<u64>,
    /// None for a tap.
    instances: Vec<Bump>,
}

impl Talk {
    fn through(lab: Lab) -> Result<Self> {
        let socket = |port| lab.namespace(port)?.raw_socket("eth0");
        let instances = [("in0", "out0"), ("in1", "out1"), ("in2", "out2")];
        let there = |(_, egress): &(&str, &str)| lab.station(egress).is_ok();
        let instances: Result<Vec<Bump>> = instances
            .into_iter()
            .filter(there)
            .map(|(ingress, egress)| Bump::start(&lab, ingress, egress))
            .collect();
        let (guest, far, instances) = (socket("vma0")?, socket("eth1")?, instances?);
        Ok(Self {
            lab,
            guest,
            far,
            number: Cell::new(0),
            instances,
        })
    }

    /// Lets every conversation say something in both directions, and tells through which instance
    /// it goes. Each frame must arrive once, through one instance, the same in both directions.
    fn shares(&self) -> Result<Shares> {
        let to_far = self.say(true)?;
        let to_guest = self.say(false)?;
        ensure!(
            to_far == to_guest,
            "the directions differ: {to_far:?} and {to_guest:?}"
        );
        Ok(to_far)
    }

    fn say(&self, from_guest: bool) -> Result<Shares> {
        let guest = self.lab.mac("vma0")?;
        let (src, dst, socket, end) = match from_guest {
            true => (guest, FAR, &self.guest, "eth1"),
            false => (FAR, guest, &self.far, "vma0"),
        };
        let begin = self.lab.sightings().read(<[_]>::len);
        let mut sent = Vec::new();
        for conversation in conversation::all() {
            self.number.set(self.number.get() + 1);
            let tags = match from_guest {
                true => Vec::new(),
                false => vec![Tag::vlan(3000)],
            };
            let frame = conversation.frame(src, dst, tags, from_guest, self.number.get());
            socket.send(&frame.encode())?;
            sent.push((conversation, frame));
        }
        let seen_at = |payload: &[u8]| -> Vec<String> {
            self.lab.sightings().read(|all| {
                let own = all[begin..].iter();
                own.filter(|seen| seen.frame.payload == payload)
                    .map(|seen| seen.port.clone())
                    .collect()
            })
        };
        // Each is seen by the function and at the other end.
        self.lab
            .sightings()
            .wait(|all| {
                let mut arrived: BTreeMap<&[u8], usize> = BTreeMap::new();
                for seen in &all[begin..] {
                    *arrived.entry(&seen.frame.payload).or_default() += 1;
                }
                let is_there = |payload: &[u8]| arrived.get(payload).is_some_and(|it| *it >= 2);
                sent.iter()
                    .all(|(_, frame)| is_there(&frame.payload))
                    .then_some(())
            })
            .with_context(|| {
                let lost: Vec<_> = sent
                    .iter()
                    .map(|(conversation, frame)| (conversation, seen_at(&frame.payload)))
                    .filter(|(_, seen)| seen.len() < 2)
                    .collect();
                format!("not all conversations reach {end}: {lost:?}")
            })?;
        let side = match from_guest || self.instances.is_empty() {
            true => "in",
            false => "out",
        };
        sent.into_iter()
            .map(|(conversation, frame)| {
                let seen = seen_at(&frame.payload);
                let legs: Vec<_> = seen
                    .iter()
                    .filter_map(|port| port.strip_prefix(side))
                    .collect();
                ensure!(
                    legs.len() == 1 && seen.len() == 2 && seen.iter().any(|port| port == end),
                    "{conversation:?} is seen at {seen:?}"
                );
                let instance = legs[0].chars().next().context("a number")?;
                Ok((conversation, instance))
            })
            .collect()
    }

    /// Takes the links of these ports away, asserts what moves, and gives them back.
    fn without(&self, ports: &[&str], before: &Shares) -> Result<()> {
        for port in ports {
            set_link(&self.lab, port, "down")?;
        }
        let after = self
            .shares()
            .with_context(|| format!("without {ports:?}"))?;
        let gone: Vec<char> = ports
            .iter()
            .filter_map(|port| port.chars().last())
            .collect();
        assert_moved(before, &after, &gone);
        for port in ports {
            set_link(&self.lab, port, "up")?;
        }
        assert_eq!(self.shares()?, *before, "{ports:?} are back");
        Ok(())
    }
}

/// Asserts that the shares of these instances have moved, and nothing else.
#[track_caller]
fn assert_moved(before: &Shares, after: &Shares, gone: &[char]) {
    for (conversation, instance) in before {
        let now = &after[conversation];
        match gone.contains(instance) {
            true => assert!(!gone.contains(now), "{conversation:?} stays at {now}"),
            false => assert_eq!(now, instance, "{conversation:?} moves"),
        }
    }
}

/// Asserts that conversations of every kind are spread over these instances.
#[track_caller]
fn assert_spread(shares: &Shares, instances: &[char]) {
    for kind in [Kind::Tcp4, Kind::Udp4, Kind::Tcp6, Kind::Udp6] {
        let used: BTreeSet<char> = shares
            .iter()
            .filter(|(conversation, _)| conversation.kind == kind)
            .map(|(_, instance)| *instance)
            .collect();
        assert!(used.iter().eq(instances), "{kind:?} uses {used:?}");
    }
}

#[test]
fn instances_share_conversations_and_take_over_without_a_controller() -> Result<()> {
    let (lab, controller) = start(SHARED)?;
    let talk = Talk::through(lab)?;
    controller.kill()?;
    let before = talk.shares()?;
    assert_spread(&before, &['0', '1', '2']);

    talk.without(&["in2"], &before)?;
    talk.without(&["out0"], &before)?;
    talk.without(&["out0", "in1"], &before)?;
    talk.without(&["out0", "out2"], &before)?;

    // A port that is deleted is one that is down.
    talk.lab.ovs().vsctl(&["del-port", "in1"])?;
    talk.lab.ovs().purge()?;
    let after = talk.shares()?;
    assert_moved(&before, &after, &['1']);
    assert_spread(&after, &['0', '2']);
    Ok(())
}

#[test]
fn draining_an_instance_moves_its_share_and_nothing_else() -> Result<()> {
    let (lab, controller) = start(SHARED)?;
    let talk = Talk::through(lab)?;
    let before = talk.shares()?;
    assert_spread(&before, &['0', '1', '2']);

    let drained = SHARED.replace("egress: out1", "egress: out1, enabled: false");
    talk.lab.change_config(&drained)?;
    controller.reload()?;
    talk.lab.await_sync_of(&controller, "br.nf", 2)?;
    let after = talk.shares()?;
    assert_moved(&before, &after, &['1']);
    assert_spread(&after, &['0', '2']);

    talk.lab.change_config(SHARED)?;
    controller.reload()?;
    talk.lab.await_sync_of(&controller, "br.nf", 3)?;
    assert_eq!(talk.shares()?, before);
    Ok(())
}

#[test]
fn the_passive_instance_takes_over_and_gives_back_without_a_controller() -> Result<()> {
    let (lab, controller) = start(&SHARED.replace("active_active", "active_passive"))?;
    let talk = Talk::through(lab)?;
    controller.kill()?;
    let all_at = |instance| -> Shares {
        let all = conversation::all().into_iter();
        all.map(|conversation| (conversation, instance)).collect()
    };
    assert_eq!(talk.shares()?, all_at('0'));
    for leg in ["in0", "out0"] {
        set_link(&talk.lab, leg, "down")?;
        assert_eq!(talk.shares()?, all_at('1'));
        set_link(&talk.lab, "out1", "down")?;
        assert_eq!(talk.shares()?, all_at('2'));
        set_link(&talk.lab, leg, "up")?;
        assert_eq!(talk.shares()?, all_at('0'));
        set_link(&talk.lab, "out1", "up")?;
    }
    Ok(())
}

#[test]
fn with_all_instances_down_the_policy_decides_without_a_controller() -> Result<()> {
    for legs in [["in0", "in1", "in2"], ["out0", "out1", "out2"]] {
        let open = SHARED.replace(
            "mode: inline",
            "mode: inline\n        failure_policy: fail_open",
        );
        for (config, policy) in [(open.as_str(), "open"), (SHARED, "close")] {
            let (lab, controller) = start(config)?;
            let talk = Talk::through(lab)?;
            controller.kill()?;
            for leg in legs {
                set_link(&talk.lab, leg, "down")?;
            }
            let guest = talk.lab.mac("vma0")?;
            let send = |number| {
                let conversation = conversation::all()[0];
                let frame = conversation.frame(guest, FAR, Vec::new(), true, number);
                talk.guest.send(&frame.encode())?;
                anyhow::Ok(frame.payload)
            };
            let seen = |payload: &[u8]| -> Vec<String> {
                talk.lab.sightings().read(|all| {
                    let own = all.iter().filter(|seen| seen.frame.payload == payload);
                    own.map(|seen| seen.port.clone()).collect()
                })
            };
            let arrives = |payload: &[u8]| {
                let arrived = talk.lab.sightings().wait(|all| {
                    all.iter()
                        .any(|seen| seen.frame.payload == payload && seen.port == "eth1")
                        .then_some(())
                });
                arrived.with_context(|| format!("fail_{policy}, {legs:?} down"))
            };
            let cookie = Class::Function.cookie().0;
            let packets = || talk.lab.ovs().packets("br.nf", cookie);
            let before = packets()?;
            let first = send(1)?;
            if policy == "open" {
                arrives(&first)?;
                assert_eq!(seen(&first), ["eth1"]);
                continue;
            }
            wait::until("the service bridge to see the frame", || {
                Ok((packets()? > before).then_some(()))
            })?;
            // The next one gets through, and is the first to do so.
            set_link(&talk.lab, legs[0], "up")?;
            let second = send(2)?;
            arrives(&second)?;
            assert_eq!(seen(&second), ["in0", "eth1"]);
            assert_eq!(seen(&first), [""; 0]);
        }
    }
    Ok(())
}

#[test]
fn taps_share_conversations_and_take_over_without_a_controller() -> Result<()> {
    let config = tap();
    let (lab, controller) = start(&config)?;
    let talk = Talk::through(lab)?;
    let before = talk.shares()?;
    assert_spread(&before, &['0', '1', '2']);

    let drained = config.replace("port: in1", "port: in1, enabled: false");
    talk.lab.change_config(&drained)?;
    controller.reload()?;
    talk.lab.await_sync_of(&controller, "br.nf", 2)?;
    let after = talk.shares()?;
    assert_moved(&before, &after, &['1']);
    assert_spread(&after, &['0', '2']);

    controller.kill()?;
    set_link(&talk.lab, "in0", "down")?;
    let all_at_2: Shares = before.keys().map(|it| (*it, '2')).collect();
    assert_eq!(talk.shares()?, all_at_2);
    Ok(())
}
