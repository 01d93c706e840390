//! Words to commands, without knowing what there is.

use super::Command;
use super::given::Given;
use super::usage::COMMANDS;
use crate::config;

/// What is wrong with a command, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub(super) String);

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
        "vm.delete" => Command::VmDelete { vms: position(0) },
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

#[cfg(test)]
mod tests {
    use super::super::{Leg, NewNic, Trunk};
    use super::*;
    use crate::edit::Plug;
    use crate::inventory::FoundBy;

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
                    plug: None,
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
    fn a_name_may_have_an_equals_sign_and_a_port_may_be_none() {
        let get = |vm: &str| Ok(Command::VmGet { vm: vm.to_owned() });
        assert_eq!(read("vm.get VM=1"), get("VM=1"));
        assert_eq!(read("vm.get =x"), get("=x"));
        let plug = |line: &str| match read(&format!("vm.nic_create x network=n {line}")) {
            Ok(Command::NicCreate {
                nic: NewNic::Guest { plug, .. },
                ..
            }) => plug,
            other => panic!("{other:?}"),
        };
        let found_by = FoundBy {
            iface_id: Some("i".to_owned()),
            vm_id: Some("v".to_owned()),
            mac: None,
        };
        assert_eq!(plug(""), None);
        assert_eq!(plug("port=p"), Some(Plug::Port("p".to_owned())));
        assert_eq!(plug("port=none"), Some(Plug::Mac));
        assert_eq!(plug("iface_id=i vm_id=v"), Some(Plug::Match(found_by)));
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
            (
                "vm.nic_update VM update_vlan_trunk_info=true vlan_mode=kTrunked trunked_networks=3",
                "NIC is missing; it is `vm.nic_update VM NIC",
            ),
            (
                "vm.nic_update vlan_mode=kAccess update_vlan_trunk_info=true",
                "VM is missing",
            ),
            ("net.create vlan=3", "NAME is missing"),
            (
                "vm.nic_delete VM hots=node1",
                "there is no argument \"hots\"; did you mean \"host\"?",
            ),
            (
                "vm.nic_create x network=n port=p iface_id=i",
                "by the name of its port or by iface_id and vm_id, not by both",
            ),
            ("vm.delte x", "did you mean \"vm.delete\"?"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
