//! What a tap does not want, as matches.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use openflow::{Match, OxmField};

use crate::protocols::ethertype::{ARP, IPV4, IPV6};
use crate::protocols::ip::{SCTP, TCP, UDP};
use crate::topology::{Prefix, Protocol, SkipRule};

/// The frames of `from` that `rule` applies to: those that any of these matches.
///
/// A match says one thing of a field. So there is one for each block of ports at each end, with each
/// prefix at each end, in each protocol and version of IP that has these.
pub(super) fn matches(rule: &SkipRule, from: &Match) -> Vec<Match> {
    if *rule == SkipRule::default() {
        return vec![from.clone()];
    }
    let ports = port_blocks(&rule.ports);
    let mut matches = BTreeSet::new();
    for kind in Kind::all(rule) {
        let prefixes: Vec<Block> = rule
            .prefixes
            .iter()
            .filter_map(|prefix| kind.block(prefix))
            .collect();
        if prefixes.is_empty() && !rule.prefixes.is_empty() {
            continue;
        }
        for of_ports in at_either_end(&kind.of(from), kind.port_fields(), &ports) {
            let found = at_either_end(&of_ports, Some(kind.address_fields()), &prefixes);
            matches.extend(found.iter().map(Match::canonical));
        }
    }
    matches.into_iter().collect()
}

/// The values of a field that agree in the bits of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    value: u128,
    mask: u128,
}

/// `from` restricted to the frames with a value out of `blocks` in one of the two fields; all of
/// them where there is no block to choose from.
fn at_either_end(from: &Match, fields: Option<[OxmField; 2]>, blocks: &[Block]) -> Vec<Match> {
    if blocks.is_empty() {
        return vec![from.clone()];
    }
    let mut matches = Vec::new();
    for field in fields.into_iter().flatten() {
        for Block { value, mask } in blocks {
            matches.push(from.clone().with_masked(field, *value, *mask));
        }
    }
    matches
}

/// Frames that have the same fields: an EtherType and, over IP, a protocol, if that matters.
#[derive(Debug, Clone, Copy)]
struct Kind {
    ethertype: u16,
    protocol: Option<u8>,
}

impl Kind {
    /// All that a rule can apply to.
    fn all(rule: &SkipRule) -> Vec<Self> {
        let over_ip = |protocol| {
            [IPV4, IPV6].map(|ethertype| Self {
                ethertype,
                protocol,
            })
        };
        match rule.protocol {
            Some(Protocol::Arp) => vec![Self {
                ethertype: ARP,
                protocol: None,
            }],
            Some(Protocol::Ip(number)) => over_ip(Some(number)).to_vec(),
            None if rule.ports.is_empty() => over_ip(None).to_vec(),
            None => [TCP, UDP, SCTP]
                .map(Some)
                .into_iter()
                .flat_map(over_ip)
                .collect(),
        }
    }

    fn of(self, from: &Match) -> Match {
        let of_type = from.clone().with(OxmField::EthType, self.ethertype);
        match self.protocol {
            Some(number) => of_type.with(OxmField::IpProto, number),
            None => of_type,
        }
    }

    /// The fields of the two ports; `None` where there are none.
    fn port_fields(self) -> Option<[OxmField; 2]> {
        match self.protocol? {
            TCP => Some([OxmField::TcpSrc, OxmField::TcpDst]),
            UDP => Some([OxmField::UdpSrc, OxmField::UdpDst]),
            SCTP => Some([OxmField::SctpSrc, OxmField::SctpDst]),
            _ => None,
        }
    }

    /// The fields of the two addresses.
    fn address_fields(self) -> [OxmField; 2] {
        match self.ethertype {
            IPV4 => [OxmField::Ipv4Src, OxmField::Ipv4Dst],
            _ => [OxmField::Ipv6Src, OxmField::Ipv6Dst],
        }
    }

    /// The addresses of a prefix, where it is of the right version of IP.
    fn block(self, prefix: &Prefix) -> Option<Block> {
        match prefix.address {
            IpAddr::V4(address) if self.ethertype == IPV4 => Some(Block::upper_bits(
                address.to_bits().into(),
                prefix.length,
                32,
            )),
            IpAddr::V6(address) if self.ethertype == IPV6 => {
                Some(Block::upper_bits(address.to_bits(), prefix.length, 128))
            }
            _ => None,
        }
    }
}

impl Block {
    /// The values of `width` bits of which the upper `length` bits are those of `value`.
    fn upper_bits(value: u128, length: u8, width: u8) -> Self {
        let all = u128::MAX >> (128 - width);
        let mask = all & all.checked_shl((width - length).into()).unwrap_or(0);
        Self {
            value: value & mask,
            mask,
        }
    }
}

/// The fewest blocks that these ports, and no others, are in.
fn port_blocks(ports: &[RangeInclusive<u16>]) -> Vec<Block> {
    let mut ranges: Vec<(u32, u32)> = ports
        .iter()
        .map(|range| (u32::from(*range.start()), u32::from(*range.end())))
        .collect();
    ranges.sort_unstable();
    // Ranges that meet become one: together they may fill a larger block.
    let mut apart: Vec<(u32, u32)> = Vec::new();
    for (start, end) in ranges {
        match apart.last_mut() {
            Some((_, last)) if start <= *last + 1 => *last = (*last).max(end),
            _ => apart.push((start, end)),
        }
    }
    let mut blocks = Vec::new();
    for (mut start, end) in apart {
        while start <= end {
            // A block begins at a multiple of its size.
            let aligned = start.trailing_zeros().min(16);
            let fitting = (end - start + 1).ilog2();
            let bits = aligned.min(fitting);
            blocks.push(Block {
                value: start.into(),
                mask: u128::from(0xffff_u32 >> bits << bits),
            });
            start += 1 << bits;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        let (address, length) = text.split_once('/').expect("a prefix");
        Prefix {
            address: address.parse().expect("an address"),
            length: length.parse().expect("a length"),
        }
    }

    /// The matches of a rule as `ovs-ofctl` writes them, EtherType and protocol in short.
    fn texts(rule: &SkipRule) -> Vec<String> {
        let from = Match::new().with(OxmField::Reg5, 7_u32);
        let short = |match_: &Match| {
            let text = match_.to_string();
            let text = text.strip_prefix("reg5=0x7,").expect("still restricted");
            text.replace("dl_type=0x806", "arp")
                .replace("dl_type=0x86dd", "ipv6")
                .replace("dl_type=0x800", "ip")
        };
        matches(rule, &from).iter().map(short).collect()
    }

    #[test]
    fn a_protocol_is_matched_over_both_versions_of_ip() {
        let of = |protocol| {
            texts(&SkipRule {
                protocol: Some(protocol),
                ..SkipRule::default()
            })
        };
        assert_eq!(of(Protocol::Arp), ["arp"]);
        assert_eq!(of(Protocol::Ip(TCP)), ["ip,nw_proto=6", "ipv6,nw_proto=6"]);
        assert_eq!(of(Protocol::Ip(50)), ["ip,nw_proto=50", "ipv6,nw_proto=50"]);
    }

    #[test]
    fn ports_and_prefixes_are_matched_at_either_end() {
        let rule = SkipRule {
            protocol: Some(Protocol::Ip(TCP)),
            ports: vec![443..=443],
            prefixes: vec![prefix("10.0.0.0/8"), prefix("2001:db8::/32")],
        };
        assert_eq!(
            texts(&rule),
            [
                "ip,nw_proto=6,nw_src=10.0.0.0/255.0.0.0,tcp_src=443",
                "ip,nw_proto=6,nw_src=10.0.0.0/255.0.0.0,tcp_dst=443",
                "ip,nw_proto=6,nw_dst=10.0.0.0/255.0.0.0,tcp_src=443",
                "ip,nw_proto=6,nw_dst=10.0.0.0/255.0.0.0,tcp_dst=443",
                "ipv6,nw_proto=6,tcp_src=443,ipv6_src=2001:db8::/ffff:ffff::",
                "ipv6,nw_proto=6,tcp_src=443,ipv6_dst=2001:db8::/ffff:ffff::",
                "ipv6,nw_proto=6,tcp_dst=443,ipv6_src=2001:db8::/ffff:ffff::",
                "ipv6,nw_proto=6,tcp_dst=443,ipv6_dst=2001:db8::/ffff:ffff::",
            ]
        );
    }

    #[test]
    fn without_a_protocol_ports_are_those_of_all_that_have_some() {
        let rule = SkipRule {
            ports: vec![53..=53],
            ..SkipRule::default()
        };
        assert_eq!(
            texts(&rule),
            [
                "ip,nw_proto=6,tcp_src=53",
                "ip,nw_proto=6,tcp_dst=53",
                "ip,nw_proto=17,udp_src=53",
                "ip,nw_proto=17,udp_dst=53",
                "ip,nw_proto=132,sctp_src=53",
                "ip,nw_proto=132,sctp_dst=53",
                "ipv6,nw_proto=6,tcp_src=53",
                "ipv6,nw_proto=6,tcp_dst=53",
                "ipv6,nw_proto=17,udp_src=53",
                "ipv6,nw_proto=17,udp_dst=53",
                "ipv6,nw_proto=132,sctp_src=53",
                "ipv6,nw_proto=132,sctp_dst=53",
            ]
        );
    }

    #[test]
    fn prefixes_alone_are_of_any_protocol_over_ip() {
        let rule = SkipRule {
            prefixes: vec![prefix("192.0.2.7/32"), prefix("::/0")],
            ..SkipRule::default()
        };
        assert_eq!(
            texts(&rule),
            ["ip,nw_src=192.0.2.7", "ip,nw_dst=192.0.2.7", "ipv6"]
        );
    }

    #[test]
    fn what_no_frame_agrees_with_is_matched_by_nothing() {
        let ports = SkipRule {
            ports: vec![80..=80],
            ..SkipRule::default()
        };
        for protocol in [Protocol::Arp, Protocol::Ip(1)] {
            assert!(
                texts(&SkipRule {
                    protocol: Some(protocol),
                    ..ports.clone()
                })
                .is_empty()
            );
        }
        let arp = SkipRule {
            protocol: Some(Protocol::Arp),
            prefixes: vec![prefix("10.0.0.0/8"), prefix("2001:db8::/32")],
            ..SkipRule::default()
        };
        assert!(texts(&arp).is_empty());
    }

    #[test]
    fn a_rule_that_says_nothing_applies_to_all() {
        assert_eq!(matches(&SkipRule::default(), &Match::new()), [Match::new()]);
    }

    /// Every port, for ranges that begin and end at awkward places.
    #[test]
    fn blocks_hold_the_ports_of_their_ranges_and_no_others() {
        let lists = [
            vec![0..=65535],
            vec![1..=65534],
            vec![8000..=8010, 443..=443],
            vec![1000..=1999, 1500..=2500, 2501..=3000],
            vec![65535..=65535, 0..=0],
        ];
        for ranges in lists {
            let blocks = port_blocks(&ranges);
            for port in 0..=u16::MAX {
                let wanted = ranges.iter().any(|range| range.contains(&port));
                let holding = blocks
                    .iter()
                    .filter(|block| u128::from(port) & block.mask == block.value);
                assert_eq!(holding.count(), usize::from(wanted), "{port} of {ranges:?}");
            }
        }
    }

    /// Ranges that meet count as one; 1 to 65534 is the worst that there is.
    #[test]
    fn blocks_are_as_few_as_there_can_be() {
        for (ranges, count) in [
            (vec![0..=65535], 1),
            (vec![1..=65534], 30),
            (vec![8000..=8010], 3),
            (vec![0..=1, 2..=3], 1),
            (vec![4..=7, 0..=3, 2..=5], 1),
            (vec![80..=80, 81..=81], 1),
        ] {
            assert_eq!(port_blocks(&ranges).len(), count, "{ranges:?}");
        }
    }
}
