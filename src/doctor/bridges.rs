//! How bridges are set up.

use super::facts::{Bridge, Controller};
use super::{Check, Examination, Level};
use crate::topology::{Bridges, Membership, Role};

impl Examination<'_> {
    pub(super) fn bridges(&mut self) {
        self.look_at(Check::Bridge);
        self.are_there();
        let present = self.present();
        let datapath = present
            .iter()
            .max_by_key(|(role, ..)| *role == Role::Uplink)
            .map(|(.., bridge)| Self::datapath(bridge));
        let datapath = self.tools.datapath_type.as_deref().or(datapath);
        for (_, name, bridge) in &present {
            self.fail_mode(name, bridge);
            self.datapath_id(name, bridge);
            self.in_band(name, bridge);
            self.controller(name, bridge);
            self.protocols(name, bridge);
            if let (Some(kind), Bridges::Chain(_)) = (datapath, &self.host.bridges) {
                self.datapath_type(name, bridge, kind);
            }
            self.past_openflow(name, bridge);
        }
        self.vlan_limit();
    }

    fn are_there(&mut self) {
        let host = self.host;
        if host.bridges == Bridges::AnyLearning && self.present().is_empty() {
            // Which of its bridges should have one is not known.
            let what = "no bridge of this machine has a controller";
            self.find(Check::Bridge, &host.name, what, None);
        }
        let other = self.present().first().map(|(.., it)| Self::datapath(it));
        let datapath = self.tools.datapath_type.as_deref().or(other);
        let missing = host.bridges().map(|(_, bridge)| bridge.name.as_str());
        let missing = missing.filter(|name| !self.facts.bridges.contains_key(*name));
        for name in missing.collect::<Vec<_>>() {
            let mend = self.tools.setup(&host.name, datapath);
            self.find(Check::Bridge, name, "there is no such bridge", mend);
        }
    }

    fn fail_mode(&mut self, name: &str, bridge: &Bridge) {
        self.look_at(Check::FailMode);
        if bridge.fail_mode.as_deref() != Some("secure") {
            let mode = bridge.fail_mode.as_deref().unwrap_or("not set");
            self.find(
                Check::FailMode,
                name,
                format!(
                    "fail_mode is {mode}: it becomes a plain switch, past all functions, when the \
                     controller is away"
                ),
                self.tools.vsctl(["set-fail-mode", name, "secure"]),
            );
        }
    }

    fn datapath_id(&mut self, name: &str, bridge: &Bridge) {
        let Some((_, known)) = self.host.bridges().find(|(_, known)| known.name == name) else {
            return;
        };
        self.look_at(Check::DatapathId);
        let wanted = known.datapath_id.to_string();
        let column = "datapath-id";
        let set = format!("other-config:{column}={wanted}");
        let mend = self.tools.vsctl(["set", "Bridge", name, &set]);
        let in_force = bridge.datapath_id.as_deref().unwrap_or("none");
        let is_fixed = bridge.other_config.contains_key(column);
        if in_force.eq_ignore_ascii_case(&wanted) && is_fixed {
            return;
        }
        let (level, what) = if in_force.eq_ignore_ascii_case(&wanted) {
            let what = "its datapath id is not fixed: it may change with its ports";
            (Level::Warning, what.to_owned())
        } else {
            let hosts = self.topology.hosts.values();
            let others = hosts.filter(|host| host.name != self.host.name);
            let mut others = others.flat_map(|host| host.bridges());
            // Then its name does not tell whose it is.
            let level = match others.any(|(_, other)| other.name == name) {
                true => Level::Error,
                false => Level::Warning,
            };
            let what = format!("its datapath id is {in_force}, and {wanted} in the configuration");
            (level, what)
        };
        self.find_as(level, Check::DatapathId, name, what, mend);
    }

    fn in_band(&mut self, name: &str, bridge: &Bridge) {
        self.look_at(Check::InBand);
        let is_disabled = bridge
            .other_config
            .get("disable-in-band")
            .map(String::as_str)
            == Some("true");
        let is_in_band = |controller: &Controller| {
            let is_remote = !controller.target.starts_with("unix:");
            is_remote && controller.connection_mode.as_deref() != Some("out-of-band")
        };
        if !is_disabled && bridge.controllers.iter().any(is_in_band) {
            self.find(
                Check::InBand,
                name,
                "in-band control adds flows that nobody sees, before all others",
                self.tools
                    .vsctl(["set", "Bridge", name, "other-config:disable-in-band=true"]),
            );
        }
    }

    fn controller(&mut self, name: &str, bridge: &Bridge) {
        self.look_at(Check::Controller);
        let listen = &self.topology.controller.listen;
        let is_any = self.tools.config.is_none() && self.tools.controller.is_none();
        let tools = self.tools;
        let is_ours = |it: &&Controller| is_any || tools.reaches(&it.target, listen);
        let (ours, others): (Vec<&Controller>, Vec<&Controller>) =
            bridge.controllers.iter().partition(is_ours);
        let keep = ours.first().map(|own| own.target.clone());
        let target = keep.or_else(|| self.tools.target(listen));
        let mend = target.map(|target| {
            self.tools.vsctl([
                "set-controller",
                name,
                &target,
                "--",
                "set",
                "Controller",
                name,
                "connection_mode=out-of-band",
            ])
        });
        let targets: Vec<&str> = others.iter().map(|it| it.target.as_str()).collect();
        let targets = targets.join(", ");
        match (ours.as_slice(), others.as_slice()) {
            ([], []) => self.find(Check::Controller, name, "it has no controller", mend),
            ([], _) => {
                let what = format!("its controller is {targets}, where this one does not listen");
                self.find(Check::Controller, name, what, mend);
            }
            (_, []) => {}
            _ => {
                let what = format!("it has another controller: {targets}");
                self.find_as(Level::Warning, Check::Controller, name, what, mend);
            }
        }
        if !ours.is_empty() {
            self.look_at(Check::Connected);
        }
        for own in ours.into_iter().filter(|own| !own.is_connected) {
            let why = own.last_error.as_deref();
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            let target = &own.target;
            self.find(
                Check::Connected,
                name,
                format!("it is not connected to {target}{why}: is the controller running?"),
                self.tools.bridgechain("run", &[]),
            );
        }
    }

    fn protocols(&mut self, name: &str, bridge: &Bridge) {
        self.look_at(Check::Protocols);
        if !bridge.protocols.is_empty() && !bridge.protocols.contains("OpenFlow13") {
            let spoken: Vec<&str> = bridge.protocols.iter().map(String::as_str).collect();
            self.find(
                Check::Protocols,
                name,
                format!("it speaks {} only", spoken.join(", ")),
                self.tools
                    .vsctl(["add", "Bridge", name, "protocols", "OpenFlow13"]),
            );
        }
    }

    fn datapath_type(&mut self, name: &str, bridge: &Bridge, wanted: &str) {
        self.look_at(Check::DatapathType);
        let own = Self::datapath(bridge);
        if own != wanted {
            let set = format!("datapath_type={wanted}");
            self.find(
                Check::DatapathType,
                name,
                format!(
                    "its datapath is {own}, that of its neighbours {wanted}: patch ports between \
                     them lead nowhere"
                ),
                self.tools.vsctl(["set", "Bridge", name, &set]),
            );
        }
    }

    /// What Open vSwitch does to frames whatever the flows say.
    fn past_openflow(&mut self, name: &str, bridge: &Bridge) {
        self.look_at(Check::SpanningTree);
        if bridge.has_spanning_tree {
            self.find(
                Check::SpanningTree,
                name,
                "a spanning tree protocol may take ports out of service",
                self.tools.vsctl([
                    "set",
                    "Bridge",
                    name,
                    "stp_enable=false",
                    "rstp_enable=false",
                ]),
            );
        }
        self.look_at(Check::Mirror);
        if bridge.mirrors > 0 {
            self.find(
                Check::Mirror,
                name,
                "it has a mirror, which copies frames past the configuration",
                self.tools.vsctl(["clear", "Bridge", name, "mirrors"]),
            );
        }
    }

    fn vlan_limit(&mut self) {
        let mut vnics = self.host.vnics.iter();
        if !vnics.any(|vnic| matches!(vnic.membership, Membership::Trunked { .. })) {
            return;
        }
        self.look_at(Check::VlanLimit);
        let limit = self.facts.vlan_limit.as_deref();
        if let Some(limit) = limit.filter(|limit| *limit != "1") {
            self.find(
                Check::VlanLimit,
                "Open_vSwitch",
                format!(
                    "vlan-limit is {limit}: a frame with two tags may be taken for one of a \
                     trunked vNIC's networks"
                ),
                self.tools
                    .vsctl(["remove", "Open_vSwitch", ".", "other_config", "vlan-limit"]),
            );
        }
    }
}
