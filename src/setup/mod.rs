//! The `ovs-vsctl` transaction that makes the bridges of a host.
//!
//! Pure: what the database has ([`Present`]) is an argument, and the transaction is text. Carrying
//! it out again changes nothing.

mod present;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use self::present::{ListingError, Present};
use crate::topology::{Bridge, Bridges, ChainBridges, Endpoint, Host, Remote, Role, Tunnel};

/// What a transaction depends on besides the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the bridges find the controller, in the words of `ovs-vsctl set-controller`.
    pub controller: String,
    /// The bridges' `datapath_type`, where it is to be set: `netdev` or `system`.
    pub datapath_type: Option<String>,
}

/// Why there is no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host has `learning: "*"`.
    #[error(
        "host {host:?} takes every bridge there is (learning: \"*\"), so there is none to make; on \
         each bridge, run ovs-vsctl set-controller BRIDGE {controller}"
    )]
    AnyBridge {
        /// The host's name.
        host: String,
        /// Where the controller is.
        controller: String,
    },
    /// Bridges cannot be told a port that is chosen when the controller starts.
    #[error("{0} has no fixed port")]
    NoFixedPort(Endpoint),
    /// The controller listens nowhere.
    #[error("the controller listens nowhere")]
    NoEndpoint,
}

/// Where bridges on the controller's own machine find it: the first endpoint, by way of loopback
/// where it is any address.
///
/// # Errors
///
/// There is no endpoint, or its port is chosen when the controller starts.
pub fn controller_target(listen: &[Endpoint]) -> Result<String, Error> {
    let endpoint = listen.first().ok_or(Error::NoEndpoint)?;
    let reachable = |address: &SocketAddr| {
        if address.port() == 0 {
            return Err(Error::NoFixedPort(endpoint.clone()));
        }
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Ok(SocketAddr::new(ip, address.port()))
    };
    let target = match endpoint {
        Endpoint::Tcp(address) => Endpoint::Tcp(reachable(address)?),
        Endpoint::Ssl(address) => Endpoint::Ssl(reachable(address)?),
        Endpoint::Unix(path) => Endpoint::Unix(path.clone()),
    };
    Ok(target.to_string())
}

/// What makes the bridges, patch ports, uplinks and tunnels to remote sinks of `host` where `present`
/// is there already.
///
/// Ports of vNICs and of functions on the host itself are for the hypervisor to make.
///
/// # Errors
///
/// The host names no bridge.
pub fn transaction(
    host: &Host,
    options: &Options,
    present: &Present,
) -> Result<Transaction, Error> {
    let mut transaction = Transaction::default();
    for (_, bridge) in host.bridges() {
        transaction.add_bridge(bridge, options, present);
    }
    match &host.bridges {
        Bridges::Chain(chain) => transaction.add_patches(chain),
        Bridges::Learning(_) => {}
        Bridges::AnyLearning => {
            return Err(Error::AnyBridge {
                host: host.name.clone(),
                controller: options.controller.clone(),
            });
        }
    }
    if let Some(service) = host.bridge(Role::Service) {
        for (port, remote) in host.remotes() {
            transaction.add_tunnel(&service.name, port, remote);
        }
    }
    if let Some(bridge) = host.bridge(Role::Uplink).or(host.bridge(Role::Learning)) {
        for uplink in &host.uplinks {
            transaction.add(["--may-exist", "add-port", &bridge.name, uplink]);
        }
    }
    Ok(transaction)
}

/// What makes one end of a patch, on the bridge called `bridge`.
pub fn patch_port(bridge: &str, port: &str, peer: &str) -> Transaction {
    let mut transaction = Transaction::default();
    transaction.add_patch_port(bridge, port, peer);
    transaction
}

/// What makes the tunnel to a remote sink, on the bridge called `bridge`.
pub fn tunnel_port(bridge: &str, port: &str, remote: &Remote) -> Transaction {
    let mut transaction = Transaction::default();
    transaction.add_tunnel(bridge, port, remote);
    transaction
}

/// The type of the interface that leads to a sink, and the options that it must have; those without
/// a value must not be there.
pub fn tunnel_options(remote: &Remote) -> (&'static str, Vec<(&'static str, Option<String>)>) {
    let (kind, options) = tunnel(remote);
    let ip = ("remote_ip", Some(remote.ip.to_string()));
    (kind, [ip].into_iter().chain(options).collect())
}

/// Commands of `ovs-vsctl` that are carried out together or not at all.
///
/// Displayed as what follows `ovs-vsctl` in a shell, a command a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    commands: Vec<Vec<String>>,
}

impl Transaction {
    /// The arguments for `ovs-vsctl`.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.commands
            .iter()
            .flat_map(|words| ["--"].into_iter().chain(words.iter().map(|w| &**w)))
    }

    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.commands.push(words.map(str::to_owned).to_vec());
    }

    fn add_bridge(&mut self, bridge: &Bridge, options: &Options, present: &Present) {
        let name = bridge.name.as_str();
        let datapath_id = format!("other-config:datapath-id={}", bridge.datapath_id);
        let in_band = "other-config:disable-in-band=true";
        self.add(["--may-exist", "add-br", name]);
        self.add([
            "set",
            "Bridge",
            name,
            "fail_mode=secure",
            &datapath_id,
            in_band,
        ]);
        if let Some(kind) = &options.datapath_type {
            self.add(["set", "Bridge", name, &format!("datapath_type={kind}")]);
        }
        let there = present.bridges.get(name).cloned().unwrap_or_default();
        // No protocols means all that OVS has; adding one to none would restrict the bridge to it.
        if !there.protocols.is_empty() {
            self.add(["add", "Bridge", name, "protocols", "OpenFlow13"]);
        }
        // A new row even for the same target, and with it a new connection.
        if !there.controllers.iter().eq([&options.controller]) {
            self.add(["set-controller", name, &options.controller]);
        }
        self.add(["set", "Controller", name, "connection_mode=out-of-band"]);
    }

    /// The links between neighbouring bridges, both ends of each.
    fn add_patches(&mut self, chain: &ChainBridges) {
        let bridges = [
            Some(&chain.local),
            chain.service.as_ref(),
            Some(&chain.uplink),
        ];
        let bridges: Vec<&Bridge> = bridges.into_iter().flatten().collect();
        for (ends, patch) in bridges.windows(2).zip(&chain.patches) {
            let [left, right] = ends else { continue };
            self.add_patch_port(&left.name, &patch.left, &patch.right);
            self.add_patch_port(&right.name, &patch.right, &patch.left);
        }
    }

    /// A tunnel to a remote sink. Options that are not about what the configuration says are left as
    /// they are.
    fn add_tunnel(&mut self, bridge: &str, port: &str, remote: &Remote) {
        let (kind, options) = tunnel(remote);
        let ip = value(&remote.ip.to_string());
        let mut set = ["set", "Interface", port].map(str::to_owned).to_vec();
        let mut remove = ["remove", "Interface", port, "options"]
            .map(str::to_owned)
            .to_vec();
        let fixed = remove.len();
        set.extend([format!("type={kind}"), format!("options:remote_ip={ip}")]);
        for (key, value) in options {
            match value {
                Some(value) => set.push(format!("options:{key}={value}")),
                None => remove.push(key.to_owned()),
            }
        }
        self.add(["--may-exist", "add-port", bridge, port]);
        self.commands.push(set);
        if remove.len() > fixed {
            self.commands.push(remove);
        }
    }

    fn add_patch_port(&mut self, bridge: &str, port: &str, peer: &str) {
        let peer = format!("options:peer={}", value(peer));
        self.add(["--may-exist", "add-port", bridge, port]);
        self.add(["set", "Interface", port, "type=patch", &peer]);
    }
}

/// The type of the interface that leads to a sink, and its options: those without a value must not
/// be there.
fn tunnel(remote: &Remote) -> (&'static str, [(&'static str, Option<String>); 3]) {
    let (kind, key, erspan) = match remote.tunnel {
        Tunnel::Vxlan { vni } => ("vxlan", Some(vni), None),
        Tunnel::Gre { key } => ("gre", key, None),
        Tunnel::Erspan { session, index } => ("erspan", Some(session.into()), Some(index)),
    };
    let options = [
        ("key", key.map(|key| key.to_string())),
        ("erspan_ver", erspan.map(|_| "1".to_owned())),
        // Open vSwitch reads it as hexadecimal.
        ("erspan_idx", erspan.map(|index| format!("{index:#x}"))),
    ];
    (kind, options)
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, command) in self.commands.iter().enumerate() {
            f.write_str(if index == 0 { "--" } else { " \\\n  --" })?;
            for word in command {
                write!(f, " {}", quoted(word))?;
            }
        }
        Ok(())
    }
}

/// `word` as a POSIX shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `text` as `ovs-vsctl` reads it back as a value of a column.
fn value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn host(text: &str) -> Host {
        let (topology, _) = config::parse("lab.yaml", text).expect("a good file");
        topology.hosts["node1"].clone()
    }

    fn options() -> Options {
        Options {
            controller: "tcp:127.0.0.1:6653".to_owned(),
            datapath_type: None,
        }
    }

    #[test]
    fn a_controller_row_is_replaced_only_by_one_that_differs() {
        let host = host("hosts: { node1: { bridges: { learning: br0 } } }");
        let with = |controllers: &str, protocols: &str| {
            let listing = format!(
                r#"{{"data":[["br0",["set",{controllers}],{protocols}]]}}
                   {{"data":[[["uuid","1"],"tcp:127.0.0.1:6653"],[["uuid","2"],"tcp:192.0.2.1:6653"]]}}"#
            );
            let present = Present::parse(&listing).expect("a listing");
            transaction(&host, &options(), &present)
                .expect("a transaction")
                .to_string()
        };
        let set = "set-controller br0 tcp:127.0.0.1:6653";
        let unrestricted = r#"["set",[]]"#;
        assert!(!with(r#"[["uuid","1"]]"#, unrestricted).contains(set));
        assert!(with(r#"[["uuid","2"]]"#, unrestricted).contains(set));
        assert!(with(r#"[["uuid","1"],["uuid","2"]]"#, unrestricted).contains(set));
        assert!(with("[]", unrestricted).contains(set));
        assert!(!with("[]", unrestricted).contains("protocols"));
        assert!(with("[]", r#""OpenFlow10""#).contains("add Bridge br0 protocols OpenFlow13"));
    }

    #[test]
    fn bridges_reach_a_controller_at_any_address_by_loopback() {
        let target = |text: &str| {
            let text = format!("controller: {{ listen: ['{text}'] }}\nhosts: {{}}");
            let (topology, _) = config::parse("lab.yaml", text).expect("a good file");
            controller_target(&topology.controller.listen).map_err(|error| error.to_string())
        };
        for (listen, expected) in [
            ("tcp:0.0.0.0:6653", "tcp:127.0.0.1:6653"),
            ("tcp:[::]:6653", "tcp:[::1]:6653"),
            ("tcp:192.0.2.1:6633", "tcp:192.0.2.1:6633"),
            ("unix:/run/c.sock", "unix:/run/c.sock"),
        ] {
            assert_eq!(target(listen).as_deref(), Ok(expected));
        }
        assert_eq!(
            target("tcp:127.0.0.1:0"),
            Err("tcp:127.0.0.1:0 has no fixed port".to_owned())
        );
        assert_eq!(controller_target(&[]), Err(Error::NoEndpoint));
    }

    #[test]
    fn tunnels_to_remote_sinks_are_made_on_the_service_bridge() {
        let tunnel = |remote: &str| {
            let host = host(&format!(
                "networks: {{ n: {{ vlan: 1 }} }}
hosts: {{ node1: {{ bridges: {{ local: l, service: s, uplink: u }} }} }}
service_chains: {{ c: {{ networks: [n], functions: [{{ name: f, mode: tap, instances: [
  {{ host: node1, port: t0, remote: {remote} }}] }}] }} }}"
            ));
            let transaction = transaction(&host, &options(), &Present::default());
            let text = transaction.expect("a transaction").to_string();
            let lines = text.lines().map(|line| line.trim_matches([' ', '\\', '-']));
            let of_tunnel = lines.filter(|line| line.contains(" t0")).map(str::to_owned);
            of_tunnel.collect::<Vec<_>>()
        };
        assert_eq!(
            tunnel("{ type: erspan, ip: 192.0.2.9, session: 7, index: 291 }"),
            [
                "may-exist add-port s t0",
                "set Interface t0 type=erspan options:remote_ip=192.0.2.9 options:key=7 \
                 options:erspan_ver=1 options:erspan_idx=0x123",
            ]
        );
        assert_eq!(
            tunnel("{ type: vxlan, ip: '2001:db8::9', vni: 77 }"),
            [
                "may-exist add-port s t0",
                r#"set Interface t0 type=vxlan 'options:remote_ip="2001:db8::9"' options:key=77"#,
                "remove Interface t0 options erspan_ver erspan_idx",
            ]
        );
        assert_eq!(
            tunnel("{ type: gre, ip: 192.0.2.9 }"),
            [
                "may-exist add-port s t0",
                "set Interface t0 type=gre options:remote_ip=192.0.2.9",
                "remove Interface t0 options key erspan_ver erspan_idx",
            ]
        );
    }

    #[test]
    fn words_are_quoted_for_shell_and_database() {
        assert_eq!(quoted("options:peer=a-b.c"), "options:peer=a-b.c");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
        let host = host(
            "hosts: { node1: { bridges: { local: l, uplink: u }, patches: { local_uplink: ['a,b', 'c$d'] } } }",
        );
        let commands = transaction(&host, &options(), &Present::default())
            .expect("a transaction")
            .to_string();
        assert!(commands.contains(r#"-- set Interface a,b type=patch 'options:peer="c$d"'"#));
        assert!(commands.contains(r#"-- set Interface 'c$d' type=patch 'options:peer="a,b"'"#));
    }
}
