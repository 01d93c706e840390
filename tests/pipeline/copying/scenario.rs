//! Random wishes of taps, and headers that they may be about.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use bridgechain::simulate::Headers;
use bridgechain::topology::{
    CopyScope, CopyTag, Copying, Host, Prefix, Protocol, RateLimit, Remote, SkipRule, Tunnel, Vlan,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The last is that of the sinks.
const IPV4: [&str; 5] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.255.255.255",
    "192.0.2.7",
    "192.0.2.9",
];
const IPV6: [&str; 4] = ["2001:db8::1", "2001:db8:8000::1", "fe80::2", "2001:db8::9"];
const PREFIXES: [&str; 7] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.2/31",
    "192.0.2.7/32",
    "2001:db8::/32",
    "2001:db8::/33",
    "fe80::2/128",
];
/// And ICMP types.
const PORTS: [u16; 9] = [0, 53, 135, 443, 4789, 7999, 8000, 8010, 65535];
const RANGES: [RangeInclusive<u16>; 4] = [53..=53, 443..=443, 8000..=8010, 8006..=65535];
/// ICMP, TCP, UDP, GRE, ESP, ICMPv6 and SCTP.
const PROTOCOLS: [u8; 7] = [1, 6, 17, 47, 50, 58, 132];

pub(crate) fn headers() -> impl Strategy<Value = Headers> {
    let arp =
        (select(&IPV4[..]), select(&IPV4[..]), 1..3_u16).prop_map(|(sender, target, operation)| {
            Headers::Arp {
                operation,
                sender: sender.parse().expect("an address"),
                target: target.parse().expect("an address"),
            }
        });
    let ports = || select(&PORTS[..]);
    let ip = |addresses: &'static [&'static str]| {
        (
            select(addresses),
            select(addresses),
            select(&PROTOCOLS[..]),
            ports(),
            ports(),
        )
            .prop_map(|(src, dst, protocol, from, to)| Headers::Ip {
                src: src.parse().expect("an address"),
                dst: dst.parse().expect("an address"),
                protocol,
                ports: [from, to],
            })
    };
    prop_oneof![1 => arp, 4 => ip(&IPV4), 4 => ip(&IPV6)]
}

/// Half of the taps want everything as it is.
pub(crate) fn copying() -> impl Strategy<Value = Copying> {
    let tag = prop_oneof![
        3 => Just(CopyTag::Keep),
        1 => Just(CopyTag::Strip),
        1 => Just(CopyTag::Outer { to_uplink: vlan(101), to_guests: vlan(102) }),
    ];
    let scope = prop_oneof![2 => Just(CopyScope::All), 1 => Just(CopyScope::EastWest)];
    let limit = prop_oneof![Just(RateLimit::Kbps(1)), Just(RateLimit::Pps(1))];
    let option = |strategy: BoxedStrategy<u16>| proptest::option::weighted(0.3, strategy);
    let selective = (
        vec(skip_rule(), 0..3),
        scope,
        option((14..200_u16).boxed()),
        option((2..4_u16).boxed()),
        proptest::option::weighted(0.3, limit),
        tag,
    )
        .prop_map(
            |(skip, scope, snap_length, sampling, rate_limit, tag)| Copying {
                skip,
                scope,
                snap_length,
                sampling: sampling.and_then(NonZeroU16::new),
                rate_limit,
                tag,
            },
        );
    prop_oneof![Just(Copying::default()), selective]
}

pub(crate) fn remote() -> impl Strategy<Value = Option<Remote>> {
    let tunnel = prop_oneof![
        Just(Tunnel::Vxlan { vni: 7 }),
        Just(Tunnel::Gre { key: None }),
        Just(Tunnel::Gre { key: Some(7) }),
        Just(Tunnel::Erspan {
            session: 7,
            index: 1
        }),
    ];
    let ip = select(vec![IPV4[4], IPV6[3]]);
    let remote = (tunnel, ip).prop_map(|(tunnel, ip)| Remote {
        tunnel,
        ip: ip.parse().expect("an address"),
    });
    proptest::option::weighted(0.3, remote)
}

/// What the host sends for one of its tunnels, if it has some; or something else.
pub(crate) fn of_tunnel(host: &Host, choice: u32) -> Option<Headers> {
    let remotes: Vec<&Remote> = host.remotes().map(|(_, remote)| remote).collect();
    let remote = remotes.get(choice as usize % (2 * remotes.len()).max(1))?;
    let is_question = choice.is_multiple_of(3);
    let ip = |protocol, port| Headers::Ip {
        src: remote.ip,
        dst: remote.ip,
        protocol,
        ports: [port, port],
    };
    Some(match (remote.ip, remote.tunnel) {
        (IpAddr::V4(target), _) if is_question => Headers::Arp {
            operation: 1,
            sender: target,
            target,
        },
        (IpAddr::V6(_), _) if is_question => ip(Headers::ICMPV6, 135),
        (_, Tunnel::Vxlan { .. }) => ip(Headers::UDP, 4789),
        (_, Tunnel::Gre { .. } | Tunnel::Erspan { .. }) => ip(47, 0),
    })
}

fn skip_rule() -> impl Strategy<Value = SkipRule> {
    let protocol = prop_oneof![
        Just(None),
        Just(Some(Protocol::Arp)),
        select(&PROTOCOLS[..]).prop_map(|number| Some(Protocol::Ip(number))),
    ];
    let prefixes = subsequence(PREFIXES.to_vec(), 0..3)
        .prop_map(|texts| texts.into_iter().map(prefix).collect());
    let ports = subsequence(RANGES.to_vec(), 0..3);
    let rule = (protocol, ports, prefixes).prop_map(|(protocol, ports, prefixes)| SkipRule {
        protocol,
        ports,
        prefixes,
    });
    rule.prop_filter("a rule that says something", |rule| {
        *rule != SkipRule::default()
    })
}

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').expect("a length");
    let address: IpAddr = address.parse().expect("an address");
    Prefix {
        address,
        length: length.parse().expect("a number"),
    }
}

fn vlan(id: u16) -> Vlan {
    Vlan::new(id).expect("a valid VLAN")
}
