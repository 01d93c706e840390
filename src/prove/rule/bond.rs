//! Several uplinks that are used as one: which of them an address has, and which copies of a frame
//! from outside are taken.
//!
//! The physical switch floods by every uplink, and floods back by the others what the host has sent
//! by one. An address has the uplink by which its frames were sent last, while that is up, as that
//! is where the physical switch has seen it; else the one that would be chosen for it now.

use super::header::{DST, Header, SRC};
use super::site::Site;
use crate::learning::Location;
use crate::prove::engine::Var;
use crate::topology::{UplinkMode, Vlan};

/// The uplink that is chosen for an address, where any is up: the first, or one by a hash.
pub(super) fn chosen(site: &Site<'_>, header: &mut Header<'_>, address: Var) -> Option<Location> {
    let uplinks: Vec<Option<Location>> = site.uplinks().collect();
    match site.host.uplink_mode {
        UplinkMode::Balance => header.balanced(site.outside(), &uplinks, address),
        UplinkMode::ActiveBackup | UplinkMode::Separate => {
            let there = uplinks.into_iter().flatten();
            let mut up = there.filter(|uplink| header.is_up(*uplink));
            up.next()
        }
    }
}

/// The uplink that an address has, and whether it was seen on this host.
fn of(
    site: &Site<'_>,
    vlan: Vlan,
    header: &mut Header<'_>,
    address: Var,
) -> (Option<Location>, bool) {
    let Some(remembered) = header.remembered(site.outside(), vlan, address) else {
        return (chosen(site, header, address), false);
    };
    // What was here and came from outside since is remembered as being nowhere.
    let is_here = !header.is_port(remembered, openflow::PortNo(0));
    for uplink in site.uplinks().flatten() {
        if header.is_port(remembered, uplink.port) && header.is_up(uplink) {
            return (Some(uplink), is_here);
        }
    }
    (chosen(site, header, address), is_here)
}

/// Whether a frame is taken that comes in by one of the uplinks.
///
/// Of the copies that come in by several, it is the one by the uplink of its destination; or of its
/// source, where it is for many. A source that was seen here has to come by its own uplink besides:
/// that is one which has moved, and any other is a frame of this host that was flooded back.
pub(super) fn arrives(site: &Site<'_>, at: Location, vlan: Vlan, header: &mut Header<'_>) -> bool {
    if header.is_multicast(DST) {
        return of(site, vlan, header, SRC).0 == Some(at);
    }
    if of(site, vlan, header, DST).0 != Some(at) {
        return false;
    }
    let (uplink, is_here) = of(site, vlan, header, SRC);
    !is_here || uplink == Some(at)
}
