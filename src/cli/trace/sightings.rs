//! Who sees a frame: all who could, those who see nothing too.

use std::collections::BTreeMap;

use bridgechain::learning::Location;
use bridgechain::simulate::{Tags, Walk};
use bridgechain::topology::Role;
use serde::Serialize;

use super::ends::Sender;
use super::site::{Occupant, Site};
use crate::cli::table::Table;

/// What comes out of one port.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sighting {
    who: String,
    port: String,
    bridge: String,
    is_sender: bool,
    /// Empty where nothing is seen.
    copies: Vec<Copies>,
}

/// Copies that look the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Copies {
    tags: String,
    /// After how many bytes they are cut off.
    cut: Option<u32>,
    count: usize,
}

/// What comes out of every port: first of the vNICs and functions, then of what is outside.
pub(super) fn of(site: &Site<'_>, sender: &Sender, walk: &Walk<'_>) -> Vec<Sighting> {
    let mut seen: BTreeMap<Location, BTreeMap<(String, Option<u32>), usize>> = BTreeMap::new();
    for copy in &walk.deliveries {
        let at = Location {
            role: copy.role,
            port: copy.port,
        };
        let tags = Tags(&copy.frame.tags).to_string();
        let look = (tags, copy.max_len);
        *seen.entry(at).or_default().entry(look).or_default() += 1;
    }
    // The LOCAL ports of the other bridges are nobody's, unless something comes out there.
    let is_listed = |at: &Location| {
        let is_spare =
            at.port == openflow::PortNo::LOCAL && site.occupant(*at) != Occupant::HostItself;
        !is_spare || seen.contains_key(at)
    };
    let mut ports: Vec<Location> = site
        .all_ports()
        .map(|(at, _)| at)
        .filter(|at| is_listed(at))
        .collect();
    ports.sort_by_key(|at| (order(at.role), at.port));
    ports
        .into_iter()
        .map(|at| Sighting {
            who: who(site, at),
            port: site.port_name(at),
            bridge: site.bridge(at.role).to_owned(),
            is_sender: at == sender.at,
            copies: seen
                .remove(&at)
                .unwrap_or_default()
                .into_iter()
                .map(|((tags, cut), count)| Copies { tags, cut, count })
                .collect(),
        })
        .collect()
}

fn order(role: Role) -> usize {
    match role {
        Role::Local | Role::Learning => 0,
        Role::Service => 1,
        Role::Uplink => 2,
    }
}

/// What is at a port, in words.
pub(in crate::cli) fn who(site: &Site<'_>, at: Location) -> String {
    match site.occupant(at) {
        Occupant::Vm(vm) => vm.to_owned(),
        Occupant::Function(function) => function,
        Occupant::Uplink => "uplink".to_owned(),
        Occupant::HostItself => "host itself".to_owned(),
        Occupant::Patch | Occupant::Unknown => "port".to_owned(),
    }
}

/// The table for people.
pub(super) fn table(sightings: &[Sighting]) -> String {
    let mut table = Table::new(&["WHO", "PORT", "SEES IT", "COPIES"]);
    for sighting in sightings {
        let Sighting {
            who,
            port,
            is_sender,
            copies,
            ..
        } = sighting;
        let who = if *is_sender {
            format!("{who} (sender)")
        } else {
            who.clone()
        };
        if copies.is_empty() {
            table.row([who.clone(), port.clone(), "no".to_owned(), "0".to_owned()]);
        }
        for Copies { tags, cut, count } in copies {
            let look = match cut {
                Some(bytes) => format!("{tags}, {bytes} bytes"),
                None => tags.clone(),
            };
            table.row([who.clone(), port.clone(), look, count.to_string()]);
        }
    }
    table.to_string()
}
