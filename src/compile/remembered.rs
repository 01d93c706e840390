//! What the switch remembers of source addresses by itself (`NXAST_LEARN`), and how much of it.
//!
//! Addresses are made up at will by guests, so what is remembered has a limit. Open vSwitch counts
//! the flows of a table that have the cookie of the new one. So each vNIC has a cookie of its own,
//! and with it a share of its own: a guest that uses up its share takes nothing from the others. The
//! uplink bridge can not tell all of them apart: there some have a share together ([`Share`]).
//! What an address with no room is remembered for does not happen to it, nothing else.

use std::iter;

use openflow::{Cookie, LearnLimit, PortNo};

use super::mark;
use crate::cookie::Class;
use crate::learning::MacTable;
use crate::topology::{Host, Role, Vnic};

/// How many addresses are remembered of a vNIC, in all its networks together; more where its
/// `max_macs` allows more. Where that is less, no more than so many are admitted in the first place.
const OF_A_VNIC: u32 = 4096;

/// How many shares the vNICs behind the chain have on the uplink bridge: it sees the numbers of their
/// ports, and does not know which there are.
const SHARES: u32 = 64;

/// Whose addresses are remembered together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Share {
    /// Those that nobody can make up, or that are few: without a limit.
    Known,
    /// Those of the vNIC at a port of this bridge.
    Vnic {
        /// Its port.
        port: PortNo,
        /// How many.
        limit: u32,
    },
    /// Those of the vNICs behind the chain whose port numbers end alike.
    Guests {
        /// How they end.
        number: u32,
        /// How many.
        limit: u32,
    },
    /// Those of the vNICs of which it can not be told which one sent a frame: an inline function
    /// has had it.
    Inspected,
}

impl Share {
    /// That of a vNIC at a port of this bridge.
    pub(super) fn of(vnic: &Vnic, port: PortNo) -> Self {
        Self::Vnic {
            port,
            limit: limit(iter::once(vnic)),
        }
    }

    /// Those of the vNICs behind the chain, each with the marks that their frames come with: value
    /// and mask.
    pub(super) fn of_guests(host: &Host) -> impl Iterator<Item = ((u32, u32), Self)> {
        const MASK: u32 = mark::INSPECTED | (SHARES - 1);
        let limit = limit(host.vnics_at(Role::Local));
        (0..SHARES).map(move |number| ((number, MASK), Self::Guests { number, limit }))
    }

    /// The cookie of what is remembered.
    pub(super) fn cookie(self) -> Cookie {
        // Port numbers on Open vSwitch have 16 bits.
        const GUESTS: u32 = 1 << 16;
        const INSPECTED: u32 = 2 << 16;
        Class::remembered(match self {
            Self::Known => 0,
            Self::Vnic { port, .. } => port.0,
            Self::Guests { number, .. } => GUESTS | number,
            Self::Inspected => INSPECTED,
        })
    }

    /// How many addresses are remembered.
    pub(super) fn limit(self) -> Option<LearnLimit> {
        let limit = match self {
            Self::Known => return None,
            Self::Vnic { limit, .. } | Self::Guests { limit, .. } => limit,
            Self::Inspected => MacTable::CAPACITY as u32,
        };
        Some(LearnLimit {
            limit,
            result: None,
        })
    }
}

/// How many addresses are remembered of vNICs that share.
fn limit<'v>(vnics: impl Iterator<Item = &'v Vnic>) -> u32 {
    let own = vnics.filter_map(|vnic| vnic.security.max_macs);
    own.max().unwrap_or(0).max(OF_A_VNIC)
}
