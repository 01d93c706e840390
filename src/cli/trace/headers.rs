//! What a frame carries, as far as taps skip by it: what the command line says of it.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::ensure;
use bridgechain::simulate::Headers;

/// What the frame carries; without any of these it is nothing that a filter looks at
#[derive(Debug, clap::Args)]
pub(super) struct Carrying {
    /// tcp, udp, sctp, icmp, icmpv6, arp, or the number of an IP protocol
    #[arg(long, value_parser = protocol)]
    protocol: Option<Protocol>,
    /// Its source address
    #[arg(long, value_name = "IP")]
    ip_src: Option<IpAddr>,
    /// Its destination address
    #[arg(long, value_name = "IP")]
    ip_dst: Option<IpAddr>,
    /// Its source port
    #[arg(long, value_name = "PORT")]
    port_src: Option<u16>,
    /// Its destination port
    #[arg(long, value_name = "PORT")]
    port_dst: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Arp,
    Ip(u8),
}

fn protocol(text: &str) -> Result<Protocol, String> {
    Ok(match text {
        "arp" => Protocol::Arp,
        "tcp" => Protocol::Ip(Headers::TCP),
        "udp" => Protocol::Ip(Headers::UDP),
        "sctp" => Protocol::Ip(Headers::SCTP),
        "icmp" => Protocol::Ip(Headers::ICMP),
        "icmpv6" => Protocol::Ip(Headers::ICMPV6),
        number => Protocol::Ip(number.parse().map_err(|_| {
            "expected tcp, udp, sctp, icmp, icmpv6, arp, or a number from 0 to 255".to_owned()
        })?),
    })
}

impl Carrying {
    /// The headers that these describe, if any. What is left out has a value that means nothing.
    pub(super) fn headers(&self) -> anyhow::Result<Option<Headers>> {
        let Self {
            protocol,
            ip_src,
            ip_dst,
            port_src,
            port_dst,
        } = *self;
        let of_other = |ip: IpAddr, last| match ip {
            IpAddr::V4(_) => IpAddr::from([10, 0, 0, last]),
            IpAddr::V6(_) => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last.into()]),
        };
        let any = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let src = ip_src.unwrap_or_else(|| of_other(ip_dst.unwrap_or(any), 1));
        let dst = ip_dst.unwrap_or_else(|| of_other(src, 2));
        ensure!(
            src.is_ipv4() == dst.is_ipv4(),
            "{src} and {dst} are of two versions of IP"
        );
        let has_ports = port_src.is_some() || port_dst.is_some();
        let protocol = match protocol {
            None if ip_src.is_none() && ip_dst.is_none() && !has_ports => return Ok(None),
            None => Protocol::Ip(Headers::TCP),
            Some(protocol) => protocol,
        };
        let knows_ports = [Headers::TCP, Headers::UDP, Headers::SCTP].map(Protocol::Ip);
        ensure!(
            !has_ports || knows_ports.contains(&protocol),
            "only tcp, udp and sctp have ports"
        );
        Ok(Some(match (protocol, src, dst) {
            (Protocol::Arp, IpAddr::V4(sender), IpAddr::V4(target)) => Headers::Arp {
                operation: 1,
                sender,
                target,
            },
            (Protocol::Arp, ..) => anyhow::bail!("arp is about IPv4 addresses"),
            (Protocol::Ip(protocol), ..) => Headers::Ip {
                src,
                dst,
                protocol,
                ports: [port_src.unwrap_or(49152), port_dst.unwrap_or(49153)],
            },
        }))
    }
}
