//! What the bridges that run on this machine hold.

mod known;
mod read;

use std::path::PathBuf;

pub(super) use self::known::{Difference, Kind, Known};
pub(super) use self::read::{Endpoint, Found, Sockets};

/// Arguments of subcommands that look at running bridges if they are told to.
#[derive(Debug, clap::Args)]
pub(super) struct Live {
    /// What the running bridges hold, instead of what is compiled. Nothing is changed there
    #[arg(id = "live", long = "live")]
    pub(super) is_asked: bool,
    /// Where Open vSwitch has its sockets: a bridge is asked at BRIDGE.mgmt in there. Without this
    /// it is what OVS_RUNDIR says in the environment, or else /var/run/openvswitch
    #[arg(long, value_name = "DIR", requires = "live")]
    ovs_rundir: Option<PathBuf>,
    /// Where this bridge is asked instead: `unix:PATH` or `tcp:IP:PORT`, where it listens for
    /// OpenFlow; may be repeated
    #[arg(long, value_name = "NAME=WHERE", requires = "live")]
    bridge: Vec<Endpoint>,
}

impl Live {
    /// Where the bridges are asked.
    pub(super) fn sockets(&self) -> Sockets<'_> {
        Sockets::new(self.ovs_rundir.as_deref(), &self.bridge)
    }
}
