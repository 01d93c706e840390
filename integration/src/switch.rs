//! A plain Ethernet switch between hosts.

use std::fs;

use anyhow::{Context, Result};

use crate::layout::bring_up;
use crate::netns::Namespace;
use crate::ovs::PrivateOvs;
use crate::plan::Station;
use crate::run_dir::{Place, RunDir};

/// What the device or the bridge of the switch is called.
const NAME: &str = "switch";

/// What a switch is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bridge of the Linux kernel.
    Linux,
    /// A bridge of an Open vSwitch of its own, without a controller.
    OpenVswitch,
}

/// A learning switch that knows nothing of OpenFlow, in a namespace of its own: every port takes
/// tagged frames of any VLAN and untagged ones, as they are.
#[derive(Debug)]
pub struct Switch {
    namespace: Namespace,
    /// Where it is not a Linux bridge.
    ovs: Option<PrivateOvs>,
}

impl Switch {
    /// Makes a switch without ports: of this kind, or else a Linux bridge where the kernel has one.
    ///
    /// # Errors
    ///
    /// A tool is missing or fails.
    pub fn build(run_dir: &RunDir, namespace: Namespace, kind: Option<Kind>) -> Result<Self> {
        let linux = || {
            let bridge = ["link", "add", "name", NAME, "type", "bridge"];
            // Multicast goes everywhere, as without anybody who asks for group memberships.
            namespace.ip(&[&bridge[..], &["mcast_snooping", "0"]].concat())?;
            namespace.ip(&["link", "set", "dev", NAME, "up"])
        };
        let ovs = match kind {
            Some(Kind::Linux) => linux().map(|_| None)?,
            None if linux().is_ok() => None,
            None | Some(Kind::OpenVswitch) => {
                let dir = run_dir.path().join(NAME);
                fs::create_dir(&dir)?;
                let ovs = PrivateOvs::start(&dir, &namespace)?;
                ovs.vsctl(&[
                    "add-br",
                    NAME,
                    "--",
                    "set",
                    "bridge",
                    NAME,
                    "datapath_type=netdev",
                ])?;
                Some(ovs)
            }
        };
        Ok(Self { namespace, ovs })
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Makes a device of the namespace a port of the switch.
    ///
    /// # Errors
    ///
    /// There is no such device.
    pub fn plug(&self, device: &str) -> Result<()> {
        if let Some(ovs) = &self.ovs {
            return ovs.vsctl(&["add-port", NAME, device]).map(drop);
        }
        self.namespace
            .ip(&["link", "set", "dev", device, "master", NAME])
            .map(drop)
    }

    /// Joins a station with a namespace of its own to the switch.
    ///
    /// # Errors
    ///
    /// There is one of that name, or a tool fails.
    pub fn add(&self, place: &Place, station: &Station) -> Result<Namespace> {
        let namespace = Namespace::add(place.namespace(&station.port))?;
        let veth = ["link", "add", "name", &station.port, "type", "veth"];
        let peer = ["peer", "name", station.device(), "netns", namespace.name()];
        let ip = |args: &[&str]| self.namespace.ip(args);
        ip(&[&veth[..], &peer].concat()).with_context(|| format!("cannot add {}", station.port))?;
        ip(&["link", "set", "dev", &station.port, "up"])?;
        self.plug(&station.port)?;
        bring_up(&namespace, station)?;
        Ok(namespace)
    }
}
