//! Words to commands, without knowing what there is.

use super::{Command, Leg, NewNic, Trunk};
use crate::config;

/// What is wrong with a command, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

/// How a command is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Its name.
    pub name: &'static str,
    /// What it is about, in order; names of arguments without a key.
    pub positions: &'static [&'static str],
    /// The arguments with a key, each with the values it may have, or with the name of what it takes.
    pub arguments: &'static [(&'static str, &'static [&'static str])],
    /// What it does.
    pub help: &'static str,
}

const MODES: &[&str] = &["kAccess", "kTrunked"];
const KINDS: &[&str] = &["kNormalNic", "kDirectNic", "kNetworkFunctionNic"];
const LEGS: &[&str] = &["kTap", "kIngress", "kEgress"];

/// All commands.
pub const COMMANDS: [Usage; 10] = [
    Usage {
        name: "net.create",
        positions: &["NAME"],
        arguments: &[("vlan", &["ID"])],
        help: "make a network; VLAN 0 is the untagged one",
    },
    Usage {
        name: "net.delete",
        positions: &["NETWORK"],
        arguments: &[],
        help: "delete a network that nobody uses",
    },
    Usage {
        name: "net.list",
        positions: &[],
        arguments: &[],
        help: "list the networks",
    },
    Usage {
        name: "net.list_vms",
        positions: &["NETWORK"],
        arguments: &[],
        help: "list the VMs with a vNIC in a network",
    },
    Usage {
        name: "vm.create",
        positions: &["NAME"],
        arguments: &[("host", &["HOST"])],
        help: "make a VM known, without vNICs yet",
    },
    Usage {
        name: "vm.get",
        positions: &["VM"],
        arguments: &[],
        help: "show a VM and its vNICs",
    },
    Usage {
        name: "vm.list",
        positions: &[],
        arguments: &[],
        help: "list the VMs",
    },
    Usage {
        name: "vm.nic_create",
        positions: &["VM"],
        arguments: &[
            ("network", &["NETWORK"]),
            ("vlan_mode", MODES),
            ("trunked_networks", &["NETWORKS"]),
            ("type", KINDS),
            ("network_function_nic_type", LEGS),
            ("network_function", &["CHAIN/FUNCTION"]),
            ("host", &["HOST"]),
            ("mac", &["MAC"]),
            ("port", &["PORT"]),
        ],
        help: "make a vNIC",
    },
    Usage {
        name: "vm.nic_delete",
        positions: &["VM", "NIC"],
        arguments: &[
            ("network_function", &["CHAIN/FUNCTION"]),
            ("host", &["HOST"]),
        ],
        help: "delete a vNIC",
    },
    Usage {
        name: "vm.nic_update",
        positions: &["VM", "NIC"],
        arguments: &[
            ("network", &["NETWORK"]),
            ("update_vlan_trunk_info", &["true"]),
            ("vlan_mode", MODES),
            ("trunked_networks", &["NETWORKS"]),
        ],
        help: "change the networks of a vNIC",
    },
];

impl Usage {
    /// How it is written, in a line.
    pub fn line(&self) -> String {
        let mut line = self.name.to_owned();
        for position in self.positions {
            line.push_str(&format!(" {position}"));
        }
        for (key, values) in self.arguments {
            let values = values.join("|");
            match *key {
                "vlan" => line.push_str(&format!(" {key}={values}")),
                _ => line.push_str(&format!(" [{key}={values}]")),
            }
        }
        line
    }
}

/// The words of a line: apart by blanks, but not in quotes.
///
/// # Errors
///
/// A quote is not closed.
pub fn words(line: &str) -> Result<Vec<String>, ParseError> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(ParseError(format!("the quote {quote} is not closed")));
    }
    words.extend(word);
    Ok(words)
}

/// The command that words are.
///
/// # Errors
///
/// What is wrong with them.
pub fn parse(words: &[impl AsRef<str>]) -> Result<Command, ParseError> {
    let mut words = words.iter().map(AsRef::as_ref);
    let name = words.next().unwrap_or_default();
    let usage = COMMANDS.iter().find(|usage| usage.name == name);
    let usage = usage.ok_or_else(|| {
        let names = COMMANDS.iter().map(|usage| usage.name);
        let suggestion = config::suggestion(name, names, "there are");
        ParseError(format!("there is no command {name:?}{suggestion}"))
    })?;
    let mut given = Given::read(usage, words)?;
    let positions = given.positions.clone();
    let position = |index: usize| positions.get(index).cloned().unwrap_or_default();
    Ok(match usage.name {
        "net.list" => Command::NetList,
        "net.create" => Command::NetCreate {
            name: position(0),
            vlan: given.vlan()?,
        },
        "net.delete" => Command::NetDelete {
            network: position(0),
        },
        "net.list_vms" => Command::NetListVms {
            network: position(0),
        },
        "vm.list" => Command::VmList,
        "vm.get" => Command::VmGet { vm: position(0) },
        "vm.create" => Command::VmCreate {
            name: position(0),
            host: given.take("host"),
        },
        "vm.nic_create" => Command::NicCreate {
            vm: position(0),
            nic: given.nic()?,
        },
        "vm.nic_delete" => Command::NicDelete {
            vm: position(0),
            nic: position(1),
            function: given.take("network_function"),
            host: given.take("host"),
        },
        _ => Command::NicUpdate {
            vm: position(0),
            nic: position(1),
            trunk: given.trunk()?,
            network: given.take("network"),
        },
    })
}

/// The arguments of a command.
struct Given {
    usage: &'static Usage,
    positions: Vec<String>,
    arguments: Vec<(String, String)>,
}

impl Given {
    fn read<'w>(
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
                Some((key, value)) if given.positions.len() == usage.positions.len() => {
                    given.argument(key, value)?;
                }
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

    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.arguments.iter().position(|(own, _)| own == key)?;
        Some(self.arguments.remove(at).1)
    }

    fn networks(&mut self) -> Option<Vec<String>> {
        let list = self.take("trunked_networks")?;
        Some(list.split(',').map(|name| name.trim().to_owned()).collect())
    }

    fn vlan(&mut self) -> Result<u16, ParseError> {
        let Some(vlan) = self.take("vlan") else {
            return Err(self.wrong("vlan= is missing"));
        };
        vlan.parse()
            .map_err(|_| self.wrong(format!("{vlan:?} is no VLAN id")))
    }

    fn trunk(&mut self) -> Result<Option<Trunk>, ParseError> {
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

    fn nic(&mut self) -> Result<NewNic, ParseError> {
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
            port: self.take("port"),
        })
    }

    fn function_nic(&mut self) -> Result<NewNic, ParseError> {
        for key in ["network", "vlan_mode", "trunked_networks", "mac"] {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        let words = words(line).map_err(|error| error.to_string())?;
        parse(&words).map_err(|error| error.to_string())
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn commands_are_those_of_ahv() {
        let owned = str::to_owned;
        assert_eq!(read("net.list"), Ok(Command::NetList));
        assert_eq!(
            read("net.create demo vlan=5"),
            Ok(Command::NetCreate {
                name: owned("demo"),
                vlan: 5
            })
        );
        let update = "vm.nic_update VM-104 52:54:00:42:34:ab update_vlan_trunk_info=true";
        let trunk = |trunk| {
            Ok(Command::NicUpdate {
                vm: owned("VM-104"),
                nic: owned("52:54:00:42:34:ab"),
                network: None,
                trunk: Some(trunk),
            })
        };
        assert_eq!(
            read(&format!(
                "{update} vlan_mode=kTrunked trunked_networks=3000,4000"
            )),
            trunk(Trunk::Trunked(Some(strings(&["3000", "4000"]))))
        );
        assert_eq!(
            read(&format!("{update} trunked_networks=3000")),
            trunk(Trunk::Trunked(Some(strings(&["3000"]))))
        );
        assert_eq!(
            read(
                "vm.nic_update VM-104 52:54:00:42:34:ab vlan_mode=kAccess update_vlan_trunk_info=true"
            ),
            trunk(Trunk::Access)
        );
        assert_eq!(
            read(
                "vm.nic_create 'VM 9' network=demo vlan_mode=kTrunked trunked_networks=a,b type=kDirectNic"
            ),
            Ok(Command::NicCreate {
                vm: owned("VM 9"),
                nic: NewNic::Guest {
                    network: owned("demo"),
                    trunked: Some(strings(&["a", "b"])),
                    direct: true,
                    mac: None,
                    port: None,
                }
            })
        );
        assert_eq!(
            read(
                "vm.nic_create ips type=kNetworkFunctionNic network_function_nic_type=kIngress port=p0"
            ),
            Ok(Command::NicCreate {
                vm: owned("ips"),
                nic: NewNic::Function {
                    leg: Leg::Ingress,
                    function: None,
                    host: None,
                    port: Some(owned("p0")),
                }
            })
        );
        for usage in COMMANDS {
            assert!(usage.line().starts_with(usage.name));
        }
    }

    #[test]
    fn a_trunk_list_that_ahv_would_ignore_is_refused() {
        let refused = read("vm.nic_update vm aa vlan_mode=kTrunked trunked_networks=3");
        let message = refused.unwrap_err();
        assert!(message.contains("AHV would say that all went well and silently ignore it"));
        assert!(
            message.contains("add update_vlan_trunk_info=true"),
            "{message}"
        );
        assert!(
            read("vm.nic_update vm aa vlan_mode=kAccess update_vlan_trunk_info=false").is_err()
        );
        assert!(read("vm.nic_update vm aa network=x").is_ok());
    }

    #[test]
    fn mistakes_are_told_with_what_would_be_right() {
        for (line, message) in [
            ("", "there is no command \"\"; there are"),
            ("net.lst", "did you mean \"net.list\"?"),
            (
                "net.create",
                "NAME is missing; it is `net.create NAME vlan=ID`",
            ),
            ("net.create x", "vlan= is missing"),
            ("net.create x vlan=y", "\"y\" is no VLAN id"),
            ("net.create x y vlan=3", "\"y\" is too much"),
            (
                "net.create x vlam=3",
                "there is no argument \"vlam\"; did you mean \"vlan\"?",
            ),
            ("net.create x vlan=3 vlan=4", "vlan is there twice"),
            (
                "vm.create x memory=4G",
                "there is no argument \"memory\"; there are \"host\"",
            ),
            (
                "vm.nic_create x network=n vlan_mode=kTrunk",
                "did you mean \"kTrunked\"?",
            ),
            ("vm.nic_create x", "network= is missing"),
            (
                "vm.nic_create x network=n trunked_networks=3",
                "trunked_networks needs vlan_mode=kTrunked",
            ),
            (
                "vm.nic_create x type=kNetworkFunctionNic",
                "needs network_function_nic_type=",
            ),
            (
                "vm.nic_create x type=kNetworkFunctionNic network_function_nic_type=kTap network=n",
                "a kNetworkFunctionNic has no network",
            ),
            (
                "vm.nic_create x network=n network_function_nic_type=kTap",
                "is for type=kNetworkFunctionNic",
            ),
            ("vm.get 'a", "the quote ' is not closed"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
