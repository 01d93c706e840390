//! The match fields: one row of a table each, and the way from their numbers to the row.

/// The class of a match field: who numbers it (`ofp_oxm_class`, §7.2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OxmClass {
    /// NXM fields that mirror OpenFlow 1.0 (`NXM_OF_`, `OFPXMC_NXM_0`).
    Nxm0,
    /// NXM fields of Open vSwitch (`NXM_NX_`, `OFPXMC_NXM_1`).
    Nxm1,
    /// Fields of Ericsson (`ERICOXM_OF_`).
    Ericsson,
    /// Fields of the specification (`OFPXMC_OPENFLOW_BASIC`).
    Basic,
    /// 64-bit registers (`OFPXMC_PACKET_REGS`).
    PacketRegs,
    /// Experimenter fields of Open vSwitch (`NXOXM_ET_`).
    Nicira,
    /// Experimenter fields of NSH (`NXOXM_NSH_`).
    Nsh,
    /// Experimenter fields of the ONF (`ONFOXM_ET_`).
    Onf,
}

impl OxmClass {
    /// The `oxm_class` on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::Nxm0 => 0,
            Self::Nxm1 => 1,
            Self::Ericsson => 0x1000,
            Self::Basic => 0x8000,
            Self::PacketRegs => 0x8001,
            Self::Nicira | Self::Nsh | Self::Onf => Self::EXPERIMENTER,
        }
    }

    /// The experimenter id that follows the header of the fields of this class, if any.
    pub const fn experimenter(self) -> Option<u32> {
        match self {
            Self::Nicira => Some(crate::experimenter::NICIRA),
            Self::Nsh => Some(0x005a_d650),
            Self::Onf => Some(crate::experimenter::ONF),
            _ => None,
        }
    }

    /// The `oxm_class` of fields with an experimenter id (`OFPXMC_EXPERIMENTER`).
    pub const EXPERIMENTER: u16 = 0xffff;
}

/// What a packet must be for a field to exist in it (§7.2.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Prerequisite {
    /// Any packet.
    None,
    /// A match on `in_port`.
    InPort,
    /// A VLAN tag.
    VlanVid,
    /// IPv4 or IPv6.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// ARP (ethertype 0x0806).
    Arp,
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// UDP over IPv4 or IPv6.
    Udp,
    /// SCTP over IPv4 or IPv6.
    Sctp,
    /// ICMP over IPv4.
    Icmpv4,
    /// ICMPv6.
    Icmpv6,
    /// ICMPv6 neighbour solicitation or advertisement.
    NeighborDiscovery,
    /// ICMPv6 neighbour solicitation.
    NeighborSolicit,
    /// ICMPv6 neighbour advertisement.
    NeighborAdvert,
    /// MPLS unicast or multicast.
    Mpls,
    /// PBB (ethertype 0x88e7).
    Pbb,
    /// NSH (ethertype 0x894f).
    Nsh,
}

/// How `ovs-ofctl` writes the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Decimal where exact, hexadecimal where masked.
    Decimal,
    Hex,
    Mac,
    Ipv4,
    Ipv6,
    Port,
    /// A port in 16 bits.
    Port16,
    VlanVid,
    /// Words for the combinations of two bits.
    Frag,
    /// Namespace and type in parentheses.
    PacketType,
}

/// A row of the table.
pub(crate) struct FieldInfo {
    pub(crate) field: OxmField,
    pub(crate) class: OxmClass,
    pub(crate) number: u8,
    /// Class, number and length on the wire, without mask.
    pub(crate) header: u32,
    pub(crate) bits: u8,
    pub(crate) bytes: u8,
    pub(crate) maskable: bool,
    pub(crate) prerequisite: Prerequisite,
    pub(crate) format: Format,
    pub(crate) c_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) ofctl_name: &'static str,
}

const fn header(class: OxmClass, number: u32, bytes: u32) -> u32 {
    let experimenter = match class.experimenter() {
        Some(_) => EXPERIMENTER_LEN,
        None => 0,
    };
    (class.number() as u32) << 16 | number << 9 | (bytes + experimenter)
}

/// The length of an experimenter id, which counts as payload.
pub(crate) const EXPERIMENTER_LEN: u32 = 4;

macro_rules! maskable {
    (maskable) => {
        true
    };
    (exact) => {
        false
    };
}

macro_rules! fields {
    ($(
        $variant:ident = $class:ident $number:literal, $bits:literal, $bytes:literal, $mask:ident,
        $prerequisite:ident, $format:ident, $c_name:literal, $name:literal, $ofctl:literal,
        $doc:literal;
    )*) => {
        /// A match field that this crate knows.
        ///
        /// The order of the variants has no meaning; [`OxmField::class`] and
        /// [`OxmField::number`] tell the place on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum OxmField {
            $(
                #[doc = $doc]
                #[doc = concat!("`", $c_name, "`, ", $bits, " bits in ", $bytes, " bytes.")]
                $variant,
            )*
        }

        /// The table, in the order of the variants of [`OxmField`].
        pub(crate) static FIELDS: &[FieldInfo] = &[$(
            FieldInfo {
                field: OxmField::$variant,
                class: OxmClass::$class,
                number: $number,
                header: header(OxmClass::$class, $number, $bytes),
                bits: $bits,
                bytes: $bytes,
                maskable: maskable!($mask),
                prerequisite: Prerequisite::$prerequisite,
                format: Format::$format,
                c_name: $c_name,
                name: $name,
                ofctl_name: $ofctl,
            },
        )*];
    };
}

// Variant = class number, bits, bytes, may have a mask, prerequisite, format,
// name in C, name in the specification, name in ovs-ofctl, what it is.
#[rustfmt::skip]
fields! {
    InPort = Basic 0, 32, 4, exact, None, Port, "OXM_OF_IN_PORT", "in_port", "in_port", "Port that the packet came in by.";
    InPhyPort = Basic 1, 32, 4, exact, InPort, Port, "OXM_OF_IN_PHY_PORT", "in_phy_port", "in_phy_port", "Physical port below the port that the packet came in by.";
    Metadata = Basic 2, 64, 8, maskable, None, Hex, "OXM_OF_METADATA", "metadata", "metadata", "Value passed from table to table.";
    EthDst = Basic 3, 48, 6, maskable, None, Mac, "OXM_OF_ETH_DST", "eth_dst", "dl_dst", "Ethernet destination.";
    EthSrc = Basic 4, 48, 6, maskable, None, Mac, "OXM_OF_ETH_SRC", "eth_src", "dl_src", "Ethernet source.";
    EthType = Basic 5, 16, 2, exact, None, Hex, "OXM_OF_ETH_TYPE", "eth_type", "dl_type", "Ethertype, after VLAN tags.";
    VlanVid = Basic 6, 13, 2, maskable, None, VlanVid, "OXM_OF_VLAN_VID", "vlan_vid", "vlan_vid", "VLAN id, with bit 0x1000 ([`OFPVID_PRESENT`](crate::OFPVID_PRESENT)) where there is a tag.";
    VlanPcp = Basic 7, 3, 1, exact, VlanVid, Decimal, "OXM_OF_VLAN_PCP", "vlan_pcp", "vlan_pcp", "VLAN priority.";
    IpDscp = Basic 8, 6, 1, exact, Ip, Decimal, "OXM_OF_IP_DSCP", "ip_dscp", "ip_dscp", "DSCP: the upper 6 bits of the traffic class, shifted down.";
    IpEcn = Basic 9, 2, 1, exact, Ip, Decimal, "OXM_OF_IP_ECN", "ip_ecn", "nw_ecn", "ECN: the lower 2 bits of the traffic class.";
    IpProto = Basic 10, 8, 1, exact, Ip, Decimal, "OXM_OF_IP_PROTO", "ip_proto", "nw_proto", "IP protocol.";
    Ipv4Src = Basic 11, 32, 4, maskable, Ipv4, Ipv4, "OXM_OF_IPV4_SRC", "ipv4_src", "nw_src", "IPv4 source.";
    Ipv4Dst = Basic 12, 32, 4, maskable, Ipv4, Ipv4, "OXM_OF_IPV4_DST", "ipv4_dst", "nw_dst", "IPv4 destination.";
    TcpSrc = Basic 13, 16, 2, exact, Tcp, Decimal, "OXM_OF_TCP_SRC", "tcp_src", "tcp_src", "TCP source port.";
    TcpDst = Basic 14, 16, 2, exact, Tcp, Decimal, "OXM_OF_TCP_DST", "tcp_dst", "tcp_dst", "TCP destination port.";
    UdpSrc = Basic 15, 16, 2, exact, Udp, Decimal, "OXM_OF_UDP_SRC", "udp_src", "udp_src", "UDP source port.";
    UdpDst = Basic 16, 16, 2, exact, Udp, Decimal, "OXM_OF_UDP_DST", "udp_dst", "udp_dst", "UDP destination port.";
    SctpSrc = Basic 17, 16, 2, exact, Sctp, Decimal, "OXM_OF_SCTP_SRC", "sctp_src", "sctp_src", "SCTP source port.";
    SctpDst = Basic 18, 16, 2, exact, Sctp, Decimal, "OXM_OF_SCTP_DST", "sctp_dst", "sctp_dst", "SCTP destination port.";
    Icmpv4Type = Basic 19, 8, 1, exact, Icmpv4, Decimal, "OXM_OF_ICMPV4_TYPE", "icmpv4_type", "icmp_type", "ICMP type.";
    Icmpv4Code = Basic 20, 8, 1, exact, Icmpv4, Decimal, "OXM_OF_ICMPV4_CODE", "icmpv4_code", "icmp_code", "ICMP code.";
    ArpOp = Basic 21, 16, 2, exact, Arp, Decimal, "OXM_OF_ARP_OP", "arp_op", "arp_op", "ARP opcode.";
    ArpSpa = Basic 22, 32, 4, maskable, Arp, Ipv4, "OXM_OF_ARP_SPA", "arp_spa", "arp_spa", "ARP sender IPv4 address.";
    ArpTpa = Basic 23, 32, 4, maskable, Arp, Ipv4, "OXM_OF_ARP_TPA", "arp_tpa", "arp_tpa", "ARP target IPv4 address.";
    ArpSha = Basic 24, 48, 6, maskable, Arp, Mac, "OXM_OF_ARP_SHA", "arp_sha", "arp_sha", "ARP sender Ethernet address.";
    ArpTha = Basic 25, 48, 6, maskable, Arp, Mac, "OXM_OF_ARP_THA", "arp_tha", "arp_tha", "ARP target Ethernet address.";
    Ipv6Src = Basic 26, 128, 16, maskable, Ipv6, Ipv6, "OXM_OF_IPV6_SRC", "ipv6_src", "ipv6_src", "IPv6 source.";
    Ipv6Dst = Basic 27, 128, 16, maskable, Ipv6, Ipv6, "OXM_OF_IPV6_DST", "ipv6_dst", "ipv6_dst", "IPv6 destination.";
    Ipv6Flabel = Basic 28, 20, 4, maskable, Ipv6, Hex, "OXM_OF_IPV6_FLABEL", "ipv6_flabel", "ipv6_label", "IPv6 flow label.";
    Icmpv6Type = Basic 29, 8, 1, exact, Icmpv6, Decimal, "OXM_OF_ICMPV6_TYPE", "icmpv6_type", "icmpv6_type", "ICMPv6 type.";
    Icmpv6Code = Basic 30, 8, 1, exact, Icmpv6, Decimal, "OXM_OF_ICMPV6_CODE", "icmpv6_code", "icmpv6_code", "ICMPv6 code.";
    Ipv6NdTarget = Basic 31, 128, 16, exact, NeighborDiscovery, Ipv6, "OXM_OF_IPV6_ND_TARGET", "ipv6_nd_target", "nd_target", "Neighbour discovery target.";
    Ipv6NdSll = Basic 32, 48, 6, exact, NeighborSolicit, Mac, "OXM_OF_IPV6_ND_SLL", "ipv6_nd_sll", "nd_sll", "Neighbour discovery source link-layer address.";
    Ipv6NdTll = Basic 33, 48, 6, exact, NeighborAdvert, Mac, "OXM_OF_IPV6_ND_TLL", "ipv6_nd_tll", "nd_tll", "Neighbour discovery target link-layer address.";
    MplsLabel = Basic 34, 20, 4, exact, Mpls, Decimal, "OXM_OF_MPLS_LABEL", "mpls_label", "mpls_label", "MPLS label, outermost.";
    MplsTc = Basic 35, 3, 1, exact, Mpls, Decimal, "OXM_OF_MPLS_TC", "mpls_tc", "mpls_tc", "MPLS traffic class, outermost.";
    MplsBos = Basic 36, 1, 1, exact, Mpls, Decimal, "OXM_OF_MPLS_BOS", "mpls_bos", "mpls_bos", "MPLS bottom of stack, outermost.";
    PbbIsid = Basic 37, 24, 3, maskable, Pbb, Decimal, "OXM_OF_PBB_ISID", "pbb_isid", "pbb_isid", "PBB service instance.";
    TunnelId = Basic 38, 64, 8, maskable, None, Hex, "OXM_OF_TUNNEL_ID", "tunnel_id", "tun_id", "Key of the tunnel that the packet came by.";
    Ipv6Exthdr = Basic 39, 9, 2, maskable, Ipv6, Hex, "OXM_OF_IPV6_EXTHDR", "ipv6_exthdr", "ipv6_exthdr", "IPv6 extension headers present, as flags.";
    TcpFlags = Basic 42, 12, 2, maskable, Tcp, Hex, "OXM_OF_TCP_FLAGS", "tcp_flags", "tcp_flags", "TCP flags, under the number of OpenFlow 1.5.";
    ActsetOutput = Basic 43, 32, 4, exact, None, Port, "OXM_OF_ACTSET_OUTPUT", "actset_output", "actset_output", "Output port in the action set, under the number of OpenFlow 1.5.";
    PacketType = Basic 44, 32, 4, exact, None, PacketType, "OXM_OF_PACKET_TYPE", "packet_type", "packet_type", "Kind of packet (namespace and type), of OpenFlow 1.5.";
    Xreg0 = PacketRegs 0, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG0", "pkt_reg0", "xreg0", "64-bit register 0: `reg0` and `reg1`.";
    Xreg1 = PacketRegs 1, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG1", "pkt_reg1", "xreg1", "64-bit register 1: `reg2` and `reg3`.";
    Xreg2 = PacketRegs 2, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG2", "pkt_reg2", "xreg2", "64-bit register 2: `reg4` and `reg5`.";
    Xreg3 = PacketRegs 3, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG3", "pkt_reg3", "xreg3", "64-bit register 3: `reg6` and `reg7`.";
    Xreg4 = PacketRegs 4, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG4", "pkt_reg4", "xreg4", "64-bit register 4: `reg8` and `reg9`.";
    Xreg5 = PacketRegs 5, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG5", "pkt_reg5", "xreg5", "64-bit register 5: `reg10` and `reg11`.";
    Xreg6 = PacketRegs 6, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG6", "pkt_reg6", "xreg6", "64-bit register 6: `reg12` and `reg13`.";
    Xreg7 = PacketRegs 7, 64, 8, maskable, None, Hex, "OXM_OF_PKT_REG7", "pkt_reg7", "xreg7", "64-bit register 7: `reg14` and `reg15`.";
    NxInPort = Nxm0 0, 16, 2, exact, None, Port16, "NXM_OF_IN_PORT", "nxm_of_in_port", "in_port", "Port that the packet came in by, in 16 bits; unlike [`OxmField::InPort`] it may be written.";
    NxEthDst = Nxm0 1, 48, 6, maskable, None, Mac, "NXM_OF_ETH_DST", "nxm_of_eth_dst", "dl_dst", "[`OxmField::EthDst`] in the NXM class.";
    NxEthSrc = Nxm0 2, 48, 6, maskable, None, Mac, "NXM_OF_ETH_SRC", "nxm_of_eth_src", "dl_src", "[`OxmField::EthSrc`] in the NXM class.";
    NxEthType = Nxm0 3, 16, 2, exact, None, Hex, "NXM_OF_ETH_TYPE", "nxm_of_eth_type", "dl_type", "[`OxmField::EthType`] in the NXM class.";
    NxVlanTci = Nxm0 4, 16, 2, maskable, None, Hex, "NXM_OF_VLAN_TCI", "vlan_tci", "vlan_tci", "Tag control information with bit 0x1000 set; 0 where there is no tag.";
    NxIpTos = Nxm0 5, 8, 1, exact, Ip, Decimal, "NXM_OF_IP_TOS", "ip_tos", "nw_tos", "Traffic class with the ECN bits zero.";
    NxIpProto = Nxm0 6, 8, 1, exact, Ip, Decimal, "NXM_OF_IP_PROTO", "nxm_of_ip_proto", "nw_proto", "[`OxmField::IpProto`] in the NXM class.";
    NxIpSrc = Nxm0 7, 32, 4, maskable, Ipv4, Ipv4, "NXM_OF_IP_SRC", "ip_src", "nw_src", "[`OxmField::Ipv4Src`] in the NXM class.";
    NxIpDst = Nxm0 8, 32, 4, maskable, Ipv4, Ipv4, "NXM_OF_IP_DST", "ip_dst", "nw_dst", "[`OxmField::Ipv4Dst`] in the NXM class.";
    NxTcpSrc = Nxm0 9, 16, 2, maskable, Tcp, Decimal, "NXM_OF_TCP_SRC", "nxm_of_tcp_src", "tcp_src", "[`OxmField::TcpSrc`] in the NXM class; Open vSwitch answers in this form where there is a mask.";
    NxTcpDst = Nxm0 10, 16, 2, maskable, Tcp, Decimal, "NXM_OF_TCP_DST", "nxm_of_tcp_dst", "tcp_dst", "[`OxmField::TcpDst`] in the NXM class.";
    NxUdpSrc = Nxm0 11, 16, 2, maskable, Udp, Decimal, "NXM_OF_UDP_SRC", "nxm_of_udp_src", "udp_src", "[`OxmField::UdpSrc`] in the NXM class.";
    NxUdpDst = Nxm0 12, 16, 2, maskable, Udp, Decimal, "NXM_OF_UDP_DST", "nxm_of_udp_dst", "udp_dst", "[`OxmField::UdpDst`] in the NXM class.";
    NxIcmpType = Nxm0 13, 8, 1, exact, Icmpv4, Decimal, "NXM_OF_ICMP_TYPE", "icmp_type", "icmp_type", "[`OxmField::Icmpv4Type`] in the NXM class.";
    NxIcmpCode = Nxm0 14, 8, 1, exact, Icmpv4, Decimal, "NXM_OF_ICMP_CODE", "icmp_code", "icmp_code", "[`OxmField::Icmpv4Code`] in the NXM class.";
    NxArpOp = Nxm0 15, 16, 2, exact, Arp, Decimal, "NXM_OF_ARP_OP", "nxm_of_arp_op", "arp_op", "[`OxmField::ArpOp`] in the NXM class.";
    NxArpSpa = Nxm0 16, 32, 4, maskable, Arp, Ipv4, "NXM_OF_ARP_SPA", "nxm_of_arp_spa", "arp_spa", "[`OxmField::ArpSpa`] in the NXM class.";
    NxArpTpa = Nxm0 17, 32, 4, maskable, Arp, Ipv4, "NXM_OF_ARP_TPA", "nxm_of_arp_tpa", "arp_tpa", "[`OxmField::ArpTpa`] in the NXM class.";
    Reg0 = Nxm1 0, 32, 4, maskable, None, Hex, "NXM_NX_REG0", "reg0", "reg0", "Register 0.";
    Reg1 = Nxm1 1, 32, 4, maskable, None, Hex, "NXM_NX_REG1", "reg1", "reg1", "Register 1.";
    Reg2 = Nxm1 2, 32, 4, maskable, None, Hex, "NXM_NX_REG2", "reg2", "reg2", "Register 2.";
    Reg3 = Nxm1 3, 32, 4, maskable, None, Hex, "NXM_NX_REG3", "reg3", "reg3", "Register 3.";
    Reg4 = Nxm1 4, 32, 4, maskable, None, Hex, "NXM_NX_REG4", "reg4", "reg4", "Register 4.";
    Reg5 = Nxm1 5, 32, 4, maskable, None, Hex, "NXM_NX_REG5", "reg5", "reg5", "Register 5.";
    Reg6 = Nxm1 6, 32, 4, maskable, None, Hex, "NXM_NX_REG6", "reg6", "reg6", "Register 6.";
    Reg7 = Nxm1 7, 32, 4, maskable, None, Hex, "NXM_NX_REG7", "reg7", "reg7", "Register 7.";
    Reg8 = Nxm1 8, 32, 4, maskable, None, Hex, "NXM_NX_REG8", "reg8", "reg8", "Register 8.";
    Reg9 = Nxm1 9, 32, 4, maskable, None, Hex, "NXM_NX_REG9", "reg9", "reg9", "Register 9.";
    Reg10 = Nxm1 10, 32, 4, maskable, None, Hex, "NXM_NX_REG10", "reg10", "reg10", "Register 10.";
    Reg11 = Nxm1 11, 32, 4, maskable, None, Hex, "NXM_NX_REG11", "reg11", "reg11", "Register 11.";
    Reg12 = Nxm1 12, 32, 4, maskable, None, Hex, "NXM_NX_REG12", "reg12", "reg12", "Register 12.";
    Reg13 = Nxm1 13, 32, 4, maskable, None, Hex, "NXM_NX_REG13", "reg13", "reg13", "Register 13.";
    Reg14 = Nxm1 14, 32, 4, maskable, None, Hex, "NXM_NX_REG14", "reg14", "reg14", "Register 14.";
    Reg15 = Nxm1 15, 32, 4, maskable, None, Hex, "NXM_NX_REG15", "reg15", "reg15", "Register 15.";
    NxTunId = Nxm1 16, 64, 8, maskable, None, Hex, "NXM_NX_TUN_ID", "tun_id", "tun_id", "[`OxmField::TunnelId`] in the NXM class.";
    NxArpSha = Nxm1 17, 48, 6, maskable, Arp, Mac, "NXM_NX_ARP_SHA", "nxm_nx_arp_sha", "arp_sha", "[`OxmField::ArpSha`] in the NXM class.";
    NxArpTha = Nxm1 18, 48, 6, maskable, Arp, Mac, "NXM_NX_ARP_THA", "nxm_nx_arp_tha", "arp_tha", "[`OxmField::ArpTha`] in the NXM class.";
    NxIpv6Src = Nxm1 19, 128, 16, maskable, Ipv6, Ipv6, "NXM_NX_IPV6_SRC", "nxm_nx_ipv6_src", "ipv6_src", "[`OxmField::Ipv6Src`] in the NXM class.";
    NxIpv6Dst = Nxm1 20, 128, 16, maskable, Ipv6, Ipv6, "NXM_NX_IPV6_DST", "nxm_nx_ipv6_dst", "ipv6_dst", "[`OxmField::Ipv6Dst`] in the NXM class.";
    NxIcmpv6Type = Nxm1 21, 8, 1, exact, Icmpv6, Decimal, "NXM_NX_ICMPV6_TYPE", "nxm_nx_icmpv6_type", "icmpv6_type", "[`OxmField::Icmpv6Type`] in the NXM class.";
    NxIcmpv6Code = Nxm1 22, 8, 1, exact, Icmpv6, Decimal, "NXM_NX_ICMPV6_CODE", "nxm_nx_icmpv6_code", "icmpv6_code", "[`OxmField::Icmpv6Code`] in the NXM class.";
    NxNdTarget = Nxm1 23, 128, 16, maskable, NeighborDiscovery, Ipv6, "NXM_NX_ND_TARGET", "nd_target", "nd_target", "[`OxmField::Ipv6NdTarget`] in the NXM class.";
    NxNdSll = Nxm1 24, 48, 6, maskable, NeighborSolicit, Mac, "NXM_NX_ND_SLL", "nd_sll", "nd_sll", "[`OxmField::Ipv6NdSll`] in the NXM class.";
    NxNdTll = Nxm1 25, 48, 6, maskable, NeighborAdvert, Mac, "NXM_NX_ND_TLL", "nd_tll", "nd_tll", "[`OxmField::Ipv6NdTll`] in the NXM class.";
    NxIpFrag = Nxm1 26, 2, 1, maskable, Ip, Frag, "NXM_NX_IP_FRAG", "ip_frag", "ip_frag", "Whether the packet is a fragment (1) and not the first (2).";
    NxIpv6Label = Nxm1 27, 20, 4, maskable, Ipv6, Hex, "NXM_NX_IPV6_LABEL", "ipv6_label", "ipv6_label", "[`OxmField::Ipv6Flabel`] in the NXM class.";
    NxIpEcn = Nxm1 28, 2, 1, exact, Ip, Decimal, "NXM_NX_IP_ECN", "nxm_nx_ip_ecn", "nw_ecn", "[`OxmField::IpEcn`] in the NXM class.";
    NxIpTtl = Nxm1 29, 8, 1, exact, Ip, Decimal, "NXM_NX_IP_TTL", "ip_ttl", "nw_ttl", "TTL or hop limit.";
    NxMplsTtl = Nxm1 30, 8, 1, exact, Mpls, Decimal, "NXM_NX_MPLS_TTL", "mpls_ttl", "mpls_ttl", "TTL of the outermost MPLS label.";
    TunIpv4Src = Nxm1 31, 32, 4, maskable, None, Ipv4, "NXM_NX_TUN_IPV4_SRC", "tun_ipv4_src", "tun_src", "IPv4 source of the outer header of a tunnel.";
    TunIpv4Dst = Nxm1 32, 32, 4, maskable, None, Ipv4, "NXM_NX_TUN_IPV4_DST", "tun_ipv4_dst", "tun_dst", "IPv4 destination of the outer header of a tunnel.";
    PktMark = Nxm1 33, 32, 4, maskable, None, Hex, "NXM_NX_PKT_MARK", "pkt_mark", "pkt_mark", "Packet mark; on Linux `skb->mark`. It survives patch ports.";
    NxTcpFlags = Nxm1 34, 12, 2, maskable, Tcp, Hex, "NXM_NX_TCP_FLAGS", "nxm_nx_tcp_flags", "tcp_flags", "TCP flags.";
    DpHash = Nxm1 35, 32, 4, maskable, None, Hex, "NXM_NX_DP_HASH", "dp_hash", "dp_hash", "Flow hash that the datapath computed.";
    RecircId = Nxm1 36, 32, 4, exact, None, Hex, "NXM_NX_RECIRC_ID", "recirc_id", "recirc_id", "Recirculation id; 0 for a packet as received.";
    ConjId = Nxm1 37, 32, 4, exact, None, Decimal, "NXM_NX_CONJ_ID", "conj_id", "conj_id", "Id of a conjunction that matched.";
    TunGbpId = Nxm1 38, 16, 2, maskable, None, Decimal, "NXM_NX_TUN_GBP_ID", "tun_gbp_id", "tun_gbp_id", "VXLAN group policy id.";
    TunGbpFlags = Nxm1 39, 8, 1, maskable, None, Hex, "NXM_NX_TUN_GBP_FLAGS", "tun_gbp_flags", "tun_gbp_flags", "VXLAN group policy flags.";
    TunFlags = Nxm1 104, 1, 2, maskable, None, Hex, "NXM_NX_TUN_FLAGS", "tun_flags", "tun_flags", "Flags of a tunnel; 1 is OAM.";
    CtState = Nxm1 105, 32, 4, maskable, None, Hex, "NXM_NX_CT_STATE", "ct_state", "ct_state", "State of the tracked connection.";
    CtZone = Nxm1 106, 16, 2, exact, None, Hex, "NXM_NX_CT_ZONE", "ct_zone", "ct_zone", "Connection tracking zone.";
    CtMark = Nxm1 107, 32, 4, maskable, None, Hex, "NXM_NX_CT_MARK", "ct_mark", "ct_mark", "Mark of the tracked connection.";
    CtLabel = Nxm1 108, 128, 16, maskable, None, Hex, "NXM_NX_CT_LABEL", "ct_label", "ct_label", "Label of the tracked connection.";
    TunIpv6Src = Nxm1 109, 128, 16, maskable, None, Ipv6, "NXM_NX_TUN_IPV6_SRC", "tun_ipv6_src", "tun_ipv6_src", "IPv6 source of the outer header of a tunnel.";
    TunIpv6Dst = Nxm1 110, 128, 16, maskable, None, Ipv6, "NXM_NX_TUN_IPV6_DST", "tun_ipv6_dst", "tun_ipv6_dst", "IPv6 destination of the outer header of a tunnel.";
    Xxreg0 = Nxm1 111, 128, 16, maskable, None, Hex, "NXM_NX_XXREG0", "xxreg0", "xxreg0", "128-bit register 0: `reg0` to `reg3`.";
    Xxreg1 = Nxm1 112, 128, 16, maskable, None, Hex, "NXM_NX_XXREG1", "xxreg1", "xxreg1", "128-bit register 1: `reg4` to `reg7`.";
    Xxreg2 = Nxm1 113, 128, 16, maskable, None, Hex, "NXM_NX_XXREG2", "xxreg2", "xxreg2", "128-bit register 2: `reg8` to `reg11`.";
    Xxreg3 = Nxm1 114, 128, 16, maskable, None, Hex, "NXM_NX_XXREG3", "xxreg3", "xxreg3", "128-bit register 3: `reg12` to `reg15`.";
    CtNwProto = Nxm1 119, 8, 1, exact, None, Decimal, "NXM_NX_CT_NW_PROTO", "ct_nw_proto", "ct_nw_proto", "IP protocol of the original direction of the connection.";
    CtNwSrc = Nxm1 120, 32, 4, maskable, None, Ipv4, "NXM_NX_CT_NW_SRC", "ct_nw_src", "ct_nw_src", "IPv4 source of the original direction of the connection.";
    CtNwDst = Nxm1 121, 32, 4, maskable, None, Ipv4, "NXM_NX_CT_NW_DST", "ct_nw_dst", "ct_nw_dst", "IPv4 destination of the original direction of the connection.";
    CtIpv6Src = Nxm1 122, 128, 16, maskable, None, Ipv6, "NXM_NX_CT_IPV6_SRC", "ct_ipv6_src", "ct_ipv6_src", "IPv6 source of the original direction of the connection.";
    CtIpv6Dst = Nxm1 123, 128, 16, maskable, None, Ipv6, "NXM_NX_CT_IPV6_DST", "ct_ipv6_dst", "ct_ipv6_dst", "IPv6 destination of the original direction of the connection.";
    CtTpSrc = Nxm1 124, 16, 2, maskable, None, Decimal, "NXM_NX_CT_TP_SRC", "ct_tp_src", "ct_tp_src", "Source port of the original direction of the connection.";
    CtTpDst = Nxm1 125, 16, 2, maskable, None, Decimal, "NXM_NX_CT_TP_DST", "ct_tp_dst", "ct_tp_dst", "Destination port of the original direction of the connection.";
    NxDpHash = Nicira 0, 32, 4, maskable, None, Hex, "NXOXM_ET_DP_HASH", "nxoxm_et_dp_hash", "dp_hash", "[`OxmField::DpHash`] as an experimenter field.";
    TunErspanIdx = Nicira 11, 20, 4, maskable, None, Hex, "NXOXM_ET_ERSPAN_IDX", "nxoxm_et_erspan_idx", "tun_erspan_idx", "ERSPAN index.";
    TunErspanVer = Nicira 12, 4, 1, maskable, None, Decimal, "NXOXM_ET_ERSPAN_VER", "nxoxm_et_erspan_ver", "tun_erspan_ver", "ERSPAN version.";
    TunErspanDir = Nicira 13, 1, 1, maskable, None, Decimal, "NXOXM_ET_ERSPAN_DIR", "nxoxm_et_erspan_dir", "tun_erspan_dir", "ERSPAN direction.";
    TunErspanHwid = Nicira 14, 6, 1, maskable, None, Hex, "NXOXM_ET_ERSPAN_HWID", "nxoxm_et_erspan_hwid", "tun_erspan_hwid", "ERSPAN hardware id.";
    TunGtpuFlags = Nicira 15, 8, 1, maskable, None, Hex, "NXOXM_ET_GTPU_FLAGS", "nxoxm_et_gtpu_flags", "tun_gtpu_flags", "GTP-U flags.";
    TunGtpuMsgtype = Nicira 16, 8, 1, maskable, None, Decimal, "NXOXM_ET_GTPU_MSGTYPE", "nxoxm_et_gtpu_msgtype", "tun_gtpu_msgtype", "GTP-U message type.";
    NshFlags = Nsh 1, 8, 1, maskable, Nsh, Decimal, "NXOXM_NSH_FLAGS", "nxoxm_nsh_flags", "nsh_flags", "NSH flags.";
    NshMdtype = Nsh 2, 8, 1, exact, Nsh, Decimal, "NXOXM_NSH_MDTYPE", "nxoxm_nsh_mdtype", "nsh_mdtype", "NSH metadata type.";
    NshNp = Nsh 3, 8, 1, exact, Nsh, Decimal, "NXOXM_NSH_NP", "nxoxm_nsh_np", "nsh_np", "NSH next protocol.";
    NshSpi = Nsh 4, 24, 4, exact, Nsh, Hex, "NXOXM_NSH_SPI", "nxoxm_nsh_spi", "nsh_spi", "NSH service path.";
    NshSi = Nsh 5, 8, 1, exact, Nsh, Decimal, "NXOXM_NSH_SI", "nxoxm_nsh_si", "nsh_si", "NSH service index.";
    NshC1 = Nsh 6, 32, 4, maskable, Nsh, Hex, "NXOXM_NSH_C1", "nxoxm_nsh_c1", "nsh_c1", "NSH context 1.";
    NshC2 = Nsh 7, 32, 4, maskable, Nsh, Hex, "NXOXM_NSH_C2", "nxoxm_nsh_c2", "nsh_c2", "NSH context 2.";
    NshC3 = Nsh 8, 32, 4, maskable, Nsh, Hex, "NXOXM_NSH_C3", "nxoxm_nsh_c3", "nsh_c3", "NSH context 3.";
    NshC4 = Nsh 9, 32, 4, maskable, Nsh, Hex, "NXOXM_NSH_C4", "nxoxm_nsh_c4", "nsh_c4", "NSH context 4.";
    NshTtl = Nsh 10, 8, 1, exact, Nsh, Decimal, "NXOXM_NSH_TTL", "nxoxm_nsh_ttl", "nsh_ttl", "NSH TTL.";
    OnfTcpFlags = Onf 42, 12, 2, maskable, Tcp, Hex, "ONFOXM_ET_TCP_FLAGS", "onfoxm_et_tcp_flags", "tcp_flags", "[`OxmField::TcpFlags`] as the experimenter field of OpenFlow 1.3.";
    OnfActsetOutput = Onf 43, 32, 4, exact, None, Port, "ONFOXM_ET_ACTSET_OUTPUT", "onfoxm_et_actset_output", "actset_output", "[`OxmField::ActsetOutput`] as the experimenter field of OpenFlow 1.3.";
    NdReserved = Ericsson 1, 32, 4, exact, NeighborDiscovery, Decimal, "ERICOXM_OF_ICMPV6_ND_RESERVED", "ericoxm_of_icmpv6_nd_reserved", "nd_reserved", "Reserved field of neighbour discovery.";
    NdOptionsType = Ericsson 2, 8, 1, exact, NeighborDiscovery, Decimal, "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", "ericoxm_of_icmpv6_nd_options_type", "nd_options_type", "Option type of neighbour discovery.";
}

/// Row numbers by `oxm_field`, of one class; [`NO_ROW`] where there is none.
type Rows = [u8; 128];
const NO_ROW: u8 = u8::MAX;

const fn rows_of(class: u16) -> Rows {
    let mut rows = [NO_ROW; 128];
    let mut row = 0;
    while row < FIELDS.len() {
        if FIELDS[row].class.number() == class {
            rows[FIELDS[row].number as usize] = row as u8;
        }
        row += 1;
    }
    rows
}

static BASIC: Rows = rows_of(OxmClass::Basic.number());
static NXM_0: Rows = rows_of(OxmClass::Nxm0.number());
static NXM_1: Rows = rows_of(OxmClass::Nxm1.number());

impl OxmField {
    /// The field with these numbers on the wire, if this crate knows it.
    ///
    /// `experimenter` is what follows the header of a field of class 0xffff, else `None`.
    #[inline]
    pub fn from_wire(class: u16, number: u8, experimenter: Option<u32>) -> Option<Self> {
        let rows = match (class, experimenter) {
            (0x8000, None) => &BASIC,
            (0, None) => &NXM_0,
            (1, None) => &NXM_1,
            _ => return Self::of_rare_class(class, number, experimenter),
        };
        let row = rows.get(usize::from(number))?;
        FIELDS.get(usize::from(*row)).map(|info| info.field)
    }

    #[cold]
    fn of_rare_class(class: u16, number: u8, experimenter: Option<u32>) -> Option<Self> {
        FIELDS
            .iter()
            .find(|info| {
                info.class.number() == class
                    && info.number == number
                    && info.class.experimenter() == experimenter
            })
            .map(|info| info.field)
    }
}

const _: () = assert!(FIELDS.len() < NO_ROW as usize);

/// For each row the first one that is the same field: fields that NXM and the specification number
/// both are one to `ovs-ofctl`, which has one name for them.
static FIRST_OF_SAME: [OxmField; FIELDS.len()] = first_of_same();

const fn first_of_same() -> [OxmField; FIELDS.len()] {
    let mut first = [OxmField::InPort; FIELDS.len()];
    let mut row = 0;
    while row < FIELDS.len() {
        let mut candidate = 0;
        while !is_same(&FIELDS[candidate], &FIELDS[row]) {
            candidate += 1;
        }
        first[row] = FIELDS[candidate].field;
        row += 1;
    }
    first
}

/// Of one name and as many bytes: the ingress port in 16 bits is not the one in 32.
const fn is_same(a: &FieldInfo, b: &FieldInfo) -> bool {
    let (x, y) = (a.ofctl_name.as_bytes(), b.ofctl_name.as_bytes());
    if a.bytes != b.bytes || x.len() != y.len() {
        return false;
    }
    let mut i = 0;
    while i < x.len() {
        if x[i] != y[i] {
            return false;
        }
        i += 1;
    }
    true
}

impl OxmField {
    /// The field of the specification, where this one is the same under an older or another number;
    /// else the field itself.
    ///
    /// ```
    /// use openflow::OxmField;
    /// assert_eq!(OxmField::NxEthDst.canonical(), OxmField::EthDst);
    /// assert_eq!(OxmField::NxInPort.canonical(), OxmField::NxInPort); // it is narrower
    /// ```
    pub fn canonical(self) -> Self {
        FIRST_OF_SAME[self as usize]
    }
}
