//! Notes of which interfaces ports are at that are found by what the OVS database says: a new
//! controller reads them back, and so changes nothing while the database has not answered yet, or
//! cannot.

use std::collections::BTreeMap;

use openflow::{Match, OxmField};

use super::builder::{self, Builder};
use super::tables::{BOUND, priority};
use crate::cookie::Class;
use crate::ports::Ports;
use crate::program::{Flow, FlowKey};
use crate::topology::{Host, Role};

/// Notes, on the bridge with `role`, the found ports that are there.
pub(super) fn note(builder: &mut Builder, host: &Host, role: Role, ports: &Ports) {
    for port in host.found_ports().filter(|port| port.role == role) {
        let Some(number) = ports.get(port.name) else {
            continue;
        };
        let interface = ports.interface(number).unwrap_or_default();
        let note = builder::from_port(number)
            .with(OxmField::Metadata, digest(port.name))
            .with(OxmField::TunnelId, digest(interface));
        builder.drop(BOUND, priority::MISS, note, Class::Bound);
    }
}

/// The interfaces that the flows of a bridge say found ports of `host` are at, by the names of these
/// ports: what [`bridge`](super::bridge) makes of them, read back. An interface that has another
/// number now is not believed to be the same one.
pub fn recover_bound<'f>(
    host: &Host,
    role: Role,
    ports: &Ports,
    flows: impl IntoIterator<Item = (&'f FlowKey, &'f Flow)>,
) -> BTreeMap<String, String> {
    let wanted = host.found_ports().filter(|port| port.role == role);
    let names: BTreeMap<u64, &str> = wanted.map(|port| (digest(port.name), port.name)).collect();
    let mut found = BTreeMap::new();
    for (key, flow) in flows {
        if Class::of(flow.cookie) != Some(Class::Bound) || key.table != BOUND {
            continue;
        }
        let value = |field| match key.match_.get(field) {
            Some((value, None)) => u64::try_from(value).ok(),
            _ => None,
        };
        let name = value(OxmField::Metadata).and_then(|digest| names.get(&digest));
        let interface = noted_port(&key.match_).and_then(|port| ports.interface(port));
        if let (Some(name), Some(interface)) = (name, interface)
            && value(OxmField::TunnelId) == Some(digest(interface))
        {
            found.insert((*name).to_owned(), interface.to_owned());
        }
    }
    found
}

fn noted_port(match_: &Match) -> Option<openflow::PortNo> {
    match match_.get(OxmField::InPort) {
        Some((port, None)) => Some(openflow::PortNo(u32::try_from(port).ok()?)),
        _ => None,
    }
}

/// A name in the 64 bits that a field has room for: FNV-1a.
fn digest(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
