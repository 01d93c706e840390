//! Uplinks that are used as one, against a model of the physical switch: it floods by all of them
//! what it has not learned, and floods back by the others what it got by one.

use std::collections::BTreeSet;

use bridgechain::simulate::{Frame, Memory, Network, Walk};
use bridgechain::topology::UplinkMode;
use openflow::MacAddr;
use proptest::prelude::*;

use crate::compiled;
use crate::scenario::{self, Scenario};
use crate::world::{Outcome, Station, World};

fn bonded() -> impl Strategy<Value = Scenario> {
    scenario::scenarios().prop_filter("uplinks used as one", |scenario| {
        scenario.world.is_bonded() && scenario.world.live_uplinks().next().is_some()
    })
}

/// A frame, sent by `from` after what is in `memory`.
fn walk<'n>(
    world: &World,
    network: &'n Network,
    memory: &Memory,
    from: &Station,
    frame: &Frame,
) -> Walk<'n> {
    let at = compiled::location(world, from).expect("senders are there");
    let walk = network.inject_after(memory, at.role, at.port, frame.clone());
    assert_eq!(walk.faults, [], "from {from:?}: {frame}");
    walk
}

fn live(world: &World) -> Vec<Station> {
    let uplinks = world.live_uplinks().cloned();
    uplinks.map(Station::Uplink).collect()
}

/// The copies of a frame that leave by uplinks, with the uplink.
fn sent_out(world: &World, walk: &Walk<'_>) -> Vec<(Station, Frame)> {
    let copies = walk.deliveries.iter();
    let copies = copies.map(|copy| (compiled::station(world, copy), copy.frame.clone()));
    let by_uplink = |(station, _): &(Station, Frame)| matches!(station, Station::Uplink(_));
    copies.filter(by_uplink).collect()
}

/// The uplinks by which a frame is taken, if it comes in by all of `uplinks`.
fn taken(
    world: &World,
    network: &Network,
    memory: &Memory,
    uplinks: &[Station],
    frame: &Frame,
) -> Vec<Station> {
    let is_taken = |uplink: &&Station| {
        let walk = walk(world, network, memory, uplink, frame);
        !walk.deliveries.is_empty() || !walk.packet_ins.is_empty()
    };
    uplinks.iter().filter(is_taken).cloned().collect()
}

/// A frame as one uplink that leads to all the others would bring it.
fn by_one_uplink(world: &World, frame: &Frame) -> Outcome {
    let mut world = world.clone();
    let live = world.live_uplinks().next().cloned();
    world.host.uplink_mode = UplinkMode::Separate;
    world.host.uplinks = live.clone().into_iter().collect();
    world
        .heard
        .retain(|heard| !matches!(heard.at, Station::Uplink(_)));
    let network = compiled::network(&world);
    let from = Station::Uplink(live.expect("one is live"));
    compiled::outcome(&world, &network, &from, frame)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        max_global_rejects: 65_536,
        ..ProptestConfig::default()
    })]

    /// Whatever this host sends leaves by one uplink at most, and what of it comes back by the
    /// others reaches nobody and is not learned.
    #[test]
    fn what_is_flooded_back_reaches_nobody(scenario in bonded()) {
        let Scenario { world, probes } = scenario;
        let network = compiled::network(&world);
        for (from, frame) in probes {
            if matches!(from, Station::Uplink(_)) {
                continue;
            }
            let walk = walk(&world, &network, &Memory::default(), &from, &frame);
            let out = sent_out(&world, &walk);
            prop_assert!(out.len() <= 1, "{:?}: {:?}", frame, out);
            for (uplink, sent) in out {
                let mut others = live(&world);
                others.retain(|other| *other != uplink);
                let taken = taken(&world, &network, &walk.memory, &others, &sent);
                prop_assert_eq!(taken, [], "{:?} was sent by {:?}", sent, uplink);
            }
        }
    }

    /// What comes in by all uplinks is taken once, as from one uplink, and none of it goes out
    /// again.
    #[test]
    fn what_is_flooded_to_all_uplinks_is_taken_once(scenario in bonded()) {
        let Scenario { mut world, probes } = scenario;
        // Without vNICs, a bridge with one uplink would be one that takes any port.
        prop_assume!(!world.host.vnics.is_empty());
        world.heard.retain(|heard| !matches!(heard.at, Station::Uplink(_)));
        let network = compiled::network(&world);
        for (_, frame) in probes {
            let mut together = Outcome::default();
            for uplink in live(&world) {
                let walk = walk(&world, &network, &Memory::default(), &uplink, &frame);
                prop_assert_eq!(sent_out(&world, &walk), [], "by {:?}: {:?}", uplink, &frame);
                let seen = compiled::outcome(&world, &network, &uplink, &frame);
                prop_assert!(!(together.reported && seen.reported), "{:?}", frame);
                together.reported |= seen.reported;
                for (station, copies) in seen.seen {
                    *together.seen.entry(station).or_default() += copies;
                }
            }
            prop_assert_eq!(together, by_one_uplink(&world, &frame), "{:?}", frame);
        }
    }

    /// The physical switch sends frames for an address by the uplink where it saw it last. They
    /// are taken there, also after another uplink, that of its hash, has come back.
    #[test]
    fn frames_are_taken_where_their_destination_was_sent_from(
        scenario in bonded(),
        lost in any::<prop::sample::Index>(),
    ) {
        let Scenario { mut world, probes } = scenario;
        world.absent.clear();
        world.heard.clear();
        world.down.clear();
        let network = compiled::network(&world);
        let mut degraded = world.clone();
        degraded.down.insert(lost.get(&world.host.uplinks).clone());
        let degraded_network = compiled::network(&degraded);
        for (from, frame) in probes {
            if matches!(from, Station::Uplink(_)) {
                continue;
            }
            let sent = walk(&degraded, &degraded_network, &Memory::default(), &from, &frame);
            for (uplink, out) in sent_out(&world, &sent) {
                let far = MacAddr([0x02, 0, 0, 0, 2, 1]);
                let answer = Frame { src: far, dst: out.src, ..out.clone() };
                let to = |network, uplinks: &[Station]| taken(&world, network, &sent.memory, uplinks, &answer);
                // Known: by one; forgotten: by all.
                let by_all = live(&world);
                prop_assert_eq!(to(&network, std::slice::from_ref(&uplink)), std::slice::from_ref(&uplink));
                prop_assert_eq!(to(&network, &by_all), std::slice::from_ref(&uplink));
                // The link that it was sent by is lost: flooded by those that are left.
                let mut lost = world.clone();
                if let Station::Uplink(name) = &uplink {
                    lost.down.insert(name.clone());
                }
                let left = live(&lost);
                let taken = to(&compiled::network(&lost), &left);
                prop_assert_eq!(taken.len(), left.len().min(1), "{:?}", answer);
            }
        }
    }

    /// An address of this host that comes from outside has moved, if it is told to all or comes by
    /// its own uplink; from then on it is one like any other.
    #[test]
    fn an_address_that_has_moved_is_followed(scenario in bonded()) {
        let Scenario { mut world, probes } = scenario;
        world.heard.clear();
        let network = compiled::network(&world);
        for (from, frame) in probes {
            if matches!(from, Station::Uplink(_)) || world.host.pinned(frame.src).is_some() {
                continue;
            }
            let sent = walk(&world, &network, &Memory::default(), &from, &frame);
            for (uplink, out) in sent_out(&world, &sent) {
                let all = live(&world);
                let hello = Frame { dst: MacAddr::BROADCAST, ..out.clone() };
                prop_assert_eq!(
                    taken(&world, &network, &sent.memory, &all, &hello),
                    std::slice::from_ref(&uplink)
                );
                let moved = walk(&world, &network, &sent.memory, &uplink, &hello);
                for probe in 0..8 {
                    let unicast = Frame { dst: MacAddr([0x02, 0, 0, 0, 2, probe]), ..out.clone() };
                    let taken: BTreeSet<_> = taken(&world, &network, &moved.memory, &all, &unicast).into_iter().collect();
                    prop_assert_eq!(taken.len(), 1, "{:?}", unicast);
                }
            }
        }
    }
}
