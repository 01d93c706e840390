//! Flow cookies: which flows are ours, and what each is for.
//!
//! A cookie of ours is `0x62726368_000000CC`: the letters "brch" and the [`Class`]; what a switch
//! writes itself has a number between them ([`Class::remembered`]). It says nothing about positions
//! in the configuration, so that inserting a VM does not change the cookies of the others. Flows with
//! any other cookie belong to somebody else and are left alone.

use openflow::Cookie;

/// What the cookies of all our flows have in common, in the bits of [`MASK`].
pub const OURS: Cookie = Cookie(0x6272_6368_0000_0000);

/// The bits of a cookie that say whose the flow is.
pub const MASK: u64 = 0xffff_ffff_0000_0000;

/// What the cookies of all flows have in common that only drop, in the bits of [`DROPS_MASK`].
pub const DROPS: Cookie = Cookie(OURS.0 | 0x80);

/// The bits of a cookie that say whether a flow of ours only drops.
pub const DROPS_MASK: u64 = MASK | 0x80;

/// What a flow is for. The number is part of the cookie, and so stays the same from one version
/// to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Moves frames along: classification, table misses, hand-over between bridges.
    Pipeline = 0x01,
    /// A MAC address of the configuration.
    Pinned = 0x02,
    /// A learned MAC address, as a source: carries the idle timeout.
    LearnedSource = 0x03,
    /// A learned MAC address, as a destination: lives as long as its source flow.
    LearnedDestination = 0x04,
    /// Delivers broadcast, unknown unicast and multicast.
    Flood = 0x05,
    /// Hands frames to a network function.
    Function = 0x06,
    /// Written by the switch itself: the port that a source address was seen at. It is neither
    /// wanted nor unwanted, and goes by its own idle timeout.
    Remembered = 0x07,
    /// Brings the probes of a health check from a function to the controller.
    Probe = 0x08,
    /// Does nothing: says, for the next controller to read back, that an instance of a function
    /// has failed its health check.
    Failed = 0x09,
    /// Keeps frames from being copied to a tap.
    Skip = 0x0a,
    /// A learned MAC address, as a source anywhere in a network that has a limit: where it moves
    /// from one vNIC to another, it is not one more.
    CountedSource = 0x0b,
    /// Does nothing: says, for the next controller to read back, which interface a vNIC is at that is
    /// found by what the OVS database says.
    Bound = 0x0d,
    /// Drops frames from a port that is not in the configuration.
    DropPort = 0x80,
    /// Drops frames of a VLAN that their port is no member of.
    DropVlan = 0x81,
    /// Drops frames whose source address is pinned to another vNIC.
    DropSpoofed = 0x82,
    /// Drops frames to reserved multicast addresses (IEEE 802.1Q, 01:80:c2:00:00:00 to 0f).
    DropReserved = 0x83,
    /// Drops frames whose source address is a multicast address.
    DropSource = 0x84,
    /// Drops what a network function sends out of turn.
    DropFunction = 0x85,
    /// Drops frames of a vNIC that may use no other address than the one pinned to it.
    DropForged = 0x86,
    /// Drops frames from more addresses than a vNIC or a network may have.
    DropMaxMacs = 0x87,
    /// Drops what the host has sent by one uplink and gets back by another.
    DropReflected = 0x88,
    /// Drops the copies of a frame from outside that come in by the other uplinks.
    DropStandby = 0x89,
}

impl Class {
    const ALL: [Self; 22] = [
        Self::Pipeline,
        Self::Pinned,
        Self::LearnedSource,
        Self::LearnedDestination,
        Self::Flood,
        Self::Function,
        Self::Remembered,
        Self::Probe,
        Self::Failed,
        Self::Skip,
        Self::CountedSource,
        Self::Bound,
        Self::DropPort,
        Self::DropVlan,
        Self::DropSpoofed,
        Self::DropReserved,
        Self::DropSource,
        Self::DropFunction,
        Self::DropForged,
        Self::DropMaxMacs,
        Self::DropReflected,
        Self::DropStandby,
    ];

    /// The cookie of flows of this class.
    pub fn cookie(self) -> Cookie {
        Cookie(OURS.0 | self as u64)
    }

    /// The cookie of what the switch writes itself ([`Self::Remembered`]), with a number of 24 bits.
    /// Flows of one number share a limit.
    pub fn remembered(number: u32) -> Cookie {
        let number = number & 0x00ff_ffff;
        Cookie(Self::Remembered.cookie().0 | u64::from(number) << 8)
    }

    /// The class that a cookie names; `None` where it is not one of ours.
    pub fn of(cookie: Cookie) -> Option<Self> {
        if Self::remembered((cookie.0 >> 8) as u32) == cookie {
            return Some(Self::Remembered);
        }
        Self::ALL.into_iter().find(|class| class.cookie() == cookie)
    }
}

/// Whether a flow with this cookie was put there by bridgechain, this version or another.
pub fn is_ours(cookie: Cookie) -> bool {
    cookie.0 & MASK == OURS.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_found_again_from_its_cookie() {
        for class in Class::ALL {
            assert_eq!(Class::of(class.cookie()), Some(class));
            assert!(is_ours(class.cookie()));
        }
    }

    #[test]
    fn flows_that_drop_are_told_by_their_cookies() {
        for class in Class::ALL {
            let drops = format!("{class:?}").starts_with("Drop");
            let is_told = class.cookie().0 & DROPS_MASK == DROPS.0;
            assert_eq!(is_told, drops, "{class:?}");
        }
        assert_ne!(Class::remembered(0x00ff_ffff).0 & DROPS_MASK, DROPS.0);
    }

    #[test]
    fn what_the_switch_writes_is_told_apart_by_numbers() {
        for number in [0, 1, 0x01_0002, 0xff_ffff] {
            let cookie = Class::remembered(number);
            assert_eq!(Class::of(cookie), Some(Class::Remembered), "{cookie:?}");
        }
        assert_ne!(Class::remembered(1), Class::remembered(2));
        let another_class = Cookie(Class::Pinned.cookie().0 | 0x100);
        assert_eq!(Class::of(another_class), None);
    }

    #[test]
    fn other_cookies_are_not_ours() {
        for cookie in [0, 1, u64::MAX, 0x6272_6369_0000_0001] {
            assert!(!is_ours(Cookie(cookie)));
            assert_eq!(Class::of(Cookie(cookie)), None);
        }
        let later_version = Cookie(OURS.0 | 0x7f);
        assert!(is_ours(later_version));
        assert_eq!(Class::of(later_version), None);
    }
}
