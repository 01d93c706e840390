//! A message of every type, and what `ovs-ofctl` is to print for it. No two numbers of a message
//! are the same where the message allows that, so that an exchange of fields shows.

mod connection;
mod multipart;
mod nicira;
mod table;

use bytes::Bytes;
use openflow::*;

use super::ofctl;
use connection::connection_messages;
use multipart::{multipart_replies, multipart_requests};
use nicira::nicira_messages;
use table::table_messages;

fn frame() -> Bytes {
    crate::common::hex("5254 0000 000a 5254 0000 000b 88cc 0102 0304")
}

fn port() -> Port {
    Port {
        port_no: PortNo(7),
        hw_addr: MacAddr([0x52, 0x54, 0, 0, 0, 0x0c]),
        name: PortName::new("vm104").unwrap(),
        config: PortConfig::NO_RECV | PortConfig::NO_PACKET_IN,
        state: PortState::LINK_DOWN,
        curr: PortFeatures::RATE_10GB_FD | PortFeatures::FIBER,
        advertised: PortFeatures::RATE_1GB_FD | PortFeatures::COPPER,
        supported: PortFeatures::RATE_100MB_HD | PortFeatures::AUTONEG,
        peer: PortFeatures::RATE_40GB_FD | PortFeatures::PAUSE,
        curr_speed: 1_000_000,
        max_speed: 10_000_000,
    }
}

fn match_() -> Match {
    Match::new()
        .with(OxmField::InPort, PortNo(5))
        .with(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 0x0d]))
}

fn bucket(weight: u16, watch_port: u32, out: u32) -> Bucket {
    Bucket {
        weight,
        watch_port: PortNo(watch_port),
        ..Bucket::new(vec![Action::output(PortNo(out))])
    }
}

fn async_config() -> AsyncConfig {
    AsyncConfig {
        packet_in_mask: [1 << 0 | 1 << 2, 1 << 1],
        port_status_mask: [1 << 0, 1 << 2],
        flow_removed_mask: [1 << 3, 1 << 0 | 1 << 1],
    }
}

fn group_mod(command: GroupModCommand, buckets: Vec<Bucket>) -> GroupMod {
    GroupMod {
        command,
        kind: GroupType::FastFailover,
        group_id: GroupId(33),
        buckets,
    }
}

fn meter_bands() -> Vec<MeterBand> {
    vec![
        MeterBand::Drop {
            rate: 1000,
            burst_size: 200,
        },
        MeterBand::DscpRemark {
            rate: 500,
            burst_size: 100,
            prec_level: 3,
        },
    ]
}

#[test]
fn ovs_ofctl_understands_what_was_meant() {
    let cases = [
        connection_messages(),
        table_messages(),
        multipart_requests(),
        multipart_replies(),
        nicira_messages(),
    ];
    let (messages, meanings): (Vec<_>, Vec<_>) = cases.into_iter().flatten().unzip();
    let Some(printed) = ofctl::print(&messages) else {
        return;
    };
    for ((message, meaning), printed) in messages.iter().zip(meanings).zip(printed) {
        assert_eq!(printed, meaning, "{message:#?}");
    }
}

/// The list above has every type that there is.
#[test]
fn every_type_is_judged() {
    let kinds: std::collections::BTreeSet<u8> = [
        connection_messages(),
        table_messages(),
        multipart_requests(),
        multipart_replies(),
    ]
    .into_iter()
    .flatten()
    .map(|(message, _)| message.kind().into())
    .collect();
    assert!(kinds.into_iter().eq(0..30));
}
