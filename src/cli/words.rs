//! The names of settings on the command line: those of the configuration.

use bridgechain::edit::{Change, NicSettings, VlanMode};
use bridgechain::topology::{Attachment, Permission, Promiscuous};
use clap::ValueEnum;
use openflow::MacAddr;

use super::completing;

/// Settings of a vNIC.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// Its network; of a trunked vNIC that of untagged frames, or `none`
    #[arg(long, value_name = "NETWORK", add = completing::networks())]
    network: Option<String>,
    /// Member of one network, untagged; or of several, tagged
    #[arg(long, value_enum)]
    vlan_mode: Option<Mode>,
    /// The networks that are tagged, all of them; makes it a trunked vNIC
    #[arg(long, value_name = "NETWORK,...", value_delimiter = ',', add = completing::networks())]
    trunked_networks: Option<Vec<String>>,
    /// The address pinned to it, or `none`
    #[arg(long, value_name = "MAC", value_parser = optional::<MacAddr>)]
    mac: Option<Change<MacAddr>>,
    /// In front of the service chains, or beside them
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
    /// What it sees besides its own frames
    #[arg(long, value_enum)]
    promiscuous: Option<Sees>,
    /// Whether it may send from other addresses than its own
    #[arg(long, value_enum)]
    forged_transmits: Option<May>,
    /// Whether frames to other addresses than its own reach it
    #[arg(long, value_enum)]
    mac_changes: Option<May>,
    /// How many addresses may be learned at it, or `none` for no limit
    #[arg(long, value_name = "NUMBER", value_parser = optional::<u32>)]
    max_macs: Option<Change<u32>>,
    /// Broadcast and multicast frames that it may send per second, or `none` for no limit
    #[arg(long, value_name = "NUMBER", value_parser = optional::<u32>)]
    storm_limit: Option<Change<u32>>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Access,
    Trunked,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Normal,
    Direct,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sees {
    Bum,
    Accept,
    Reject,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum May {
    Accept,
    Reject,
}

/// A value, or `none`.
fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Change<T>, String> {
    match text {
        "none" => Ok(Change::Unset),
        text => text
            .parse()
            .map(Change::Set)
            .map_err(|error: T::Err| error.to_string()),
    }
}

impl From<May> for Permission {
    fn from(may: May) -> Self {
        match may {
            May::Accept => Self::Accept,
            May::Reject => Self::Reject,
        }
    }
}

impl Settings {
    /// As an edit takes them.
    pub(super) fn to_edit(&self, port: Option<&str>) -> NicSettings {
        NicSettings {
            port: port.map(str::to_owned),
            mac: self.mac.unwrap_or_default(),
            network: match self.network.as_deref() {
                None => Change::Keep,
                Some("none") => Change::Unset,
                Some(network) => Change::Set(network.to_owned()),
            },
            vlan_mode: self.vlan_mode.map(|mode| match mode {
                Mode::Access => VlanMode::Access,
                Mode::Trunked => VlanMode::Trunked,
            }),
            trunked_networks: self.trunked_networks.clone(),
            attachment: self.kind.map(|kind| match kind {
                Kind::Normal => Attachment::Normal,
                Kind::Direct => Attachment::Direct,
            }),
            promiscuous: self.promiscuous.map(|sees| match sees {
                Sees::Bum => Promiscuous::Bum,
                Sees::Accept => Promiscuous::Accept,
                Sees::Reject => Promiscuous::Reject,
            }),
            forged_transmits: self.forged_transmits.map(Permission::from),
            mac_changes: self.mac_changes.map(Permission::from),
            max_macs: self.max_macs.unwrap_or_default(),
            storm_limit: self.storm_limit.unwrap_or_default(),
        }
    }
}
