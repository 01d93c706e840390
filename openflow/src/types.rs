//! Number spaces of OpenFlow 1.3 as newtypes, so that a port can not be passed for a group.

use std::fmt;
use std::str::FromStr;

use crate::macros::number;

number! {
    /// Pairs a reply with its request (`ofp_header.xid`, §7.1).
    pub struct Xid(u32);
}

number! {
    /// An OpenFlow port number (`ofp_port_no`, §7.2.1). Displayed as `ovs-ofctl` writes it.
    pub struct PortNo(u32);
    /// Output to the port the frame came in by (`OFPP_IN_PORT`).
    IN_PORT = 0xffff_fff8 => "IN_PORT";
    /// Submit a packet-out to the first flow table (`OFPP_TABLE`).
    TABLE = 0xffff_fff9 => "TABLE";
    /// The switch's own L2/L3 pipeline (`OFPP_NORMAL`).
    NORMAL = 0xffff_fffa => "NORMAL";
    /// All ports but the ingress port and those that do not flood (`OFPP_FLOOD`).
    FLOOD = 0xffff_fffb => "FLOOD";
    /// All ports but the ingress port (`OFPP_ALL`).
    ALL = 0xffff_fffc => "ALL";
    /// The controller (`OFPP_CONTROLLER`).
    CONTROLLER = 0xffff_fffd => "CONTROLLER";
    /// The bridge's own port (`OFPP_LOCAL`).
    LOCAL = 0xffff_fffe => "LOCAL";
    /// Wildcard in requests; no port where a port is optional (`OFPP_ANY`).
    ANY = 0xffff_ffff => "ANY";
}

impl PortNo {
    /// The largest number of a real port (`OFPP_MAX`).
    pub const MAX: Self = Self(0xffff_ff00);
    /// An action set that has no output action, in a match on `actset_output` (`OFPP_UNSET` of
    /// OpenFlow 1.5, which Open vSwitch uses in earlier versions too).
    pub const UNSET: Self = Self(0xffff_fff7);

    /// The port that OpenFlow 1.0 numbers in 16 bits, as some extensions of Open vSwitch do: its
    /// reserved numbers begin at 0xff00.
    pub const fn from_16_bits(port: u16) -> Self {
        match port {
            0xff00.. => Self(0xffff_0000 | port as u32),
            _ => Self(port as u32),
        }
    }

    /// Whether the number may belong to a port that exists (1 to [`PortNo::MAX`], or LOCAL).
    pub fn is_real(self) -> bool {
        (1..=Self::MAX.0).contains(&self.0) || self == Self::LOCAL
    }
}

number! {
    /// A group (`ofp_group`, §7.3.4.2).
    pub struct GroupId(u32);
    /// All groups, in delete commands and requests (`OFPG_ALL`).
    ALL = 0xffff_fffc => "all";
    /// Wildcard in requests; no group where a group is optional (`OFPG_ANY`).
    ANY = 0xffff_ffff => "any";
}

impl GroupId {
    /// The largest number of a real group (`OFPG_MAX`).
    pub const MAX: Self = Self(0xffff_ff00);
}

number! {
    /// A meter (`ofp_meter`, §7.3.4.4).
    pub struct MeterId(u32);
    /// Meters packets that take the slow path (`OFPM_SLOWPATH`).
    SLOWPATH = 0xffff_fffd => "slowpath";
    /// Meters packets sent to the controller (`OFPM_CONTROLLER`).
    CONTROLLER = 0xffff_fffe => "controller";
    /// All meters, in delete commands and requests (`OFPM_ALL`).
    ALL = 0xffff_ffff => "all";
}

impl MeterId {
    /// The largest number of a flow meter (`OFPM_MAX`).
    pub const MAX: Self = Self(0xffff_0000);
}

number! {
    /// A flow table (`ofp_table`, §7.3.4.1).
    pub struct TableId(u8);
    /// All tables, in delete commands and requests (`OFPTT_ALL`).
    ALL = 0xff => "ALL";
}

impl TableId {
    /// The largest number of a table (`OFPTT_MAX`).
    pub const MAX: Self = Self(0xfe);
}

number! {
    /// A queue of a port (§7.2.2).
    pub struct QueueId(u32);
    /// All queues, in requests (`OFPQ_ALL`).
    ALL = 0xffff_ffff => "ALL";
}

number! {
    /// A packet that waits in the switch (§7.3.1). Open vSwitch never buffers: always
    /// [`BufferId::NO_BUFFER`].
    pub struct BufferId(u32);
    /// The packet is not buffered (`OFP_NO_BUFFER`).
    NO_BUFFER = 0xffff_ffff => "none";
}

/// An opaque number that the controller attaches to a flow entry; the switch only compares it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(pub u64);

impl Cookie {
    /// In a packet-in: no flow entry caused it.
    pub const NONE: Self = Self(u64::MAX);
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookie({self})")
    }
}

/// The identity of a bridge: 64 bits, in Open vSwitch 16 freely chosen and 48 of a MAC address.
///
/// ```
/// use openflow::DatapathId;
/// let dpid: DatapathId = "00005254000000a1".parse()?;
/// assert_eq!(dpid, DatapathId(0x5254_0000_00a1));
/// assert_eq!(dpid.to_string(), "00005254000000a1");
/// # Ok::<(), openflow::ParseDatapathIdError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatapathId(pub u64);

impl fmt::Display for DatapathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for DatapathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatapathId({self})")
    }
}

/// The text is not 1 to 16 hex digits, with or without `0x`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a datapath id: expected up to 16 hex digits such as 00005254000000a1")]
pub struct ParseDatapathIdError {
    text: String,
}

impl FromStr for DatapathId {
    type Err = ParseDatapathIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let well_formed = (1..=16).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u64::from_str_radix(digits, 16)
            .ok()
            .filter(|_| well_formed)
            .map(Self)
            .ok_or_else(|| ParseDatapathIdError {
                text: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_numbers_print_as_ovs_ofctl_writes_them() {
        assert_eq!(PortNo::LOCAL.to_string(), "LOCAL");
        assert_eq!(PortNo(7).to_string(), "7");
        assert_eq!(format!("{:?}", PortNo::CONTROLLER), "PortNo(CONTROLLER)");
        assert_eq!(MeterId::CONTROLLER.to_string(), "controller");
    }

    #[test]
    fn datapath_ids_refuse_what_is_not_hex_or_too_long() {
        for text in ["", "0x", "+1", "g", "00000000000000001"] {
            assert!(text.parse::<DatapathId>().is_err(), "{text:?}");
        }
        assert_eq!("0xA1".parse(), Ok(DatapathId(0xa1)));
    }
}
