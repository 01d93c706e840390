//! The arguments of a command, by their keys.

use super::parse::ParseError;
use super::usage::Usage;
use super::{Leg, NewNic, Trunk};
use crate::config;
use crate::edit::Plug;
use crate::inventory::FoundBy;

/// Whether a word in front of `=` looks like that of an argument, and not like a part of a name.
fn is_key(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The arguments of a command.
pub(super) struct Given {
    usage: &'static Usage,
    /// Those without a key.
    pub(super) positions: Vec<String>,
    arguments: Vec<(String, String)>,
}

impl Given {
    /// Tells the words behind the name of a command apart.
    pub(super) fn read<'w>(
        usage: &'static Usage,
        words: impl Iterator<Item = &'w str>,
    ) -> Result<Self, ParseError> {
        let mut given = Self {
            usage,
            positions: Vec::new(),
            arguments: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                // Also where something is still missing that has no key: so it is told what.
                Some((key, value)) if is_key(key) => given.argument(key, value)?,
                _ => given.positions.push(word.to_owned()),
            }
        }
        let (found, wanted) = (given.positions.len(), usage.positions.len());
        if found < wanted {
            let missing = usage.positions[found];
            return Err(given.wrong(format!("{missing} is missing")));
        }
        if let Some(surplus) = given.positions.get(wanted) {
            return Err(given.wrong(format!("{surplus:?} is too much")));
        }
        Ok(given)
    }

    fn argument(&mut self, key: &str, value: &str) -> Result<(), ParseError> {
        let known = self.usage.arguments.iter().find(|(known, _)| *known == key);
        let Some((_, values)) = known else {
            let keys = self.usage.arguments.iter().map(|(key, _)| *key);
            let suggestion = config::suggestion(key, keys, "there are");
            return Err(self.wrong(format!("there is no argument {key:?}{suggestion}")));
        };
        if self.arguments.iter().any(|(earlier, _)| earlier == key) {
            return Err(self.wrong(format!("{key} is there twice")));
        }
        let is_word = values.first().is_some_and(|value| value.starts_with('k'));
        if is_word && !values.contains(&value) {
            let suggestion = config::suggestion(value, values.iter().copied(), "it is one of");
            return Err(self.wrong(format!("{key} can not be {value:?}{suggestion}")));
        }
        if value.is_empty() {
            return Err(self.wrong(format!("{key} has no value")));
        }
        self.arguments.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    fn wrong(&self, what: impl std::fmt::Display) -> ParseError {
        ParseError(format!("{what}; it is `{}`", self.usage.line()))
    }

    /// The value of an argument, which is none that is left over then.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.arguments.iter().position(|(own, _)| own == key)?;
        Some(self.arguments.remove(at).1)
    }

    fn networks(&mut self) -> Option<Vec<String>> {
        let list = self.take("trunked_networks")?;
        Some(list.split(',').map(|name| name.trim().to_owned()).collect())
    }

    pub(super) fn vlan(&mut self) -> Result<u16, ParseError> {
        let Some(vlan) = self.take("vlan") else {
            return Err(self.wrong("vlan= is missing"));
        };
        vlan.parse()
            .map_err(|_| self.wrong(format!("{vlan:?} is no VLAN id")))
    }

    pub(super) fn trunk(&mut self) -> Result<Option<Trunk>, ParseError> {
        let update = self.take("update_vlan_trunk_info");
        let update = match update.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let what =
                    format!("update_vlan_trunk_info can not be {other:?}, but true or false");
                return Err(self.wrong(what));
            }
        };
        let (mode, networks) = (self.take("vlan_mode"), self.networks());
        if !update && (mode.is_some() || networks.is_some()) {
            let what = match networks {
                Some(_) => "trunked_networks",
                None => "vlan_mode",
            };
            return Err(ParseError(format!(
                "{what} without update_vlan_trunk_info=true: AHV would say that all went well and \
                 silently ignore it; add update_vlan_trunk_info=true"
            )));
        }
        match (mode.as_deref(), networks) {
            (None, None) if update => Err(self.wrong(
                "update_vlan_trunk_info=true updates nothing without vlan_mode or trunked_networks",
            )),
            (None, None) => Ok(None),
            (Some("kAccess"), None) => Ok(Some(Trunk::Access)),
            (Some("kAccess"), Some(_)) => {
                Err(self.wrong("vlan_mode=kAccess has no trunked_networks"))
            }
            (_, networks) => Ok(Some(Trunk::Trunked(networks))),
        }
    }

    pub(super) fn nic(&mut self) -> Result<NewNic, ParseError> {
        let kind = self.take("type");
        if kind.as_deref() == Some("kNetworkFunctionNic") {
            return self.function_nic();
        }
        for key in ["network_function_nic_type", "network_function", "host"] {
            if self.take(key).is_some() {
                return Err(self.wrong(format!("{key} is for type=kNetworkFunctionNic")));
            }
        }
        let Some(network) = self.take("network") else {
            return Err(self.wrong("network= is missing"));
        };
        let trunked = match (self.take("vlan_mode").as_deref(), self.networks()) {
            (Some("kTrunked"), None) => {
                return Err(self.wrong("vlan_mode=kTrunked needs trunked_networks="));
            }
            (Some("kTrunked"), networks) => networks,
            (_, None) => None,
            (_, Some(_)) => {
                return Err(self.wrong("trunked_networks needs vlan_mode=kTrunked"));
            }
        };
        Ok(NewNic::Guest {
            network,
            trunked,
            direct: kind.as_deref() == Some("kDirectNic"),
            mac: self.take("mac"),
            plug: self.plug()?,
        })
    }

    fn plug(&mut self) -> Result<Option<Plug>, ParseError> {
        let (port, iface_id, vm_id) =
            (self.take("port"), self.take("iface_id"), self.take("vm_id"));
        let is_found = iface_id.is_some() || vm_id.is_some();
        match port.as_deref() {
            Some("none") | None if is_found => Ok(Some(Plug::Match(FoundBy {
                iface_id,
                vm_id,
                mac: None,
            }))),
            Some(_) if is_found => Err(self.wrong(
                "a vNIC is found by the name of its port or by iface_id and vm_id, not by both",
            )),
            Some("none") => Ok(Some(Plug::Mac)),
            Some(port) => Ok(Some(Plug::Port(port.to_owned()))),
            None => Ok(None),
        }
    }

    fn function_nic(&mut self) -> Result<NewNic, ParseError> {
        for key in [
            "network",
            "vlan_mode",
            "trunked_networks",
            "mac",
            "iface_id",
            "vm_id",
        ] {
            if self.take(key).is_some() {
                return Err(self.wrong(format!(
                    "a kNetworkFunctionNic has no {key}: it gets the frames of its chain"
                )));
            }
        }
        let leg = match self.take("network_function_nic_type").as_deref() {
            Some("kTap") => Leg::Tap,
            Some("kIngress") => Leg::Ingress,
            Some(_) => Leg::Egress,
            None => {
                return Err(self.wrong(
                    "type=kNetworkFunctionNic needs network_function_nic_type=kTap|kIngress|kEgress",
                ));
            }
        };
        Ok(NewNic::Function {
            leg,
            function: self.take("network_function"),
            host: self.take("host"),
            port: self.take("port"),
        })
    }
}
