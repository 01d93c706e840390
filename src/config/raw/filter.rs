//! `filter:` of a tap: the frames that it does not want.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use crate::config::fields::{Fields, Schema, filled, integer, list, text};
use crate::config::report::Report;
use crate::config::tree::{Node, Value};
use crate::protocols::ip;
use crate::topology::{Prefix, Protocol, SkipRule};

const RULE: Schema = Schema {
    what: "a filter rule",
    keys: &[("skip", "the frames that are not copied")],
};

const SKIP: Schema = Schema {
    what: "what a filter rule skips",
    keys: &[
        ("protocol", "a protocol"),
        ("ports", "a list of TCP, UDP or SCTP ports"),
        ("prefixes", "a list of IP prefixes"),
    ],
};

#[cfg(test)]
pub(super) const SCHEMAS: [&Schema; 2] = [&RULE, &SKIP];

/// Protocols by name.
const PROTOCOLS: [(&str, Protocol); 8] = [
    ("tcp", TCP),
    ("udp", UDP),
    ("sctp", SCTP),
    ("icmp", Protocol::Ip(ip::ICMP)),
    ("icmpv6", Protocol::Ip(ip::ICMPV6)),
    ("gre", Protocol::Ip(ip::GRE)),
    ("esp", Protocol::Ip(ip::ESP)),
    ("arp", Protocol::Arp),
];

const TCP: Protocol = Protocol::Ip(ip::TCP);
const UDP: Protocol = Protocol::Ip(ip::UDP);
const SCTP: Protocol = Protocol::Ip(ip::SCTP);

pub(super) fn read(node: Node<'_>, report: &mut Report<'_>) -> Vec<SkipRule> {
    let rules = list(
        node,
        "a list of rules, such as [{ skip: { protocol: tcp } }]",
        report,
    );
    rules
        .into_iter()
        .flatten()
        .filter_map(|node| rule(node, report))
        .collect()
}

fn rule(node: Node<'_>, report: &mut Report<'_>) -> Option<SkipRule> {
    let skip = Fields::read(node, &RULE, report)?.require("skip", report)?;
    let fields = Fields::read(skip, &SKIP, report)?;
    if fields.is_blank() {
        report.mistake(
            skip.id(),
            "a rule without a key would skip every frame; give \"protocol\", \"ports\" or \
             \"prefixes\", or drain the function with \"enabled: false\"",
        );
    }
    let protocol = fields
        .get("protocol")
        .and_then(|node| protocol(node, report));
    let has_ports = matches!(protocol, None | Some(TCP | UDP | SCTP));
    if let (false, Some(at)) = (has_ports, fields.key("ports")) {
        report.mistake(
            at,
            "this protocol has no ports; only tcp, udp and sctp have, and without a protocol \
             ports are those of any of the three",
        );
    }
    if let (Some(Protocol::Arp), Some(at)) = (protocol, fields.key("prefixes")) {
        report.mistake(
            at,
            "prefixes are those of IP packets, and arp is none; leave out one of the two",
        );
    }
    let ports = fields
        .get("ports")
        .map(|node| filled(node, "a list of ports, such as [443, 8000-8010]", report));
    let prefixes = fields
        .get("prefixes")
        .map(|node| filled(node, "a list of prefixes, such as [10.0.0.0/8]", report));
    Some(SkipRule {
        protocol,
        ports: ports
            .into_iter()
            .flatten()
            .filter_map(|node| port_range(node, report))
            .collect(),
        prefixes: prefixes
            .into_iter()
            .flatten()
            .filter_map(|node| prefix(node, report))
            .collect(),
    })
}

fn protocol(node: Node<'_>, report: &mut Report<'_>) -> Option<Protocol> {
    let named = |word| PROTOCOLS.iter().find(|(name, _)| *name == word);
    let protocol = match node.value() {
        Value::Text(word) => named(word.as_str()).map(|(_, protocol)| *protocol),
        Value::Integer(number) => u8::try_from(*number).ok().map(Protocol::Ip),
        _ => None,
    };
    if protocol.is_none() {
        let found = node.value();
        let names = PROTOCOLS.map(|(name, _)| name).join(", ");
        report.mistake(
            node.id(),
            format!("a protocol is one of {names}, or a number from 0 to 255, found {found}"),
        );
    }
    protocol
}

/// `443`, or `8000-8010`.
fn port_range(node: Node<'_>, report: &mut Report<'_>) -> Option<RangeInclusive<u16>> {
    let what = "a port (or either end of a range such as 8000-8010)";
    let range = match node.value() {
        Value::Text(text) => text.split_once('-'),
        _ => None,
    };
    let Some((first, last)) = range else {
        let port = integer(node, what, 0..=u16::MAX, report)?.value;
        return Some(port..=port);
    };
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first <= last => return Some(first..=last),
        (Ok(first), Ok(last)) => report.mistake(
            node.id(),
            format!("this range runs backwards; it would be {last}-{first}"),
        ),
        _ => {
            let found = node.value();
            let high = u16::MAX;
            report.mistake(
                node.id(),
                format!("{what} is a whole number from 0 to {high}, found {found}"),
            );
        }
    }
    None
}

fn prefix(node: Node<'_>, report: &mut Report<'_>) -> Option<Prefix> {
    let written = text(node, "a prefix such as 10.0.0.0/8", report)?.value;
    match parse_prefix(&written) {
        Ok(prefix) => Some(prefix),
        Err(why) => {
            report.mistake(node.id(), why);
            None
        }
    }
}

/// `ADDRESS/LENGTH`, or an address, which is the prefix of itself alone.
fn parse_prefix(text: &str) -> Result<Prefix, String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(format!(
            "{text:?} is no prefix; one is 10.0.0.0/8 or \"2001:db8::/32\""
        ));
    };
    let (version, longest) = match address {
        IpAddr::V4(_) => ("IPv4", 32),
        IpAddr::V6(_) => ("IPv6", 128),
    };
    let length = match length {
        None => longest,
        Some(written) => written
            .parse::<u8>()
            .ok()
            .filter(|length| *length <= longest)
            .ok_or_else(|| {
                format!("an {version} prefix has a length from 0 to {longest}, found {written:?}")
            })?,
    };
    let first = first_address(address, length);
    if first != address {
        return Err(format!(
            "{address} has bits behind its first {length}; the prefix is {first}/{length}, and \
             the address alone is {address}/{longest}"
        ));
    }
    Ok(Prefix { address, length })
}

/// `address` with nothing behind its first `length` bits.
fn first_address(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let behind = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & !behind).into()
        }
        IpAddr::V6(address) => {
            let behind = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & !behind).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_any_length_are_read() {
        for (text, address, length) in [
            ("0.0.0.0/0", "0.0.0.0", 0),
            ("10.0.0.0/8", "10.0.0.0", 8),
            ("10.1.2.3", "10.1.2.3", 32),
            ("10.1.2.3/32", "10.1.2.3", 32),
            ("::/0", "::", 0),
            ("2001:db8::/32", "2001:db8::", 32),
            ("2001:db8::1", "2001:db8::1", 128),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(parse_prefix(text), Ok(Prefix { address, length }), "{text}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_told_what_would_be_one() {
        for (text, part) in [
            ("10.0.0.0/33", "from 0 to 32, found \"33\""),
            ("2001:db8::/129", "from 0 to 128, found \"129\""),
            ("10.0.0.0/", "from 0 to 32, found \"\""),
            ("10.0.0.0/255.0.0.0", "from 0 to 32"),
            ("10.0.0/8", "one is 10.0.0.0/8"),
            ("10.1.0.0/8", "the prefix is 10.0.0.0/8"),
            ("10.1.2.3/0", "the prefix is 0.0.0.0/0"),
            ("2001:db8::1/32", "the prefix is 2001:db8::/32"),
            ("10.1.2.3/31", "the address alone is 10.1.2.3/32"),
        ] {
            let why = parse_prefix(text).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
