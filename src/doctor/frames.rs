//! Room for frames, and what the machine does to them before they are seen.

use super::facts::Bridge;
use super::{Check, Examination};
use crate::setup::quoted;
use crate::topology::{Bridges, CopyTag, FunctionKind, Remote, Role};

/// A tag that a device has no room for besides its MTU: it has for one.
const SECOND_TAG: u32 = 4;

impl Examination<'_> {
    pub(super) fn frames(&mut self) {
        self.rooms();
        if self.facts.sees_its_devices() {
            self.remotes();
            self.offloads();
        }
    }

    /// Whether what the machine says of devices and routes counts. A command for a device would fail,
    /// or change another one of that name.
    pub(super) fn namespace(&mut self) {
        self.look_at(Check::Namespace);
        if !self.facts.sees_its_devices() {
            let bridges: Vec<&str> = self.facts.bridges.keys().map(String::as_str).collect();
            let what = "no device here is one of its bridges: Open vSwitch is in another network \
                        namespace or on another machine, so devices, offloads and routes were not \
                        looked at; run this where it is";
            self.find(Check::Namespace, &bridges.join(", "), what, None);
        }
    }

    /// Uplinks and functions, for what the guests may send.
    fn rooms(&mut self) {
        let guests = self.host.vnics.iter();
        let guests = guests.filter_map(|vnic| self.port(&vnic.port)?.1.mtu);
        let Some(longest) = guests.max() else { return };
        self.look_at(Check::Mtu);
        let uplinks = self.host.uplinks.iter();
        let mut needs: Vec<(&str, u32)> = uplinks.map(|name| (name.as_str(), longest)).collect();
        let functions = self.host.chains.iter().flat_map(|chain| &chain.functions);
        for function in functions {
            match &function.kind {
                FunctionKind::Inline { instances, .. } => {
                    let legs = instances.iter();
                    let legs = legs.flat_map(|it| [&*it.ingress, &*it.egress]);
                    needs.extend(legs.map(|leg| (leg, longest)));
                }
                FunctionKind::Tap { copying, instances } => {
                    let outer = match copying.tag {
                        CopyTag::Outer { .. } => SECOND_TAG,
                        CopyTag::Keep | CopyTag::Strip => 0,
                    };
                    let local = instances.iter().filter(|it| it.remote.is_none());
                    needs.extend(local.map(|it| (&*it.port, longest + outer)));
                }
            }
        }
        for (name, need) in needs {
            let Some(mtu) = self.port(name).and_then(|(_, port)| port.mtu) else {
                continue;
            };
            if mtu < need {
                self.too_small(
                    name,
                    mtu,
                    need,
                    "frames of guests that are longer are lost there",
                );
            }
        }
    }

    fn too_small(&mut self, name: &str, mtu: u32, need: u32, what: &str) {
        let set = format!("mtu_request={need}");
        // Of what Open vSwitch has it also keeps the MTU.
        let mend = match self.port(name) {
            Some(_) => self.tools.vsctl(["set", "Interface", name, &set]),
            None => format!("ip link set dev {} mtu {need}", quoted(name)),
        };
        let what = format!("its MTU is {mtu}, and {need} is needed: {what}");
        self.find(Check::Mtu, name, what, mend);
    }

    /// The way of copies to other machines.
    fn remotes(&mut self) {
        let functions = self.host.chains.iter().flat_map(|chain| &chain.functions);
        let taps = functions.filter_map(|function| match &function.kind {
            FunctionKind::Tap { copying, instances } => Some((copying, instances)),
            FunctionKind::Inline { .. } => None,
        });
        let mut ways: Vec<(&str, &Remote, u32)> = Vec::new();
        for (copying, instances) in taps {
            for instance in instances {
                let Some(remote) = &instance.remote else {
                    continue;
                };
                let copy = copying.snap_length.unwrap_or(remote.longest_copy());
                let packet = u32::from(copy) + u32::from(remote.overhead());
                ways.push((&instance.port, remote, packet));
            }
        }
        for (port, remote, packet) in ways {
            self.look_at(Check::Route);
            let Some(device) = self.facts.routes.get(&remote.ip) else {
                let what = format!("this machine has no route to its sink {}", remote.ip);
                self.find(Check::Route, port, what, None);
                continue;
            };
            self.look_at(Check::Mtu);
            for device in self.carriers(device) {
                let known = self.facts.devices.get(&device).and_then(|it| it.mtu);
                let port_mtu = self.port(&device).and_then(|(_, port)| port.mtu);
                if let Some(mtu) = port_mtu.or(known).filter(|mtu| *mtu < packet) {
                    let what = format!("the copies for {} are lost there", remote.ip);
                    self.too_small(&device, mtu, packet, &what);
                }
            }
        }
    }

    /// The devices that carry what leaves by `device`. A bridge has the MTU of its uplinks, if none
    /// of its own.
    fn carriers(&self, device: &str) -> Vec<String> {
        let outside = self.host.bridge(Role::Uplink);
        let outside = outside.or(self.host.bridge(Role::Learning));
        match outside {
            Some(bridge) if bridge.name == device && !self.host.uplinks.is_empty() => {
                self.host.uplinks.clone()
            }
            _ => vec![device.to_owned()],
        }
    }

    fn offloads(&mut self) {
        for (role, _, bridge) in self.present() {
            let ports: Vec<&str> = match (&self.host.bridges, role) {
                (Bridges::Chain(_), Role::Uplink) | (Bridges::Learning(_), _) => {
                    self.host.uplinks.iter().map(String::as_str).collect()
                }
                (Bridges::Chain(_), Role::Service) => self.host.function_ports().collect(),
                _ => continue,
            };
            for name in ports {
                self.offload(bridge, role, name);
            }
        }
    }

    fn offload(&mut self, bridge: &Bridge, role: Role, name: &str) {
        let is_device = bridge.ports.get(name).is_some_and(|it| it.kind.is_empty());
        let Some(device) = self.facts.devices.get(name).filter(|_| is_device) else {
            return;
        };
        self.look_at(Check::Offload);
        let is_function = role == Role::Service;
        // The kernel's datapath cuts what was merged into pieces where it leaves; functions are given
        // it whole. That in user space knows nothing of it.
        let harmful: &[(&str, &str)] = match (Self::datapath(bridge), is_function) {
            ("netdev", _) => &[
                ("large-receive-offload", "lro"),
                ("generic-receive-offload", "gro"),
            ],
            (_, false) => &[("large-receive-offload", "lro")],
            (_, true) => &[
                ("large-receive-offload", "lro"),
                ("tcp-segmentation-offload", "tso"),
                ("generic-segmentation-offload", "gso"),
            ],
        };
        let on = harmful
            .iter()
            .filter(|(feature, _)| device.offloads.contains(*feature));
        let on: Vec<&(&str, &str)> = on.collect();
        if on.is_empty() {
            return;
        }
        let features: Vec<&str> = on.iter().map(|(feature, _)| *feature).collect();
        let off: Vec<String> = on.iter().map(|(_, short)| format!("{short} off")).collect();
        let mend = format!("ethtool -K {} {}", quoted(name), off.join(" "));
        let what = format!(
            "{}: frames are merged into longer ones before they are seen",
            features.join(", ")
        );
        self.find(Check::Offload, name, what, mend);
    }
}
