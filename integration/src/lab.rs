//! A lab in which every frame is watched.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use openflow::MacAddr;

use crate::capture::{Capture, Sighting};
use crate::controller::Controller;
use crate::frame::Frame;
use crate::inbox::Inbox;
use crate::layout::{self, Layout};
use crate::netns::{Namespace, RawSocket};
use crate::ovs::PrivateOvs;
use crate::plan::{Plan, Station};
use crate::run_dir::{self, RunDir};

/// Stands for the run directory in the text of a config.
pub const DIR: &str = "@DIR@";

/// A lab for a test: every frame is captured at every station. It is taken down when it is dropped.
#[derive(Debug)]
pub struct Lab {
    // Fields are dropped in this order: captures end before their namespaces are deleted.
    stations: BTreeMap<String, Attached>,
    sightings: Inbox<Sighting>,
    layout: Layout,
    run_dir: RunDir,
}

/// A station that can speak and that is listened to.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) socket: RawSocket,
    _capture: Capture,
}

impl Attached {
    /// Speaks and listens at a device; the inbox gets what arrives under the name of the port.
    pub(crate) fn new(
        namespace: &Namespace,
        device: &str,
        port: &str,
        sightings: &Inbox<Sighting>,
    ) -> Result<Self> {
        Ok(Self {
            _capture: Capture::start(namespace, device, port, sightings)?,
            socket: namespace.raw_socket(device)?,
        })
    }
}

impl Lab {
    /// Brings up bridges and stations, without a controller.
    ///
    /// # Errors
    ///
    /// The caller is not root, or a tool is missing or fails.
    pub fn up(plan: Plan) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        let layout = Layout::build(&run_dir, plan)?;
        Self::attach(run_dir, layout)
    }

    /// Brings up the only host of a config, ready for [`start_controller`](Self::start_controller).
    /// [`DIR`] in the text stands for the run directory.
    ///
    /// # Errors
    ///
    /// The caller is not root, the config is refused, or a tool is missing or fails.
    pub fn from_config(text: &str) -> Result<Self> {
        Self::build(text, None)
    }

    /// Brings up one of the hosts of a config, alone.
    ///
    /// # Errors
    ///
    /// There is no such host; otherwise as for [`from_config`](Self::from_config).
    pub fn of_host(text: &str, host: &str) -> Result<Self> {
        Self::build(text, Some(host))
    }

    fn build(text: &str, host: Option<&str>) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        write_config(&run_dir, text)?;
        let layout = Layout::build_from_config(&run_dir, host)?;
        Self::attach(run_dir, layout)
    }

    /// The same, with [both legs](Plan::join_legs) of an inline function in one namespace.
    ///
    /// # Errors
    ///
    /// As [`from_config`](Self::from_config).
    pub fn with_joined_legs(text: &str) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        write_config(&run_dir, text)?;
        let layout = Layout::build_with_joined_legs(&run_dir)?;
        Self::attach(run_dir, layout)
    }

    /// Brings up one of the hosts that share a switch.
    pub(crate) fn beside_others(
        text: &str,
        host: &str,
        plan: Plan,
        switch: &Namespace,
    ) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        write_config(&run_dir, text)?;
        let layout = Layout::build_beside_others(
            run_dir.place(),
            layout::config(&run_dir),
            host,
            plan,
            switch,
        )?;
        Self::attach(run_dir, layout)
    }

    fn attach(run_dir: RunDir, layout: Layout) -> Result<Self> {
        let sightings = Inbox::default();
        let mut stations = BTreeMap::new();
        for station in &layout.plan().stations {
            let namespace = layout.namespace(station);
            let attached = Attached::new(&namespace, station.device(), &station.port, &sightings)?;
            stations.insert(station.port.clone(), attached);
        }
        Ok(Self {
            stations,
            sightings,
            layout,
            run_dir,
        })
    }

    /// Starts the controller with the lab's config.
    ///
    /// # Errors
    ///
    /// `bridgechain` cannot be built or started.
    pub fn start_controller(&self) -> Result<Controller> {
        Controller::start(self.layout.host(), &self.layout.config())
    }

    /// The same, with a filter for its log (`RUST_LOG`).
    ///
    /// # Errors
    ///
    /// As [`start_controller`](Self::start_controller).
    pub fn start_controller_logging(&self, filter: &str) -> Result<Controller> {
        Controller::start_logging(self.layout.host(), &self.layout.config(), filter)
    }

    /// Waits until all bridges were brought into line with the config, and the next frame will meet
    /// that.
    ///
    /// # Errors
    ///
    /// That does not happen.
    pub fn await_sync(&self, controller: &Controller) -> Result<()> {
        let mut bridges = self.layout.plan().bridges.iter();
        bridges.try_for_each(|bridge| self.await_sync_of(controller, bridge, 1))
    }

    /// Waits until one bridge was brought into line that many times since the controller's start:
    /// at the start, by a reload or by a repair.
    ///
    /// # Errors
    ///
    /// That does not happen.
    pub fn await_sync_of(&self, controller: &Controller, bridge: &str, times: usize) -> Result<()> {
        controller.wait_for_sync(None, bridge, times)?;
        self.ovs().purge()
    }

    /// Writes another config in place of the lab's; the controller does not know yet.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn change_config(&self, text: &str) -> Result<()> {
        write_config(&self.run_dir, text)
    }

    /// What the lab consists of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The Open vSwitch of the lab.
    pub fn ovs(&self) -> &PrivateOvs {
        self.layout.ovs()
    }

    /// The run directory; a good place for the files of a test, since it goes with the lab.
    pub fn dir(&self) -> PathBuf {
        self.run_dir.path()
    }

    /// The station at a port.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn station(&self, port: &str) -> Result<&Station> {
        self.layout
            .plan()
            .station(port)
            .with_context(|| format!("no station has the port {port}"))
    }

    /// The MAC address of the station at a port.
    ///
    /// # Errors
    ///
    /// There is no such station.
    pub fn mac(&self, port: &str) -> Result<MacAddr> {
        Ok(self.station(port)?.mac)
    }

    /// Sends a frame as it is from the station at a port.
    ///
    /// # Errors
    ///
    /// There is no such station, or its device is down.
    pub fn transmit(&self, port: &str, frame: &Frame) -> Result<()> {
        self.attached(port)?.socket.send(&frame.encode())
    }

    /// Unplugs the station at a port and gives its interface another name, as it gets with a VM that
    /// starts anew. It goes by the same port in the lab, and nothing is plugged in until somebody does
    /// that.
    ///
    /// # Errors
    ///
    /// There is no such station, or the name is taken.
    pub fn rename(&mut self, port: &str, interface: &str) -> Result<()> {
        let old = self.station(port)?.interface().to_owned();
        self.ovs().vsctl(&["del-port", &old])?;
        let host = self.layout.host();
        // A device that is up keeps its name.
        host.ip(&["link", "set", "dev", &old, "down"])?;
        host.ip(&["link", "set", "dev", &old, "name", interface, "up"])?;
        let stations = &mut self.layout.plan_mut().stations;
        for station in stations.iter_mut().filter(|station| station.port == port) {
            station.interface = Some(interface.to_owned());
        }
        Ok(())
    }

    /// The namespace of the station at a port.
    ///
    /// # Errors
    ///
    /// There is no such station.
    pub fn namespace(&self, port: &str) -> Result<Namespace> {
        Ok(self.layout.namespace(self.station(port)?))
    }

    /// Every frame that arrived at a station since the lab came up; those of a station in the order
    /// of arrival.
    pub fn sightings(&self) -> &Inbox<Sighting> {
        &self.sightings
    }

    pub(crate) fn attached(&self, port: &str) -> Result<&Attached> {
        self.stations
            .get(port)
            .with_context(|| format!("no station has the port {port}"))
    }
}

fn write_config(run_dir: &RunDir, text: &str) -> Result<()> {
    layout::write_config(
        run_dir,
        &text.replace(DIR, &run_dir.path().to_string_lossy()),
    )
}
