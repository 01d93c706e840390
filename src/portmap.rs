//! Port numbers before any bridge has told its own: assumed ones, or those of a file.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use openflow::PortNo;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::ports::Ports;
use crate::topology::{Bridges, Host, Role};

/// The names of the ports that the configuration gives to the bridge of `host` with `role`, patch
/// ports among them and LOCAL not.
pub fn configured(host: &Host, role: Role) -> Vec<&str> {
    let vnics = |role| host.vnics_at(role).map(|vnic| vnic.port.as_str());
    let uplinks = || host.uplinks.iter().map(String::as_str);
    match &host.bridges {
        Bridges::Chain(chain) => {
            let roles: Vec<Role> = host.bridges().map(|(role, _)| role).collect();
            let patches = chain
                .patches
                .iter()
                .zip(roles.windows(2))
                .flat_map(|(patch, ends)| {
                    [
                        (ends[0], patch.left.as_str()),
                        (ends[1], patch.right.as_str()),
                    ]
                });
            let patches = patches
                .filter(|(end, _)| *end == role)
                .map(|(_, name)| name);
            match role {
                Role::Local => vnics(role).chain(patches).collect(),
                Role::Service => host.function_ports().chain(patches).collect(),
                Role::Uplink => uplinks().chain(vnics(role)).chain(patches).collect(),
                Role::Learning => Vec::new(),
            }
        }
        Bridges::Learning(_) if role == Role::Learning => vnics(role).chain(uplinks()).collect(),
        Bridges::Learning(_) | Bridges::AnyLearning => Vec::new(),
    }
}

/// The ports of a bridge as if all that are configured were there, numbered from 1 in the order
/// of the configuration, and LOCAL.
pub fn assumed(host: &Host, role: Role) -> Ports {
    let names = configured(host, role).into_iter().map(str::to_owned);
    names
        .zip((1..).map(PortNo))
        .chain(local(host, role))
        .collect()
}

/// The bridge's own port.
fn local(host: &Host, role: Role) -> Option<(String, PortNo)> {
    let bridge = host.bridge(role)?;
    Some((bridge.name.clone(), PortNo::LOCAL))
}

/// Whether the configuration says nothing about the ports of the host's one bridge, so that any
/// are welcome.
pub fn is_open(host: &Host) -> bool {
    host.is_open()
}

/// Port numbers from a YAML or JSON file: `PORT: NUMBER`, for all hosts or by host.
///
/// ```
/// use bridgechain::portmap::PortMap;
/// let for_all: PortMap = "{ vma0: 4, local-nf: 1 }".parse()?;
/// let by_host: PortMap = "node1: { vma0: 4 }\nnode2: { vma0: 7 }".parse()?;
/// # Ok::<(), serde_yaml::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMap {
    everywhere: BTreeMap<String, PortNo>,
    by_host: BTreeMap<String, BTreeMap<String, PortNo>>,
}

/// Two ports of one bridge have the same number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host {host}: ports {first} and {second} are on the same bridge and both number {number}")]
pub struct SameNumber {
    host: String,
    first: String,
    second: String,
    number: PortNo,
}

impl PortMap {
    /// The hosts that have ports of their own in the file.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.by_host.keys().map(String::as_str)
    }

    /// The ports of the file on this host, with their numbers.
    pub fn of_host(&self, host: &Host) -> BTreeMap<&str, PortNo> {
        let own = self.by_host.get(&host.name).into_iter().flatten();
        self.everywhere
            .iter()
            .chain(own)
            .map(|(name, number)| (name.as_str(), *number))
            .collect()
    }

    /// The ports of the bridge of `host` with `role`: the configured ones that the file has (all
    /// of the file, where the configuration says nothing about ports), and LOCAL.
    ///
    /// # Errors
    ///
    /// Two of them have the same number.
    pub fn ports(&self, host: &Host, role: Role) -> Result<Ports, SameNumber> {
        let mut numbered = self.of_host(host);
        if !is_open(host) {
            let configured = configured(host, role);
            numbered.retain(|name, _| configured.contains(name));
        }
        let mut ports: Ports = local(host, role).into_iter().collect();
        for (name, number) in numbered {
            if let Some(first) = ports.name(number) {
                return Err(SameNumber {
                    host: host.name.clone(),
                    first: first.to_owned(),
                    second: name.to_owned(),
                    number,
                });
            }
            ports.insert(name.to_owned(), number);
        }
        Ok(ports)
    }
}

impl std::str::FromStr for PortMap {
    type Err = serde_yaml::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries: Unique<Entry> = serde_yaml::from_str(text)?;
        let mut map = Self::default();
        for (name, entry) in entries.0 {
            match entry {
                Entry::Port(number) => {
                    map.everywhere.insert(name, number);
                }
                Entry::Host(ports) => {
                    let ports = ports.0.into_iter().map(|(name, number)| (name, number.0));
                    map.by_host.insert(name, ports.collect());
                }
            }
        }
        Ok(map)
    }
}

/// A mapping without duplicate keys; serde's own would keep the last of them.
struct Unique<V>(BTreeMap<String, V>);

/// A port of OpenFlow that is not a reserved one.
struct Number(PortNo);

/// What is behind a key: the number of a port, or the ports of a host.
enum Entry {
    Port(PortNo),
    Host(Unique<Number>),
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = Unique<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`PORT: NUMBER` pairs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, V>()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("{key} is there twice")));
            }
            entries.insert(key, value);
        }
        Ok(Unique(entries))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        number_of(number).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port number, or the ports of a host")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Entry, E> {
        number_of(number).map(Entry::Port).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Entry, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
        UniqueVisitor(PhantomData).visit_map(map).map(Entry::Host)
    }
}

/// Ports are numbered in 16 bits in `NXM_OF_IN_PORT` and in the mark, of which the upper 256
/// numbers are reserved.
fn number_of(number: i64) -> Result<PortNo, String> {
    u32::try_from(number)
        .ok()
        .filter(|number| (1..0xff00).contains(number))
        .map(PortNo)
        .ok_or_else(|| format!("{number} is no port number; those of Open vSwitch are 1 to 65279"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_for_all_hosts_or_by_host() -> Result<(), serde_yaml::Error> {
        let map: PortMap = "eth1: 1\nnode1: { vma0: 4 }".parse()?;
        assert_eq!(map.everywhere, [("eth1".to_owned(), PortNo(1))].into());
        assert_eq!(
            map.by_host["node1"],
            [("vma0".to_owned(), PortNo(4))].into()
        );
        assert_eq!(
            r#"{"eth1": 1, "node1": {"vma0": 4}}"#.parse::<PortMap>()?,
            map
        );
        Ok(())
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text: &str| match text.parse::<PortMap>() {
            Ok(map) => panic!("{text:?} gave {map:?}"),
            Err(error) => error.to_string(),
        };
        assert!(message("a: 1\na: 2").contains("a is there twice"));
        assert!(message("a: 0").contains("0 is no port number"));
        assert!(message("a: 65280").contains("65280 is no port number"));
        assert!(message("node1:\n  a: -1").contains("-1 is no port number"));
        assert!(message("a: x").contains("expected a port number, or the ports of a host"));
        assert!(
            message("a: x").contains("line 1 column 4"),
            "{}",
            message("a: x")
        );
        assert!(message("- a").contains("expected `PORT: NUMBER` pairs"));
    }
}
