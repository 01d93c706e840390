//! What `pkt_mark` says of a frame on its way along the chain.
//!
//! ```text
//!      31      30      29        28     27       16 15                 0
//! +-----------+------+--------+----------+-----------+--------------------+
//! | inspected | copy | tunnel | question |     0     | port on br0.local  |
//! +-----------+------+--------+----------+-----------+--------------------+
//! ```
//!
//! The port is that of the vNIC the frame came from, 0 for a frame from the uplink or from the
//! host itself. The mark is 0 again when a frame leaves Open vSwitch.

/// A frame from the uplink bridge's own ports: the uplinks and the host itself.
pub const FROM_UPLINK: u32 = 0;

/// Bits of the mark that hold a port number.
pub const PORT_BITS: u16 = 16;

/// The bit of a frame that went on to its destination already and comes back for the vNICs with
/// `promiscuous: accept` only.
pub const COPY_BIT: u16 = 30;

/// [`COPY_BIT`] as a mask.
pub const COPY: u32 = 1 << COPY_BIT;

/// A frame of a vNIC that came out of an inline function. Having left Open vSwitch it has lost its
/// port. One from the uplink has none to lose, and goes on as [`FROM_UPLINK`]: by its source it
/// could be taken for one of the vNIC that had this address before.
pub const INSPECTED: u32 = 1 << 31;

/// A frame of the host itself that carries a copy to a remote sink. It does not pass the chains: it
/// would be copied again.
pub const TUNNEL: u32 = 1 << 29;

/// A frame of the host itself that may ask for the way to a remote sink. It does not pass the chains
/// either.
pub const QUESTION: u32 = 1 << 28;
