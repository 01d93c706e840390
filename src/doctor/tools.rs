//! The commands that mend something, as lines for a shell.

use std::collections::BTreeMap;

use super::facts::Port;
use crate::setup::{Transaction, controller_target, quoted};
use crate::topology::Endpoint;

/// What commands must be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// The configuration file, where there is one.
    pub config: Option<String>,
    /// The OVS database, as for `ovs-vsctl --db`, where it is another than the default one.
    pub db: Option<String>,
    /// Where bridges find the controller, where that is told.
    pub controller: Option<String>,
    /// The datapath of the bridges, where that is told.
    pub datapath_type: Option<String>,
}

impl Tools {
    /// `ovs-vsctl` with these arguments.
    pub(super) fn vsctl<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let db = self.db.as_ref().map(|db| format!("--db={db}"));
        let words = words.into_iter().map(quoted);
        let words: Vec<String> = ["ovs-vsctl".to_owned()]
            .into_iter()
            .chain(db.as_deref().map(quoted))
            .chain(words)
            .collect();
        words.join(" ")
    }

    /// `ovs-vsctl` with these commands.
    pub(super) fn transaction(&self, transaction: &Transaction) -> String {
        self.vsctl(transaction.arguments().skip(1))
    }

    /// `bridgechain COMMAND CONFIG`.
    pub(super) fn bridgechain(&self, command: &str, options: &[&str]) -> Option<String> {
        let config = self.config.as_ref()?;
        let options = options.iter().copied().map(quoted);
        let words: Vec<String> = [format!("bridgechain {command} {}", quoted(config))]
            .into_iter()
            .chain(options)
            .collect();
        Some(words.join(" "))
    }

    /// What makes the bridges of `host`, in this datapath.
    pub(super) fn setup(&self, host: &str, datapath_type: Option<&str>) -> Option<String> {
        let mut options = vec!["--host", host];
        if let Some(kind) = datapath_type {
            options.extend(["--datapath-type", kind]);
        }
        if let Some(controller) = &self.controller {
            options.extend(["--controller", controller]);
        }
        if let Some(db) = &self.db {
            options.extend(["--db", db]);
        }
        self.bridgechain("setup", &options)
    }

    /// Where bridges find the controller.
    pub(super) fn target(&self, listen: &[Endpoint]) -> Option<String> {
        match &self.controller {
            Some(target) => Some(target.clone()),
            None => controller_target(listen).ok(),
        }
    }

    /// Whether a bridge that connects to `target` finds the controller there.
    pub(super) fn reaches(&self, target: &str, listen: &[Endpoint]) -> bool {
        if let Some(told) = &self.controller {
            return told == target;
        }
        listen.iter().any(|endpoint| {
            let own = controller_target(std::slice::from_ref(endpoint));
            let is_own = own.is_ok_and(|own| own == target);
            is_own || is_any_address_of(endpoint, target)
        })
    }

    /// Takes a port from one bridge to another, with what it is and whose it is.
    pub(super) fn moved(&self, name: &str, port: &Port, from: &str, to: &str) -> String {
        let mut words = ["del-port", from, &port.row, "--", "add-port", to, name]
            .map(str::to_owned)
            .to_vec();
        let kind = (!port.kind.is_empty()).then(|| format!("type={}", port.kind));
        let columns = [
            ("options", &port.options),
            ("external_ids", &port.external_ids),
        ];
        let pairs = columns.into_iter().flat_map(|(column, pairs)| {
            let pairs: &BTreeMap<String, String> = pairs;
            pairs.iter().map(move |(key, value)| {
                let text = |text: &str| serde_json::Value::from(text).to_string();
                format!("{column}:{}={}", text(key), text(value))
            })
        });
        let set: Vec<String> = kind.into_iter().chain(pairs).collect();
        if !set.is_empty() {
            words.extend(["--", "set", "Interface", name].map(str::to_owned));
            words.extend(set);
        }
        self.vsctl(words.iter().map(String::as_str))
    }
}

/// Whether `endpoint` is any address of the machine, and `target` one with the same port.
fn is_any_address_of(endpoint: &Endpoint, target: &str) -> bool {
    let (scheme, own) = match endpoint {
        Endpoint::Tcp(address) => ("tcp:", address),
        Endpoint::Ssl(address) => ("ssl:", address),
        Endpoint::Unix(_) => return false,
    };
    let address = target.strip_prefix(scheme);
    let port = address.and_then(|address| address.rsplit_once(':'));
    own.ip().is_unspecified() && port.is_some_and(|(_, port)| port == own.port().to_string())
}
