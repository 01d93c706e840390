//! Ports: those of the configuration, and others.

use std::collections::BTreeSet;

use super::facts::{Bridge, Contents, Device, Port};
use super::{Check, Examination, Level};
use crate::portmap;
use crate::setup;
use crate::topology::{Bridges, FunctionKind, Host, Patch, Remote};

/// What a port of the configuration is.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    /// The end of a patch that leads to this port.
    Patch {
        peer: &'a str,
    },
    /// A tunnel to a remote sink.
    Tunnel(&'a Remote),
    Uplink,
    /// The vNIC of this VM.
    Vnic {
        vm: &'a str,
        roams: bool,
    },
    /// A port of this function; drained ones get no frames.
    Function {
        name: &'a str,
        is_drained: bool,
    },
}

impl Examination<'_> {
    pub(super) fn ports(&mut self) {
        for (role, bridge, found) in self.present() {
            let configured = portmap::configured(self.host, role);
            for name in &configured {
                if let Some(part) = part(self.host, name) {
                    self.look_at(part.check());
                    self.configured(bridge, name, part);
                }
            }
            if !self.host.is_open() {
                self.look_at(Check::Stray);
                let strays = found.ports.iter();
                // One that belongs to another bridge is found as such, a bond by its name.
                let known: BTreeSet<&str> = self
                    .host
                    .bridges()
                    .flat_map(|(role, _)| portmap::configured(self.host, role))
                    .collect();
                let strays = strays.filter(|(name, port)| {
                    let is_known = known.contains(name.as_str()) || known.contains(&*port.row);
                    *name != bridge && !is_known
                });
                for (name, port) in strays {
                    self.stray(bridge, found, name, port);
                }
            }
        }
    }

    /// A port that is in no configuration. A guest is never unplugged, nor is a bond taken apart.
    fn stray(&mut self, bridge: &str, found: &Bridge, name: &str, port: &Port) {
        // The bridge may do what another configuration says.
        let is_in_force = match self.facts.contents.get(bridge) {
            Some(Contents::Read(holds)) => holds.wrong.is_empty(),
            _ => false,
        };
        let mut what = format!("it is at {bridge}, and in no configuration");
        if is_in_force {
            what += ": its frames are dropped";
        }
        let others = found.members(&port.row).into_iter();
        let others: Vec<&str> = others.filter(|other| *other != name).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            what += &format!("; it is in the OVS bond {} with {others}", port.row);
        }
        if let Some(noted) = port.guest() {
            what += &format!("; it is a guest's ({noted})");
        }
        // Nothing is lost with what has no device. All else may be somebody's: a guest's of a
        // hypervisor that notes nothing, or the machine's own.
        let is_left_over = port.error.is_some() || self.facts.is_gone(name, port);
        let mend = self.unplugged(bridge, port);
        self.find(
            Check::Stray,
            name,
            what,
            mend.filter(|_| is_left_over && is_in_force),
        );
    }

    /// What takes a port away, if nothing else goes with it and it is no guest's.
    fn unplugged(&self, bridge: &str, port: &Port) -> Option<String> {
        let is_harmless = port.guest().is_none() && self.is_alone(bridge, port);
        is_harmless.then(|| self.tools.vsctl(["del-port", bridge, &port.row]))
    }

    /// Whether a port is in no bond.
    fn is_alone(&self, bridge: &str, port: &Port) -> bool {
        let bridge = self.facts.bridges.get(bridge);
        bridge.is_some_and(|bridge| bridge.members(&port.row).len() == 1)
    }

    /// The members of the bond of Open vSwitch that is called `name`, if there is one.
    fn bond(&self, name: &str) -> Option<String> {
        let bridges = self.facts.bridges.values();
        let mut members = bridges.map(|bridge| bridge.members(name));
        let members = members.find(|members| !members.is_empty())?;
        Some(members.join(", "))
    }

    /// A port that `bridge` should have.
    fn configured(&mut self, bridge: &str, name: &str, part: Part<'_>) {
        let Some((place, port)) = self.port(name) else {
            let Some(members) = self.bond(name) else {
                return self.missing(bridge, name, part);
            };
            let what = format!(
                "it is an OVS bond: OpenFlow sees its members; list these under uplinks: {members}"
            );
            return self.find_as(part.level(), part.check(), name, what, None);
        };
        let made = self.made(bridge, name, part);
        if place != bridge {
            let mend = match (&made, self.tools) {
                (Some(made), tools) => {
                    let away = ["del-port", place, &port.row, "--"];
                    tools.vsctl(away.into_iter().chain(made.arguments().skip(1)))
                }
                (None, tools) => tools.moved(name, port, place, bridge),
            };
            let mend = Some(mend).filter(|_| self.is_alone(place, port));
            let what = format!("{} is at {place}, and belongs to {bridge}", part.words());
            self.find(part.check(), name, what, mend);
            return;
        }
        let mend = made.map(|made| self.tools.transaction(&made));
        match part {
            Part::Patch { peer } => {
                let own = port.options.get("peer").map_or("nowhere", String::as_str);
                let what = match port.kind.as_str() {
                    "patch" if own == peer => return self.opened(bridge, name, port, part),
                    "patch" => format!("it leads to {own}, and should to {peer}"),
                    _ => "it is no patch port".to_owned(),
                };
                self.find(Check::Patch, name, what, mend);
            }
            Part::Tunnel(remote) => {
                let (kind, options) = setup::tunnel_options(remote);
                let is_right = |(key, value): &(&str, Option<String>)| {
                    port.options.get(*key) == value.as_ref()
                };
                if port.kind == kind && options.iter().all(is_right) {
                    return self.opened(bridge, name, port, part);
                }
                let what = format!("it is not the tunnel of the configuration to {}", remote.ip);
                self.find(Check::Tunnel, name, what, mend);
            }
            Part::Uplink | Part::Vnic { .. } | Part::Function { .. } => {
                self.opened(bridge, name, port, part);
            }
        }
    }

    /// What makes it, if that is not for the hypervisor to do.
    fn made(&self, bridge: &str, name: &str, part: Part<'_>) -> Option<setup::Transaction> {
        match part {
            Part::Patch { peer } => Some(setup::patch_port(bridge, name, peer)),
            Part::Tunnel(remote) => Some(setup::tunnel_port(bridge, name, remote)),
            Part::Uplink | Part::Vnic { .. } | Part::Function { .. } => None,
        }
    }

    fn missing(&mut self, bridge: &str, name: &str, part: Part<'_>) {
        // It is where its VM is.
        if matches!(part, Part::Vnic { roams: true, .. }) {
            return;
        }
        let words = part.words();
        let missing = format!("{words} is missing at {bridge}");
        let (what, mend) = match (self.made(bridge, name, part), self.facts.devices.get(name)) {
            (Some(made), _) => (missing, Some(self.tools.transaction(&made))),
            (None, Some(Device { user: None, .. })) => {
                let add = ["--may-exist", "add-port", bridge, name];
                (missing, Some(self.tools.vsctl(add)))
            }
            // Plugged in by a command, it would be taken from them.
            (
                None,
                Some(Device {
                    user: Some(user), ..
                }),
            ) => (
                format!("{missing}, and the device of that name is in use ({user})"),
                None,
            ),
            (None, None) if self.facts.sees_its_devices() => (
                format!("{missing}, and this machine has no such device"),
                None,
            ),
            (None, None) => (missing, None),
        };
        self.find_as(part.level(), part.check(), name, what, mend);
    }

    /// Whether a port that is in its place carries frames.
    fn opened(&mut self, bridge: &str, name: &str, port: &Port, part: Part<'_>) {
        self.look_at(Check::Device);
        // What Open vSwitch says of a patch without a peer may be from yesterday, and whatever is
        // wrong with the peer is found there.
        if matches!(part, Part::Patch { .. }) {
            return;
        }
        let is_gone = self.facts.is_gone(name, port);
        let gone = is_gone.then(|| "its device is gone".to_owned());
        if let Some(error) = port.error.clone().or(gone) {
            let mend = match part {
                // What is left over of it: the hypervisor plugs it in again with its device. Nobody
                // does so for a function, and Open vSwitch takes a device that comes back by itself.
                Part::Vnic { .. } if is_gone => self.unplugged(bridge, port),
                _ => None,
            };
            self.find_as(part.level(), Check::Device, name, error, mend);
            return;
        }
        self.look_at(Check::Link);
        let words = part.words();
        if port.is_up == Some(false) && !matches!(part, Part::Tunnel(_)) {
            let is_here = self.facts.sees_its_devices();
            let mend = is_here.then(|| format!("ip link set dev {} up", setup::quoted(name)));
            self.find_as(
                part.level(),
                Check::Link,
                name,
                format!("{words} is down"),
                mend,
            );
        } else if port.has_link == Some(false) {
            let what = format!("{words} has no link: its other end is down");
            self.find_as(part.level(), Check::Link, name, what, None);
        }
    }
}

impl Part<'_> {
    fn check(self) -> Check {
        match self {
            Self::Patch { .. } => Check::Patch,
            Self::Tunnel(_) => Check::Tunnel,
            Self::Uplink | Self::Vnic { .. } | Self::Function { .. } => Check::Port,
        }
    }

    /// How bad it is that it carries no frames. A VM may be switched off.
    fn level(self) -> Level {
        match self {
            Self::Patch { .. } | Self::Tunnel(_) | Self::Uplink => Level::Error,
            Self::Function { is_drained, .. } if !is_drained => Level::Error,
            Self::Function { .. } | Self::Vnic { .. } => Level::Warning,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Patch { peer } => format!("the patch to {peer}"),
            Self::Tunnel(remote) => format!("the tunnel to {}", remote.ip),
            Self::Uplink => "the uplink".to_owned(),
            Self::Vnic { vm, .. } => format!("the vNIC of {vm}"),
            Self::Function { name, .. } => format!("the port of function {name}"),
        }
    }
}

/// How bad it is that the port called `name` carries no frames.
pub(super) fn level(host: &Host, name: &str) -> Level {
    part(host, name).map_or(Level::Error, Part::level)
}

/// What the port called `name` is on `host`.
fn part<'a>(host: &'a Host, name: &str) -> Option<Part<'a>> {
    if let Bridges::Chain(chain) = &host.bridges {
        let ends = |patch: &'a Patch| [(&patch.left, &patch.right), (&patch.right, &patch.left)];
        let end = chain.patches.iter().flat_map(ends);
        let mut end = end.filter(|(own, _)| *own == name);
        if let Some((_, peer)) = end.next() {
            return Some(Part::Patch { peer });
        }
    }
    if let Some((_, remote)) = host.remotes().find(|(port, _)| *port == name) {
        return Some(Part::Tunnel(remote));
    }
    if host.uplinks.iter().any(|uplink| uplink == name) {
        return Some(Part::Uplink);
    }
    if let Some(vnic) = host.vnic(name) {
        let (vm, roams) = (vnic.vm.as_str(), vnic.roams);
        return Some(Part::Vnic { vm, roams });
    }
    let functions = host.chains.iter().flat_map(|chain| &chain.functions);
    functions.into_iter().find_map(|function| {
        let is_enabled = match &function.kind {
            FunctionKind::Tap { instances, .. } => instances
                .iter()
                .find(|it| it.port == name)
                .map(|it| it.enabled),
            FunctionKind::Inline { instances, .. } => instances
                .iter()
                .find(|it| it.ingress == name || it.egress == name)
                .map(|it| it.enabled),
        }?;
        Some(Part::Function {
            name: &function.name,
            is_drained: !(function.enabled && is_enabled),
        })
    })
}
