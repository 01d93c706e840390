//! Numbers of the protocols that flows and frames speak of.

/// EtherTypes (IEEE 802 numbers of IANA).
pub(crate) mod ethertype {
    /// IPv4 (RFC 894).
    pub(crate) const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub(crate) const ARP: u16 = 0x0806;
    /// IPv6 (RFC 2464).
    pub(crate) const IPV6: u16 = 0x86dd;
}

/// IP protocols (protocol numbers of IANA).
pub(crate) mod ip {
    /// ICMP (RFC 792).
    pub(crate) const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub(crate) const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub(crate) const UDP: u8 = 17;
    /// GRE (RFC 2784).
    pub(crate) const GRE: u8 = 47;
    /// ESP (RFC 4303).
    pub(crate) const ESP: u8 = 50;
    /// ICMPv6 (RFC 4443).
    pub(crate) const ICMPV6: u8 = 58;
    /// SCTP (RFC 9260).
    pub(crate) const SCTP: u8 = 132;
}

/// The UDP port of VXLAN (RFC 7348).
pub(crate) const VXLAN_PORT: u16 = 4789;
/// The operation of an ARP request (RFC 826).
pub(crate) const ARP_REQUEST: u16 = 1;
/// The ICMPv6 type of a neighbour solicitation (RFC 4861).
pub(crate) const NEIGHBOR_SOLICITATION: u8 = 135;
