//! The header of a frame as the rule asks about it.

use std::net::IpAddr;
use std::rc::Rc;

use openflow::{HashFields, MemberAlgorithm, OxmField, PortNo, Subfield};

use super::super::engine::{Answer, Choice, Explorer, Member, Question, TPIDS, Value, Var, choose};
use super::site::{Index, MULTICAST, RESERVED};
use crate::health;
use crate::learning::Location;
use crate::protocols::{ethertype, ip};
use crate::topology::{Role, Vlan};

/// Source address.
pub(crate) const SRC: Var = Var::Field(OxmField::EthSrc);
/// Destination address.
pub(crate) const DST: Var = Var::Field(OxmField::EthDst);
/// The bits of tag control information that are the VLAN id.
const VID: u128 = 0xfff;
/// Bits of a port number.
const PORT_BITS: u16 = 16;

/// A frame as its sender sends it.
pub(crate) struct Header<'e> {
    explorer: &'e mut Explorer,
    is_tagged: bool,
}

/// The outermost tag of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OuterTag {
    /// There is none.
    None,
    /// A priority tag: VLAN id 0.
    Priority,
    /// Of one of the networks that were asked for.
    Of(Vlan),
    /// Of the VLAN id that no network may have.
    Reserved,
    /// Any other.
    Other,
}

/// The parts of a frame that a bridge remembers things by: its network and its source.
const NETWORK: Subfield = Subfield {
    field: OxmField::NxVlanTci,
    start: 0,
    bits: 12,
};
const ADDRESS: Subfield = Subfield {
    field: OxmField::EthSrc,
    start: 0,
    bits: 48,
};

impl<'e> Header<'e> {
    pub(crate) fn new(explorer: &'e mut Explorer, is_tagged: bool) -> Self {
        Self {
            explorer,
            is_tagged,
        }
    }

    fn is(&mut self, var: Var, (value, mask): (u128, u128)) -> bool {
        self.explorer.ask(Question { var, value, mask })
    }

    /// Its outermost tag, with regard to these networks.
    pub(crate) fn tag(&mut self, networks: impl IntoIterator<Item = Vlan>) -> OuterTag {
        const TAG: Var = Var::Tci(0);
        if !self.is_tagged {
            return OuterTag::None;
        }
        if self.is(TAG, (0, VID)) {
            return OuterTag::Priority;
        }
        for vlan in networks.into_iter().filter(|vlan| vlan.is_tagged()) {
            if self.is(TAG, (vlan.id().into(), VID)) {
                return OuterTag::Of(vlan);
            }
        }
        match self.is(TAG, (VID, VID)) {
            true => OuterTag::Reserved,
            false => OuterTag::Other,
        }
    }

    /// Whether there is another tag inside the outermost one.
    pub(crate) fn has_inner_tag(&mut self) -> bool {
        let inside = Var::Type(u8::from(self.is_tagged));
        self.is_tagged
            && TPIDS
                .into_iter()
                .any(|tpid| self.is(inside, (tpid.into(), u16::MAX.into())))
    }

    /// Whether an address is a multicast one (broadcast among them).
    pub(crate) fn is_multicast(&mut self, address: Var) -> bool {
        self.is(address, (MULTICAST, MULTICAST))
    }

    /// Whether it is for an address that no bridge forwards to.
    pub(crate) fn is_reserved(&mut self) -> bool {
        self.is(DST, RESERVED)
    }

    /// Whether an address is this one.
    pub(crate) fn is_address(&mut self, address: Var, number: u128) -> bool {
        self.is(address, (number, u128::MAX))
    }

    fn has_type(&mut self, number: u16) -> bool {
        let kind = Var::Type(u8::from(self.is_tagged));
        self.is(kind, (number.into(), u16::MAX.into()))
    }

    fn has_field(&mut self, field: OxmField, number: u128) -> bool {
        self.is(Var::Field(field), (number, field.full_mask()))
    }

    /// Whether what it carries is as `is_so` says, which must ask about nothing else. `about` is what
    /// that depends on, for it to be found out once.
    pub(crate) fn carries<T>(
        &mut self,
        about: &T,
        is_so: impl Fn(&mut Header<'_>) -> bool,
    ) -> bool {
        let is_tagged = self.is_tagged;
        let about = std::ptr::from_ref(about).addr();
        self.explorer.decide((about, is_tagged), |explorer| {
            let mut header = Header {
                explorer,
                is_tagged,
            };
            is_so(&mut header)
        })
    }

    /// Whether it is an IPv4 packet. With two tags it is none: nobody looks behind the second.
    pub(crate) fn is_ipv4(&mut self) -> bool {
        self.has_type(ethertype::IPV4)
    }

    /// Whether it is an IPv6 packet.
    pub(crate) fn is_ipv6(&mut self) -> bool {
        self.has_type(ethertype::IPV6)
    }

    /// Whether it is an ARP packet.
    pub(crate) fn is_arp(&mut self) -> bool {
        self.has_type(ethertype::ARP)
    }

    /// Whether what is an ARP packet is such an operation.
    pub(crate) fn is_arp_operation(&mut self, operation: u16) -> bool {
        self.has_field(OxmField::ArpOp, operation.into())
    }

    /// Whether what is an IP packet carries this protocol.
    pub(crate) fn is_protocol(&mut self, number: u8) -> bool {
        self.has_field(OxmField::IpProto, number.into())
    }

    /// Whether what is a UDP packet is for this port.
    pub(crate) fn is_udp_to(&mut self, port: u16) -> bool {
        self.has_field(OxmField::UdpDst, port.into())
    }

    /// Whether what is an ICMPv6 packet is of this type.
    pub(crate) fn is_icmpv6(&mut self, kind: u8) -> bool {
        self.has_field(OxmField::Icmpv6Type, kind.into())
    }

    /// Whether it is an IP packet for this address.
    pub(crate) fn is_to(&mut self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => {
                self.is_ipv4() && self.has_field(OxmField::Ipv4Dst, ip.to_bits().into())
            }
            IpAddr::V6(ip) => self.is_ipv6() && self.has_field(OxmField::Ipv6Dst, ip.to_bits()),
        }
    }

    /// Whether what is a packet of this protocol with ports has one of a block at either end.
    pub(crate) fn has_port(&mut self, protocol: u8, block: (u128, u128)) -> bool {
        let ends = match protocol {
            ip::TCP => [OxmField::TcpSrc, OxmField::TcpDst],
            ip::UDP => [OxmField::UdpSrc, OxmField::UdpDst],
            _ => [OxmField::SctpSrc, OxmField::SctpDst],
        };
        ends.into_iter().any(|end| self.is(Var::Field(end), block))
    }

    /// Whether it is a packet of IPv4, or else of IPv6, with an address of a block at either end.
    pub(crate) fn has_address(&mut self, is_ipv4: bool, block: (u128, u128)) -> bool {
        let ends = match is_ipv4 {
            true => [OxmField::Ipv4Src, OxmField::Ipv4Dst],
            false => [OxmField::Ipv6Src, OxmField::Ipv6Dst],
        };
        let is_such = match is_ipv4 {
            true => self.is_ipv4(),
            false => self.is_ipv6(),
        };
        is_such && ends.into_iter().any(|end| self.is(Var::Field(end), block))
    }

    /// Whether its source is one of those that only probes of health checks have.
    pub(crate) fn is_probe(&mut self) -> bool {
        self.is(SRC, (health::MAC.into(), health::MAC_MASK.into()))
    }

    /// What a bridge remembers by itself of an address in a network: nothing, or some port.
    pub(crate) fn remembered(&mut self, role: Role, vlan: Vlan, address: Var) -> Option<Value> {
        let key = [
            (NETWORK, Value::number(vlan.id().into())),
            (ADDRESS, Value::var(address)),
        ];
        let port = self.explorer.recall(role, &key)?;
        Some(port.part(0, PORT_BITS))
    }

    /// Whether what is remembered is this port.
    pub(crate) fn is_port(&mut self, remembered: Value, port: PortNo) -> bool {
        self.explorer.is(remembered, port.0.into(), u128::MAX)
    }

    /// Whether a port is up.
    pub(crate) fn is_up(&mut self, at: Location) -> bool {
        self.explorer.is_up(at)
    }

    /// The one of several ports that a hash chooses for an address, of those that are up: by the
    /// highest random weight, in which each has its place whether it is there or not.
    pub(crate) fn balanced(
        &mut self,
        role: Role,
        ports: &[Option<Location>],
        address: Var,
    ) -> Option<Location> {
        let number = |port: &Option<Location>| port.map_or(0, |at| at.port.0 as u16);
        let choice = Choice::Members {
            role,
            fields: HashFields::EthSrc.into(),
            basis: 0,
            algorithm: MemberAlgorithm::Hrw.into(),
            members: ports.iter().map(number).collect(),
            address: Some(Value::var(address)),
        };
        let members: Vec<Member> = ports
            .iter()
            .map(|port| port.map_or(Member::Never, Member::While))
            .collect();
        let chosen = choose(self.explorer, choice, &members)?;
        ports[chosen]
    }

    /// What an address stands for in `index`.
    pub(crate) fn find<'i, T>(&mut self, address: Var, index: &'i Index<T>) -> Option<&'i T> {
        const NONE: u32 = u32::MAX;
        let is = |value| Question {
            var: address,
            value,
            mask: u128::MAX,
        };
        if let Some(number) = self.explorer.class().values(address).single() {
            return index.place(number).map(|place| &index.entries[place].1);
        }
        let entries = &index.entries;
        if self.explorer.excludes(address, entries) {
            return None;
        }
        let class = self.explorer.class();
        let open: Vec<usize> = (0..entries.len())
            .filter(|place| class.is(is(entries[*place].0)) != Answer::Never)
            .collect();
        if open.is_empty() {
            return None;
        }
        let case = self.explorer.case(|class, _| {
            let values = class.values(address);
            let mut cases: Vec<_> = open
                .iter()
                .filter_map(|place| {
                    let only = values.only(entries[*place].0, u128::MAX);
                    Some((*place as u32, Rc::new(class.with(address, only)?)))
                })
                .collect();
            let others = values.without(open.iter().map(|place| (entries[*place].0, u128::MAX)));
            let others = class.with(address, others);
            cases.extend(others.map(|class| (NONE, Rc::new(class))));
            cases
        });
        (case != NONE).then(|| &index.entries[case as usize].1)
    }
}
